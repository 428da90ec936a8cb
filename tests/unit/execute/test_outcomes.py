"""The five ends of a job, and what each promises."""

from __future__ import annotations

import asyncio

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import Listing, Sighting
from agent.errors import Failed
from agent.execute.events import JobStarted, Observed, Planned, StepEnded, StepStarted, Verified, WriteSending
from agent.execute.gate import GateRelay
from agent.execute.outcome import Verdict
from agent.execute.pace import Limits
from agent.execute.run import Orders, run_job
from agent.policy.rules import PolicyRules
from tests.unit.execute.cases import job, member, person, provision
from tests.unit.execute.fake import FakeSession, Listener, run
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR, OWN, FakeTenant


async def test_done_means_created_granted_invited_and_read_back() -> None:
    """A person who was not there ends as asked, each write sent once, and both witnesses agree."""
    tenant, listener = FakeTenant(), Listener()
    outcome = await run(provision(), tenant, listener=listener)
    ana = tenant.by_email("ana.lindqvist@example.com")
    assert outcome.verdict is Verdict.DONE
    assert ana is not None
    assert {(item.project.id, item.template) for item in ana.memberships} == {
        (HARBOR.id, ENGINEER),
        (CLINIC.id, ENGINEER),
    }
    assert tenant.outbox == ["ana.lindqvist@example.com"]
    assert len(tenant.sent) == len(set(tenant.sent)) == len(outcome.steps)
    assert [witness.agrees for witness in outcome.witnesses] == [True, True]
    assert listener.names[:5] == ["JobStarted", "SessionReady", "FactsKnown", "Observed", "Planned"]
    assert listener.names[-3:] == ["Observed", "Verified", "JobEnded"]


async def test_the_same_job_again_finds_nothing_to_do_and_sends_nothing() -> None:
    """Twice is the same as once; the second run opens no page beyond looking."""
    tenant = FakeTenant()
    await run(provision(), tenant)
    tenant.sent.clear()
    tenant.loads.clear()
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert outcome.nothing_to_do
    assert "Nothing to do" in outcome.summary
    assert tenant.sent == []
    assert tenant.loads == ["fingerprint", "facts", "find", "read_person"]
    assert tenant.outbox == ["ana.lindqvist@example.com"]


async def test_the_fewest_pages_that_still_prove_the_result() -> None:
    """Between the writes nothing is read; afterwards the page and the history, once each."""
    tenant = FakeTenant()
    await run(provision(), tenant)
    assert tenant.loads == ["fingerprint", "facts", "find", "read_person", "history"]


async def test_dry_run_shows_the_plan_and_writes_nothing() -> None:
    """The plan is told, no write reaches the gate, and the outcome says that nothing was changed."""
    tenant, listener = FakeTenant(), Listener()
    outcome = await run(provision(), tenant, listener=listener, dry_run=True)
    assert outcome.verdict is Verdict.DONE
    assert "Nothing was changed" in outcome.summary
    assert listener.of(Planned)[0].plan.steps
    assert listener.of(JobStarted)[0].dry_run
    assert tenant.sent == []
    assert listener.of(WriteSending) == []


async def test_unresolved_names_refuse_the_job_with_every_problem() -> None:
    """Two wrong names are both told, before anything is written."""
    tenant = FakeTenant()
    wrong = provision(
        company_access={"template": "Feild Staff"}, projects=[{"project": "99-999", "template": ENGINEER}]
    )
    outcome = await run(wrong, tenant)
    assert outcome.verdict is Verdict.REFUSED
    assert "Field Staff" in outcome.summary
    assert "99-999" in outcome.summary
    assert tenant.sent == []


async def test_protected_people_are_refused_even_when_approved() -> None:
    """An approval lifts budgets, not refusals."""
    tenant = FakeTenant()
    tenant.put(person(memberships=(member(HARBOR),)))
    rules = PolicyRules(protected_people=("Ana.Lindqvist@example.com",))
    offboard = job("offboard", person={"email": "ana.lindqvist@example.com"})
    outcome = await run(offboard, tenant, rules=rules, approved=True)
    assert outcome.verdict is Verdict.REFUSED
    assert outcome.error is not None
    assert outcome.error["code"] == "protected-person"
    assert tenant.sent == []


async def test_the_agents_own_account_is_refused() -> None:
    """The agent never changes the account it works with."""
    tenant = FakeTenant()
    tenant.put(person(OWN))
    outcome = await run(job("offboard", person={"email": OWN}), tenant)
    assert outcome.verdict is Verdict.REFUSED
    assert tenant.sent == []


