"""Files to be verified, wherever they are: in a folder, or in a bundle that nobody has to unpack."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from typing import Protocol

_LARGEST = 1 << 30  # bytes; a ledger of a million jobs


#: what zipfile raises for a zip that somebody made to be read wrongly
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)


class Unreadable(Exception):
    """A file cannot be read: no rights, a broken disk, or other bytes in a zip than its own checksum says."""


class Files(Protocol):
    """Files by their names relative to some place, with /."""

    def names(self) -> frozenset[str]:
        """Every file; links are named, not followed."""

    def is_link(self, name: str) -> bool:
        """Whether a link stands there."""

    def read(self, name: str) -> bytes:
        """The bytes of a file. KeyError when there is none, Unreadable when it cannot be read."""

    def digest(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 of a file, read in pieces; errors as of :meth:`read`."""

    def below(self, folder: str) -> Files:
        """The files of one folder, by their names relative to it."""


class FolderFiles:
    """Files of a folder on disk, as they are when they are first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> frozenset[str]:
        """As :meth:`Files.names`."""
        return frozenset(self._found)

    def is_link(self, name: str) -> bool:
        """As :meth:`Files.is_link`. What lies behind a link to a folder is not among the names."""
        return self._found.get(name, False)

    def read(self, name: str) -> bytes:
        """As :meth:`Files.read`."""
        with self._open(name) as file:
            try:
                data = file.read(_LARGEST + 1)
            except OSError as error:
                raise Unreadable(f"{name}: {error.strerror}") from error
        if len(data) > _LARGEST:
            raise Unreadable(f"{name}: larger than {_LARGEST} bytes")
        return data

    def digest(self, name: str) -> tuple[int, str]:
        """As :meth:`Files.digest`."""
        with self._open(name) as file:
            try:
                total = hashlib.file_digest(file, "sha256")
                return file.tell(), total.hexdigest()
            except OSError as error:
                raise Unreadable(f"{name}: {error.strerror}") from error

    def below(self, folder: str) -> FolderFiles:
        """As :meth:`Files.below`."""
        return FolderFiles(self.root / folder)

    @cached_property
    def _found(self) -> dict[str, bool]:
        """Names, and whether each is a link; with few system calls, since ten thousand folders are looked through."""
        found: dict[str, bool] = {}
        waiting = [("", os.fspath(self.root))]
        while waiting:
            prefix, folder = waiting.pop()
            try:
                entries = os.scandir(folder)
            except OSError:
                continue  # not there, or not ours to read: then nothing in it is there
            with entries:
                for entry in entries:
                    name = f"{prefix}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((f"{name}/", entry.path))
                    else:
                        found[name] = entry.is_symlink()
        return found

    def _open(self, name: str) -> BufferedReader:
        """A file and nothing else: a link is not followed, and a pipe that nobody writes to is not waited for."""
        try:
            number = os.open(f"{self.root}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None
        except OSError as error:
            raise Unreadable(f"{name}: {error.strerror}") from error
        except ValueError as error:  # a null byte, or half a surrogate
            raise KeyError(name) from error
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise Unreadable(f"{name}: no file")
        return os.fdopen(number, "rb")


class ZippedFiles:
    """Files of a zip, below ``prefix`` (empty, or with a / at its end)."""

    def __init__(self, file: zipfile.ZipFile, prefix: str = "") -> None:
        self._file = file
        self._prefix = prefix

    def names(self) -> frozenset[str]:
        """As :meth:`Files.names`."""
        return frozenset(self._inside(self._file.namelist()))

    def _inside(self, names: Iterable[str]) -> Iterable[str]:
        start = len(self._prefix)
        return (name[start:] for name in names if name.startswith(self._prefix) and not name.endswith("/"))

    def is_link(self, name: str) -> bool:
        """A zip of ours holds no links; what claims to be one is taken as the file it is."""
        return False

    def read(self, name: str) -> bytes:
        """As :meth:`Files.read`; what claims to be larger than any file of ours is not unpacked."""
        try:
            if self._file.getinfo(self._prefix + name).file_size > _LARGEST:
                raise Unreadable(f"{name}: larger than {_LARGEST} bytes")
            return self._file.read(self._prefix + name)
        except ZIP_ERRORS as error:
            raise Unreadable(f"{name}: {error}") from error

    def digest(self, name: str) -> tuple[int, str]:
        """As :meth:`Files.digest`."""
        total, size = hashlib.sha256(), 0
        try:
            with self._file.open(self._prefix + name) as file:
                while piece := file.read(1 << 20):
                    total.update(piece)
                    size += len(piece)
        except ZIP_ERRORS as error:
            raise Unreadable(f"{name}: {error}") from error
        return size, total.hexdigest()

    def below(self, folder: str) -> ZippedFiles:
        """As :meth:`Files.below`."""
        return ZippedFiles(self._file, f"{self._prefix}{folder}/")
