"""From a job's folder into the ledger: sealed exactly once, wherever the process dies, and whoever completes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.audit.entries import Accepted, Entry, Kind, Reported, Sealed
from agent.audit.keys import KeyringSigner
from agent.audit.ledgers import Ledgers
from agent.audit.reading import read_entries
from agent.audit.sink import LedgerSink, Origin, Position, Recorded
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.errors import Failed
from agent.evidence import report as report_module
from agent.evidence import seal as seal_module
from agent.evidence.check import check
from agent.evidence.folder import EvidenceFolder
from agent.evidence.recorder import EvidenceRecorder
from agent.evidence.recover import recover_partial
from agent.evidence.seal import SealFailed
from agent.execute.events import JobEnded, JobStarted, Note
from agent.execute.outcome import Outcome, StepResult, Verdict
from tests.unit.audit.books import MemoryKeyring
from tests.unit.evidence import story

DONE = Outcome(
    verdict=Verdict.DONE, summary="Done.", steps=(StepResult(number=1, title="Save", state="saved", milliseconds=7),)
)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def ledgers(tmp_path: Path) -> Ledgers:
    return Ledgers(tmp_path / "evidence", KeyringSigner(CredentialStore(MemoryKeyring())))


async def run(
    tmp_path: Path,
    ledger_of: Callable[[str], LedgerSink],
    *,
    origin: Origin | None = None,
    known: KnownSecrets | None = None,
    note: str = "nothing",
) -> Path:
    """One job from its start to its end; returns its folder."""
    recorder = EvidenceRecorder(
        tmp_path / "evidence", tmp_path / "traces", known or KnownSecrets(), ledger_of=ledger_of, origin=origin
    )
    await recorder.notify(JobStarted(story.job(), "northwind", story.STARTED))
    folder = recorder.folder
    assert folder is not None
    await recorder.notify(Note(note))
    await recorder.notify(JobEnded(DONE, story.STARTED))
    return folder


def entries(tmp_path: Path) -> list[Entry]:
    return list(read_entries(tmp_path / "evidence" / "northwind" / "ledger"))


def kinds(tmp_path: Path) -> list[str]:
    return [entry.kind.value for entry in entries(tmp_path)]


def sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


async def test_a_job_stands_in_the_ledger(tmp_path: Path, ledgers: Ledgers) -> None:
    """Accepted, sealed with its manifest, reported, signed; everything an auditor asks for is in the entries."""
    folder = await run(tmp_path, ledgers.sink)
    check(folder)
    _, accepted, sealed, reported = (entry.data for entry in entries(tmp_path))
    assert isinstance(accepted, Accepted)
    assert isinstance(sealed, Sealed)
    assert isinstance(reported, Reported)
    assert (accepted.job.queue, accepted.job.job_id, accepted.source) == (None, folder.name, "run-job")
    assert (accepted.action, accepted.person) == ("provision", "mara.lindqvist@example.com")
    assert accepted.reason.model_dump() == {
        "ticket": "IT-4711",
        "requested_by": "hr-system@example.com",
        "approved_by": "Maria Keller, Head of Engineering",
    }
    assert sealed.manifest_sha256 == sha(folder / "manifest.json")
    assert sealed.folder == f"2026-11-22/{folder.name}"
    assert (sealed.verdict, sealed.changed, sealed.queue, sealed.attempt) == ("done", True, None, 1)
    assert reported.report_sha256 == sha(folder / "report.html")
    assert ledgers.of("northwind").head().unsigned == 0


async def test_a_job_of_the_queue_names_its_number(tmp_path: Path, ledgers: Ledgers) -> None:
    """Its acceptance is the chronicle's to enter, not the recorder's."""
    await run(tmp_path, ledgers.sink, origin=Origin(queue=7, attempt=3))
    assert kinds(tmp_path) == ["opened", "sealed", "reported"]
    sealed = entries(tmp_path)[1].data
    assert isinstance(sealed, Sealed)
    assert (sealed.queue, sealed.attempt) == (7, 3)


async def test_the_yes_that_a_run_rested_on_stands_in_the_ledger(tmp_path: Path, ledgers: Ledgers) -> None:
    """Who gave it in the agent; nobody where policy did not ask, whoever had said yes. The request's is its own."""
    by_hand = Note("Run by hand.", {"run_by_hand_by": "local:ada", "approved_by": "local:ada"})
    asked = Note("It was given.", {"approved": "too-many-people"})
    for notes in ([], [by_hand], [asked], [by_hand, asked]):
        recorder = EvidenceRecorder(tmp_path / "evidence", tmp_path / "traces", KnownSecrets(), ledger_of=ledgers.sink)
        await recorder.notify(JobStarted(story.job(), "northwind", story.STARTED))
        for note in notes:
            await recorder.notify(note)
        await recorder.notify(JobEnded(DONE, story.STARTED))
    sealed = [entry.data for entry in entries(tmp_path) if isinstance(entry.data, Sealed)]
    assert [each.approved_by for each in sealed] == [None, None, None, "local:ada"]


