"""The two witnesses after writes about many people: the list, opened afresh, and each one's Change History.

The second costs a page for each person, and is asked of everybody whom the job has changed: a list that shows somebody
as added does not say who has added them. Pages on which something was missing are opened again until the deadline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from agent.domain.person import ChangeRecord
from agent.execute.bulk import job_of_many, read_roster, tell_roster
from agent.execute.events import Verified
from agent.execute.history import is_own, records_since
from agent.execute.outcome import Witness
from agent.execute.pace import poll
from agent.execute.thinking import Thinking
from agent.execute.verify import HISTORY, Confirmation, change_words, page_witness
from agent.execute.work import Seen, Work
from agent.jobs.bulk import DistributionGroup
from agent.jobs.model import people_of
from agent.plan.bulk.effects import expectations_of
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.steps import AddMember, BulkAddToProject, BulkRemoveFromProject, BulkStep, ChangeMemberTemplate
from agent.plan.effects import HistoryExpectation, unmet

MEMBERS = "The project's list of members, opened afresh"
GROUP = "The distribution group's page, opened afresh"
NO_HISTORY = "Procore's Change History of a person says nothing of distribution groups [I]; it was not asked."

Records = dict[str, tuple[ChangeRecord, ...]]


async def verify_many(work: Work, thinking: Thinking) -> Confirmation:
    """Hear both witnesses about the steps that were kept. Raises what reading raises."""
    name = list_witness(work)
    limits, began = work.limits, work.clock.monotonic()
    steps = [step for step in work.kept if isinstance(step, BulkStep)]
    records: Records = {}

    async def page() -> tuple[Roster, Witness]:
        roster = await read_roster(work)
        return roster, page_witness(thinking.left_of_many(roster), name)

    async def history() -> Witness:
        await _read(work, steps, records)
        return _history_witness(work, steps, records)

    (roster, first), _ = await poll(page, lambda found: found[1].agrees is True, limits.verify_s, work.clock, limits)
    await tell_roster(work, "after", roster)
    left = max(0.0, limits.verify_s - (work.clock.monotonic() - began))
    second, _ = await poll(history, lambda witness: witness.agrees is not False, left, work.clock, limits)
    await work.tell(Verified((first, second), (work.opened.page,) if work.opened else ()))
    return Confirmation((first, second), None, roster)


def list_witness(work: Work) -> str:
    """The first witness by its name."""
    return GROUP if isinstance(job_of_many(work), DistributionGroup) else MEMBERS


async def are_ours(work: Work, step: BulkStep) -> bool:
    """Whether the Change Histories have all of the step as made by our account since the job began."""
    records: Records = {}
    await _read(work, [step], records)
    return bool(records) and not _missing(work, _expected([step]), records)


async def changed_since(work: Work, seen: Seen, since: datetime) -> tuple[ChangeRecord, ...]:
    """The Change History of everybody of the job whose user id is known, oldest first."""
    found: list[ChangeRecord] = []
    roster = seen.roster or Roster()
    for address in people_of(work.job):
        member = roster.member(address)
        ids = [member.user_id] if member is not None else [hit.user_id for hit in roster.known.get(address, ())]
        for user_id in filter(None, ids):
            found += await _history(work, user_id, since)
    return tuple(sorted(found, key=lambda record: record.at))


async def _history(work: Work, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
    return await work.reading(lambda directory: directory.history(user_id, since))


async def _read(work: Work, steps: Sequence[BulkStep], records: Records) -> None:
    """Read the histories that are not known yet, and those on which something was missing."""
    for user_id, rows in _expected(steps).items():
        if user_id not in records or _missing(work, {user_id: rows}, records):
            records[user_id] = await records_since(work, user_id)


def _expected(steps: Sequence[BulkStep]) -> dict[str, list[HistoryExpectation]]:
    expected: dict[str, list[HistoryExpectation]] = {}
    for step in steps:
        for user_id, rows in expectations_of(step).items():
            expected.setdefault(user_id, []).extend(rows)
    return expected


def _missing(
    work: Work, expected: Mapping[str, Sequence[HistoryExpectation]], records: Mapping[str, Sequence[ChangeRecord]]
) -> list[tuple[str, HistoryExpectation]]:
    return [
        (user_id, row)
        for user_id, rows in expected.items()
        for row in unmet(rows, [record for record in records.get(user_id, ()) if is_own(work, record)])
    ]


def _history_witness(work: Work, steps: Sequence[BulkStep], records: Mapping[str, Sequence[ChangeRecord]]) -> Witness:
    """Agrees when each one's part stands there as made by our account."""
    expected = _expected(steps)
    if not expected:
        return Witness(name=HISTORY, agrees=None, findings=(NO_HISTORY,))
    missing, names = _missing(work, expected, records), _names(steps)
    number, own = sum(map(len, expected.values())), work.facts.own_login if work.facts else "our account"
    findings = [
        f"{number - len(missing)} of {number} changes, of {len(expected)} people, stand there, made by {own}.",
        *(f"Missing for {names.get(user_id, user_id)}: {row.words}" for user_id, row in missing),
    ]
    rows = [
        f"{names.get(user_id, user_id)}: {change_words(record)}"
        for user_id, found in records.items()
        for record in found
        if is_own(work, record) and any(row.met_by(record) for row in expected[user_id])
    ]
    return Witness(name=HISTORY, agrees=not missing, findings=tuple(findings), rows=tuple(rows))


def _names(steps: Sequence[BulkStep]) -> dict[str, str]:
    """Addresses by user id."""
    names: dict[str, str] = {}
    for step in steps:
        match step:
            case BulkAddToProject() | BulkRemoveFromProject():
                names |= {person.user_id: person.email for person in step.people if person.user_id}
            case AddMember():
                names[step.person.user_id] = step.person.email
            case ChangeMemberTemplate():
                names[step.user_id] = step.email
            case _:
                pass
    return names
