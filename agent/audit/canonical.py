"""JSON in its canonical form (RFC 8785), so that the same content is the same bytes for everybody who hashes it."""

from __future__ import annotations

import json
from typing import Any

import rfc8785

_LARGEST = 1 << 26  # bytes; a log of a job is a thousandth of it


class NotJson(ValueError):
    """The bytes are no JSON, nest too deeply, or are more than any record of ours."""


class NotCanonical(ValueError):
    """The bytes are not JSON, or not in the one form that RFC 8785 allows for what they say."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value: no spaces, no line feed, members sorted.

    ValueError for what JSON cannot say everywhere alike: NaN, infinities, integers beyond 2^53, half surrogates.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"this has no canonical form: {error}") from error


def parse_json(data: bytes) -> Any:
    """The value of JSON in UTF-8, of whoever's making; NotJson for everything else."""
    if len(data) > _LARGEST:
        raise NotJson(f"this is larger than {_LARGEST} bytes")
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise NotJson(f"this is no JSON: {error}") from error


def parse_canonical(data: bytes) -> Any:
    """The value of canonical JSON; NotCanonical for everything else (doubled members, spaces, another order)."""
    try:
        value = parse_json(data)
        again = canonical(value)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"this is not JSON as it was written: {error}") from error
    if again != data:
        raise NotCanonical("this is JSON, but not in the form in which it was written")
    return value
