"""The page over a period: complete, in a useful order, and no surer than its sources."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.audit.checkpoint import Checkpoint
from agent.audit.entries import NOTHING_BEFORE, Entry, Kind, Sealed
from agent.audit.note import SigningKey, sign_note
from agent.audit.reading import ENTRIES, ChainBroken
from agent.evidence.index import write_index
from tests.unit.evidence.folders import Folder
from tests.unit.evidence.page_reader import Page
from tests.unit.evidence.test_report import HOSTILE

DAY = datetime(2026, 11, 22, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


def stamp(at: datetime) -> str:
    """A time as the ledger writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Book:
    """A ledger being written, entry by entry, without waiting for any disk."""

    def __init__(self, evidence: Path, tenant: str = "northwind") -> None:
        self.home = evidence / tenant
        self.tenant = tenant
        self.entries: list[Entry] = []
        opened = {"ledger": "9f3c1a77d24e5b60", "tenant": tenant, "agent": "0.1.0", "keys": []}
        self.add("opened", DAY - timedelta(days=3), opened)

    def add(self, kind: str, at: datetime, data: dict[str, Any]) -> None:
        """Append an entry."""
        last = self.entries[-1] if self.entries else None
        moment, before = (max(stamp(at), last.at), last.sha256) if last else (stamp(at), NOTHING_BEFORE)
        self.entries.append(Entry.make(len(self.entries), before, moment, Kind(kind), data))

    def accept(self, queue: int, at: datetime, *, action: str = "provision", **more: Any) -> None:
        """A job is accepted."""
        reason = {"ticket": f"IT-{queue}", "requested_by": "hr@example.com", "approved_by": "maria@example.com"}
        person = more.pop("person", f"person{queue}@example.com")
        data = {
            "job": {"queue": queue, "job_id": None},
            "action": action,
            "person": person,
            "reason": {**reason, **more},
            "request_sha256": "ab" * 32,
            "at": stamp(at),
            "source": "token:hr",
        }
        self.add("accepted", at, data)

    def run(self, queue: int, at: datetime, verdict: str = "done", *, changed: bool = True, **more: Any) -> str:
        """It is run; the name of the run's folder."""
        job_id = f"{at:%H%M%S}-job-{queue}"
        data = {
            "job_id": job_id,
            "queue": queue,
            "attempt": 1,
            "verdict": verdict,
            "manifest_sha256": "cd" * 32,
            "folder": f"{at:%Y-%m-%d}/{job_id}",
            "person": f"person{queue}@example.com",
            "action": "provision",
            "started": stamp(at),
            "ended": stamp(at + timedelta(seconds=8)),
            "changed": changed,
        }
        self.add("sealed", at + timedelta(seconds=9), {**data, **more})
        return job_id

    def end(self, queue: int, at: datetime, state: str = "done", error_kind: str | None = None) -> None:
        """It is over."""
        data = {"queue": queue, "state": state, "job_id": None, "error_kind": error_kind, "at": stamp(at)}
        self.add("ended", at, data)

    def state_period(self, begin: datetime, **counts: Any) -> None:
        """A day is over."""
        data = {
            "from": stamp(begin),
            "to": stamp(begin + timedelta(days=1)),
            "accepted": 0,
            "ended": {},
            "reopened": 0,
            "direct": {},
            "open": {"queued": 0, "running": 0, "waiting": 0, "missing": 0},
        }
        self.add("period", begin + timedelta(days=1, minutes=5), {**data, **counts})

    def write(self) -> None:
        """Put it on disk."""
        folder = self.home / "ledger"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ENTRIES).write_bytes(b"".join(entry.line + b"\n" for entry in self.entries))


