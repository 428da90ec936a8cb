"""The redesigned Projects tab: many projects in one save, sent only when the page's own review says what was wanted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from playwright.async_api import BrowserContext

from agent.domain.access import Project
from agent.errors import AnswerLost, Failed, UnknownPage
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    has_memberships,
    make_person,
    options_of,
    person_in,
    plan_fault,
    until,
    writes_in,
)

# Plays a page that shows something else in its review than what was decided in its rows.
_TAMPER = """
  new MutationObserver(() => {
    const list = document.querySelector('[data-qa="review-list"]');
    if (!list || list.dataset.tampered) return;
    list.dataset.tampered = "yes";
    %s
  }).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture(autouse=True)
def redesigned(sandbox: Sandbox) -> Iterator[None]:
    """The tenant has the redesigned tab."""
    with options_of(sandbox, projects_tab="new"):
        yield


def projects_of(sandbox: Sandbox) -> tuple[Project, ...]:
    """The tenant's projects in the order of their numbers."""
    rows = sandbox.get("/state")["companies"][0]["projects"]
    projects = [Project(id=str(row["project_id"]), name=row["name"], number=row["number"]) for row in rows]
    return tuple(sorted(projects, key=lambda project: project.number))


def numbers(sandbox: Sandbox) -> list[str]:
    """The projects that the person is on."""
    return sorted(membership["number"] for membership in person_in(sandbox, EMAIL)["memberships"])


async def test_many_are_assigned_in_one_save(directory: Directory, sandbox: Sandbox, gate: RecordingGate) -> None:
    """Added ones get the default template; the save is accepted at once and applied later, as on the older tab."""
    projects = projects_of(sandbox)
    user_id = await make_person(
        sandbox, default_template="Project Manager - Internal", memberships={projects[0].number: None}
    )

    await directory.assign_projects(user_id, add=projects[1:4], remove=projects[:1])

    wanted = [project.number for project in projects[1:4]]
    await until(lambda: numbers(sandbox) == wanted)  # on the way there are three as well
    assert {row["template"] for row in person_in(sandbox, EMAIL)["memberships"]} == {"Project Manager - Internal"}
    assert len(gate.asked) == len(writes_in(sandbox)) == 1


async def test_what_was_decided_on_one_page_is_sent_from_another(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """100 projects a page, turned by the page's own script."""
    sandbox.post(
        "/projects", [{"number": f"97-{number:03}", "name": f"Zebra Court {number:03}"} for number in range(120)]
    )
    projects = projects_of(sandbox)
    user_id = await make_person(sandbox)

    await directory.assign_projects(user_id, add=[projects[0], projects[-1]], remove=[])

    await until(partial(has_memberships, sandbox, 2))
    assert numbers(sandbox) == [projects[0].number, projects[-1].number]
    assert len(gate.asked) == 1


async def test_the_tab_that_the_page_shows_is_used(directory: Directory, sandbox: Sandbox) -> None:
    """The company is switched over between two jobs of one session, and back."""
    projects = projects_of(sandbox)
    user_id = await make_person(sandbox)

    await directory.assign_projects(user_id, add=projects[:1], remove=[])
    await until(partial(has_memberships, sandbox, 1))
    sandbox.post("/options", {"projects_tab": "old"})
    await directory.assign_projects(user_id, add=projects[1:2], remove=[])
    await until(partial(has_memberships, sandbox, 2))
    sandbox.post("/options", {"projects_tab": "new"})
    await directory.assign_projects(user_id, add=[], remove=projects[:2])
    await until(partial(has_memberships, sandbox, 0))


async def test_what_is_as_wanted_already_is_left_alone(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Pressing the one button of such a row would undo it."""
    projects = projects_of(sandbox)
    user_id = await make_person(sandbox, memberships={projects[0].number: None})

    await directory.assign_projects(user_id, add=projects[:2], remove=projects[2:3])
    await until(partial(has_memberships, sandbox, 2))
    with pytest.raises(Failed) as failure:
        await directory.assign_projects(user_id, add=projects[:2], remove=projects[2:3])

    assert failure.value.code == "already-so"
    assert len(gate.asked) == len(writes_in(sandbox)) == 1


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("list.append(list.firstElementChild.cloneNode(true));", id="a project twice"),
        pytest.param("list.firstElementChild.remove();", id="a project missing"),
        pytest.param('list.firstElementChild.dataset.projectId = "1";', id="another project"),
        pytest.param('list.innerHTML = list.innerHTML.replace("To be added", "To be removed");', id="the opposite"),
        pytest.param('list.innerHTML = list.innerHTML.replace("To be added", "Done");', id="unknown words"),
    ],
)
async def test_a_review_of_something_else_is_not_saved(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate, context: BrowserContext, tampering: str
) -> None:
    """The review is what will be sent, whatever was pressed before."""
    projects = projects_of(sandbox)
    user_id = await make_person(sandbox)
    await context.add_init_script(_TAMPER % tampering)

    with pytest.raises(UnknownPage) as failure:
        await directory.assign_projects(user_id, add=projects[:2], remove=[])

    assert failure.value.code == "control-mismatch"
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize("hook", ['data-qa="edit-foot"', 'data-qa="review-changes"', 'data-qa="edit-projects"'])
async def test_a_tab_without_its_hooks_is_not_written_to(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate, hook: str
) -> None:
    """Each of them carries a part of what the save means."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "projects_tab", "remove_hook", hook=hook)
    sandbox.forget_requests()

    with pytest.raises(UnknownPage):
        await directory.assign_projects(user_id, add=projects_of(sandbox)[:1], remove=[])

    assert_nothing_written(sandbox, gate)


async def test_an_answer_that_was_lost_is_told_as_lost(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The save went out; only a later look can say what came of it."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "projects_tab_save", "drop_response")

    with pytest.raises(AnswerLost):
        await directory.assign_projects(user_id, add=projects_of(sandbox)[:1], remove=[])

    assert len(gate.asked) == 1


async def test_a_project_that_the_account_may_not_change_is_named(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """A granular account sees only its own projects: the others have no row."""
    projects = projects_of(sandbox)
    user_id = await make_person(sandbox)

    directory = await open_it("ops.granular@example.com")
    sandbox.forget_requests()

    with pytest.raises(Failed) as failure:
        await directory.assign_projects(user_id, add=projects[-1:], remove=[])

    assert failure.value.code == "project-not-offered"
    assert_nothing_written(sandbox, gate)
