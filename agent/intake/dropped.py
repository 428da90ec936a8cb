"""A file that somebody dropped into the inbox: whether it is whole, what is in it, where it goes.

A file is *claimed* first, by renaming it into ``.taken``: nobody can put another one under its name between reading and
filing it away, and a start after a crash knows what was under way.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.jobs.parse import MAX_BYTES

TAKEN, ACCEPTED, REJECTED = ".taken", "accepted", "rejected"
REASON = ".reason.txt"
UNFINISHED = (".tmp", ".part")  #: endings under which senders write before they rename
_LONGEST_NAME = 255  #: bytes, of a file's name on common file systems


class Unusable(Exception):
    """Why a file cannot be taken; the message is for the person who dropped it."""


@dataclass(frozen=True)
class Look:
    """How a file looked: two equal looks, one poll apart, mean that nobody is writing it."""

    inode: int
    size: int
    changed_ns: int


def waiting(folder: Path) -> Iterator[tuple[Path, Look]]:
    """What lies in the inbox to be taken, by name; folders, hidden and unfinished files are left alone."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith(".") or entry.name.endswith(UNFINISHED) or entry.is_dir(follow_symlinks=False):
            continue
        try:
            seen = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # taken back by its sender
        yield Path(entry.path), Look(seen.st_ino, seen.st_size, seen.st_mtime_ns)


def is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing, as far as the system tells: a lease is refused then.

    Only the file's owner may ask; for others, and where leases do not exist, two equal looks have to do.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False  # told when it is read
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def claim(path: Path) -> Path:
    """Take the file out of everybody's reach; the path it has now."""
    return _move(path, path.parent / TAKEN)


@dataclass(frozen=True)
class Content:
    """What is in a file, and the account that owns it: whoever could write it, as the kernel tells."""

    data: bytes
    owner: int


def content(path: Path) -> Content:
    """What is in a claimed file. Raises Unusable for what is no ordinary, readable file of an ordinary size.

    A file with a second name (a hard link) is none either: whoever gave it that name need not be its owner.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unusable("It is a link. Links are not followed: drop the file itself.") from error
        raise Unusable(f"It cannot be read: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode):
            raise Unusable("It is not an ordinary file.")
        if seen.st_nlink > 1:
            raise Unusable("It has a second name (a hard link). Drop a copy: a file's owner says who submits it.")
        if seen.st_size > MAX_BYTES:
            raise Unusable(f"It has {seen.st_size:,} bytes; a job file has at most {MAX_BYTES:,}.")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unusable(f"It has more than the {MAX_BYTES:,} bytes that a job file may have.")
    if not data.strip():
        raise Unusable("It is empty.")
    return Content(data, seen.st_uid)


def _own_folder(folder: Path) -> Path:
    """The folder, made if need be. Raises OSError for a link: whoever may write into the inbox could have put it there,
    and what lies behind it would be taken for dropped files and moved about."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise NotADirectoryError(
            errno.ENOTDIR, "the inbox needs a folder of its own here, not a link or a file", str(folder)
        )
    return folder


def accept(path: Path, inbox: Path) -> Path:
    """File a claimed file away as taken."""
    return _move(path, inbox / ACCEPTED)


def reject(path: Path, inbox: Path, reason: str) -> Path:
    """File a claimed file away as refused, its reason beside it; the reason is there before the file is."""
    folder = _own_folder(inbox / REJECTED)
    target = _free(folder, path.name)
    note = folder / (_fitting(target.name, REASON) + REASON)
    fresh = folder / f".{hashlib.sha256(os.fsencode(note.name)).hexdigest()[:16]}.new"
    with fresh.open("w", encoding="utf-8", errors="backslashreplace") as out:
        out.write(reason)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(note)
    path.rename(target)
    return target


def taken(inbox: Path) -> list[Path]:
    """What an earlier process had claimed and not filed away."""
    folder = inbox / TAKEN
    return sorted(_own_folder(folder).iterdir()) if os.path.lexists(folder) else []


def shown(path: Path) -> str:
    """A file's name on one line, whatever its bytes are."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")


def _move(path: Path, folder: Path) -> Path:
    target = _free(_own_folder(folder), path.name)
    path.rename(target)
    return target


def _free(folder: Path, name: str) -> Path:
    """A name in the folder that is not taken: ``people.csv``, else ``people-2.csv``."""
    target, number = folder / name, 1
    while os.path.lexists(target):
        number += 1
        ending = f"-{number}{Path(name).suffix}"
        target = folder / (_fitting(name.removesuffix(Path(name).suffix), ending) + ending)
    return target


def _fitting(name: str, ending: str) -> str:
    """The name, shortened where it would be too long with this ending."""
    room = _LONGEST_NAME - len(os.fsencode(ending))
    return os.fsdecode(os.fsencode(name)[:room])
