"""``agent trace``: looks at the recording of a job."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.named_job import NamedJob, kept_job
from agent.commands.options import SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.evidence.objects import LeftOut, ObjectStore
from agent.recording.archive import TraceArchive
from agent.recording.kept import KeptJob
from agent.recording.viewer import Viewer, shown, viewing
from agent.settings import is_loopback

app = typer.Typer(no_args_is_help=True, help="Look at the recording of a job.", rich_markup_mode="rich")


@app.callback()
def _group() -> None:
    """Makes a group of it, even of a single command."""


@app.command("show")
def show(
    job: NamedJob,
    trace: Annotated[int | None, typer.Option(help="Which recording, from 1, when there are several.", min=1)] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on; in a container 0.0.0.0.")] = "127.0.0.1",
    no_open: Annotated[bool, typer.Option("--no-open", help="Only say where it is; open no browser.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Open Playwright's own viewer on a job's recording: every page before, during and after each action.

    Runs until Ctrl-C. What is shown is redacted: no password, code or cookie is in it; names of people are.
    """
    screen = Screen()
    try:
        with tempfile.TemporaryDirectory(prefix="agent-trace-") as folder, _ends_at_signals():
            kept = kept_job(job, settings_file, Path(folder) / "unpacked")
            _show(screen, kept, Path(folder) / "viewed", trace, (host, port), open_it=not no_open)
    except AgentError as error:
        stop(screen, error)


def _show(
    screen: Screen, kept: KeptJob, folder: Path, number: int | None, where: tuple[str, int], *, open_it: bool
) -> None:
    kept.recording_file(number)
    files = assembled(kept, folder)
    first = number or 1
    host, port = where
    try:
        with viewing(files, host, port) as viewer:
            _say(screen, kept, viewer, files, first)
            if not is_loopback(host):
                words = f"Whoever reaches {escape(viewer.url)} sees this recording."
                screen.line("[unsure]![/]", f"{words} In a container publish the port to 127.0.0.1 of the host only.")
            if open_it and _has_screen():
                webbrowser.open(viewer.address(first))
            screen.say("[quiet]Ctrl-C ends it.[/]")
            viewer.wait()
    except KeyboardInterrupt:
        screen.say("[quiet]Ended; nothing is left of it.[/]")


def _say(screen: Screen, kept: KeptJob, viewer: Viewer, files: tuple[Path, ...], first: int) -> None:
    screen.say(f"[name]{escape(kept.job_id)}[/]  {shown(viewer.url)}")
    for number, file in enumerate(files, 1):
        sign = "[good]>[/]" if number == first else " "
        screen.people.print(f"{sign} {escape(file.name)}  [cyan]{escape(viewer.address(number))}[/]", soft_wrap=True)


def assembled(kept: KeptJob, folder: Path) -> tuple[Path, ...]:
    """All recordings of a job, whole, alone in a folder that only we may read."""
    folder.mkdir(mode=0o700, parents=True)
    files = []
    for path in kept.recordings:
        whole = folder / path.name
        TraceArchive(path, LeftOut(path, ObjectStore.beside(kept.folder))).assemble(whole)
        files.append(whole)
    return tuple(files)


@contextlib.contextmanager
def _ends_at_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does: with everything taken away again.

    Ctrl-C's own signal is named, too: a shell that starts a command in the background has it ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {sign: signal.signal(sign, end) for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        return  # before the viewer was up
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _has_screen() -> bool:
    """Whether there is a desktop: elsewhere the standard library would take the terminal for a text browser."""
    return sys.platform in {"darwin", "win32"} or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
