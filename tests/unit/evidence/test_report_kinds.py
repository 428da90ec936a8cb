"""Every kind of job reads well, whatever became of it, of its folder and of its place in a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.audit.sink import Position
from agent.evidence.folder import EvidenceFolder, timestamp
from agent.evidence.manifest import versions
from agent.evidence.record import Removed, read_record
from agent.evidence.report import render
from agent.evidence.story import chapters, spans
from tests.unit.evidence import story
from tests.unit.evidence.folders import Folder
from tests.unit.evidence.page_reader import Page
from tests.unit.evidence.test_report import HOSTILE

SIGNED = Position("9f3c1a77d24e5b60", 17, "ab" * 32, "cd" * 32, "2026-11-22T09:15:12.120Z", True, "agent/9f3c+1d2e3f40")
#: what tells a reader of the files how to read them; everything else is somebody's words
STRUCTURE = frozenset({"event", "kind", "file", "at", "state", "verdict", "moment", "action", "dry_run", "check_since"})


def words_of(folder: Folder, **options: Any) -> str:
    """What the report of a folder says."""
    return Page(render(folder.write(), versions(), **options)).text()


def between(text: str, begin: str, end: str) -> str:
    """The part of a text from one heading to another."""
    return text[text.index(begin) : text.index(end, text.index(begin))]


def test_the_story_is_told_in_the_order_in_which_it_happened(tmp_path: Path) -> None:
    """Who asked, signing in, looking, planning, each step with its picture, reading back, the end."""
    written = Folder(tmp_path / "job").write()
    told = chapters(read_record(written.path))
    assert [chapter.title for chapter in told] == [
        "The request",
        "Signing in",
        "Looking first",
        "Planning",
        *[step.title for step in story.STEPS],
        "Looking afterwards",
        "Reading everything back",
        "The end",
    ]
    assert [len(chapter.pictures) for chapter in told] == [0, 0, 1, 0, 1, 1, 1, 0, 1, 0]
    assert [chapter.state for chapter in told[4:7]] == ["saved"] * 3
    assert told[0].sentences == [
        "hr-system@example.com asked for this under the ticket IT-4711; the request says that Maria Keller, Head of "
        "Engineering approved it."
    ]
    assert told[3].sentences[0] == "3 steps planned, touching 1 person and 2 projects."


def test_the_times_of_the_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    """No gap, no overlap: the bars together are the job's time, and each step has its own."""
    found = spans(read_record(Folder(tmp_path / "job").write().path))
    assert (found[0].begin, found[-1].end) == (0, 9000)
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert sum(span.took for span in found) == 9000
    assert [span.what for span in found if span.what.startswith("Step 2")] == [f"Step 2: {story.STEPS[1].title}"]


def test_a_clock_that_goes_back_ends_the_times(tmp_path: Path) -> None:
    """Lines of a later process begin at nought again; no part has a negative time."""
    folder = Folder(tmp_path / "job")
    folder.lines = folder.lines[:6]
    folder.say("interrupted", 0, text="The process ended here; completed later from what it left.")
    found = spans(read_record(folder.write().path))
    assert all(span.took >= 0 for span in found)
    assert found[-1].end == 2400


def test_who_asked_and_who_approved_stand_there(tmp_path: Path) -> None:
    """Those of the request, and those whom the queue knows: who handed it in, who said yes there."""
    folder = Folder(tmp_path / "job")
    said = {"queue_job": "41", "attempt": "2", "handed_in_by": "token:hr", "approved_by": "local:maria", "mode": "run"}
    folder.lines.insert(1, {**folder.lines[0], "event": "note", "text": "A job of the queue.", "data": said})
    text = words_of(folder)
    assert "Handed in by token:hr" in text
    assert "Approved in the agent by local:maria, which this run did not need" in text
    assert "Job 41 of the queue, handed in by token:hr, approved in the queue by local:maria, attempt 2." in text


