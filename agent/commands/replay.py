"""``agent replay``: goes through a recorded job again with today's selectors and code, offline."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.browser.find import find_browser
from agent.commands.exit_codes import ExitCode
from agent.commands.named_job import kept_job
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.replay_view import differences, heading, not_compared
from agent.commands.screen import Screen
from agent.errors import AgentError, Mender, Refused
from agent.evidence.objects import ObjectDamaged
from agent.recording.archive import RecordingNotUnderstood
from agent.recording.serving import frozen_browser
from agent.replay.album import Album
from agent.replay.findings import Replay, Untold
from agent.replay.record import NotReplayable
from agent.replay.run import TODAY, Wish, replay_job
from agent.settings import Settings, load_settings
from flows import Catalogue


class ReplayCode(IntEnum):
    """The end of a replay, for scripts; documented in ``docs/reference/exit-codes.md``."""

    AGREES = 0  #: today's code sees, takes and decides what it did then
    DIFFERS = 4  #: something is seen, taken or decided otherwise
    INCOMPLETE = 5  #: nothing differs, but not everything could be compared


@dataclass(frozen=True)
class _Plan:
    folders: tuple[Path, ...]
    browser: Path
    wish: Wish
    output: Path


def replay(
    job: Annotated[
        str | None,
        typer.Argument(help="Id of the evidence, number in the queue, folder or bundle.", metavar="[JOB]"),
    ] = None,
    everything: Annotated[
        Path | None, typer.Option("--all", help="Every evidence folder below this one.", metavar="DIR")
    ] = None,
    selectors: Annotated[
        Path | None, typer.Option(help="A selector catalogue in place of the one in use.", metavar="FILE")
    ] = None,
    flow_version: Annotated[
        str,
        typer.Option(
            help="today: today's readings and decisions. recorded, or the version that made the evidence: the readings "
            "as they ran then, without decisions.",
            metavar="VERSION",
        ),
    ] = TODAY,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the pictures of differences go.", metavar="DIR")
    ] = Path("replay"),
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Go through a job again, offline: what would today's selectors and code see, take and decide on those pages?"""
    screen = Screen(as_json=as_json)
    try:
        with tempfile.TemporaryDirectory(prefix="agent-replay-") as workroom:
            plan = _plan(job, everything, selectors, flow_version, output, settings_file, Path(workroom))
            replays, page = asyncio.run(_replay_all(plan, screen))
    except AgentError as error:
        if error.code == "no-such-flow-version":
            screen.stop(error, ExitCode.USAGE)
        stop(screen, error)
    code = code_of(replays)
    _sum_up(screen, replays, code, page)
    if as_json:
        document = {"exit_code": int(code), "jobs": [item.document() for item in replays]}
        screen.document({**document, "differences_page": str(page) if page else None})
    raise typer.Exit(code)


def code_of(replays: Sequence[Replay]) -> ReplayCode:
    """The exit code of several replays: a difference is certain, so it weighs more than what is not known."""
    if any(not item.agrees for item in replays):
        return ReplayCode.DIFFERS
    return ReplayCode.INCOMPLETE if any(item.untold for item in replays) else ReplayCode.AGREES


def _plan(
    job: str | None,
    everything: Path | None,
    selectors: Path | None,
    flow_version: str,
    output: Path,
    settings_file: Path | None,
    workroom: Path,
) -> _Plan:
    if (job is None) == (everything is None):
        raise _misused("Name one job, or a folder of evidence with --all.", "JOB or --all DIR")
    settings = _settings(job, settings_file)
    if everything is not None:
        folders = tuple(sorted(path.parent for path in everything.rglob("request.json")))
        if not folders:
            raise _misused(f"There is no evidence below {everything}.", "a folder with evidence folders in it")
    else:
        folders = (kept_job(str(job), settings_file, workroom).folder,)
    configured = settings.paths.selectors if settings else None
    return _Plan(
        folders,
        find_browser(settings.browser.executable if settings else None),
        Wish(Catalogue.load(selectors or configured), flow_version),
        output,
    )


def _settings(job: str | None, settings_file: Path | None) -> Settings | None:
    """Settings are needed only for a job that is not named by a path."""
    if settings_file is None and (job is None or Path(job).exists()):
        return None
    return load_settings(settings_file)


def _misused(message: str, expected: str) -> Refused:
    return Refused("bad-usage", message, expected=expected, mender=Mender.OPERATOR)


async def _replay_all(plan: _Plan, screen: Screen) -> tuple[list[Replay], Path | None]:
    replays: list[Replay] = []
    album = Album(plan.output)
    async with frozen_browser(plan.browser) as browser:
        for folder in plan.folders:
            try:
                async with replay_job(folder, browser, plan.wish) as (replay, frozen):
                    if not replay.agrees:
                        await album.add(replay, frozen)
            except (NotReplayable, RecordingNotUnderstood, ObjectDamaged) as error:
                replay = not_replayed(folder, error)
            replays.append(replay)
            screen.people.print(heading(replay))
            if not replay.agrees:
                screen.people.print(differences(replay))
            if replay.untold:
                screen.people.print(not_compared(replay))
    return replays, album.write() if album.jobs else None


def not_replayed(folder: Path, error: AgentError) -> Replay:
    """A job of which nothing could be compared, and why; the others of ``--all`` are compared all the same."""
    return Replay(folder.name, str(folder), untold=[Untold("everything", 0, f"{error.message} ({error.code})")])


def _sum_up(screen: Screen, replays: Sequence[Replay], code: ReplayCode, page: Path | None) -> None:
    words = {
        ReplayCode.AGREES: "[good]✓[/] Today's code sees, takes and decides what it did then.",
        ReplayCode.DIFFERS: "[bad]✗[/] Today's code does not do as it did then.",
        ReplayCode.INCOMPLETE: "[unsure]?[/] Nothing differs, but not everything could be compared.",
    }
    outgoing = sum(item.outgoing for item in replays)
    asked = f"{outgoing} requests were tried by recorded pages and stopped." if outgoing else "No request left."
    screen.say(f"{words[code]} [quiet]{escape(asked)}[/]")
    if page is not None:
        screen.path("Differences", page)
