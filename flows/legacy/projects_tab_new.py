"""The redesigned Projects tab: decide row by row, look at the review, save once (SUP "Edit Projects" [D], markup [I]).

Nothing is sent before the review is saved, and the page itself says there what it is about to send: that is read, and
must be exactly what was wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_REVIEW = "Review Changes"

PROJECTS_TAB_NEW = Reading(
    "projects_new.root",
    r"""
    const page = one("user_page.root"), root = one("projects_new.root");
    const next = one("projects_new.next_page", root), foot = one("projects_new.edit_foot", root);
    const label = (el) => el.getAttribute("aria-label") || words(el);
    return { userId: page.dataset.userId, editing: visible(foot), range: words(one("projects_new.range", root)),
      more: !next.disabled, rows: many("projects_new.row", root).map((row) => ({
        id: row.dataset.projectId, name: words(one("projects_new.name", row)),
        state: words(one("projects_new.state", row)),
        buttons: many("projects_new.button", row).filter(visible).map(label) })) };
    """,
    name="projects_tab_new",
)

REVIEW = Reading(
    "projects_new.review_row",
    r"""
    return many("projects_new.review_row").map((row) => ({ id: row.dataset.projectId, text: message(row) }));
    """,
    name="projects_review",
)


@dataclass(frozen=True)
class _Row:
    """One project in edit mode. ``assigned`` is how it is, before anything that has been decided on this page."""

    id: str
    name: str
    state: str
    label: str
    assigned: bool


async def assign(
    tab: Tab, gate: CommitGate, account: str, user_id: str, wanted: Mapping[str, bool], intent: str
) -> None:
    """Edit Projects, decide each wanted project (True: on it), Next, read the review, Save: one write, no page load.

    The tab shows the redesigned page of this person. The script of the page turns its pages of 100 and keeps what was
    decided [I]. Projects that are as wanted already are left alone; Failed("already-so") when all of them are.
    """
    await start_editing(tab, account, user_id)
    decided = await _decide(tab, user_id, wanted)
    changes = {row.id: not row.assigned for row in decided}
    if not changes:
        raise Failed(
            "already-so",
            "The person's projects are as wanted already, though they were not a moment ago.",
            expected="a project to add or to remove",
            seen="every project as wanted",
        )
    await tab.act("going on to the review", tab.at("projects_new.review").click)
    await confirm_window(tab, _REVIEW)
    await _read_review(tab, changes)
    names = [project.name for project in decided]
    await examine(
        tab,
        Flow.PROJECTS_TAB,
        "projects_new.review_window",
        touches={"confirm"},
        layers=window(_REVIEW),
        names=names,
    )
    await commit(
        tab,
        gate,
        button(tab, _REVIEW, "Save"),
        intent,
        account=account,
        lands=re.compile(f"^{re.escape(tab.tenant.directory_path)}/users/{user_id}/projects$"),
        layers=window(_REVIEW),
    )


async def start_editing(tab: Tab, account: str, user_id: str) -> None:
    """Press Edit Projects, which sends nothing, and wait for the buttons in the rows."""
    await _read(tab, user_id)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    await tab.act("pressing Edit Projects", tab.at("projects_new.edit").click)
    patience = Patience(tab.timeouts.control)
    while not (await _read(tab, user_id))["editing"]:
        if patience.is_over:
            raise UnknownPage(
                "unusable-control",
                "The Projects tab does not go into its editing mode.",
                expected="projects_new.edit_foot: visible after Edit Projects",
                seen="still hidden",
            )
        await patience.pause()


async def _decide(tab: Tab, user_id: str, wanted: Mapping[str, bool]) -> list[_Row]:
    """Press Add or Remove in the rows, page after page; the rows that this changes, as they were before."""
    left = dict(wanted)
    changes: list[_Row] = []
    page = await _read(tab, user_id)
    while True:
        here = [_row_of(tab, raw) for raw in page["rows"] if raw["id"] in left]
        pressed = [row for row in here if row.assigned is not left[row.id]]
        for row in pressed:
            place = tab.at("projects_new.button_of", project_id=row.id, label=row.label)
            await tab.act(f"pressing {row.label}", place.click)
        await _check_decided(tab, user_id, pressed)
        changes += pressed
        for row in here:
            del left[row.id]
        if not left:
            return changes
        if not page["more"]:
            raise _not_offered(", ".join(left), "no such row on the Projects tab")
        page = await _turn(tab, user_id, page["range"])


def _row_of(tab: Tab, raw: Mapping[str, Any]) -> _Row:
    """A row with the one button that says what pressing it would do to this project."""
    labels = [label for label in raw["buttons"] if label in {f"Add {raw['name']}", f"Remove {raw['name']}"}]
    if not raw["buttons"]:
        raise _not_offered(raw["name"] or raw["id"], "a row without a button")
    if len(labels) != 1:
        raise UnknownPage(
            "unknown-page",
            "A row of the Projects tab has another button than the one known.",
            expected=f"one button: Add {raw['name']} or Remove {raw['name']}",
            seen=", ".join(raw["buttons"]),
        )
    assigned = labels[0].startswith("Remove ")
    key = "projects_new.assigned" if assigned else "projects_new.not_assigned"
    if re.search(tab.catalogue.text(key), raw["state"]) is None:
        raise UnknownPage(
            "control-mismatch",
            "A row of the Projects tab says one thing and its button another.",
            expected=f"{key} beside {labels[0]}",
            seen=raw["state"],
        )
    return _Row(raw["id"], raw["name"], raw["state"], labels[0], assigned)


async def _check_decided(tab: Tab, user_id: str, pressed: list[_Row]) -> None:
    """Every row that was pressed says so: to be added or to be removed."""
    states = {raw["id"]: raw["state"] for raw in (await _read(tab, user_id))["rows"]} if pressed else {}
    for row in pressed:
        _require_direction(tab, f"{row.label}: {states.get(row.id, 'gone')}", add=not row.assigned, name=row.name)


async def _turn(tab: Tab, user_id: str, shown: str) -> dict[str, Any]:
    """The next page of projects, which the page's own script shows without a request."""
    await tab.act("turning to the next page of projects", tab.at("projects_new.next_page").click)
    patience = Patience(tab.timeouts.control)
    while True:
        page = await _read(tab, user_id)
        if page["range"] != shown:
            return page
        if patience.is_over:
            raise UnknownPage(
                "unusable-control",
                "The Projects tab does not turn its page.",
                expected="other projects after Next",
                seen=shown,
            )
        await patience.pause()


