"""Bulk Add from Co. Directory (SUP "Bulk Add Users and Companies to a Project Directory" [D], markup [I]).

People are chosen one by one, never a company, which brings all its people [D]. Whoever is a member keeps the template
as it is [D], so nobody may be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email, normal_name
from agent.domain.project import NewMember
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.project_add import APART, already_member, not_offered_person, refuse_other_person
from flows.legacy.project_list import lands_on_users, project_path, refuse_other_project
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import NativeSelect, choose_native, choose_native_by_name, set_checkbox, set_text
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.tab import Tab
from flows.shapes import examine

BULK_ADD = Reading(
    "bulk_add.form",
    APART
    + r"""
    const form = one("bulk_add.form"), search = one("bulk_add.search"), submit = one("bulk_add.submit");
    const select = (el) => el && { value: el.value, text: words(el.selectedOptions[0]) };
    const rows = many("bulk_add.row").map((row) => {
      const notify = maybe("bulk_add.notify", row);
      return { id: row.dataset.userId, email: words(maybe("bulk_add.email", row)),
        member: maybe("bulk_add.already_member", row) !== null, template: select(maybe("bulk_add.template", row)),
        role: select(maybe("bulk_add.role", row)), notify: notify ? notify.checked : null };
    });
    const known = new RegExp(`^(authenticity_token|utf8|users\\[(${rows.map((row) => row.id).join("|")})\\]` +
      "\\[(permission_template_id|project_role|notify)\\])$");
    return { rows, searched: search.value, ready: !submit.disabled,
      unknown: fields(form).map((field) => field.name).filter((name) => !known.test(name)),
      found: many("bulk_add.person").map((el) => ({ id: el.dataset.userId, text: apart(el) })) };
    """,
    name="bulk_add",
)


async def bulk_add(tab: Tab, gate: CommitGate, account: str, project: Project, new: Sequence[NewMember]) -> None:
    """Choose everybody, set each row, read all rows back, and press Add to Project once.

    One page load, and a search for each person. Failed("already-member") when a row says so: nothing was sent.
    """
    _refuse_doubles(new)
    await visit_bulk_add(tab, account, project)
    for person in new:
        await _choose(tab, person)
    await _examine(tab, project, {"template", "role", "notify"}, new)
    for person in new:
        await _set_row(tab, project, person)
    _refuse_mismatch(await _page(tab), new)
    await commit(
        tab,
        gate,
        tab.selector("bulk_add.submit"),
        f"Add {len(new)} {'person' if len(new) == 1 else 'people'} to {project.label}:"
        f" {', '.join(person.email for person in new)}",
        account=account,
        lands=lands_on_users(tab, project),
    )


async def visit_bulk_add(tab: Tab, account: str, project: Project) -> None:
    """Open the page (one page load), ready to be filled, with nobody chosen."""
    path = f"{project_path(project)}/bulk_add"
    await tab.open(path)
    shell, page = await tab.read_all(BULK_ADD)
    refuse_other_project(tab, shell, project, shown_id=tab.path.split("/")[1])
    (await overlays.cleared(tab, shell)).refuse_before_write(tab.tenant, account)
    if page["rows"] or page["unknown"]:
        raise UnknownPage(
            "unknown-page",
            "The page for adding many people is not empty at the start.",
            expected="nobody chosen, and no other field",
            seen=", ".join([row["email"] for row in page["rows"]] + page["unknown"]),
        )
    await _examine(tab, project, set(), [])
    tab.trust()


async def _examine(tab: Tab, project: Project, touches: set[str], new: Sequence[NewMember]) -> None:
    """Compare the table of people to add with its known shape, before anything is set in it."""
    names = [word for person in new for word in (person.name, person.email)]
    ids = {"project_id": project.id}
    await examine(tab, Flow.BULK_ADD, "bulk_add.form", touches={"submit", *touches}, ids=ids, names=names)


async def _choose(tab: Tab, person: NewMember) -> None:
    """Search by the whole address and press Add of exactly this person."""
    email = normal_email(person.email)
    await set_text(tab, tab.at("bulk_add.search"), "Find people or companies", email)
    patience = Patience(tab.timeouts.control)
    while True:
        page = await _page(tab)
        fitting = [found for found in page["found"] if found["id"] == person.user_id]
        if fitting and page["searched"] == email:
            break
        if patience.is_over:
            raise not_offered_person("Bulk Add", person.email, [found["text"] for found in page["found"]])
        await patience.pause()
    refuse_other_person(fitting[0]["text"], person)
    button = f"{tab.selector('bulk_add.person_of', user_id=person.user_id)} >> {tab.selector('bulk_add.choose')}"
    await tab.act(f"choosing {person.email}", tab.page.locator(button).click)


async def _set_row(tab: Tab, project: Project, person: NewMember) -> None:
    """Template, role and notification in the person's row."""
    row = next((row for row in (await _page(tab))["rows"] if row["id"] == person.user_id), None)
    if row is None:
        raise UnknownPage(
            "control-mismatch",
            "The person who was chosen is not in the table.",
            expected=f"a row of user {person.user_id}",
            seen="none",
        )
    if row["member"]:
        raise already_member(project, (person.email,))
    place = tab.css("bulk_add.row_of", user_id=person.user_id)
    template = NativeSelect(tab.css_within(place, "bulk_add.template"), f"Permission Template of {person.email}")
    await choose_native_by_name(tab, template, person.template)
    role = NativeSelect(tab.css_within(place, "bulk_add.role"), f"Project Role of {person.email}", templates=False)
    if person.role:
        await choose_native_by_name(tab, role, person.role)
    elif row["role"] is not None:
        await choose_native(tab, role, "")
    if person.notify or row["notify"]:
        box = tab.page.locator(tab.css_within(place, "bulk_add.notify"))
        await set_checkbox(tab, box, f"Notify? of {person.email}", person.notify)


def _refuse_doubles(new: Sequence[NewMember]) -> None:
    if not new or len({person.user_id for person in new}) < len(new):
        raise Failed(
            "nothing-to-send",
            "There is nobody to add, or somebody twice.",
            expected="different people",
            seen=", ".join(person.email for person in new) or "nobody",
            mender=Mender.DEVELOPER,
        )


def _refuse_mismatch(page: Mapping[str, Any], new: Sequence[NewMember]) -> None:
    """The table must hold exactly these people, each as wanted."""
    wanted = {
        person.user_id: (
            normal_email(person.email),
            normal_name(person.template or ""),
            normal_name(person.role),
            person.notify,
        )
        for person in new
    }
    held = {row["id"]: _held(row) for row in page["rows"]}
    if held != wanted or len(page["rows"]) != len(new) or page["unknown"] or not page["ready"]:
        differing = [key for key in {*wanted, *held} if wanted.get(key) != held.get(key)]
        raise UnknownPage(
            "control-mismatch",
            "The table of people to add does not hold what was put into it.",
            expected=str({key: wanted.get(key) for key in differing}),
            seen=str(
                {key: held.get(key) for key in differing} | ({"fields": page["unknown"]} if page["unknown"] else {})
            ),
        )


def _held(row: Mapping[str, Any]) -> tuple[str, str, str, bool]:
    template, role = (
        select if select and select["value"] else {"text": ""} for select in (row["template"], row["role"])
    )
    return normal_email(row["email"]), normal_name(template["text"]), normal_name(role["text"]), bool(row["notify"])


async def _page(tab: Tab) -> dict[str, Any]:
    page: dict[str, Any] = await tab.read(BULK_ADD)
    return page
