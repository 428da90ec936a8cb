"""The chronicle: every acceptance and every end of the queue's jobs is entered once, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.audit.accounts import Accounts
from agent.audit.chronicle import Chronicle, close_quiet_periods
from agent.audit.entries import Accepted, Ended, Entry, Kind, Period, Reopened, Witnessed
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import AuditLedger
from agent.audit.ledgers import Ledgers
from agent.audit.periods import due_periods
from agent.audit.reading import read_entries
from agent.credentials.store import CredentialStore
from agent.errors import Failed
from agent.queue.ending import Dead, Trouble
from agent.queue.record import JobState
from agent.settings import Paths, Settings, Tenant
from agent.settings.audit import AuditSettings
from tests.unit.audit.authority import Authority
from tests.unit.audit.books import MemoryKeyring, accepted, sealed
from tests.unit.schedule.conftest import DAY, HOUR, NOON, Office, SetClock, new

TENANT = Tenant(sign_in_url="https://login.example.com/", app_url="https://app.example.com/", company_id="1")
DEAD = Dead(Trouble("failed", "planned", "It was planned so."))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    place = Office(tmp_path / "queue.db", SetClock())
    await place.start()
    yield place
    await place.stop()


class Host:
    """One host: its settings, its keyring, its evidence; its chronicle is begun anew as often as one likes."""

    def __init__(self, folder: Path, office: Office, **audit: Any) -> None:
        self.office = office
        self.settings = Settings(
            paths=Paths(evidence=folder / "evidence"), tenants={"acme": TENANT}, audit=AuditSettings(**audit)
        )
        self.keyring = MemoryKeyring()
        self.steps = 0.0
        self.start()

    def start(self) -> None:
        """As after a kill: nothing is remembered."""
        clock = self.office.clock
        signer = KeyringSigner(CredentialStore(self.keyring))
        self.ledgers = Ledgers(self.settings.paths.evidence, signer, clock=lambda: datetime.fromtimestamp(clock(), UTC))
        self.chronicle = Chronicle(
            self.settings, self.office.queue, self.ledgers, clock=clock, monotonic=lambda: self.steps
        )

    @property
    def ledger(self) -> AuditLedger:
        return self.ledgers.of("acme")

    def entries(self) -> list[Entry]:
        return list(read_entries(self.ledger.folder))

    def told(self) -> list[tuple[str, object]]:
        """What the entries about jobs of the queue say, in order."""
        found: list[tuple[str, object]] = []
        for entry in self.entries():
            match entry.data:
                case Accepted(job=job):
                    found.append(("accepted", job.queue))
                case Ended(queue=queue, state=state):
                    found.append((state, queue))
                case Reopened(queue=queue):
                    found.append(("reopened", queue))
                case _:
                    pass
        return found

    def periods(self) -> list[Period]:
        return [entry.data for entry in self.entries() if isinstance(entry.data, Period)]


@pytest.fixture
def host(tmp_path: Path, office: Office) -> Host:
    return Host(tmp_path, office)


def offboard(key: str) -> Any:
    return new("offboard", key, person={"email": f"{key}@example.com"})


async def test_acceptances_and_ends_are_entered_once(host: Host, office: Office) -> None:
    """Looking again and again, and starting anew in between, adds nothing."""
    first, second = await office.queue.submit([offboard("a"), offboard("b")])
    await host.chronicle.look()
    assert host.told() == [("accepted", first.id), ("accepted", second.id)]
    await office.work_off()
    for _ in range(3):
        await host.chronicle.look()
        host.start()
        await host.chronicle.look()
    assert host.told() == [
        ("accepted", first.id),
        ("accepted", second.id),
        ("done", first.id),
        ("done", second.id),
    ]
    entry = host.entries()[1].data
    assert isinstance(entry, Accepted)
    assert (entry.action, entry.person, entry.source) == ("offboard", "a@example.com", "hr")
    assert (entry.reason.ticket, entry.at) == ("IT-1", "2027-01-15T08:00:00.000Z")
    assert host.ledger.head().unsigned == 0


async def test_what_happened_while_nobody_looked(host: Host, office: Office) -> None:
    """Jobs that came and went before the first look are entered with both."""
    (receipt,) = await office.queue.submit([offboard("a")])
    await office.work_off(DEAD)
    await host.chronicle.look()
    assert host.told() == [("accepted", receipt.id), ("dead", receipt.id)]


async def test_a_job_that_is_run_again(host: Host, office: Office) -> None:
    """Its second end is entered, too, and between them that it was reopened, seen or not."""
    (receipt,) = await office.queue.submit([offboard("a")])
    await office.work_off(DEAD)
    await host.chronicle.look()
    await office.queue.retry(receipt.id, "ann")
    host.steps += 3600
    await host.chronicle.look()
    assert host.told()[-1] == ("reopened", receipt.id)
    office.clock.now += HOUR
    await office.work_off(DEAD)
    await host.chronicle.look()
    await office.queue.retry(receipt.id, "ann")
    office.clock.now += HOUR
    await office.work_off()
    await host.chronicle.look()
    await host.chronicle.look()
    assert host.told() == [
        ("accepted", receipt.id),
        ("dead", receipt.id),
        ("reopened", receipt.id),
        ("dead", receipt.id),
        ("reopened", receipt.id),
        ("done", receipt.id),
    ]


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("lines", range(5))
async def test_killed_in_mid_entry(host: Host, office: Office, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    """A kill after any number of lines, the last one torn: the next start enters the rest, and nothing twice."""
    await host.chronicle.look()  # opened
    receipts = await office.queue.submit([offboard("a"), offboard("b")])
    await office.work_off()

    def torn(path: Path, data: bytes, *, at: int | None = None) -> None:
        parts = data.splitlines(keepends=True)
        with path.open("ab") as file:
            file.write(b"".join(parts[:lines]) + b"".join(parts[lines : lines + 1])[:25])
        raise Killed

    monkeypatch.setattr("agent.audit.ledger.append_line", torn)
    with pytest.raises(Killed):
        await host.chronicle.look()
    monkeypatch.undo()
    host.start()
    await host.chronicle.look()
    assert Counter(host.told()) == Counter(
        {(kind, receipt.id): 1 for receipt in receipts for kind in ("accepted", "done")}
    )


async def test_two_chronicles_on_one_ledger(host: Host, tmp_path: Path, office: Office) -> None:
    """Two agents of one host that share queue and evidence enter everything once, though each remembers for itself."""
    other = Host(tmp_path, office)
    other.keyring = host.keyring
    other.start()
    for key in "abc":
        await office.queue.submit([offboard(key)])
        await host.chronicle.look()
        await other.chronicle.look()
        await office.work_off()
        await other.chronicle.look()
        await host.chronicle.look()
    assert set(Counter(host.told()).values()) == {1}
    assert len(host.told()) == 6


async def test_two_hosts_have_the_whole_population_each(host: Host, tmp_path: Path, office: Office) -> None:
    """On a shared queue each host's ledger alone proves how many jobs there were."""
    other = Host(tmp_path / "other", office)
    await office.queue.submit([offboard("a"), offboard("b")])
    await office.work_off()
    await host.chronicle.look()
    await other.chronicle.look()
    assert host.told() == other.told()
    assert host.ledger.head().ledger != other.ledger.head().ledger


