"""A bundle for auditors that somebody has changed: each way has its own error, and none is called genuine."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.audit.bundle_check import verify_bundle
from agent.audit.canonical import canonical
from agent.audit.export import export_job
from agent.audit.ledger_source import read_source
from tests.unit.audit.archive import Archive
from tests.unit.audit.exported import archive, bundle, codes, original, rewritten

__all__ = ["archive", "bundle", "original"]  # fixtures


def in_folder(contents: dict[str, bytes], ending: str, *, level: str = "full") -> str:
    """The name of such a file of a run that is in the bundle with all its files, or with its records only."""
    runs = json.loads(contents["bundle.json"])["runs"]
    folders = [run["folder"] for run in runs if run["level"] == level]
    return next(
        f"evidence/acme/{folder}/{ending}" for folder in folders if f"evidence/acme/{folder}/{ending}" in contents
    )


def change_a_picture(contents: dict[str, bytes]) -> None:
    contents[in_folder(contents, "pictures/01-before.jpg")] += b"!"


def change_a_record(contents: dict[str, bytes]) -> None:
    name = in_folder(contents, "plan.json", level="records")
    contents[name] = contents[name].replace(b"Site Engineer", b"Company Admin")


def remove_a_picture(contents: dict[str, bytes]) -> None:
    del contents[in_folder(contents, "pictures/01-before.jpg")]


def remove_a_record(contents: dict[str, bytes]) -> None:
    del contents[in_folder(contents, "log.jsonl", level="records")]


def add_a_file(contents: dict[str, bytes]) -> None:
    contents["evidence/acme/2026-11-16/extra.txt"] = b"look here"


def add_a_file_to_a_job(contents: dict[str, bytes]) -> None:
    contents[in_folder(contents, "plan.json").replace("plan.json", "extra.txt")] = b"look here"


def remove_a_body(contents: dict[str, bytes]) -> None:
    del contents[next(name for name in contents if "/objects/" in name)]


def change_the_population(contents: dict[str, bytes]) -> None:
    contents["population.csv"] = contents["population.csv"].replace(b",uncertain,", b",done,")


def change_the_changes(contents: dict[str, bytes]) -> None:
    contents["changes.csv"] = contents["changes.csv"].replace(b"head@example.com", b"boss@example.com")


def change_an_event(contents: dict[str, bytes]) -> None:
    contents["events.ocsf.jsonl"] = contents["events.ocsf.jsonl"].replace(b'"Success"', b'"Failure"', 1)


def change_the_equation(contents: dict[str, bytes]) -> None:
    contents["bundle.json"] = contents["bundle.json"].replace(b"8 done", b"9 done")


def remove_a_table(contents: dict[str, bytes]) -> None:
    del contents["population.csv"]


def pick_the_samples(contents: dict[str, bytes]) -> None:
    """Show a harmless job in place of a drawn one, with everything else in order."""
    index = json.loads(contents["bundle.json"])
    drawn = index["selection"]["drawn"]
    others = [run for run in index["runs"] if run["level"] == "records"]
    index["selection"]["drawn"] = sorted([*drawn[1:], others[-1]["sealed_entry"] - 1])
    contents["bundle.json"] = canonical(index) + b"\n"


def remove_an_entry(contents: dict[str, bytes]) -> None:
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:5] + lines[6:])


def cut_the_ledger(contents: dict[str, bytes]) -> None:
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:-3])


def cut_everything_at_an_earlier_checkpoint(contents: dict[str, bytes]) -> None:
    """The ledger as it was earlier, properly signed; only the index still knows how long it was."""
    marks = contents["ledger/checkpoints.jsonl"].splitlines(keepends=True)[:-1]
    note = json.loads(marks[-1])["note"]
    size = int(note.split("\n")[1])
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:size])
    contents["ledger/checkpoints.jsonl"] = b"".join(marks)
    contents["ledger/checkpoint"] = note.encode()


def no_bundle_at_all(contents: dict[str, bytes]) -> None:
    del contents["bundle.json"]


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (change_a_picture, "evidence-file-changed"),
        (change_a_record, "evidence-file-changed"),
        (remove_a_picture, "evidence-file-removed"),
        (remove_a_record, "evidence-file-removed"),
        (add_a_file, "evidence-file-added"),
        (add_a_file_to_a_job, "evidence-file-added"),
        (remove_a_body, "evidence-object-missing"),
        (change_the_population, "bundle-table-changed"),
        (change_the_changes, "bundle-table-changed"),
        (change_an_event, "bundle-table-changed"),
        (change_the_equation, "bundle-table-changed"),
        (remove_a_table, "evidence-file-removed"),
        (pick_the_samples, "bundle-selection-wrong"),
        (remove_an_entry, "ledger-entry-removed"),
        (cut_the_ledger, "ledger-truncated"),
        (cut_everything_at_an_earlier_checkpoint, "bundle-proof-wrong"),
        (no_bundle_at_all, "bundle-damaged"),
    ],
)
def test_tampering_with_a_bundle(
    archive: Archive, bundle: Path, tamper: Callable[[dict[str, bytes]], None], code: str
) -> None:
    """Exactly its own error."""
    assert codes(verify_bundle(bundle, archive.anchors)) == []
    found = codes(verify_bundle(rewritten(bundle, tamper), archive.anchors))
    assert found == [code]


def test_a_changed_byte_of_the_zip_itself(archive: Archive, bundle: Path) -> None:
    """Somebody who does not bother to make a proper zip of it again."""
    data = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as opened:
        name = next(item for item in opened.infolist() if item.filename.endswith("01-before.jpg"))
    data[name.header_offset + 30 + len(name.filename) + 3] ^= 1
    bundle.write_bytes(bytes(data))
    assert codes(verify_bundle(bundle, archive.anchors)) == ["evidence-file-changed"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"x" * 100])
def test_what_is_no_zip_is_told(archive: Archive, tmp_path: Path, data: bytes) -> None:
    """A half-copied file is no accusation of anybody, and no crash."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(data)
    assert codes(verify_bundle(file, archive.anchors)) == ["bundle-damaged"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("IT-4711", "IT-4712"), "bundle-proof-wrong"),
        (lambda text: text.replace('"proof":["', '"proof":["AAAA'), "bundle-proof-wrong"),
        (lambda text: "{}", "bundle-damaged"),
    ],
)
def test_tampering_with_a_bundle_of_one_job(archive: Archive, change: Callable[[str], str], code: str) -> None:
    """An entry or a proof that was changed."""
    file = archive.root / "job.zip"
    export_job(read_source(archive.tenant), file, "070100-offboard-bb0001")

    def spoil(contents: dict[str, bytes]) -> None:
        changed = change(contents["ledger/proofs.json"].decode()).encode()
        assert changed != contents["ledger/proofs.json"]
        contents["ledger/proofs.json"] = changed

    found = codes(verify_bundle(rewritten(file, spoil), archive.anchors))
    assert found == [code]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_byte_is_changed_nothing_false_is_called_genuine(archive: Archive, bundle: Path, seed: int) -> None:
    """Bits flipped anywhere in the zip: found, or nothing but the zip's own trimmings; and never a crash."""
    lot, good = random.Random(seed), bundle.read_bytes()  # noqa: S311  # the same bits each time
    before = contents_of(bundle)
    for _ in range(20):
        data = bytearray(good)
        data[lot.randrange(len(data))] ^= 1 << lot.randrange(8)
        bundle.write_bytes(bytes(data))
        if not verify_bundle(bundle, archive.anchors).problems:
            assert contents_of(bundle) == before


def contents_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_a_bundle_that_hides_a_file_outside_itself(archive: Archive, bundle: Path) -> None:
    """A name that leads out of the folder it is unpacked to, and one that is there twice."""
    with zipfile.ZipFile(bundle, "a") as opened:
        opened.writestr("../outside.txt", b"")
    assert codes(verify_bundle(bundle, archive.anchors)) == ["bundle-damaged"]
