"""Who is in a project, and each way of changing that, in both generations, against the sandbox's own truth."""

from __future__ import annotations

import pytest

from agent.domain.access import Project
from agent.errors import Failed
from flows import Directory
from flows.interface import ProjectDirectory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, RecordingGate, make_person, person_in, writes_in
from tests.browser.flows.projects.conftest import (
    NUMBER,
    OWN_TEMPLATE,
    as_member,
    as_new,
    make_people,
    members_of,
    membership,
    newcomer,
    project_in,
)


async def test_everybody_is_listed(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """Active and inactive users and contacts, with the template on this project; user ids where they are asked for."""
    emails = await make_people(sandbox, 40, memberships={NUMBER: "Read Only - Internal"})
    told: list[tuple[int, int]] = []

    members = await directory.list_members(lambda done, total: told.append((done, total)), ids_of=emails[:2])

    users = {user["email_address"]: user for user in sandbox.get("/state")["companies"][0]["users"]}
    expected = {
        (email, user["is_active"], item["template"])
        for email, user in users.items()
        for item in user["memberships"]
        if item["number"] == NUMBER
    }
    shown = [member for member in members if not member.contact]
    assert {(member.email, member.active, member.template) for member in shown} == expected
    assert len(shown) == len(expected)
    assert {member.name for member in members if member.contact} >= {"Front Desk", "Tomasz Wilk"}
    assert all(member.user_id is None for member in members if member.contact)
    by_email = {member.email: member.user_id for member in shown}
    assert [by_email[email] for email in emails[:2]] == [str(users[email]["user_id"]) for email in emails[:2]]
    assert told[-1] == (len(members), len(members))
    assert writes_in(sandbox) == []


async def test_a_member_is_found_by_the_whole_address(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """Active or not, with the user id; neither a longer address nor a contact counts."""
    sandbox.post("/people", [{"email_address": "joann.lee@example.com", "memberships": {NUMBER: None}}])
    user_id = await make_person(sandbox, memberships={NUMBER: OWN_TEMPLATE})

    found = await directory.find_member("Ada.Byron@example.com")
    inactive = await directory.find_member("priya.raman@example.com")

    assert found is not None
    assert (found.user_id, found.template, found.active) == (user_id, OWN_TEMPLATE, True)
    assert inactive is not None
    assert (inactive.user_id, inactive.active) == (str(person_in(sandbox, inactive.email)["user_id"]), False)
    assert await directory.find_member("nobody@example.com") is None
    assert await directory.find_member("oann.lee@example.com") is None


async def test_a_contact_of_the_same_address_is_nobody(directory: ProjectDirectory) -> None:
    """A contact has no login: whoever asks for a user must not be given one."""
    assert await directory.find_member("yuki.tanabe@example.com") is None


async def test_a_membership_comes_changes_and_goes(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Added with a template of this project, changed, taken away, removed: one write each, and no e-mail."""
    new = await newcomer(sandbox, template=OWN_TEMPLATE)

    await directory.add_member(new)
    added = membership(sandbox)
    await directory.change_member_template(new.user_id, EMAIL, "Read Only - Internal")
    changed = membership(sandbox)
    await directory.change_member_template(new.user_id, EMAIL, None)
    without = membership(sandbox)
    await directory.remove_member(new.user_id, EMAIL)

    assert added is not None
    assert added["template"] == OWN_TEMPLATE
    assert changed is not None
    assert changed["template"] == "Read Only - Internal"
    assert without is not None
    assert without["template"] is None
    assert membership(sandbox) is None
    assert person_in(sandbox, EMAIL)["is_active"] is True
    assert sandbox.get("/outbox") == []
    assert len(writes_in(sandbox)) == len(gate.asked) == len(gate.told) == 4


async def test_a_membership_may_have_no_template(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """ "Apply a Permission Template Later", even where the person has a default template."""
    await make_person(sandbox, default_template="Project Manager - Internal")

    await directory.add_member(as_new(sandbox, EMAIL))

    held = membership(sandbox)
    assert held is not None
    assert held["template"] is None


async def test_nobody_is_created(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """The company has as many people afterwards, and the person is as before."""
    new = await newcomer(sandbox)
    before = {user["user_id"] for user in sandbox.get("/state")["companies"][0]["users"]}

    await directory.add_member(new)

    assert {user["user_id"] for user in sandbox.get("/state")["companies"][0]["users"]} == before


async def test_many_are_added_by_one_write(directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Each with an own template and role; only whom it is asked for is sent a mail."""
    emails = await make_people(sandbox, 5)
    templates = ["Read Only - Internal", None, OWN_TEMPLATE, "Read Only - Internal", None]
    roles = ["", "Engineer", "Foreman", "", ""]
    new = [
        as_new(sandbox, email, template=template, role=role, notify=number == 3)
        for number, (email, template, role) in enumerate(zip(emails, templates, roles, strict=True))
    ]

    await directory.bulk_add(new)

    held = [membership(sandbox, email) or {} for email in emails]
    assert [item["template"] for item in held] == templates
    assert [item.get("role") or "" for item in held] == roles
    assert {mail["to"] for mail in sandbox.get("/outbox")} <= {emails[3]}
    assert len(writes_in(sandbox)) == len(gate.asked) == 1


async def test_many_are_removed_by_one_write(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Exactly these, wherever in the list they stand, and nobody else of the project."""
    emails = await make_people(sandbox, 60, memberships={NUMBER: "Read Only - Internal", "24-002": None})
    gone = [emails[at] for at in (1, 30, 59)]
    before = members_of(sandbox)

    await directory.bulk_remove([as_member(sandbox, email) for email in gone])

    assert members_of(sandbox) == before - set(gone)
    assert all(membership(sandbox, email, "24-002") for email in gone)
    assert len(writes_in(sandbox)) == len(gate.asked) == 1


async def test_people_on_several_pages_are_not_removed_together(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Ticks do not outlive the page of the list; half of a removal would be another one."""
    emails = await make_people(sandbox, 160, memberships={NUMBER: None})
    wanted = [as_member(sandbox, email) for email in (emails[0], emails[-1])]

    with pytest.raises(Failed) as failure:
        await directory.bulk_remove(wanted)

    assert failure.value.code == "not-on-one-page"
    assert writes_in(sandbox) == gate.asked == []
    assert len([item for item in await directory.list_members() if item.email in emails]) == 160


async def test_an_inactive_member_can_be_removed(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """Dormant memberships are what a reactivation would bring back."""
    user_id = await make_person(sandbox, is_active=False, memberships={NUMBER: OWN_TEMPLATE})

    await directory.remove_member(user_id, EMAIL)

    assert membership(sandbox) is None


async def test_an_invitation_is_one_mail(directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Invite first, Re-Invite then; the intent says which."""
    user_id = await make_person(sandbox, memberships={NUMBER: None})

    await directory.invite_member(user_id, EMAIL)
    await directory.invite_member(user_id, EMAIL)

    assert [mail["to"] for mail in sandbox.get("/outbox")] == [EMAIL, EMAIL]
    assert ["second" in intent for intent in gate.asked] == [False, True]
    assert len(writes_in(sandbox)) == 2


async def test_the_generation_may_change_between_two_looks(
    company: Directory, project: Project, sandbox: Sandbox, pages: str
) -> None:
    """Procore switches companies while one works: the next page tells, and nothing is configured."""
    directory = company.project(project)
    before = await directory.find_member("priya.raman@example.com")

    sandbox.post("/options", {"project_directory": "mfe" if pages == "legacy" else "legacy"})

    assert await directory.find_member("priya.raman@example.com") == before


async def test_projects_are_kept_apart(company: Directory, sandbox: Sandbox) -> None:
    """Two projects in one session: what is added to the one is not in the other."""
    first, second = (company.project(project_in(sandbox, number)) for number in ("24-003", "24-004"))
    new = await newcomer(sandbox)

    await first.add_member(new)

    assert await first.find_member(EMAIL) is not None
    assert await second.find_member(EMAIL) is None
