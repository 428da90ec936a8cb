"""A run that follows a dead one: it settles what was sent before it plans, and sends nothing twice."""

from __future__ import annotations

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import Person
from agent.errors import Failed
from agent.execute import recovery
from agent.execute.events import Planned
from agent.execute.outcome import Verdict
from agent.execute.trail import Trail
from agent.plan.steps import AddToProject, Invite
from tests.unit.execute.cases import job, member, person, provision
from tests.unit.execute.deaths import Notebook, die
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR, START, FakeTenant

ANA = "ana.lindqvist@example.com"
OFFBOARD = job("offboard", person={"email": ANA})
AGAIN = job("invite", person={"email": ANA}, resend=True)
WRITES = 4  # of the provision job: create, two projects, invite


def applied_twice(tenant: FakeTenant) -> list[str]:
    """The oracle: writes that changed Procore more than once."""
    return sorted({words for words in tenant.applied if tenant.applied.count(words) > 1})


def is_provisioned(tenant: FakeTenant) -> bool:
    """Whether Ana is as the job wants her."""
    ana = tenant.by_email(ANA)
    return ana is not None and {(item.project.id, item.template) for item in ana.memberships} == {
        (HARBOR.id, ENGINEER),
        (CLINIC.id, ENGINEER),
    }


async def events_of_a_whole_run() -> int:
    listener = Listener()
    await run(provision(), FakeTenant(), listener=listener)
    return len(listener.events)


@pytest.mark.parametrize("lag", [0, 7], ids=["pages are fresh", "pages lag"])
async def test_death_at_any_event_leads_to_one_creation_and_one_mail(lag: float) -> None:
    """A sweep over every event of the job; the pages show the state of the death for a while."""
    count = await events_of_a_whole_run()
    for nth in range(1, count):
        tenant, notebook = FakeTenant(), Notebook()
        before_last: list[dict[str, Person]] = []
        tenant.on_write = lambda _, seen=before_last, truth=tenant: seen.append(dict(truth.people))
        assert await die(provision(), tenant, notebook, at_event=nth)
        if lag and before_last:
            tenant.freeze(lag)
            tenant.frozen = before_last[-1]  # without the last save
        outcome = await run(provision(), tenant, boundary=notebook, trail=notebook.trail)
        assert outcome.verdict is Verdict.DONE, f"death at event {nth}: {outcome.summary}"
        assert applied_twice(tenant) == [], f"death at event {nth}"
        assert tenant.outbox == [ANA], f"death at event {nth}"
        assert is_provisioned(tenant)


@pytest.mark.parametrize("write", range(1, WRITES))
async def test_a_write_that_was_only_announced_is_made_by_the_next_run(write: int) -> None:
    """Dead between the record and the click: it is looked for until the deadline, then done."""
    tenant, notebook = FakeTenant(), Notebook(die_at_write=write)
    assert await die(provision(), tenant, notebook)
    outcome = await run(provision(), tenant, boundary=Notebook(), trail=notebook.trail)
    assert outcome.verdict is Verdict.DONE
    assert is_provisioned(tenant)
    assert tenant.clock.seconds >= 20, "its effect was waited for"
    assert tenant.outbox == [ANA]


async def test_an_announced_invitation_without_a_trace_is_uncertain_and_never_sent() -> None:
    """It may have left: a person decides, and no later run sends it either."""
    tenant, notebook = FakeTenant(), Notebook(die_at_write=WRITES)
    assert await die(provision(), tenant, notebook)
    for _ in range(2):
        outcome = await run(provision(), tenant, boundary=Notebook(), trail=notebook.trail)
        assert outcome.verdict is Verdict.UNCERTAIN
        assert outcome.error is not None
        assert outcome.error["code"] == "answer-lost"
        assert outcome.steps[-1].state == "unknown"
    assert tenant.outbox == []


@pytest.mark.parametrize("notify", [True, False])
async def test_an_announced_addition_is_made_again_unless_somebody_is_told_of_it(notify: bool) -> None:
    """Applied late, the first one would be a second mail; without a mail it would be the same membership."""
    tenant, notebook = FakeTenant(), Notebook(die_at_write=1)
    tenant.put(person())
    people = [{"email": ANA, "template": ENGINEER, "role": "Site Engineer", "notify": notify}]
    wish = job("bulk_add_to_project", project="24-017", people=people)
    assert await die(wish, tenant, notebook)
    outcome = await run(wish, tenant, boundary=Notebook(), trail=notebook.trail)
    assert outcome.verdict is (Verdict.UNCERTAIN if notify else Verdict.DONE)
    assert len(tenant.sent) == (0 if notify else 1)


async def test_a_resend_that_left_with_the_dead_process_is_found_and_done() -> None:
    """The Change History has it: done, and the record of resends says that it is certain."""
    tenant, notebook = FakeTenant(), Notebook()
    tenant.put(person())
    tenant.on_write = None
    assert await die(AGAIN, tenant, notebook, at_event=8)  # the answer is there, and the process dies with it
    assert tenant.outbox == [ANA]
    outcome = await run(AGAIN, tenant, boundary=Notebook(), trail=notebook.trail)
    assert outcome.verdict is Verdict.DONE
    assert [witness.agrees for witness in outcome.witnesses] == [True, True]
    assert tenant.outbox == [ANA]
    kept = tenant.resends.find("sandbox", AGAIN.idempotency_key)
    assert kept is not None
    assert kept.certain