def page_of(evidence: Path, begin: datetime = DAY, end: datetime = NEXT) -> tuple[Page, str]:
    """The index of a period, taken apart, and its words."""
    out = write_index(evidence, "northwind", begin, end, evidence / "northwind", now=NEXT)
    page = Page(out.read_text())
    return page, page.text()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A day on which everything happened."""
    book = Book(tmp_path)
    book.accept(1, DAY - timedelta(hours=20))  # of the day before, and still waiting
    book.run(1, DAY - timedelta(hours=19), "waiting", changed=False)
    morning = DAY + timedelta(hours=8)
    for queue in range(2, 8):
        book.accept(queue, morning + timedelta(minutes=queue))
    book.accept(8, morning + timedelta(minutes=8), action="offboard")
    book.accept(9, morning + timedelta(minutes=9), action="offboard")
    book.accept(10, morning + timedelta(minutes=10), action="offboard")
    for queue, verdict in ((2, "done"), (3, "uncertain"), (4, "waiting"), (5, "failed"), (6, "refused"), (8, "done")):
        book.run(queue, morning + timedelta(minutes=20 + queue), verdict, changed=verdict in ("done", "uncertain"))
    book.run(10, morning + timedelta(hours=2))
    book.end(2, morning + timedelta(minutes=23))
    book.end(5, morning + timedelta(minutes=26), "dead", "failed")
    book.end(6, morning + timedelta(minutes=27), "dead", "refused")
    book.end(7, morning + timedelta(minutes=28), "cancelled")
    book.end(8, morning + timedelta(minutes=29))
    book.end(10, morning + timedelta(hours=3))
    book.write()
    return book


def test_the_population_adds_up_in_words(tmp_path: Path, book: Book) -> None:
    """Every accepted job of the period stands under one heading, and the sum is written out."""
    _, text = page_of(tmp_path)
    assert "9 jobs were accepted." in text
    assert (
        "3 are done, 1 is failed, 1 is refused, 1 is uncertain, 1 is cancelled, 1 is waiting for a person, and" in text
    )
    assert "3 + 1 + 1 + 1 + 1 + 1 + 1 = 9, so each of them is accounted for." in text


def test_what_is_not_settled_comes_first(tmp_path: Path, book: Book) -> None:
    """Uncertain before waiting before not yet run; what is left from before the period, too; then the rest."""
    _, text = page_of(tmp_path)
    top = text[text.index("Uncertain ones first") : text.index("How many, and how they stand 9 jobs")]
    order = [top.index(f"person{number}@example.com") for number in (3, 4, 9, 1)]
    assert order == sorted(order)
    assert "From before this period" in top
    assert "4 jobs are not settled" in text
    assert "person2@example.com" not in top


def test_leavers_have_a_table_of_their_own(tmp_path: Path, book: Book) -> None:
    """From request to done: who is not done first, then the slowest; the middle and the worst in words."""
    _, text = page_of(tmp_path)
    part = text[text.index("Leavers 3 people") : text.index("Failed and refused Over")]
    assert "2 are done, read back from Procore: half of them within 1 h 35 min of the request" in part
    assert "the slowest after 2 h 50 min" in part
    order = [part.index(f"person{number}@example.com") for number in (9, 10, 8)]
    assert order == sorted(order)
    assert "2 h 50 min" in part
    assert "21 min 0 s" in part


def test_each_job_leads_to_its_report(tmp_path: Path, book: Book) -> None:
    """A link where the report is, relative to the page and with odd letters written for an address; else words."""
    sealed = [entry.data.folder for entry in book.entries if isinstance(entry.data, Sealed)]
    for name in sealed[1:3]:
        folder = book.home / name
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("x")
    page, text = page_of(tmp_path)
    links = {link["href"] for link in page.all("a") if not (link["href"] or "").startswith("#")}
    assert links == {f"{name}/report.html" for name in sealed[1:3]}
    assert "(no report here)" in text
    assert "never run" in text
    elsewhere = write_index(tmp_path, "northwind", DAY, NEXT, tmp_path / "index 1.html", now=NEXT)
    assert f'href="northwind/{sealed[1]}/report.html"' in elsewhere.read_text()


def test_done_without_a_change_is_told_apart(tmp_path: Path) -> None:
    """A job that found everything as requested is done, and changed nothing."""
    book = Book(tmp_path)
    book.accept(1, DAY)
    book.run(1, DAY, changed=False)
    book.end(1, DAY + timedelta(seconds=10))
    book.write()
    assert "Done, nothing was changed" in page_of(tmp_path)[1]


def test_who_approved_in_the_agent_is_told(tmp_path: Path) -> None:
    """Beside the approver that the request names."""
    book = Book(tmp_path)
    book.accept(1, DAY)
    book.run(1, DAY, approved_by="local:ada")
    book.end(1, DAY + timedelta(seconds=10))
    book.write()
    text = page_of(tmp_path)[1]
    assert "approved by maria@example.com" in text
    assert "approved in the agent by local:ada" in text


def test_empty_times_are_told(tmp_path: Path) -> None:
    """Days in which nothing happened are named, as the ledger states them; a day that nobody stated is not."""
    book = Book(tmp_path)
    book.state_period(DAY - timedelta(days=2))
    book.state_period(DAY, accepted=0)
    book.state_period(DAY + timedelta(days=1), accepted=3)
    book.write()
    _, text = page_of(tmp_path, DAY - timedelta(days=3), DAY + timedelta(days=2))
    assert "3 periods stated; in 2 of them nothing happened" in text
    assert "2026-11-20 00:00 to 2026-11-21 00:00 UTC" in text
    assert "2026-11-22 00:00 to 2026-11-23 00:00 UTC" in text
    assert "2026-11-23 00:00 to" not in text
    assert "Not stated 2 d 0 h" in text
    assert "No job was accepted" in text


def test_how_far_the_signed_head_reaches_is_told(tmp_path: Path, book: Book) -> None:
    """No checkpoint, one that is behind the last entry, one that is damaged: each is said."""
    _, text = page_of(tmp_path)
    assert "none: no checkpoint of this ledger was ever signed" in text
    assert f"{len(book.entries)} in all, numbered from 0" in text
    assert book.entries[-1].sha256 in text
    key = SigningKey("agent/9f3c1a77d24e5b60", Ed25519PrivateKey.generate())
    head = Checkpoint("agent/9f3c1a77d24e5b60", len(book.entries) - 3, b"x" * 32)
    (book.home / "ledger" / "checkpoint").write_text(sign_note(head.text, [key]))
    _, text = page_of(tmp_path)
    assert f"of {head.size} entries, by {key.public.label}; 3 later entries are not under it yet" in text
    (book.home / "ledger" / "checkpoint").write_text("garbage")
    assert "cannot be read" in page_of(tmp_path)[1]


def test_a_ledger_that_does_not_add_up_says_so_on_top(tmp_path: Path) -> None:
    """An end of a job that nobody accepted is a headline, not a footnote."""
    book = Book(tmp_path)
    book.accept(1, DAY)
    book.run(1, DAY)
    book.end(1, DAY + timedelta(minutes=1))
    book.write()
    assert "does not add up" not in page_of(tmp_path)[1]
    book.end(77, DAY + timedelta(minutes=2))
    book.write()
    _, text = page_of(tmp_path)
    assert "The ledger does not add up" in text
    assert "Job 77 ended" in text
    assert "Every job is settled" not in text


def test_a_broken_ledger_gives_no_page(tmp_path: Path, book: Book) -> None:
    """A page over entries that do not follow one another would mislead; nothing is written."""
    file = book.home / "ledger" / ENTRIES
    file.write_bytes(file.read_bytes().replace(b"person2@", b"person3@", 1))
    with pytest.raises(ChainBroken):
        page_of(tmp_path)
    assert not list(book.home.glob("*.html*"))
    assert not list(book.home.glob(".index*"))


def test_without_a_ledger_the_folders_are_shown_for_what_they_are(tmp_path: Path) -> None:
    """The jobs are listed from their folders, and the page says loudly that it cannot be complete."""
    Folder(tmp_path / "northwind/2026-11-22/091502-provision-4f1a9c").write()
    interrupted = Folder(tmp_path / "northwind/2026-11-22/091600-provision-111111")
    interrupted.outcome = None
    interrupted.write()
    (tmp_path / "northwind/2026-11-22/091700-provision-222222").mkdir()
    _, text = page_of(tmp_path)
    assert "There is no ledger" in text
    assert "2 jobs left evidence" in text
    assert "1 is done" in text
    assert "1 is interrupted" in text
    assert "nothing proves that this list is complete" in text


def test_evidence_that_the_ledger_does_not_know_is_shown_apart(tmp_path: Path, book: Book) -> None:
    """A folder that no entry tells of is named, and counted nowhere."""
    Folder(tmp_path / "northwind/2026-11-22/091502-provision-4f1a9c").write()
    _, text = page_of(tmp_path)
    assert "9 jobs were accepted." in text
    outside = text[text.index("Evidence without a ledger entry These") :]
    assert "2026-11-22/091502-provision-4f1a9c" in outside
    assert text.count("091502-provision-4f1a9c") == 1


def test_markup_in_the_ledger_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Names, tickets and actions are anybody's words."""
    book = Book(tmp_path)
    book.accept(1, DAY, action=HOSTILE, person=HOSTILE, ticket=HOSTILE, requested_by=HOSTILE, approved_by=HOSTILE)
    book.run(1, DAY, folder=f"2026-11-22/{HOSTILE}", job_id=HOSTILE)
    book.end(1, DAY + timedelta(minutes=1))
    book.write()
    page, text = page_of(tmp_path)
    assert not {"script", "img", "iframe", "link"} & {tag for tag, _ in page.tags}
    assert text.count("<script>alert(1)</script>") >= 5
    assert str(7919 * 7919) not in text


