"""Shared bodies: stored once, never rewritten, put back exactly, taken away only when nobody needs them."""

from __future__ import annotations

import json
import multiprocessing
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.credentials.known import KnownSecrets
from agent.evidence.folder import EvidenceFolder
from agent.evidence.objects import (
    INDEX,
    LeftOut,
    ObjectDamaged,
    ObjectMissing,
    ObjectStore,
    assemble,
    pack,
    references,
)
from agent.evidence.redact import redact_trace
from agent.evidence.seal import Withheld, store_trace
from tests.unit.evidence.test_places import exchange, page, recording

FONT = "resources/f0.woff2"
SHEET = "resources/5e.css"
SMALL = "resources/5a.css"
BODIES = {FONT: "\x00font" * 60_000, SHEET: "a { color: red }\n" * 400, SMALL: "a{}"}


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def job(tmp_path: Path, name: str) -> EvidenceFolder:
    return EvidenceFolder.create(tmp_path / "evidence", "northwind", datetime(2026, 11, 22, tzinfo=UTC), name)


def raw(tmp_path: Path) -> Path:
    """A recording with a font and a sheet."""
    font = exchange(response={"content": {"mimeType": "font/woff2", "_file": FONT}})
    return recording(tmp_path / "raw.zip", [page(["P", {}, "hello"]), font], BODIES)


def test_two_jobs_share_their_bodies(tmp_path: Path) -> None:
    """The second job's recording is smaller by what the first has stored; nothing stands twice."""
    sizes = []
    for name in ("job-1", "job-2"):
        folder = job(tmp_path, name)
        assert store_trace(folder, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
        sizes.append((folder.path / "trace.zip").stat().st_size)
        assert {body.name for body in references(folder.path)} == {f"trace.zip/{FONT}", f"trace.zip/{SHEET}"}
    stored = ObjectStore(tmp_path / "evidence" / "northwind" / "objects")
    assert len(list(stored.names())) == 2
    assert sizes[0] == sizes[1] < 1500


def test_a_recording_is_put_together_again(tmp_path: Path) -> None:
    """With its bodies put back it is the recording as redacted, byte for byte."""
    folder = job(tmp_path, "job-1")
    store_trace(folder, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
    whole = assemble(folder.path / "trace.zip", ObjectStore.beside(folder.path))
    assert whole == redact_trace(raw(tmp_path), KnownSecrets())
    left_out = LeftOut(folder.path / "trace.zip", ObjectStore.beside(folder.path))
    assert left_out.names() == [SHEET, FONT]
    assert left_out.read(SHEET) == BODIES[SHEET].encode()
    assert left_out.read(SMALL) is None


def test_a_recording_without_shared_bodies_comes_back_as_it_is(tmp_path: Path, store: ObjectStore) -> None:
    """Recordings of earlier versions have no index."""
    path = tmp_path / "trace.zip"
    path.write_bytes(pack({"trace.trace": b"{}\n"}))
    assert assemble(path, store) == path.read_bytes()


def test_what_is_missing_or_changed_is_told(tmp_path: Path) -> None:
    """A body that was removed or edited never comes back as if it were the one."""
    folder = job(tmp_path, "job-1")
    store_trace(folder, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
    stored = ObjectStore.beside(folder.path)
    body = next(body for body in references(folder.path) if body.name.endswith(".css"))
    path = stored.path_of(body.sha256)
    path.chmod(0o600)
    path.write_bytes(b"a { color: blue }")
    with pytest.raises(ObjectDamaged):
        assemble(folder.path / "trace.zip", stored)
    path.unlink()
    with pytest.raises(ObjectMissing):
        assemble(folder.path / "trace.zip", stored)
    assert LeftOut(folder.path / "trace.zip", stored).read(SHEET) is None


def test_what_is_stored_is_never_rewritten(store: ObjectStore) -> None:
    """The same bytes again are the same file; other bytes under that name are an error, not repaired in silence."""
    path = store.path_of(store.put(b"body" * 300))
    before = path.stat()
    assert store.put(b"body" * 300) == path.name
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mode & 0o777 == 0o400
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(ObjectDamaged):
        store.put(b"body" * 300)
    assert path.read_bytes() == b"other"


def test_a_damaged_store_costs_room_and_nothing_else(tmp_path: Path) -> None:
    """A recording keeps its own copy of a body that the store has wrong."""
    first = job(tmp_path, "job-1")
    store_trace(first, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
    stored = ObjectStore.beside(first.path)
    for name in stored.names():
        stored.path_of(name).chmod(0o600)
        stored.path_of(name).write_bytes(b"other")
    second = job(tmp_path, "job-2")
    assert store_trace(second, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
    assert assemble(second.path / "trace.zip", stored) == redact_trace(raw(tmp_path), KnownSecrets())


def _put_many(folder: str, numbers: range) -> None:
    for number in numbers:
        ObjectStore(Path(folder)).put(b"shared body %d" % number)


def test_many_processes_store_the_same(tmp_path: Path, store: ObjectStore) -> None:
    """Four processes that store the same bodies at once leave each of them once, whole, and no remains."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_many, args=(str(tmp_path / "objects"), range(40))) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    names = list(store.names())
    assert len(names) == 40
    assert all(store.read(name).startswith(b"shared body") for name in names)
    assert len(list((tmp_path / "objects").glob("??/*"))) == 40


def test_collection_takes_what_nobody_needs(store: ObjectStore, tmp_path: Path) -> None:
    """Unneeded and old goes, remains of killed writers too; needed stays, and so does what was stored just now."""
    needed, old, young = (store.put(name.encode() * 400) for name in ("needed", "old", "young"))
    torn = store.path_of(old).with_name(".torn.new")
    torn.write_bytes(b"x")
    now = store.path_of(young).stat().st_mtime
    for path in (store.path_of(needed), store.path_of(old), torn):
        os.utime(path, (now - 90_000, now - 90_000))
    assert store.collect({needed}, now=now, dry_run=True) == (2, 1201)
    assert store.collect({needed}, now=now) == (2, 1201)
    assert set(store.names()) == {needed, young}


def test_storing_again_makes_young(store: ObjectStore) -> None:
    """A body that a job refers to again just now is not taken, although its manifest is still to be written."""
    name = store.put(b"body" * 400)
    os.utime(store.path_of(name), (0, 0))
    store.put(b"body" * 400)
    assert store.collect(set()) == (0, 0)


def test_a_damaged_index_refers_to_nothing(tmp_path: Path) -> None:
    """Whoever reads it sees a recording with parts missing, not a crash."""
    folder = job(tmp_path, "job-1")
    (folder.path / "trace.zip").write_bytes(pack({INDEX: json.dumps({"../x": {"sha256": "no", "bytes": 1}}).encode()}))
    (folder.path / "trace-2.zip").write_bytes(b"no zip")
    assert references(folder.path) == ()


async def test_playwright_still_finds_styles(tmp_path: Path) -> None:
    """The zip that is put together holds the sheet under its own name, as the viewer asks for it."""
    folder = job(tmp_path, "job-1")
    store_trace(folder, "trace.zip", raw(tmp_path), KnownSecrets(), Withheld())
    (tmp_path / "whole.zip").write_bytes(assemble(folder.path / "trace.zip", ObjectStore.beside(folder.path)))
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        assert archive.read(SHEET) == BODIES[SHEET].encode()
        assert INDEX not in archive.namelist()
