"""``agent jobs``: looks at the queue's jobs and steers them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.live import Live
from rich.markup import escape

from agent.commands.at_desk import at_desk
from agent.commands.exit_codes import ExitCode
from agent.commands.following import follow, worst
from agent.commands.job_views import events_table, held_view, job_panel, jobs_table, next_step, state_words
from agent.commands.options import AsJson, SettingsFile
from agent.commands.screen import Screen
from agent.commands.status_view import watch_status
from agent.execute.wording import count
from agent.queue.interface import JobFilter
from agent.queue.record import Hold, JobState
from agent.service.desk import Desk
from agent.service.views import JobList, JobView
from agent.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The jobs of the queue: look at them, steer them.")

Number = Annotated[int, typer.Argument(help="The job's number.", min=1)]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of jobs.", min=1)]
Steer = Callable[[Desk, int], Awaitable[JobView]]
NEEDS_AGENT = "Only a running agent works on jobs, so there is nothing to watch."
NEEDS_READER = "Only the running agent can look into the Directory whether the job is done."


@app.command("list")
def list_jobs(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    person: Annotated[str | None, typer.Option(help="Only those about this address.")] = None,
    state: Annotated[list[JobState] | None, typer.Option(help="Only in this state; may be repeated.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only those that wait for a person.")] = False,
    batch: Annotated[str | None, typer.Option(help="Only those of this batch.")] = None,
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=500)] = 50,
    after: Annotated[int | None, typer.Option(help="From this number on, upwards; else the newest.", min=0)] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """List jobs, the newest last."""
    screen = Screen(as_json=as_json)
    which = JobFilter(
        tenant=tenant,
        person=person.strip().lower() if person else None,
        states=frozenset(state) if state else None,
        held=True if held else None,
        batch=batch,
        after_id=after or 0,
        newest_first=after is None,
        limit=limit,
    )

    async def ask(desk: Desk, settings: Settings) -> JobList:
        return await desk.jobs(which)

    found = at_desk(screen, settings_file, ask)
    jobs = sorted(found.jobs, key=lambda job: job.id)
    if as_json:
        listed = [job.model_dump(mode="json") for job in jobs]
        screen.document({"jobs": listed, "next_after": found.next_after})
        return
    if not jobs:
        screen.say("[quiet]No such job.[/]")
        return
    screen.people.print(jobs_table(jobs, _now()))
    waiting = [job for job in jobs if job.hold is not None and not job.checking]
    if waiting:
        screen.say(f"\n[unsure]{count(len(waiting), 'job')} for a person:[/] agent jobs show {waiting[0].id}")
    if found.next_after is not None:
        screen.say(f"[quiet]There may be more: --after {found.next_after}[/]")


@app.command()
def show(number: Number, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Show one job: where it is, why, what comes next, and its history."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> None:
        job, events = await desk.job(number), await desk.events(number)
        if as_json:
            screen.document({**job.model_dump(mode="json"), "events": events.model_dump(mode="json")["events"]})
            return
        screen.people.print(job_panel(job, _now()))
        screen.people.print(events_table(events.events, _now()))

    at_desk(screen, settings_file, ask)


@app.command()
def watch(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of jobs; the whole agent when left out.", min=1)
    ] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Look on: until these jobs are over or wait for a person, or at the whole agent until Ctrl-C.

    With numbers the exit code is that of the worst job: 0 done, 3 refused or cancelled, 4 failed, 5 uncertain, 6
    waiting.
    """
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> ExitCode:
        if not numbers:
            await watch_status(screen, desk)
            return ExitCode.DONE
        jobs = await _followed(screen, desk, set(numbers))
        if as_json:
            screen.document({"jobs": [job.model_dump(mode="json") for job in jobs]})
        return worst(jobs)

    raise typer.Exit(at_desk(screen, settings_file, ask, agent_needed=NEEDS_AGENT))


