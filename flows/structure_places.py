"""Which places a recording of a tenant's structure visits, how each is reached, and what it tells about the next ones.

Addresses are those of the older generation, which lead to the newer pages where a company has them [C]; where the newer
pages have no such address, their own stands beside it. A place is skipped when what its address needs was on no page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Touch:
    """A click on the first place of a kind (``within``: in the first of another kind); with ``types``, a text for it.

    It opens or searches, and sends nothing. The keys are the catalogue's; ``types`` names what has been learned.
    """

    key: str
    within: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    types: str = ""


@dataclass(frozen=True)
class Way:
    """From a page that bears ``at`` by some touches, until ``opens`` is there."""

    at: str
    touches: tuple[Touch, ...]
    opens: str


@dataclass(frozen=True)
class Place:
    """One place. ``addresses``: the first one whose blanks are all known is opened.

    ``ways``: none, or one for each generation; a page that bears the start of none of them has no such place.
    ``teaches``: what the links of the page tell, by the pattern of their addresses.
    """

    name: str
    addresses: tuple[str, ...]
    ways: tuple[Way, ...] = ()
    teaches: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  #: places that must be visited before, for what they teach


_ROWS = "page=1&per_page=25&search=&group_by=vendor.id&sort=vendor_name%2Cname"
_COMPANY_USER = re.compile(r"/company/directory/users/(\d+)(?:/|$)")
_COMPANY_PERSON = re.compile(r"/(?:company|tools)/directory/edit_person/(\d+)")
_PROJECT_USER = re.compile(r"/project/directory/users/(\d+)(?:/|$)")
_PROJECT_PERSON = re.compile(r"/project/directory/edit_person/(\d+)")
_PROJECT = re.compile(r"^/(\d+)/project/")

_NEW = "mfe_page.loaded"
_ADD_MENU = Touch("grid.add")
_USERS = "{directory}/groups/users?" + _ROWS
_PROJECT_USERS = "{project_directory}/groups/users?" + _ROWS
_EDIT = ("{directory}/users/{own_user}/edit", "{new_directory}/edit_person/{own_person}")
_MEMBER = (
    "{project_directory}/users/{member_user}/edit",
    "{project_directory}/edit_person/{member_person}",
)
_MEMBERS_EDIT = ("{directory}/users/{member_user}/edit", *_EDIT)
_OWN = ("company/own-row", "user/edit")
_SOME_PROJECT = ("company/portfolio",)
_SOME_MEMBER = ("company/portfolio", "project/users")
_SOME_GROUP = ("company/portfolio", "project/groups")


def _lists(level: str, directory: str, names: Mapping[str, str]) -> tuple[Place, ...]:
    needs = _SOME_PROJECT if level == "project" else ()
    return tuple(
        Place(f"{level}/{name}", (f"{{{directory}}}/groups/{group}?{_ROWS}",), needs=needs)
        for name, group in names.items()
    )


def _menus(level: str, address: str, needs: tuple[str, ...] = ()) -> tuple[Place, ...]:
    """Menus and panels of a list of the newer generation."""
    opened = {
        "add-menu": (_ADD_MENU, "menu.open"),
        "row-menu": (Touch("grid.row_menu"), "menu.open"),
        "filters": (Touch("grid.filters_open"), "grid.filters"),
    }
    return tuple(
        Place(f"{level}/{name}", (address,), ways=(Way(_NEW, (touch,), opens),), needs=needs)
        for name, (touch, opens) in opened.items()
    )


PLACES: tuple[Place, ...] = (
    Place("company/users", (_USERS,)),
    Place(
        "company/own-row",
        ("{directory}/groups/users?page=1&per_page=25&search={own_address}&group_by=&sort=name",),
        ways=(
            Way("list.root", (), "list.row"),
            Way(_NEW, (Touch("grid.search", types="own_login"),), "grid.row"),
        ),
        teaches={"own_user": _COMPANY_USER, "own_person": _COMPANY_PERSON},
    ),
    Place(
        "company/add-user",
        (_USERS,),
        ways=(
            Way("list.root", (Touch("add_user.open"),), "add_user.form"),
            Way(_NEW, (_ADD_MENU, Touch("menu.item_of", values={"value": '"user"'})), "panel.place"),
        ),
    ),
    *_menus("company", _USERS),
    *_lists(
        "company",
        "directory",
        {
            "contacts": "reference_users",
            "companies": "companies",
            "inactive-users": "inactive_users",
            "inactive-contacts": "inactive_reference_users",
            "inactive-companies": "inactive_companies",
        },
    ),
    Place(
        "company/groups",
        ("{directory}/groups/distribution_groups?" + _ROWS,),
        teaches={"company_group": re.compile(r"/company/directory/distribution_groups/(\d+)")},
    ),
    Place("company/group", ("{directory}/distribution_groups/{company_group}/edit",), needs=("company/groups",)),
    Place("company/add-group", ("{directory}/popup_add_distribution_group",)),
    Place("company/portfolio", ("/{company}/company/home/list",), teaches={"project": _PROJECT}),
    Place("company/project-templates", ("{permissions}?tab=project",)),
    Place("company/company-templates", ("{permissions}?tab=company",)),
    Place("user/edit", _EDIT, teaches={"own_user": _COMPANY_USER}, needs=("company/own-row",)),
    Place("user/view", ("{directory}/users/{own_user}",), needs=_OWN),
    Place("user/projects", ("{directory}/users/{own_user}/projects?page=1&assigned=0",), needs=_OWN),
    Place("user/history", ("{directory}/users/{own_user}/change_history",), needs=_OWN),
    Place(
        "user/default-template",
        _EDIT,
        ways=(Way("edit_user.form", (Touch("edit_user.default_template_open"),), "default_template.select"),),
        needs=_OWN,
    ),
    Place(
        "user/add-project",
        _EDIT,
        ways=(Way("edit_user.form", (Touch("projects.add", within="projects.other_rows"),), "projects.add_template"),),
        needs=_OWN,
    ),
    Place(
        "project/users",
        (_PROJECT_USERS,),
        teaches={"member_user": _PROJECT_USER, "member_person": _PROJECT_PERSON},
        needs=_SOME_PROJECT,
    ),
    Place(
        "project/add-user",
        (_PROJECT_USERS,),
        ways=(
            Way("list.root", (Touch("add_user.open"),), "add_user.form"),
            Way(_NEW, (_ADD_MENU, Touch("menu.item_of", values={"value": '"user"'})), "panel.place"),
        ),
        needs=_SOME_PROJECT,
    ),
    *_menus("project", _PROJECT_USERS, _SOME_PROJECT),
    *_lists("project", "project_directory", {"companies": "companies", "inactive-users": "inactive_users"}),
    Place(
        "project/groups",
        ("{project_directory}/groups/distribution_groups?" + _ROWS,),
        teaches={"project_group": re.compile(r"/project/directory/distribution_groups/(\d+)")},
        needs=_SOME_PROJECT,
    ),
    Place("project/group", ("{project_directory}/distribution_groups/{project_group}/edit",), needs=_SOME_GROUP),
    Place("project/add-group", ("{project_directory}/popup_add_distribution_group",), needs=_SOME_PROJECT),
    Place("project/bulk-add", ("{project_directory}/bulk_add",), needs=_SOME_PROJECT),
    Place("project/member", _MEMBER, teaches={"member_user": _PROJECT_USER}, needs=_SOME_MEMBER),
    Place(
        "user/change-template",
        _MEMBERS_EDIT,
        ways=(
            Way(
                "edit_user.form",
                (Touch("projects.change_template", within="projects.current_row"),),
                "projects.template_select",
            ),
        ),
        needs=(*_OWN, *_SOME_MEMBER),
    ),
    Place("project/member-history", ("{project_directory}/users/{member_user}/change_history",), needs=_SOME_MEMBER),
)


def with_sources(wanted: Collection[str]) -> frozenset[str]:
    """The wanted places and those that they need; all of them where none is named. KeyError for an unknown one."""
    known = {place.name: place for place in PLACES}
    needed: set[str] = set()
    left = list(wanted or known)
    while left:
        place = known[left.pop()]
        if place.name not in needed:
            needed.add(place.name)
            left += place.needs
    return frozenset(needed)


#: The names of all places, in the order in which they are visited.
NAMES: tuple[str, ...] = tuple(place.name for place in PLACES)