async def test_more_than_the_budget_waits_until_somebody_says_yes() -> None:
    """A plan over the budget is shown and waits; with the approval the same job is done."""
    tenant, listener = FakeTenant(), Listener()
    rules = PolicyRules(max_projects_per_job=1)
    outcome = await run(provision(), tenant, listener=listener, rules=rules)
    assert outcome.verdict is Verdict.WAITING
    assert "--yes" in outcome.next_step
    assert listener.of(Planned)
    assert tenant.sent == []
    approved = await run(provision(), tenant, rules=rules, approved=True)
    assert approved.verdict is Verdict.DONE


async def test_two_entries_under_one_address_wait_for_a_person() -> None:
    """A user and a contact with the same address: never a guess."""
    tenant, listener = FakeTenant(), Listener()
    tenant.put(person())
    tenant.contacts.append(
        Sighting(listing=Listing.CONTACTS, user_id=None, person_id="1", name="Ana L", email="ana.lindqvist@example.com")
    )
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.WAITING
    assert outcome.next_step.startswith("Decide which entry")
    assert listener.of(Observed), "what was found is told, so that it stands in the evidence"
    assert tenant.sent == []


async def test_the_same_name_under_another_address_waits_for_a_person() -> None:
    """A near hit stops a creation."""
    tenant = FakeTenant()
    tenant.put(person("ana.l@example.com"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.WAITING
    assert tenant.sent == []


async def test_an_unknown_page_before_the_first_write_fails_and_changes_nothing() -> None:
    """Failed means: nothing was changed."""
    tenant = FakeTenant()
    tenant.fault("create_user", "unknown page")
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.FAILED
    assert tenant.applied == []
    assert [step.state for step in outcome.steps] == ["not sent"] * 4


async def test_an_unknown_page_after_some_steps_stops_midway_and_says_what_is_done() -> None:
    """The summary names each step that is done and each that is not; running again is safe, and finishes."""
    tenant = FakeTenant()
    tenant.fault("add_to_project", "unknown page", nth=2)
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "stopped-midway"
    assert outcome.error["retry_safe"] == "yes"
    assert [step.state for step in outcome.steps] == ["saved", "saved", "not sent", "not sent"]
    done, not_done = outcome.summary.split("Not done:")
    assert "Harbor Bridge" in done
    assert "Riverside Clinic" in not_done
    assert "invitation" in not_done
    again = await run(provision(), tenant)
    assert again.verdict is Verdict.DONE
    assert len(tenant.applied) == len(set(tenant.applied))


async def test_a_refused_first_save_fails_with_procores_own_words() -> None:
    """The page's message reaches the person who reads the outcome, and nothing was changed."""
    tenant = FakeTenant()
    tenant.put(person())
    tenant.fault("save_user", "refuse")
    update = job("update", person={"email": "ana.lindqvist@example.com", "attributes": {"job_title": "Engineer"}})
    outcome = await run(update, tenant)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["seen"] == "City is too long"
    assert outcome.steps[0].state == "rejected"
    assert tenant.loads[-1] == "read_person", "that nothing was changed is read, not believed"


async def test_a_refused_save_while_others_change_the_person_is_uncertain() -> None:
    """When the fresh look after a refusal differs from before, nobody may say that nothing was changed."""
    tenant = FakeTenant()
    ana = tenant.put(person())
    tenant.fault("save_user", "refuse")
    tenant.on_write = lambda _: tenant.change_by_other(
        ana.user_id, company_access=CompanyAccess(template="Office Staff")
    )
    update = job("update", person={"email": "ana.lindqvist@example.com", "attributes": {"job_title": "Engineer"}})
    outcome = await run(update, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "changed-meanwhile"


@pytest.mark.parametrize(("effect", "code"), [("denied", "denied"), ("refuse", "save-rejected")])
async def test_an_explicit_refusal_after_a_done_step_stops_midway(effect: str, code: str) -> None:
    """What was done stays told, and the cause is named."""
    tenant = FakeTenant()
    tenant.fault("invite", effect)
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "stopped-midway"
    assert code in outcome.error["seen"]
    assert tenant.outbox == []


async def test_a_refused_creation_is_decided_by_lookup_not_by_its_sentence() -> None:
    """Somebody else created the person a moment ago: the lookup finds them after the refusal, and the job goes on."""
    tenant = FakeTenant()

    def first(operation: str) -> None:
        if operation == "create_user":
            tenant.put(person(user_id="7999999", invited=False, company_access=CompanyAccess(template="Field Staff")))

    tenant.on_write = first
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert outcome.steps[0].state == "not needed any more"
    ana = tenant.by_email("ana.lindqvist@example.com")
    assert ana is not None
    assert len(ana.memberships) == 2
    assert sum(person.email == ana.email for person in tenant.people.values()) == 1
    assert tenant.sent.count("create ana.lindqvist@example.com") == 1


async def test_a_mistake_in_the_flows_before_a_write_fails_and_is_recorded() -> None:
    """No traceback leaves the runner; it stands in the evidence."""
    tenant, listener = FakeTenant(), Listener()

    def broken(what: str) -> None:
        if what == "facts":
            raise RuntimeError("boom")

    tenant.on_read = broken
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["code"] == "unexpected"
    assert any("boom" in str(getattr(event, "data", "")) for event in listener.events)


async def test_a_mistake_in_the_flows_after_a_write_is_settled_by_looking() -> None:
    """Whatever the flows raise once a write has left: its effect is looked for, and it is not sent again."""
    tenant = FakeTenant()
    tenant.fault("create_user", "mistake")
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert outcome.steps[0].state == "settled by observation"
    assert tenant.sent.count("create ana.lindqvist@example.com") == 1


async def test_a_stop_signal_before_a_write_fails_and_after_one_is_uncertain() -> None:
    """Cancelling ends with an outcome, and the outcome is honest about what was sent."""
    for at, verdict in (("find", Verdict.FAILED), ("history", Verdict.UNCERTAIN)):
        tenant = FakeTenant()

        def stop(what: str, at: str = at) -> None:
            task = asyncio.current_task()
            if what == at and task is not None:
                task.cancel()

        tenant.on_read = stop
        listener = _Yielding()
        outcome = await run(provision(), tenant, listener=listener)
        assert outcome.verdict is verdict
        assert outcome.error is not None
        assert outcome.error["code"] == "interrupted"


class _Yielding(Listener):
    """Gives the loop a turn, as a real observer's files do: a cancellation arrives there."""

    async def notify(self, event: object) -> None:
        await super().notify(event)  # type: ignore[arg-type]  # any event
        if not isinstance(event, StepStarted | StepEnded):
            await asyncio.sleep(0)


async def test_evidence_that_cannot_be_kept_stops_before_the_next_write() -> None:
    """A full disk at the second write: the first stays told as done, nothing more is sent."""
    full = Failed("evidence-unwritable", "The evidence of this job cannot be written.")
    tenant, listener = FakeTenant(), Listener(WriteSending, full, nth=2)
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert tenant.sent == ["create ana.lindqvist@example.com"]
    assert [step.state for step in outcome.steps] == ["saved", "not sent", "not sent", "not sent"]


async def test_evidence_that_cannot_begin_fails_before_any_page() -> None:
    """No evidence, no job."""
    full = Failed("evidence-unwritable", "The evidence of this job cannot be written.")
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, listener=Listener(JobStarted, full))
    assert outcome.verdict is Verdict.FAILED
    assert tenant.loads == []


async def test_a_broken_progress_display_does_not_stop_a_job() -> None:
    """Only evidence may stop a job; anything else that watches is dropped when it fails."""
    tenant = FakeTenant()
    relay_free = Listener(StepStarted, ZeroDivisionError("display"))
    good = Listener()
    relay = GateRelay()
    orders = Orders(rules=PolicyRules(), limits=Limits())
    outcome = await run_job(provision(), FakeSession(tenant, relay), relay, [relay_free, good], orders, tenant.clock)
    assert outcome.verdict is Verdict.DONE
    assert good.of(Verified)
    assert relay_free.names[-1] == "StepStarted"


async def test_the_last_known_company_admin_is_not_taken_away() -> None:
    """An admin may leave only when another one is known: a protected person who is an active Company Admin."""
    admin = CompanyAccess(template="Company Admin")
    tenant = FakeTenant()
    tenant.put(person(company_access=admin))
    offboard = job("offboard", person={"email": "ana.lindqvist@example.com"})
    rules = PolicyRules(admin_templates=("Company Admin",), protected_people=("boss@example.com", OWN))
    for boss, verdict in (
        (None, Verdict.REFUSED),
        (
            person("boss@example.com", user_id="1", company_access=CompanyAccess(template="Field Staff")),
            Verdict.REFUSED,
        ),
        (person("boss@example.com", user_id="1", company_access=admin, active=False), Verdict.REFUSED),
        (person("boss@example.com", user_id="1", company_access=admin), Verdict.DONE),
    ):
        if boss is not None:
            tenant.put(boss)
        outcome = await run(offboard, tenant, rules=rules)
        assert outcome.verdict is verdict, boss


@pytest.mark.parametrize("moment", [StepStarted, StepEnded])
@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_evidence_that_breaks_at_any_moment_leaves_an_outcome_with_every_step(moment: type, nth: int) -> None:
    """Each planned step stands in the outcome once, those that were sent as sent."""
    full = Failed("evidence-unwritable", "The evidence of this job cannot be written.")
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, listener=Listener(moment, full, nth=nth))
    sent = nth if moment is StepEnded else nth - 1
    assert [step.number for step in outcome.steps] == [1, 2, 3, 4]
    assert [step.state for step in outcome.steps] == ["saved"] * sent + ["not sent"] * (4 - sent)
    assert outcome.verdict is (Verdict.UNCERTAIN if sent else Verdict.FAILED)
    assert len(tenant.sent) == sent
