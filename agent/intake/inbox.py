"""The inbox: a folder into which other systems drop job files.

A sender writes under a name that begins with ``.`` or ends with ``.tmp`` or ``.part``, and renames when the file is
whole. A taken file goes to ``accepted/``; one that cannot be used goes to ``rejected/``, with the reason beside it. A
file counts once: a crash between the queue and the filing away gives the same request keys to the queue again, which
knows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from agent.domain.names import INBOX
from agent.errors import AgentError, Failed
from agent.intake import dropped
from agent.intake.batch import SUFFIXES, Source, format_of_name, read_batch
from agent.intake.dropped import Look, Unusable
from agent.intake.owner import account_name
from agent.intake.submission import new_jobs
from agent.jobs.problems import ProblemsFound
from agent.queue.interface import Queue
from agent.queue.record import Accepted
from agent.settings import Settings

_log = structlog.get_logger()


class Inbox:
    """Takes what is dropped, until cancelled. ``trouble`` says why it cannot work at present, for the status."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._queue = queue
        self._seen: dict[Path, Look] = {}
        self.trouble = ""

    async def run(self) -> None:
        """Look into the folder every ``inbox.poll_s``; returns at once when there is none."""
        while self._settings.inbox.folder is not None:
            await self.look()
            await asyncio.sleep(self._settings.inbox.poll_s)

    async def look(self) -> None:
        """One look: files that have come to rest since the last one are taken."""
        folder = self._settings.inbox.folder
        if folder is None:
            return
        try:
            ready = await asyncio.to_thread(self._ready, folder)
            for path in ready:
                await self._take(folder, path)
        except (OSError, Failed) as error:
            self._tell(str(error))
        else:
            self._tell("")

    def _ready(self, folder: Path) -> list[Path]:
        """Claimed files: those of a killed process, then those that look as they did a poll ago."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        left = dropped.taken(folder)
        seen = dict(dropped.waiting(folder))
        rested = [path for path, look in seen.items() if self._seen.get(path) == look]
        self._seen = seen
        for path in rested:
            if dropped.is_being_written(path):
                continue
            try:
                left.append(dropped.claim(path))
            except FileNotFoundError:
                continue  # taken back by its sender
            del self._seen[path]
        return left

    async def _take(self, folder: Path, path: Path) -> None:
        """Submit one claimed file and file it away; Failed (the queue's disk is full) leaves it claimed."""
        name = dropped.shown(path)
        try:
            accepted = await self._submit(path, name)
        except Failed:
            raise
        except (Unusable, AgentError) as error:
            target = await asyncio.to_thread(dropped.reject, path, folder, _reason(name, error))
            _log.warning("inbox-file-rejected", file=name, filed=dropped.shown(target), why=_first_line(error))
            return
        target = await asyncio.to_thread(dropped.accept, path, folder)
        known = sum(item.joined for item in accepted)
        _log.info(
            "inbox-file-accepted",
            file=name,
            filed=dropped.shown(target),
            jobs=[item.id for item in accepted],
            known=known,
        )

    async def _submit(self, path: Path, name: str) -> Sequence[Accepted]:
        kind = format_of_name(path.name)
        if kind is None:
            raise Unusable(f"Its name ends with none of {', '.join(SUFFIXES)}.")
        found = await asyncio.to_thread(dropped.content, path)
        placed = await asyncio.to_thread(read_batch, [Source(name, found.data, kind)])
        batch = f"inbox:{name}"[:120] if len(placed) > 1 else None
        by = INBOX + account_name(found.owner)
        return await self._queue.submit(new_jobs(placed, self._settings, by, batch=batch))

    def _tell(self, trouble: str) -> None:
        """Say once that the inbox cannot work, and once that it can again."""
        if trouble and trouble != self.trouble:
            _log.error("inbox-stopped", why=trouble)
        elif self.trouble and not trouble:
            _log.info("inbox-works-again")
        self.trouble = trouble


def _reason(name: str, error: Exception) -> str:
    """The note beside a rejected file."""
    lines = [f"{name} was not taken: no job of it is in the queue.", ""]
    if isinstance(error, ProblemsFound):
        lines += [error.summary, *(f"- {problem.sentence}" for problem in error.problems)]
    elif isinstance(error, AgentError):
        lines += [f"{error.message} ({error.code})"]
        lines += [f"expected: {error.expected}"] if error.expected else []
        lines += [f"seen: {error.seen}"] if error.seen else []
    else:
        lines.append(str(error))
    lines += ["", "Correct the file and drop it again. Nothing was changed in Procore.", ""]
    return "\n".join(lines)


def _first_line(error: Exception) -> str:
    """For the log: how many problems, not whose data."""
    return error.summary if isinstance(error, ProblemsFound) else str(error).partition("\n")[0]
