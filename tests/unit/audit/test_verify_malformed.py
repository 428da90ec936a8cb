"""Hostile bytes: evidence and bundles that somebody made to crash, to hang or to mislead whoever verifies them."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.audit.bundle import Request
from agent.audit.bundle_check import verify_bundle
from agent.audit.canonical import NotJson, canonical, parse_json
from agent.audit.export import export_job, export_period
from agent.audit.ledger_source import read_source
from agent.audit.sources import FolderFiles, Unreadable
from agent.audit.verify import verify_tenant
from agent.errors import Failed
from tests.unit.audit.archive import Archive

JOB = "070000-update-aa0001"
NOVEMBER = Request("2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z", 25, "")
DEEP = b"[" * 200_000
Contents = dict[str, bytes]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two jobs of one day."""
    made = Archive(tmp_path_factory.mktemp("original"))
    made.job(JOB)
    made.job("070100-update-aa0002")
    made.day_is_over()
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path) -> Archive:
    return original.copy(tmp_path)


@pytest.fixture
def period(archive: Archive) -> Path:
    file = archive.root / "period.zip"
    export_period(read_source(archive.tenant), file, NOVEMBER)
    verify_bundle(file, archive.anchors).raise_if_any()
    return file


@pytest.fixture
def single(archive: Archive) -> Path:
    file = archive.root / "single.zip"
    export_job(read_source(archive.tenant), file, JOB)
    verify_bundle(file, archive.anchors).raise_if_any()
    return file


def codes(findings: Any) -> set[str]:
    return {problem.code for problem in findings.problems}


def with_contents(file: Path, change: Callable[[Contents], None]) -> Path:
    """The bundle with other contents, as a proper zip."""
    with zipfile.ZipFile(file) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    change(contents)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as fresh:
        for name, data in contents.items():
            fresh.writestr(name, data)
    return file


def unpacked(file: Path, folder: Path) -> Path:
    with zipfile.ZipFile(file) as opened:
        opened.extractall(folder)
    return folder


# --- bytes that crash ---


@pytest.mark.parametrize(
    "data",
    [DEEP, b'{"a":' * 200_000, b"1" * 5000, b"\xff\xfe", b"{", b"", b" " * ((1 << 26) + 1)],
    ids=["deep lists", "deep objects", "a long number", "no utf-8", "torn", "empty", "too large"],
)
def test_what_is_no_json_has_one_error(data: bytes) -> None:
    """Whatever stands where JSON should: the error that callers look for."""
    with pytest.raises(NotJson):
        parse_json(data)


HUGE = b'{"at":"","data":{},"kind":"period","prev":"","seq":%d,"v":1}'


@pytest.mark.parametrize(
    "line",
    [DEEP, HUGE % 10**15, HUGE % 10**400, HUGE % -5, b'{"seq":true}', b'{"seq":"\\ud800"}', b"\x00", b""],
    ids=["deep", "far", "beyond", "negative", "no number", "half a surrogate", "null", "empty"],
)
def test_a_hostile_line_in_the_ledger(archive: Archive, line: bytes) -> None:
    """It is told as a changed entry: at once, and without a list of all that is missing before it."""
    with archive.entries.open("ab") as file:
        file.write(line + b"\n")
    assert "ledger-entry-changed" in codes(verify_tenant(archive.tenant, archive.anchors))


@pytest.mark.parametrize("name", ["manifest.json", "plan.json", "log.jsonl", "outcome.json", "request.json"])
@pytest.mark.parametrize("data", [DEEP, b"\xff", b'{"steps":5,"differences":7}', b"[]"])
def test_a_hostile_record_of_a_job(archive: Archive, name: str, data: bytes) -> None:
    """Found by the verification; the export of it goes on, and its bundle is not genuine."""
    (archive.folder(JOB) / name).write_bytes(data)
    assert codes(verify_tenant(archive.tenant, archive.anchors)) & {
        "evidence-file-changed",
        "evidence-manifest-changed",
    }
    file = archive.root / "bundle.zip"
    export_job(read_source(archive.tenant), file, JOB)
    assert codes(verify_bundle(file, archive.anchors))


