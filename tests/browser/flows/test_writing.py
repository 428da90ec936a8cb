"""Each write of the Directory to a person, on the sandbox, against the sandbox's own truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Vendor
from agent.domain.person import NewUser, UserChange
from agent.errors import Failed, Refused, SaveRejected
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, Opener, RecordingGate, make_person, person_in, writes_in

pytestmark = pytest.mark.usefixtures("generation")

NEW = NewUser(
    email=EMAIL,
    attributes={"first_name": "Ada", "last_name": "Byron", "job_title": "Engineer", "is_employee": "yes"},
    default_project_template="Foreman / Superintendent - Internal",
    company_template="Field Staff",
)


async def test_a_new_user_is_what_was_asked_for(directory: Directory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Every field arrives; the company is chosen by id among two of one name; one write and no invitation."""
    vendor = (await directory.find_vendors("Summit Electric"))[1]

    user_id = await directory.create_user(NEW.model_copy(update={"company": vendor}))

    truth = person_in(sandbox, NEW.email)
    assert str(truth["user_id"]) == user_id
    assert (truth["first_name"], truth["last_name"], truth["job_title"]) == ("Ada", "Byron", "Engineer")
    assert str(truth["vendor_id"]) == vendor.id
    assert truth["company_template"] == "Field Staff"
    assert truth["default_template"] == "Foreman / Superintendent - Internal"
    assert truth["is_employee"] is True
    assert sandbox.get("/outbox") == []
    assert len(writes_in(sandbox)) == len(gate.asked) == len(gate.told) == 1


async def test_a_new_user_may_have_no_templates(directory: Directory, sandbox: Sandbox) -> None:
    """ "Apply Permission Template Later" is what stands there when no template is given."""
    await directory.create_user(NewUser(email=NEW.email, attributes={"last_name": "Byron"}))

    truth = person_in(sandbox, NEW.email)
    assert (truth["company_template"], truth["default_template"]) == (None, None)


async def test_a_person_reads_as_created(directory: Directory, sandbox: Sandbox) -> None:
    """Reading is the inverse of writing."""
    vendor = (await directory.find_vendors("Summit Electric"))[0]
    user_id = await directory.create_user(NEW.model_copy(update={"company": vendor}))

    person = await directory.read_person(user_id)

    assert person.email == NEW.email
    assert person.active
    assert {name: person.attributes[name] for name in NEW.attributes} == dict(NEW.attributes)
    assert person.company is not None
    assert person.company.id == vendor.id
    assert person.company_access == CompanyAccess(template="Field Staff")
    assert person.default_project_template == NEW.default_project_template
    assert person.memberships == ()
    assert "email" not in person.read_only_fields


CHANGES: list[tuple[UserChange, Callable[[dict[str, Any]], object], object]] = [
    (UserChange(attributes={"job_title": "Head"}), lambda user: user["job_title"], "Head"),
    (UserChange(attributes={"job_title": ""}), lambda user: user["job_title"], ""),
    (UserChange(attributes={"is_employee": "yes"}), lambda user: user["is_employee"], True),
    (UserChange(attributes={"country_code": "US", "state_code": "CO"}), lambda user: user["state_code"], "CO"),
    (
        UserChange(attributes={"email_notification_setting": "not_at_all"}),
        lambda user: user["email_notification_setting"],
        "not_at_all",
    ),
    (UserChange(email="ada.king@example.com"), lambda user: user["email_address"], "ada.king@example.com"),
    (
        UserChange(company_access=CompanyAccess(template="Read Only")),
        lambda user: user["company_template"],
        "Read Only",
    ),
    (
        UserChange(company_access=CompanyAccess(levels={"Reports": AccessLevel.STANDARD})),
        lambda user: {tool: level for tool, level in user["levels"].items() if level != "None"},
        {"Reports": "Standard"},
    ),
    (
        UserChange(company_access=CompanyAccess(levels={"Directory": AccessLevel.ADMIN})),
        lambda user: user["is_company_admin"],
        True,
    ),
    (UserChange(company_access=CompanyAccess()), lambda user: set(user["levels"].values()), {"None"}),
    (
        UserChange(default_project_template="Read Only - Internal"),
        lambda user: user["default_template"],
        "Read Only - Internal",
    ),
    (UserChange(default_project_template=""), lambda user: user["default_template"], None),
    (UserChange(add_to_new_projects=True), lambda user: user["add_to_new_projects"], True),
]