class Deadly:
    """A ledger in front of which, or behind which, the process dies."""

    def __init__(self, sink: LedgerSink, at: str, *, after: bool) -> None:
        self._sink = sink
        self._at = at
        self._after = after

    def _die(self, at: str, *, after: bool) -> None:
        if (at, after) == (self._at, self._after):
            raise Killed(at)

    def ready(self) -> None:
        self._sink.ready()

    def recorded(self, job_id: str) -> Recorded:
        return self._sink.recorded(job_id)

    def accepted(self, data: Mapping[str, Any]) -> None:
        self._die("accepted", after=False)
        self._sink.accepted(data)
        self._die("accepted", after=True)

    def sealed(self, data: Mapping[str, Any]) -> Position:
        self._die("sealed", after=False)
        position = self._sink.sealed(data)
        self._die("sealed", after=True)
        return position

    def reported(self, job_id: str, report_sha256: str) -> None:
        self._die("reported", after=False)
        self._sink.reported(job_id, report_sha256)
        self._die("reported", after=True)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", ["accepted", "sealed", "reported"])
@pytest.mark.parametrize("again", [False, True])
async def test_killed_at_the_ledger(tmp_path: Path, ledgers: Ledgers, at: str, after: bool, again: bool) -> None:
    """Killed before or after any entry, also once more while it is being completed: one of each in the end."""
    with pytest.raises(Killed):
        await run(tmp_path, lambda tenant: Deadly(ledgers.sink(tenant), at, after=after))
    (marker,) = (tmp_path / "evidence").glob("*/*/*/PARTIAL")
    folder = marker.parent
    sealed_before = (folder / "manifest.json").read_bytes() if (folder / "manifest.json").exists() else None

    def complete(ledger_of: Callable[[str], LedgerSink]) -> None:
        recover_partial(folder, tmp_path / "traces", KnownSecrets(), ledger_of=ledger_of)

    if again and at != "accepted":
        died = Deadly(ledgers.sink("northwind"), "reported", after=not after)
        if (at, after) != ("reported", True):
            with pytest.raises(Killed):
                complete(lambda tenant: died)
    complete(ledgers.sink)
    before = kinds(tmp_path)
    (folder / "PARTIAL").write_text("killed before it went")
    complete(ledgers.sink)
    assert kinds(tmp_path) == before
    assert {kind: before.count(kind) for kind in before} == {"opened": 1, "accepted": 1, "sealed": 1, "reported": 1}
    data = [entry.data for entry in entries(tmp_path)]
    (sealed,) = (one for one in data if isinstance(one, Sealed))
    (reported,) = (one for one in data if isinstance(one, Reported))
    assert sealed.manifest_sha256 == sha(folder / "manifest.json")
    assert reported.report_sha256 == sha(folder / "report.html")
    assert not (folder / "PARTIAL").exists()
    check(folder)
    if sealed_before is not None:
        assert (folder / "manifest.json").read_bytes() == sealed_before
    assert sealed.verdict == ("interrupted" if at == "accepted" else "done")


async def test_a_folder_changed_after_its_seal_is_not_sealed_anew(tmp_path: Path, ledgers: Ledgers) -> None:
    """Whoever edits the files of a killed job and deletes its manifest does not get a new seal for it."""
    with pytest.raises(Killed):
        await run(tmp_path, lambda tenant: Deadly(ledgers.sink(tenant), "sealed", after=True))
    (marker,) = (tmp_path / "evidence").glob("*/*/*/PARTIAL")
    folder = marker.parent
    before = kinds(tmp_path)
    (folder / "outcome.json").write_text("{}")
    for _ in range(2):
        with pytest.raises(Failed) as caught:
            recover_partial(folder, tmp_path / "traces", KnownSecrets(), ledger_of=ledgers.sink)
        assert caught.value.code == "evidence-changed"
        (folder / "manifest.json").unlink(missing_ok=True)
    assert kinds(tmp_path) == before
    assert marker.exists()