async def _followed(screen: Screen, desk: Desk, numbers: set[int]) -> tuple[JobView, ...]:
    """The jobs when they have come to rest; on a terminal as a table that stays up to date, else a line a change."""
    shown: dict[int, JobView] = {}
    if not screen.people.is_terminal:
        return await follow(desk, numbers, lambda job: _line(screen, job))
    with Live(console=screen.people, refresh_per_second=4, transient=True) as live:

        def changed(job: JobView) -> None:
            shown[job.id] = job
            live.update(jobs_table([shown[number] for number in sorted(shown)], _now()))

        jobs = await follow(desk, numbers, changed)
    screen.people.print(job_panel(jobs[0], _now()) if len(jobs) == 1 else jobs_table(jobs, _now()))
    return jobs


@app.command()
def cancel(numbers: Numbers, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Cancel jobs: at once when they wait, at the next step when they run. What was done stays done."""
    _steered(numbers, as_json, settings_file, lambda desk, number: desk.cancel(number))


@app.command()
def retry(numbers: Numbers, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Run dead or held jobs again, waiting ones at once. Each observes anew and does only what is missing."""
    _steered(numbers, as_json, settings_file, lambda desk, number: desk.retry(number))


@app.command()
def approve(
    numbers: Numbers,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Approve jobs that wait for it, as they are shown. Who submitted one, or asked for it, may not.

    Exit code 6 when nobody could be asked and --yes was not given.
    """
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> ExitCode:
        approved = []
        for number in numbers:
            job = await desk.job(number)
            if job.hold is Hold.APPROVAL and not yes and not _is_wanted(screen, job):
                return ExitCode.WAITING
            job = await desk.approve(number)
            approved.append(job)
            _line(screen, job)
        if as_json:
            screen.document({"jobs": [job.model_dump(mode="json") for job in approved]})
        return ExitCode.DONE

    raise typer.Exit(at_desk(screen, settings_file, ask))


def _is_wanted(screen: Screen, job: JobView) -> bool:
    screen.say(f"[name]{job.id}[/]  {escape(job.action.replace('_', ' '))}  [bold]{escape(job.person or '')}[/]")
    for part in held_view(job):
        screen.people.print(part)
    if not screen.as_json and sys.stdin.isatty():
        return typer.confirm("Approve this?")
    screen.say("Nothing was approved. Run it again with [name]--yes[/].")
    return False


@app.command()
def resolve(
    numbers: Numbers,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not look on until it is checked.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Have jobs checked that somebody did by hand, or that are uncertain: the agent reads, and files the evidence.

    The exit code is that of the worst job: 0 as wanted, 5 or 6 not yet.
    """
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> ExitCode:
        jobs = tuple([await desk.resolve(number) for number in numbers])
        if not no_wait:
            jobs = await _followed(screen, desk, set(numbers))
        if as_json:
            screen.document({"jobs": [job.model_dump(mode="json") for job in jobs]})
        return ExitCode.DONE if no_wait else worst(jobs)

    raise typer.Exit(at_desk(screen, settings_file, ask, agent_needed=NEEDS_READER))


@app.command("hand-over")
def hand_over(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why the agent should not do it.", prompt="Why?")],
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Turn a job into a task for a person, with exact instructions; agent jobs resolve checks it afterwards."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> JobView:
        return await desk.hand_over(number, reason)

    job = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(job.model_dump(mode="json"))
    else:
        screen.people.print(job_panel(job, _now()))


def _steered(numbers: list[int], as_json: bool, settings_file: SettingsFile, steer: Steer) -> None:
    """Do the same with several jobs; the first that refuses ends the command, those before are done."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> None:
        done = []
        for number in numbers:
            done.append(await steer(desk, number))
            _line(screen, done[-1])
        if as_json:
            screen.document({"jobs": [job.model_dump(mode="json") for job in done]})

    at_desk(screen, settings_file, ask)


def _line(screen: Screen, job: JobView) -> None:
    """A job on one line, with what a person can do where it waits for one."""
    person = escape(job.person or "everybody")
    step = next_step(job)
    hint = f"  [quiet]{escape(step)}[/]" if step and job.hold is not None else ""
    screen.say(f"[name]{job.id}[/]  {escape(job.action.replace('_', ' '))} {person}  {state_words(job, _now())}{hint}")


def _now() -> datetime:
    return datetime.now(UTC)