def test_an_approval_that_the_run_rested_on_is_told_apart(tmp_path: Path) -> None:
    """Somebody's yes in the agent counts where policy asked for it; the request's own approver stands beside it."""
    folder = Folder(tmp_path / "job")
    by_hand = {"run_by_hand_by": "local:root", "approved_by": "local:root"}
    folder.lines.insert(1, {**folder.lines[0], "event": "note", "text": "Run by hand.", "data": by_hand})
    assert read_record(folder.write().path).approved_by is None
    asked = {"text": "Policy asks for a yes here, and it was given.", "data": {"approved": "too-many-people"}}
    folder.lines.insert(2, {**folder.lines[0], "event": "note", **asked})
    assert read_record(folder.write().path).approved_by == "local:root"
    text = words_of(folder)
    assert "Run by hand by local:root" in text
    assert "Approved in the agent by local:root" in text
    assert "did not need" not in text
    assert "Approved by, says the request Maria Keller, Head of Engineering" in text


def test_others_who_asked_for_the_same_are_named(tmp_path: Path) -> None:
    """Who, under which ticket, when, through whom; nothing of it where nobody else did."""
    folder = Folder(tmp_path / "job")
    assert "Also asked for by" not in words_of(folder)
    reason = {"requested_by": "it-desk@example.com", "ticket": "IT-9", "approved_by": "Jo Park"}
    folder.request["joined"] = [
        {"at": "2026-11-22T08:01:02+00:00", "handed_in_by": "token:desk", "idempotency_key": "k", "reason": reason},
        {"at": "not a time", "reason": None},
    ]
    text = words_of(folder)
    assert (
        "Also asked for by it-desk@example.com, ticket IT-9, on 22 November 2026, 08:01:02 UTC, "
        "approved by Jo Park as that request says, handed in by token:desk" in text
    )
    assert "Also asked for by somebody, on not known" in text


def _check(folder: Folder) -> None:
    folder.request["check_since"] = timestamp(story.STARTED - timedelta(hours=2))
    folder.after, folder.plan = None, {"steps": [], "differences": []}


def _check_done(folder: Folder) -> None:
    _check(folder)
    assert folder.outcome is not None
    folder.outcome |= {"verdict": "done", "nothing_to_do": True, "steps": []}


def _check_open(folder: Folder) -> None:
    _check(folder)
    assert folder.outcome is not None
    folder.outcome |= {"verdict": "waiting", "steps": []}
    folder.plan = story.PLAN.model_dump(mode="json")


def _read(folder: Folder) -> None:
    folder.request["job"] = {
        "action": "read",
        "reason": folder.request["job"]["reason"],
        "person": {"email": "m@x.test"},
    }
    folder.after = folder.plan = None
    folder.lines = folder.lines[:4]
    assert folder.outcome is not None
    folder.outcome |= {"verdict": "done", "steps": [], "witnesses": []}


def _snapshot(folder: Folder) -> None:
    folder.request["job"] = {"action": "snapshot", "reason": folder.request["job"]["reason"]}
    folder.before = folder.after = folder.plan = None
    folder.lines = folder.lines[:2]
    folder.say("note", 1900, text="Users: 181", data={"list": "users", "rows": "181"})
    assert folder.outcome is not None
    folder.outcome |= {"verdict": "done", "steps": [], "witnesses": []}


def _approval(folder: Folder) -> None:
    folder.after = None
    assert folder.outcome is not None
    folder.outcome |= {
        "verdict": "waiting",
        "steps": [],
        "witnesses": [],
        "approvals": [{"code": "admin-template", "message": "The template 'Company Admin' gives full rights."}],
    }


def _near(folder: Folder) -> None:
    near = {"name": "Mara L.", "email": "m.l@example.com", "company": "Hillside", "user_id": "77", "job_title": "Cook"}
    folder.before, folder.after = {"person": None, "correlation": {"matches": [], "near": [near]}}, None
    assert folder.outcome is not None
    folder.outcome |= {
        "verdict": "waiting",
        "steps": [],
        "witnesses": [],
        "error": {"code": "near-hit", "message": "?"},
    }


def _dry(folder: Folder) -> None:
    folder.request["dry_run"] = True
    folder.after = None
    assert folder.outcome is not None
    folder.outcome |= {"verdict": "done", "steps": [], "witnesses": []}


