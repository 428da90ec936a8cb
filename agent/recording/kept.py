"""Finds a job's evidence and its recordings by what a person calls the job.

A job may be called by the id of its evidence (or a part of it that fits one job only), by its number in the queue (its
last run), by its folder, by a bundle for auditors that holds it, or by a ``trace.zip`` alone.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.errors import Mender, Refused
from agent.evidence.objects import LeftOut, ObjectStore
from agent.recording.archive import (
    LARGEST_ENTRY,
    LARGEST_WHOLE,
    MOST_ENTRIES,
    RecordingNotUnderstood,
    require_plain_name,
)
from agent.recording.recording import Recording

_REQUEST = "request.json"
_LEDGER = "ledger/entries.jsonl"
_IN_BUNDLE = "evidence/"
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_ID_PART = re.compile(r"[A-Za-z0-9_-]{3,100}")
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_MOST_NAMED = 5


@dataclass(frozen=True)
class KeptJob:
    """Where a job's evidence lies."""

    folder: Path

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.folder.name

    @property
    def recordings(self) -> tuple[Path, ...]:
        """``trace.zip``, ``trace-2.zip`` …: a further one for each time the browser was started again."""
        return tuple(sorted(self.folder.glob("trace*.zip"), key=_number))

    def open(self, number: int | None = None) -> Recording:
        """A recording with its shared bodies put back; the last one unless a number (from 1) is given.

        Refused "no-recording" when there is none of that number.
        """
        path = self.recording_file(number)
        return Recording.open(path, LeftOut(path, ObjectStore.beside(self.folder)))

    def recording_file(self, number: int | None = None) -> Path:
        """The file of a recording; errors as of :meth:`open`."""
        found = self.recordings
        if not found:
            raise Refused(
                "no-recording",
                f"The job {self.job_id} has no recording.",
                expected=f"{self.folder / 'trace.zip'}",
                seen=_why_none(self.folder),
                mender=Mender.OPERATOR,
            )
        if number is None:
            return found[-1]
        if not 1 <= number <= len(found):
            raise Refused(
                "no-recording",
                f"The job {self.job_id} has no recording of the number {number}.",
                expected=f"1 to {len(found)}",
                seen=str(number),
                mender=Mender.REQUESTER,
            )
        return found[number - 1]


def find_job(called: str, root: Path, workroom: Path) -> KeptJob:
    """The job of that name. ``root`` is the evidence folder of the settings; a bundle is unpacked into ``workroom``.

    Refused "no-such-job" or "several-jobs"; RecordingNotUnderstood for a zip that is neither bundle nor recording.
    """
    path = Path(called)
    if path.is_dir():
        return _in_folder(path)
    if path.suffix == ".zip" and path.is_file():
        return _in_zip(path, workroom)
    if _NUMBER.fullmatch(called):
        numbered = _by_number(int(called), root)
        if numbered is not None:
            return KeptJob(numbered)
    if not _ID_PART.fullmatch(called):
        raise _no_such_job(called, f"an id such as 091502-provision-4f1a9c, in {root}")
    exact = sorted(folder for folder in root.glob(f"*/{_DAY}/{called}") if folder.is_dir())
    fitting = exact or sorted(folder for folder in root.glob(f"*/{_DAY}/*{called}*") if folder.is_dir())
    return KeptJob(_only(called, fitting, root))


def _in_folder(path: Path) -> KeptJob:
    """The folder of a job itself, or one that holds a single job."""
    if (path / _REQUEST).exists() or any(path.glob("trace*.zip")):
        return KeptJob(path.resolve())
    inside = sorted(found.parent for found in path.glob(f"*/{_REQUEST}"))
    return KeptJob(_only(str(path), inside, path).resolve())


def _only(called: str, folders: list[Path], where: Path) -> Path:
    if not folders:
        raise _no_such_job(called, f"a job in {where}")
    if len(folders) > 1:
        named = ", ".join(folder.name for folder in folders[:_MOST_NAMED])
        more = f" and {len(folders) - _MOST_NAMED} more" if len(folders) > _MOST_NAMED else ""
        raise Refused(
            "several-jobs",
            f"More than one job is called {called}.",
            expected="the whole id of one job",
            seen=named + more,
            mender=Mender.REQUESTER,
        )
    return folders[0]


def _by_number(number: int, root: Path) -> Path | None:
    """The folder of the last run of a job of the queue, as the ledgers name it."""
    last = None
    for ledger in sorted(root.glob(f"*/{_LEDGER}")):
        for data in _sealed(ledger):
            folder = data.get("folder")
            if data.get("queue") == number and isinstance(folder, str):
                place = (ledger.parent.parent / folder).resolve()
                if place.is_relative_to(root.resolve()) and place.is_dir():
                    last = place
    return last


def _sealed(ledger: Path) -> Iterator[dict[str, object]]:
    for line in ledger.read_bytes().split(b"\n"):
        if b'"sealed"' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # torn by a kill; whether the ledger is whole is not our question
        if isinstance(entry, dict) and entry.get("kind") == "sealed" and isinstance(entry.get("data"), dict):
            yield entry["data"]


def _in_zip(path: Path, workroom: Path) -> KeptJob:
    """A bundle for auditors, unpacked as far as needed, or a recording alone."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
            if "trace.trace" in entries:
                alone = workroom / "evidence" / "recording" / path.stem
                alone.mkdir(parents=True)
                (alone / "trace.zip").write_bytes(path.read_bytes())
                return KeptJob(alone)
            wanted = {name: size for name, size in entries.items() if name.startswith(_IN_BUNDLE)}
            if len(wanted) > MOST_ENTRIES or sum(wanted.values()) > LARGEST_WHOLE:
                raise RecordingNotUnderstood(
                    f"{path.name} is larger than what is unpacked here; unpack it, and name a folder"
                )
            for name in wanted:
                require_plain_name(name)
                into = workroom / name
                into.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as entry:
                    into.write_bytes(entry.read(LARGEST_ENTRY))
    except RecordingNotUnderstood:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        raise RecordingNotUnderstood(
            f"{path.name} is not a whole zip file ({error})", "a bundle or a trace.zip"
        ) from error
    shown = [folder for folder in workroom.glob("evidence/*/*/*") if any(folder.glob("trace*.zip"))]
    return KeptJob(_only(path.name, sorted(shown), path))


def _no_such_job(called: str, expected: str) -> Refused:
    return Refused(
        "no-such-job",
        f"There is no job that is called {called}.",
        expected=expected,
        seen="none",
        mender=Mender.REQUESTER,
    )


def _why_none(folder: Path) -> str:
    """What the folder says about a recording that is not there."""
    withheld = sorted(folder.glob("trace*.withheld.txt"))
    if withheld:
        return withheld[0].read_text("utf-8", "replace").strip()
    try:
        lines = (folder / "log.jsonl").read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    for line in reversed(lines):
        if '"trace-missing"' in line:
            try:
                return f"not recorded: {json.loads(line).get('why', '')}"
            except ValueError:
                break
    return "no such file; it may have been removed by retention, which the ledger tells"


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 1
