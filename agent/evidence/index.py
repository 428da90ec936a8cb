"""One page over a period of a tenant: every job that was accepted, what became of it, and where its report is.

For people who look over many jobs: an auditor who draws a sample, a manager who asks about leavers. Where the tenant
has a ledger the page is made from its entries; what only evidence folders say is told apart from that. The page is
written from the ledger as it stands and checks no signature: that is ``agent evidence verify``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from agent.audit.ledger import LEDGER, ledger_folder
from agent.audit.population import Stand
from agent.audit.reading import CHECKPOINT, ENTRIES, read_entries
from agent.evidence.coverage import coverage_of
from agent.evidence.folder import timestamp
from agent.evidence.manifest import REPORT
from agent.evidence.roll import Entered, read_roll
from agent.evidence.sheet import Sheet
from agent.evidence.subject import subject_words
from agent.evidence.wording import action_words, seconds

_SHEET = Sheet("index.html.j2", paper="A4 landscape")

STANDS = {
    Stand.DONE: ("Done", "good"),
    Stand.FAILED: ("Failed", "bad"),
    Stand.REFUSED: ("Refused", "bad"),
    Stand.UNCERTAIN: ("Uncertain", "open"),
    Stand.CANCELLED: ("Cancelled", "open"),
    Stand.SUPERSEDED: ("Superseded", "open"),
    Stand.WAITING: ("Waiting for a person", "open"),
    Stand.INTERRUPTED: ("Interrupted", "open"),
    Stand.OPEN: ("Not over yet", "open"),
}
_MEANINGS = {
    Stand.DONE: "read back in Procore, or nothing had to be done",
    Stand.FAILED: "it did not work, and nothing was changed, or it was given up",
    Stand.REFUSED: "the agent would not do it",
    Stand.UNCERTAIN: "something was, or may have been, changed, and nobody has settled it",
    Stand.CANCELLED: "taken back by a person",
    Stand.SUPERSEDED: "made pointless by a later offboarding",
    Stand.WAITING: "a person has to approve or to act first",
    Stand.INTERRUPTED: "the program ended, and nothing says how the job did",
    Stand.OPEN: "accepted, and still to be run",
}
_UNRESOLVED = (Stand.UNCERTAIN, Stand.INTERRUPTED, Stand.WAITING, Stand.OPEN)
_NOT_DONE = (Stand.FAILED, Stand.REFUSED)
_LEAVING = "offboard"
_FOLDER = re.compile(r"\d{4}-\d\d-\d\d/[A-Za-z0-9][A-Za-z0-9_-]*")  # as the ledger has it: day and job


@dataclass(frozen=True)
class Line:
    """One job, as the page shows it."""

    job: Entered
    report: str = ""  # relative address, empty where there is no report

    @property
    def headline(self) -> str:
        """How it stands, in words."""
        words = STANDS[self.job.stand][0]
        return f"{words}, nothing was changed" if self.job.stand is Stand.DONE and not self.job.changed else words

    @property
    def tone(self) -> str:
        """Colour class of the headline."""
        return STANDS[self.job.stand][1]

    @property
    def action(self) -> str:
        """What was asked for, in words."""
        return action_words(self.job.action)

    @property
    def person(self) -> str:
        """Whom it is about."""
        return subject_words(self.job.person)

    @property
    def name(self) -> str:
        """What the job is called: its number in the queue, or the name of its evidence."""
        return f"job {self.job.queue}" if self.job.queue is not None else self.job.run

    @property
    def took(self) -> timedelta | None:
        """From its acceptance to its end."""
        return None if self.job.over is None else max(self.job.over - self.job.accepted, timedelta())

    @property
    def took_words(self) -> str:
        """The same in words."""
        return seconds(self.took.total_seconds() * 1000) if self.took is not None else ""

    @property
    def run_words(self) -> str:
        """How long its last run took."""
        return seconds(self.job.ran.total_seconds() * 1000) if self.job.ran is not None else ""


@dataclass(frozen=True)
class Leavers:
    """The offboardings of the period."""

    lines: Sequence[Line]

    @property
    def done(self) -> list[timedelta]:
        """Times from request to done, shortest first."""
        return sorted(line.took for line in self.lines if line.job.stand is Stand.DONE and line.took is not None)

    @property
    def middle(self) -> str:
        """The median time."""
        found = self.done
        if not found:
            return ""
        half = len(found) // 2
        middle = found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2
        return seconds(middle.total_seconds() * 1000)

    @property
    def longest(self) -> str:
        """The longest time."""
        return seconds(self.done[-1].total_seconds() * 1000) if self.done else ""


def write_index(evidence_root: Path, tenant: str, begin: datetime, end: datetime, out: Path, *, now: datetime) -> Path:
    """Write the page of the jobs accepted from ``begin`` to before ``end`` (aware) and return where it stands.

    ``out`` is the file, or a folder, in which the file is then called ``index-TENANT-FROM--TO.html`` (``TO`` is the
    last day inside). Links to reports are relative to it, so it is best kept with the evidence:
    ``{evidence}/{tenant}`` is a good folder. ``now`` is printed as the time of making. A file of that name is replaced.

    OSError when it cannot be written, ValueError for a period that ends before it begins or a time without a zone, and
    :class:`agent.audit.reading.ChainBroken` when the ledger is damaged: a page over a broken ledger would mislead.
    """
    if begin.tzinfo is None or end.tzinfo is None or end <= begin:
        raise ValueError("a period begins before it ends, and its times have a zone")
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    home = ledger_folder(evidence_root, tenant).parent
    last_day = (end - timedelta(microseconds=1)).date()
    if out.is_dir():
        out = out / f"index-{tenant}-{begin:%Y-%m-%d}--{last_day:%Y-%m-%d}.html"
    text = render_index(home, tenant, begin, end, beside=out.parent, now=now)
    fresh = out.with_name(f".{out.name}.new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)
    return out


def render_index(home: Path, tenant: str, begin: datetime, end: datetime, *, beside: Path, now: datetime) -> str:
    """The page as HTML; ``home`` is the tenant's evidence, ``beside`` the folder that links start from."""
    ledger = home / LEDGER
    entries = list(read_entries(ledger)) if (ledger / ENTRIES).is_file() else None
    roll = read_roll(home, entries, begin, end)
    lines = [Line(job, _link(home, job, beside)) for job in roll.jobs]
    older = [Line(job, _link(home, job, beside)) for job in roll.older if job.stand in _UNRESOLVED]
    unresolved = sorted((line for line in lines if line.job.stand in _UNRESOLVED), key=_by_urgency)
    leavers = Leavers([line for line in lines if line.job.action == _LEAVING])
    coverage = coverage_of(entries, ledger / CHECKPOINT, begin, end) if entries is not None else None
    whole_days = (begin.time(), end.time()) == (datetime.min.time(), datetime.min.time())
    return _SHEET.render(
        running_title=f"Jobs of {tenant}, {begin:%Y-%m-%d} to {end - timedelta(microseconds=1):%Y-%m-%d}",
        tenant=tenant,
        period=_period_words(begin, end) if whole_days else f"{timestamp(begin)} to {timestamp(end)}",
        now=now.astimezone(UTC),
        roll=roll,
        counts=_counts(lines),
        table=_cross_table(lines),
        unresolved=unresolved,
        older=sorted(older, key=_by_urgency),
        not_done=[line for line in lines if line.job.stand in _NOT_DONE],
        leavers=Leavers(sorted(leavers.lines, key=_leavers_order)),
        days=_days(lines),
        coverage=coverage,
    )


