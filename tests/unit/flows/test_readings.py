"""What flows tell of their readings, and that recorded pages can be read with all of them."""

from __future__ import annotations

import pytest

from agent.errors import Failed
from flows import Catalogue, Use, rechecking_for
from flows.page.places import Placed, placed_again, written
from flows.page.reading import Reading
from flows.readings import READINGS, all_readings


def test_every_named_reading_can_be_made_again() -> None:
    """One that is told but not known to the replay would be lost silently; readings of every generation are there."""
    named = {reading.name: reading for _, reading in all_readings() if reading.name}

    assert named == dict(READINGS)
    assert {"list", "edit_page", "grid", "person_page", "answer", "script_answer"} <= set(READINGS)


def test_only_the_sign_in_and_what_reads_nothing_of_a_page_are_not_told() -> None:
    """Pages that ask for a password are nobody's business; the witness of a click, whether a window is open or has come
    up, and waiting for a drawn page read nothing; and the body of an answer is no page."""
    untold = {place for place, reading in all_readings() if not reading.name}

    assert untold == {
        "sign_in._SCREEN",
        "tab._SHOWN",
        "sending.WITNESS",
        "sending._STILL_OPEN",
        "refetching._DRAWN",
        "commit_by_script._BODY",
    }


def test_a_recorded_script_is_the_reading_that_it_was() -> None:
    """Its keys are found in the script itself, the landmark included, so that the old one can run again."""
    for name, reading in READINGS.items():
        again = Reading.recorded(name, reading.source)

        assert (again.hooks, again.texts, again.sha256) == (reading.hooks, reading.texts, reading.sha256)


def test_a_script_is_known_by_its_hash() -> None:
    """Today's code can run a reading whose recorded script was lost, when it is the same one."""
    rechecking = rechecking_for("legacy")
    reading = READINGS["list"]

    assert rechecking.script_sha256("list") == reading.sha256
    assert rechecking.script_of(reading.sha256) == reading.source
    assert rechecking.script_sha256("gone") is None
    assert rechecking.script_of("0" * 64) is None


def test_an_unknown_generation_is_refused() -> None:
    """Recorded pages of another generation are not read with the wrong flows."""
    with pytest.raises(Failed) as failure:
        rechecking_for("next")

    assert failure.value.code == "unknown-generation"


def test_a_selector_remembers_its_keys() -> None:
    """Written down as keys, it selects what another catalogue says."""
    catalogue = Catalogue.load()
    changed = Catalogue.parse(catalogue.source.replace('select[name="permission_template_id"]', "select.renamed"))
    row = Placed.of(catalogue, (Use("projects.row_of", {"project_id": "7"}),), css=True)
    inside = row.within(catalogue, "projects.template_select")

    note = written({"css": inside, "scroll": True})
    again = placed_again(note, changed)

    assert note == {
        "css": {"$at": [["projects.row_of", {"project_id": "7"}], ["projects.template_select", {}]]},
        "scroll": True,
    }
    assert placed_again(note, catalogue)["css"] == inside
    assert again["css"] == inside.replace('select[name="permission_template_id"]', "select.renamed")


def test_a_selector_of_a_key_that_is_gone_raises() -> None:
    """Nothing is guessed for a renamed key."""
    catalogue = Catalogue.load()

    with pytest.raises(KeyError, match=r"page\.nowhere"):
        rechecking_for("legacy").selector((Use("page.nowhere"),), catalogue)