@pytest.mark.parametrize(("change", "look", "expected"), CHANGES)
async def test_a_save_changes_what_it_should(
    generation: str,
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    change: UserChange,
    look: Callable[[dict[str, Any]], object],
    expected: object,
) -> None:
    """One Save, one write, and nothing else of the person is different. Only the new pages need two where levels take
    the place of a template: they show the tools after it is gone."""
    user_id = await make_person(
        sandbox, company_template="Field Staff", default_template="Project Manager - Internal", job_title="Old"
    )

    await directory.save_user(user_id, change)

    email = change.email or EMAIL
    assert look(person_in(sandbox, email)) == expected
    has_levels = change.company_access is not None and bool(change.company_access.levels)
    writes = 2 if generation == "mfe" and has_levels else 1
    assert len(writes_in(sandbox)) == len(gate.asked) == writes


@pytest.mark.parametrize("style", ["two_buttons", "checkbox"])
async def test_a_save_never_invites(directory: Directory, sandbox: Sandbox, style: str) -> None:
    """Neither with a second button beside Save nor with a checkbox before it does a save send an invitation."""
    sandbox.post("/options", {"invite_style": style})
    user_id = await make_person(sandbox, job_title="Old")

    await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))

    assert person_in(sandbox, EMAIL)["job_title"] == "New"
    assert sandbox.get("/outbox") == []


async def test_directory_admin_is_taken_away_tool_by_tool(directory: Directory, sandbox: Sandbox) -> None:
    """Directory = Admin greys the other rows: it is lowered first, then the rest is set."""
    user_id = await make_person(sandbox)
    await directory.save_user(
        user_id, UserChange(company_access=CompanyAccess(levels={"Directory": AccessLevel.ADMIN}))
    )

    wanted = CompanyAccess(levels={"Directory": AccessLevel.READ_ONLY, "Schedule": AccessLevel.STANDARD})
    await directory.save_user(user_id, UserChange(company_access=wanted))

    assert (await directory.read_person(user_id)).company_access == wanted


async def test_the_company_can_be_changed_and_cleared(directory: Directory, sandbox: Sandbox) -> None:
    """By id, also when one is set already, whose placeholder is gone (hazard 14)."""
    one, other = await directory.find_vendors("Summit Electric")
    user_id = await make_person(sandbox)

    for vendor in (one, other):
        await directory.save_user(user_id, UserChange(company=vendor))
        assert str(person_in(sandbox, EMAIL)["vendor_id"]) == vendor.id
    await directory.save_user(user_id, UserChange(company=Vendor(id="", name="")))

    assert person_in(sandbox, EMAIL)["vendor_id"] is None


