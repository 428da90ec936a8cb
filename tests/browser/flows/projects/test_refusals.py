"""What a project's Directory refuses, and what the flows refuse to do there: nothing is written."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext

from agent.domain.access import Project
from agent.domain.project import NewMember
from agent.errors import Failed, SaveRejected, UnknownPage
from flows.interface import ProjectDirectory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    make_person,
    options_of,
    person_in,
    plan_fault,
    writes_in,
)
from tests.browser.flows.projects.conftest import NUMBER, as_member, as_new, make_people, membership, newcomer

OPERATOR = "ops.granular@example.com"


async def test_a_member_is_not_added_again(directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """An addition would leave the template as it is, and be taken for done."""
    await make_person(sandbox, memberships={NUMBER: "Read Only - Internal"})
    new = as_new(sandbox, EMAIL, template="Project Manager - Internal")
    others = [as_new(sandbox, email) for email in await make_people(sandbox, 2)]

    for call in (directory.add_member(new), directory.bulk_add([others[0], new, others[1]])):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code == "already-member"
        assert EMAIL in failure.value.message

    assert_nothing_written(sandbox, gate)


async def test_somebody_inactive_is_not_added(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The pages do not offer them; nobody of a like name is taken instead."""
    await make_person(sandbox, is_active=False)
    new = as_new(sandbox, EMAIL)

    for call in (directory.add_member(new), directory.bulk_add([new])):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code == "choice-not-offered"

    assert_nothing_written(sandbox, gate)


