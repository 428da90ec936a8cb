"""A shape of the catalogue against the controls of a recorded region."""

from __future__ import annotations

from typing import Any

import pytest

from agent.structure.compare_shapes import differences
from flows import KnownControl, KnownShape

SHAPE = KnownShape(
    mark="I",
    note="n",
    hook="add_user.window",
    kind="form",
    controls={
        "last_name": KnownControl(kind="text", name="user[last_name]", words=("Last Name",)),
        "job_title": KnownControl(kind="text", name="user[job_title]", words=("Job Title",), optional=True),
        "submit": KnownControl(kind="button", sends=True, words=("Create", "Add")),
    },
)


def element(name: str = "", *words: str, sends: bool = False) -> dict[str, Any]:
    """A control as it is read from a recording."""
    return {"name": name, "value": "", "data": "", "sends": sends, "hooks": [], "words": list(words)}


SAVE = element("", "Create", sends=True)


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        ([element("user[last_name]", "Last Name"), SAVE], []),
        ([element("user[last_name]", "<words:2>"), SAVE], []),
        ([element("user[last_name]", "Surname"), SAVE], ["last_name: says 'Surname'"]),
        (
            [element("user[last_name]", "Last Name"), element("user[job_title]", "Trade"), SAVE],
            ["job_title: says 'Trade'"],
        ),
        ([SAVE], ["last_name: not there"]),
        ([element("user[last_name]", "Last Name"), element("", "Delete", sends=True)], ["submit: says 'Delete'"]),
    ],
)
def test_what_is_missing_or_says_something_else_is_told(elements: list[dict[str, Any]], told: list[str]) -> None:
    """A word that is a class in the recording says nothing, for or against; an optional control may be missing."""
    assert [str(item) for item in differences(SHAPE, elements)] == told
