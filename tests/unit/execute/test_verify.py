"""Only two witnesses may say that a job is done."""

from __future__ import annotations

import pytest

from agent.execute.outcome import Verdict
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake import run
from tests.unit.execute.fake_tenant import FakeTenant

UPDATE = job("update", person={"email": "ana.lindqvist@example.com", "attributes": {"job_title": "Engineer"}})


async def test_a_save_that_was_answered_but_not_kept_is_uncertain() -> None:
    """The page said yes and the read-back says no: the findings name the difference."""
    tenant = FakeTenant()
    tenant.put(person())
    tenant.on_write = lambda _: tenant.freeze(10_000)
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "not-confirmed"
    assert outcome.witnesses[0].agrees is False
    assert any("Job Title" in finding for finding in outcome.witnesses[0].findings)


async def test_the_history_rows_that_confirm_a_job_are_kept_one_by_one() -> None:
    """An auditor reads when, who, field, from and to; rows of others and rows not asked for are not among them."""
    tenant = FakeTenant()
    ana = tenant.put(person())
    tenant.on_write = lambda _: tenant.change_by_other(ana.user_id, add_to_new_projects=True)
    outcome = await run(UPDATE, tenant)
    page, history = outcome.witnesses
    assert page.rows == ()
    (row,) = history.rows
    kept = next(row for _, row in tenant.records if row.field == "Job Title")
    assert row == f"{kept.at:%H:%M:%S} UTC {kept.actor_login}: Job Title: {kept.before or '(empty)'} -> Engineer"
    assert row not in history.findings, "the terminal shows the findings: a summary, not every row"


async def test_a_change_that_is_missing_in_the_history_is_uncertain() -> None:
    """The page agrees and the history does not: two witnesses, one disagreement."""
    tenant = FakeTenant()
    tenant.put(person())

    def forget(what: str) -> None:
        if what == "history":
            tenant.records.clear()

    tenant.on_read = forget
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert [witness.agrees for witness in outcome.witnesses] == [True, False]
    assert any("Missing: Job Title" in finding for finding in outcome.witnesses[1].findings)
    assert outcome.witnesses[1].rows == ()


async def test_a_change_made_by_somebody_else_does_not_count_as_ours() -> None:
    """A history row of the right kind by another account does not confirm our write."""
    tenant = FakeTenant()
    ana = tenant.put(person())

    def steal(what: str) -> None:
        if what == "history":
            own = [row for owner, row in tenant.records if owner == ana.user_id]
            tenant.records = [(ana.user_id, row.model_copy(update={"actor_login": "x@example.com"})) for row in own]

    tenant.on_read = steal
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN


async def test_a_change_from_before_the_job_does_not_count() -> None:
    """Only rows since the job began, by the tenant's clock, are heard."""
    tenant = FakeTenant()
    ana = tenant.put(person())
    tenant.record(ana.user_id, "Job Title", "", "Engineer")
    tenant.clock.seconds += 10
    tenant.fault("save_user", "lose before applying")
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN


async def test_what_others_did_meanwhile_is_told_as_a_finding() -> None:
    """Somebody else edits the same person during the job: the wish still holds, and the finding names them."""
    tenant = FakeTenant()
    ana = tenant.put(person())
    tenant.on_write = lambda _: tenant.change_by_other(ana.user_id, add_to_new_projects=True)
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.DONE
    assert any("someone.else" in finding for finding in outcome.witnesses[1].findings)


async def test_a_change_by_others_against_the_wish_is_uncertain() -> None:
    """The last word was somebody else's: reading back shows it."""
    tenant = FakeTenant()
    ana = tenant.put(person())

    def undo(what: str) -> None:
        if what == "read_person" and tenant.sent:
            attributes = {**tenant.people[ana.user_id].attributes, "job_title": "Foreman"}
            tenant.people[ana.user_id] = tenant.people[ana.user_id].model_copy(update={"attributes": attributes})

    tenant.on_read = undo
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert any("Foreman" in finding for finding in outcome.witnesses[0].findings)


async def test_a_witness_that_cannot_be_heard_is_uncertain() -> None:
    """The history page is unknown after everything was saved: changes were sent, their confirmation failed."""
    tenant = FakeTenant()
    tenant.fault("read:history", "unknown page")
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert "confirmation failed" in outcome.summary


@pytest.mark.parametrize("action", ["update", "invite", "add_to_projects"])
async def test_somebody_who_does_not_exist_is_refused(action: str) -> None:
    """Only a provision job creates; a mistyped address must not end as nothing to do."""
    fields: dict[str, dict[str, object]] = {
        "update": {"person": {"email": "nobody@example.com", "attributes": {"job_title": "X"}}},
        "invite": {"person": {"email": "nobody@example.com"}},
        "add_to_projects": {
            "person": {"email": "nobody@example.com"},
            "projects": [{"project": "24-017", "template": "none"}],
        },
    }
    outcome = await run(job(action, **fields[action]), FakeTenant())
    assert outcome.verdict is Verdict.REFUSED
