"""Each write of the Directory to a person's projects, one by one and many in one save."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import BrowserContext

from agent.domain.access import Project
from agent.errors import UnknownPage
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, RecordingGate, has_memberships, make_person, person_in, until, writes_in


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
    sandbox.post(
        "/projects", [{"number": f"98-{number:03}", "name": f"Zebra Court {number:03}"} for number in range(470)]
    )
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

    left = str(facts.projects[0].number)
    await until(lambda: left not in {row["number"] for row in person_in(sandbox, EMAIL)["memberships"]})
    await until(partial(has_memberships, sandbox, 3))
    person = await directory.read_person(user_id)
    assert {item.project.id: item.template for item in person.memberships} == {
        project.id: "Project Manager - Internal" for project in facts.projects[1:4]
    }
    assert len(gate.asked) == 2


async def test_the_projects_tab_keeps_ticks_across_its_pages(directory: Directory, sandbox: Sandbox) -> None:
    """100 projects a page: what was ticked on the first is still sent from the second."""
    sandbox.post(
        "/projects", [{"number": f"97-{number:03}", "name": f"Zebra Court {number:03}"} for number in range(120)]
    )
    facts = await directory.facts()
    by_name = sorted(facts.projects, key=lambda project: project.number)
    user_id = await make_person(sandbox)

    await directory.assign_projects(user_id, add=[by_name[0], by_name[-1]], remove=[])

    await until(partial(has_memberships, sandbox, 2))


async def test_a_tick_that_is_not_ours_stops_the_save(
    directory: Directory, sandbox: Sandbox, context: BrowserContext, gate: RecordingGate
) -> None:
    """The page keeps what was ticked and not saved: saved along with ours, it would be access nobody asked for."""
    facts = await directory.facts()
    user_id = await make_person(sandbox)
    other = facts.projects[3].id
    await context.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        f"const box = document.querySelector('tr[data-project-id=\"{other}\"] input[type=checkbox]');"
        "if (box) box.checked = true; });"
    )

    with pytest.raises(UnknownPage) as stopped:
        await directory.assign_projects(user_id, add=facts.projects[:1], remove=[])

    assert stopped.value.code == "control-mismatch"
    assert other in (stopped.value.seen or "")
    assert (gate.asked, writes_in(sandbox)) == ([], [])