async def _read_review(tab: Tab, changes: Mapping[str, bool]) -> None:
    """The review lists exactly the wanted projects, each with the wanted direction."""
    rows = await tab.read(REVIEW, layers=window(_REVIEW))
    held = sorted(row["id"] for row in rows)
    if held != sorted(changes):
        raise UnknownPage(
            "control-mismatch",
            "The review of the Projects tab does not list what was decided.",
            expected=", ".join(sorted(changes)),
            seen=", ".join(held) or "nothing",
        )
    for row in rows:
        _require_direction(tab, row["text"], add=changes[row["id"]], name=row["id"])


def _require_direction(tab: Tab, text: str, *, add: bool, name: str) -> None:
    """The text says that the project is to be added (or removed), and not the other thing as well."""
    found = {
        word for word in ("projects_new.to_add", "projects_new.to_remove") if re.search(tab.catalogue.text(word), text)
    }
    wanted = "projects_new.to_add" if add else "projects_new.to_remove"
    if found != {wanted}:
        raise UnknownPage(
            "control-mismatch",
            "The Projects tab does not say what was decided for a project.",
            expected=f"{name}: {wanted}",
            seen=text,
        )


async def _read(tab: Tab, user_id: str) -> dict[str, Any]:
    page: dict[str, Any] = await tab.read(PROJECTS_TAB_NEW)
    if page["userId"] != user_id:
        raise UnknownPage(
            "person-mismatch",
            "The page is another person's.",
            expected=f"user {user_id}",
            seen=f"user {page['userId']}",
        )
    return page


def _not_offered(project: str, seen: str) -> Failed:
    return Failed(
        "project-not-offered",
        f"The page does not let the service account change the project {project}.",
        expected=f"a row for {project}, with Add or Remove",
        seen=seen,
        mender=Mender.ADMINISTRATOR,
    )
