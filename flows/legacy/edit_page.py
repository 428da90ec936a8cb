"""The Edit page of a user: everything about a person on one page.

Source: SUP "Edit a User Account in the Company Directory" [D]; the markup is inferred [I].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.attributes import ATTRIBUTES
from agent.domain.person import Person
from agent.errors import Failed, Mender, UnknownPage
from flows.legacy.person_form import Fields
from flows.page import overlays
from flows.page.controls import refuse_renamed
from flows.page.reading import Reading
from flows.page.shell import Shell
from flows.page.tab import Tab

NO_TEMPLATE = "none"  # value of "Do Not Apply a Permission Template" [I]
DIRECTORY_TOOL = "directory"

EDIT_PAGE = Reading(
    "user_page.root",
    r"""
    const page = one("user_page.root"), form = one("edit_user.form");
    const vendor = maybe("edit_user.vendor_box");
    const template = maybe("edit_user.company_template");
    return {
      userId: page.dataset.userId, personId: page.dataset.personId || "", active: page.dataset.active,
      locked: maybe("user_page.locked_banner") !== null, fields: fields(form),
      vendorText: vendor ? words(maybe("select.trigger", vendor)) : "",
      template: template
        ? { value: template.value, text: words(template.selectedOptions[0]), disabled: template.disabled,
          options: [...template.options].map((option) => [option.value, words(option)]) } : null,
      tools: many("edit_user.tool_row").map((row) => {
        const radios = [...row.querySelectorAll("input[type=radio]")];
        const chosen = radios.find((radio) => radio.checked);
        return { tool: row.dataset.tool, label: words(row.cells[0]), level: chosen ? chosen.value : "",
          disabled: radios.length > 0 && radios.every((radio) => radio.disabled) };
      }),
      defaultTemplate: words(maybe("edit_user.default_template_name")),
      newProjects: maybe("edit_user.new_projects") !== null,
      memberships: many("projects.current_row").map((row) => ({ id: row.dataset.projectId,
        name: words(one("projects.name", row)), number: words(maybe("projects.number", row)),
        template: words(one("projects.template", row)) })),
      others: many("projects.other_rows").map((row) => row.dataset.projectId),
    };
    """,
    name="edit_page",
)


class EditPage:
    """What one loaded Edit page says."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.fields = Fields(raw["fields"])

    @property
    def email(self) -> str:
        """The address that the page shows for the person."""
        return self.fields.attribute("email_address") or ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the page may call the person."""
        first, last = self.fields.attribute("first_name") or "", self.fields.attribute("last_name") or ""
        return tuple(filter(None, (f"{first} {last}".strip(), self.email)))

    @property
    def tools(self) -> tuple[str, ...]:
        """Labels of the company tools, where the page shows the table."""
        return tuple(row["label"] for row in self.raw["tools"])

    def person(self) -> Person:
        """The person. Fields that are missing or disabled for this account are named in ``read_only_fields``; so are
        ``email``, ``company``, ``company_access``, ``default_project_template`` and ``add_to_new_projects``."""
        present = {item.name: self.fields.attribute(item.name) for item in ATTRIBUTES}
        closed = {name for name in present if self._is_closed(f"user[{name}]")}
        parts = {
            "email": self._is_closed("user[email_address]"),
            "company": self.fields.hidden("user[vendor_id]") is None,
            "company_access": self.raw["template"] is None or self.raw["template"]["disabled"],
            "default_project_template": self.fields.hidden("user[default_permission_template_id]") is None,
            "add_to_new_projects": self._is_closed("user[add_to_new_projects]"),
        }
        return Person(
            user_id=self.raw["userId"],
            person_id=self.raw["personId"] or None,
            email=self.email,
            active=self.raw["active"] == "true",
            attributes={name: value for name, value in present.items() if value is not None},
            company=self._company(),
            company_access=self._company_access(),
            default_project_template=self._default_template(),
            add_to_new_projects=self.fields.attribute("add_to_new_projects") == "yes",
            memberships=tuple(
                Membership(
                    project=Project(id=row["id"], name=row["name"], number=row["number"]),
                    template=row["template"] or None,
                )
                for row in self.raw["memberships"]
            ),
            locked=self.raw["locked"],
            read_only_fields=frozenset(closed | {name for name, is_closed in parts.items() if is_closed}),
        )

    def _is_closed(self, name: str) -> bool:
        field = self.fields.visible(name)
        return field is None or field.disabled

    def _company(self) -> Vendor | None:
        held = self.fields.hidden("user[vendor_id]")
        return Vendor(id=held.value, name=self.raw["vendorText"]) if held is not None and held.value else None

    def _company_access(self) -> CompanyAccess:
        """What the page gives; rows that Directory = Admin has greyed say nothing (Admin everywhere [D])."""
        template = self.raw["template"]
        if template is not None and template["value"] not in {"", NO_TEMPLATE}:
            return CompanyAccess(template=template["text"])
        rows = self.raw["tools"]
        is_admin = any(row["tool"] == DIRECTORY_TOOL and row["level"] == level_value(AccessLevel.ADMIN) for row in rows)
        levels = {
            row["label"]: level_of(row["level"])
            for row in rows
            if row["level"] and (row["tool"] == DIRECTORY_TOOL or not (is_admin and row["disabled"]))
        }
        return CompanyAccess(levels={label: level for label, level in levels.items() if level})

    def _default_template(self) -> str | None:
        held = self.fields.hidden("user[default_permission_template_id]")
        return self.raw["defaultTemplate"] if held is not None and held.value else None


async def open_edit_page(tab: Tab, user_id: str) -> EditPage:
    """Load the Edit page of this user (one page load). UnknownPage when it is somebody else's."""
    await tab.open(edit_path(tab, user_id))
    page = await read_edit_page(tab, user_id)
    tab.trust()
    return page


