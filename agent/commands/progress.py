"""A job's progress in the terminal: plan, steps, witnesses, outcome."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from agent.commands.screen import Screen
from agent.domain.person import Correlation, Listing
from agent.execute.events import (
    Event,
    JobEnded,
    JobStarted,
    Note,
    Observed,
    Planned,
    SessionReady,
    StepEnded,
    StepStarted,
    Verified,
)
from agent.execute.outcome import Outcome, StepResult, Verdict, Witness
from agent.execute.wording import count
from agent.jobs.model import Job, whom
from agent.plan.bulk.roster import Roster
from agent.plan.steps import Plan

STYLE = {
    Verdict.DONE: ("Done", "good", "green"),
    Verdict.REFUSED: ("Refused: nothing was changed", "bad", "red"),
    Verdict.FAILED: ("Failed: nothing was changed", "bad", "red"),
    Verdict.UNCERTAIN: ("Uncertain: a person has to decide", "unsure", "yellow"),
    Verdict.WAITING: ("Waiting: nothing was changed", "unsure", "yellow"),
}
SIGNS = {
    "saved": "[good]✓[/]",
    "settled by observation": "[good]✓[/]",
    "not needed any more": "[good]✓[/]",
    "partly saved": "[unsure]◐[/]",
    "unknown": "[unsure]?[/]",
    "rejected": "[bad]✗[/]",
    "not sent": "[quiet]–[/]",
}
LISTS = {
    Listing.USERS: "user",
    Listing.INACTIVE_USERS: "inactive user",
    Listing.CONTACTS: "contact",
    Listing.INACTIVE_CONTACTS: "inactive contact",
}


class Progress:
    """Shows a job while it runs; an :class:`agent.execute.events.Observer`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._status: Status | None = None
        self._planned = 0
        self._ended = 0
        self.plan: Plan | None = None  #: the first plan, for ``--json``

    async def notify(self, event: Event) -> None:
        """Show the event."""
        match event:
            case JobStarted():
                self._screen.people.print(heading(event.job, event.tenant, dry_run=event.dry_run))
                self._working("Signing in")
            case SessionReady():
                found, entered = event.fingerprint, "Still signed in to" if event.reused else "Signed in to"
                self._line(
                    "[good]✓[/]",
                    f"{entered} [name]{escape(found.company_name)}[/] as {escape(found.signed_in_as)} "
                    f"[quiet]({found.generation} pages, {found.locale}, Chromium {event.browser_version})[/]",
                )
                self._working("Looking")
            case Observed(moment="before"):
                self._line("[good]✓[/]", looked(event.correlation, event.roster))
                self._working("Planning")
            case Planned():
                self._plan(event)
            case StepStarted():
                self._working(f"{event.number}/{max(self._planned, event.number)} {event.step.title}")
            case StepEnded():
                self._ended = event.result.number
                self._step(event.result)
                self._working("Reading back")
            case Verified():
                for witness in event.witnesses:
                    self._witness(witness)
                self._working("Finishing the evidence")
            case Note() if "needed_by" in event.data:
                self._line("[unsure]![/]", f"[unsure]{escape(event.text)}[/]")
            case Note():
                self._line("[quiet]·[/]", f"[quiet]{escape(event.text)}[/]")
            case JobEnded():
                self._idle()
            case _:
                pass

    def stop(self) -> None:
        """Take the spinner away, whatever happened."""
        self._idle()

    def _plan(self, event: Planned) -> None:
        plan = event.plan
        self._planned = self._ended + len(plan.steps)
        if self.plan is None:
            self.plan = plan
        self._idle()
        if event.replanned:
            self._line("[quiet]·[/]", f"[quiet]Planned anew: {count(len(plan.steps), 'step')} left.[/]")
        else:
            self._show(plan)

    def _show(self, plan: Plan) -> None:
        if plan.differences:
            self._screen.people.print()
            self._screen.people.print(plan_table(plan))
            self._screen.people.print()
        for number, step in enumerate(plan.steps, 1):
            body = escape(step.title)
            if step.inverse.startswith("cannot be undone"):
                body += "  [unsure]cannot be undone[/]"
            self._screen.line(f"[quiet]{number}[/]", body, indent=2)
        if plan.steps:
            people = "1 person" if plan.blast.people == 1 else f"{plan.blast.people} people"
            self._screen.line("", f"[quiet]{people}, {count(plan.blast.projects, 'project')}[/]", indent=2)
        for note in plan.notes:
            self._screen.line("[quiet]·[/]", f"[quiet]{escape(note)}[/]", indent=2)
        if plan.steps:
            self._screen.people.print()

    def _line(self, sign: str, body: str, right: str = "") -> None:
        self._screen.line(sign, body, right=right)

    def _step(self, result: StepResult) -> None:
        state = "" if result.state == "saved" else f" [quiet]({result.state})[/]"
        body = f"{result.number}  {escape(result.title)}{state}"
        if result.detail and result.state != "saved":
            body += f"\n[quiet]{escape(result.detail)}[/]"
        self._line(SIGNS.get(result.state, "·"), body, f"[quiet]{result.milliseconds / 1000:.1f} s[/]")

    def _witness(self, witness: Witness) -> None:
        sign = {True: "[good]✓[/]", False: "[bad]✗[/]", None: "[quiet]·[/]"}[witness.agrees]
        findings = "".join(f"\n[quiet]{escape(text)}[/]" for text in witness.findings)
        self._line(sign, f"[bold]{escape(witness.name)}[/]{findings}")

    def _working(self, what: str) -> None:
        if not self._screen.people.is_terminal:
            return
        if self._status is None:
            self._status = self._screen.people.status("")
            self._status.start()
        what = self._screen.masked(what)
        widest = max(20, self._screen.people.width - 6)  # a spinner of two lines would flicker
        self._status.update(escape(what if len(what) <= widest else what[: widest - 1]) + " …")

    def _idle(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def heading(job: Job, tenant: str, *, dry_run: bool) -> Panel:
    """What is about to be done, for whom, and why."""
    reason = job.reason
    title = f"[bold]{job.action.replace('_', ' ')}[/]  [name]{escape(whom(job))}[/]"
    body = Text.from_markup(f"{title}\n")
    body.append(f"{reason.ticket} · requested by {reason.requested_by} · approved by {reason.approved_by}\n", "dim")
    body.append(f"tenant {tenant} · key {job.idempotency_key}", "dim")
    label = "[unsure]dry run[/]" if dry_run else "job"
    return Panel(body, title=label, title_align="left", border_style="cyan", box=box.ROUNDED)


def looked(correlation: Correlation | None, roster: Roster | None = None) -> str:
    """What the lists show under the address, or of the many people, in words."""
    if roster is not None and roster.group is not None:
        return f"Looked at the group: {len(roster.group.members):,} people in it"
    if roster is not None:
        return f"Looked: {len(roster.members):,} of the job's people among {roster.total or 0:,} members of the project"
    if correlation is None:
        return "Looked"
    if not correlation.matches:
        return "Looked through users, inactive users and contacts: nobody has this address"
    places = ", ".join(LISTS[hit.listing] for hit in correlation.matches)
    return f"Looked through users, inactive users and contacts: found as {places}"


def plan_table(plan: Plan) -> Table:
    """What the plan changes, before and after."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title="Plan",
        title_justify="left",
        title_style="bold",
        header_style="quiet",
        show_edge=False,
    )
    table.add_column("", no_wrap=True, width=1)
    table.add_column("What", overflow="fold")
    table.add_column("Before", overflow="fold", style="quiet")
    table.add_column("After", overflow="fold")
    for row in plan.differences:
        table.add_row("", Text(row.what), Text(row.before), Text(row.after, "after"))
    return table


def outcome_view(outcome: Outcome) -> Panel:
    """The end, as a panel."""
    title, style, border = STYLE[outcome.verdict]
    if outcome.nothing_to_do:
        title = "Done: nothing to do"
    body = Text(outcome.summary)
    error = outcome.error or {}
    for label in ("expected", "seen"):
        if error.get(label):
            body.append(f"\n{label:<9}{error[label]}", "dim")
    if outcome.next_step:
        body.append("\n\nNext  ", "bold")
        body.append(outcome.next_step)
    return Panel(body, title=f"[{style}]{title}[/]", title_align="left", border_style=border, box=box.ROUNDED)


def summary_table(rows: Sequence[tuple[Job, Outcome]]) -> Table:
    """Several jobs at a glance."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Job", "Person", "Outcome"):
        table.add_column(column)
    for job, outcome in rows:
        title, style, _ = STYLE[outcome.verdict]
        shown = "Done: nothing to do" if outcome.nothing_to_do else title
        table.add_row(job.action.replace("_", " "), whom(job), f"[{style}]{shown}[/]")
    return table