async def test_a_ledger_that_cannot_be_written_stops_the_job_before_it_begins(tmp_path: Path, ledgers: Ledgers) -> None:
    """Nothing is opened, nothing is written, and the error says why."""
    (tmp_path / "evidence" / "northwind").mkdir(parents=True)
    (tmp_path / "evidence" / "northwind" / "ledger").write_text("in the way")
    with pytest.raises(Failed) as caught:
        await run(tmp_path, ledgers.sink)
    assert caught.value.code == "ledger-unwritable"
    assert not list((tmp_path / "evidence").glob("*/*/*/PARTIAL"))


async def test_a_ledger_that_breaks_while_a_job_runs(tmp_path: Path, ledgers: Ledgers) -> None:
    """The folder stays unfinished and whole; when the ledger is put back, the next completion enters it."""
    await run(tmp_path, ledgers.sink)
    file = tmp_path / "evidence" / "northwind" / "ledger" / "entries.jsonl"
    good = file.read_bytes()

    class Cut(Deadly):
        def sealed(self, data: Mapping[str, Any]) -> Position:
            file.write_bytes(good[:-400])
            return super().sealed(data)

    with pytest.raises(Failed) as caught:
        await run(tmp_path, lambda tenant: Cut(ledgers.sink(tenant), "", after=False), origin=Origin(queue=1))
    assert caught.value.code == "ledger-broken"
    (marker,) = (tmp_path / "evidence").glob("*/*/*/PARTIAL")
    file.write_bytes(good)
    recover_partial(marker.parent, tmp_path / "traces", KnownSecrets(), ledger_of=ledgers.sink)
    assert kinds(tmp_path)[-2:] == ["sealed", "reported"]
    check(marker.parent)


async def test_a_secret_in_the_report_alone(tmp_path: Path, ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that holds a secret is replaced by one that says so; the ledger vouches for that one."""
    known = KnownSecrets()
    known.add("a password", Secret("correct-horse-battery"))

    def leaky(folder: EvidenceFolder, *more: Any) -> None:
        folder.write_bytes("report.html", b"<p>correct-horse-battery</p>")

    monkeypatch.setattr(seal_module, "write_report", leaky)
    with pytest.raises(SealFailed) as caught:
        await run(tmp_path, ledgers.sink, known=known)
    assert caught.value.code == "evidence-holds-secret"
    (report,) = (tmp_path / "evidence").glob("*/*/*/report.html")
    assert "The report is not kept" in report.read_text()
    reported = entries(tmp_path)[-1].data
    assert isinstance(reported, Reported)
    assert reported.report_sha256 == sha(report)
    check(report.parent)


async def test_the_position_is_handed_to_the_report(
    tmp_path: Path, ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Number, hashes, ledger and key as they are in the ledger."""
    given: list[Position] = []
    real = report_module.write_report

    def watching(folder: EvidenceFolder, made_with: Any, position: Position | None = None) -> None:
        assert position is not None
        given.append(position)
        real(folder, made_with, position)

    monkeypatch.setattr(seal_module, "write_report", watching)
    await run(tmp_path, ledgers.sink)
    (position,) = given
    entry = entries(tmp_path)[2]
    head = ledgers.of("northwind").head()
    assert (position.seq, position.sha256, position.prev, position.at) == (2, entry.sha256, entry.prev, entry.at)
    assert position.ledger == head.ledger
    assert position.signed
    assert head.keys[0].startswith(position.key + "+")


async def test_without_a_key_the_job_is_sealed_all_the_same(tmp_path: Path) -> None:
    """A keyring that is locked stops nothing; the position says that nothing was signed."""
    keyring = MemoryKeyring()
    keyring.is_locked = True
    ledgers = Ledgers(tmp_path / "evidence", KeyringSigner(CredentialStore(keyring)))
    await run(tmp_path, ledgers.sink)
    assert kinds(tmp_path) == ["opened", "accepted", "sealed", "reported"]
    assert ledgers.of("northwind").head().signed == 0
    keyring.is_locked = False
    assert ledgers.of("northwind").sign() is not None


def test_what_is_asked_of_an_empty_ledger(ledgers: Ledgers) -> None:
    """Nothing is known of a job there."""
    assert ledgers.sink("northwind").recorded("a-1") == Recorded()


def test_a_damaged_line_about_the_job_is_told(tmp_path: Path, ledgers: Ledgers) -> None:
    """Whether it was sealed cannot be known then, so it is not sealed again."""
    ledgers.of("northwind").append(Kind.REPORTED, {"job_id": "a-1", "report_sha256": "0" * 64})
    file = tmp_path / "evidence" / "northwind" / "ledger" / "entries.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"job_id":"a-1"', b'"job_id": "a-1"'))
    with pytest.raises(Failed) as caught:
        ledgers.sink("northwind").recorded("a-1")
    assert caught.value.code == "ledger-broken"
