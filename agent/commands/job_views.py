"""Jobs of the queue on the terminal: one line, a table, one job with all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.commands.exit_codes import ExitCode
from agent.commands.moments import ago, clock_time, span
from agent.handover.instructions import Instructions
from agent.queue.record import Hold, JobState
from agent.service.views import EventView, JobView

_PRIORITIES = {10: "offboard", 30: "revoke", 50: "normal", 70: "reconcile", 90: "bulk"}
_BORDERS = {JobState.DONE: "green", JobState.DEAD: "red", JobState.RUNNING: "cyan", JobState.QUEUED: "blue"}
_TROUBLE_CODES = {"refused": ExitCode.REFUSED, "uncertain": ExitCode.UNCERTAIN}


def state_words(job: JobView, now: datetime) -> str:
    """Where the job is, as Rich markup."""
    match job.state:
        case JobState.RUNNING:
            stopping = " [unsure](stopping)[/]" if job.cancelling else ""
            return f"[name]running[/] {escape(step_words(job))}".rstrip() + stopping
        case JobState.QUEUED:
            return _waiting(job, now)
        case JobState.DONE:
            nothing = " [quiet]nothing to do[/]" if job.result.get("nothing_to_do") else ""
            return f"[good]done[/]{nothing}"
        case JobState.DEAD:
            return f"[bad]dead[/] {escape(job.trouble.code if job.trouble else '')}".rstrip()
        case JobState.SUPERSEDED:
            return f"[quiet]superseded by {job.superseded_by}[/]"
        case JobState.CANCELLED:
            return "[quiet]cancelled[/]"


def _waiting(job: JobView, now: datetime) -> str:
    if job.hold is not None and not job.checking:
        words = {
            Hold.APPROVAL: "waits for approval",
            Hold.HAND_OVER: "for a person",
            Hold.UNCERTAIN: "uncertain",
        }
        return f"[unsure]{words[job.hold]}[/]"
    if job.checking:
        return "to be checked"
    if job.not_before is not None and job.not_before > now:
        if job.attempt:
            return f"again {ago(job.not_before, now)} [quiet]({job.attempt}/{job.max_attempts})[/]"
        return f"from {clock_time(job.not_before)}"
    return "queued"


def step_words(job: JobView) -> str:
    """The step under way, as far as the worker told."""
    return str(job.progress.get("step") or "")


def code_of(job: JobView) -> ExitCode:
    """What a job's end, or what it waits for, means for a script."""
    if job.state is JobState.DONE:
        return ExitCode.DONE
    if job.state.is_live:
        return ExitCode.UNCERTAIN if job.hold is Hold.UNCERTAIN else ExitCode.WAITING
    if job.state is JobState.DEAD:
        return _TROUBLE_CODES.get(job.trouble.kind if job.trouble else "", ExitCode.FAILED)
    return ExitCode.REFUSED  # cancelled, superseded: not done, and it will not be