async def test_the_last_jobs_are_entered_when_the_agent_stops(host: Host, office: Office) -> None:
    """The part that runs as long as the agent compares everything once more when it is cancelled."""
    running = asyncio.create_task(host.chronicle.run())
    await asyncio.sleep(0)
    await office.queue.submit([offboard("a")])
    await office.work_off()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [kind for kind, _ in host.told()] == ["accepted", "done"]


async def test_periods_are_closed_also_when_nothing_was(host: Host, office: Office) -> None:
    """One entry for each day, signed, at the first chance after it; a week of downtime gives them all."""
    await host.chronicle.look()
    assert host.periods() == []
    office.clock.now += DAY
    await host.chronicle.look()
    office.clock.now += 7 * DAY
    host.start()
    await host.chronicle.look()
    await host.chronicle.look()
    found = host.periods()
    assert len(found) == 8
    assert found[0].begin == "2027-01-15T08:00:00.000Z"
    assert found[0].end == "2027-01-16T00:00:00.000Z"
    assert all(one.end == two.begin for one, two in pairwise(found))
    assert {(one.accepted, sum(one.ended.values())) for one in found} == {(0, 0)}
    assert host.ledger.head().unsigned == 0


async def test_periods_count_each_entry_once(host: Host, office: Office) -> None:
    """What was accepted and ended in each, what is open at its end; a late entry counts in the next."""
    await host.chronicle.look()
    await office.queue.submit([offboard("a"), offboard("b")])
    await office.work_off()
    await office.queue.submit([new("provision", "c", person={"email": "c@example.com", "attributes": NAMES})])
    host.ledger.append(Kind.ACCEPTED, accepted(job_id="x", at="2027-01-15T09:00:00.000Z"))
    host.ledger.append(Kind.SEALED, sealed("x", verdict="failed"))
    office.clock.now += DAY
    await host.chronicle.look()
    host.ledger.append(Kind.ACCEPTED, accepted(job_id="late", at="2027-01-15T23:59:59.999Z"))
    await office.work_off(DEAD)
    office.clock.now += DAY
    await host.chronicle.look()
    first, second = host.periods()
    assert (first.accepted, first.ended, first.direct) == (4, {"done": 2}, {"failed": 1})
    assert first.open.model_dump() == {"queued": 1, "running": 0, "waiting": 0, "missing": 0}
    assert (second.accepted, second.ended, second.direct) == (1, {"dead": 1}, {})
    assert sum(second.open.model_dump().values()) == 0


NAMES = {"first_name": "Cy", "last_name": "Berg"}


async def test_jobs_that_the_queue_has_lost_are_told(host: Host, office: Office, tmp_path: Path) -> None:
    """A queue file that was deleted leaves jobs that never end; the next period says how many."""
    await office.queue.submit([new("provision", "c", person={"email": "c@example.com", "attributes": NAMES})])
    await host.chronicle.look()
    await office.stop()
    office.file = tmp_path / "another.db"
    await office.start()
    host.start()
    office.clock.now += DAY
    await host.chronicle.look()
    assert host.periods()[-1].open.missing == 1


async def test_hours(tmp_path: Path, office: Office) -> None:
    """Where the settings say so, a period is an hour."""
    host = Host(tmp_path, office, period="hour")
    await host.chronicle.look()
    office.clock.now += 3 * HOUR + 61
    await host.chronicle.look()
    assert [one.end[11:16] for one in host.periods()] == ["09:00", "10:00", "11:00"]


async def test_a_clock_set_back_closes_nothing_twice(host: Host, office: Office) -> None:
    """The period after next comes when its time has come again."""
    await host.chronicle.look()
    office.clock.now += DAY
    await host.chronicle.look()
    office.clock.now -= 2 * DAY
    await host.chronicle.look()
    office.clock.now += 3 * DAY
    await host.chronicle.look()
    found = host.periods()
    assert len(found) == 2
    assert found[0].end == found[1].begin


async def test_one_tenants_broken_ledger_does_not_stop_the_others(tmp_path: Path, office: Office) -> None:
    """The others are entered, and the trouble is raised for the clock to tell."""
    host = Host(tmp_path, office)
    host.settings = host.settings.model_copy(update={"tenants": {"aaa": TENANT, "acme": TENANT}})
    host.start()
    folder = host.ledgers.of("aaa").folder
    folder.mkdir(parents=True)
    (folder / "entries.jsonl").write_text("nonsense\n")
    await office.queue.submit([offboard("a")])
    with pytest.raises(Failed) as caught:
        await host.chronicle.look()
    assert caught.value.code == "ledger-broken"
    assert len(host.told()) == 1


