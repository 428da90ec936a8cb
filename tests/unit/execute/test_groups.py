"""Jobs about distribution groups, of a project and of the company."""

from __future__ import annotations

import pytest

from agent.execute.outcome import Verdict
from tests.unit.execute.cases import member
from tests.unit.execute.crowd import crew, done, emails, group, put_group, tenant_of
from tests.unit.execute.fake_tenant import HARBOR


@pytest.mark.parametrize("by_name_alone", [False, True])
async def test_a_group_is_made_with_all_that_it_needs(by_name_alone: bool) -> None:
    """Where the form takes the name alone, the rest is saved afterwards; either way both are read back."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.group_by_name_alone = by_name_alone
    wish = group(description="Weekly letter", members={"exactly": [{"email": item.email} for item in people]})
    outcome = await done(wish, tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    (found,) = tenant.groups.values()
    assert (found.description, emails(tenant)) == ("Weekly letter", [item.email for item in people])
    assert len(tenant.sent) == (2 if by_name_alone else 1)
    assert (await done(wish, tenant)).nothing_to_do


@pytest.mark.parametrize(
    ("members", "left"),
    [
        ({"exactly": ["p00", "p02"]}, ["p00", "p02"]),
        ({"at_least": ["p02"]}, ["p00", "p01", "p02"]),
        ({"remove": ["p01"]}, ["p00"]),
        ({"at_least": ["p02"], "remove": ["p01", "p03"]}, ["p00", "p02"]),
        ({"exactly": []}, []),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
async def test_a_groups_members(members: dict[str, list[str]], left: list[str]) -> None:
    """Exactly, at least, and not these."""
    people = crew(4)
    tenant = tenant_of(*people)
    put_group(tenant, people[0], people[1])
    named = {way: [{"email": f"{name}@example.com"} for name in names] for way, names in members.items()}
    outcome = await done(group(members=named), tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    assert emails(tenant) == [f"{name}@example.com" for name in left]


async def test_a_group_of_a_project_takes_its_members_only() -> None:
    """Somebody of the company who is not in the project is a problem, not somebody to be put in silently."""
    inside, outside = crew(2)
    tenant = tenant_of(inside.model_copy(update={"memberships": (member(HARBOR),)}), outside)
    wish = group(project="24-017", members={"at_least": [{"email": inside.email}, {"email": outside.email}]})
    outcome = await done(wish, tenant)
    assert outcome.verdict is Verdict.REFUSED
    assert f"$.members.at_least[1].email: {outside.email} is no member of project {HARBOR.label}" in outcome.summary


async def test_a_member_comes_into_a_group_of_the_project() -> None:
    """By the user id, which the project's list tells when it is asked for it."""
    inside, other = crew(2, memberships=(member(HARBOR),))
    tenant = tenant_of(inside, other)
    tenant.lists_without_ids = True
    outcome = await done(group(project="24-017", members={"exactly": [{"email": inside.email}]}), tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    (found,) = tenant.groups.values()
    assert [item.user_id for item in found.members] == [inside.user_id]


async def test_a_group_of_the_company_that_a_project_shows_is_not_the_projects() -> None:
    """The project gets a group of its own; the company's of the same name is not touched."""
    tenant = tenant_of(*crew(1, memberships=(member(HARBOR),)))
    put_group(tenant)
    outcome = await done(group(project="24-017"), tenant)
    assert outcome.verdict is Verdict.DONE
    assert sorted(str(found.project_id) for found in tenant.groups.values()) == ["9001", "None"]


async def test_deleting_a_group_asks_for_an_approval() -> None:
    """It cannot be undone; approved, it is deleted and seen to be gone. One that is not there is gone already."""
    people = crew(2)
    tenant = tenant_of(*people)
    put_group(tenant, *people)
    waiting = await done(group(absent=True), tenant)
    assert [item.code for item in waiting.approvals] == ["group-delete"]
    assert tenant.groups
    gone = await done(group(absent=True), tenant, approved=True)
    assert (gone.verdict, tenant.groups) == (Verdict.DONE, {})
    assert (await done(group(absent=True), tenant)).nothing_to_do


@pytest.mark.parametrize("operation", ["create_group", "save_group"])
async def test_a_groups_lost_answer_is_looked_for(operation: str) -> None:
    """As for every write: seen, it counts; and it is not sent again."""
    people = crew(2)
    tenant = tenant_of(*people)
    tenant.group_by_name_alone = True
    tenant.fault(operation, "lose the answer")
    outcome = await done(group(members={"at_least": [{"email": people[0].email}]}), tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    assert emails(tenant) == [people[0].email]