def jobs_table(jobs: Sequence[JobView], now: datetime) -> Table:
    """Jobs, a line each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Job", justify="right", style="name", no_wrap=True)
    table.add_column("Action", no_wrap=True)
    table.add_column("Person", overflow="fold")
    table.add_column("Tenant", overflow="fold", style="quiet")
    table.add_column("State", overflow="fold")
    table.add_column("When", justify="right", no_wrap=True, style="quiet")
    for job in jobs:
        table.add_row(
            str(job.id),
            job.action.replace("_", " "),
            Text(job.person or "everybody"),
            Text(job.tenant),
            state_words(job, now),
            ago(job.finished_at or job.started_at or job.created_at, now),
        )
    return table


def job_panel(job: JobView, now: datetime) -> Panel:
    """One job with all that is known of it, and what comes next."""
    parts: list[RenderableType] = [Text.from_markup(state_words(job, now)), Text(), _facts(job, now)]
    summary = job.result.get("summary")
    if summary:
        parts += [Text(), Text(str(summary))]
    elif job.trouble is not None:
        parts += [Text(), Text(f"{job.trouble.message} ({job.trouble.code})")]
    if job.hold is not None:
        parts += [Text(), *held_view(job)]
    step = next_step(job)
    if step:
        parts += [Text(), Text.from_markup(f"[bold]Next[/]  {escape(step)}")]
    title = f"[bold]{job.id}  {job.action.replace('_', ' ')}[/]  [name]{escape(job.person or 'everybody')}[/]"
    border = "yellow" if job.hold is not None else _BORDERS.get(job.state, "white")
    return Panel(Group(*parts), title=title, title_align="left", border_style=border, box=box.ROUNDED)


def _facts(job: JobView, now: datetime) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="quiet", no_wrap=True)
    grid.add_column(overflow="fold")
    reason: Any = (job.job or {}).get("reason") or {}
    rows = {
        "tenant": job.tenant,
        "reason": " · ".join(str(reason[name]) for name in ("ticket", "requested_by") if name in reason),
        "key": job.key or "",
        "batch": job.batch or "",
        "accepted": f"{clock_time(job.created_at)} ({ago(job.created_at, now)}) from {job.created_by}",
        "not before": clock_time(job.not_before) if job.not_before else "",
        "needed by": f"{clock_time(job.needed_by)} ({ago(job.needed_by, now)})" if job.needed_by else "",
        "not after": f"{clock_time(job.not_after)} ({ago(job.not_after, now)})" if job.not_after else "",
        "priority": _PRIORITIES.get(job.priority, str(job.priority)),
        "runs": f"{job.attempt} of at most {job.max_attempts}" if job.attempt else "",
        "took": _took(job),
        "approved by": job.approved_by or "",
        "step": step_words(job) if job.state is JobState.RUNNING else "",
        "evidence": job.evidence or "",
    }
    for label, value in rows.items():
        if value:
            grid.add_row(label, Text(value))
    return grid


def _took(job: JobView) -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return span((job.finished_at - job.started_at).total_seconds())


def held_view(job: JobView) -> list[RenderableType]:
    """What waits for a person: reasons and plan, or instructions."""
    if job.hold is Hold.HAND_OVER and "steps" in job.hold_data:
        try:
            return [Text(Instructions.model_validate(job.hold_data).text().rstrip())]
        except ValueError:  # of another version
            return [Text(job.hold_reason)]
    parts: list[RenderableType] = []
    reasons = job.hold_data.get("reasons") or ([job.hold_reason] if job.hold_reason else [])
    parts += [Text.from_markup(f"[unsure]![/] {escape(str(reason))}") for reason in reasons]
    rows = job.hold_data.get("differences") or []
    if rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
        for column in ("What", "Before", "After"):
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(str(row.get(name, ""))) for name in ("what", "before", "after")))
        parts.append(table)
    return parts


def next_step(job: JobView) -> str:
    """What a person can do about this job now; nothing when it goes its way."""
    if job.checking:
        return ""
    if job.hold is Hold.APPROVAL:
        return f"agent jobs approve {job.id}, or agent jobs cancel {job.id}"
    if job.hold is Hold.HAND_OVER:
        return f"do it in Procore, then agent jobs resolve {job.id}"
    if job.hold is Hold.UNCERTAIN:
        return (
            f"look at the person in Procore and at the evidence; then agent jobs resolve {job.id} (the agent checks), "
            f"agent jobs retry {job.id} (it does the rest) or agent jobs cancel {job.id}"
        )
    if job.state is JobState.DEAD:
        told = str(job.result.get("next_step") or "")
        return f"{told} Then: agent jobs retry {job.id}".strip()
    return str(job.result.get("next_step") or "") if job.state is JobState.DONE else ""


def events_table(events: Sequence[EventView], now: datetime) -> Table:
    """A job's history."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="quiet", no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style="quiet")
    for event in events:
        words = ", ".join(f"{name} {value}" for name, value in event.data.items() if value not in (None, "", [], {}))
        table.add_row(ago(event.at, now), Text(event.kind.replace("_", " ")), Text(words))
    return table
