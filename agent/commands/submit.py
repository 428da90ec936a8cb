"""``agent submit``: puts jobs into the queue, all of them or none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.commands.at_desk import at_desk
from agent.commands.exit_codes import ExitCode
from agent.commands.following import follow, worst
from agent.commands.job_views import job_panel, jobs_table, state_words
from agent.commands.moments import clock_time, typed_time
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError, Mender, Refused
from agent.execute.wording import count
from agent.intake.batch import Format, Placed, Source, read_batch
from agent.service.client import Client
from agent.service.desk import Desk, Submission
from agent.service.views import JobView, Preview, Receipts
from agent.settings import Settings

MOST_ROWS = 40  #: of a preview on the terminal


def submit(
    files: Annotated[list[Path], typer.Argument(help="Job files: JSON, JSON Lines or CSV; - reads standard input.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a batch is accepted.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be accepted.")] = False,
    batch: Annotated[str | None, typer.Option(help="A name for what is submitted together.")] = None,
    at: Annotated[str | None, typer.Option(help="Run none of them before this time.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant for jobs that name none.")] = None,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Else by the file's name, or the look of it.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Look on until all are over or wait for a person.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Put jobs into the queue: all of them or none. Accepted means on disk.

    Several jobs are previewed first. Exit codes: 0 accepted, 2 unusable file, 3 refused, 4 failed, 6 not confirmed;
    with --wait that of the worst job.
    """
    screen = Screen(as_json=as_json)
    try:
        placed = read_batch([_source(file, file_format) for file in files])
        submission = Submission(placed, tenant, batch or _name(files, placed), typed_time(at) if at else None)
    except AgentError as error:
        stop(screen, error)

    async def ask(desk: Desk, settings: Settings) -> ExitCode:
        several = len(placed) > 1
        shown = await desk.preview(submission) if several or preview else None
        if shown is not None and not (as_json or (yes and not preview)):
            _show(screen, shown, submission)
        if preview:
            if shown is not None and as_json:
                screen.document({"accepted": False, "preview": shown.model_dump(mode="json")["jobs"]})
            return ExitCode.DONE
        if shown is not None and not yes and not _confirmed(screen, files, len(placed)):
            if as_json:
                screen.document({"accepted": False, "preview": shown.model_dump(mode="json")["jobs"]})
            return ExitCode.WAITING
        receipts = await desk.submit(submission)
        _told(screen, receipts, submission, runs=isinstance(desk, Client))
        document: dict[str, Any] = {"accepted": True, **receipts.model_dump(mode="json")}
        code = ExitCode.DONE
        if wait:
            ended = await _looked_on(screen, desk, receipts)
            document["ended"] = [job.model_dump(mode="json") for job in ended]
            code = worst(ended)
        if as_json:
            screen.document(document)
        return code

    needed = "Only a running agent brings jobs to an end, so there is nothing to wait for." if wait else ""
    raise typer.Exit(at_desk(screen, settings_file, ask, agent_needed=needed))


def _source(file: Path, kind: Format | None) -> Source:
    if str(file) == "-":
        return Source("standard input", sys.stdin.buffer.read(), kind)
    try:
        return Source(file.name, file.read_bytes(), kind)
    except OSError as error:
        raise Refused(
            "bad-job-file", f"The job file {file} cannot be read: {error.strerror}", mender=Mender.REQUESTER
        ) from error


def _name(files: Sequence[Path], placed: Sequence[Placed]) -> str | None:
    """A batch's name made of the file's; a single job is no batch."""
    if len(placed) < 2:
        return None
    stem = "batch" if str(files[0]) == "-" else files[0].stem[:90]
    return f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _confirmed(screen: Screen, files: Sequence[Path], number: int) -> bool:
    if not screen.as_json and sys.stdin.isatty() and not any(str(file) == "-" for file in files):
        return typer.confirm(f"Accept {count(number, 'job')}?")
    screen.say("Nothing was accepted: several jobs need a yes. Run it again with [name]--yes[/].")
    return False


def _show(screen: Screen, preview: Preview, submission: Submission) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    for column in ("Action", "Person", "What", "Tenant", "", "From"):
        table.add_column(column, overflow="fold")
    for row in preview.jobs[:MOST_ROWS]:
        notes = [f"after {_numbers(row.waits_for)}"] if row.waits_for else []
        notes += [f"supersedes {_numbers(row.supersedes)}"] if row.supersedes else []
        table.add_row(
            row.action.replace("_", " "),
            Text(row.person or "everybody"),
            Text(row.gist),
            Text(row.tenant, "dim"),
            Text(", ".join(notes), "yellow"),
            Text(row.place, "dim"),
        )
    screen.people.print(table)
    hidden = len(preview.jobs) - MOST_ROWS
    if hidden > 0:
        screen.say(f"[quiet]... and {hidden:,} more[/]")
    counts: dict[str, int] = {}
    for row in preview.jobs:
        counts[row.action] = counts.get(row.action, 0) + 1
    people = len({(row.tenant, row.person) for row in preview.jobs})
    total = " · ".join(f"{number} {action.replace('_', ' ')}" for action, number in sorted(counts.items()))
    when = f", not before {clock_time(submission.not_before)}" if submission.not_before else ""
    screen.say(f"\n[bold]{count(len(preview.jobs), 'job')}[/] for {people:,} people: {escape(total)}{escape(when)}\n")


def _told(screen: Screen, receipts: Receipts, submission: Submission, *, runs: bool) -> None:
    """What was accepted, in words, and what to do next."""
    new = [item.id for item in receipts.jobs if not item.joined]
    known = [item.id for item in receipts.jobs if item.joined]
    superseded = sorted({number for item in receipts.jobs for number in item.superseded})
    if new:
        screen.say(f"[good]Accepted[/] {count(len(new), 'job')}: {_numbers(new)}")
    if known:
        screen.say(f"[quiet]In the queue already: {_numbers(known)}[/]")
    if superseded:
        screen.say(f"[unsure]Superseded[/] by an offboarding: {_numbers(superseded)}")
    if not runs:
        screen.say("[unsure]No agent is running:[/] they wait until [name]agent run[/] is started.")
    elif len(receipts.jobs) == 1:
        screen.say(f"[quiet]Look on:[/] agent jobs watch {receipts.jobs[0].id}")
    elif receipts.batch:
        screen.say(f"[quiet]Look on:[/] agent jobs list --batch {escape(receipts.batch)}")


async def _looked_on(screen: Screen, desk: Desk, receipts: Receipts) -> tuple[JobView, ...]:
    def changed(job: JobView) -> None:
        now = datetime.now(UTC)
        screen.line("[quiet]·[/]", f"[name]{job.id}[/] {escape(job.person or 'everybody')}  {state_words(job, now)}")

    ended = await follow(desk, {item.id for item in receipts.jobs}, changed)
    now = datetime.now(UTC)
    screen.people.print(job_panel(ended[0], now) if len(ended) == 1 else jobs_table(ended, now))
    return ended


def _numbers(numbers: Sequence[int]) -> str:
    """``12-15, 18``."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    return ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