async def test_a_person_is_chosen_by_id_and_address(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """A search for Ann's address finds Joann, too: her id with Ann's address is nobody."""
    ann, joann = (as_new(sandbox, email) for email in ("ann.lee@example.com", "joann.lee@example.com"))
    mixed = NewMember(user_id=joann.user_id, email=ann.email)
    sandbox.post("/people", [{"email_address": item.email, "memberships": {}} for item in (ann, joann)])

    for call in (directory.add_member(mixed), directory.bulk_add([mixed])):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code in {"choice-not-offered", "person-mismatch"}

    assert_nothing_written(sandbox, gate)


async def test_a_member_is_changed_by_id_and_address(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Id and address of two members: nothing happens to either."""
    emails = await make_people(sandbox, 2, memberships={NUMBER: "Read Only - Internal"})
    one, other = (as_member(sandbox, email) for email in emails)
    mixed = one.model_copy(update={"email": other.email, "person_id": other.person_id})
    assert one.user_id is not None

    for call in (
        directory.change_member_template(one.user_id, other.email, None),
        directory.remove_member(one.user_id, other.email),
        directory.bulk_remove([mixed]),
        directory.invite_member(one.user_id, other.email),
    ):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code in {"person-mismatch", "row-not-found"}

    assert_nothing_written(sandbox, gate)


async def test_somebody_who_is_no_member_cannot_be_changed(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Another project's member is nobody here."""
    user_id = await make_person(sandbox, memberships={"24-002": None})

    for call in (
        directory.change_member_template(user_id, EMAIL, None),
        directory.remove_member(user_id, EMAIL),
        directory.bulk_remove([as_member(sandbox, EMAIL)]),
        directory.invite_member(user_id, EMAIL),
    ):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code in {"not-found", "row-not-found"}

    assert_nothing_written(sandbox, gate)


async def test_a_role_needs_bulk_add(directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Add User knows none: to leave it out silently would be another addition than the one asked for."""
    for new in (await newcomer(sandbox, role="Engineer"), as_new(sandbox, EMAIL, notify=True)):
        with pytest.raises(Failed) as failure:
            await directory.add_member(new)
        assert failure.value.code == "field-not-shown"

    assert_nothing_written(sandbox, gate)


async def test_an_unknown_template_is_not_given(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Another project's own template is none of this project's."""
    new = await newcomer(sandbox, template="Joint Venture Partner")

    for call in (directory.add_member(new), directory.bulk_add([new])):
        with pytest.raises(Failed) as failure:
            await call
        assert failure.value.code == "choice-not-offered"

    assert_nothing_written(sandbox, gate)


async def test_what_procore_refuses_is_told(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """The words of the page, and nothing was kept."""
    new = await newcomer(sandbox)
    plan_fault(sandbox, "member_create", "refuse_text", text="This project is closed.")

    with pytest.raises(SaveRejected) as failure:
        await directory.add_member(new)

    assert "This project is closed." in failure.value.seen
    assert membership(sandbox) is None
    assert len(writes_in(sandbox)) == 1


@pytest.mark.usefixtures("pages")
async def test_an_operator_without_the_right_is_refused(
    open_it: Opener, sandbox: Sandbox, project: Project, gate: RecordingGate
) -> None:
    """Granular rights taken away one by one: the page does not offer it, and nothing is sent."""
    emails = await make_people(sandbox, 2, memberships={NUMBER: "Read Only - Internal"})
    new = await newcomer(sandbox)
    member = as_member(sandbox, emails[0])
    assert member.user_id is not None
    with options_of(sandbox, operator_permissions=[]):
        directory = (await open_it(OPERATOR)).project(project)
        sandbox.forget_requests()
        for call in (
            directory.add_member(new),
            directory.bulk_add([new]),
            directory.change_member_template(member.user_id, member.email, None),
            directory.remove_member(member.user_id, member.email),
            directory.bulk_remove([member]),
        ):
            with pytest.raises(Failed):
                await call

    assert_nothing_written(sandbox, gate)
    assert membership(sandbox, emails[0]) is not None


@pytest.mark.usefixtures("pages")
async def test_an_operator_gives_assignable_templates_only(
    open_it: Opener, sandbox: Sandbox, project: Project, gate: RecordingGate
) -> None:
    """With the right, on an own project, and with a template of the operator's list."""
    directory = (await open_it(OPERATOR)).project(project)
    sandbox.forget_requests()
    new = await newcomer(sandbox, template="Project Manager - Internal")

    with pytest.raises(Failed) as failure:
        await directory.add_member(new)
    assert failure.value.code == "choice-not-offered"
    assert_nothing_written(sandbox, gate)

    await directory.add_member(new.model_copy(update={"template": "Read Only - Internal"}))

    held = membership(sandbox)
    assert held is not None
    assert held["template"] == "Read Only - Internal"


async def test_another_projects_people_are_not_taken_for_this_ones(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The list silently shows another project: neither "is there" nor "is not there" is believed."""
    (email,) = await make_people(sandbox, 1, memberships={NUMBER: "Read Only - Internal"})
    member = as_member(sandbox, email)
    with options_of(sandbox, drift={"only": ["foreign_people"]}):
        for call in (directory.find_member(email), directory.list_members(), directory.bulk_remove([member])):
            with pytest.raises(UnknownPage) as failure:
                await call
            assert failure.value.code in {"project-mismatch", "person-mismatch"}

    assert_nothing_written(sandbox, gate)


async def test_rows_that_lead_to_somebody_else_are_no_rows_to_act_on(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Links of two rows are exchanged: nobody is removed or invited, and nobody's page is changed."""
    emails = await make_people(sandbox, 3, memberships={NUMBER: "Read Only - Internal"})
    member = as_member(sandbox, emails[1])
    assert member.user_id is not None
    with options_of(sandbox, drift={"only": ["edit_links_crossed"]}):
        for call in (
            directory.remove_member(member.user_id, member.email),
            directory.invite_member(member.user_id, member.email),
            directory.change_member_template(member.user_id, member.email, None),
            directory.bulk_remove([member]),
        ):
            try:
                await call
            except Failed:
                continue

    others = [email for email in emails if email != member.email]
    assert all(membership(sandbox, email) is not None for email in others)
    assert all(mail["to"] == member.email for mail in sandbox.get("/outbox"))
    assert all(member.email in intent for intent in gate.asked)
    assert person_in(sandbox, emails[0])["is_active"] is True


_AFTER_THE_CHOICE = """
addEventListener("click", (event) => {
  if (!event.target.closest('[data-qa="existing-person"]')) return;
  const form = event.target.closest("form"), field = document.createElement("input");
  %s
  form.append(field);
}, true);
"""


@pytest.mark.parametrize(
    "page_script",
    [
        pytest.param('field.type = "checkbox"; field.checked = true;', id="ticks a box"),
        pytest.param('field.type = "hidden"; field.value = "true";', id="fills a hidden field"),
    ],
)
async def test_what_the_page_sets_after_the_choice_is_not_sent(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate, context: BrowserContext, page_script: str
) -> None:
    """The form was looked at before anybody was chosen; what the page's script adds then would be sent unasked."""
    new = await newcomer(sandbox, template="Read Only - Internal")
    sandbox.forget_requests()
    named = f'field.name = "send_invitation"; {page_script}'
    await context.add_init_script(_AFTER_THE_CHOICE % named)

    with pytest.raises(UnknownPage) as failure:
        await directory.add_member(new)

    assert failure.value.code == "control-mismatch"
    assert "send_invitation" in failure.value.seen
    assert_nothing_written(sandbox, gate)
