"""Each reading and each write of the Directory, on the sandbox, against the sandbox's own truth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Project, Vendor
from agent.domain.person import Listing, NewUser, UserChange
from agent.errors import Failed, Refused, SaveRejected
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    SERVICE_ACCOUNT,
    Opener,
    RecordingGate,
    person_in,
    plan_fault,
    tenant_of,
    writes_in,
)

NEW = NewUser(
    email="ada.byron@example.com",
    attributes={"first_name": "Ada", "last_name": "Byron", "job_title": "Engineer", "is_employee": "yes"},
    default_project_template="Foreman / Superintendent - Internal",
    company_template="Field Staff",
)


async def make_person(
    sandbox: Sandbox,
    email: str = "ada.byron@example.com",
    *,
    is_active: bool = True,
    memberships: dict[str, str | None] | None = None,
    **values: Any,
) -> str:
    """Put a person into the world without the pages; the user id."""
    start = {"email_address": email, "is_active": is_active, "memberships": memberships or {}}
    sandbox.post("/people", [{**start, "values": {"first_name": "Ada", "last_name": "Byron", **values}}])
    return str(person_in(sandbox, email)["user_id"])


def has_memberships(sandbox: Sandbox, count: int) -> bool:
    """Whether the person has so many memberships by now."""
    return len(person_in(sandbox, "ada.byron@example.com")["memberships"]) == count


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the sandbox to get there."""
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)


async def test_the_fingerprint_says_what_this_directory_is(directory: Directory, sandbox: Sandbox) -> None:
    """Generation, language, company, account and rights; the first call costs no page load."""
    taken = await directory.fingerprint()

    assert (taken.generation, taken.locale, taken.signed_in_as) == ("legacy", "en-US", SERVICE_ACCOUNT)
    assert taken.company_name == sandbox.get("/state")["companies"][0]["name"]
    assert taken.capabilities.can_edit_users
    assert taken.capabilities.can_inactivate
    assert len(taken.catalogue) == 64
    assert sandbox.get("/requests") == []


async def test_facts_are_read_once(directory: Directory, sandbox: Sandbox) -> None:
    """All names a plan may refer to; a second call asks nothing."""
    facts = await directory.facts()
    truth = sandbox.get("/state")["companies"][0]
    asked = len(sandbox.get("/requests"))

    assert await directory.facts() is facts
    assert len(sandbox.get("/requests")) == asked
    assert {project.name for project in facts.projects} == {
        item["name"] for item in truth["projects"] if item["is_active"]
    }
    assert "Field Staff" in facts.company_templates
    assert "Foreman / Superintendent - Internal" in facts.project_templates
    assert facts.project_specific_templates
    assert "Directory" in facts.company_tools
    assert "last_name" in facts.required_fields
    assert facts.required_fields <= facts.add_user_fields
    assert facts.own_login == SERVICE_ACCOUNT


async def test_facts_know_more_projects_than_one_page_shows(directory: Directory, sandbox: Sandbox) -> None:
    """The portfolio shows 100 a page; its pager says how many there are."""
    for number in range(90):
        sandbox.post("/projects", {"number": f"99-{number:03}", "name": f"Extra {number:03}"})

    facts = await directory.facts()

    assert len(facts.projects) == len(
        [item for item in sandbox.get("/state")["companies"][0]["projects"] if item["is_active"]]
    )
    assert len(facts.projects) > 100


@pytest.mark.parametrize("listing", list(Listing))
async def test_lists_hold_what_the_world_holds(directory: Directory, sandbox: Sandbox, listing: Listing) -> None:
    """Every row, under the right ids; progress is told in rows."""
    told: list[tuple[int, int]] = []

    rows = await directory.list_people(listing, lambda done, total: told.append((done, total)))

    company = sandbox.get("/state")["companies"][0]
    if listing in {Listing.USERS, Listing.INACTIVE_USERS}:
        active = listing is Listing.USERS
        expected = {
            (str(user["user_id"]), str(user["person_id"]), user["email_address"])
            for user in company["users"]
            if user["is_active"] is active
        }
        assert {(row.user_id, row.person_id, row.email) for row in rows} == expected
    else:
        assert all(row.user_id is None for row in rows)
        assert all(row.person_id for row in rows)
    assert told[-1] == (len(rows), len(rows))


