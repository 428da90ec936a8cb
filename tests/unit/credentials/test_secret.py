"""A Secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret

TEXT = "Qu1et-Harbor-42"


class Account(BaseModel):
    """A model with a secret in it."""

    name: str
    password: Secret


SHOWN: dict[str, Callable[[Secret], str]] = {
    "str": str,
    "repr": repr,
    "format": lambda secret: format(secret, ">40"),
    "f-string": lambda secret: f"{secret} {secret!r} {secret:20}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # the old way of formatting is the point
    "join": lambda secret: ", ".join([str(secret)]),
    "container": lambda secret: str([secret, {"a": secret}, (secret,)]),
    "model": lambda secret: repr(Account(name="a", password=secret)),
    "model JSON": lambda secret: Account(name="a", password=secret).model_dump_json(),
    "model as JSON values": lambda secret: str(Account(name="a", password=secret).model_dump(mode="json")),
    "model as Python values": lambda secret: str(Account(name="a", password=secret).model_dump()),
    "json with str": lambda secret: json.dumps({"password": secret}, default=str),
    "attributes": lambda secret: str([getattr(secret, "__dict__", None), dir(secret)]),
    "copies": lambda secret: f"{copy.copy(secret)} {copy.deepcopy([secret])}",
}


@pytest.mark.parametrize("way", SHOWN)
def test_nothing_shows_it(way: str) -> None:
    """Every ordinary way of turning a value into text gives *** or nothing."""
    assert TEXT not in SHOWN[way](Secret(TEXT))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_is_not_pickled(protocol: int) -> None:
    """Pickling refuses with a reason, with every protocol."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(TEXT), protocol)


def test_is_not_json() -> None:
    """The json module refuses, and does not name the value."""
    with pytest.raises(TypeError) as caught:
        json.dumps(Secret(TEXT))
    assert TEXT not in str(caught.value)


def test_logging_shows_stars() -> None:
    """The standard library's logging prints ***."""
    stream = io.StringIO()
    logger = logging.getLogger("tests.secret")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.propagate = False
    logger.error("password %s in %r", Secret(TEXT), {"p": Secret(TEXT)})
    logger.removeHandler(handler)
    assert "***" in stream.getvalue()
    assert TEXT not in stream.getvalue()


def test_traceback_with_local_variables_shows_stars() -> None:
    """Even a traceback that prints local variables does not show it."""

    def fails(password: Secret) -> None:
        raise ValueError("no")

    try:
        fails(Secret(TEXT))
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "password = ***" in shown
    assert TEXT not in shown


def test_validation_error_of_the_field_does_not_show_the_value() -> None:
    """A value of the wrong type is refused by pydantic's ordinary error."""
    with pytest.raises(ValidationError, match="expected text"):
        Account.model_validate({"name": "a", "password": 12})


def test_reveal_gives_the_text() -> None:
    """The one way to the text."""
    assert Secret(TEXT).reveal() == TEXT
    assert Account.model_validate({"name": "a", "password": TEXT}).password.reveal() == TEXT


def test_equality_and_truth() -> None:
    """Equal texts are equal, other types are not, and an empty one is false."""
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert not Secret("")


def test_cannot_be_changed_or_hashed() -> None:
    """A secret neither changes nor becomes a key of a dictionary."""
    secret: Any = Secret(TEXT)
    with pytest.raises(AttributeError):
        secret._text = "other"
    with pytest.raises(TypeError):
        hash(secret)


def test_known_secrets_keep_each_once_longest_first() -> None:
    """The list of known secrets has no doubles, and hands out long ones first so that they are masked whole."""
    known = KnownSecrets()
    assert known.add("one", Secret("harbor"))
    assert known.add("two", Secret("harbor-master"))
    assert known.add("two again", Secret("harbor-master"))
    assert [item.label for item in known] == ["two", "one"]


def test_known_secrets_refuse_what_is_too_short() -> None:
    """A text of five characters would be found everywhere; add says that it was not taken."""
    known = KnownSecrets()
    assert not known.add("short", Secret("abcde"))
    assert known.add("code", Secret("123456"), SecretKind.ONE_TIME_CODE)
    assert len(known) == 1
