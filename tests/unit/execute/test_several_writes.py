"""Steps that take several writes: each write is confirmed once, wherever a process dies or a page stops them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import Person
from agent.domain.project import Member
from agent.errors import Failed
from agent.execute.events import Note
from agent.execute.outcome import Verdict
from agent.execute.trail import Trail
from agent.jobs.model import Job
from agent.plan.bulk.effects import part_of
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.steps import BulkRemoveFromProject
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.crowd import WIDE, crew, done, emails, group, put_group, removal, tenant_of
from tests.unit.execute.deaths import Notebook, die
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import HARBOR, START, FakeTenant

ANA = "ana.lindqvist@example.com"
Story = Callable[[], tuple[FakeTenant, Job]]


def five_in_harbor(*inactive: int) -> tuple[list[Person], FakeTenant]:
    """Five members of Harbor Bridge, some of them inactive."""
    people = crew(5, memberships=(member(HARBOR),))
    for at in inactive:
        people[at] = people[at].model_copy(update={"active": False})
    return people, tenant_of(*people)


def five_leave() -> tuple[FakeTenant, Job]:
    """Two of them inactive: three writes."""
    people, tenant = five_in_harbor(1, 3)
    return tenant, removal(people)


def a_group_changes() -> tuple[FakeTenant, Job]:
    """One out, a description, two in: four writes."""
    people = crew(4)
    tenant = tenant_of(*people)
    tenant.saves_in_parts = True
    put_group(tenant, people[0], people[1])
    named = [{"email": item.email} for item in people[1:]]
    return tenant, group(members={"exactly": named}, description="Letter")


def a_save_in_parts() -> tuple[FakeTenant, Job]:
    """Company access by a write of its own, before the other fields."""
    tenant = FakeTenant()
    tenant.put(person(company_access=CompanyAccess(template="Office Staff")))
    tenant.saves_in_parts = True
    wish = {"email": ANA, "attributes": {"job_title": "Engineer"}}
    return tenant, job("update", person=wish, company_access={"template": "Field Staff"})


@pytest.mark.parametrize("story", [five_leave, a_group_changes, a_save_in_parts])
@pytest.mark.parametrize("lag", [0, 7], ids=["pages are fresh", "pages lag"])
async def test_death_between_and_after_the_writes_of_a_step(story: Story, lag: float) -> None:
    """A sweep over the events of a run: the next one is done, each row of the Change History is expected once, and
    nothing is sent a second time."""
    for nth in itertools.count(1):
        tenant, wish = story()
        notebook = Notebook()
        if not await die(wish, tenant, notebook, at_event=nth, rules=WIDE):
            break
        if lag:
            tenant.freeze(lag)
        outcome = await done(wish, tenant, trail=notebook.trail, boundary=notebook)
        assert outcome.verdict is Verdict.DONE, (nth, outcome)
        for witness in outcome.witnesses:
            assert witness.agrees is not False
            assert not any("More than once" in text for text in witness.findings)
    assert nth > 12


@pytest.mark.parametrize("write", [1, 2, 3])
async def test_a_dead_removal_counts_what_it_has_done(write: int) -> None:
    """Two inactive members one by one, then the rest: all five are told as removed, by whichever run."""
    people, tenant = five_in_harbor(1, 3)
    notebook = Notebook(die_at_write=write)
    assert await die(removal(people), tenant, notebook, rules=WIDE)
    outcome = await done(removal(people), tenant, trail=notebook.trail)
    assert outcome.verdict is Verdict.DONE, outcome
    assert not any(someone.memberships for someone in tenant.people.values())
    page, history = outcome.witnesses
    assert history.findings[0].startswith("5 of 5 changes")
    assert (page.agrees, history.agrees) == (True, True)


def test_a_step_stands_in_the_trail_once() -> None:
    """However many writes it takes; with the time of the last, from which its effect is waited for."""
    step, other = _removal_step(), _removal_step(of=2)
    trail = Trail().sending(other, None, START, START).saved()
    for _ in range(3):
        trail = trail.sending(step, None, START, START)
    assert [(sent.step, sent.state, sent.writes) for sent in trail.sent] == [
        (other, "saved", 1),
        (step, "under way", 3),
    ]
    assert Trail.parse(trail.data()) == trail
    assert trail.in_part(other).sent[-1].step == other
    assert trail.in_part(None).sent == trail.not_sent().sent


async def test_people_on_several_pages_are_removed_one_by_one() -> None:
    """One removal reaches one page of the list: so each gets a write of its own, and the evidence says so."""
    people, tenant = five_in_harbor(1)
    tenant.rows_per_page = 2
    listener = Listener()
    outcome = await done(removal(people), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE, outcome
    assert tenant.sent == [f"remove member {people[at].user_id} {HARBOR.id}" for at in (1, 0, 2, 3, 4)]
    (note,) = [note.text for note in listener.of(Note) if "one by one" in note.text]
    assert note == (
        "The people to remove stand on several pages. They are removed one by one, each by a write of its own."
    )
    assert outcome.witnesses[1].agrees is True


@pytest.mark.parametrize("effect", ["swapped labels", "refuse"])
async def test_a_removal_that_stops_in_its_middle_says_what_is_done(effect: str) -> None:
    """The inactive one is out and the others are not: told so, not as somebody else's doing."""
    people, tenant = five_in_harbor(1, 3)
    tenant.fault("bulk_remove", effect)
    notebook = Notebook()
    outcome = await done(removal(people), tenant, boundary=notebook)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.UNCERTAIN, "stopped-midway"), outcome
    (step,) = outcome.steps
    assert step.state == "partly saved"
    assert f"Remove 2 people from project {HARBOR.label}: p01@example.com and p03@example.com" in step.detail
    (sent,) = notebook.trail.sent
    assert (sent.state, [item.email for item in sent.step.people]) == (  # type: ignore[union-attr]  # a removal
        "saved",
        ["p01@example.com", "p03@example.com"],
    )
    again = await run(removal(people), tenant, trail=notebook.trail, rules=WIDE)
    assert again.verdict is Verdict.DONE, again
    assert again.witnesses[1].findings[0].startswith("5 of 5 changes")


