"""A project's Directory in each generation, inside a company whose own Directory is of the other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.domain.access import Project
from agent.domain.project import GroupMember, Member, NewMember
from flows import Directory
from flows.interface import ProjectDirectory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, Opener, make_person, options_of, person_in

NUMBER = "24-001"  # the project that most tests are about; it has a template of its own
OWN_TEMPLATE = "Tower Crane Operators"
_OTHER = {"legacy": "mfe", "mfe": "legacy"}


@pytest.fixture(params=["legacy", "mfe"])
def pages(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    """The generation of the projects' pages; the company's are of the other one."""
    generation: str = request.param
    with options_of(sandbox, project_directory=generation, company_directory=_OTHER[generation], mfe_delay=0.05):
        yield generation


@pytest.fixture
async def company(pages: str, open_it: Opener, sandbox: Sandbox) -> Directory:
    """The company's Directory, signed in, with an empty log of requests."""
    opened = await open_it()
    sandbox.forget_requests()
    return opened


@pytest.fixture
def project(sandbox: Sandbox) -> Project:
    """The project as the agent knows it."""
    return project_in(sandbox, NUMBER)


@pytest.fixture
def directory(company: Directory, project: Project) -> ProjectDirectory:
    """The project's Directory."""
    return company.project(project)


def project_in(sandbox: Sandbox, number: str) -> Project:
    """The truth about a project, as the agent knows projects."""
    truth = next(item for item in sandbox.get("/state")["companies"][0]["projects"] if item["number"] == number)
    return Project(id=str(truth["project_id"]), name=truth["name"], number=truth["number"])


def membership(sandbox: Sandbox, email: str = EMAIL, number: str = NUMBER) -> dict[str, Any] | None:
    """The truth about somebody's membership; None for none."""
    held = person_in(sandbox, email)["memberships"]
    return next((item for item in held if item["number"] == number), None)


def members_of(sandbox: Sandbox, number: str = NUMBER) -> set[str]:
    """The truth about who is in a project, by address."""
    users = sandbox.get("/state")["companies"][0]["users"]
    return {user["email_address"] for user in users if any(item["number"] == number for item in user["memberships"])}


async def make_people(sandbox: Sandbox, count: int, **start: Any) -> list[str]:
    """Put people into the world without the pages; their addresses."""
    emails = [f"crew{number:03}@example.com" for number in range(count)]
    people = [
        {"email_address": email, "values": {"first_name": "Crew", "last_name": f"Number{number:03}"}, **start}
        for number, email in enumerate(emails)
    ]
    sandbox.post("/people", people)
    return emails


async def newcomer(sandbox: Sandbox, email: str = EMAIL, **more: Any) -> NewMember:
    """Somebody whom the company has and the project has not."""
    return NewMember(user_id=await make_person(sandbox, email), email=email, **more)


def as_new(sandbox: Sandbox, email: str, **more: Any) -> NewMember:
    """Somebody who exists, as one to be added."""
    return NewMember(user_id=str(person_in(sandbox, email)["user_id"]), email=email, **more)


def as_member(sandbox: Sandbox, email: str) -> Member:
    """Somebody who exists, as a member."""
    truth = person_in(sandbox, email)
    return Member(user_id=str(truth["user_id"]), person_id=str(truth["person_id"]), name=truth["name"], email=email)


def in_group(sandbox: Sandbox, email: str) -> GroupMember:
    """Somebody who exists, as one in a group."""
    return GroupMember(user_id=str(person_in(sandbox, email)["user_id"]), email=email)