async def test_a_list_of_several_pages_is_read_to_its_end(directory: Directory, sandbox: Sandbox) -> None:
    """150 rows a page; the pager is the truth."""
    sandbox.post(
        "/people", [{"email_address": f"many.{n}@example.com", "values": {"last_name": f"Many{n}"}} for n in range(220)]
    )

    rows = await directory.list_people(Listing.USERS)

    active = [user for user in sandbox.get("/state")["companies"][0]["users"] if user["is_active"]]
    assert len(rows) == len(active) > 300


async def test_find_looks_into_all_four_lists(directory: Directory, sandbox: Sandbox) -> None:
    """An address may stand in several lists; looking into one alone would create a double."""
    await make_person(sandbox, is_active=False)

    found = await directory.find("Ada.Byron@example.com")

    assert [(row.listing, row.email) for row in found.matches] == [(Listing.INACTIVE_USERS, "ada.byron@example.com")]
    asked = [item["path"] for item in sandbox.get("/requests")]
    groups = {path.split("?")[0].rsplit("/", 1)[1] for path in asked if "/groups/" in path}
    assert groups == {listing.value for listing in Listing}


async def test_find_does_not_take_a_longer_address_for_the_one_asked(directory: Directory, sandbox: Sandbox) -> None:
    """The search matches parts of addresses; a match is the whole address."""
    await make_person(sandbox, "joann.x@example.com")

    assert (await directory.find("ann.x@example.com")).matches == ()


async def test_find_reports_near_hits_only_when_asked(directory: Directory, sandbox: Sandbox) -> None:
    """The same name under another address is a case for a person."""
    await make_person(sandbox, "ada@other.example.com")

    plain = await directory.find("ada.byron@example.com")
    near = await directory.find("ada.byron@example.com", full_name="Ada Byron")
    elsewhere = await directory.find("ada.byron@example.com", full_name="Ada Byron", company="No Such Company")

    assert plain.near == ()
    assert [row.email for row in near.near] == ["ada@other.example.com"]
    assert elsewhere.near == ()


async def test_vendors_of_one_name_are_all_offered(directory: Directory) -> None:
    """Company names are not unique; ids and places tell them apart."""
    found = await directory.find_vendors("summit electric")

    assert len(found) == 2
    assert len({vendor.id for vendor in found}) == 2
    assert all(vendor.hint for vendor in found)


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


async def test_a_dormant_person_can_be_read(directory: Directory, sandbox: Sandbox) -> None:
    """The Edit page of an inactive person shows what a reactivation would bring back."""
    project = sandbox.get("/state")["companies"][0]["projects"][0]
    user_id = await make_person(sandbox, is_active=False, memberships={project["number"]: None})

    person = await directory.read_person(user_id)

    assert not person.active
    assert [item.project.number for item in person.memberships] == [project["number"]]


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
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    change: UserChange,
    look: Callable[[dict[str, Any]], object],
    expected: object,
) -> None:
    """One Save, one write, and nothing else of the person is different."""
    user_id = await make_person(
        sandbox, company_template="Field Staff", default_template="Project Manager - Internal", job_title="Old"
    )

    await directory.save_user(user_id, change)

    email = change.email or "ada.byron@example.com"
    assert look(person_in(sandbox, email)) == expected
    assert len(writes_in(sandbox)) == len(gate.asked) == 1


@pytest.mark.parametrize("style", ["two_buttons", "checkbox"])
async def test_a_save_never_invites(directory: Directory, sandbox: Sandbox, style: str) -> None:
    """Neither with a second button beside Save nor with a checkbox before it does a save send an invitation."""
    sandbox.post("/options", {"invite_style": style})
    user_id = await make_person(sandbox, job_title="Old")

    await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))

    assert person_in(sandbox, "ada.byron@example.com")["job_title"] == "New"
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
        assert str(person_in(sandbox, "ada.byron@example.com")["vendor_id"]) == vendor.id
    await directory.save_user(user_id, UserChange(company=Vendor(id="", name="")))

    assert person_in(sandbox, "ada.byron@example.com")["vendor_id"] is None


