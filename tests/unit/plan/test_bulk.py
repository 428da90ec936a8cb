"""Plans about many people: names to people, the difference to steps, and how steps show."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.access import Project
from agent.domain.person import Listing, Sighting, TenantFacts
from agent.domain.project import DistributionGroup, GroupChange, GroupMember, Member, NewMember
from agent.jobs.bulk import BulkJob
from agent.plan.bulk.effects import expectations_of, sends_again, shown
from agent.plan.bulk.planner import AT_ONCE, plan_many
from agent.plan.bulk.resolve import ids_needed, project_of, resolve_many, to_look_up
from agent.plan.bulk.roster import Roster, named_group
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkRemoveFromProject,
    BulkStep,
    ChangeGroup,
    ChangeMemberTemplate,
    CreateGroup,
    DeleteGroup,
    people_in,
)
from agent.plan.bulk.wanted import WantedGroup, WantedMembers, unsatisfied
from agent.plan.step import Direction
from agent.plan.steps import Plan
from tests.unit.plan.wishes import job

HARBOR = Project(id="9001", name="Harbor Bridge", number="24-017")
FACTS = TenantFacts(
    own_login="svc@example.com",
    project_templates=("Viewer", "Owner"),
    project_specific_templates={"9001": ("Crane Operators",)},
    projects=(HARBOR, Project(id="9002", name="Clinic", number="24-018")),
)


def address(number: int) -> str:
    return f"p{number:03}@example.com"


def member(number: int, template: str | None = "Viewer", **fields: Any) -> Member:
    values = {"user_id": str(number), "person_id": None, "name": f"P {number}", "email": address(number)}
    return Member(**{**values, "template": template, **fields})


def new(number: int, template: str | None = "Viewer", **fields: Any) -> NewMember:
    return NewMember(user_id=str(number), email=address(number), template=template, **fields)


def sighting(number: int, listing: Listing = Listing.USERS) -> Sighting:
    return Sighting(listing=listing, user_id=str(number), person_id=None, name=f"P {number}", email=address(number))


def grouped(number: int) -> GroupMember:
    return GroupMember(user_id=str(number), email=address(number))


def roster(*members: Member, **fields: Any) -> Roster:
    return Roster(project=HARBOR, members=members, **fields)


def wish(action: str, **fields: Any) -> BulkJob:
    return cast("BulkJob", job(action, **fields))


def after(plan: Plan, now: Roster) -> Roster:
    """What the roster is once a plan was carried out, told without the planner's help."""
    members = {item.email: item for item in now.members}
    for step in plan.steps:
        match step:
            case BulkAddToProject():
                added = step.people
            case AddMember():
                added = (step.person,)
            case BulkRemoveFromProject():
                added = ()
                for gone in step.people:
                    del members[gone.email]
            case ChangeMemberTemplate():
                added = ()
                members[step.email] = members[step.email].model_copy(update={"template": step.template})
            case _:
                raise AssertionError(step)
        for person in added:
            assert person.email not in members, "somebody is added twice"
            members[person.email] = member(int(person.user_id), person.template)
    return now.model_copy(update={"members": tuple(members.values())})


STATES = st.dictionaries(st.integers(0, 120), st.sampled_from([None, "Viewer", "Owner"]), max_size=120)


