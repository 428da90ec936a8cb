"""Pictures as files: on disk as they come, made small beside the work.

A picture is written as JPEG at once, so that a kill loses none, and replaced by a WebP of half the size by a thread
that takes only what the machine has left. The log names the WebP; where it could not be made the JPEG stays, and
:func:`picture_file` finds it.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from PIL import Image

from agent.errors import Failed
from agent.evidence.folder import EvidenceFolder

PICTURES = "pictures"
_JPEG, _WEBP = ".jpg", ".webp"
#: Measured on pages of the sandbox: less than half the bytes of a JPEG of quality 40, and easier to read. Method 4
#: saves 3% more and takes twice as long. Few colours without loss would be smaller still, but frames of fields go.
_QUALITY, _METHOD = 25, 2
_KINDLY = 10  # the browser comes first


class PictureFiles:
    """The pictures of one job."""

    def __init__(self, folder: EvidenceFolder) -> None:
        self._folder = folder
        self._pending: list[tuple[str, Future[None]]] = []

    def add(self, stem: str, jpeg: bytes) -> str:
        """Write the picture; returns the name under which it will stand in the sealed folder.

        Failed ``evidence-unwritable`` when the disk does not take it.
        """
        name = f"{PICTURES}/{stem}{_JPEG}"
        self._folder.write_bytes(name, jpeg, durable=False)
        self._pending.append((name, _thread().submit(_make_small, self._folder, name)))
        return f"{PICTURES}/{stem}{_WEBP}"

    def finish(self) -> None:
        """Return when every picture has its last form. Blocks; those whose turn has not come are made small here."""
        pending, self._pending = self._pending, []
        for name, future in pending:
            if future.cancel():
                _make_small(self._folder, name)
            else:
                future.result()


def finish_pictures(folder: EvidenceFolder) -> None:
    """Give the pictures that a dead process left their last form."""
    for path in sorted((folder.path / PICTURES).glob(f"*{_JPEG}")):
        _make_small(folder, path.relative_to(folder.path).as_posix())


def picture_file(folder: Path, name: str) -> Path | None:
    """Where the picture of that name stands: as it is named, else as the JPEG it was made of; None when it is gone."""
    for candidate in (folder / name, (folder / name).with_suffix(_JPEG)):
        if candidate.is_file():
            return candidate
    return None


def media_type(path: Path) -> str:
    """``image/webp`` or ``image/jpeg``."""
    return "image/webp" if path.suffix == _WEBP else "image/jpeg"


def small(jpeg: bytes) -> bytes:
    """The picture as a WebP. OSError for what is no picture."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        out = io.BytesIO()
        picture.save(out, format="WEBP", quality=_QUALITY, method=_METHOD)
        return out.getvalue()


def _make_small(folder: EvidenceFolder, name: str) -> None:
    # A picture that cannot be made small, or a disk without room for it, must not fail a job: the JPEG stays.
    with contextlib.suppress(OSError, Failed):
        data = small((folder.path / name).read_bytes())
        folder.write_bytes(str(PurePosixPath(name).with_suffix(_WEBP)), data, durable=False)
        folder.remove(name)


_LOCK = threading.Lock()
_THREADS: list[ThreadPoolExecutor] = []


def _thread() -> ThreadPoolExecutor:
    """The one thread of this process that makes pictures small, begun when it is first needed."""
    with _LOCK:
        if not _THREADS:
            _THREADS.append(ThreadPoolExecutor(1, thread_name_prefix="pictures", initializer=_be_kind))
        return _THREADS[0]


def _be_kind() -> None:
    with contextlib.suppress(AttributeError, OSError):  # not on every system
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _KINDLY)
