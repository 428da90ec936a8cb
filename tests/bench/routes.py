"""Ways that lead to the same end, side by side in one run: what :mod:`agent.plan.routes` goes by.

One person into many projects (one after the other on the Edit page, or by one save of the Projects tab), and many
people into one project (Bulk Add, one after the other in the project, or on each one's Edit page). The sandbox answers
without delays, but for the Projects tab, which takes its two seconds until it begins. Flows alone are timed: a job's
looks before and after are the same for every way.

``python -m tests.bench.routes [legacy|mfe]`` prints the tables.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.domain.access import Project
from agent.domain.project import NewMember
from agent.execute.gate import JobGate
from agent.execute.telling import Telling
from agent.plan.routes import INTO_PROJECT, INTO_PROJECTS, Cost, IntoProject, IntoProjects
from fixtures.running import ROOT, RunningSandbox
from flows import Directory
from tests.bench.agent_job import AgentWorkplace

SERVICE_ACCOUNT = "svc.provisioning@example.com"
TEMPLATE = "Read Only - Internal"
MANY = 40
AIMS = {"bulk add / one by one, 40 people": 0.8, "projects tab / one by one, many projects": 0.8}

Way = Callable[[], Awaitable[None]]
console = Console(highlight=False, width=110)


@dataclass
class Timed:
    """What one way took: seconds and page loads, for one and for many."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    loads: dict[int, int] = field(default_factory=dict)

    def median(self, number: int) -> float:
        """Seconds for so many."""
        return statistics.median(self.seconds[number])

    def cost(self, many: int) -> Cost:
        """The line through the loads of one and of many."""
        each = (self.loads[many] - self.loads[1]) / (many - 1)
        return Cost(max(0.0, self.loads[1] - each), each)


class Bench:
    """A tenant, its Directory behind an open gate, and the world behind it."""

    def __init__(self, sandbox: RunningSandbox, directory: Directory) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self._made = 0

    @property
    def projects(self) -> list[Project]:
        """Every project that is open."""
        found = self.sandbox.get("/state")["companies"][0]["projects"]
        return [
            Project(id=str(item["project_id"]), name=item["name"], number=item["number"])
            for item in found
            if item.get("is_active", True)
        ]

    def people(self, number: int) -> list[NewMember]:
        """So many new people, who are in no project."""
        names = [f"way{self._made + at:05}" for at in range(number)]
        self._made += number
        values = {"last_name": "Way", "default_template": TEMPLATE}
        told = [{"email_address": f"{name}@example.com", "values": {**values, "first_name": name}} for name in names]
        self.sandbox.post("/people", told)
        users = {user["email_address"]: str(user["user_id"]) for user in self._users()}
        addresses = [item["email_address"] for item in told]
        return [NewMember(user_id=users[str(email)], email=str(email), template=TEMPLATE) for email in addresses]

    def _users(self) -> Sequence[dict[str, Any]]:
        users: Sequence[dict[str, Any]] = self.sandbox.get("/state")["companies"][0]["users"]
        return users

    async def time(self, timed: Timed, number: int, way: Way) -> None:
        """Go this way once."""
        self.sandbox.delete("/requests")
        began = time.perf_counter()
        await way()
        timed.seconds.setdefault(number, []).append(time.perf_counter() - began)
        asked = [item["operation"] for item in self.sandbox.get("/requests")]
        timed.loads[number] = sum(operation not in (None, "static") for operation in asked)

    # --- one person, many projects ---

    async def edit_page(self, person: NewMember, projects: Sequence[Project]) -> None:
        """One after the other."""
        for project in projects:
            await self.directory.add_to_project(person.user_id, project, TEMPLATE)

    async def projects_tab(self, person: NewMember, projects: Sequence[Project]) -> None:
        """One save, and looking until all of it shows."""
        await self.directory.assign_projects(person.user_id, projects, ())
        wanted = {project.id for project in projects}
        while True:
            held = await self.directory.read_person(person.user_id)
            if wanted <= {item.project.id for item in held.memberships}:
                return
            await asyncio.sleep(0.5)

    # --- many people, one project ---

    async def bulk_add(self, people: Sequence[NewMember], project: Project) -> None:
        """One write."""
        await self.directory.project(project).bulk_add(people)

    async def add_user(self, people: Sequence[NewMember], project: Project) -> None:
        """One after the other, in the project."""
        for person in people:
            await self.directory.project(project).add_member(person)

    async def each_edit_page(self, people: Sequence[NewMember], project: Project) -> None:
        """One after the other, on each one's own page."""
        for person in people:
            await self.directory.add_to_project(person.user_id, project, TEMPLATE)


