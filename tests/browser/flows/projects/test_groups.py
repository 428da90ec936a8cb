"""Distribution groups of a company and of a project, in both generations, against the sandbox's own truth."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.access import Project
from agent.domain.project import GroupChange, GroupMember
from agent.errors import Failed, SaveRejected
from flows import Directory
from flows.interface import Groups
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, RecordingGate, assert_nothing_written, make_person, writes_in
from tests.browser.flows.projects.conftest import NUMBER, in_group, make_people

NAME = "Scaffold Crew"  # neither the first nor the last in the list
ANN, JOANN = "ann.lee@example.com", "joann.lee@example.com"


@pytest.fixture(params=["project", "company"])
def groups(request: pytest.FixtureRequest, company: Directory, project: Project) -> Groups:
    """The groups of a project, and those of its company."""
    return company.project(project).groups() if request.param == "project" else company.groups()


def truth_of(sandbox: Sandbox, name: str = NAME) -> dict[str, Any] | None:
    """The truth about a group; None when there is none of this name."""
    groups: list[dict[str, Any]] = sandbox.get("/state")["companies"][0]["groups"]
    return next((group for group in groups if group["name"] == name), None)


async def test_a_group_lives(groups: Groups, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Made, described, filled, emptied by one, and deleted; reading is the inverse of writing."""
    emails = await make_people(sandbox, 3, memberships={NUMBER: None})
    people = tuple(in_group(sandbox, email) for email in emails)

    group_id = await groups.create_group(NAME, GroupChange())
    await groups.save_group(group_id, GroupChange(description="Who lifts", add=people))
    full = await groups.read_group(group_id)
    await groups.save_group(group_id, GroupChange(remove=people[:1]))
    fewer = truth_of(sandbox)
    await groups.delete_group(group_id, NAME)

    assert (full.name, full.description) == (NAME, "Who lifts")
    assert {(member.user_id, member.email) for member in full.members} == {(p.user_id, p.email) for p in people}
    assert fewer is not None
    assert sorted(map(str, fewer["user_ids"])) == sorted(person.user_id for person in people[1:])
    assert truth_of(sandbox) is None
    assert len(writes_in(sandbox)) == len(gate.asked) == len(gate.told)


async def test_what_is_so_already_is_not_written(groups: Groups, sandbox: Sandbox, gate: RecordingGate) -> None:
    """A second run of the same job sends nothing."""
    await make_person(sandbox, memberships={NUMBER: None})
    change = GroupChange(description="Who lifts", add=(in_group(sandbox, EMAIL),))
    group_id = await groups.create_group(NAME, change)
    await groups.save_group(group_id, change)
    sandbox.forget_requests()
    gate.asked.clear()

    await groups.save_group(group_id, change)
    await groups.save_group(group_id, GroupChange(remove=(GroupMember(user_id="1", email="x@example.com"),)))

    assert_nothing_written(sandbox, gate)


async def test_a_name_is_given_once(groups: Groups, sandbox: Sandbox) -> None:
    """Names are unique in one Directory: the page refuses the second, in its own words."""
    await groups.create_group(NAME, GroupChange())

    with pytest.raises(SaveRejected):
        await groups.create_group(NAME, GroupChange())

    assert len([group for group in sandbox.get("/state")["companies"][0]["groups"] if group["name"] == NAME]) == 1


async def test_a_group_is_deleted_by_its_name(groups: Groups, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Somebody has given the group another name meanwhile: it is not the one that was meant."""
    group_id = await groups.create_group(NAME, GroupChange())
    await groups.create_group(f"{NAME} South", GroupChange())
    sandbox.forget_requests()
    gate.asked.clear()

    with pytest.raises(Failed) as failure:
        await groups.delete_group(group_id, f"{NAME} South")

    assert failure.value.code == "group-mismatch"
    assert_nothing_written(sandbox, gate)
    await groups.delete_group(group_id, NAME)
    assert truth_of(sandbox) is None
    assert truth_of(sandbox, f"{NAME} South") is not None


async def test_a_companys_group_shows_in_a_project_and_is_changed_at_the_company(
    company: Directory, project: Project, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """It is listed as the company's; whoever would change it in the project is stopped."""
    await make_person(sandbox, memberships={NUMBER: None})
    group_id = await company.groups().create_group(NAME, GroupChange())
    await company.groups().save_group(group_id, GroupChange(add=(in_group(sandbox, EMAIL),)))
    sandbox.forget_requests()
    gate.asked.clear()
    in_project = company.project(project).groups()

    shown = next(group for group in await in_project.list_groups() if group.name == NAME)
    own = await in_project.list_groups()
    with pytest.raises(Failed) as failure:
        await in_project.save_group(shown.id, GroupChange(description="Mine now"))

    assert shown.project_id is None
    assert all(group.project_id is None for group in own)
    assert failure.value.code in {"not-found", "choice-not-offered"}
    assert_nothing_written(sandbox, gate)


async def test_a_person_is_chosen_by_id_and_address(groups: Groups, sandbox: Sandbox, gate: RecordingGate) -> None:
    """A search for Ann's address finds Joann, too: her id with Ann's address is nobody."""
    sandbox.post("/people", [{"email_address": email, "memberships": {NUMBER: None}} for email in (ANN, JOANN)])
    joann = in_group(sandbox, JOANN)
    group_id = await groups.create_group(NAME, GroupChange())
    sandbox.forget_requests()
    gate.asked.clear()

    with pytest.raises(Failed) as failure:
        await groups.save_group(group_id, GroupChange(add=(GroupMember(user_id=joann.user_id, email=ANN),)))

    assert failure.value.code in {"choice-not-offered", "person-mismatch"}
    assert_nothing_written(sandbox, gate)
