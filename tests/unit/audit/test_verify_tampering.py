"""Each way of tampering by somebody without the key is found, and told by its own name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable

import pytest

from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.findings import NotAsSealed
from agent.audit.keys import KeyringSigner
from agent.audit.merkle import leaf_hash, root
from agent.audit.note import SigningKey, sign_note
from agent.audit.trust import Anchors
from agent.audit.verify import verify_tenant
from agent.credentials.store import CredentialStore
from tests.unit.audit.archive import Archive
from tests.unit.audit.books import MemoryKeyring
from tests.unit.audit.tampering import JOB, OTHER, codes, rechained

# --- files ---


def change_a_byte(archive: Archive) -> None:
    path = archive.folder(JOB) / "plan.json"
    path.write_bytes(path.read_bytes().replace(b"Trainee", b"Trainey"))


def change_a_picture(archive: Archive) -> None:
    path = archive.folder(JOB) / "pictures" / "01-before.jpg"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def remove_a_file(archive: Archive) -> None:
    (archive.folder(JOB) / "pictures" / "01-before.jpg").unlink()


def remove_the_manifest(archive: Archive) -> None:
    (archive.folder(JOB) / "manifest.json").unlink()


def remove_the_report(archive: Archive) -> None:
    (archive.folder(JOB) / "report.html").unlink()


def add_a_file(archive: Archive) -> None:
    (archive.folder(JOB) / "note.txt").write_text("it was not me")


def put_a_link_there(archive: Archive) -> None:
    path = archive.folder(JOB) / "plan.json"
    path.rename(archive.root / "plan.json")
    path.symlink_to(archive.root / "plan.json")


def change_the_manifest_as_well(archive: Archive) -> None:
    """Somebody who knows the format: file and manifest fit each other again."""
    change_a_byte(archive)
    data = (archive.folder(JOB) / "plan.json").read_bytes()
    path = archive.folder(JOB) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    entry = next(item for item in manifest["files"] if item["path"] == "plan.json")
    entry["sha256"] = hashlib.sha256(data).hexdigest()
    path.write_bytes(canonical(manifest))


def change_the_report(archive: Archive) -> None:
    path = archive.folder(JOB) / "report.html"
    path.write_text(path.read_text() + "<p>All is well.</p>")


def change_a_shared_body(archive: Archive) -> None:
    archive.shared_body.write_bytes(b"body { display: none }")


def remove_a_shared_body(archive: Archive) -> None:
    archive.shared_body.unlink()


def remove_a_folder(archive: Archive) -> None:
    shutil.rmtree(archive.folder(JOB))


def add_a_folder(archive: Archive) -> None:
    shutil.copytree(archive.folder(JOB), archive.folder(JOB).parent / "091000-update-cc0001")


def prune_other_bytes(archive: Archive) -> None:
    """The entry about the removal was written after the file had been changed."""
    change_a_picture(archive)
    archive.prune(JOB, "pictures/01-before.jpg")


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (change_a_byte, "evidence-file-changed"),
        (change_a_picture, "evidence-file-changed"),
        (remove_a_file, "evidence-file-removed"),
        (remove_the_manifest, "evidence-file-removed"),
        (remove_the_report, "evidence-file-removed"),
        (add_a_file, "evidence-file-added"),
        (put_a_link_there, "evidence-file-replaced"),
        (change_the_manifest_as_well, "evidence-manifest-changed"),
        (change_the_report, "evidence-report-changed"),
        (change_a_shared_body, "evidence-object-changed"),
        (remove_a_shared_body, "evidence-object-missing"),
        (remove_a_folder, "evidence-folder-removed"),
        (add_a_folder, "evidence-not-in-ledger"),
        (prune_other_bytes, "evidence-pruned-wrongly"),
    ],
)
def test_tampering_with_files(archive: Archive, tamper: Callable[[Archive], None], code: str) -> None:
    """Exactly its own error, and only for what was touched: the other folders are still proven."""
    tamper(archive)
    findings = verify_tenant(archive.tenant, archive.anchors)
    assert codes(findings) == [code]
    assert any(OTHER in sentence for sentence in findings.proven) or tamper in (
        change_a_shared_body,
        remove_a_shared_body,
    )
    with pytest.raises(NotAsSealed):
        findings.raise_if_any()


# --- the ledger, by somebody without the key ---


def change_an_entry(archive: Archive) -> None:
    lines = archive.lines()
    lines[1] = lines[1].replace(b"IT-4711", b"IT-4712")
    archive.entries.write_bytes(b"".join(lines))


def damage_an_entry(archive: Archive) -> None:
    lines = archive.lines()
    lines[2] = b"nothing of the kind\n"
    archive.entries.write_bytes(b"".join(lines))


def remove_an_entry(archive: Archive) -> None:
    lines = archive.lines()
    del lines[4:6]
    archive.entries.write_bytes(b"".join(lines))


def remove_an_entry_and_number_anew(archive: Archive) -> None:
    lines = archive.lines()
    del lines[4]
    archive.entries.write_bytes(b"".join(rechained(lines)))


def put_an_entry_in(archive: Archive) -> None:
    lines = archive.lines()
    archive.entries.write_bytes(b"".join([*lines[:4], lines[3], *lines[4:]]))


def swap_two_entries(archive: Archive) -> None:
    lines = archive.lines()
    lines[3], lines[4] = lines[4], lines[3]
    archive.entries.write_bytes(b"".join(lines))


def swap_two_entries_and_number_anew(archive: Archive) -> None:
    lines = archive.lines()
    lines[3], lines[4] = lines[4], lines[3]
    first, second = json.loads(lines[3]), json.loads(lines[4])
    first["at"], second["at"] = second["at"], first["at"]
    archive.entries.write_bytes(b"".join(rechained([*lines[:3], canonical(first), canonical(second), *lines[5:]])))


def cut_the_tail(archive: Archive) -> None:
    archive.entries.write_bytes(b"".join(archive.lines()[:-2]))


def replace_the_ledger(archive: Archive) -> None:
    """A new ledger with a key of its own, over the same jobs."""
    lines = archive.lines()
    value = json.loads(lines[0])
    stranger = KeyringSigner(CredentialStore(MemoryKeyring())).make(origin_of("feed" * 8))
    value["data"]["ledger"], value["data"]["keys"] = "feed" * 8, [stranger.public.vkey]
    fresh = rechained([canonical(value), *lines[1:]])
    _sign_with(archive, fresh, stranger)


def sign_with_a_foreign_key(archive: Archive) -> None:
    """The same ledger, signed by somebody who took over its name."""
    stranger = KeyringSigner(CredentialStore(MemoryKeyring())).make(archive.key.name)
    _sign_with(archive, archive.lines(), stranger)


def break_a_signature(archive: Archive) -> None:
    note = archive.checkpoint.read_text()
    mark = note.rstrip("\n")[-6]
    broken = note.rstrip("\n")[:-6] + ("A" if mark != "A" else "B") + note.rstrip("\n")[-5:] + "\n"
    archive.checkpoint.write_text(broken)


def damage_a_checkpoint(archive: Archive) -> None:
    archive.checkpoint.write_text("nothing of the kind\n")


def remove_all_signatures(archive: Archive) -> None:
    archive.checkpoint.unlink()
    archive.checkpoints.unlink()


def remove_the_ledger(archive: Archive) -> None:
    archive.entries.unlink()


def _sign_with(archive: Archive, lines: list[bytes], key: SigningKey) -> None:
    archive.entries.write_bytes(b"".join(lines))
    checkpoint = Checkpoint(key.name, len(lines), root(leaf_hash(line[:-1]) for line in lines))
    note = sign_note(checkpoint.text, [key])
    archive.checkpoint.write_text(note)
    archive.checkpoints.write_bytes(canonical({"at": "2026-11-30T00:00:00.000Z", "note": note}) + b"\n")


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (change_an_entry, ["ledger-entry-changed"]),
        (damage_an_entry, ["ledger-entry-changed"]),
        (remove_an_entry, ["ledger-entry-removed"]),
        (remove_an_entry_and_number_anew, ["ledger-rewritten", "ledger-truncated"]),
        (put_an_entry_in, ["ledger-entry-added"]),
        (swap_two_entries, ["ledger-entry-reordered"]),
        (swap_two_entries_and_number_anew, ["ledger-rewritten"]),
        (cut_the_tail, ["ledger-truncated"]),
        (replace_the_ledger, ["ledger-foreign-key"]),
        (sign_with_a_foreign_key, ["ledger-foreign-key"]),
        (break_a_signature, ["ledger-signature-broken"]),
        (damage_a_checkpoint, ["ledger-checkpoint-damaged"]),
        (remove_all_signatures, ["ledger-unsigned"]),
        (remove_the_ledger, ["ledger-missing"]),
    ],
)
def test_tampering_with_the_ledger(archive: Archive, tamper: Callable[[Archive], None], expected: list[str]) -> None:
    """Exactly its own error; what the folders then lack for a proof is no second accusation."""
    key = archive.key
    tamper(archive)
    findings = verify_tenant(archive.tenant, Anchors((key,)))
    assert [code for code in codes(findings) if code.startswith("ledger")] == expected
