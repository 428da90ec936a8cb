"""Reduces texts and attribute values to what may be kept of them.

Everything is an allow-list: what is not known to be the pages' own becomes a class, ``<email>`` or ``<words:3>``.
Digits become ``#``, one for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from agent.structure.vocabulary import Vocabulary, bare, single_spaced, steps

EMAIL, TOKEN, LONG, NUMBER, FILLED, OTHER = "<email>", "<token>", "<long>", "<number>", "<filled>", "<w>"
_LONGEST = 120  # characters of an identifier or an address
_MOST_DIGITS = 20
_TELLING = 4  # letters of a word that no token has by accident
_MOST_KEYS = 200
_DEEPEST = 8

_EMAIL = re.compile(r"[^\s@<>\"'()\[\],;:/=?&]+@[^\s@<>\"'()\[\],;:/=?&]+")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?<![A-Za-z0-9])(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{12,}(?![A-Za-z0-9])")
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9])(?=[^\s]*\d)(?=[^\s]*[A-Z])(?=[^\s]*[a-z])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9])"
)
_CLASS = re.compile(r"<(?:email|token|long|number|filled|w|words:\d+\+?)>")
_NUMBERISH = re.compile(r"[\d\s().,:;/+\-–#%$€£x]*\d[\d\s().,:;/+\-–#%$€£x]*", re.IGNORECASE)
_COUNT = re.compile(r"\d[\d,.]*")
_PLAIN = set("-_.:[]()/{}\"'=,;*+!?&#%@$|~^ ")


def text_shape(text: str, known: Vocabulary) -> str:
    """A human text: itself when it is a phrase of the pages, with its gaps reduced, or its class."""
    text = single_spaced(text)
    if not text or known.knows(text) or not bare(text):
        return text
    for pattern in known.gapped:
        found = pattern.fullmatch(text)
        if found:
            return _with_gaps_reduced(text, found, known)
    return _class_of(text)


def _with_gaps_reduced(text: str, found: re.Match[str], known: Vocabulary) -> str:
    kept, at = [], 0
    for group in range(1, (found.re.groups or 0) + 1):
        start, end = found.span(group)
        kept += [text[at:start], _class_of(found.group(group))]
        at = end
    return "".join([*kept, text[at:]])


def _class_of(text: str) -> str:
    if not any(char.isalnum() for char in text):
        return "<words:1>"
    if _EMAIL.fullmatch(text):
        return EMAIL
    if _NUMBERISH.fullmatch(text):
        return digits_hidden(text) if len(text) <= _MOST_DIGITS and _COUNT.fullmatch(text) else NUMBER
    count = len(text.split())
    return f"<words:{count}>" if count < 10 else "<words:10+>"


def digits_hidden(text: str) -> str:
    """Each ASCII digit as ``#``."""
    return re.sub(r"\d", "#", text)


def identifier_shape(value: str, known: Vocabulary) -> str:
    """An id, a hook, a name of a field: known words stay, others become ``<w>``; digits, addresses, tokens go."""
    if len(value) > _LONGEST:
        return LONG
    value = _UUID.sub(TOKEN, _EMAIL.sub(EMAIL, value))
    value = _BASE64.sub(_unless_known(known), _HEX.sub(TOKEN, value))
    parts, at = [], 0
    for found in _CLASS.finditer(value):
        parts += [_steps(value[at : found.start()], known), found.group()]
        at = found.end()
    shape = "".join([*parts, _steps(value[at:], known)])
    return re.sub(rf"(?:{OTHER}){{2,}}", OTHER, shape)


def _unless_known(known: Vocabulary) -> Callable[[re.Match[str]], str]:
    """Long hooks and classes look like base64: those with known words in them are taken word by word."""

    def keep(found: re.Match[str]) -> str:
        words = [step for step in steps(found.group()) if len(step) >= _TELLING and known.knows_word(step)]
        return found.group() if len(words) >= 2 else TOKEN

    return keep


def _steps(value: str, known: Vocabulary) -> str:
    out = []
    for step in steps(value):
        if step.isdigit():
            out.append("#" * min(len(step), _MOST_DIGITS))
        elif step.isalpha():
            out.append(step if known.knows_word(step) else OTHER)
        else:
            out.append(step if step in _PLAIN else "?")
    return "".join(out)


def hook_shape(value: str, known: Vocabulary) -> str:
    """The value of a hook: an identifier, or a phrase; one that carries a person ("{email} Edit") keeps the rest."""
    if " " not in value.strip() and value.isascii():
        return identifier_shape(value, known)
    head, _, tail = single_spaced(value).rpartition(" ")
    if _EMAIL.fullmatch(head) and known.knows(tail):
        return f"{EMAIL} {tail}"
    return text_shape(value, known)


def value_shape(value: str, known: Vocabulary) -> str:
    """A value that is the tenant's unless it is known as a whole: of options, of attributes, in addresses.

    A value in JSON text keeps its quotes.
    """
    bared = value[1:-1] if len(value) > 2 and value[0] == value[-1] == '"' else value
    if known.knows_value(bared):
        return digits_hidden(value)
    if not value:
        return ""
    if re.fullmatch(r"[\d,.:/ +-]*\d", bared, re.ASCII) and len(bared) <= _MOST_DIGITS:
        return digits_hidden(value)
    if len(bared) > _LONGEST:
        return LONG
    if " " in bared.strip():
        return _class_of(single_spaced(bared))
    if _EMAIL.fullmatch(bared):
        return EMAIL
    return TOKEN if _UUID.fullmatch(bared) or _HEX.fullmatch(bared) or _BASE64.fullmatch(bared) else OTHER


def address_shape(value: str, own_host: str, known: Vocabulary) -> str:
    """An address: path by its words, names of parameters, shapes of their values; the host only when it is foreign."""
    try:
        parts = urlsplit(value.strip())
        host = parts.hostname or ""
    except ValueError:
        return LONG
    if parts.scheme and parts.scheme not in {"http", "https"}:
        return f"{parts.scheme if known.knows_word(parts.scheme) else OTHER}:{LONG}"
    if host and host != own_host:
        return "https://<host>/"
    path = "/".join(_part(unquote(part), known) for part in parts.path.split("/"))
    query = "&".join(
        f"{_part(name, known)}={value_shape(item, known)}"
        for name, item in parse_qsl(parts.query, keep_blank_values=True)[:30]
    )
    fragment = f"#{_part(parts.fragment, known)}" if parts.fragment else ""
    return path + (f"?{query}" if query else "") + fragment


def _part(text: str, known: Vocabulary) -> str:
    """A part of an address; spaces and other letters are a person's or a company's."""
    if " " in text or not text.isascii():
        return _class_of(single_spaced(text)) if not text.isspace() else ""
    return identifier_shape(text, known)


def json_shape(value: Any, known: Vocabulary, depth: int = 0) -> Any:
    """The keys and types of a JSON value; of a list the shape of its first item."""
    if isinstance(value, dict) and depth < _DEEPEST:
        items = list(value.items())[:_MOST_KEYS]
        return {_key(name, known): json_shape(item, known, depth + 1) for name, item in items}
    if isinstance(value, list) and depth < _DEEPEST:
        return [json_shape(value[0], known, depth + 1)] if value else []
    names = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "object")


def _key(name: str, known: Vocabulary) -> str:
    return _part(name, known) if name.strip() else "<w>"


def parsed(value: str) -> Any:
    """What a JSON text holds when it is an object or a list; None for anything else."""
    if value[:1] not in "{[" or not value:
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None