async def test_memberships_come_change_and_go(directory: Directory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Add with and without a template, change, remove, remove all: one write each."""
    facts = await directory.facts()
    first, second, third = facts.projects[:3]
    user_id = await make_person(sandbox, default_template="Project Manager - Internal")

    await directory.add_to_project(user_id, first, "Read Only - Internal")
    await directory.add_to_project(user_id, second, None)
    await directory.add_to_project(user_id, third, "Foreman / Superintendent - Internal")
    await directory.change_project_template(user_id, first, None)
    await directory.change_project_template(user_id, second, "Read Only - Internal")
    person = await directory.read_person(user_id)
    assert {item.project.id: item.template for item in person.memberships} == {
        first.id: None,
        second.id: "Read Only - Internal",
        third.id: "Foreman / Superintendent - Internal",
    }

    await directory.remove_from_project(user_id, second)
    person = await directory.read_person(user_id)
    assert {item.project.id for item in person.memberships} == {first.id, third.id}

    await directory.remove_from_all_projects(user_id)
    assert (await directory.read_person(user_id)).memberships == ()
    assert len(writes_in(sandbox)) == len(gate.asked) == 7


async def test_a_project_specific_template_can_be_given(directory: Directory, sandbox: Sandbox) -> None:
    """Its group stands below the global ones in the same select."""
    facts = await directory.facts()
    project_id, (template, *_) = next(iter(facts.project_specific_templates.items()))
    project = next(item for item in facts.projects if item.id == project_id)
    user_id = await make_person(sandbox)

    await directory.add_to_project(user_id, project, template)

    membership = (await directory.read_person(user_id)).membership(project_id)
    assert membership is not None
    assert membership.template == template


async def test_a_project_beyond_the_first_page_is_found(directory: Directory, sandbox: Sandbox) -> None:
    """With more than 500 projects the Edit page shows 100 at a time and has a search of its own."""
    for number in range(470):
        sandbox.post("/projects", {"number": f"98-{number:03}", "name": f"Zebra Court {number:03}"})
    truth = next(item for item in sandbox.get("/state")["companies"][0]["projects"] if item["number"] == "98-469")
    user_id = await make_person(sandbox)

    project = Project(id=str(truth["project_id"]), name=truth["name"], number=truth["number"])
    await directory.add_to_project(user_id, project, None)

    assert (await directory.read_person(user_id)).membership(project.id) is not None


async def test_the_projects_tab_assigns_many_in_one_save(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Added ones get the default template; the save is accepted at once and applied later."""
    facts = await directory.facts()
    user_id = await make_person(sandbox, default_template="Project Manager - Internal")
    await directory.add_to_project(user_id, facts.projects[0], None)

    await directory.assign_projects(user_id, add=facts.projects[1:4], remove=facts.projects[:1])

    await until(partial(has_memberships, sandbox, 3))
    person = await directory.read_person(user_id)
    assert {item.project.id: item.template for item in person.memberships} == {
        project.id: "Project Manager - Internal" for project in facts.projects[1:4]
    }
    assert len(gate.asked) == 2


async def test_the_projects_tab_keeps_ticks_across_its_pages(directory: Directory, sandbox: Sandbox) -> None:
    """100 projects a page: what was ticked on the first is still sent from the second."""
    for number in range(120):
        sandbox.post("/projects", {"number": f"97-{number:03}", "name": f"Zebra Court {number:03}"})
    facts = await directory.facts()
    by_name = sorted(facts.projects, key=lambda project: project.number)
    user_id = await make_person(sandbox)

    await directory.assign_projects(user_id, add=[by_name[0], by_name[-1]], remove=[])

    await until(partial(has_memberships, sandbox, 2))


async def test_inactivate_and_reactivate_one_person(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Exactly the one; everybody else stays as they are; memberships come back [D]."""
    project = sandbox.get("/state")["companies"][0]["projects"][0]
    user_id = await make_person(sandbox, memberships={project["number"]: None})
    before = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}

    await directory.inactivate(user_id, "ada.byron@example.com")
    between = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}
    assert between == before | {int(user_id): False}

    await directory.reactivate(user_id, "ada.byron@example.com")
    after = {user["user_id"]: user["is_active"] for user in sandbox.get("/state")["companies"][0]["users"]}
    assert after == before
    assert len(person_in(sandbox, "ada.byron@example.com")["memberships"]) == 1
    assert len(gate.asked) == 2


async def test_a_person_not_in_the_list_is_not_inactivated(directory: Directory, sandbox: Sandbox) -> None:
    """The row must be there, with the id and the address asked for."""
    user_id = await make_person(sandbox, is_active=False)

    with pytest.raises(Failed) as failure:
        await directory.inactivate(user_id, "ada.byron@example.com")

    assert failure.value.code == "row-not-found"
    assert writes_in(sandbox) == []


async def test_an_invitation_sends_one_mail(directory: Directory, sandbox: Sandbox) -> None:
    """Invite, then Re-Invite: one mail each, to the person alone; the list says Re-Invite afterwards."""
    user_id = await make_person(sandbox)
    assert (await directory.find("ada.byron@example.com")).matches[0].invited is False

    await directory.invite(user_id, "ada.byron@example.com")
    assert (await directory.find("ada.byron@example.com")).matches[0].invited is True
    await directory.invite(user_id, "ada.byron@example.com")

    assert [mail["to"] for mail in sandbox.get("/outbox")] == ["ada.byron@example.com"] * 2


async def test_history_names_who_changed_what_since_then(directory: Directory, sandbox: Sandbox) -> None:
    """Oldest first, from the moment asked for; the actor is the account."""
    user_id = await make_person(sandbox, job_title="Old")
    since = await directory.server_time()

    await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))
    rows = await directory.history(user_id, since)

    assert [
        (row.field, row.before, row.after, row.actor_login) for row in rows if row.actor_login == SERVICE_ACCOUNT
    ] == [("Job Title", "Old", "New", SERVICE_ACCOUNT)]
    assert await directory.history(user_id, datetime.now(UTC) + timedelta(hours=1)) == ()


async def test_history_reads_past_its_first_page(directory: Directory, sandbox: Sandbox) -> None:
    """50 rows a page, newest first."""
    facts = await directory.facts()
    user_id = await make_person(sandbox)
    since = await directory.server_time()
    for start in range(0, 40, 20):
        await directory.assign_projects(user_id, add=facts.projects[start : start + 20], remove=[])
        await until(partial(has_memberships, sandbox, start + 20))
    await directory.remove_from_all_projects(user_id)

    rows = await directory.history(user_id, since)

    assert len([row for row in rows if row.field == "Project Assignment"]) == 80
    assert [row.at for row in rows] == sorted(row.at for row in rows)


async def test_server_time_is_the_servers(directory: Directory) -> None:
    """From the Date header, never later than the true time."""
    seen = await directory.server_time()

    assert timedelta(0) <= datetime.now(UTC) - seen < timedelta(seconds=5)


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
        lambda: directory.inactivate(user_id, "ada.byron@example.com"),
        lambda: directory.reactivate(idle, "idle@example.com"),
        lambda: directory.invite(user_id, "ada.byron@example.com"),
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


async def test_a_closed_page_is_a_refusal_not_an_empty_list(open_it: Opener, sandbox: Sandbox) -> None:
    """Denied is a redirect with status 200 and a fading flash [C]: it must not read as nobody there."""
    directory = await open_it()
    plan_fault(sandbox, "list", "denied")

    with pytest.raises(Failed) as failure:
        await directory.find("ada.byron@example.com")

    assert failure.value.code == "denied"


def test_the_tenant_is_the_sandbox(sandbox: Sandbox) -> None:
    """The tests drive loopback and nothing else."""
    assert tenant_of(sandbox).app_url.endswith(f"localhost:{sandbox.app_url.rsplit(':', 1)[1]}")