async def test_inactivate_and_reactivate_one_person(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Exactly the one; everybody else stays as they are; memberships come back [D]."""
    project = sandbox.get("/state")["companies"][0]["projects"][0]
    user_id = await make_person(sandbox, memberships={project["number"]: None})
    before = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}

    await directory.inactivate(user_id, EMAIL)
    between = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}
    assert between == before | {int(user_id): False}

    await directory.reactivate(user_id, EMAIL)
    after = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}
    assert after == before
    assert len(person_in(sandbox, EMAIL)["memberships"]) == 1
    assert len(gate.asked) == 2


async def test_a_person_not_in_the_list_is_not_inactivated(directory: Directory, sandbox: Sandbox) -> None:
    """The row must be there, with the id and the address asked for."""
    user_id = await make_person(sandbox, is_active=False)

    with pytest.raises(Failed) as failure:
        await directory.inactivate(user_id, EMAIL)

    assert failure.value.code == "row-not-found"
    assert writes_in(sandbox) == []


async def test_an_invitation_sends_one_mail(directory: Directory, sandbox: Sandbox) -> None:
    """Invite, then Re-Invite: one mail each, to the person alone; the list says Re-Invite afterwards."""
    user_id = await make_person(sandbox)
    assert (await directory.find(EMAIL)).matches[0].invited is False

    await directory.invite(user_id, EMAIL)
    assert (await directory.find(EMAIL)).matches[0].invited is True
    await directory.invite(user_id, EMAIL)

    assert [mail["to"] for mail in sandbox.get("/outbox")] == [EMAIL] * 2


async def test_a_first_invitation_is_not_made_a_second_one(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Somebody has invited the person since the job looked: the same button now says Re-Invite, and stays unpressed."""
    user_id = await make_person(sandbox)
    sandbox.post("/people", [{"email_address": EMAIL, "invited": True}])

    with pytest.raises(Failed) as failure:
        await directory.invite(user_id, EMAIL, again=False)

    assert failure.value.code == "already-so"
    assert (gate.asked, sandbox.get("/outbox")) == ([], [])


async def test_a_refusing_gate_keeps_everything_as_it_is(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Dry run, lost lease or spent budget: nothing that is not GET leaves the browser, from any write."""
    facts = await directory.facts()
    project = facts.projects[0]
    user_id = await make_person(sandbox, memberships={facts.projects[1].number: None})
    await make_person(sandbox, "idle@example.com", is_active=False)
    idle = str(person_in(sandbox, "idle@example.com")["user_id"])
    gate.refuse_with = Refused("dry-run", "nothing is written")
    writes: list[Callable[[], Awaitable[object]]] = [
        lambda: directory.create_user(NEW.model_copy(update={"email": "nobody@example.com"})),
        lambda: directory.save_user(user_id, UserChange(attributes={"job_title": "X"})),
        lambda: directory.add_to_project(user_id, project, None),
        lambda: directory.change_project_template(user_id, facts.projects[1], "Read Only - Internal"),
        lambda: directory.remove_from_project(user_id, facts.projects[1]),
        lambda: directory.remove_from_all_projects(user_id),
        lambda: directory.assign_projects(user_id, [project], []),
        lambda: directory.inactivate(user_id, EMAIL),
        lambda: directory.reactivate(idle, "idle@example.com"),
        lambda: directory.invite(user_id, EMAIL),
    ]
    for write in writes:
        with pytest.raises(Refused):
            await write()

    assert len(gate.asked) == len(writes)
    assert gate.told == []
    assert writes_in(sandbox) == []


async def test_a_choice_that_is_not_offered_is_named(directory: Directory, sandbox: Sandbox) -> None:
    """With what is offered instead, and before anything is sent."""
    user_id = await make_person(sandbox)
    facts = await directory.facts()

    with pytest.raises(Failed, match="Forman") as failure:
        await directory.add_to_project(user_id, facts.projects[0], "Forman")

    assert failure.value.code == "choice-not-offered"
    assert "Foreman / Superintendent - Internal" in failure.value.seen
    assert writes_in(sandbox) == []


async def test_reactivation_into_an_inactive_company_is_rejected(directory: Directory, sandbox: Sandbox) -> None:
    """Procore answers with an error flash and changes nothing [D]."""
    company = sandbox.get("/state")["companies"][0]
    closed = {vendor["vendor_id"] for vendor in company["vendors"] if not vendor["is_active"]}
    user = next(user for user in company["users"] if not user["is_active"] and user["vendor_id"] in closed)

    with pytest.raises(SaveRejected):
        await directory.reactivate(str(user["user_id"]), user["email_address"])

    assert person_in(sandbox, user["email_address"])["is_active"] is False


async def test_a_granular_operator_sees_what_it_may_not_set(open_it: Opener, sandbox: Sandbox) -> None:
    """Fields that its rights close are named as read-only; templates beyond its own are not offered."""
    user_id = await make_person(sandbox)
    directory = await open_it("ops.granular@example.com")

    person = await directory.read_person(user_id)

    assert "email" in person.read_only_fields
    with pytest.raises(Failed):
        await directory.save_user(user_id, UserChange(email="other@example.com"))
