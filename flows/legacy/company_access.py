"""Company Permissions Templates on the Edit page: a template, or a level for each company tool [D]."""

from __future__ import annotations

from agent.domain.access import AccessLevel, CompanyAccess
from agent.domain.names import normal_name
from agent.errors import Failed, Mender, UnknownPage
from flows.legacy.edit_page import DIRECTORY_TOOL, NO_TEMPLATE, EditPage, level_of, level_value, read_edit_page
from flows.page.controls import NativeSelect, choose_native_by_name, set_checkbox
from flows.page.tab import Tab


async def set_company_access(tab: Tab, page: EditPage, access: CompanyAccess) -> None:
    """Choose the template, or "Do Not Apply a Permission Template" and the levels, and read them back."""
    if page.raw["template"] is None:
        raise Failed(
            "field-not-shown",
            "The page does not let the service account change this person's company permissions.",
            expected="Company Permissions Templates",
            seen="no such section",
            mender=Mender.ADMINISTRATOR,
        )
    select = NativeSelect(tab.css("edit_user.company_template"), "Company Permissions Templates")
    await choose_native_by_name(tab, select, access.template, none=NO_TEMPLATE)
    if access.template is None:
        await _set_levels(tab, page.raw["userId"], access)


async def _set_levels(tab: Tab, user_id: str, access: CompanyAccess) -> None:
    """Tool by tool, Directory first when it loses Admin and last when it gains it: Admin there greys the rest [D]."""
    rows = (await read_edit_page(tab, user_id)).raw["tools"]
    wanted = {row["tool"]: AccessLevel.NONE for row in rows}
    for label, level in access.levels.items():
        fitting = [row["tool"] for row in rows if normal_name(row["label"]) == normal_name(label)]
        if len(fitting) != 1:
            raise Failed(
                "choice-not-offered",
                f"The page has no company tool {label!r}.",
                expected=label,
                seen=", ".join(row["label"] for row in rows),
                mender=Mender.REQUESTER,
            )
        wanted[fitting[0]] = level
    is_admin_wanted = wanted.get(DIRECTORY_TOOL) is AccessLevel.ADMIN
    for row in sorted(rows, key=lambda item: (item["tool"] == DIRECTORY_TOOL) is is_admin_wanted):
        level = wanted[row["tool"]]
        radio = tab.at("edit_user.tool_level", tool=row["tool"], level=level_value(level))
        if is_admin_wanted and row["tool"] != DIRECTORY_TOOL and row["disabled"]:
            continue  # greyed: a Company Admin has Admin there whatever the row says [D]
        await set_checkbox(tab, radio, f"{row['label']}: {level.label}", True)
    after = (await read_edit_page(tab, user_id)).raw["tools"]
    held = {row["tool"]: level_of(row["level"]) for row in after if row["level"] and not row["disabled"]}
    missing = {tool: level.label for tool, level in wanted.items() if tool in held and held[tool] is not level}
    if missing or (is_admin_wanted and held.get(DIRECTORY_TOOL) is not AccessLevel.ADMIN):
        raise UnknownPage(
            "control-mismatch",
            "The table of company permissions does not hold what was put into it.",
            expected=str(missing),
            seen=str({tool: held[tool].label for tool in missing}),
        )
