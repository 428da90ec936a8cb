"""Bodies that many jobs share (style sheets, fonts, images, scripts): stored once per tenant, named by their SHA-256.

::

    {evidence}/{tenant}/objects/ab/abcdef...     the redacted bytes; never rewritten

A ``trace.zip`` leaves such bodies out and says in ``objects.json`` what belongs where; :func:`assemble` puts them back.
Since ``objects.json`` is inside the zip, the hash of the zip in the manifest covers them, too. An ``objects.json`` in
the folder itself does the same for what the readings were made with.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import time
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from pydantic import Field, TypeAdapter

from agent.domain.access import Frozen
from agent.errors import Failed, Mender, RetrySafe
from agent.evidence.folder import canonical_json, unwritable
from agent.evidence.manifest import SharedObject

INDEX = "objects.json"
FOLDER = "objects"
_LOCK = ".lock"
_RECORDINGS = "trace*.zip"
_SMALLEST = 1024  # bytes; what is smaller takes more room as a file than in the zip
_SHARED = frozenset({".css", ".js", ".mjs", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".svg", ".ico"}) | frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"}
)
_NAME = re.compile(r"[0-9a-f]{64}")
_A_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_DAY_S = 86_400.0


class _Indexed(Frozen):
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


_INDEX = TypeAdapter(dict[str, _Indexed])


class ObjectSource(Protocol):
    """Where the bodies come from: a tenant's store, or a bundle for an auditor."""

    def read(self, sha256: str) -> bytes:
        """The body of that hash. Raises ObjectMissing or ObjectDamaged."""


class LeftOut:
    """The bodies that one recording left out, by their names in it: an ``ObjectSource`` of :mod:`agent.recording`."""

    def __init__(self, recording: Path, source: ObjectSource) -> None:
        """A recording that is damaged left nothing out, as far as anybody can tell."""
        self._source = source
        self._wanted = {item.name.partition("/")[2]: item.sha256 for item in references_of(recording)}

    def names(self) -> list[str]:
        """The names of all of them."""
        return sorted(self._wanted)

    def read(self, name: str) -> bytes | None:
        """The body; None when it was not left out, or has been removed since. Raises ObjectDamaged."""
        if name not in self._wanted:
            return None
        try:
            return self._source.read(self._wanted[name])
        except ObjectMissing:
            return None


class ObjectMissing(Failed):
    """A body that a recording refers to is not there (any more)."""

    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.NO

    def __init__(self, sha256: str, where: Path) -> None:
        super().__init__(
            "object-missing",
            "A part of a recording is missing from the store of shared parts.",
            expected=f"{where / sha256[:2] / sha256}",
            seen="no such file",
        )


class ObjectDamaged(Failed):
    """A stored body is not what its name says."""

    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.NO

    def __init__(self, sha256: str, seen: str) -> None:
        super().__init__(
            "object-damaged",
            "A part of a recording in the store of shared parts was changed.",
            expected=f"sha256 {sha256}",
            seen=seen,
        )