async def into_projects(bench: Bench, rounds: int) -> dict[str, Timed]:
    """One person into one project, and into all of them."""
    ways = {"Edit page, one by one": bench.edit_page, "Projects tab, one save": bench.projects_tab}
    timed = {name: Timed() for name in ways}
    projects = bench.projects[:MANY]
    for _ in range(rounds):
        for number in (1, len(projects)):
            for name, way in ways.items():
                (person,) = bench.people(1)
                await bench.time(timed[name], number, partial(way, person, projects[:number]))
    return timed


async def into_project(bench: Bench, rounds: int) -> dict[str, Timed]:
    """One person into a project, and forty."""
    ways = {
        "Bulk Add, one write": bench.bulk_add,
        "Add User in the project, one by one": bench.add_user,
        "each one's Edit page": bench.each_edit_page,
    }
    timed = {name: Timed() for name in ways}
    project = bench.projects[0]
    for _ in range(rounds):
        for number in (1, MANY):
            for name, way in ways.items():
                people = bench.people(number)
                await bench.time(timed[name], number, partial(way, people, project))
    return timed


def shown(title: str, timed: dict[str, Timed]) -> None:
    """The ways beside each other, as ratios of the first."""
    many = max(next(iter(timed.values())).seconds)
    base = next(iter(timed.values()))
    table = Table(title=title)
    for heading in ("", "1: s", "loads", f"{many}: s", "loads", f"{many}: ratio", "loads once", "each"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, way in timed.items():
        cost = way.cost(many)
        table.add_row(
            name,
            f"{way.median(1):.2f}",
            str(way.loads[1]),
            f"{way.median(many):.2f}",
            str(way.loads[many]),
            f"{way.median(many) / base.median(many):.2f}",
            f"{cost.once:.1f}",
            f"{cost.each:.2f}",
        )
    console.print(table)


async def measure(generation: str, rounds: int) -> tuple[dict[str, Timed], dict[str, Timed]]:
    """Both tables on a tenant of this generation."""
    options = ["--no-delays", "--option", 'mfa="off"', "--option", "assignment_delay=2.0"]
    options += ["--option", f'project_directory="{generation}"', "--option", f'company_directory="{generation}"']
    folder = ROOT / "var" / "bench" / f"routes-{generation}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with RunningSandbox(100, 7, *options) as sandbox:
        account = next(entry for entry in sandbox.get("/credentials") if entry["email"] == SERVICE_ACCOUNT)
        work = AgentWorkplace()
        try:
            await work.open(
                {
                    "sign_in": sandbox.sign_in,
                    "app": sandbox.app,
                    "company_id": str(sandbox.get("/state")["companies"][0]["company_id"]),
                    "email": account["email"],
                    "password": account["password"],
                    "folder": str(folder),
                }
            )
            opened = await work.seat.session.open()
            work.seat.relay.attach(JobGate(Telling([]), dry_run=False))
            bench = Bench(sandbox, opened.directory)
            return await into_projects(bench, rounds), await into_project(bench, rounds)
        finally:
            await work.close()


def routes(rounds: int = 3, generation: str = "legacy") -> dict[str, float]:
    """Print both tables and what the planner goes by; returns the ratios that we promise."""
    projects, people = asyncio.run(measure(generation, rounds))
    shown(f"One person into projects ({generation} pages)", projects)
    shown(f"People into one project ({generation} pages)", people)
    tab, singly = INTO_PROJECTS[IntoProjects.PROJECTS_TAB], INTO_PROJECTS[IntoProjects.SINGLY]
    bulk, add_user = INTO_PROJECT[IntoProject.BULK_ADD], INTO_PROJECT[IntoProject.SINGLY]
    console.print(f"The planner goes by: Projects tab {tab}, Edit page {singly}; Bulk Add {bulk}, Add User {add_user}.")
    one_by_one, one_save = projects.values()
    many = max(one_save.seconds)
    by_bulk, by_add_user, _ = people.values()
    return {
        "bulk add / one by one, 40 people": by_bulk.median(MANY) / by_add_user.median(MANY),
        "projects tab / one by one, many projects": one_save.median(many) / one_by_one.median(many),
    }


if __name__ == "__main__":
    for name, ratio in routes(generation=sys.argv[1] if len(sys.argv) > 1 else "legacy").items():
        console.print(f"{name}: {ratio:.2f} (aim {AIMS[name]})")
