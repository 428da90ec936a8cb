"""The hooks of `directory-ui.md` 6.1 and 6.2, looked for in the served HTML: the contract between flows and sandbox.

No browser: pages are fetched in this process. Each expression stands for a line of those tables.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.gate import Gate
from fixtures.sandbox.pages.app import build_app
from fixtures.sandbox.pages.volatile import hashed_classes
from fixtures.sandbox.session import APP_COOKIE

SERVICE = "svc.provisioning@example.com"
OPERATOR = "ops.granular@example.com"


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """A small tenant in this process, for reading only."""
    return Deployment(seed=3, people=60)


class Client:
    """An operator who is signed in already, asking the application without a socket or a browser."""

    def __init__(self, deployment: Deployment, login: str) -> None:
        session = deployment.sessions.open(login, next(iter(deployment.world.tenants)))
        self._cookies = {APP_COOKIE: session.session_id}
        self._app = Gate(deployment, build_app(deployment))
        self._origin = deployment.origins.app

    def get(self, path: str, headers: dict[str, str] | None = None) -> str:
        """The text of a page."""
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, data: dict[str, str]) -> str:
        """The text that answers a form."""
        return self._ask("POST", path, data=data)

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, data: dict[str, str] | None = None
    ) -> str:
        async def ask() -> str:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._origin, cookies=self._cookies) as client:
                return (await client.request(method, path, headers=headers, data=data)).text

        # A thread of its own: Playwright keeps an event loop running in the main one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, ask()).result()


@pytest.fixture(scope="module")
def client(deployment: Deployment) -> Client:
    """The Company Directory Admin's client."""
    return Client(deployment, SERVICE)


@pytest.fixture(scope="module")
def directory(deployment: Deployment) -> str:
    """Path of the Directory."""
    return f"/{next(iter(deployment.world.tenants))}/company/directory"


@pytest.fixture(scope="module")
def users_page(client: Client, directory: str) -> str:
    """The Users list."""
    return client.get(f"{directory}/groups/users")


SHELL_HOOKS = [
    r'id="header-avatar" data-qa="core-avatar" data-header="icon-user" data-login="svc\.provisioning@example\.com"',
    r'<button [^>]*aria-label="Account &amp; Profile" aria-haspopup="menu"',
    r'<a [^>]*data-header="company-home-button" aria-label="Back to Company" href="/set_company/\d+"',
    r'data-header="picker-company-project"',
    r'id="tool-picker-target"',
    r'id="nav-bar-search"[^>]*data-qa-id="navbar-global-search-bar"',
    r"<header-app>",
    r'id="mount-nav-bar"',
    r'<meta name="csrf-token" content="[\w-]{20,}">',
    r'<meta name="csrf-param" content="authenticity_token">',
    r'\{Environment: \{"companyId": "\d+", "locale": "en-US", "loginInformationID": \d+, "projectID": null\}\}',
    r'<div id="alert_wrapper">',
    r'<body class="directory-scope"',
    r"<title>Directory • Harborlight Builders</title>",
]
LIST_HOOKS = [
    r"<h1>Company Directory</h1>",
    r'<a [^>]*data-pendo="shared-configure-settings-cog" aria-label="Configure Settings"',
    r'<button [^>]*data-pendo="shared-export-dropdown-button" aria-label="Export"',
    r'class="searchContainer[^"]*">',
    r'<input [^>]*type="text" placeholder="Search"',
    r'<option value="">None</option><option value="vendor.id" selected>Company</option>',
    r'data-pendo="shared-add-filter-dropdown"',
    r'<button [^>]*data-qa="addFilter"',
    r'data-qa="filter-options-permission_template"',
    r'data-row-type="group" data-id="\d+"',
    r'data-row-type="group" data-id="undefined"',
    r'data-qa="yourCompanyPill"[^>]*>YOUR COMPANY<',
    r'<a href="/\d+/company/directory/edit_vendor/\d+">',
    r'<div data-qa="tableRow" data-id="\d+" data-person-id="\d+" data-qa-rownum="tableRow1"',
    r'data-qa="name_cell" data-qa-rowindex="0"[^>]*><p><b>[^<]+</b></p>',
    r'data-qa="job_title_cell"',
    r'data-qa="phone_fax_email_cell"[^>]*>(<div>[^<]*\(mobile\)</div>)?<div>[^<]+@example\.com</div>',
    r'data-qa="address_cell"',
    r'data-qa="vendor_name_cell"',
    r'data-qa="permission_template_cell"[^>]*><span>',
    r'data-qa="avatar_cell"[^>]*><a href="users/\d+/vcard"',
    r'<a [^>]*data-pendo="user-edit-button" data-qa="victor\.hale@example\.com Edit" href="[^"]+/users/\d+/edit"',
    r'<a [^>]*data-pendo="user-view-button" data-qa="victor\.hale@example\.com View" href="[^"]+/users/\d+"',
    r'<form method="POST" action="/\d+/company/directory/users/\d+/invite">',
    r'data-pendo="shared-users-invite-button">Invite<',
    r'data-pendo="shared-users-reinvite-button">Re-Invite<',
    r'<label><input type="checkbox"',
    r'class="bulkEditorComponent[^"]*" hidden>',
    r'id="main_sidebar"',
    r'<a id="popup_add_person" [^>]*data-pendo="company-area-sidebar-add-user" href="[^"]+/popup_add_person">Add User<',
    r'id="new-add-company-btn"><button [^>]*data-pendo="new-add-company-open-modal-button">Add Company<',
]