@settings(deadline=None)
@given(now=STATES, wanted=STATES, absent=st.sets(st.integers(0, 120)), change=st.booleans())
def test_every_plan_leads_to_what_is_wanted_and_only_there(
    now: dict[int, str | None], wanted: dict[int, str | None], absent: set[int], change: bool
) -> None:
    """Whoever is not named stays as they are; nothing that takes comes after what gives; nobody is sent twice; and
    from there, nothing is left to do."""
    gone = absent - wanted.keys()
    before = roster(*(member(number, template) for number, template in now.items()))
    goal = WantedMembers(
        project=HARBOR,
        present=tuple(new(number, template) for number, template in wanted.items()),
        absent=tuple(grouped(number) for number in gone),
        change_templates=change,
    )
    plan = plan_many(before, goal, FACTS)
    then = after(plan, before)
    assert unsatisfied(goal, then) == ()
    assert plan_many(then, goal, FACTS).is_empty
    kept = {number: template for number, template in now.items() if number not in gone}
    expected = {**wanted, **kept} if not change else {**kept, **wanted}
    assert {item.email: item.template for item in then.members} == {
        address(number): template for number, template in expected.items()
    }
    order = [Direction.REDUCE, Direction.NEUTRAL, Direction.GRANT]
    places = [order.index(step.direction) for step in plan.steps]
    assert places == sorted(places)
    touched = [person for step in plan.steps if isinstance(step, BulkStep) for person in people_in(step)]
    assert len(touched) == len(set(touched)) == plan.blast.people == len(plan.differences)
    assert all(len(people_in(step)) <= AT_ONCE for step in plan.steps if isinstance(step, BulkStep))


def test_a_plan_that_forgets_somebody_is_caught() -> None:
    """A planted violation: the oracle above sees the difference that is left."""
    goal = WantedMembers(project=HARBOR, present=(new(1), new(2)))
    plan = Plan(steps=(BulkAddToProject(project=HARBOR, people=(new(1),)),))
    assert [row.what for row in unsatisfied(goal, after(plan, roster()))] == [address(2)]


def test_the_projects_own_list_settles_its_members() -> None:
    """Nobody is looked up who stands there; the ids of members are asked for only where a step needs them."""
    people = [{"email": address(1), "template": "Viewer"}, {"email": address(2), "template": "Viewer"}]
    addition = wish("bulk_add_to_project", people=people)
    assert to_look_up(addition, roster(member(1))) == (address(2),)
    assert ids_needed(addition) == ()
    assert ids_needed(wish("bulk_add_to_project", people=people, change_templates=True)) == (address(1), address(2))
    assert ids_needed(wish("bulk_remove_from_project", people=[{"email": address(1)}])) == (address(1),)
    group = wish("distribution_group", project="24-017", members={"exactly": [{"email": address(3)}]})
    in_it = Roster(group=DistributionGroup(id="3", name="Site safety", members=(grouped(3),)))
    assert (to_look_up(group, in_it), to_look_up(group, Roster())) == ((), (address(3),))


def test_templates_are_those_of_this_project() -> None:
    """Global ones and its own; "none" is a decision."""
    people = [
        {"email": address(1), "template": "crane operators"},
        {"email": address(2), "template": "none", "role": "Architect", "notify": True},
    ]
    known = {address(number): (sighting(number),) for number in (1, 2)}
    found = resolve_many(wish("bulk_add_to_project", people=people), roster(known=known), FACTS)
    assert isinstance(found, WantedMembers)
    assert [(person.template, person.role, person.notify) for person in found.present] == [
        ("Crane Operators", "", False),
        (None, "Architect", True),
    ]
    assert project_of(wish("bulk_add_to_project", project={"id": "9002"}), FACTS) == FACTS.projects[1]


def test_whoever_is_offboarded_later_is_neither_put_in_nor_taken_out() -> None:
    """Of a group that shall have exactly these, too."""
    group = DistributionGroup(id="3", name="Site safety", members=(grouped(1), grouped(2)))
    job_ = wish("distribution_group", members={"exactly": [{"email": address(1)}, {"email": address(3)}]})
    known = {address(3): (sighting(3),)}
    leavers = {address(2): 8, address(3): 9}
    found = resolve_many(job_, Roster(group=group, known=known), FACTS, leavers)
    assert plan_many(Roster(group=group), found, FACTS).is_empty
    assert found.left_out == (f"{address(3)} is left out: job 9, accepted later, offboards this person.",)


