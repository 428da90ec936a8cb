"""The fault schedule: each effect happens where it was planted, once, and is reported."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from fixtures.sandbox.faults import EFFECTS, OPERATIONS, Fault, Faults, Subject
from fixtures.sandbox.options import Options
from fixtures.sandbox.seed import SERVICE_ACCOUNT
from fixtures.sandbox.world.model import User

from .conftest import Visitor, token_of
from .test_people import cast

ANN = "ann.lee@example.com"


def plant(visitor: Visitor, operation: str, effect: str, **more: object) -> None:
    """Put one entry into the schedule."""
    visitor.deployment.faults.plant([Fault.model_validate({"operation": operation, "effect": effect, **more})])


def ann(visitor: Visitor) -> User:
    """Ann as she is now."""
    return cast(visitor.tenant, ANN)


async def save_title(visitor: Visitor, title: str, **more: str) -> httpx.Response:
    """Save Ann's job title from her Edit page."""
    path = f"/users/{ann(visitor).user_id}"
    return await visitor.post(path, **{"_method": "patch", "user[job_title]": title, **more})


@pytest.fixture(autouse=True)
async def signed_in(visitor: Visitor) -> None:
    """Every test here starts inside."""
    await visitor.sign_in()


async def test_without_a_schedule_a_save_is_a_save(visitor: Visitor) -> None:
    """The control for all tests below."""
    answer = await save_title(visitor, "Plain")
    assert answer.status_code == 200
    assert "alert-success" in answer.text
    assert ann(visitor).job_title == "Plain"


def test_counting_is_per_entry_and_fires_in_a_row() -> None:
    """nth counts what matches the entry; times says how often in a row."""
    faults = Faults()
    faults.plant([Fault(operation="save_user", effect="missing_flash", user=ANN, nth=2, times=2)])
    hits = [
        faults.before("save_user", "POST", Subject(users=frozenset({user}))).has("missing_flash")
        for user in ("x@example.com", ANN, "x@example.com", ANN, ANN, ANN)
    ]
    assert hits == [False, False, False, True, True, False]
    (entry,) = faults.report()["faults"]
    assert (entry["matched"], entry["fired"]) == (4, 2)


def test_what_never_fired_is_reported() -> None:
    """A test can see that its fault was vacuous."""
    faults = Faults()
    first, second = faults.plant(
        [Fault(operation="list", effect="slow", seconds=0), Fault(operation="invite", effect="sign_out")]
    )
    assert faults.report()["never_fired"] == [first, second]
    faults.before("list", "GET", Subject(group="users"))
    assert faults.report()["never_fired"] == [second]


@pytest.mark.parametrize(
    "entry",
    [
        {"operation": "save_usr", "effect": "slow", "seconds": 1},
        {"operation": "save_user", "effect": "vanish"},
        {"operation": "save_user", "effect": "slow"},
        {"operation": "save_user", "effect": "refuse_text"},
        {"operation": "save_user", "effect": "drop_response", "nth": 0},
        {"operation": "save_user", "effect": "drop_response", "usr": ANN},
    ],
    ids=["operation", "effect", "no seconds", "no text", "nth 0", "unknown key"],
)
def test_a_wrong_entry_is_an_error(entry: dict[str, object]) -> None:
    """A misspelt fault must not become one that never fires."""
    with pytest.raises(ValidationError):
        Fault.model_validate(entry)


async def test_refused_before_it_is_applied(visitor: Visitor) -> None:
    """500, and nothing is written."""
    plant(visitor, "save_user", "refuse_before", user=ANN)
    answer = await save_title(visitor, "Lost")
    assert (answer.status_code, "Something went wrong" in answer.text) == (500, True)
    assert ann(visitor).job_title == "Architect"
    assert (await save_title(visitor, "Kept")).status_code == 200
    assert ann(visitor).job_title == "Kept"


async def test_failed_after_it_was_applied(visitor: Visitor) -> None:
    """503 on the outside, written on the inside."""
    plant(visitor, "save_user", "error_after", status=503)
    assert (await save_title(visitor, "Written")).status_code == 503
    assert ann(visitor).job_title == "Written"


async def test_signed_out_in_mid_form(visitor: Visitor) -> None:
    """The save is answered by the sign-in form and nothing is written."""
    plant(visitor, "save_user", "sign_out")
    answer = await save_title(visitor, "Lost")
    assert answer.url.host == "login.sandbox.localhost"
    assert ann(visitor).job_title == "Architect"


async def test_a_stale_token_saves_nothing(visitor: Visitor) -> None:
    """Redirected to a page with a flash."""
    plant(visitor, "save_user", "stale_csrf")
    answer = await save_title(visitor, "Lost")
    assert "Nothing was saved" in answer.text
    assert ann(visitor).job_title == "Architect"


async def test_denied_is_a_redirect_home_with_a_flash_and_200(visitor: Visitor) -> None:
    """As captured: the status says nothing."""
    plant(visitor, "edit_page", "denied", user=ANN)
    answer = await visitor.http.get(f"{visitor.directory}/users/{ann(visitor).user_id}/edit")
    assert answer.status_code == 200
    assert answer.url.path.endswith("/company/home/list")
    assert "have access to that part of the site" in answer.text


