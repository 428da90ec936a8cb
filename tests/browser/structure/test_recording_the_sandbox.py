"""A recording of the whole sandbox: nobody is in it, nothing was written for it, and it is of use."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser

from agent.structure.compare import Verdict, compare_in, counted
from agent.structure.vocabulary import Vocabulary
from flows import Catalogue
from tests.browser.structure.conftest import PLANTED_PERSON, Visit

pytestmark = pytest.mark.timeout(900)  # the walk is some forty pages, on a machine that others use, too

CATALOGUE = Catalogue.load()
SIGNING_IN = {"sign_in_email", "sign_in_password", "sign_in_code"}
PERSONAL = (
    "email_address",
    "login",
    "name",
    "job_title",
    "address",
    "business_phone",
    "mobile_phone",
    "fax_number",
    "notes",
    "employee_id",
    "welcome_email_sent_at",
)


def personal_data(visit: Visit) -> Iterator[str]:
    """Everything in the sandbox's world that is somebody's or the company's own."""
    for company in visit.before["companies"]:
        yield company["name"]
        yield str(company["company_id"])
        for people in ("users", "contacts"):
            for person in company[people]:
                yield from (str(person[name]) for name in PERSONAL if person.get(name))
                yield str(person.get("user_id") or person["person_id"])
        for project in company["projects"]:
            yield from (project["name"], project["number"], str(project["project_id"]))
        yield from (vendor["name"] for vendor in company["vendors"])
        yield from (template["name"] for template in company["templates"])
        yield from (group["name"] for group in company["groups"])
    yield from visit.secrets
    yield from (str(value) for value in PLANTED_PERSON.values())


def test_nobody_and_nothing_of_the_company_is_in_it(visit: Visit) -> None:
    """No person, project, company, template, group, number or secret, in whatever encoding."""
    text = visit.recorded.text
    standing = Vocabulary.of(CATALOGUE).standing
    looked_for = {datum for datum in personal_data(visit) if len(datum) >= 4 and datum.casefold() not in standing}
    assert len(looked_for) > 400
    for datum in looked_for:
        forms = {datum, quote(datum), datum.replace("&", "&amp;"), json.dumps(datum)[1:-1]}
        forms.add(base64.b64encode(datum.encode()).decode())
        assert [form for form in forms if re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text, re.IGNORECASE)] == []
    assert "@" not in text


def without_sign_ins(companies: list[dict[str, Any]]) -> Any:
    """The companies but for when somebody has signed in last: the walk does that once."""
    users = [{**user, "last_login_at": "", "updated_at": ""} for company in companies for user in company["users"]]
    return [users, *({**company, "users": []} for company in companies)]


def test_nothing_was_written_for_it(visit: Visit) -> None:
    """The world is as it was, no event was added, and whatever was asked for but the sign-in was reading."""
    assert without_sign_ins(visit.before["companies"]) == without_sign_ins(visit.after["companies"])
    assert visit.before["outbox"] == visit.after["outbox"]
    assert visit.events[0] == visit.events[1]
    writes = [item for item in visit.requests if item["method"] not in {"GET", "HEAD"}]
    assert {item["operation"] for item in writes} <= SIGNING_IN
    assert sum(item["operation"] == "sign_in_password" for item in writes) == 1
    assert visit.recorded.held_back == (), "the walk tried nothing that had to be stopped"


def test_every_kind_of_page_is_in_it(visit: Visit) -> None:
    """Lists, windows, a person's page, projects, groups: what a place is for was come to."""
    places = {page.place for page in visit.recorded.recording.pages}
    wanted = {
        "company/users",
        "company/own-row",
        "company/add-user",
        "company/companies",
        "company/groups",
        "company/portfolio",
        "company/project-templates",
        "company/company-templates",
        "user/edit",
        "user/projects",
        "user/history",
        "project/users",
        "project/add-user",
        "project/bulk-add",
        "project/member",
    }
    wanted |= {"company/add-menu", "company/row-menu", "company/filters"} if visit.generation == "mfe" else set()
    assert wanted - places == set(), visit.recorded.recording.missing
    lists = [page for page in visit.recorded.recording.pages if page.place in {"company/users", "project/users"}]
    assert {page.generation for page in lists} == {visit.generation}


async def test_it_confirms_the_catalogue(visit: Visit, browser: Browser) -> None:
    """Where the pages are as the catalogue says, nothing is contradicted and most entries of these pages are seen."""
    found = await compare_in(browser, visit.recorded.recording, CATALOGUE)
    contradicted = {item.key: item.found for item in found if item.verdict is Verdict.CONTRADICTED}
    assert contradicted == {}
    assert counted(found)[Verdict.CONFIRMED] >= 100
    confirmed = {item.key for item in found if item.verdict is Verdict.CONFIRMED}
    own = {
        "legacy": {"list.row", "list.edit_link", "add_user.form", "edit_user.form", "form.add_user", "form.edit_user"}
    }
    own["mfe"] = {"grid.row", "grid.link", "grid.row_menu", "menu.item", "panel.place", "mfe_person.form"}
    assert own[visit.generation] <= confirmed
    assert {item.proposal for item in found if item.key == "user_page.root"} <= {"I -> C", ""}


async def test_another_catalogue_is_contradicted(visit: Visit, browser: Browser, tmp_path: Path) -> None:
    """A selector for what is not there, and one that fits more than it says, are both told by name."""
    text = CATALOGUE.source.replace("'#header-avatar'", "'#header-avatar-of-somebody'")
    text = re.sub(r"(\[hooks\.\"portfolio\.name\"\]\nselector = )'[^']*'", r"\1'#portfolio td'", text)
    found = await compare_in(browser, visit.recorded.recording, Catalogue.parse(text))
    contradicted = {item.key: item for item in found if item.verdict is Verdict.CONTRADICTED}
    assert {"shell.avatar", "portfolio.name"} <= set(contradicted)
    assert any("header-avatar" in near for near in contradicted["shell.avatar"].candidates)
