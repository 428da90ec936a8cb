"""Inactivate and reactivate (SUP "Deactivate User Accounts…", "Reactivate a User in the Company Directory" [D])."""

from __future__ import annotations

import re

from agent.domain.names import normal_email
from agent.domain.person import Listing, Sighting
from agent.errors import Failed, UnknownPage
from flows.interface import CommitGate
from flows.legacy.listing import open_list
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import set_checkbox
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_INACTIVATE = "Inactivate Users"
_REACTIVATE = "Reactivate User"


def lands_on_list(tab: Tab) -> re.Pattern[str]:
    """The answer of a write from a list: a list."""
    return re.compile(f"^{re.escape(tab.tenant.directory_path)}/groups/(?:users|inactive_users)$")


async def the_row(tab: Tab, listing: Listing, user_id: str, email: str) -> Sighting:
    """The person's row, found by the whole address (one page load); Failed("row-not-found") when it is not listed."""
    page = await open_list(tab, listing.value, search=normal_email(email))
    for row in page.sightings(listing):
        if row.user_id == user_id:
            if normal_email(row.email) != normal_email(email):
                raise UnknownPage(
                    "person-mismatch",
                    "The row is not the one of the person asked for.",
                    expected=f"user {user_id} with {email}",
                    seen=row.email,
                )
            return row
    raise Failed(
        "row-not-found",
        f"{email} is not in the list {listing.value}.",
        expected=f"a row of user {user_id}",
        seen=f"{page.total} rows, none of this user",
    )


async def inactivate(tab: Tab, gate: CommitGate, account: str, user_id: str, email: str) -> None:
    """Tick the row, Bulk Actions > Inactivate, and Inactivate in the window, which must list this person alone."""
    await visit_inactivate(tab, account, user_id, email)
    await commit(
        tab,
        gate,
        button(tab, _INACTIVATE, "Inactivate"),
        f"Inactivate {email}",
        account=account,
        lands=lands_on_list(tab),
        layers=window(_INACTIVATE),
    )


async def visit_inactivate(tab: Tab, account: str, user_id: str, email: str) -> None:
    """Open the window "Inactivate Users" for exactly this person; nothing is sent yet."""
    row = await the_row(tab, Listing.USERS, user_id, email)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    await set_checkbox(tab, tab.at("list.checkbox_of", user_id=user_id), f"the row of {email}", True)
    await tab.act("opening Bulk Actions", tab.at("list.bulk_actions").click)
    await examine(tab, Flow.INACTIVATE, "list.bulk_menu", touches={"inactivate"})
    await tab.act("choosing Inactivate", tab.at("list.bulk_inactivate").click)
    _, users = await confirm_window(tab, _INACTIVATE)
    if users != [user_id]:
        raise UnknownPage(
            "person-mismatch",
            "The window would inactivate others than the person asked for.",
            expected=f"user {user_id} alone",
            seen=", ".join(users) or "nobody",
        )
    layers, names = window(_INACTIVATE), [row.name, email]
    await examine(tab, Flow.INACTIVATE, "inactivate.window", touches={"confirm"}, layers=layers, names=names)


async def reactivate(tab: Tab, gate: CommitGate, account: str, user_id: str, email: str) -> None:
    """Reactivate in the person's row of the Inactive Users, then Reactivate in the window."""
    await visit_reactivate(tab, account, user_id, email)
    await commit(
        tab,
        gate,
        button(tab, _REACTIVATE, "Reactivate"),
        f"Reactivate {email}",
        account=account,
        lands=lands_on_list(tab),
        layers=window(_REACTIVATE),
    )


async def visit_reactivate(tab: Tab, account: str, user_id: str, email: str) -> None:
    """Open the window "Reactivate User" for this person; nothing is sent yet."""
    row = await the_row(tab, Listing.INACTIVE_USERS, user_id, email)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    ids, names = {"user_id": user_id}, [row.name, email]
    await examine(tab, Flow.REACTIVATE, "reactivate.row", touches={"reactivate"}, ids=ids, names=names)
    await tab.act("pressing Reactivate", tab.at("list.reactivate_of", user_id=user_id).click)
    text, _ = await confirm_window(tab, _REACTIVATE)
    if not any(told and told in text for told in (row.name, email)):
        raise UnknownPage(
            "person-mismatch",
            "The window names somebody else than the person asked for.",
            expected=row.name or email,
            seen=text[:200],
        )
    layers = window(_REACTIVATE)
    await examine(tab, Flow.REACTIVATE, "reactivate.window", touches={"confirm"}, layers=layers, names=names)