def _link(home: Path, job: Entered, beside: Path) -> str:
    """The address of a job's report; nothing for a folder that is none of the tenant's, or has no report."""
    if not _FOLDER.fullmatch(job.folder) or not (home / job.folder / REPORT).is_file():
        return ""
    return quote(Path(os.path.relpath(home / job.folder / REPORT, beside)).as_posix())


def _by_urgency(line: Line) -> tuple[int, datetime]:
    return _UNRESOLVED.index(line.job.stand), line.job.accepted


def _leavers_order(line: Line) -> tuple[bool, float, datetime]:
    """Those not done first, then the slowest."""
    took = line.took.total_seconds() if line.took is not None else 0.0
    return line.job.stand is Stand.DONE, -took, line.job.accepted


def _counts(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    """Name, meaning and number of each stand; those that nearly always occur even at none."""
    usual = {Stand.DONE, Stand.FAILED, Stand.REFUSED, Stand.CANCELLED, Stand.WAITING}
    numbers = {stand: sum(line.job.stand is stand for line in lines) for stand in Stand}
    return [
        (STANDS[stand][0], _MEANINGS[stand], number) for stand, number in numbers.items() if number or stand in usual
    ]


def _cross_table(lines: Sequence[Line]) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """Actions by stands: the heads, and a row for each action that occurs, with its sum at the end."""
    stands = [stand for stand in Stand if any(line.job.stand is stand for line in lines)]
    actions = sorted({line.action for line in lines})
    rows = []
    for action in actions:
        mine = [line.job.stand for line in lines if line.action == action]
        rows.append((action, [*(mine.count(stand) for stand in stands), len(mine)]))
    return [STANDS[stand][0] for stand in stands], rows


def _days(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    found: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.job.accepted):
        found.setdefault(f"{line.job.accepted:%A, %-d %B %Y}", []).append(line)
    return list(found.items())


def _period_words(begin: datetime, end: datetime) -> str:
    last = end - timedelta(days=1)
    if last.date() == begin.date():
        return f"{begin:%A, %-d %B %Y}"
    return f"{begin:%-d %B %Y} to {last:%-d %B %Y}"