@pytest.mark.parametrize(
    "line",
    [
        {"event": "step-started", "step": 9, "title": "x", "at": "yesterday"},
        {"event": "step-started", "step": 9, "title": "x", "at": 5},
        {"event": "step-ended", "step": 10**30, "title": "x", "at": "2026-11-16T07:00:00", "milliseconds": 10**30},
    ],
)
def test_an_export_of_a_damaged_log(archive: Archive, line: dict[str, Any]) -> None:
    """Times and numbers that no log has: the bundle is made, and says of itself that it is not genuine."""
    with (archive.folder(JOB) / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    file = archive.root / "bundle.zip"
    export_period(read_source(archive.tenant), file, NOVEMBER)
    assert "evidence-file-changed" in codes(verify_bundle(file, archive.anchors))


def test_an_export_of_what_no_table_can_hold(archive: Archive) -> None:
    """Half a surrogate has no bytes: a clear error, and no half bundle."""
    with (archive.folder(JOB) / "log.jsonl").open("a") as log:
        log.write('{"event":"step-started","step":9,"title":"\\ud800","at":"2026-11-16T07:00:00.000Z"}\n')
    with pytest.raises(Failed) as failed:
        export_job(read_source(archive.tenant), archive.root / "bundle.zip", JOB)
    assert failed.value.code == "evidence-unreadable"
    assert list(archive.root.glob("*bundle.zip*")) == []


def draw(name: str, value: object) -> Callable[[Contents], None]:
    def change(contents: Contents) -> None:
        index = json.loads(contents["bundle.json"])
        index["selection"][name] = value
        contents["bundle.json"] = json.dumps(index).encode()

    return change


def outside(contents: Contents) -> None:
    index = json.loads(contents["bundle.json"])
    index["runs"][0]["folder"] = "../../../etc"
    contents["bundle.json"] = canonical(index)


@pytest.mark.parametrize(
    "change",
    [
        draw("asked", 10**30),
        draw("asked", -2),
        draw("asked", True),
        draw("seed", "\ud800"),
        draw("seed", ""),
        draw("seed", "\x1b[2J"),
        draw("seed", "x" * 201),
        lambda contents: contents.update({"bundle.json": DEEP}),
        outside,
    ],
)
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_hostile_index(
    archive: Archive, period: Path, change: Callable[[Contents], None], tmp_path: Path, as_folder: bool
) -> None:
    """Told as damage, whether packed or not."""
    file = with_contents(period, change)
    place = unpacked(file, tmp_path / "unpacked") if as_folder else file
    assert codes(verify_bundle(place, archive.anchors)) == {"bundle-damaged"}


def test_a_pipe_or_a_link_is_not_read(archive: Archive, period: Path, tmp_path: Path) -> None:
    """In an unpacked bundle and in a job's folder: nobody waits for a pipe that nothing is written to."""
    folder = unpacked(period, tmp_path / "unpacked")
    for name in ("bundle.json", "ledger/checkpoint", "ledger/entries.jsonl", "population.csv"):
        kept = (folder / name).read_bytes()
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert codes(verify_bundle(folder, archive.anchors))
        (folder / name).unlink()
        (folder / name).write_bytes(kept)
    plan = archive.folder(JOB) / "plan.json"
    plan.unlink()
    os.mkfifo(plan)
    assert codes(verify_tenant(archive.tenant, archive.anchors))
    plan.unlink()
    plan.symlink_to("request.json")
    with pytest.raises(Unreadable):
        FolderFiles(plan.parent).read("plan.json")


def test_proofs_beyond_ascii(archive: Archive, single: Path) -> None:
    """A hash that is no base64 at all."""

    def change(contents: Contents) -> None:
        proofs = json.loads(contents["ledger/proofs.json"])
        proofs["checkpoints"][0]["entries"][0]["proof"][0] = "ä" * 44
        contents["ledger/proofs.json"] = canonical(proofs) + b"\n"

    assert codes(verify_bundle(with_contents(single, change), archive.anchors)) == {"bundle-proof-wrong"}


def test_a_zip_of_another_age(archive: Archive, period: Path) -> None:
    """One that needs version 9.9 of whatever unpacks it."""
    data = bytearray(period.read_bytes())
    (start,) = struct.unpack("<L", data[-6:-2])  # of the list of files
    struct.pack_into("<H", data, start + 6, 99)
    period.write_bytes(bytes(data))
    assert codes(verify_bundle(period, archive.anchors)) == {"bundle-damaged"}


# --- bytes that nothing vouches for ---


def doubled(part: str) -> Callable[[Contents], None]:
    def change(contents: Contents) -> None:
        proofs = json.loads(contents["ledger/proofs.json"])
        items = proofs["checkpoints"] if part == "checkpoints" else proofs["checkpoints"][0]["entries"]
        items.append(items[0])
        contents["ledger/proofs.json"] = canonical(proofs) + b"\n"

    return change


def untrue_way(contents: Contents) -> None:
    proofs = json.loads(contents["ledger/proofs.json"])
    proofs["consistency"].append({"size": 2, "root": "A" * 43 + "=", "proof": []})
    contents["ledger/proofs.json"] = canonical(proofs) + b"\n"


def spaces(contents: Contents) -> None:
    contents["ledger/proofs.json"] += b"  "


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (doubled("checkpoints"), "bundle-damaged"),
        (doubled("entries"), "bundle-damaged"),
        (spaces, "bundle-damaged"),
        (untrue_way, "bundle-proof-wrong"),
    ],
)
def test_more_proofs_than_there_are(
    archive: Archive, single: Path, change: Callable[[Contents], None], code: str
) -> None:
    """Twice, with bytes that say nothing, or for a head that never was."""
    assert codes(verify_bundle(with_contents(single, change), archive.anchors)) == {code}


