"""What is done from the rows of a project's list: remove many at once, invite one.

Sources: SUP "Remove a Batch of User Accounts from a Project Directory" [D], the invitation's form [C].
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.access import Project
from agent.domain.person import Listing, Sighting
from agent.domain.project import Member
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.project_list import (
    lands_on_users,
    member_row,
    not_listed,
    open_project_list,
    refuse_other_address,
)
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import set_checkbox
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_REMOVE = "Remove User(s) from Project"


async def bulk_remove(tab: Tab, gate: CommitGate, account: str, project: Project, members: Sequence[Member]) -> None:
    """Tick the rows, Bulk Actions > Remove from Project, and Remove in the window, which must list just these people.

    Ticks live on one page of the list: Failed("not-on-one-page") when the people stand on several (150 rows each); then
    they are removed one by one.
    """
    await visit_bulk_remove(tab, account, project, members)
    emails = ", ".join(member.email for member in members)
    await commit(
        tab,
        gate,
        button(tab, _REMOVE, "Remove"),
        f"Remove {len(members)} {'person' if len(members) == 1 else 'people'} from {project.label}: {emails}",
        account=account,
        lands=lands_on_users(tab, project),
        layers=window(_REMOVE),
    )


async def visit_bulk_remove(tab: Tab, account: str, project: Project, members: Sequence[Member]) -> None:
    """Open the window for exactly these people (a page load for each 150 rows); nothing is sent yet."""
    wanted = {member.user_id: member for member in members if member.user_id and member.active}
    if not members or len(wanted) != len(members):
        raise Failed(
            "nothing-to-send",
            "Only active users of the project can be removed together, each once.",
            expected="different active users",
            seen=", ".join(member.email for member in members) or "nobody",
            mender=Mender.DEVELOPER,
        )
    await _open_page_of(tab, project, wanted)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    for user_id, member in wanted.items():
        await set_checkbox(tab, tab.at("list.checkbox_of", user_id=user_id), f"the row of {member.email}", True)
    await tab.act("opening Bulk Actions", tab.at("list.bulk_actions").click)
    await examine(tab, Flow.BULK_REMOVE, "project_list.bulk_menu", touches={"remove"})
    await tab.act("choosing Remove from Project", tab.at("project_list.bulk_remove").click)
    _, listed = await confirm_window(tab, _REMOVE)
    if sorted(listed) != sorted(wanted):
        raise UnknownPage(
            "person-mismatch",
            "The window would remove others than the people asked for.",
            expected=", ".join(sorted(wanted)),
            seen=", ".join(sorted(listed)) or "nobody",
        )
    await examine(tab, Flow.BULK_REMOVE, "bulk_remove.window", touches={"confirm"}, layers=window(_REMOVE))


async def _open_page_of(tab: Tab, project: Project, wanted: dict[str, Member]) -> None:
    """Turn the pages of the list until one has a row for each of them."""
    number, read, seen = 1, 0, set[str]()
    while True:
        page = await open_project_list(tab, project, Listing.USERS.value, page=number)
        rows = {row.user_id: row for row in page.sightings(Listing.USERS)}
        here = {user_id for user_id in wanted if user_id in rows}
        for user_id in here:
            refuse_other_address(rows[user_id], wanted[user_id].email)
        if len(here) == len(wanted):
            return
        seen |= here
        read += len(page.rows)
        if read >= page.total or not page.rows:
            break
        number += 1
    for user_id, member in wanted.items():
        if user_id not in seen:
            raise not_listed(member.email, user_id, page.total)
    raise Failed(
        "not-on-one-page",
        f"The people to remove stand on several pages of {project.label}'s list, and one removal reaches one page.",
        expected="all of them on one page",
        seen=f"{number} pages",
        mender=Mender.OPERATOR,
    )


async def invite_member(tab: Tab, gate: CommitGate, account: str, project: Project, user_id: str, email: str) -> None:
    """Press Invite or Re-Invite in the project's list, of exactly this user (one page load)."""
    row = await visit_member_invite(tab, project, user_id, email)
    await commit(
        tab,
        gate,
        tab.selector("list.invite_button_of", user_id=user_id),
        f"Send the {'second ' if row.invited else ''}welcome e-mail to {email} from {project.label}",
        account=account,
        lands=lands_on_users(tab, project),
    )


async def visit_member_invite(tab: Tab, project: Project, user_id: str, email: str) -> Sighting:
    """The member's row with Invite or Re-Invite in it, before it is pressed."""
    row = await member_row(tab, project, Listing.USERS, user_id, email)
    if row.invited is None:
        raise Failed(
            "choice-not-offered",
            f"The project's list offers the service account no invitation of {email}.",
            expected="Invite or Re-Invite in the row",
            seen="neither",
            mender=Mender.ADMINISTRATOR,
        )
    ids, names = {"project_id": project.id, "user_id": user_id}, [row.name, email]
    await examine(tab, Flow.MEMBER_INVITE, "member_invite.row", touches={"invite"}, ids=ids, names=names)
    return row
