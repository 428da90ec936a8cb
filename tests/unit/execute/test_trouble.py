"""Lost answers, ended sessions, lagging pages: what was sent is settled by looking and never sent again."""

from __future__ import annotations

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import Person
from agent.errors import Failed
from agent.execute import attempt
from agent.execute.events import Note, Planned, SessionReady, WriteAnswered
from agent.execute.outcome import Verdict
from agent.policy.check import ApprovalNeeded, Decision
from tests.unit.execute.cases import job, member, person, provision
from tests.unit.execute.fake import Listener, run, sent_twice
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR, FakeTenant

OPERATIONS = ["create_user", "add_to_project", "invite"]
ANA = "ana.lindqvist@example.com"
OFFBOARD = job("offboard", person={"email": ANA})
RESEND = job("invite", person={"email": ANA}, resend=True)
UPDATE = job("update", person={"email": ANA, "attributes": {"job_title": "Engineer"}})
LEAVER = person(
    company_access=CompanyAccess(template="Field Staff"),
    default_project_template=ENGINEER,
    add_to_new_projects=True,
    memberships=(member(HARBOR), member(CLINIC)),
)


def troubled(*faults: tuple[str, str], present: Person | None = None) -> FakeTenant:
    """A tenant with this trouble ahead, one operation and effect each, and perhaps with Ana in it."""
    tenant = FakeTenant()
    if present is not None:
        tenant.put(present)
    for operation, effect in faults:
        tenant.fault(operation, effect)
    return tenant


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_lost_answer_is_settled_by_observation(operation: str) -> None:
    """Applied, but the answer never came: found by looking, the rest is planned anew, nothing is sent twice."""
    tenant, listener = troubled((operation, "lose the answer")), Listener()
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE
    assert [step.state for step in outcome.steps].count("settled by observation") == 1
    assert sent_twice(tenant) == []
    assert tenant.outbox == [ANA]
    assert [planned.replanned for planned in listener.of(Planned)] == [False, True]
    assert [step.number for step in outcome.steps] == [1, 2, 3, 4], "numbers go on after a new plan"