@pytest.mark.parametrize("hook", SHELL_HOOKS + LIST_HOOKS)
def test_the_users_list_has_the_captured_hook(users_page: str, hook: str) -> None:
    """Every hook of the tables is in the page."""
    assert re.search(hook, users_page), hook


@pytest.mark.parametrize(
    "group",
    [
        "users",
        "reference_users",
        "companies",
        "distribution_groups",
        "inactive_users",
        "inactive_reference_users",
        "inactive_companies",
    ],
)
def test_each_tab_claims_to_be_selected(users_page: str, group: str) -> None:
    """`data-qa="test"` and `aria-selected="true"` on all of them, as captured."""
    assert re.search(rf'data-pendo="shared-{group}-tab" data-qa="test" aria-selected="true"', users_page)


def test_invite_forms_come_before_the_rows(users_page: str) -> None:
    """The frozen sidebar is rendered first: a locator scoped to a row finds no form."""
    assert users_page.rindex('/invite">') < users_page.index('data-qa="tableRow"')


def test_row_numbers_restart_in_each_group(users_page: str) -> None:
    """`data-qa-rownum` repeats, so it is no key."""
    numbers = re.findall(r'data-qa-rownum="(tableRow\d+)"', users_page)
    assert numbers.count("tableRow1") == len(re.findall(r'data-row-type="group"', users_page))


def test_the_pager_is_printed_twice(users_page: str) -> None:
    """Top and bottom, the same words."""
    first, second = re.findall(r"Displaying \d+ - \d+ of \d+", users_page)
    assert first == second


def test_hidden_zero_twins_stand_before_check_boxes(client: Client, directory: str) -> None:
    """Hazard 18, on the form of Add User."""
    form = client.get(f"{directory}/popup_add_person", headers={"X-Requested-With": "XMLHttpRequest"})
    assert form.lstrip().startswith('<form id="new_user"')
    assert form.index('type="hidden" name="user[is_employee]" value="0"') < form.index('id="user_is_employee"')
    assert " required" not in form.replace("aria-required", "")


def test_capabilities_are_those_of_the_operator(deployment: Deployment, users_page: str, directory: str) -> None:
    """`#root[data-props]` is a probe: an admin and a granular operator get different ones."""
    granular_page = Client(deployment, OPERATOR).get(f"{directory}/groups/users")
    admin, granular = (
        json.loads(html.unescape(re.findall(r'data-props="([^"]+)"', page)[0])) for page in (users_page, granular_page)
    )
    assert admin["featureFlags"]["directoryProjectLevelMfeExperience"] is False
    assert (admin["canConfigure"], granular["canConfigure"]) == (True, False)
    assert (admin["users"]["canEdit"], granular["users"]["canEdit"]) == (True, True)
    assert admin["users"]["canSeePermissionTemplateColumn"] is True
    assert granular["users"]["canSeePermissionTemplateColumn"] is False
    assert admin["configurableFieldSet"]["contact"]["last_name"] == {"visible": True, "required": True}
    assert "permission_template_cell" not in granular_page


def test_a_page_holds_at_most_150_rows(client: Client, deployment: Deployment, directory: str) -> None:
    """`per_page` is cut to 150, odd numbers fall back."""
    page = client.get(f"{directory}/groups/users?per_page=5000&page=x")
    active = sum(user.is_active for user in next(iter(deployment.world.tenants.values())).users.values())
    assert page.count('data-qa="tableRow"') == min(150, active)
    second = client.get(f"{directory}/groups/users?per_page=10&page=2")
    assert f"Displaying 11 - 20 of {active}" in second


def test_generated_ids_change_with_every_page(client: Client, directory: str) -> None:
    """Hazard 15: an id such as `react-aria4711003-:r7:` is another one next time."""
    first, second = (
        set(re.findall(r"react-aria\d+-:r\d+:", client.get(f"{directory}/popup_add_person"))) for _ in range(2)
    )
    assert first
    assert first.isdisjoint(second)


def test_what_people_wrote_is_escaped(deployment: Deployment, directory: str) -> None:
    """A name with markup in it is text on every page, also inside the JSON of a page's scripts."""
    client = Client(deployment, SERVICE)
    token = re.findall(r'csrf-token" content="([^"]+)"', client.get(f"{directory}/groups/users"))[0]
    nasty = "</script><img src=x onerror=alert(1)>"
    typed = {"user[last_name]": nasty, "user[email_address]": "nasty@example.com", "authenticity_token": token}
    client.post(f"{directory}/users", data=typed)
    user = next(iter(deployment.world.tenants.values())).user_by_email("nasty@example.com")
    assert user is not None
    for path in ("groups/users?search=nasty", f"users/{user.user_id}", f"users/{user.user_id}/edit"):
        assert "<img src=x" not in client.get(f"{directory}/{path}")


def test_no_class_of_a_row_outlives_a_start() -> None:
    """Hazard 15: two starts of the process name the same things differently."""
    first, second = hashed_classes(), hashed_classes()
    assert first.keys() == second.keys()
    assert first["tableRow"] != second["tableRow"]