@pytest.mark.parametrize(("write", "verdict"), [(1, Verdict.FAILED), (2, Verdict.UNCERTAIN)])
async def test_a_document_that_comes_before_a_click_says_nothing_of_the_writes_before_it(
    write: int, verdict: Verdict
) -> None:
    """Nothing of the write itself was sent: before the first that is the whole truth, before the second the first is
    told as done. The job may be run again as it is, and no write is made twice."""
    tenant, wish = a_save_in_parts()
    tenant.fault("save_user", "document replaced", nth=write)
    notebook = Notebook()
    outcome = await done(wish, tenant, boundary=notebook)
    code, cause = (outcome.error or {}).get("code"), (outcome.error or {}).get("cause")
    assert (outcome.verdict, cause or code) == (verdict, "document-replaced"), outcome
    assert [step.state for step in outcome.steps] == [{1: "not sent", 2: "partly saved"}[write]]
    assert len(tenant.applied) == write - 1
    again = await run(wish, tenant, trail=notebook.trail)
    assert again.verdict is Verdict.DONE, again
    assert len(tenant.applied) == len(set(tenant.applied)) == 2


async def test_a_stop_between_two_writes_is_no_change_by_others() -> None:
    """Somebody asks to stop after the first of a group's writes: some is done, and the code is theirs."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.saves_in_parts = True
    put_group(tenant, people[0])

    class Stopping(Notebook):
        async def at_write(self, trail: Trail) -> None:
            if self.writes == 1:
                raise Failed("cancel-asked", "Somebody asked to stop.")
            await super().at_write(trail)

    outcome = await done(group(members={"exactly": [{"email": people[1].email}]}), tenant, boundary=Stopping())
    assert (outcome.verdict, (outcome.error or {}).get("cause")) == (Verdict.UNCERTAIN, "cancel-asked"), outcome
    assert outcome.steps[0].state == "partly saved"
    assert emails(tenant) == []


async def test_a_group_job_that_sent_nothing_says_so() -> None:
    """A project's members are looked up before the first write only; that this look is missing later is no change."""
    people = crew(3, memberships=(member(HARBOR),))
    tenant = tenant_of(*people)
    tenant.lists_without_ids = True
    put_group(tenant, people[0], project_id=HARBOR.id)
    tenant.fault("save_group", "swapped labels")
    wish = group(project="24-017", members={"exactly": [{"email": item.email} for item in people]})
    outcome = await done(wish, tenant)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.FAILED, "shape-changed"), outcome
    assert tenant.sent == []


async def test_a_group_that_others_change_meanwhile_is_still_seen() -> None:
    """The other way round: nothing of ours was sent, and the group is not as before."""
    people = crew(3)
    tenant = tenant_of(*people)
    found = put_group(tenant, people[0])
    tenant.fault("save_group", "swapped labels")

    def meddle(what: str) -> None:
        if what == "read_group":
            tenant.on_read = None
            later = found.model_copy(update={"members": ()})
            tenant.on_read = lambda what: tenant.groups.update({"300": later}) if what == "list_groups" else None

    tenant.on_read = meddle
    outcome = await done(group(members={"exactly": [{"email": people[1].email}]}), tenant)
    assert (outcome.error or {})["code"] == "changed-meanwhile", outcome


def test_only_a_removal_can_be_told_apart() -> None:
    """Of a group's parts the next look at the group tells; of members who are out, only that they are."""
    people, _ = five_in_harbor()
    roster = Roster(project=HARBOR, members=_as_members(people[:2]))
    part = part_of(_removal_step(), roster)
    assert part is not None
    assert [item.email for item in part.people] == ["p02@example.com", "p03@example.com", "p04@example.com"]  # type: ignore[union-attr]  # a removal
    assert part_of(_removal_step(of=2), roster) is None


def _removal_step(of: int = 5) -> BulkRemoveFromProject:
    return BulkRemoveFromProject(project=HARBOR, people=_as_members(crew(of)))


def _as_members(people: Sequence[Person]) -> tuple[Member, ...]:
    return tuple(Member(user_id=item.user_id, person_id=None, name="P", email=item.email) for item in people)
