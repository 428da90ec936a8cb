"""The names that a tenant offers: projects, templates, company tools, and the fields of its Add User form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agent.domain.access import Project
from agent.domain.attributes import BY_NAME
from agent.domain.person import Listing, TenantFacts
from agent.errors import Failed, Mender, UnknownPage
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
      const { templateId, templateType } = row.dataset;
      return { id: templateId || "", type: templateType, name: words(one("templates.name", row)),
        project: project ? project.dataset.projectId || "" : "" };
    });
    """,
    name="templates",
)

_TYPES = {"global", "project_specific", "company_tools"}


@dataclass(frozen=True)
class FormFacts:
    """What forms say about a tenant: the fields of Add User, and whether they are required; the company tools."""

    fields: Mapping[str, bool]
    tools: tuple[str, ...]


async def look_at_forms(tab: Tab) -> FormFacts:
    """The Add User window, and the Edit pages of up to five people (a list, and one page load each)."""
    listed = await open_list(tab, "users", per_page=5)
    fields = await if_known(_add_user_fields(tab))
    user_ids = [row.user_id for row in listed.sightings(Listing.USERS) if row.user_id]
    return FormFacts(fields, await _tools(tab, user_ids))


async def if_known(reading: Awaitable[Mapping[str, bool]]) -> Mapping[str, bool]:
    """The fields of Add User; none where it is not as known.

    That stops whoever is to be created when it comes to it, and must not stop a leaver, who does not need it.
    """
    try:
        return await reading
    except UnknownPage as error:
        if error.code in ("unknown-generation", "unknown-language", "no-server-time"):
            raise
        return {}


async def _add_user_fields(tab: Tab) -> Mapping[str, bool]:
    form = await open_form(tab)
    shown = [field for field in form.all if field.type != "hidden"]
    return {field.name.removeprefix("user[").removesuffix("]"): field.required for field in shown}


async def read_facts(
    tab: Tab, account: str, look: Callable[[Tab], Awaitable[FormFacts]] = look_at_forms
) -> TenantFacts:
    """All that a plan may refer to. Page loads: two for templates, one per 100 projects, and those of ``look``, which
    looks at the forms of the tenant's generation of pages."""
    company, _, company_ids = await _templates(tab, "company")
    project, specific, project_ids = await _templates(tab, "project")
    tab.template_ids = {**company_ids, **project_ids}
    projects = await _projects(tab)
    forms = await look(tab)
    return TenantFacts(
        own_login=account,
        company_templates=company,
        project_templates=project,
        project_specific_templates=specific,
        template_ids=tab.template_ids,
        projects=projects,
        company_tools=forms.tools,
        add_user_fields=frozenset(name for name in forms.fields if name in BY_NAME),
        required_fields=frozenset(name for name, required in forms.fields.items() if name in BY_NAME and required),
    )


async def _templates(tab: Tab, kind: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], dict[str, str]]:
    """Names on one tab of the Permissions tool: those for all, those of one project each, and whose id is whose."""
    await tab.open(
        f"/webclients/host/companies/{tab.tenant.company_id}/tools/permissions/permission_templates?tab={kind}"
    )
    names: list[str] = []
    specific: dict[str, list[str]] = {}
    ids: dict[str, str] = {}
    for row in await _open_to_us(tab):
        if row["type"] not in _TYPES or (row["type"] == "project_specific" and not row["project"]):
            raise UnknownPage(
                "unknown-page",
                "The Permissions tool lists a template of an unknown kind.",
                expected="templates.row: global, project_specific (with its project) or company_tools",
                seen=f"{row['name']}: {row['type']}",
            )
        ids[row["id"]] = row["name"]
        if row["type"] == "project_specific":
            specific.setdefault(row["project"], []).append(row["name"])
        else:
            names.append(row["name"])
    return tuple(names), {project: tuple(found) for project, found in specific.items()}, ids


async def _open_to_us(tab: Tab) -> list[dict[str, str]]:
    """The rows of the Permissions tool; who may not open it is told which right that is, not where one landed."""
    try:
        rows: list[dict[str, str]] = await tab.read(TEMPLATES)
    except Failed as error:
        if error.code != "denied":
            raise
        raise Failed(
            "denied",
            "The service account lacks a right that every job needs: a look at the company's Permissions tool, which "
            "names the templates.",
            expected="the right to Permissions (Read Only)",
            seen=error.seen,
            mender=Mender.ADMINISTRATOR,
        ) from error
    return rows


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
