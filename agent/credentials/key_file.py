"""Reading the master key of the sealed keyring, from a file that nobody else could have put there or read.

Platforms mount secrets in three ways, and all of them are taken: a file of the agent's own with mode 0400 (systemd, a
plain server); a file of root's, or on a read-only mount, with mode 0444 below ``/run/secrets`` (Docker, compose); a
chain of links below a secret volume (Kubernetes: ``key`` → ``..data/key`` → ``..2026_…/key``).

What is refused, with the reason: a file that others could write or swap, one that others can read outside those
folders, a link that leaves its mount, anything but a regular file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from keyring.errors import KeyringLocked

FOLDER_VARIABLE = "AGENT_KEYRING_KEY_FOLDER"
SECRET_FOLDERS = ("/run/secrets",)  #: /var/run is a link to /run
_ADVICE = "it must be yours or root's (docs/how-to/credentials.md)"
MOST_BYTES = 4096  #: a master key is far shorter; a wrong path may name a large file

_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_key_file(path: Path) -> bytes:
    """The key's text without surrounding blanks; KeyringLocked says what is wrong with the file and how to mend it."""
    try:
        target = Path(os.path.realpath(path, strict=True))
        if path.is_symlink():
            _refuse_foreign_link(path, target)
        for folder in {Path(os.path.realpath(path.parent)), target.parent}:
            _refuse_open_folder(path, folder)
        # The file is judged by what was opened, not by what the path named a moment ago.
        handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _refuse_open_file(path, target, os.fstat(handle), _is_read_only(handle))
            return os.read(handle, MOST_BYTES).strip()
        finally:
            os.close(handle)
    except OSError as error:
        raise KeyringLocked(f"cannot read the master key file {path}: {error.strerror}") from error


def _refuse_foreign_link(path: Path, target: Path) -> None:
    link = path.lstat()
    if not _is_trusted(link.st_uid) and not _on_read_only_mount(path):
        raise KeyringLocked(f"the master key file {path} is a link of another user (uid {link.st_uid}): {_ADVICE}")
    if link.st_dev != target.stat().st_dev:
        raise KeyringLocked(f"the master key file {path} is a link to another file system ({target}): {_ADVICE}")


def _refuse_open_folder(path: Path, folder: Path) -> None:
    """A folder in which others may rename: they could put a key of theirs there. Sticky ones (/tmp) keep ours ours."""
    found = folder.stat()
    swappable = found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
    if (swappable or not _is_trusted(found.st_uid)) and not _on_read_only_mount(folder):
        raise KeyringLocked(f"the master key file {path} lies in {folder}, where others may replace it: {_ADVICE}")


def _refuse_open_file(path: Path, target: Path, found: os.stat_result, read_only: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyringLocked(f"the master key file {path} must be a regular file of mode 0400")
    if not _is_trusted(found.st_uid) and not read_only:
        raise KeyringLocked(f"the master key file {path} belongs to another user (uid {found.st_uid}): {_ADVICE}")
    if found.st_mode & _OTHERS_WRITE and not read_only:
        raise KeyringLocked(
            f"the master key file {path} can be written by others and must be a regular file of mode 0400 "
            f"(chmod 0400 {target})"
        )
    if found.st_mode & _OTHERS_READ and not _in_secret_folder(path, target):
        raise KeyringLocked(
            f"the master key file {path} can be read by others and must be a regular file of mode 0400 "
            f"(chmod 0400 {target}); only below {SECRET_FOLDERS[0]}, or a folder that {FOLDER_VARIABLE} names, "
            "does the platform's own mode count as safe"
        )


def _in_secret_folder(path: Path, target: Path) -> bool:
    """Whether path and file lie below a folder that a platform mounts for this one container, or that was named."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    folders = [Path(os.path.realpath(folder)) for folder in (*SECRET_FOLDERS, *([named] if named else []))]
    place = Path(os.path.realpath(path.parent))
    return any(place.is_relative_to(folder) and target.is_relative_to(folder) for folder in folders)


def _is_trusted(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _is_read_only(handle: int) -> bool:
    return bool(os.fstatvfs(handle).f_flag & os.ST_RDONLY)


def _on_read_only_mount(path: Path) -> bool:
    """Whether nobody in this container can change what lies there, whoever owns it on the host."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
