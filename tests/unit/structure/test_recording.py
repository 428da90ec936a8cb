"""The file of a recording: what it says, who may read it, and what is not taken for one."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest

from agent.errors import Failed, Refused
from agent.structure.recorder import Recorder
from agent.structure.recording import Recording, load, save
from agent.structure.reduce import reduced_page
from agent.structure.vocabulary import Vocabulary
from flows import Catalogue, NotTaken, RawNode, RawPage

CATALOGUE = Catalogue.load()
ROWS = tuple(
    RawNode("div", {"data-qa": "tableRow", "data-id": f"4810{number:03}"}, (RawNode("b", {}, (f"Odalys {name}",)),))
    for number, name in enumerate(["Thornquist", "Marchetti Quarles", "Ubeda", "Ito"])
)
RAW = RawPage("company/users", "legacy", "https://a.test/1/company/directory", "en-US", RawNode("main", {}, ROWS))


def recorded() -> Recording:
    """A recording of a list, and of a place that was not come to."""
    recorder = Recorder(CATALOGUE, names={"the tenant's name": "harborlight"})
    recorder.take(RAW)
    recorder.take(NotTaken("project/users", "denied"))
    return recorder.finish(date(2026, 11, 22)).recording


def test_rows_that_differ_in_contents_only_become_one_with_a_count() -> None:
    """Forty people are one row that stood there forty times."""
    root = reduced_page(RAW, Vocabulary.of(CATALOGUE)).root
    assert len(root.inner) == 1
    assert root.count == 1 + 2 * len(ROWS)


def test_the_head_tells_how_it_was_made_and_not_for_whom() -> None:
    """Agent, catalogue, day, language, generation of each page; the tenant only when it was asked for."""
    head = recorded().head
    assert (head.catalogue, head.date, head.locale) == (CATALOGUE.sha256, "2026-11-22", "en-US")
    assert head.generations == {"company/users": "legacy"}
    assert head.tenant is None
    recorder = Recorder(CATALOGUE)
    recorder.take(RAW)
    assert recorder.finish(date(2026, 11, 22), tenant="harborlight").recording.head.tenant == "harborlight"


def test_a_page_that_two_places_lead_to_is_kept_once() -> None:
    """Newer lists have no tab for each status: the older addresses all lead to one page."""
    recorder = Recorder(CATALOGUE)
    recorder.take(RAW)
    why = recorder.take(RawPage("company/contacts", "mfe", RAW.url, "en-US", RAW.root))
    assert why == "same-page-as company/users"
    assert [page.place for page in recorder.finish(date(2026, 11, 22)).recording.pages] == ["company/users"]


def test_a_walk_without_a_page_is_no_recording() -> None:
    """What stood in the way is said."""
    recorder = Recorder(CATALOGUE)
    recorder.take(NotTaken("company/users", "denied"))
    with pytest.raises(Failed) as failure:
        recorder.finish(date(2026, 11, 22))
    assert (failure.value.code, failure.value.seen) == ("nothing-recorded", "denied")


def test_the_file_is_its_owners_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Nobody else on the machine reads it; nothing is lost on the way."""
    made = recorded()
    path = tmp_path / "deep" / "structure.json"
    save(made.text(), path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert load(path) == made
    assert load(path).text() == made.text()


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    """Another name has to be chosen; the file there stays as it is."""
    path = tmp_path / "structure.json"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        save("{}", path)
    assert refusal.value.code == "recording-exists"
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    """The operator learns which one."""
    tmp_path.chmod(0o500)
    with pytest.raises(Failed) as failure:
        save("{}", tmp_path / "structure.json")
    assert failure.value.code == "recording-unwritable"


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"format": "something-else"},
        {"colour": "red"},
        {"head": {}},
        {"pages": [{"place": "company/users", "root": {"tag": "<b>"}}]},
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Another version, a field nobody knows, an element that could be markup: none of it is guessed at."""
    path = tmp_path / "structure.json"
    path.write_text(json.dumps({**json.loads(recorded().text()), **change}), encoding="utf-8")
    with pytest.raises(Failed) as failure:
        load(path)
    assert failure.value.code == "recording-unreadable"


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    """Missing, or no JSON."""
    (tmp_path / "text").write_text("no JSON", encoding="utf-8")
    for name in ("nowhere", "text"):
        with pytest.raises(Failed, match="is not a recording"):
            load(tmp_path / name)
