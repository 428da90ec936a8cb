"""Invite and Re-Invite: a form in the frozen sidebar before the rows [C]. One e-mail, which nothing can take back."""

from __future__ import annotations

from agent.domain.person import Listing, Sighting
from flows.interface import CommitGate
from flows.invited import refuse_second_mail
from flows.legacy.activation import lands_on_list, the_row
from flows.names import Flow
from flows.page.commit import commit
from flows.page.tab import Tab
from flows.shapes import examine


async def invite(
    tab: Tab, gate: CommitGate, account: str, user_id: str, email: str, *, again: bool | None = None
) -> None:
    """Press Invite or Re-Invite of exactly this user (one page load); see :func:`flows.invited.refuse_second_mail`."""
    row = await visit_invite(tab, user_id, email)
    refuse_second_mail(email, again=again, is_second=row.invited is True)
    await commit(
        tab,
        gate,
        tab.selector("list.invite_button_of", user_id=user_id),
        f"Send the {'second ' if row.invited else ''}welcome e-mail to {email}",
        account=account,
        lands=lands_on_list(tab),
    )


async def visit_invite(tab: Tab, user_id: str, email: str) -> Sighting:
    """The person's row with Invite or Re-Invite in it, looked at before it is pressed."""
    row = await the_row(tab, Listing.USERS, user_id, email)
    names = [row.name, email]
    await examine(tab, Flow.INVITE, "invite.row", touches={"invite"}, ids={"user_id": user_id}, names=names)
    return row
