"""What two looks at one page led to."""

from __future__ import annotations

import pytest

from agent.replay.matching import Match, compare, compare_all, differences, unmasked


@pytest.mark.parametrize(
    ("then", "now", "match"),
    [
        (["1/0"], ["1/0"], Match.SAME),
        ([], [], Match.SAME),
        (["1/0"], ["1/1"], Match.OTHER),
        (["1/0", "1/1"], ["1/1", "1/0"], Match.OTHER),
        (["1/0"], [], Match.NONE),
        (["1/0", "1/1"], ["1/0"], Match.FEWER),
        (["1/0"], ["1/0", "1/1"], Match.MORE),
        ([], ["1/0"], Match.MORE),
    ],
)
def test_each_way_to_lead_elsewhere_has_its_name(then: list[str], now: list[str], match: Match) -> None:
    """The same count is not the same element, and order counts: the first one is the one that is taken."""
    assert compare(then, now) is match


def test_only_what_both_looked_up_is_compared() -> None:
    """A reading that looks up a new key has not lost anything."""
    found = compare_all({"a.one": ["1"], "a.two": ["2"]}, {"a.one": ["1"], "a.three": ["3"]})

    assert found == {}


def test_a_key_that_leads_elsewhere_is_named_with_both_places() -> None:
    """Then and now stand side by side."""
    found = compare_all({"a.one": ["1"]}, {"a.one": ["2"]})

    assert found == {"a.one": (Match.OTHER, ("1",), ("2",))}


def test_differences_of_data_are_named_by_their_place() -> None:
    """A person who reads the finding knows which field of which row."""
    then = {"rows": [{"name": "Ana", "id": "1"}], "total": 1}
    now = {"rows": [{"name": "Engineer", "id": "1"}], "total": 1, "more": True}

    assert differences(then, now) == [("rows[0].name", "Ana", "Engineer"), ("more", None, True)]


def test_lists_of_different_lengths_differ_as_a_whole() -> None:
    """Which of the rows is missing cannot be told."""
    assert differences({"rows": [1, 2]}, {"rows": [1]}) == [("rows", [1, 2], [1])]


@pytest.mark.parametrize(
    "masked", ["***", "v***@example.com", "(another person)", {"name": "***"}, ["(another person)"]]
)
def test_what_a_record_masks_is_no_difference(masked: object) -> None:
    """Somebody else's name is hidden in the record and in the recording, each in its own way."""
    found = [("rows[0].name", masked, "x"), ("rows[1].name", "x", masked), ("rows[2].name", "x", "y")]

    assert unmasked(found) == [("rows[2].name", "x", "y")]


def test_equal_values_have_no_differences() -> None:
    """The oracle is silent where it should be."""
    assert differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []
