"""An invitation sent once more: the one wish that is no state, so only its key keeps it from being done twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.errors import Failed
from agent.execute.outcome import Verdict
from agent.execute.resends import ResendFiles
from tests.unit.execute.cases import job, person
from tests.unit.execute.fake import run
from tests.unit.execute.fake_tenant import START, FakeTenant, MemoryRecord

ANA = "ana.lindqvist@example.com"
AGAIN = job("invite", person={"email": ANA}, resend=True)


class Forgets(MemoryRecord):
    """The planted violation: a record that keeps nothing."""

    def begin(self, tenant: str, key: str, at: datetime) -> None:
        pass

    def settle(self, tenant: str, key: str, at: datetime) -> None:
        pass


async def mails_of_two_runs(tenant: FakeTenant) -> int:
    """The oracle: how many mails the same job, run twice, sends."""
    tenant.put(person())
    await run(AGAIN, tenant)
    await run(AGAIN, tenant)
    return len(tenant.outbox)


async def test_the_same_resend_run_twice_mails_once() -> None:
    """The second run says when the first one sent it, and sends nothing."""
    tenant = FakeTenant()
    assert await mails_of_two_runs(tenant) == 1
    outcome = await run(AGAIN, tenant)
    assert (outcome.verdict, outcome.nothing_to_do) == (Verdict.DONE, True)
    assert "already sent on 2026-11-22" in outcome.summary
    assert "idempotency_key" in outcome.next_step


async def test_the_oracle_sees_a_record_that_forgets() -> None:
    """Planted violation: without the record the second run mails again."""
    assert await mails_of_two_runs(FakeTenant(resends=Forgets())) == 2


async def test_another_key_is_another_wish() -> None:
    """Whoever wants a further mail says so with a new key."""
    tenant = FakeTenant()
    tenant.put(person())
    await run(AGAIN, tenant)
    await run(job("invite", person={"email": ANA}, resend=True, idempotency_key="second"), tenant)
    assert len(tenant.outbox) == 2


async def test_it_is_on_record_before_it_is_sent() -> None:
    """A process that dies with the click has left the record behind."""
    tenant = FakeTenant()
    tenant.put(person())
    found = []
    tenant.on_write = lambda operation: found.append(tenant.resends.find("sandbox", AGAIN.idempotency_key))
    await run(AGAIN, tenant)
    assert [resend is not None and not resend.certain for resend in found] == [True]


async def test_a_mail_that_may_have_been_sent_is_not_sent_again() -> None:
    """The answer was lost and no trace found: uncertain, and the next run does not repeat it blindly."""
    tenant = FakeTenant()
    tenant.put(person())
    tenant.fault("invite", "lose before applying")
    first = await run(AGAIN, tenant)
    again = await run(AGAIN, tenant)
    assert first.verdict is Verdict.UNCERTAIN
    assert "new idempotency_key" in first.next_step
    assert again.nothing_to_do
    assert "may have been sent" in again.summary
    assert len(tenant.sent) == 1


@pytest.mark.parametrize("effect", ["refuse", "unknown page", "nothing sent"])
async def test_a_mail_that_was_not_sent_for_certain_is_sent_by_the_next_run(effect: str) -> None:
    """Refused or never left: nothing stays on record that would hold it back."""
    tenant = FakeTenant()
    tenant.put(person())
    tenant.fault("invite", effect)
    assert (await run(AGAIN, tenant)).verdict is Verdict.FAILED
    assert (await run(AGAIN, tenant)).verdict is Verdict.DONE
    assert len(tenant.outbox) == 1


async def test_a_record_that_cannot_be_kept_stops_the_mail() -> None:
    """Without a place to write it down nothing is sent."""

    class Full(MemoryRecord):
        def begin(self, tenant: str, key: str, at: datetime) -> None:
            raise Failed("state-unwritable", "The disk is full.")

    tenant = FakeTenant(resends=Full())
    tenant.put(person())
    outcome = await run(AGAIN, tenant)
    assert outcome.verdict is Verdict.FAILED
    assert tenant.outbox == []


def test_files_remember_across_processes(tmp_path: Path) -> None:
    """Begun, settled, withdrawn: each is seen by another one who looks; tenants do not mix."""
    ResendFiles(tmp_path).begin("one", "k:1", START)
    begun = ResendFiles(tmp_path).find("one", "k:1")
    assert begun is not None
    assert (begun.at, begun.certain) == (START, False)
    assert ResendFiles(tmp_path).find("other", "k:1") is None
    ResendFiles(tmp_path).settle("one", "k:1", START)
    settled = ResendFiles(tmp_path).find("one", "k:1")
    assert settled is not None
    assert settled.certain
    ResendFiles(tmp_path).withdraw("one", "k:1")
    assert ResendFiles(tmp_path).find("one", "k:1") is None


def test_only_one_of_two_processes_gets_through(tmp_path: Path) -> None:
    """Both found nothing on record, both begin: the second is stopped."""
    one, other = ResendFiles(tmp_path), ResendFiles(tmp_path)
    one.begin("one", "k", START)
    with pytest.raises(Failed, match="Another run"):
        other.begin("one", "k", START)


async def test_the_one_that_was_stopped_leaves_the_others_record_alone(tmp_path: Path) -> None:
    """It did not send, but it must not make the other's mail forgotten."""

    class Late(ResendFiles):
        def find(self, tenant: str, key: str) -> None:
            return None

    ResendFiles(tmp_path).begin("sandbox", AGAIN.idempotency_key, START)
    tenant = FakeTenant()
    tenant.put(person())
    outcome = await run(AGAIN, tenant, resends=Late(tmp_path))
    assert outcome.verdict is Verdict.FAILED
    assert tenant.outbox == []
    assert ResendFiles(tmp_path).find("sandbox", AGAIN.idempotency_key) is not None


def test_a_file_that_a_crash_left_empty_counts(tmp_path: Path) -> None:
    """Better no second mail than one too many."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "k.json").write_text("", encoding="utf-8")
    found = ResendFiles(tmp_path).find("one", "k")
    assert found is not None
    assert not found.certain
    assert found.at.tzinfo is UTC