def test_a_project_shows_groups_of_the_company_which_are_not_its_own() -> None:
    """Found by spelling first, then by the normalised name; the other Directory's never."""
    own = DistributionGroup(id="1", name="Site  safety", project_id="9001")
    shown_too = DistributionGroup(id="2", name="Site safety")
    assert named_group("site safety", [own, shown_too], HARBOR) == [own]
    assert named_group("site safety", [own, shown_too], None) == [shown_too]
    twin = own.model_copy(update={"id": "3", "name": "SITE SAFETY"})
    assert named_group("Site  safety", [own, twin], HARBOR) == [own]
    assert named_group("site safety", [own, twin], HARBOR) == [own, twin]


GROUP = DistributionGroup(id="3", name="Site safety", description="Old", members=(grouped(1),))
#: a step, what is there before it, and what is there once it was done
STEPS: list[tuple[BulkStep, Roster, Roster]] = [
    (BulkAddToProject(project=HARBOR, people=(new(1), new(2, None))), roster(), roster(member(1), member(2, None))),
    (AddMember(project=HARBOR, person=new(1)), roster(), roster(member(1))),
    (BulkRemoveFromProject(project=HARBOR, people=(member(1),)), roster(member(1)), roster()),
    (
        ChangeMemberTemplate(project=HARBOR, user_id="1", email=address(1), template="Owner", before="Viewer"),
        roster(member(1)),
        roster(member(1, "Owner")),
    ),
    (CreateGroup(name="Site safety"), Roster(), Roster(group=GROUP)),
    (
        ChangeGroup(
            group_id="3",
            name="Site safety",
            change=GroupChange(description="New", add=(grouped(2),), remove=(grouped(1),)),
            before="Old",
        ),
        Roster(group=GROUP),
        Roster(group=GROUP.model_copy(update={"description": "New", "members": (grouped(2),)})),
    ),
    (DeleteGroup(group_id="3", name="Site safety", before=GROUP.members), Roster(group=GROUP), Roster()),
]


@pytest.mark.parametrize(("step", "before", "then"), STEPS, ids=lambda item: getattr(item, "kind", ""))
def test_how_each_step_shows(step: BulkStep, before: Roster, then: Roster) -> None:
    """Not before, and wholly after; told in words, with a way back; and known again when it is planned twice."""
    assert not shown(step, before).is_all
    assert shown(step, then).is_all
    assert step.title
    assert step.inverse
    assert sends_again(step, [step])
    assert all(user_id for user_id in expectations_of(step))


def test_every_kind_of_step_is_in_the_test_above() -> None:
    """A new one is thought of."""
    assert {type(step) for step, _, _ in STEPS} == set(BulkStep.__args__)


def test_a_half_done_step_tells_who_is_in() -> None:
    """So that only the others are unclear."""
    step = BulkAddToProject(project=HARBOR, people=(new(1), new(2), new(3, "Owner")))
    part = shown(step, roster(member(1), member(3, "Viewer")))
    assert (part.there, part.not_there) == ((address(1),), (address(2), address(3)))


def test_sending_again_in_other_company_is_sending_again() -> None:
    """A plan made anew has fewer people in it than the step that was sent; another project is another matter."""
    kept = BulkAddToProject(project=HARBOR, people=(new(1), new(2)))
    assert sends_again(BulkAddToProject(project=HARBOR, people=(new(2),)), [kept])
    assert sends_again(AddMember(project=HARBOR, person=new(1)), [kept])
    assert not sends_again(BulkAddToProject(project=HARBOR, people=(new(3),)), [kept])
    assert not sends_again(BulkAddToProject(project=FACTS.projects[1], people=(new(2),)), [kept])
    assert not sends_again(BulkRemoveFromProject(project=HARBOR, people=(member(1),)), [kept])


def test_a_group_that_is_as_wanted_needs_nothing() -> None:
    """By name alone, too: it is there."""
    assert plan_many(Roster(group=GROUP), WantedGroup(name="Site safety"), FACTS).is_empty
    wanted = WantedGroup(name="Site safety", description=" Old ", members=(grouped(1),), only_these=True)
    assert plan_many(Roster(group=GROUP), wanted, FACTS).is_empty
