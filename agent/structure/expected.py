"""On which recorded places each entry of the catalogue is expected, and which must not be missing there.

An entry that is not named here is looked for on every page; where it is nowhere, nothing is said against it.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.structure.words import listed

EVERYWHERE: tuple[str, ...] = ()  #: on every page
NOWHERE: tuple[str, ...] | None = None  #: on no place that a recording comes to

_COMPANY_PEOPLE = ("company/users", "company/own-row", "company/inactive-users")
_PROJECT_PEOPLE = ("project/users", "project/inactive-users")
_PEOPLE = (*_COMPANY_PEOPLE, *_PROJECT_PEOPLE)
_LISTS = (*_PEOPLE, "company/contacts", "company/companies", "company/groups", "project/companies", "project/groups")
_OWN_PAGE = ("user/edit", "user/default-template", "user/change-template", "user/add-project")

#: By what the key begins with, up to the dot.
BY_PAGE: dict[str, tuple[str, ...] | None] = {
    "shell": EVERYWHERE,
    "overlay": EVERYWHERE,
    "flash": NOWHERE,
    "sign_in": NOWHERE,
    "form": NOWHERE,
    "confirm": ("user/default-template", "user/add-project"),
    "select": ("company/add-user", "project/add-user", "user/edit"),
    "list": _LISTS,
    "add_user": ("company/add-user",),
    "user_page": (*_OWN_PAGE, "user/view", "user/projects", "user/history", "project/member"),
    "edit_user": _OWN_PAGE,
    "default_template": ("user/default-template",),
    "projects": _OWN_PAGE,
    "projects_tab": ("user/projects",),
    "history": ("user/history", "project/member-history"),
    "portfolio": ("company/portfolio",),
    "templates": ("company/project-templates", "company/company-templates"),
    "grid": _LISTS,
    "mfe_page": (*_LISTS, "company/add-user", "project/add-user"),
    "menu": ("company/add-menu", "company/row-menu", "project/add-menu", "project/row-menu"),
    "panel": ("company/add-user", "project/add-user"),
    "mfe_form": ("company/add-user", "project/add-user"),
    "mfe_person": ("user/edit",),
    "toast": NOWHERE,
    "projects_new": ("user/projects",),
    "project_list": NOWHERE,
    "project_add": ("project/add-user",),
    "project_panel": ("project/add-user",),
    "project_bulk": ("project/users",),
    "member_page": ("project/member",),
    "bulk_add": ("project/bulk-add",),
    "group_list": ("company/groups", "project/groups"),
    "group_page": ("company/group", "project/group"),
    "group_panel": NOWHERE,
    "new_group": ("company/add-group", "project/add-group"),
}

#: Entries that stand elsewhere than the rest of their page.
BY_KEY: dict[str, tuple[str, ...] | None] = {
    "list.invite_form": ("company/users", "project/users"),
    "list.invite_button_of": _PEOPLE,
    "list.edit_link": _PEOPLE,
    "list.view_link": _COMPANY_PEOPLE,
    "list.name_cell": _PEOPLE,
    "list.job_title_cell": _PEOPLE,
    "list.contact_cell": _PEOPLE,
    "list.template_cell": _PEOPLE,
    "list.checkbox_of": _PEOPLE,
    "list.reactivate_of": ("company/inactive-users",),
    "list.bulk_actions": NOWHERE,
    "list.bulk_inactivate": NOWHERE,
    "projects.change_template": ("user/change-template",),
    "projects.template_select": ("user/change-template",),
    "projects.apply_to_all": ("user/change-template",),
    "projects.apply": ("user/change-template",),
    "projects.remove": ("user/change-template",),
    "projects.remove_all": ("user/change-template",),
    "projects.row_of": ("user/change-template",),
    "projects.current_row": ("user/change-template",),
    "projects.name": ("user/edit", "user/change-template"),
    "projects.template": ("user/change-template",),
    "projects.add_window": ("user/add-project",),
    "projects.add_template": ("user/add-project",),
    "projects.add_confirm": ("user/add-project",),
    "select.menu": NOWHERE,
    "select.search": NOWHERE,
    "select.option": NOWHERE,
    "select.option_of_value": NOWHERE,
    "select.hint": NOWHERE,
    "confirm.user": NOWHERE,
    "overlay.announcement_close": NOWHERE,
    "overlay.guide_close": NOWHERE,
    "overlay.consent_close": NOWHERE,
    "list.bulk_menu": NOWHERE,
    "mfe_person.tool_row": NOWHERE,
    "mfe_person.tool_select": NOWHERE,
    "mfe_person.tool_level": NOWHERE,
    "mfe_person.send_invitation": NOWHERE,
    "new_group.open": ("company/groups", "project/groups"),
    "project_add.candidate": NOWHERE,
    "project_add.candidate_of": NOWHERE,
    "project_panel.candidate": NOWHERE,
    "project_panel.candidate_of": NOWHERE,
    "bulk_add.row": NOWHERE,
    "bulk_add.row_of": NOWHERE,
    "projects_new.review": NOWHERE,
    "projects_new.review_row": NOWHERE,
    "projects_new.to_add": NOWHERE,
    "projects_new.to_remove": NOWHERE,
    "edit_user.tool_row": NOWHERE,
    "edit_user.tool_level": NOWHERE,
    "grid.row_menu": _PEOPLE,
    "grid.filters": ("company/filters", "project/filters"),
    "grid.filters_open": _PEOPLE,
    "grid.status_box": _PEOPLE,
    "grid.status_value": _PEOPLE,
    "grid.bulk_button": _PEOPLE,
    "grid.may_invite": _PEOPLE,
    "grid.may_inactivate": ("company/users",),
    "grid.type_user": _PEOPLE,
    "grid.type_contact": _PEOPLE,
    "grid.inactive": _PEOPLE,
    "grid.editor": NOWHERE,
    "menu.item_of": ("company/add-menu", "project/add-menu"),
    "menu.add_user": ("company/add-menu", "project/add-menu"),
    "menu.reactivate": NOWHERE,
    "menu.inactivate": NOWHERE,
    "form.add_user": ("company/add-user",),
    "form.edit_user": ("user/edit",),
    "form.projects_tab": ("user/projects",),
    "form.mfe_add_user": ("company/add-user",),
    "form.mfe_edit_person": ("user/edit",),
}

#: Entries that are somewhere on their places wherever the pages are as known, although a single row or page may do
#: without them. (Those that must match one are, anyway.)
ALWAYS = listed(
    """
    shell.avatar list.row list.edit_link list.view_link list.name_cell list.contact_cell list.vendor_cell
    list.template_cell list.invite_form projects.other_rows projects_tab.row portfolio.row templates.row history.row
    grid.row grid.cell grid.row_menu grid.column grid.link grid.add menu.open menu.item panel.place mfe_form.field_box
    """
)

#: Entries whose selector means something only inside another place.
_WITHIN: dict[str, str] = {
    "projects.apply_to_all": "projects.current_row",
    "projects.apply": "projects.current_row",
    "projects.change_template": "projects.current_row",
    "projects.template_select": "projects.current_row",
    "projects.remove": "projects.current_row",
    "projects.add": "projects.other_rows",
    "projects_tab.turn": "projects_tab.form",
    "menu.link": "menu.open",
    "bulk_add.choose": "bulk_add.person",
    "bulk_add.already_member": "bulk_add.row",
    "projects_new.row": "projects_new.root",
    "projects_new.name": "projects_new.root",
    "projects_new.state": "projects_new.root",
    "projects_new.button": "projects_new.root",
    "projects_new.next_page": "projects_new.root",
    "mfe_person.tool_select": "mfe_person.tool_row",
}

#: The generation whose pages an entry is about, by what the key begins with; the others are about any.
_LEGACY = listed(
    "list add_user user_page edit_user default_template projects projects_tab history project_list project_add "
    "member_page bulk_add group_list group_page new_group"
)
_MFE = listed("grid mfe_page mfe_form mfe_person menu panel project_panel project_bulk group_panel")
#: Pages with two forms of one generation: the entry is judged only where this hook was found.
_ONLY_WITH: dict[str, str] = {
    "projects_tab": "projects_tab.form",
    "projects_new": "projects_new.root",
    "member_page": "user_page.root",
}

#: The hook of the form whose fields an entry names, where it is not ``{page}.form``.
FORM_OF: dict[str, str] = {"form.mfe_add_user": "mfe_form.form", "form.mfe_edit_person": "mfe_person.form"}


def is_expected(key: str, place: str, generation: str) -> bool:
    """Whether an entry is expected on a place of this generation ("" where the page does not tell)."""
    places = BY_KEY[key] if key in BY_KEY else BY_PAGE.get(key.partition(".")[0], EVERYWHERE)
    if places is None or (places and place not in places):
        return False
    about = generation_of(key)
    return not (about and generation) or about == generation


def generation_of(key: str) -> str:
    """The generation that an entry is about; "" for any."""
    page = key.partition(".")[0]
    return "legacy" if page in _LEGACY or key == "form.edit_user" else "mfe" if page in _MFE else ""


def is_judged(key: str) -> bool:
    """Whether it speaks against an entry that it was not found on any of its places."""
    return key in BY_KEY or key.partition(".")[0] in BY_PAGE


def needs(key: str) -> str:
    """The hook without which an entry is about another form of the page; "" for none."""
    return _ONLY_WITH.get(key.partition(".")[0], "")


def within(key: str, keys: Iterable[str]) -> list[str]:
    """The places inside which an entry means something; none for the whole page. ``keys``: all of the catalogue's."""
    if key in {"select.trigger", "select.clear"}:
        return [other for other in keys if other.endswith("_box")]
    return [_WITHIN[key]] if key in _WITHIN else []


def form_hook(key: str) -> str:
    """The hook of a form whose fields the entry ``form.x`` names."""
    return FORM_OF.get(key, f"{key.partition('.')[2]}.form")
