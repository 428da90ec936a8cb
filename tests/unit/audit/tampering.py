"""What tests of tampering share: an archive with jobs in it, and a ledger made to look right again."""

from __future__ import annotations

import hashlib
import json

from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.findings import Findings
from agent.audit.merkle import leaf_hash, root
from agent.audit.note import sign_note
from tests.unit.audit.archive import Archive

JOB = "070000-update-aa0001"
OTHER = "080000-update-aa0002"


def codes(findings: Findings) -> list[str]:
    return sorted({problem.code for problem in findings.problems})


def rechained(lines: list[bytes]) -> list[bytes]:
    """Lines with numbers and hashes made anew: what somebody without the key can do."""
    fresh: list[bytes] = []
    prev = "0" * 64
    for number, line in enumerate(lines):
        value = json.loads(line)
        value["seq"], value["prev"] = number, prev
        fresh.append(canonical(value) + b"\n")
        prev = hashlib.sha256(fresh[-1][:-1]).hexdigest()
    return fresh


def resigned(archive: Archive, lines: list[bytes]) -> None:
    """Write these lines and sign them with the real key: what only an insider can do."""
    archive.entries.write_bytes(b"".join(lines))
    keys = archive.signer.keys(origin_of(json.loads(lines[0])["data"]["ledger"]))
    checkpoint = Checkpoint(keys[0].name, len(lines), root(leaf_hash(line[:-1]) for line in lines))
    note = sign_note(checkpoint.text, keys)
    archive.checkpoint.write_text(note)
    archive.checkpoints.write_bytes(canonical({"at": "2026-11-30T00:00:00.000Z", "note": note}) + b"\n")
