"""Two witnesses after the writes: the person's page, opened afresh, and the Change History since the job began.

Only these may say that a job is done. Both are asked again until they agree or the deadline passes (lists and pages may
lag behind a save); a disagreement that stays makes the outcome uncertain, with findings that name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.person import ChangeRecord, Person
from agent.execute.events import Observed, Verified
from agent.execute.history import is_own, records_since
from agent.execute.outcome import Witness
from agent.execute.pace import poll
from agent.execute.thinking import Thinking
from agent.execute.work import Seen, Work
from agent.plan.bulk.roster import Roster
from agent.plan.difference import Difference
from agent.plan.effects import HistoryExpectation, history_expectations, unmet
from agent.plan.steps import Invite, Step

PAGE = "The person's page, opened afresh"
HISTORY = "Procore's Change History"


@dataclass(frozen=True)
class Confirmation:
    """What the witnesses said, and the person, or the many, as last read."""

    witnesses: tuple[Witness, ...]
    person: Person | None
    roster: Roster | None = None

    @property
    def agreed(self) -> bool:
        """Whether no witness disagrees and at least one agrees."""
        said = [witness.agrees for witness in self.witnesses]
        return True in said and False not in said


async def verify(work: Work, thinking: Thinking, seen: Seen, user_id: str) -> Confirmation:
    """Hear both witnesses about the steps that were kept. Raises what reading raises."""

    async def page() -> tuple[Person, Witness]:
        person = await work.read(user_id, seen.person)
        return person, page_witness(thinking.left(invited(person, work.kept)))

    async def history() -> Witness:
        return history_witness(work, work.kept, await records_since(work, user_id))

    limits = work.limits
    began = work.clock.monotonic()
    (person, first), _ = await poll(page, lambda found: found[1].agrees is True, limits.verify_s, work.clock, limits)
    await work.tell(Observed("after", None, person, work.opened.page if work.opened else None))
    left = max(0.0, limits.verify_s - (work.clock.monotonic() - began))
    second, _ = await poll(history, lambda witness: witness.agrees is not False, left, work.clock, limits)
    witnesses = (first, second)
    await work.tell(Verified(witnesses, (work.opened.page,) if work.opened else ()))
    return Confirmation(witnesses, person)


def page_witness(left: Sequence[Difference], name: str = PAGE) -> Witness:
    """Agrees when nothing is left that is not as wanted."""
    if not left:
        return Witness(name=name, agrees=True, findings=("Everything that was asked for is so.",))
    rows = tuple(f"{row.what}: {row.before}, should be: {row.after}" for row in left)
    return Witness(name=name, agrees=False, findings=rows)


def invited(person: Person, kept: Sequence[Step]) -> Person:
    """The person as the page witness sees one: an invitation of this job is the Change History's to confirm."""
    sent = any(isinstance(step, Invite) for step in kept)
    return person.model_copy(update={"invited": True}) if sent else person


def history_witness(work: Work, kept: Sequence[Step], records: Sequence[ChangeRecord]) -> Witness:
    """Agrees when each kept step stands there as made by our account; tells what others did meanwhile."""
    own = [record for record in records if is_own(work, record)]
    sent: list[HistoryExpectation] = [row for step in kept for row in history_expectations(step)]
    expected = list(dict.fromkeys(sent))  # what a step left undone and the next plan did again stands there once
    missing = unmet(expected, own)
    findings = [f"{len(expected) - len(missing)} of {len(expected)} changes stand there, made by {_own(work)}."]
    findings += [f"Missing: {row.words}" for row in missing]
    findings += [f"More than once: {row.words}" for row in _repeated(sent, own)]
    findings += [f"Meanwhile {_words(record)}" for record in records if not is_own(work, record)]
    matched = [record for record in own if any(row.met_by(record) for row in expected)]
    rows = tuple(change_words(record) for record in sorted(matched, key=lambda record: record.at))
    return Witness(name=HISTORY, agrees=not missing if expected else None, findings=tuple(findings), rows=rows)


def _repeated(expected: Sequence[HistoryExpectation], own: Sequence[ChangeRecord]) -> list[HistoryExpectation]:
    """Changes that stand there more often than this job made them.

    The agent sends each once; a browser may send a request again by itself when a reused connection breaks.
    """
    rows = dict.fromkeys(expected)
    return [row for row in rows if sum(map(row.met_by, own)) > sum(other == row for other in expected)]


def nothing_to_do_witness(name: str = PAGE) -> Witness:
    """The one witness of a job that finds everything as wanted."""
    return Witness(name=name, agrees=True, findings=("Everything that was asked for is so already: nothing to do.",))


def _own(work: Work) -> str:
    return work.facts.own_login if work.facts else "our account"


def _words(record: ChangeRecord) -> str:
    who = record.actor_name or record.actor_login
    return f"{who} changed {_change(record)} at {record.at:%H:%M:%S} UTC"


def change_words(record: ChangeRecord) -> str:
    """One row of the Change History in words."""
    return f"{record.at:%H:%M:%S} UTC {record.actor_login}: {_change(record)}"


def _change(record: ChangeRecord) -> str:
    return f"{record.field}: {record.before or '(empty)'} -> {record.after or '(empty)'}"
