"""Hooks of `directory-ui.md` 6 against what the sandbox serves, without a browser.

Agent and sandbox are built from that page and never from each other; this table is its copy in tests, so that they
cannot come to agree only with each other. Each line: section, hook, page, mark. A hook that only a script draws is
looked for in the script that is served.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fixtures.sandbox.deployment import Deployment

from .conftest import Visitor
from .markup import elements_of, find
from .test_mfe import tool
from .test_people import cast
from .test_project_pages import home_of
from .test_status_and_projects import project


@dataclass(frozen=True, slots=True)
class Hook:
    """One line of the tables."""

    section: str
    selector: str
    page: str
    mark: str
    text: str = ""
    count: int | None = None


def _lines(section: str, page: str, mark: str, *selectors: str | tuple[str, str]) -> list[Hook]:
    return [
        Hook(section, s, page, mark) if isinstance(s, str) else Hook(section, s[0], page, mark, text=s[1])
        for s in selectors
    ]


SHELL = [
    '#header-avatar[data-qa="core-avatar"][data-header="icon-user"]',
    'button[aria-label="Account & Profile"][aria-haspopup="menu"]',
    'a[data-header="company-home-button"][aria-label="Back to Company"][href^="/set_company/"]',
    '[data-header="picker-company-project"]',
    "#tool-picker-target",
    '#nav-bar-search[data-qa-id="navbar-global-search-bar"]',
    "header-app",
    "#mount-nav-bar",
    'meta[name="csrf-token"]',
    'meta[name="csrf-param"][content="authenticity_token"]',
    "#alert_wrapper",
    "body",
]
LEGACY_LIST = [
    "#root[data-props]",
    'a[data-pendo="shared-configure-settings-cog"][aria-label="Configure Settings"]',
    'button[data-pendo="shared-export-dropdown-button"][aria-label="Export"]',
    *[
        f'[data-pendo="shared-{group}-tab"][data-qa="test"][aria-selected="true"]'
        for group in (
            "users",
            "reference_users",
            "companies",
            "distribution_groups",
            "inactive_users",
            "inactive_reference_users",
            "inactive_companies",
        )
    ],
    'div[class^="searchContainer"]',
    'input[type="text"][placeholder="Search"]',
    'option[value="vendor.id"]',
    '[data-pendo="shared-add-filter-dropdown"]',
    'button[data-qa="addFilter"]',
    '[data-qa="filter-options-permission_template"]',
    '[data-row-type="group"][data-id]',
    '[data-qa="yourCompanyPill"]',
    'a[href*="/edit_vendor/"]',
    'div[data-qa="tableRow"][data-id][data-qa-rownum="tableRow1"]',
    *[
        f'[data-qa="{cell}_cell"][data-qa-rowindex]'
        for cell in ("edit_btn", "avatar", "name", "job_title", "phone_fax_email", "address", "vendor_name")
    ],
    '[data-qa="permission_template_cell"][data-qa-rowindex]',
    'a[data-pendo="user-edit-button"][data-qa="victor.hale@example.com Edit"][href*="/users/"]',
    'a[href^="users/"][href$="/vcard"]',
    'form[method="POST"][action$="/invite"]',
    'button[data-pendo="shared-users-reinvite-button"]',
    'div[class^="bulkEditorComponent"]',
    "#main_sidebar",
    "#new-add-company-btn",
    'button[data-pendo="new-add-company-open-modal-button"]',
]
TABLE = [
    *_lines("6.1", "company_list", "[C]", *SHELL),
    *_lines("6.1", "project_list", "[C]", *SHELL, 'a[data-header="logo"][aria-label="Project Home"]'),
    *_lines("6.1", "project_mfe", "[C]", *SHELL, 'a[data-header="logo"][aria-label="Project Home"]'),
    *_lines("6.2", "company_list", "[I]", *LEGACY_LIST, ("h1", "Company Directory")),
    *_lines("6.2", "company_list", "[I]", 'a#popup_add_person[data-pendo="company-area-sidebar-add-user"]'),
    *_lines("6.2", "project_list", "[C]", *LEGACY_LIST, ("h1", "Project Directory")),
    *_lines(
        "6.2",
        "project_list",
        "[C]",
        ('a#popup_add_person[data-pendo="project-area-sidebar-add-user"]', "Add User"),
        (
            'a#popup_add_distribution_group[data-pendo="project-area-sidebar-add-distribution-group"]',
            "Add Distribution",
        ),
        ('a[data-pendo="project-area-sidebar-bulk-add"][href$="/bulk_add"]', "Bulk Add from Co. Directory"),
        '[data-pendo="shared-sidebar-download-procore-imports"]',
        '[data-pendo="shared-sidebar-import-people-download-validated-template"]',
        '[data-pendo="shared-sidebar-import-people-send-completed-template"]',
        '[data-pendo="shared-sidebar-import-companies-download-existing-vendors"]',
    ),
    *_lines(
        "6.3",
        "project_mfe",
        "[C]",
        "directory-app",
        '[data-qa="project-level-environment"]',
        '[data-qa="ProjectDirectoryTabs"]',
        'a[data-pendo="directory-mfe-users-tab"][href$="/tools/directory/users"]',
        ('a[data-pendo="directory-mfe-groups-tab"][data-qa="companies-menu-tab"][href$="/companies"]', "Companies"),
        ('a[data-pendo="directory-mfe-groups-tab"][href$="/distribution_groups"]', "Distribution Groups"),
        'button[aria-haspopup="dialog"]',
        'button[aria-label="Add"][aria-haspopup="menu"]',
        'button[aria-label="Export"][aria-haspopup="menu"]',
        'a[aria-label="Configure Settings"]',
        ('[data-qa="data-table-show-filters-button"]', "More Filters"),
        '[data-qa="data-table-filters-context-panel"]',
        '[data-qa="data-table-filter-input-is_active"]',
        '[data-qa="data-table-filter-input-vendor_id"]',
        '[data-qa="data-table-filter-input-permission_template"]',
        '[data-qa="data-table-filter-input-trade_id"]',
        '[data-qa="data-table-remove-all-filters"]',
        ('[data-qa="data-table-quick-filters"]', "Active"),
        'input[type="search"][data-qa="core-typeahead-input"]',
        ('[data-qa="table-config-button"]', "Configure"),
        '[data-qa="data-table-table"]',
        '[data-qa="core-multiselect-input"]',
        '[data-qa="multiselect-select-arrow"]',
        'button[aria-label="Previous page"]',
        'button[aria-label="Next page"]',
    ),
    Hook("6.3", '[data-pendo="directory-mfe-groups-tab"]', "project_mfe", "[C]", count=2),
    *_lines(
        "6.3",
        "company_mfe",
        "[I]",
        '[data-qa="company-level-environment"]',
        '[data-qa="ProjectDirectoryTabs"]',
        'button[aria-label="Add"][aria-haspopup="menu"]',
        '[data-qa="data-table-filter-input-is_active"]',
        '[data-qa="data-table-table"]',
        'form[data-qa="add-user-form"]',
    ),
    *_lines("3.2", "member_edit", "[D]", ("select#user_permission_template_id", "Do Not Apply a Template")),
    *_lines(
        "3.2", "bulk_add", "[D]", ("h1", "Bulk Add from Co. Directory"), ('button[type="submit"]', "Add to Project")
    ),
    *_lines("3.4", "group_edit", "[D]", ('button[type="submit"]', "Update"), ("label", "Description")),
]
SCRIPTS = [
    ("6.3", 'role: "treegrid"', "grid.js", "[C]"),
    ("6.3", '"row-index"', "grid.js", "[C]"),
    ("6.3", '"row-id"', "grid.js", "[C]"),
    ("6.3", '"aria-rowindex": String(index + 2)', "grid.js", "[C]"),
    ("6.3", '"aria-rowcount", String(rows.length + 1)', "grid.js", "[C]"),
    ("6.3", '"col-id": column.id', "grid.js", "[C]"),
    ("6.3", '"rowActions-pinned"', "grid.js", "[C]"),
    ("6.3", "`cell-${column.id}-${place}`", "grid.js", "[C]"),
    ("6.3", '"rowCheckbox"', "grid.js", "[C]"),
    ("6.3", '"select-all-checkbox"', "grid.js", "[C]"),
    ("6.3", '"companies-table-actions"', "grid.js", "[C]"),
    ("6.3", "editable-cell", "grid.js", "[C]"),
    ("6.3", "const IN_DOM = 17", "grid.js", "[C]"),
    ("6.3", '"data-qa": "core-overlay-trigger-overlay-wrapper"', "overlay.js", "[C]"),
    ("6.3", 'role: "menuitem"', "overlay.js", "[C]"),
    ("6.3", '"data-value": JSON.stringify(item.value)', "overlay.js", "[C]"),
    ("6.3", '"data-qa": "loaded"', "tool.js", "[C]"),
]
COLUMNS = [
    ("name", "Name"),
    ("email", "Email Address"),
    ("mobile_phone", "Cell Phone"),
    ("job_title", "Job Title"),
    ("address", "Address"),
    ("vendor_name", "Company"),
    ("erp_data", "ERP"),
    ("connected_status", "Connected Status"),
    ("permission_template", "Permissions Template (Assigned)"),
    ("reference_user", "Type"),
]
PAGES = sorted({hook.page for hook in TABLE})


async def page_of(visitor: Visitor, name: str) -> str:
    """The HTML of a page of the table, for the Company Directory Admin."""
    mfe = name.endswith("_mfe")
    changes = dict.fromkeys(("company_directory", "project_directory"), "mfe" if mfe else "legacy")
    visitor.deployment.change_options(changes)
    home = home_of(visitor)
    victor = cast(visitor.tenant, "victor.hale@example.com").user_id
    group = next(g for g in visitor.tenant.groups.values() if g.project_id is None).group_id
    addresses = {
        "company_list": f"{visitor.directory}/groups/users",
        "project_list": f"{home}/groups/users",
        "project_mfe": f"{tool(visitor)}/users",
        "company_mfe": f"{tool(visitor, None)}/users",
        "member_edit": f"{home}/users/{victor}/edit",
        "bulk_add": f"{home}/bulk_add",
        "group_edit": f"{visitor.directory}/distribution_groups/{group}/edit",
    }
    answer = await visitor.http.get(addresses[name])
    assert answer.status_code == 200
    return answer.text


def missing(page: str, name: str) -> list[str]:
    """The hooks of a page that are not in its HTML, or not with their text or number."""
    elements = elements_of(page)
    lacking = []
    for hook in TABLE:
        if hook.page != name:
            continue
        found = [e for e in find(elements, hook.selector) if hook.text in " ".join(e.text.split())]
        if not found or (hook.count is not None and len(found) != hook.count):
            lacking.append(f"{hook.section} {hook.selector} {hook.text} {hook.mark}")
    return lacking


@pytest.mark.parametrize("name", PAGES)
async def test_the_page_has_every_hook_of_the_table(visitor: Visitor, name: str) -> None:
    """Each line of the table is found in the served page."""
    await visitor.sign_in()
    assert missing(await page_of(visitor, name), name) == []


@pytest.mark.parametrize("name", ["project_list", "project_mfe"])
async def test_the_table_notices_a_hook_that_is_gone(visitor: Visitor, name: str) -> None:
    """Planted: take one hook out of a page, and the table names it."""
    await visitor.sign_in()
    page = await page_of(visitor, name)
    gone = "project-area-sidebar-bulk-add" if name == "project_list" else "data-table-quick-filters"
    assert [line for line in missing(page.replace(gone, "x"), name) if gone in line]


@pytest.mark.parametrize(("section", "literal", "script", "mark"), SCRIPTS)
async def test_the_served_script_draws_the_hook(
    visitor: Visitor, section: str, literal: str, script: str, mark: str
) -> None:
    """Rows and menus are drawn by scripts; their hooks stand there."""
    text = (await visitor.http.get(f"{visitor.deployment.origins.app}/static/mfe/{script}")).text
    assert literal in text, (section, mark)


async def test_the_columns_are_the_captured_ones(visitor: Visitor, deployment: Deployment) -> None:
    """Ids, labels and order of the users grid, section 6.3 [C]."""
    await visitor.sign_in()
    page = await page_of(visitor, "project_mfe")
    for place, (name, label) in enumerate(COLUMNS):
        at = page.index(f'"id": "{name}"')
        assert f'"label": "{label}"' in page[at : at + 120]
        assert place == 0 or at > page.index(f'"id": "{COLUMNS[place - 1][0]}"')


async def test_the_invite_form_of_a_project_stands_before_its_rows(visitor: Visitor) -> None:
    """Section 6.2: a frozen sidebar, rendered first, keyed by user id."""
    await visitor.sign_in()
    elements = elements_of(await page_of(visitor, "project_list"))
    forms = find(elements, 'form[action$="/invite"]')
    rows = find(elements, 'div[data-qa="tableRow"]')
    assert max(form.place for form in forms) < min(row.place for row in rows)
    here = project(visitor.tenant, 0).project_id
    assert all(form.attributes["action"].startswith(f"/{here}/project/directory/users/") for form in forms)
