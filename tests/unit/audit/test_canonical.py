"""Canonical JSON: one form for one content, and no other is taken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audit.canonical import NotCanonical, canonical, parse_canonical

TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_the_example_of_the_specification() -> None:
    """RFC 8785, section 3.2.2 and 3.2.3: numbers, escapes and the order of members."""
    given_text = (
        r'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        r'"string": "€$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(json.loads(given_text)) == expected.encode()


@given(VALUES)
def test_what_was_written_is_read(value: object) -> None:
    """Reading gives back the value, and writing that gives the same bytes."""
    data = canonical(value)
    assert parse_canonical(data) == value
    assert canonical(json.loads(data)) == data


@pytest.mark.parametrize(
    "data",
    [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1}\n', b'{"a":1,"a":1}', b'{"a":1.0}', b'"\\u0041"', b"{", b"\xff", b""],
)
def test_other_forms_are_not_taken(data: bytes) -> None:
    """Another order, spaces, doubled members, other spellings of the same: each is told."""
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, "\ud800"])
def test_what_has_no_one_form_is_not_written(value: object) -> None:
    """Numbers that readers would round, and text that is none, are mistakes of the caller."""
    with pytest.raises(ValueError, match="canonical"):
        canonical(value)
