"""``agent run-job``: runs the jobs of a file, one after the other, and says how each ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from agent.commands.by_hand import ByHand
from agent.commands.exit_codes import ExitCode, exit_code
from agent.commands.progress import Progress, heading, outcome_view, summary_table
from agent.commands.screen import Screen
from agent.commands.workplace import Workplace
from agent.credentials.secret import Secret
from agent.domain.person import Person
from agent.errors import AgentError, Failed, Mender, Refused
from agent.evidence.masking import Masker
from agent.execute import wording
from agent.execute.ending import verdict_of
from agent.execute.events import Event, Observed
from agent.execute.outcome import Outcome, Verdict
from agent.execute.run import run_job as run_one
from agent.execute.sequence import Ended, given_up, held_back
from agent.jobs.model import Job, email_of
from agent.jobs.parse import JobFileError, read_jobs
from agent.plan.steps import Plan
from agent.service.client import token_of
from agent.settings import Settings, SettingsRefused, load_settings


@dataclass(frozen=True)
class Report:
    """One job, how it ended, and where its evidence is."""

    job: Job
    tenant: str
    outcome: Outcome
    evidence: Path | None = None
    plan: Plan | None = None
    person: Person | None = None


def run_job(
    file: Annotated[Path, typer.Argument(help="Job file (JSON): one job or a list; - reads standard input.")],
    tenant: Annotated[str | None, typer.Option(help="Tenant for jobs that name none.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser's window.")] = False,
    slow: Annotated[int | None, typer.Option(help="Pause after each browser action, in ms.", min=0, max=10_000)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve what policy asks about.")] = False,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file; else agent.toml here.")
    ] = None,
) -> None:
    """Run the jobs of a file: show the plan, carry it out, read every change back, keep the evidence.

    Exit codes: 0 done, 2 unusable file or settings, 3 refused, 4 failed, 5 uncertain, 6 waiting for a person.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        jobs = _assigned(read_jobs(_text_of(file)), settings, tenant)
        flags = _Flags(dry_run, headed, slow, yes, token_of())
    except JobFileError as error:
        screen.stop(error, ExitCode.USAGE)
    except SettingsRefused as error:
        screen.stop(error, ExitCode.USAGE, error.problems)
    except Refused as error:
        screen.stop(error, ExitCode.USAGE)
    try:
        reports = asyncio.run(_run_all(jobs, settings, screen, flags))
    except Failed as error:  # nothing could be opened, not even the evidence folder
        screen.stop(error, ExitCode.FAILED)
    if len(reports) > 1:
        screen.people.print(summary_table([(report.job, report.outcome) for report in reports]))
    code = exit_code(report.outcome.verdict for report in reports)
    if as_json:
        screen.document({"exit_code": int(code), "jobs": [as_document(report, dry_run) for report in reports]})
    raise typer.Exit(code)


@dataclass(frozen=True)
class _Flags:
    dry_run: bool
    headed: bool
    slow_ms: int | None
    approved: bool
    token: Secret | None = None  # of whoever stands at the terminal


def as_document(report: Report, dry_run: bool) -> dict[str, Any]:
    """One job's report for machines."""
    return {
        "idempotency_key": report.job.idempotency_key,
        "action": report.job.action,
        "email": email_of(report.job),
        "tenant": report.tenant,
        "dry_run": dry_run,
        "verdict": report.outcome.verdict.value,
        "outcome": report.outcome.model_dump(mode="json"),
        "plan": report.plan.model_dump(mode="json") if report.plan else None,
        "person": report.person.model_dump(mode="json") if report.person else None,
        "evidence": str(report.evidence) if report.evidence else None,
    }