def test_a_folder_outside_the_evidence_is_not_linked(tmp_path: Path) -> None:
    """A ledger that names a folder elsewhere leads nowhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/report.html").write_text("x")
    book = Book(tmp_path)
    book.accept(1, DAY)
    book.run(1, DAY, folder="../elsewhere")
    book.end(1, DAY + timedelta(minutes=1))
    book.write()
    assert "elsewhere" not in str(page_of(tmp_path)[0].all("a"))


def test_needs_nothing_from_anywhere(tmp_path: Path, book: Book) -> None:
    """No script and no address outside, as the reports."""
    page, _ = page_of(tmp_path)
    assert not {"script", "iframe", "object", "embed", "link", "form", "base", "img"} & {name for name, _ in page.tags}
    assert all("://" not in (link["href"] or "") for link in page.all("a"))


@pytest.mark.parametrize(
    ("begin", "end"), [(DAY, DAY), (NEXT, DAY), (DAY.replace(tzinfo=None), NEXT), (DAY, NEXT.replace(tzinfo=None))]
)
def test_a_period_that_is_none_is_refused(tmp_path: Path, begin: datetime, end: datetime) -> None:
    """It ends after it begins, and its times have a zone."""
    with pytest.raises(ValueError, match="a period begins before it ends"):
        write_index(tmp_path, "northwind", begin, end, tmp_path, now=NEXT)


def test_five_thousand_jobs_are_one_page(tmp_path: Path) -> None:
    """A month of a large company: every job is on the page, in seconds, and the page stays below 5 MB."""
    book = Book(tmp_path)
    for queue in range(1, 5001):
        at = DAY - timedelta(days=2) + timedelta(seconds=20 * queue)
        book.accept(queue, at, action="offboard" if queue % 10 == 0 else "provision")
        book.run(queue, at + timedelta(seconds=2))
        book.end(queue, at + timedelta(seconds=12))
    book.write()
    began = time.perf_counter()
    page, text = page_of(tmp_path, DAY - timedelta(days=3), NEXT)
    took = time.perf_counter() - began
    assert "5,000 jobs were accepted" in text
    assert len(page.all("tr")) > 5500
    assert (tmp_path / "northwind/index-northwind-2026-11-19--2026-11-22.html").stat().st_size < 5_000_000
    assert took < 60