class ObjectStore:
    """The store of one tenant; may be used by several processes at once.

    Who stores holds the lock together with others, who collects holds it alone: so nothing is taken away that is being
    referred to at that moment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, job_folder: Path) -> ObjectStore:
        """The store of the tenant to whom this evidence folder belongs."""
        return cls(job_folder.parents[1] / FOLDER)

    def path_of(self, sha256: str) -> Path:
        """Where the body of that hash stands, or would stand."""
        if not _NAME.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._folder / sha256[:2] / sha256

    def holds(self, data: bytes) -> bool:
        """Whether exactly these bytes are in the store."""
        try:
            return self.path_of(_sha256(data)).read_bytes() == data
        except OSError:
            return False

    def put(self, data: bytes) -> str:
        """Store the bytes, once; returns their hash. On return they are on disk.

        What is there already only becomes young again, so that no collection takes it. Raises ObjectDamaged when what
        is there is something else, Failed ``evidence-unwritable`` when the disk does not take it.
        """
        sha256 = _sha256(data)
        path = self.path_of(sha256)
        try:
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked(fcntl.LOCK_SH):
                try:
                    os.utime(path)
                except FileNotFoundError:
                    self._write(path, data)
                else:
                    if path.read_bytes() != data:
                        raise ObjectDamaged(sha256, f"other bytes in {path}")
        except OSError as error:
            raise unwritable(path, error) from error
        return sha256

    def _write(self, path: Path, data: bytes) -> None:
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
        try:
            with fresh.open("xb") as file:
                os.fchmod(file.fileno(), 0o400)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process has stored the same bytes meanwhile
                os.link(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)

    def read(self, sha256: str) -> bytes:
        """The body of that hash, checked."""
        try:
            data = self.path_of(sha256).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(sha256, self._folder) from error
        if _sha256(data) != sha256:
            raise ObjectDamaged(sha256, f"sha256 {_sha256(data)}")
        return data

    def names(self) -> Iterator[str]:
        """Hashes of all that is stored."""
        for path in sorted(self._folder.glob("??/*")):
            if _NAME.fullmatch(path.name):
                yield path.name

    def collect(
        self, wanted: Collection[str], *, older_than_s: float = _DAY_S, now: float | None = None, dry_run: bool = False
    ) -> tuple[int, int]:
        """Remove what nobody refers to and nobody stored lately; how many and how many bytes.

        ``wanted`` are the hashes that any recording refers to. A day's grace covers recordings whose manifest is still
        to be written.
        """
        if not self._folder.is_dir():
            return 0, 0
        before = (time.time() if now is None else now) - older_than_s
        count = size = 0
        with self._locked(fcntl.LOCK_EX):
            for path in sorted(self._folder.glob("??/*")):
                is_body = _NAME.fullmatch(path.name) is not None
                told = path.stat()
                if told.st_mtime < before and not (is_body and path.name in wanted):
                    count, size = count + 1, size + told.st_size
                    if not dry_run:
                        path.unlink()
        return count, size

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        handle = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)


def is_shared(name: str, data: bytes) -> bool:
    """Whether the body of that name in a recording is of a kind that other recordings will have, too."""
    return name.startswith("resources/") and len(data) >= _SMALLEST and PurePosixPath(name).suffix.lower() in _SHARED


def index_of(bodies: Mapping[str, bytes]) -> bytes:
    """``objects.json`` for a recording that leaves these bodies out."""
    return canonical_json({name: {"bytes": len(data), "sha256": _sha256(data)} for name, data in bodies.items()})


def references(job_folder: Path) -> tuple[SharedObject, ...]:
    """What the recordings and the readings of an evidence folder refer to; a damaged recording refers to nothing."""
    recordings = [body for path in sorted(job_folder.glob(_RECORDINGS)) for body in references_of(path)]
    try:
        return (*recordings, *_of_readings(job_folder))
    except (OSError, ValueError):
        return tuple(recordings)


def named_in(job_folder: Path) -> tuple[SharedObject, ...]:
    """The same, for who has to know all: raises OSError, ValueError or zipfile.BadZipFile for what is damaged."""
    recordings = [body for path in sorted(job_folder.glob(_RECORDINGS)) for body in _of_recording(path)]
    return (*recordings, *_of_readings(job_folder))


def references_of(recording: Path) -> tuple[SharedObject, ...]:
    """What one recording refers to; nothing when it is damaged."""
    try:
        return _of_recording(recording)
    except (OSError, zipfile.BadZipFile, ValueError):
        return ()


def _of_recording(recording: Path) -> tuple[SharedObject, ...]:
    with zipfile.ZipFile(recording) as archive:
        index = _index(archive)
    return tuple(
        SharedObject(name=f"{recording.name}/{name}", bytes=item.bytes, sha256=item.sha256)
        for name, item in sorted(index.items())
    )


def _of_readings(job_folder: Path) -> tuple[SharedObject, ...]:
    try:
        index = _INDEX.validate_json((job_folder / INDEX).read_bytes())
    except FileNotFoundError:
        return ()
    return tuple(
        SharedObject(name=f"{INDEX}/{name}", bytes=item.bytes, sha256=item.sha256)
        for name, item in sorted(index.items())
    )


def assemble(recording: Path, source: ObjectSource) -> bytes:
    """The whole recording, as Playwright made it but for what was redacted: with the shared bodies put back.

    Raises ObjectMissing, ObjectDamaged; OSError and zipfile.BadZipFile for a recording that cannot be read.
    """
    data = recording.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        index = _index(archive)
        if not index:
            return data
        entries = {name: archive.read(name) for name in archive.namelist() if name != INDEX}
    for name, item in index.items():
        entries[name] = source.read(item.sha256)
    return pack(entries)


def pack(entries: Mapping[str, bytes]) -> bytes:
    """A zip of these entries; the same entries give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _A_FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, entries[name])
    return buffer.getvalue()


def _index(archive: zipfile.ZipFile) -> dict[str, _Indexed]:
    if INDEX not in archive.namelist():
        return {}
    return _INDEX.validate_python(json.loads(archive.read(INDEX)))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