async def test_a_refusal_names_its_field(visitor: Visitor) -> None:
    """The text stands on the page and nothing is written."""
    plant(visitor, "save_user", "refuse_text", field="job_title", text="is not in our list")
    answer = await save_title(visitor, "Lost")
    assert "is not in our list" in answer.text
    assert ann(visitor).job_title == "Architect"


async def test_the_sentence_for_a_taken_address_can_be_another(visitor: Visitor) -> None:
    """The wording of a duplicate is the tenant's."""
    plant(visitor, "create_user", "duplicate_email_text", text="belongs to somebody you cannot see")
    answer = await visitor.post("/users", **{"user[last_name]": "Twin", "user[email_address]": ANN})
    assert "belongs to somebody you cannot see" in answer.text


async def test_a_missing_flash_is_no_failure(visitor: Visitor) -> None:
    """Written, and not a word about it."""
    plant(visitor, "save_user", "missing_flash")
    answer = await save_title(visitor, "Written")
    assert "alert-success" not in answer.text
    assert ann(visitor).job_title == "Written"


async def test_a_stale_list_shows_the_past_for_a_while(visitor: Visitor) -> None:
    """A created person is not found until the time is over; the user page knows better."""
    plant(visitor, "create_user", "stale_list", seconds=5)
    fields = {"user[last_name]": "Okafor", "user[email_address]": "n.okafor@example.com"}
    created = await visitor.post("/users", **fields)
    assert created.url.path.endswith("/edit")
    search = visitor.directory + "/groups/users?search=n.okafor@example.com"
    assert 'data-qa="tableRow"' not in (await visitor.http.get(search)).text
    visitor.deployment.clock.advance(6)
    assert 'data-qa="tableRow"' in (await visitor.http.get(search)).text


async def test_a_colleague_writes_just_before(visitor: Visitor) -> None:
    """The other admin's change is there first, in their name, and is overwritten or stays beside ours."""
    plant(visitor, "save_user", "conflict_write", values={"city": "Reno", "company_template": "Accounting"})
    await save_title(visitor, "Ours")
    rows = [(row.by_login, row.field) for row in visitor.tenant.history[ann(visitor).user_id][1:]]
    assert rows[0] == ("helen.brandt@example.com", "City")
    assert (SERVICE_ACCOUNT, "Job Title") in rows
    assert ann(visitor).city == "Reno"


async def test_a_hook_can_be_missing(visitor: Visitor) -> None:
    """The page is the same but for the attribute."""
    plant(visitor, "list", "remove_hook", group="users", hook='data-pendo="user-edit-button"')
    page = await visitor.http.get(visitor.directory + "/groups/users")
    assert "user-edit-button" not in page.text
    assert 'data-qa="tableRow"' in page.text
    assert "user-edit-button" in (await visitor.http.get(visitor.directory + "/groups/users")).text


async def test_a_further_required_field_refuses_a_save_without_it(visitor: Visitor) -> None:
    """Only a save from the form that showed it, and only without a value."""
    plant(visitor, "edit_page", "unknown_field", field="badge_number", text="Badge Number")
    edit = f"{visitor.directory}/users/{ann(visitor).user_id}/edit"
    page = await visitor.http.get(edit)
    assert "Badge Number" in page.text
    name = re.search(r"<input[^>]*badge_number[^>]*>", page.text)
    assert name is not None
    assert 'name="user[badge_number]"' in name.group(0)
    assert "be blank" in (await save_title(visitor, "Lost")).text
    assert ann(visitor).job_title == "Architect"
    await save_title(visitor, "With", **{"user[badge_number]": "7"})
    assert ann(visitor).job_title == "With"


async def test_another_language_is_told_and_shown(visitor: Visitor) -> None:
    """The locale of the page says so."""
    plant(visitor, "list", "language", language="de")
    assert '"locale": "de"' in (await visitor.http.get(visitor.directory + "/groups/users")).text


async def test_another_generation_has_none_of_the_known_roots(visitor: Visitor) -> None:
    """A page of another UI generation is served under the same address."""
    plant(visitor, "list", "unknown_page")
    page = await visitor.http.get(visitor.directory + "/groups/users")
    assert 'data-qa="tableRow"' not in page.text
    assert "header-avatar" in page.text


@pytest.mark.parametrize(
    ("effect", "hook"),
    [
        ("announcement", "announcement-overlay"),
        ("guided_tour", "pendo-guide-container"),
        ("cookie_consent", "consent_blackbar"),
        ("unknown_dialog", "Before you continue"),
    ],
)
async def test_overlays_are_drawn(visitor: Visitor, effect: str, hook: str) -> None:
    """On the page that was asked for, once."""
    plant(visitor, "edit_page", effect)
    edit = f"{visitor.directory}/users/{ann(visitor).user_id}/edit"
    assert hook in (await visitor.http.get(edit)).text
    assert hook not in (await visitor.http.get(edit)).text


