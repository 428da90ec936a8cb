"""What is done from the rows of a project's grid in the new generation: remove many, invite one.

Row menu and bar of bulk actions are captured [C], the dialog is inferred [I]. The dialog lists user ids, and those
decide; an invitation has no dialog, so the row's person is looked up first.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.names import normal_email
from agent.domain.project import Member
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.mfe.activation import is_reinvite
from flows.mfe.grid import bring_into_view, read_page
from flows.mfe.menus import entry_of, open_row_menu
from flows.mfe.project_people import ListedMember, ProjectPages, listed, open_members, the_member, user_id_of
from flows.names import Flow
from flows.page import overlays
from flows.page.commit_by_script import commit_by_script
from flows.page.controls import set_checkbox
from flows.page.refetching import refetched
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_REMOVE = "Remove from Project"
_TURNING = "turning to the next page"


async def bulk_remove(pages: ProjectPages, gate: CommitGate, account: str, members: Sequence[Member]) -> None:
    """Tick the rows, Remove from Project in the bar, and Remove in the dialog, which must list just these people.

    A tick is gone once the page of the grid is turned: Failed("not-on-one-page") when the people stand on several (100
    rows each); then they are removed one by one.
    """
    await visit_bulk_remove(pages, account, members)
    emails = ", ".join(member.email for member in members)
    people = "1 person" if len(members) == 1 else f"{len(members)} people"
    await _confirm(pages, gate, account, f"Remove {people} from {pages.project.label}: {emails}")


async def visit_bulk_remove(pages: ProjectPages, account: str, members: Sequence[Member]) -> None:
    """Up to the dialog for exactly these people; nothing is sent yet (one page load)."""
    tab = pages.tab
    wanted = {normal_email(member.email): member for member in members if member.user_id and member.active}
    if not members or len(wanted) != len(members):
        raise Failed(
            "nothing-to-send",
            "Only active users of the project can be removed together, each once.",
            expected="different active users",
            seen=", ".join(member.email for member in members) or "nobody",
            mender=Mender.DEVELOPER,
        )
    rows = await _rows_of(pages, wanted)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    for item in rows:
        await bring_into_view(tab, item.row)
        box = tab.at("grid.checkbox_of", index=str(item.row.index))
        await set_checkbox(tab, box, f"the row of {item.email}", True)
    await examine(tab, Flow.BULK_REMOVE, "project_bulk.bar", touches={"remove"})
    await tab.act("pressing Remove from Project", tab.at("project_bulk.remove").click)
    await _refuse_other_people(pages, [member.user_id or "" for member in members])


async def _rows_of(pages: ProjectPages, wanted: dict[str, Member]) -> list[ListedMember]:
    """Turn the pages of the grid until one has a row for each of them."""
    await open_members(pages)
    seen: set[str] = set()
    while True:
        page = await read_page(pages.tab)
        people = [listed(pages, row) for row in page.rows]
        here = [item for item in people if not item.contact and normal_email(item.email) in wanted]
        for item in here:
            member = wanted[normal_email(item.email)]
            if member.person_id not in {None, item.person_id}:
                raise UnknownPage(
                    "person-mismatch",
                    f"The row of {item.email} leads to another person.",
                    expected=f"person {member.person_id}",
                    seen=f"person {item.person_id}",
                )
        if len(here) == len(wanted):
            return here
        seen |= {normal_email(item.email) for item in here}
        if not page.more:
            break
        await refetched(pages.tab, _TURNING, lambda: pages.tab.act(_TURNING, pages.tab.at("grid.next_page").click))
    missing = [member.email for email, member in wanted.items() if email not in seen]
    if missing:
        raise Failed(
            "row-not-found",
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not among the project's active users.",
            expected="a row of each",
            seen="none",
        )
    raise Failed(
        "not-on-one-page",
        f"The people to remove stand on several pages of {pages.project.label}'s list; one removal reaches one page.",
        expected="all of them on one page",
        seen=f"{page.total} rows",
        mender=Mender.OPERATOR,
    )


async def _refuse_other_people(pages: ProjectPages, user_ids: Sequence[str]) -> None:
    """The dialog must list exactly these people, and look as known."""
    _, listed_ids = await confirm_window(pages.tab, _REMOVE)
    if sorted(listed_ids) != sorted(user_ids):
        raise UnknownPage(
            "person-mismatch",
            "The window would remove others than the people asked for.",
            expected=", ".join(sorted(user_ids)),
            seen=", ".join(sorted(listed_ids)) or "nobody",
        )
    await examine(pages.tab, Flow.BULK_REMOVE, "mfe_remove.window", touches={"confirm"}, layers=window(_REMOVE))


async def _confirm(pages: ProjectPages, gate: CommitGate, account: str, intent: str) -> None:
    place = button(pages.tab, _REMOVE, "Remove")
    await commit_by_script(pages.tab, gate, place, intent, account=account, layers=window(_REMOVE))


async def invite_member(pages: ProjectPages, gate: CommitGate, account: str, user_id: str, email: str) -> None:
    """The row's menu > Invite or Re-invite: one e-mail, which nothing can take back."""
    place, again = await visit_member_invite(pages, user_id, email)
    intent = f"Send the {'second ' if again else ''}welcome e-mail to {email} from {pages.project.label}"
    await commit_by_script(pages.tab, gate, place, intent, account=account)


async def visit_member_invite(pages: ProjectPages, user_id: str, email: str) -> tuple[str, bool]:
    """Open the row's menu; the selector of its entry, and whether it is Re-invite.

    A click on the entry sends the mail, so the page where the row leads has to be this very user's (two page loads, and
    one more where that page was not opened before).
    """
    member = await the_member(pages, email)
    if member.person_id not in pages.user_ids:
        await user_id_of(pages, member)
        member = await the_member(pages, email)
    if pages.user_ids.get(member.person_id) != user_id:
        raise UnknownPage(
            "person-mismatch",
            f"The row of {email} leads to another user.",
            expected=f"user {user_id}",
            seen=f"user {pages.user_ids.get(member.person_id, 'unknown')}",
        )
    await overlays.clear(pages.tab)
    entries = await open_row_menu(pages.tab, member.row)
    await examine(pages.tab, Flow.MEMBER_INVITE, "row_menu.project", touches={"invite"})
    entry, place = entry_of(pages.tab, entries, "invite", "menu.invite")
    return place, is_reinvite(pages.tab, entry.text)