def _text_of(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Refused(
            "bad-job-file", f"The job file {file} cannot be read: {error.strerror}", mender=Mender.REQUESTER
        ) from error


def _assigned(jobs: Sequence[Job], settings: Settings, tenant: str | None) -> tuple[tuple[str, Job], ...]:
    """Each job with its tenant; a job that names another one than ``--tenant`` is refused before anything starts."""
    assigned = []
    for job in jobs:
        if tenant is not None and job.tenant is not None and job.tenant != tenant:
            raise SettingsRefused(
                "tenant-conflict",
                f"The job {job.idempotency_key} is for the tenant '{job.tenant}', but --tenant says '{tenant}'.",
            )
        name, _ = settings.tenant(job.tenant or tenant)
        assigned.append((name, job))
    return tuple(assigned)


async def _run_all(
    jobs: Sequence[tuple[str, Job]], settings: Settings, screen: Screen, flags: _Flags
) -> tuple[Report, ...]:
    names = tuple(dict.fromkeys(name for name, _ in jobs))
    reports: list[Report] = []
    async with Workplace(settings, names, headed=flags.headed, slow_ms=flags.slow_ms) as place:
        screen.keep_out(Masker(place.known))
        for line in place.completed:
            screen.line("[unsure]·[/]", f"[quiet]{escape(line)}[/]")
        stopping = _StopSignal(screen)
        for name, job in jobs:
            earlier = [Ended(report.tenant, report.job, report.outcome) for report in reports]
            outcome = stopping.outcome() or given_up(job, datetime.now(UTC)) or held_back(job, name, earlier)
            if outcome is not None:
                screen.people.print(heading(job, name, dry_run=flags.dry_run))
                screen.people.print(outcome_view(outcome))
                reports.append(Report(job, name, outcome))
                continue
            await place.rest()
            with stopping.around(asyncio.ensure_future(_run(place, name, job, screen, flags))) as running:
                try:
                    reports.append(await running)
                except asyncio.CancelledError:
                    reports.append(Report(job, name, stopping.cut_off(flags)))
    return tuple(reports)


async def _run(place: Workplace, name: str, job: Job, screen: Screen, flags: _Flags) -> Report:
    progress, last = Progress(screen), _LastPerson()
    tenant = place.settings.tenants[name]
    try:
        await asyncio.to_thread(place.room.require)
        by_hand = ByHand(place.settings, name, job, flags.token, approved=flags.approved)
        seat = await asyncio.to_thread(place.seat, name)
    except AgentError as error:
        screen.people.print(heading(job, name, dry_run=flags.dry_run))
        outcome = Outcome(
            verdict=verdict_of(error),
            summary=error.message,
            error=error.diagnostics(),
            next_step=wording.next_step(error, name),
        )
        screen.people.print(outcome_view(outcome))
        return Report(job, name, outcome)
    recorder = place.recorder(seat)
    orders = replace(
        place.orders(tenant, recorder, dry_run=flags.dry_run, approved=False),
        permits=by_hand.permits,
        budget=by_hand.budget,
        quarantined=by_hand.quarantined,
        origin=by_hand.origin(),
    )
    try:
        outcome = await run_one(job, seat.session, seat.relay, [recorder, progress, last, by_hand], orders)
    finally:
        progress.stop()
    await _report_flows(by_hand, outcome, recorder.folder, screen)
    if outcome.verdict not in (Verdict.DONE, Verdict.REFUSED):
        await seat.session.close()  # whatever page it ended on: the next job begins on a fresh one
    report = recorder.folder / "report.html" if recorder.folder else None
    shown = report if report is not None and report.exists() else recorder.folder
    screen.people.print(outcome_view(outcome))
    if shown is not None:
        screen.path("Evidence", shown)
    if recorder.folder is not None:
        for label, file in outcome.files.items():
            screen.path(label, recorder.folder / file)
    return Report(job, name, outcome, recorder.folder, progress.plan, last.person)


async def _report_flows(by_hand: ByHand, outcome: Outcome, evidence: Path | None, screen: Screen) -> None:
    """What the job has found of its flows, for the jobs after it; what cannot be told is said here."""
    try:
        await by_hand.report(outcome, str(evidence or ""))
    except AgentError as error:
        found = ", ".join(use.flow for use in outcome.flows if use.state == "quarantined")
        if found:
            said = f"It could not be put on record that {found} has changed: {error.message}"
            screen.say(f"[bad]{escape(said)}[/] agent flows quarantine ...")


class _LastPerson:
    """Remembers the person as last read, for ``--json``."""

    def __init__(self) -> None:
        self.person: Person | None = None

    async def notify(self, event: Event) -> None:
        if isinstance(event, Observed):
            self.person = event.person


class _StopSignal:
    """Ctrl-C and SIGTERM end the running job with an outcome and evidence, and keep later jobs from starting."""

    def __init__(self, screen: Screen) -> None:
        self.asked = False
        self._screen = screen

    def outcome(self) -> Outcome | None:
        """How a job ends that is not started any more."""
        if not self.asked:
            return None
        return Outcome(verdict=Verdict.WAITING, summary="Not started: a stop signal came before.")

    def cut_off(self, flags: _Flags) -> Outcome:
        """How a job ends that did not even get to its own end: before it began, or by a second signal."""
        if not self.asked:
            raise asyncio.CancelledError
        summary = "Interrupted before the job could say how it ended. Its evidence folder holds what was done so far."
        return Outcome(
            verdict=Verdict.FAILED if flags.dry_run else Verdict.UNCERTAIN,
            summary=summary,
            next_step="Look at the evidence folder; running the same job again is safe.",
        )

    @contextlib.contextmanager
    def around(self, task: asyncio.Future[Report]) -> Any:
        """While inside, a stop signal cancels this task."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)

        def stop() -> None:
            self.asked = True
            self._screen.say(f"[unsure]{escape('Stopping: the evidence is being finished.')}[/]")
            task.cancel()

        for number in numbers:
            loop.add_signal_handler(number, stop)
        try:
            yield task
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
