"""The page of a person in the new generation, ``…/edit_person/{person_id}`` [I]: everything but the projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Vendor
from agent.domain.attributes import ATTRIBUTES
from agent.domain.person import Person
from agent.errors import UnknownPage
from flows.legacy.edit_page import DIRECTORY_TOOL, level_of, level_value
from flows.mfe.panel import FormHeld
from flows.mfe.people import person_path
from flows.page import overlays
from flows.page.controls import refuse_renamed
from flows.page.reading import Reading
from flows.page.shell import Shell
from flows.page.tab import Tab

FORM = "edit-person-form"  # its data-qa

PERSON_PAGE = Reading(
    "mfe_page.loaded",
    r"""
    const page = one("mfe_person.root"), form = one("mfe_person.form"), texts = {};
    for (const box of many("mfe_form.field_box", form)) {
      const trigger = maybe("select.trigger", box);
      if (trigger) texts[box.getAttribute("data-field")] = words(trigger);
    }
    return { userId: page.dataset.userId, personId: page.dataset.personId || "", active: page.dataset.active,
      fields: fields(form), texts, tools: many("mfe_person.tool_row", form).map((row) => {
        const level = one("mfe_person.tool_select", row);
        return { tool: row.dataset.tool, label: words(row.cells[0]), level: level ? level.value : "",
          disabled: level ? level.matches(":disabled") : true };
      }) };
    """,
    name="person_page",
    generation="mfe",
)


class PersonPage:
    """What one loaded page of a person says."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.form = FormHeld(raw)

    @property
    def user_id(self) -> str:
        """The user id."""
        return str(self.raw["userId"])

    @property
    def email(self) -> str:
        """The address that the page shows for the person."""
        return self.form.fields.attribute("email_address") or ""

    @property
    def active(self) -> bool:
        """Whether the person is active in the company."""
        return bool(self.raw["active"] == "true")

    @property
    def tools(self) -> tuple[str, ...]:
        """Labels of the company tools, where the page shows the table."""
        return tuple(row["label"] for row in self.raw["tools"])

    def person(self, memberships: tuple[Membership, ...]) -> Person:
        """The person, with the memberships that another page shows; ``read_only_fields`` as on the legacy page."""
        fields = self.form.fields
        present = {item.name: fields.attribute(item.name) for item in ATTRIBUTES}
        closed = {name for name in present if self.form.is_closed(name)}
        parts = {
            "email": "email_address",
            "company": "vendor_id",
            "company_access": "company_template_id",
            "default_project_template": "default_template_id",
            "add_to_new_projects": "add_to_new_projects",
        }
        vendor, default = self.form.chosen("vendor_id"), self.form.chosen("default_template_id")
        return Person(
            user_id=self.user_id,
            person_id=self.raw["personId"] or None,
            email=self.email,
            active=self.active,
            attributes={name: value for name, value in present.items() if value is not None},
            company=Vendor(id=vendor[0], name=vendor[1]) if vendor else None,
            company_access=self.company_access(),
            default_project_template=default[1] if default else None,
            add_to_new_projects=fields.attribute("add_to_new_projects") == "yes",
            memberships=memberships,
            read_only_fields=frozenset(closed | {part for part, field in parts.items() if self.form.is_closed(field)}),
        )

    def company_access(self) -> CompanyAccess:
        """The company template, or the level of each tool; rows that Directory = Admin greys say nothing [D]."""
        template = self.form.chosen("company_template_id")
        if template is not None:
            return CompanyAccess(template=template[1])
        rows = self.raw["tools"]
        is_admin = any(row["tool"] == DIRECTORY_TOOL and row["level"] == level_value(AccessLevel.ADMIN) for row in rows)
        levels = {
            row["label"]: level_of(row["level"])
            for row in rows
            if row["level"] and (row["tool"] == DIRECTORY_TOOL or not (is_admin and row["disabled"]))
        }
        return CompanyAccess(levels={label: level for label, level in levels.items() if level})


async def open_person_page(tab: Tab, person_id: str, *, user_id: str | None = None) -> PersonPage:
    """Load a person's page (one page load). UnknownPage when it is somebody else's than the ids say."""
    return (await _open(tab, person_id, user_id))[1]


async def ready_person_page(tab: Tab, person_id: str, user_id: str, account: str) -> PersonPage:
    """The person's page, ready to be written from: the right person, known account and language."""
    shell, page = await _open(tab, person_id, user_id)
    (await overlays.cleared(tab, shell)).refuse_before_write(tab.tenant, account)
    return page


async def read_person_page(tab: Tab, person_id: str, user_id: str | None) -> PersonPage:
    """Read the person's page that is on the tab, as its form is now."""
    return (await _read(tab, person_id, user_id))[1]


async def _open(tab: Tab, person_id: str, user_id: str | None) -> tuple[Shell, PersonPage]:
    await tab.open(person_path(tab, person_id))
    return await _read(tab, person_id, user_id)


async def _read(tab: Tab, person_id: str, user_id: str | None) -> tuple[Shell, PersonPage]:
    shell, raw = await tab.read_all(PERSON_PAGE)
    page = PersonPage(raw)
    seen = f"user {page.user_id}, person {raw['personId']}"
    if raw["personId"] != person_id or (user_id is not None and page.user_id != user_id):
        raise UnknownPage(
            "person-mismatch",
            "The page is not the one of the person asked for.",
            expected=f"user {user_id or '?'}, person {person_id}",
            seen=seen,
        )
    for field, label in (("company_template_id", "Company"), ("default_template_id", "Default")):
        if (chosen := page.form.chosen(field)) is not None:
            refuse_renamed(tab, f"{label} Permission Template", *chosen)
    return shell, page