async def test_a_projects_tab_save_can_be_late_and_partial(visitor: Visitor) -> None:
    """The delay and the failing projects of one save."""
    victor = cast(visitor.tenant, "victor.hale@example.com")
    wanted = list(visitor.tenant.projects.values())[3:5]
    plant(visitor, "projects_tab_save", "async_delay", seconds=60)
    plant(visitor, "projects_tab_save", "partial_failure", projects=[wanted[0].number])
    on = [*victor.memberships, *(p.project_id for p in wanted)]
    home = await visitor.http.get(f"{visitor.directory}/users/{victor.user_id}/projects")
    token = re.search(r'name="csrf-token" content="([^"]+)"', home.text)
    assert token is not None
    await visitor.http.post(
        f"{visitor.directory}/users/{victor.user_id}/projects",
        data={"authenticity_token": token.group(1), "project_ids[]": [str(p) for p in on]},
    )
    assert len(cast(visitor.tenant, "victor.hale@example.com").memberships) == 3
    visitor.deployment.clock.advance(90)
    await visitor.http.get(visitor.directory + "/groups/users")
    after = cast(visitor.tenant, "victor.hale@example.com").memberships
    assert wanted[1].project_id in after
    assert wanted[0].project_id not in after


async def test_faults_reach_the_sign_in_host(visitor: Visitor) -> None:
    """A failing password step counts no wrong password."""
    await visitor.http.get(visitor.deployment.origins.app + "/sign_out")
    plant(visitor, "sign_in_password", "refuse_before", user=SERVICE_ACCOUNT)
    page = await visitor.send(await visitor.to_password(SERVICE_ACCOUNT), password="wrong")
    assert page.status_code == 500
    login = visitor.deployment.world.login(SERVICE_ACCOUNT)
    assert login is not None
    assert login.failed_attempts == 0


async def test_the_request_log_tells_operation_person_and_effects(visitor: Visitor) -> None:
    """Every request with its status; the ticket's address is cut short."""
    plant(visitor, "save_user", "error_after")
    await save_title(visitor, "Written")
    record = visitor.deployment.requests[-1]
    assert (record.operation, record.status, record.login) == ("save_user", 500, SERVICE_ACCOUNT)
    assert record.effects == ("error_after",)
    entered = [r.path for r in visitor.deployment.requests if r.operation == "enter"]
    assert entered == ["/sessions/enter"]


def test_every_effect_is_documented() -> None:
    """The reference names each effect."""
    text = (Path(__file__).parents[3] / "docs/reference/sandbox.md").read_text()
    assert [effect for effect in EFFECTS if f"`{effect}`" not in text] == []


def test_every_operation_is_documented() -> None:
    """The reference names each operation."""
    text = (Path(__file__).parents[3] / "docs/reference/sandbox.md").read_text()
    assert [operation for operation in OPERATIONS if f"`{operation}`" not in text] == []


def test_every_option_is_documented() -> None:
    """The reference names each tenant option."""
    text = (Path(__file__).parents[3] / "docs/reference/sandbox.md").read_text()
    assert [option for option in Options.model_fields if f"`{option}`" not in text] == []


@pytest.mark.parametrize(("when", "title"), [("after", "Written"), ("before", "Architect")])
async def test_a_slow_answer_comes_after_the_write(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, when: str, title: str
) -> None:
    """While the browser still waits, the save is in the world; `before` turns that round."""
    waits: list[tuple[float, str]] = []

    async def wait(seconds: float) -> None:
        waits.append((seconds, ann(visitor).job_title))

    plant(visitor, "save_user", "slow", seconds=60, when=when)
    monkeypatch.setattr(asyncio, "sleep", wait)
    await save_title(visitor, "Written")
    assert waits == [(60, title)]
    assert ann(visitor).job_title == "Written"


async def test_a_session_can_end_behind_an_open_form(visitor: Visitor) -> None:
    """The form is served, and whatever is sent from it meets the sign-in form."""
    plant(visitor, "edit_page", "sign_out", when="after")
    page = await visitor.http.get(f"{visitor.directory}/users/{ann(visitor).user_id}/edit")
    assert 'id="edit_user"' in page.text
    fields = {"authenticity_token": token_of(page.text), "user[job_title]": "Lost"}
    answer = await visitor.http.post(f"{visitor.directory}/users/{ann(visitor).user_id}", data=fields)
    assert answer.url.host == "login.sandbox.localhost"
    assert ann(visitor).job_title == "Architect"


async def test_a_form_can_be_stale_from_the_start(visitor: Visitor) -> None:
    """On a GET the effect makes the tokens of that page worthless."""
    plant(visitor, "edit_page", "stale_csrf")
    page = await visitor.http.get(f"{visitor.directory}/users/{ann(visitor).user_id}/edit")
    fields = {"authenticity_token": token_of(page.text), "user[job_title]": "Lost"}
    answer = await visitor.http.post(f"{visitor.directory}/users/{ann(visitor).user_id}", data=fields)
    assert "Nothing was saved" in answer.text
    assert ann(visitor).job_title == "Architect"
