"""Inactivate, reactivate and invite from a row's menu in the new generation [I] (menus and dialogs as captured [C])."""

from __future__ import annotations

import re

from agent.errors import UnknownPage
from flows.interface import CommitGate
from flows.invited import refuse_second_mail
from flows.mfe.menus import entry_of, open_row_menu
from flows.mfe.people import person_path, the_user
from flows.names import Flow
from flows.page import overlays
from flows.page.commit_by_script import commit_by_script
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_INACTIVATE = "Inactivate Users"
_REACTIVATE = "Reactivate Users"


async def visit_inactivate(tab: Tab, user_id: str, email: str) -> None:
    """Up to the window that asks, which must list this person alone; nothing is sent (one page load)."""
    await _ask(tab, user_id, email, active=True, value="inactivate", words="menu.inactivate", headline=_INACTIVATE)


async def inactivate(tab: Tab, gate: CommitGate, account: str, user_id: str, email: str) -> None:
    """The row's menu > Inactivate, and Inactivate in the window."""
    await visit_inactivate(tab, user_id, email)
    await _confirm(tab, gate, account, _INACTIVATE, "Inactivate", f"Inactivate {email}")


async def visit_reactivate(tab: Tab, user_id: str, email: str) -> None:
    """Up to the window that asks, which must list this person alone; nothing is sent (one page load)."""
    await _ask(tab, user_id, email, active=False, value="reactivate", words="menu.reactivate", headline=_REACTIVATE)


async def reactivate(tab: Tab, gate: CommitGate, account: str, user_id: str, email: str) -> None:
    """User Status Inactive, the row's menu > Reactivate, and Reactivate in the window."""
    await visit_reactivate(tab, user_id, email)
    await _confirm(tab, gate, account, _REACTIVATE, "Reactivate", f"Reactivate {email}")


async def visit_invite(tab: Tab, person_id: str, email: str) -> tuple[str, bool]:
    """Open the menu of the person's row; the selector of its entry, and whether it is Re-invite. A click on that entry
    sends the mail, so the row has to lead to this very person (one page load)."""
    person = await the_user(tab, email, active=True)
    await overlays.clear(tab)
    entries = await open_row_menu(tab, person.row)
    if person.person_id != person_id:
        raise UnknownPage(
            "person-mismatch",
            f"The row of {email} leads to another person.",
            expected=person_path(tab, person_id),
            seen=person.row.href,
        )
    await examine(tab, Flow.INVITE, "row_menu.company", touches={"invite"})
    entry, place = entry_of(tab, entries, "invite", "menu.invite")
    return place, is_reinvite(tab, entry.text)


async def invite(
    tab: Tab, gate: CommitGate, account: str, person_id: str, email: str, *, again: bool | None = None
) -> None:
    """The row's menu > Invite or Re-invite: one e-mail, which nothing can take back."""
    place, is_second = await visit_invite(tab, person_id, email)
    refuse_second_mail(email, again=again, is_second=is_second)
    intent = f"Send the {'second ' if is_second else ''}welcome e-mail to {email}"
    await commit_by_script(tab, gate, place, intent, account=account)


def is_reinvite(tab: Tab, words: str) -> bool:
    """Whether the entry says that the person was invited before."""
    return re.search(tab.catalogue.text("menu.reinvite"), words) is not None


async def _ask(tab: Tab, user_id: str, email: str, *, active: bool, value: str, words: str, headline: str) -> None:
    person = await the_user(tab, email, active=active)
    await overlays.clear(tab)
    entries = await open_row_menu(tab, person.row)
    flow = Flow.INACTIVATE if active else Flow.REACTIVATE
    await examine(tab, flow, "row_menu.company", touches={value})
    _, place = entry_of(tab, entries, value, words)
    await tab.act(f"choosing {value}", tab.page.locator(place).click)
    _, users = await confirm_window(tab, headline)
    if users != [user_id]:
        raise UnknownPage(
            "person-mismatch",
            "The window is about others than the person asked for.",
            expected=f"user {user_id} alone",
            seen=", ".join(users) or "nobody",
        )
    region = "inactivate.window" if active else "reactivate_users.window"
    await examine(tab, flow, region, touches={"confirm"}, layers=window(headline))


async def _confirm(tab: Tab, gate: CommitGate, account: str, headline: str, label: str, intent: str) -> None:
    layers = window(headline)
    await commit_by_script(tab, gate, button(tab, headline, label), intent, account=account, layers=layers)
