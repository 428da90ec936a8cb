"""The names that a tenant offers: projects, templates, company tools, and the fields of its Add User form."""

from __future__ import annotations

from agent.domain.access import Project
from agent.domain.attributes import BY_NAME
from agent.domain.person import Listing, TenantFacts
from agent.errors import Failed, UnknownPage
from flows.legacy.add_user import open_form
from flows.legacy.edit_page import open_edit_page
from flows.legacy.listing import open_list
from flows.page.reading import Reading
from flows.page.tab import Tab

PORTFOLIO = Reading(
    "portfolio.table",
    r"""
    const pager = pattern("list.pager");
    let total = null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && total === null; node = walker.nextNode()) {
      const hit = pager.exec(node.data.trim());
      if (hit) total = Number(hit[3].replace(/\D/g, ""));
    }
    return { total, projects: many("portfolio.row", one("portfolio.table")).map((row) => ({
      id: row.dataset.projectId, name: words(one("portfolio.name", row)),
      number: words(maybe("portfolio.number", row)) })) };
    """,
    name="portfolio",
)

TEMPLATES = Reading(
    "templates.table",
    r"""
    return many("templates.row", one("templates.table")).map((row) => {
      const project = maybe("templates.project", row);
      return { type: row.dataset.templateType, name: words(one("templates.name", row)),
        project: project ? project.dataset.projectId || "" : "" };
    });
    """,
    name="templates",
)

_TYPES = {"global", "project_specific", "company_tools"}


async def read_facts(tab: Tab, account: str) -> TenantFacts:
    """All that a plan may refer to. Page loads: two for templates, one per 100 projects, a list and an Edit page."""
    company, _ = await _templates(tab, "company")
    project, specific = await _templates(tab, "project")
    projects = await _projects(tab)
    listed = await open_list(tab, "users", per_page=5)
    form = await open_form(tab)
    shown = {field.name.removeprefix("user[").removesuffix("]"): field for field in form.all if field.type != "hidden"}
    return TenantFacts(
        own_login=account,
        company_templates=company,
        project_templates=project,
        project_specific_templates=specific,
        projects=projects,
        company_tools=await _tools(tab, [row.user_id for row in listed.sightings(Listing.USERS) if row.user_id]),
        add_user_fields=frozenset(name for name in shown if name in BY_NAME),
        required_fields=frozenset(name for name, field in shown.items() if name in BY_NAME and field.required),
    )


async def _templates(tab: Tab, kind: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Names on one tab of the Permissions tool: those for all, and those of one project each."""
    await tab.open(
        f"/webclients/host/companies/{tab.tenant.company_id}/tools/permissions/permission_templates?tab={kind}"
    )
    names: list[str] = []
    specific: dict[str, list[str]] = {}
    for row in await tab.read(TEMPLATES):
        if row["type"] not in _TYPES or (row["type"] == "project_specific" and not row["project"]):
            raise UnknownPage(
                "unknown-page",
                "The Permissions tool lists a template of an unknown kind.",
                expected="templates.row: global, project_specific (with its project) or company_tools",
                seen=f"{row['name']}: {row['type']}",
            )
        if row["type"] == "project_specific":
            specific.setdefault(row["project"], []).append(row["name"])
        else:
            names.append(row["name"])
    return tuple(names), {project: tuple(found) for project, found in specific.items()}


async def _projects(tab: Tab) -> tuple[Project, ...]:
    """The portfolio, 100 a page; as many as its pager says."""
    found: dict[str, Project] = {}
    number = 1
    while True:
        await tab.open(f"/{tab.tenant.company_id}/company/home/list?page={number}")
        data = await tab.read(PORTFOLIO)
        found |= {row["id"]: Project(**row) for row in data["projects"]}
        total = data["total"] if data["total"] is not None else len(found)
        if len(found) >= total:
            return tuple(found.values())
        if not data["projects"]:
            raise Failed(
                "pager-mismatch",
                "The portfolio does not show all its projects.",
                expected=f"{total} projects, as the pager says",
                seen=f"{len(found)} projects",
            )
        number += 1


async def _tools(tab: Tab, user_ids: list[str]) -> tuple[str, ...]:
    """The company tools, from the first Edit page that shows their table; empty when none of a few does."""
    for user_id in user_ids:
        page = await open_edit_page(tab, user_id)
        if page.tools:
            return page.tools
    return ()