async def ready_edit_page(tab: Tab, user_id: str, account: str) -> EditPage:
    """The Edit page, ready to be written from: the right user, signed in as the account, known language.

    No page load when the tab shows a few seconds old, untouched one (where the last save has landed); else one.
    """
    fresh = tab.is_fresh_at(edit_path(tab, user_id))
    if not fresh:
        await tab.open(edit_path(tab, user_id))
    shell, page = await _read(tab, user_id)
    if not fresh:
        tab.trust()
    (await overlays.cleared(tab, shell)).refuse_before_write(tab.tenant, account)
    return page


def edit_path(tab: Tab, user_id: str) -> str:
    """Path of the Edit page."""
    if not user_id.isascii() or not user_id.isdigit():
        raise Failed("bad-user-id", "A user id is a number.", expected="digits", seen=user_id, mender=Mender.DEVELOPER)
    return f"{tab.tenant.directory_path}/users/{user_id}/edit"


def lands_on_edit_page(tab: Tab, user_id: str) -> re.Pattern[str]:
    """What the answer to a save of this page looks like."""
    return re.compile(f"^{re.escape(edit_path(tab, user_id))}$")


async def read_edit_page(tab: Tab, user_id: str) -> EditPage:
    """Read the Edit page that is on the tab, as its form is now."""
    return (await _read(tab, user_id))[1]


async def _read(tab: Tab, user_id: str) -> tuple[Shell, EditPage]:
    shell, raw = await tab.read_all(EDIT_PAGE)
    page = EditPage(raw)
    if page.raw["userId"] != user_id:
        raise UnknownPage(
            "person-mismatch",
            "The page is not the one of the person asked for.",
            expected=f"user {user_id}",
            seen=f"user {page.raw['userId']}",
        )
    template = page.raw["template"]
    for value, text in template["options"] if template is not None else ():
        if value not in {"", NO_TEMPLATE}:
            refuse_renamed(tab, "Company Permissions Template", value, text)
    if (held := page.fields.hidden("user[default_permission_template_id]")) is not None:
        refuse_renamed(tab, "Default Permission Template", held.value, page.raw["defaultTemplate"])
    return shell, page


def level_value(level: AccessLevel) -> str:
    """The value of a level's radio button [I]."""
    return level.name.lower()


def level_of(value: str) -> AccessLevel:
    """The level of a radio button's value."""
    try:
        return AccessLevel[value.upper()]
    except KeyError:
        raise UnknownPage(
            "unknown-page",
            "A company tool has a level that is not known.",
            expected="none, read_only, standard or admin",
            seen=value,
        ) from None