def appended(name: str) -> Callable[[Contents], None]:
    def change(contents: Contents) -> None:
        contents[f"ledger/{name}"] += b"for your eyes only"

    return change


def mark(change_of: Callable[[list[dict[str, Any]]], None]) -> Callable[[Contents], None]:
    def change(contents: Contents) -> None:
        marks = [json.loads(line) for line in contents["ledger/checkpoints.jsonl"].splitlines()]
        change_of(marks)
        contents["ledger/checkpoints.jsonl"] = b"".join(canonical(item) + b"\n" for item in marks)

    return change


def oldest(contents: Contents) -> None:
    contents["ledger/checkpoint"] = json.loads(contents["ledger/checkpoints.jsonl"].splitlines()[0])["note"].encode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (appended("entries.jsonl"), "bundle-damaged"),
        (appended("checkpoints.jsonl"), "bundle-damaged"),
        (mark(lambda marks: marks[0].update(more="x")), "ledger-checkpoint-damaged"),
        (mark(lambda marks: marks[0].update(at="a word from me")), "ledger-checkpoint-damaged"),
        (mark(lambda marks: marks.append(marks[-1])), "ledger-checkpoint-damaged"),
        (mark(lambda marks: marks.reverse()), "ledger-checkpoint-damaged"),
        (oldest, "ledger-checkpoint-damaged"),
        (lambda contents: contents.pop("ledger/checkpoint"), "evidence-file-removed"),
    ],
)
def test_a_ledger_with_more_or_less_than_was_signed(
    archive: Archive, period: Path, change: Callable[[Contents], None], code: str
) -> None:
    """Text after the last line, further or forged members, an old checkpoint as the latest, or none."""
    assert codes(verify_bundle(with_contents(period, change), archive.anchors)) == {code}


def in_a_folder(data: bytes) -> bytes:
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("evidence/", b"hidden here")
    return file.getvalue()


def with_comment(data: bytes) -> bytes:
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as opened:
        opened.comment = b"hidden here"
    return file.getvalue()


def with_extra(data: bytes) -> bytes:
    file, fresh = io.BytesIO(data), io.BytesIO()
    with zipfile.ZipFile(file) as opened, zipfile.ZipFile(fresh, "w") as written:
        for info in opened.infolist():
            contents = opened.read(info)
            info.extra = struct.pack("<2H", 0x7075, 6) + b"hidden"
            written.writestr(info, contents)
    return fresh.getvalue()


def between(data: bytes) -> bytes:
    """Before the list of files, with the end pointing to where the list is now."""
    size, start = struct.unpack("<2L", data[-10:-2])
    end = data[-22:-10] + struct.pack("<2LH", size, start + 6, 0)
    return data[:start] + b"hidden" + data[start:-22] + end


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"hidden" + data,
        lambda data: data + b"hidden",
        between,
        in_a_folder,
        with_comment,
        with_extra,
    ],
    ids=["before", "after", "between", "in a folder", "comment", "extra"],
)
def test_a_zip_with_bytes_that_belong_to_no_file(
    archive: Archive, period: Path, change: Callable[[bytes], bytes]
) -> None:
    """Unpackers pass them by; a genuine bundle has none."""
    period.write_bytes(change(period.read_bytes()))
    assert codes(verify_bundle(period, archive.anchors)) == {"bundle-damaged"}


def test_a_link_takes_nothing_into_a_bundle(archive: Archive) -> None:
    """The file of the keyring, linked into a job's folder, and in the place of a file that was sealed."""
    secret = archive.root / "keyring.key"
    secret.write_text("the master key")
    folder = archive.folder(JOB)
    (folder / "x.txt").symlink_to(secret)
    (folder / "y.txt").write_text("the master key")
    (folder / "outcome.json").unlink()
    (folder / "outcome.json").symlink_to(secret)
    body = next(path for path in (archive.tenant / "objects").rglob("*") if path.is_file())
    body.unlink()
    body.symlink_to(secret)
    file = archive.root / "bundle.zip"
    export_job(read_source(archive.tenant), file, JOB)
    with zipfile.ZipFile(file) as opened:
        assert not [name for name in opened.namelist() if b"the master key" in opened.read(name)]


def test_a_bundle_that_cannot_be_written_has_its_own_sentence(archive: Archive) -> None:
    """Not the one about evidence of a job that stops."""
    with pytest.raises(Failed) as failed:
        export_job(read_source(archive.tenant), archive.root / "nowhere" / "x.zip", JOB)
    assert failed.value.code == "output-unwritable"
    assert "bundle" in failed.value.message
