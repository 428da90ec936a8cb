"""Shows single entries of a ledger without the others: each with its inclusion proof under a signed checkpoint.

Made when a bundle of one job is exported; verified with the bundle's own bytes and a public key. The bundle's
checkpoint proves the job's entries. Where keys were changed, older checkpoints stand beside it, each with the entries
about keys that it covers: so whoever trusts an older key comes to trust the newer one, or the other way round.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field, ValidationError

from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint
from agent.audit.entries import Entry, EntryDamaged
from agent.audit.merkle import ProofRejected, Tree, verify_consistency, verify_inclusion
from agent.audit.merkle import leaf_hash as hash_of_leaf
from agent.audit.tampering import BundleDamaged, HistoryForked, LedgerRolledBack, OtherLedger, ProofWrong
from agent.audit.trust import SignedHead, announcements
from agent.domain.access import Frozen

PROOFS = "proofs.json"  # in the ledger's folder of a bundle
Count = Annotated[int, Field(ge=0, strict=True)]


class ShownEntry(Frozen):
    """An entry's line and the way from it to the root of the checkpoint."""

    line: str
    proof: tuple[str, ...]  # base64


class ShownCheckpoint(Frozen):
    """A signed checkpoint with the entries that are shown under it."""

    note: str
    entries: tuple[ShownEntry, ...]


class ShownConsistency(Frozen):
    """The way from a head that the reader of the bundle keeps to the bundle's checkpoint."""

    size: Count
    root: str  # base64
    proof: tuple[str, ...]


class Proofs(Frozen):
    """Contents of ``ledger/proofs.json``; the first checkpoint is that of the bundle."""

    checkpoints: tuple[ShownCheckpoint, ...] = Field(min_length=1)
    consistency: tuple[ShownConsistency, ...] = ()


def prove(
    entries: Sequence[Entry], shown: Iterable[Entry], notes: Sequence[SignedHead], kept: Sequence[SignedHead]
) -> Proofs:
    """Proofs for ``shown``, entries about keys among them, under the latest of ``notes``.

    ``notes`` are the ledger's checkpoints, smallest first; for each change of keys the one right after it is used.
    """
    tree = Tree([hash_of_leaf(entry.line) for entry in entries])
    latest = notes[-1]
    about_keys = [entry for entry in entries if announcements([entry])]
    used = {
        next((head for head in notes if head.checkpoint.size > entry.seq), latest).checkpoint.size
        for entry in about_keys
    }
    older = [head for head in notes[:-1] if head.checkpoint.size in used]
    checkpoints = [_shown(tree, latest, list(shown))]
    for head in older:
        checkpoints.append(_shown(tree, head, [entry for entry in about_keys if entry.seq < head.checkpoint.size]))
    consistency = tuple(
        ShownConsistency(
            size=head.checkpoint.size,
            root=_text(head.checkpoint.root),
            proof=tuple(map(_text, tree.consistency_proof(head.checkpoint.size, latest.checkpoint.size))),
        )
        for head in {head.checkpoint.size: head for head in kept}.values()
        if head.checkpoint.size <= latest.checkpoint.size
    )
    return Proofs(checkpoints=tuple(checkpoints), consistency=consistency)


def _shown(tree: Tree, head: SignedHead, entries: Sequence[Entry]) -> ShownCheckpoint:
    size = head.checkpoint.size
    return ShownCheckpoint(
        note=head.text,
        entries=tuple(
            ShownEntry(line=entry.line.decode(), proof=tuple(map(_text, tree.inclusion_proof(entry.seq, size))))
            for entry in entries
        ),
    )


def parse(data: bytes) -> Proofs:
    """The proofs of a bundle; BundleDamaged for anything else, and for bytes that say nothing or say it twice."""
    try:
        proofs = Proofs.model_validate_json(data)
        again = written(proofs)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BundleDamaged(PROOFS, f"{PROOFS} cannot be read as proofs.") from error
    if again != data:
        raise BundleDamaged(PROOFS, f"{PROOFS} is not as it was written: it holds bytes that say nothing.")
    said: list[list[str]] = [[item.line for item in shown.entries] for shown in proofs.checkpoints]
    said.append([shown.note for shown in proofs.checkpoints])
    said.append([str(item.size) for item in proofs.consistency])
    if any(len(set(texts)) != len(texts) for texts in said):
        raise BundleDamaged(PROOFS, f"{PROOFS} proves something twice.")
    return proofs