def _interrupted(folder: Folder) -> None:
    folder.after = folder.outcome = None
    folder.lines = folder.lines[:8]
    folder.say("interrupted", 0, text="The process ended here; completed later from what it left.")


def _no_person(folder: Folder) -> None:
    folder.before = {"person": None, "correlation": {"matches": [], "near": []}}


@pytest.mark.parametrize(
    ("change", "there", "not_there"),
    [
        (_check_done, ["Checked: as requested", "Check of work done by hand", "whether somebody has done it by hand"],
         ["Dry run"]),
        (_check_open, ["Checked: not yet as requested", "What is left to do", "3 steps left to do"], ["Dry run"]),
        (_read, ["As it was read", "Nothing was changed, so there is nothing to confirm."], ["Before and after"]),
        (_snapshot, ["What was read", "Users 181", "snapshot.csv", "Reading the list Users: 181"], ["As it was read"]),
        (_approval, ["What needs a yes", "The template 'Company Admin' gives full rights.", "What was to change"], []),
        (_near, ["Why a person has to act", "People who may be the same", "m.l@example.com"], ["What went wrong"]),
        (_dry, ["Dry run", "What would be changed", "Nothing of it was done."], ["Done and confirmed"]),
        (_interrupted, ["Interrupted", "The program ended here", "not begun".capitalize()], ["Done and confirmed"]),
        (_no_person, ["Nobody had this address before"], ["changed changed"]),
    ],
)  # fmt: skip
def test_each_kind_reads_as_what_it_is(
    tmp_path: Path, change: Callable[[Folder], None], there: list[str], not_there: list[str]
) -> None:
    """A check of handwork is no dry run, a reading has no before and after, an interruption is not called done."""
    folder = Folder(tmp_path / "job")
    change(folder)
    text = words_of(folder)
    for words in there:
        assert words in text, words
    for words in not_there:
        assert words not in text, words


def test_a_place_in_a_signed_ledger_is_told(tmp_path: Path) -> None:
    """Ledger, entry, what it follows, by which key it is signed, and how to check it again."""
    folder = Folder(tmp_path / "091502-provision-4f1a9c")
    text = words_of(folder, position=SIGNED)
    for words in ("Entry 17 of the audit ledger", SIGNED.ledger, "ab" * 32, "Follows entry 16", "cd" * 32, SIGNED.key):
        assert words in text
    assert "agent evidence verify 091502-provision-4f1a9c" in text
    manifest = json.loads((tmp_path / "091502-provision-4f1a9c/manifest.json").read_text())
    integrity = text[text.index("Files under the seal") :]
    assert all(entry["sha256"] in integrity for entry in manifest["files"])


def test_the_first_entry_follows_nothing(tmp_path: Path) -> None:
    """Entry 0 has no entry -1 before it."""
    text = words_of(Folder(tmp_path / "job"), position=Position("9f", 0, "ab" * 32, "0" * 64, "2026", True, "k"))
    assert "Follows entry" not in text


@pytest.mark.parametrize(
    ("sealed", "position", "there", "not_there"),
    [
        (True, Position("9f", 3, "ab" * 32, "cd" * 32, "2026", False, ""),
         ["no signing key was at hand", "not signed yet"], ["is signed with the key"]),
        (True, None, ["not entered in an audit ledger", "Sealed, in no ledger"], ["Entry", "agent evidence verify"]),
        (False, None, ["This folder is not sealed", "Not sealed"], ["agent evidence verify", "under the seal"]),
    ],
)  # fmt: skip
def test_no_more_is_claimed_than_is_so(
    tmp_path: Path, sealed: bool, position: Position | None, there: list[str], not_there: list[str]
) -> None:
    """Without a key, a ledger or a seal the page says so, and speaks of no signature, ledger or seal."""
    folder = Folder(tmp_path / "job")
    text = Page(render(folder.write(sealed=sealed), versions(), position)).text()
    for words in there:
        assert words in text, words
    for words in not_there:
        assert words not in text, words


