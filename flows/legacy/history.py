"""The Change History of a person: who changed what, and when (SUP "View User Details…" [D], markup [I])."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent.domain.person import ChangeRecord
from agent.errors import UnknownPage
from flows.legacy.edit_page import edit_path
from flows.page.reading import Reading
from flows.page.tab import Tab

PAGE_SIZE = 50

HISTORY = Reading(
    "history.table",
    r"""
    const page = one("user_page.root"), table = one("history.table");
    return { userId: page.dataset.userId, rows: many("history.row", table).map((row) => {
      const time = one("history.time", row), by = one("history.by", row);
      return { at: time ? time.getAttribute("datetime") || "" : "", name: words(by),
        login: by ? by.dataset.login || "" : "", field: words(one("history.field", row)),
        before: words(one("history.before", row)), after: words(one("history.after", row)) };
    }) };
    """,
    name="history",
)


async def read_history(tab: Tab, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
    """Rows at or after ``since``, oldest first (one page load per 50 rows; one is the rule)."""
    records: list[ChangeRecord] = []
    number = 1
    while True:
        path = edit_path(tab, user_id).removesuffix("/edit")
        await tab.open(f"{path}/change_history?page={number}")
        data = await tab.read(HISTORY)
        if data["userId"] != user_id:
            raise UnknownPage(
                "person-mismatch", "The history is another person's.", expected=user_id, seen=str(data["userId"])
            )
        page = [_record(row) for row in data["rows"]]
        records += [record for record in page if record.at >= since]
        if len(page) < PAGE_SIZE or page[-1].at < since:
            return tuple(reversed(records))
        number += 1


def _record(row: dict[str, Any]) -> ChangeRecord:
    try:
        at = datetime.fromisoformat(row["at"])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UnknownPage(
            "unknown-page",
            "A change carries no readable time.",
            expected="history.time: ISO 8601 with offset",
            seen=row["at"],
        )
    return ChangeRecord(
        at=at.astimezone(UTC),
        actor_name=row["name"],
        actor_login=row["login"],
        field=row["field"],
        before=row["before"],
        after=row["after"],
    )