def written(proofs: Proofs) -> bytes:
    """The bytes of ``proofs.json``; ValueError for text that cannot be written."""
    return canonical(proofs.model_dump(mode="json")) + b"\n"


def verify_entries(shown: ShownCheckpoint, checkpoint: Checkpoint) -> tuple[Entry, ...]:
    """The entries, each of which stands in the ledger at its number; raises ProofWrong for the first that does not."""
    entries = []
    for item in shown.entries:
        try:
            entry = Entry.parse(item.line.encode())
        except (EntryDamaged, UnicodeEncodeError) as error:
            raise ProofWrong(PROOFS, f"An entry in {PROOFS} is no entry as it was written: {error}.") from error
        try:
            verify_inclusion(hash_of_leaf(entry.line), entry.seq, checkpoint.size, _hashes(item.proof), checkpoint.root)
        except ProofRejected as error:
            raise ProofWrong(
                f"entry {entry.seq}", f"Entry {entry.seq} is not the one that stands in the signed ledger: {error}."
            ) from error
        entries.append(entry)
    return tuple(entries)


def verify_ways(latest: Checkpoint, shown: Sequence[ShownConsistency]) -> None:
    """Return when each way leads to the bundle's checkpoint, whoever keeps its head; raises ProofWrong."""
    for item in shown:
        try:
            (start,) = _hashes([item.root])
            verify_consistency(item.size, latest.size, start, latest.root, _hashes(item.proof))
        except ProofRejected as error:
            raise ProofWrong(PROOFS, f"The way from {item.size} entries in {PROOFS} is wrong: {error}.") from error


def verify_kept(kept: SignedHead, latest: Checkpoint, shown: Sequence[ShownConsistency]) -> None:
    """Return when the bundle's checkpoint grew out of a head that the reader keeps.

    Raises LedgerRolledBack for a bundle that is older than the head, HistoryForked when it is of another history,
    ProofWrong when the bundle has no way from this head.
    """
    head = kept.checkpoint
    if head.origin != latest.origin:
        raise OtherLedger(
            kept.subject, "The head you kept is of another ledger.", expected=head.origin, seen=latest.origin
        )
    if head.size > latest.size:
        raise LedgerRolledBack(
            kept.subject,
            f"The head you kept stands for {head.size} entries, the bundle for {latest.size}: the ledger was rolled "
            "back, or the bundle is older than your head.",
            expected=str(head.size),
            seen=str(latest.size),
        )
    if head.size == latest.size:
        if head.root != latest.root:
            raise _forked(kept, head, latest.root)
        return
    ways = [item for item in shown if item.size == head.size]
    if not ways:
        raise ProofWrong(
            kept.subject,
            "The bundle does not show how it follows from the head you kept: ask for one that was exported with "
            "--head and this file.",
        )
    try:
        verify_consistency(head.size, latest.size, head.root, latest.root, _hashes(ways[0].proof))
    except ProofRejected as error:
        raise _forked(kept, head, latest.root) from error


def _forked(kept: SignedHead, head: Checkpoint, root: bytes) -> HistoryForked:
    return HistoryForked(
        kept.subject,
        f"This is another history: its first {head.size} entries are not those of the head you kept.",
        expected=head.root.hex(),
        seen=root.hex(),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hashes(texts: Iterable[str]) -> list[bytes]:
    try:
        hashes = [(text, base64.b64decode(text, validate=True)) for text in texts]
    except ValueError as error:  # binascii.Error is one, and so is what it says of text beyond ASCII
        raise ProofRejected("a hash of the proof is not base64") from error
    if any(_text(data) != text for text, data in hashes):
        raise ProofRejected("a hash of the proof is not base64 as it was written")
    return [data for _, data in hashes]