async def test_a_new_plan_that_needs_an_approval_is_not_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was within the budget at first may not be any more when somebody has changed the person meanwhile."""
    wait = Decision(approvals=(ApprovalNeeded(code="too-many-projects", message="The plan changes 99 projects."),))

    async def judged(*_: object) -> Decision:
        return wait

    monkeypatch.setattr(attempt, "judge", judged)  # of the plans after the first
    tenant = troubled(("create_user", "lose the answer"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert "99 projects" in outcome.summary
    assert len(tenant.sent) == 1
    approved = troubled(("create_user", "lose the answer"))
    assert (await run(provision(), approved, approved=True)).verdict is Verdict.DONE


@pytest.mark.parametrize("operation", ["save_user", "remove_from_all_projects", "inactivate"])
async def test_a_lost_answer_of_an_off_boarding_is_settled_by_observation(operation: str) -> None:
    """The same for what takes access away."""
    tenant = troubled((operation, "lose the answer"), present=LEAVER)
    outcome = await run(OFFBOARD, tenant)
    ana = tenant.by_email(ANA)
    assert outcome.verdict is Verdict.DONE
    assert ana is not None
    assert (ana.active, ana.memberships, ana.company_access.is_none) == (False, (), True)
    assert sent_twice(tenant) == []


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_answer_lost_without_effect_is_uncertain_and_never_sent_again(operation: str) -> None:
    """No trace until the deadline: nobody knows, a person decides."""
    tenant = troubled((operation, "lose before applying"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "answer-lost"
    assert outcome.error["retry_safe"] == "unknown"
    assert "Not known" in outcome.summary
    assert sent_twice(tenant) == []
    assert tenant.clock.seconds >= 20, "it was waited for until the deadline"


async def test_an_answer_lost_while_pages_lag_is_waited_for() -> None:
    """The page shows the old state for a while after the save: polling outlasts it."""
    tenant = troubled(("create_user", "lose the answer and lag"))
    tenant.on_write = lambda operation: tenant.freeze(7) if operation == "create_user" else None
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert sent_twice(tenant) == []
    assert tenant.clock.seconds >= 7


async def test_an_invitation_whose_answer_was_lost_is_looked_for_in_the_history() -> None:
    """A sent mail cannot be seen in the mailbox: its trace is looked for, and one mail is what was sent."""
    tenant = troubled(("invite", "lose the answer"), present=person())
    outcome = await run(RESEND, tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.outbox == [ANA]
    assert tenant.loads.count("history") >= 2


async def test_a_resent_invitation_without_a_trace_is_uncertain() -> None:
    """The Re-Invite label stood there before: it proves nothing about this mail."""
    tenant = troubled(("invite", "lose before applying"), present=person())
    outcome = await run(RESEND, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert sent_twice(tenant) == []


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("effect", ["sign out", "stale token"])
async def test_a_session_that_ends_in_mid_form_recovers_once(operation: str, effect: str) -> None:
    """Signed out, or a stale form: nothing was saved, so look again, plan anew and finish; then it stands once."""
    tenant, listener = troubled((operation, effect)), Listener()
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE
    assert tenant.sign_ins == (2 if effect == "sign out" else 1)
    assert len(tenant.applied) == len(set(tenant.applied))
    assert any("Signing in again" in note.text for note in listener.of(Note)) == (effect == "sign out")
    assert tenant.outbox == [ANA]


async def test_a_session_that_ends_twice_does_not_sign_in_for_ever() -> None:
    """One recovery per job: a second end is not tried against."""
    tenant = troubled(("add_to_project", "sign out"), ("invite", "sign out"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert tenant.sign_ins == 2
    assert tenant.outbox == []


@pytest.mark.parametrize("reading", ["fingerprint", "facts", "find", "read_person", "history"])
async def test_a_session_that_ends_while_reading_recovers_once(reading: str) -> None:
    """Reading may be repeated freely after one new sign-in."""
    tenant = troubled((f"read:{reading}", "sign out"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.sign_ins == 2


async def test_a_browser_that_dies_before_a_write_is_started_again() -> None:
    """Nothing was sent: a new browser, a fresh look, the rest of the plan; the recorder is told of the new session."""
    tenant, listener = troubled(("add_to_project", "browser lost")), Listener()
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE
    assert listener.count(SessionReady) == 2
    assert sent_twice(tenant) == []


async def test_an_answer_lost_together_with_the_session_is_settled_after_signing_in() -> None:
    """Looking for the effect signs in again first."""
    tenant = troubled(("create_user", "lose answer and session"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.sign_ins == 2
    assert sent_twice(tenant) == []


async def test_a_page_that_lags_after_a_save_is_not_taken_for_the_truth() -> None:
    """After a save whose answer came, the pages lag: verification waits instead of disagreeing."""
    tenant = troubled(("save_user", "lag"), present=person())
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.clock.seconds >= 5


async def test_a_new_plan_never_repeats_what_was_saved_though_the_page_still_shows_the_old_state() -> None:
    """Trouble in step 2 makes a new plan from a page that does not show step 1 yet: it is waited for, not repeated."""
    tenant = troubled(("remove_from_all_projects", "lag"), ("save_user", "sign out"), present=LEAVER)
    outcome = await run(OFFBOARD, tenant)
    assert outcome.verdict is Verdict.DONE
    assert len(tenant.applied) == len(set(tenant.applied))


async def test_a_saved_step_that_never_shows_is_uncertain_rather_than_repeated() -> None:
    """The same with a lag beyond the deadline: stop and tell, do not send it again."""
    tenant = troubled(("remove_from_all_projects", "long lag"), ("save_user", "sign out"), present=LEAVER)
    outcome = await run(OFFBOARD, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert sum(words.startswith("remove all") for words in tenant.sent) <= 1


async def test_error_pages_while_looking_for_an_effect_are_outlasted() -> None:
    """The lost answer came with a service that is down for some readings: looking goes on until the deadline."""
    tenant = troubled(("create_user", "lose the answer"))
    for nth in (2, 2, 2):  # the first look is before the creation; each of these is the next one after it
        tenant.fault("read:find", "error page", nth=nth)
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    assert sent_twice(tenant) == []


async def test_a_service_that_stays_down_after_a_lost_answer_is_uncertain() -> None:
    """Nothing can be seen until the deadline: nobody knows."""
    tenant = troubled(("create_user", "lose the answer"))
    tenant.on_read = tenant.down_after_writes
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.steps[0].state == "unknown"


async def test_evidence_that_breaks_between_sending_and_answer_stops_after_looking() -> None:
    """The write left and was kept, then the disk was full: told as done, and nothing more is sent."""
    full = Failed("evidence-unwritable", "The evidence of this job cannot be written.")
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, listener=Listener(WriteAnswered, full))
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.steps[0].state == "settled by observation"
    assert tenant.sent == [f"create {ANA}"]


async def test_a_click_that_sent_nothing_is_not_waited_for() -> None:
    """The page made no request: one look, failed, no minute of waiting."""
    tenant = troubled(("save_user", "nothing sent"), present=person())
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.steps[0].state == "not sent"
    assert tenant.clock.seconds == 0


@pytest.mark.parametrize("effect", ["nothing sent", "document replaced"])
async def test_what_others_change_is_not_taken_for_a_part_of_what_was_not_sent(effect: str) -> None:
    """The one write of the step did not leave, and somebody else edited the person meanwhile: nothing of it is ours."""
    tenant = troubled(("save_user", effect), present=person())

    def meddle(_operation: str) -> None:
        tenant.on_write = None
        (ana,) = tenant.people.values()
        tenant.change_by_other(ana.user_id, attributes={**ana.attributes, "job_title": "Foreman"})

    tenant.on_write = meddle
    outcome = await run(UPDATE, tenant)
    assert [step.state for step in outcome.steps] == ["not sent"]
    assert (outcome.error or {}).get("code") == "changed-meanwhile", outcome


async def test_a_request_that_the_browser_repeats_by_itself_is_told() -> None:
    """Chromium may send a request again on a connection that broke: the history shows two, and the finding says so."""
    tenant = troubled(("invite", "twice"), present=person())
    outcome = await run(RESEND, tenant)
    assert outcome.verdict is Verdict.DONE
    assert any("More than once: Welcome Email Sent" in text for text in outcome.witnesses[1].findings)


@pytest.mark.parametrize("moment", ["open", "read:fingerprint"])
async def test_a_browser_that_died_between_two_jobs_is_started_again(moment: str) -> None:
    """The death shows as the next job opens its session, or at its first page: that is no reason to fail it."""
    tenant = troubled((moment, "browser lost"))
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE


async def test_a_dry_run_does_not_go_on_in_a_browser_without_its_guard() -> None:
    """The network guard lies on one context; when that dies, the dry run ends."""
    tenant = troubled(("read:find", "browser lost"))
    outcome = await run(provision(), tenant, dry_run=True)
    assert outcome.verdict is Verdict.FAILED
    assert tenant.sign_ins == 1