async def test_a_resend_without_a_trace_is_uncertain() -> None:
    """Announced, and not in the Change History."""
    tenant, notebook = FakeTenant(), Notebook(die_at_write=1)
    tenant.put(person())
    assert await die(AGAIN, tenant, notebook)
    outcome = await run(AGAIN, tenant, boundary=Notebook(), trail=notebook.trail)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert tenant.outbox == []


async def test_all_was_done_before_the_death_so_it_is_read_back_by_both_witnesses() -> None:
    """Nothing is left to do, and still it is more than "nothing to do": the job's own writes are confirmed."""
    tenant, notebook, listener = FakeTenant(), Notebook(), Listener()
    count = await events_of_a_whole_run()
    assert await die(provision(), tenant, notebook, at_event=count - 1)
    outcome = await run(provision(), tenant, listener=listener, trail=notebook.trail)
    assert outcome.verdict is Verdict.DONE
    assert not outcome.nothing_to_do
    assert [witness.agrees for witness in outcome.witnesses] == [True, True]
    assert len(outcome.steps) == WRITES
    assert all("earlier run" in step.detail for step in outcome.steps)
    assert listener.of(Planned)[0].plan.is_empty


async def test_long_after_the_death_nothing_is_waited_for() -> None:
    """The deadline counts from when the write left, not from the restart."""
    tenant, notebook = FakeTenant(), Notebook(die_at_write=1)
    assert await die(provision(), tenant, notebook)
    tenant.clock.seconds += 3600
    before = tenant.clock.seconds
    outcome = await run(provision(), tenant, boundary=Notebook(), trail=notebook.trail)
    assert outcome.verdict is Verdict.DONE
    assert tenant.clock.seconds == before


async def test_what_somebody_has_undone_since_is_done_again() -> None:
    """Saved, and hours later taken back by a person: the job's wish holds, so it is planned again."""
    tenant, notebook = FakeTenant(), Notebook()
    tenant.put(person(memberships=(member(HARBOR),), company_access=CompanyAccess(template="Field Staff")))
    wish = job("add_to_projects", person={"email": ANA}, projects=[{"project": "24-021", "template": ENGINEER}])
    assert await die(wish, tenant, notebook, at_event=9)
    assert tenant.applied
    tenant.clock.seconds += 3600
    tenant.change_by_other("7123456", memberships=(member(HARBOR),))
    outcome = await run(wish, tenant, boundary=Notebook(), trail=notebook.trail)
    ana = tenant.by_email(ANA)
    assert outcome.verdict is Verdict.DONE
    assert ana is not None
    assert ana.membership(CLINIC.id) is not None


async def test_an_off_boarding_goes_on_after_a_death_at_any_write() -> None:
    """The same for what takes access away, with lagging pages."""
    for write in (1, 2, 3):
        tenant, notebook = FakeTenant(), Notebook(die_at_write=write)
        tenant.put(
            person(
                company_access=CompanyAccess(template="Field Staff"),
                default_project_template=ENGINEER,
                memberships=(member(HARBOR), member(CLINIC)),
            )
        )
        if not await die(OFFBOARD, tenant, notebook):
            continue
        tenant.freeze(7)
        outcome = await run(OFFBOARD, tenant, boundary=Notebook(), trail=notebook.trail)
        ana = tenant.by_email(ANA)
        assert outcome.verdict is Verdict.DONE
        assert ana is not None
        assert (ana.active, ana.memberships, ana.company_access.is_none) == (False, (), True)
        assert applied_twice(tenant) == []


def test_a_trail_survives_being_written_down() -> None:
    """Every part comes back, though steps are dumped with words for people."""
    step = AddToProject(project=HARBOR, template=ENGINEER)
    trail = Trail().sending(step, "7123456", START, START).saved().sending(Invite(email=ANA), None, START, START)
    again = Trail.parse(trail.data())
    assert again == trail
    assert again.under_way is not None
    assert again.under_way.step == Invite(email=ANA)
    assert again.user_id == "7123456"


def test_a_record_that_cannot_be_read_stops_the_job() -> None:
    """Planning without knowing what was sent could send it twice."""
    with pytest.raises(Failed, match="nothing is sent") as caught:
        Trail.parse({"sent": [{"step": {"kind": "unheard of"}, "state": "saved", "at": "now"}]})
    assert caught.value.code == "trail-unreadable"


async def test_the_oracle_sees_a_run_that_ignores_the_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: without the trail, a lagging page leads to a second mail."""

    async def nothing(work: object) -> None:
        pass

    monkeypatch.setattr("agent.execute.run.settle_trail", nothing)
    assert recovery.settle_trail is not nothing
    tenant, notebook = FakeTenant(), Notebook()
    tenant.put(person(invited=False))
    wish = job("invite", person={"email": ANA})
    assert await die(wish, tenant, notebook, at_event=8)
    assert tenant.outbox == [ANA]
    tenant.freeze(7)
    tenant.frozen = {"7123456": person(invited=False)}
    await run(wish, tenant, boundary=Notebook(), trail=notebook.trail)
    assert tenant.outbox == [ANA, ANA]
