"""Tenants differ in the fields that they show and demand, and operators in what they may give."""

from __future__ import annotations

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import NewUser, UserChange
from agent.errors import Failed, ShapeChanged
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    make_person,
    options_of,
    person_in,
    writes_in,
)

GRANULAR = "ops.granular@example.com"


async def test_fields_of_another_field_set_are_filled(open_it: Opener, sandbox: Sandbox, gate: RecordingGate) -> None:
    """A tenant that shows other optional fields: they are known, and arrive."""
    with options_of(sandbox, visible_fields=["first_name", "notes", "employee_id", "fax_number"]):
        directory = await open_it()
        attributes = {"last_name": "Byron", "notes": "night shift", "employee_id": "E-17", "fax_number": "555-0100"}
        await directory.create_user(NewUser(email=EMAIL, attributes=attributes))

    truth = person_in(sandbox, EMAIL)
    assert {name: truth[name] for name in attributes} == attributes
    assert len(gate.asked) == 1


async def test_a_field_that_the_tenant_does_not_show_stops_the_write(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Dropping it in silence would create somebody else than was asked for."""
    with options_of(sandbox, visible_fields=["first_name"]):
        directory = await open_it()
        sandbox.forget_requests()
        with pytest.raises(Failed) as failure:
            await directory.create_user(
                NewUser(email=EMAIL, attributes={"last_name": "Byron", "job_title": "Engineer"})
            )

    assert failure.value.code == "field-not-shown"
    assert_nothing_written(sandbox, gate)


async def test_a_field_that_the_tenant_demands_is_known_and_stops_a_form_that_leaves_it_empty(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The facts name it, so that a plan can; a form without it is not sent, and nobody is left behind."""
    with options_of(sandbox, required_fields=["last_name", "email_address", "job_title"]):
        directory = await open_it()
        facts = await directory.facts()
        with pytest.raises(ShapeChanged) as failure:
            await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert "job_title" in facts.required_fields
    assert "'Job Title' (user[job_title]) is required" in failure.value.seen
    assert (gate.asked, writes_in(sandbox)) == ([], [])
    assert (await directory.find(EMAIL)).matches == ()


async def test_a_granular_operator_cannot_create_with_a_template_beyond_its_own(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Fewer choices are offered: a clean failure that names them, and nothing is sent."""
    directory = await open_it(GRANULAR)
    sandbox.forget_requests()

    with pytest.raises(Failed) as failure:
        await directory.create_user(
            NewUser(email=EMAIL, attributes={"last_name": "Byron"}, company_template="Company Admin")
        )

    assert failure.value.code == "choice-not-offered"
    assert "Company Admin" not in failure.value.seen
    assert_nothing_written(sandbox, gate)


async def test_a_granular_operator_cannot_give_what_it_may_not(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The same on the Edit page of somebody who is there already."""
    user_id = await make_person(sandbox)
    directory = await open_it(GRANULAR)
    sandbox.forget_requests()

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, UserChange(company_access=CompanyAccess(template="Company Admin")))

    assert failure.value.code == "choice-not-offered"
    assert_nothing_written(sandbox, gate)
    assert person_in(sandbox, EMAIL)["company_template"] is None


async def test_a_granular_operator_is_told_that_the_permissions_tool_is_closed(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Denied, and not an empty list of templates."""
    directory = await open_it(GRANULAR)
    sandbox.forget_requests()

    with pytest.raises(Failed) as failure:
        await directory.facts()

    assert failure.value.code == "denied"
    assert "Permissions" in failure.value.message
    assert_nothing_written(sandbox, gate)
