"""Each reading of the Directory, on the sandbox, against the sandbox's own truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from agent.domain.person import Listing, UserChange
from agent.errors import Failed
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    SERVICE_ACCOUNT,
    Opener,
    has_memberships,
    make_person,
    plan_fault,
    tenant_of,
    until,
)

pytestmark = pytest.mark.usefixtures("generation")


async def test_the_fingerprint_says_what_this_directory_is(
    generation: str, directory: Directory, sandbox: Sandbox
) -> None:
    """Generation, language, company, account and rights; the first call costs no page load."""
    taken = await directory.fingerprint()

    assert (taken.generation, taken.locale, taken.signed_in_as) == (generation, "en-US", SERVICE_ACCOUNT)
    assert taken.generations == {"company list": generation}
    assert taken.company_name == sandbox.get("/state")["companies"][0]["name"]
    assert taken.capabilities.can_edit_users
    assert taken.capabilities.can_inactivate
    assert len(taken.catalogue) == 64
    assert sandbox.get("/requests") == []


async def test_facts_are_read_once(generation: str, directory: Directory, sandbox: Sandbox) -> None:
    """All names a plan may refer to; a second call asks nothing. The new pages hide the tools from all who have a
    company template, and here the first five do."""
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
    assert ("Directory" in facts.company_tools) is (generation == "legacy")
    assert "last_name" in facts.required_fields
    assert facts.required_fields <= facts.add_user_fields
    assert facts.own_login == SERVICE_ACCOUNT


async def test_facts_know_more_projects_than_one_page_shows(directory: Directory, sandbox: Sandbox) -> None:
    """The portfolio shows 100 a page; its pager says how many there are."""
    sandbox.post("/projects", [{"number": f"99-{number:03}", "name": f"Extra {number:03}"} for number in range(90)])

    facts = await directory.facts()

    assert len(facts.projects) == len(
        [item for item in sandbox.get("/state")["companies"][0]["projects"] if item["is_active"]]
    )
    assert len(facts.projects) > 100


@pytest.mark.parametrize("listing", list(Listing))
async def test_lists_hold_what_the_world_holds(
    generation: str, directory: Directory, sandbox: Sandbox, listing: Listing
) -> None:
    """Every row, under the right ids; progress is told in rows. Rows of the new pages do not tell the user id."""
    told: list[tuple[int, int]] = []

    rows = await directory.list_people(listing, lambda done, total: told.append((done, total)))

    company = sandbox.get("/state")["companies"][0]
    if listing in {Listing.USERS, Listing.INACTIVE_USERS}:
        active = listing is Listing.USERS
        expected = {
            (str(user["user_id"]) if generation == "legacy" else None, str(user["person_id"]), user["email_address"])
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


async def test_find_looks_into_all_four_lists(generation: str, directory: Directory, sandbox: Sandbox) -> None:
    """An address may stand in several lists; looking into one alone would create a double."""
    await make_person(sandbox, is_active=False)

    found = await directory.find("Ada.Byron@example.com")

    assert [(row.listing, row.email) for row in found.matches] == [(Listing.INACTIVE_USERS, EMAIL)]
    asked = [item["path"] for item in sandbox.get("/requests")]
    groups = {path.split("?")[0].rsplit("/", 1)[1] for path in asked if "/groups/" in path}
    if generation == "legacy":
        assert groups == {listing.value for listing in Listing}
    else:  # one grid with users and contacts, and no filter by status any more
        rows = [path for path in asked if "/rows/users?" in path]
        assert "is_active" not in rows[-1]
        assert "ada.byron" in rows[-1]


async def test_find_does_not_take_a_longer_address_for_the_one_asked(directory: Directory, sandbox: Sandbox) -> None:
    """The search matches parts of addresses; a match is the whole address."""
    await make_person(sandbox, "joann.x@example.com")

    assert (await directory.find("ann.x@example.com")).matches == ()


async def test_find_reports_near_hits_only_when_asked(directory: Directory, sandbox: Sandbox) -> None:
    """The same name under another address is a case for a person."""
    await make_person(sandbox, "ada@other.example.com")

    plain = await directory.find(EMAIL)
    near = await directory.find(EMAIL, full_name="Ada Byron")
    elsewhere = await directory.find(EMAIL, full_name="Ada Byron", company="No Such Company")

    assert plain.near == ()
    assert [row.email for row in near.near] == ["ada@other.example.com"]
    assert elsewhere.near == ()


async def test_vendors_of_one_name_are_all_offered(directory: Directory) -> None:
    """Company names are not unique; ids and places tell them apart."""
    found = await directory.find_vendors("summit electric")

    assert len(found) == 2
    assert len({vendor.id for vendor in found}) == 2
    assert all(vendor.hint for vendor in found)


async def test_a_dormant_person_can_be_read(directory: Directory, sandbox: Sandbox) -> None:
    """The Edit page of an inactive person shows what a reactivation would bring back."""
    project = sandbox.get("/state")["companies"][0]["projects"][0]
    user_id = await make_person(sandbox, is_active=False, memberships={project["number"]: None})

    person = await directory.read_person(user_id)

    assert not person.active
    assert [item.project.number for item in person.memberships] == [project["number"]]


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


async def test_a_closed_page_is_a_refusal_not_an_empty_list(open_it: Opener, sandbox: Sandbox) -> None:
    """Denied is a redirect with status 200 and a fading flash [C]: it must not read as nobody there."""
    directory = await open_it()
    plan_fault(sandbox, "list", "denied")

    with pytest.raises(Failed) as failure:
        await directory.find(EMAIL)

    assert failure.value.code == "denied"


def test_the_tenant_is_the_sandbox(sandbox: Sandbox) -> None:
    """The tests drive loopback and nothing else."""
    assert tenant_of(sandbox).app_url.endswith(f"localhost:{sandbox.app_url.rsplit(':', 1)[1]}")