async def test_keys_are_retired_after_their_overlap(tmp_path: Path, office: Office) -> None:
    """By the same scan, once it is over."""
    host = Host(tmp_path, office, overlap_days=2)
    await host.chronicle.look()
    host.ledger.rotate("yearly")
    office.clock.now += DAY
    await host.chronicle.look()
    assert len(host.ledger.head().keys) == 2
    office.clock.now += DAY
    await host.chronicle.look()
    assert len(host.ledger.head().keys) == 1


async def test_each_period_is_stamped(tmp_path: Path, office: Office) -> None:
    """Once; and when the authority is away, at the next occasion after a while."""
    authority = Authority(datetime.fromtimestamp(NOON, UTC))
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_pem)
    with authority.serve(status=503) as url:
        host = Host(tmp_path, office, tsa_url=url, tsa_roots=roots)
        await host.chronicle.look()
        assert authority.hashed == []
        office.clock.now += DAY
        await host.chronicle.look()
        await host.chronicle.look()
        assert len(authority.hashed) == 1
    with authority.serve() as url:
        audit = host.settings.audit.model_copy(update={"tsa_url": url})
        host.settings = host.settings.model_copy(update={"audit": audit})
        host.start()
        for _ in range(3):
            await host.chronicle.look()
    assert len(authority.hashed) == 2
    (witnessed,) = (entry.data for entry in host.entries() if isinstance(entry.data, Witnessed))
    period = next(entry.seq for entry in host.entries() if isinstance(entry.data, Period))
    assert witnessed.size > period
    assert (host.ledger.folder / "timestamps" / f"{witnessed.size}.tsr").exists()


def test_an_installation_without_a_queue_closes_its_periods_itself(tmp_path: Path) -> None:
    """``agent run-job`` does so before it begins; where there is a queue, that is left to the agent."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    ledgers = Ledgers(tmp_path, KeyringSigner(CredentialStore(MemoryKeyring())), clock=lambda: now)
    ledger = ledgers.of("acme")
    close_quiet_periods(ledger, "day", now)
    assert not ledger.folder.exists()
    ledger.append(Kind.ACCEPTED, accepted(job_id="x"))
    close_quiet_periods(ledger, "day", now + timedelta(days=2))
    close_quiet_periods(ledger, "day", now + timedelta(days=2))
    kinds = [entry.kind.value for entry in read_entries(ledger.folder)]
    assert kinds == ["opened", "accepted", "period", "period"]
    assert ledger.head().unsigned == 0
    ledger.append(Kind.ACCEPTED, accepted(queue=1))
    close_quiet_periods(ledger, "day", now + timedelta(days=9))
    assert [entry.kind.value for entry in read_entries(ledger.folder)][-1] == "accepted"


def test_due_periods_have_no_gap() -> None:
    """From the middle of a day to the last midnight that is a minute ago."""
    begin = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)
    assert due_periods(begin, datetime(2026, 2, 28, 0, 0, 59, tzinfo=UTC), "day") == []
    found = due_periods(begin, datetime(2026, 3, 2, 0, 1, tzinfo=UTC), "day")
    assert [end.day for _, end in found] == [28, 1, 2]
    assert found[0][0] == begin


def test_accounts_tell_a_damaged_or_shorter_ledger(tmp_path: Path) -> None:
    """They are read from the ledger alone, so they cannot go on without it."""
    ledgers = Ledgers(tmp_path, None)
    ledger = ledgers.of("acme")
    ledger.append(Kind.ACCEPTED, accepted(queue=1))
    accounts = Accounts()
    accounts.catch_up(ledger.folder)
    assert accounts.is_known(1)
    file = ledger.folder / "entries.jsonl"
    whole = file.read_bytes()
    for wrong in (whole[:-300], whole + b'{"kind":"accepted"}\n'):
        file.write_bytes(wrong)
        with pytest.raises(Failed) as caught:
            accounts.catch_up(ledger.folder)
        assert caught.value.code == "ledger-broken"


def test_states_of_the_queue_are_those_of_the_ledger() -> None:
    """A new final state of the queue's jobs would need a word in the ledger."""
    said = get_args(Ended.model_fields["state"].annotation)
    assert {state.value for state in JobState if not state.is_live} == set(said)