def test_what_retention_has_removed_is_told_in_its_place(tmp_path: Path) -> None:
    """What went, when, by which policy and why; each picture's place says it; the seal's hashes are still there."""
    folder = Folder(tmp_path / "job")
    written = folder.write()
    gone = tuple((name, len(data), "ef" * 32) for name, data in folder.pictures.items())
    for name, _, _ in gone:
        (tmp_path / "job" / name).unlink()
    removed = Removed("2027-02-20T03:00:00.000Z", "heavy artifacts: 90 days", "older than 90 days", gone, entry=412)
    page = Page(render(EvidenceFolder(written.path), versions(), SIGNED, [removed]))
    text = page.text()
    assert not page.all("img")
    assert "On 2027-02-20, 5 files" in text
    assert "under the policy “heavy artifacts: 90 days”: older than 90 days." in text
    assert "The seal still covers what went" in text
    assert "(number 412)" in text
    assert text.count("This picture was removed on 2027-02-20") == 5
    files = text[text.index("Files under the seal") :]
    assert files.count("removed 2027-02-20") == 5
    assert "it was not kept" not in text
    assert not [rect for rect in page.all("rect") if rect.get("class") == "line"], "no outline without its picture"


def test_a_picture_that_is_gone_without_a_word_is_not_called_retention(tmp_path: Path) -> None:
    """The planted violation to the test above: nobody said that it was removed, so the page does not either."""
    folder = Folder(tmp_path / "job")
    written = folder.write()
    (tmp_path / "job/pictures/01-before.webp").unlink()
    text = Page(render(written, versions(), SIGNED)).text()
    assert "No picture: it was not kept." in text
    assert "removed" not in between(text, "What happened, in order", "Where the time went")


def hostile(value: Any, name: str = "") -> Any:
    """Everything that is anybody's words, with markup after it; keys and structure stay."""
    if isinstance(value, dict):
        return {key: hostile(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, name) for item in value]
    return f"{value}{HOSTILE}" if value and isinstance(value, str) and name not in STRUCTURE else value


def test_markup_in_any_field_of_any_file_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Each word of each file that somebody else may have chosen, at once: no new tag, no attribute, no template."""
    plain = Folder(tmp_path / "plain")
    _near(plain)
    nasty = Folder(tmp_path / "nasty")
    _near(nasty)
    for folder in (plain, nasty):
        folder.say("note", 9100, text="seen", data={"queue_job": "1", "handed_in_by": "a", "approved_by": "b"})
        folder.say("note", 9100, text="Users: 3", data={"rows": "3"})
        assert folder.outcome is not None
        folder.outcome["approvals"] = [{"code": "x", "message": "why"}]
        folder.request["job"]["hand_over"] = [{"what": "RFIs", "to": "Jonas"}]
        folder.outcome["witnesses"] = [item.model_dump(mode="json") for item in story.WITNESSES]
    nasty.request, nasty.session, nasty.before = hostile(nasty.request), hostile(nasty.session), hostile(nasty.before)
    nasty.plan, nasty.outcome, nasty.lines = hostile(nasty.plan), hostile(nasty.outcome), hostile(nasty.lines)
    nasty.request["job_id"] = "job"
    good, bad = Page(render(plain.write(), versions())), Page(render(nasty.write(), versions()))

    def skeleton(page: Page) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in page.tags]

    assert skeleton(good) == skeleton(bad)
    assert bad.text().count("<script>alert(1)</script>") > 60
    assert str(7919 * 7919) not in bad.text()
    removed = Removed(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, 1, HOSTILE),))
    position = Position(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE, True, HOSTILE)
    ledger = Page(render(EvidenceFolder(plain.path), versions(), position, [removed]))
    assert not ledger.all("script")
    assert len(ledger.all("img")) == len(good.all("img"))


def test_the_printed_header_cannot_be_broken_out_of(tmp_path: Path) -> None:
    """A job id stands in the style sheet for the header of printed pages: only plain letters of it get there."""
    folder = Folder(tmp_path / "job")
    folder.request["job_id"] = 'a"; } body { display: none } </style><script>'
    text = render(folder.write(), versions())
    style = text[text.index("<style>") : text.index("</style>")]
    assert '@top-left { content: "Evidence record a  body  display: none  stylescript"; }' in style
