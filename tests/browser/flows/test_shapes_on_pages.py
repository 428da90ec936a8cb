"""Pages that change under us: what cannot matter passes, what could change a write stops it before it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from agent.domain.person import Listing, NewUser, UserChange
from agent.errors import Failed, ShapeChanged, UnknownPage
from flows import Directory
from flows.shapes import examining
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    job_title,
    make_person,
    options_of,
    person_in,
    writes_in,
)

Action = Callable[[Directory, Sandbox], Awaitable[None]]


async def create(directory: Directory, _sandbox: Sandbox) -> None:
    """Add User, with a template."""
    names = {"first_name": "Ada", "last_name": "Byron"}
    await directory.create_user(NewUser(email=EMAIL, attributes=names, company_template="Read Only"))


async def edit(directory: Directory, sandbox: Sandbox) -> None:
    """One Save of the person's page."""
    user_id = str(person_in(sandbox, EMAIL)["user_id"])
    await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))


async def remove(directory: Directory, sandbox: Sandbox) -> None:
    """One project of the person's two."""
    user_id = str(person_in(sandbox, EMAIL)["user_id"])
    project = (await directory.read_person(user_id)).memberships[0].project
    await directory.remove_from_project(user_id, project)


async def inactivate(directory: Directory, sandbox: Sandbox) -> None:
    """From the list of users."""
    await directory.inactivate(str(person_in(sandbox, EMAIL)["user_id"]), EMAIL)


async def drifted(
    open_it: Opener, sandbox: Sandbox, action: Action, *mutations: str, generation: str = "legacy"
) -> None:
    """Do it on pages that have changed after the tenant's names were read."""
    options = {"company_directory": generation, "project_directory": generation, "mfe_delay": 0.0}
    with options_of(sandbox, **options, drift=None):
        if action is not create:
            projects = [project["name"] for project in sandbox.get("/state")["companies"][0]["projects"][:2]]
            await make_person(sandbox, memberships=dict.fromkeys(projects, "Read Only - Internal"))
        directory = await open_it()
        await directory.facts()
        sandbox.post("/options", {"drift": {"only": list(mutations)}})
        sandbox.forget_requests()
        try:
            await action(directory, sandbox)
        finally:
            assert set(mutations) & set(sandbox.get("/drift")["met"]), "no page was changed: the test proved nothing"


HARMLESS = ("classes_rehashed", "ids_regenerated", "banner_added", "help_reworded", "words_spread")


@pytest.mark.parametrize("generation", ["legacy", "mfe"])
@pytest.mark.parametrize("action", [create, edit, inactivate])
async def test_harmless_changes_do_not_stop_anybody(
    open_it: Opener, sandbox: Sandbox, action: Action, generation: str
) -> None:
    """Hashed classes, ids of this load, banners, small print, line breaks, boxes, icons: all at once."""
    more = ("wrappers_added", "decorations_added", "attributes_reordered", "columns_reordered")

    await drifted(open_it, sandbox, action, *HARMLESS, *more, generation=generation)

    assert len(writes_in(sandbox)) == 1


@pytest.mark.parametrize(
    ("generation", "mutation", "action", "code"),
    [
        ("legacy", "labels_swapped", create, "shape-changed"),
        ("legacy", "labels_swapped", edit, "shape-changed"),
        ("legacy", "required_field_added", create, "shape-changed"),
        ("legacy", "template_preselected", create, "shape-changed"),
        ("legacy", "save_buttons_swapped", edit, "shape-changed"),
        ("legacy", "menu_labels_swapped", inactivate, "shape-changed"),
        ("legacy", "question_inverted", inactivate, "shape-changed"),
        ("legacy", "confirmation_widened", remove, "shape-changed"),
        ("legacy", "templates_swapped", create, "template-mismatch"),
        ("legacy", "foreign_people", inactivate, "other-company"),
        ("mfe", "labels_swapped", create, "shape-changed"),
        ("mfe", "required_field_added", edit, "shape-changed"),
        ("mfe", "template_preselected", create, "shape-changed"),
        ("mfe", "save_buttons_swapped", edit, "shape-changed"),
        ("mfe", "menu_labels_swapped", inactivate, "shape-changed"),
        ("mfe", "question_inverted", inactivate, "shape-changed"),
    ],
)
async def test_a_change_that_could_matter_stops_the_flow(
    open_it: Opener,
    sandbox: Sandbox,
    gate: RecordingGate,
    generation: str,
    mutation: str,
    action: Action,
    code: str,
) -> None:
    """Nothing is asked of the gate, and by the sandbox's own log nothing arrives."""
    with pytest.raises(Failed) as stopped:
        await drifted(open_it, sandbox, action, mutation, generation=generation)

    assert stopped.value.code == code
    assert_nothing_written(sandbox, gate)


async def test_a_ticked_invitation_stops_a_save(open_it: Opener, sandbox: Sandbox, gate: RecordingGate) -> None:
    """In the variant with a box beside Save."""
    with options_of(sandbox, invite_style="checkbox"), pytest.raises(ShapeChanged) as stopped:
        await drifted(open_it, sandbox, edit, "invitation_ticked")

    assert "chosen-beforehand" in stopped.value.findings[0]
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize("generation", ["legacy", "mfe"])
async def test_without_the_comparison_the_wrong_thing_is_written(
    open_it: Opener, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, generation: str
) -> None:
    """Planted violation: the comparison is taken out, and "Save" sends a mail that nothing can take back."""
    monkeypatch.setattr(examining, "compared", lambda *_: ())
    mutation = {"legacy": "menu_labels_swapped", "mfe": "save_buttons_swapped"}[generation]
    action = {"legacy": inactivate, "mfe": edit}[generation]

    try:
        await drifted(open_it, sandbox, action, mutation, generation=generation)
    except UnknownPage:  # a second line of defence: the window has another headline
        assert generation == "legacy"
    else:
        assert len(sandbox.get("/outbox")) == 1


async def test_a_new_optional_field_is_told_and_left_alone(open_it: Opener, sandbox: Sandbox) -> None:
    """It used to stop every save; leaving an empty field empty decides nothing."""
    await drifted(open_it, sandbox, edit, "optional_field_added")

    assert job_title(sandbox) == "New"


async def test_a_list_whose_rows_lead_to_others_is_not_believed(open_it: Opener, sandbox: Sandbox) -> None:
    """A row's links are compared with its own ids."""
    directory = await open_it()
    with options_of(sandbox, drift=None):
        sandbox.post("/options", {"drift": {"only": ["edit_links_crossed"]}})

        with pytest.raises(UnknownPage) as stopped:
            await directory.list_people(Listing.USERS)

    assert stopped.value.code == "person-mismatch"


async def test_a_template_that_was_renamed_meanwhile_is_read_anew(open_it: Opener, sandbox: Sandbox) -> None:
    """An administrator's change of a name is no change of the page: the names of the tenant are read once more."""
    user_id = await make_person(sandbox)
    directory = await open_it()
    facts = await directory.facts()
    tab = directory._tab  # type: ignore[attr-defined] # what it remembers of the Permissions tool
    tab.template_ids = {key: f"{name} (old)" for key, name in facts.template_ids.items()}

    person = await directory.read_person(user_id)

    assert person.user_id == user_id
    assert dict(tab.template_ids) == dict(facts.template_ids)
