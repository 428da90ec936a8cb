"""What the forms of the new generation say about a tenant: the fields of Add User, and the company tools."""

from __future__ import annotations

from collections.abc import Mapping

from flows.legacy.tenant_facts import FormFacts, if_known
from flows.mfe.add_user import visit_add_user
from flows.mfe.grid import read_view
from flows.mfe.people import listed, open_users
from flows.mfe.person_page import open_person_page
from flows.page.tab import Tab

_LOOKED_AT = 5  # people, until one shows the table of tools: it is hidden where a template is set


async def look_at_forms(tab: Tab) -> FormFacts:
    """The Add User panel, and the pages of up to five people (one page load each)."""
    return FormFacts(await if_known(_add_user_fields(tab)), await _tools(tab))


async def _add_user_fields(tab: Tab) -> Mapping[str, bool]:
    held = await visit_add_user(tab)
    return {field.name: field.required for field in held.fields.all if field.type != "hidden"}


async def _tools(tab: Tab) -> tuple[str, ...]:
    await open_users(tab)
    people = [listed(tab, row) for row in (await read_view(tab)).rows]
    for person in [item for item in people if item.is_user and item.person_id][:_LOOKED_AT]:
        page = await open_person_page(tab, person.person_id or "")
        if page.tools:
            return page.tools
    return ()
