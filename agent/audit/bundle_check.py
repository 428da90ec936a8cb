"""Verifies a bundle with nothing but its own bytes and a public key."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from agent.audit import promises
from agent.audit.bundle import (
    DERIVED,
    INDEX,
    LEDGER_FOLDER,
    Index,
    Request,
    derive,
    in_bundle,
    tenant_folder,
)
from agent.audit.canonical import parse_canonical
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.entries import Entry, Witnessed
from agent.audit.findings import Findings
from agent.audit.ledger_check import LedgerView, check_ledger, runs_of
from agent.audit.merkle import leaf_hash, root
from agent.audit.note import Note
from agent.audit.proofs import PROOFS, parse, verify_entries, verify_kept, verify_ways
from agent.audit.reading import CHECKPOINT, CHECKPOINTS, ENTRIES, TIMESTAMPS
from agent.audit.sealed_folder import SharedBodies, check_folder
from agent.audit.sources import ZIP_ERRORS, Files, FolderFiles, Unreadable, ZippedFiles
from agent.audit.tampering import (
    BundleDamaged,
    CheckpointDamaged,
    FileAdded,
    FileRemoved,
    ForeignKey,
    NotGenuine,
    OtherLedger,
    PopulationWrong,
    ProofWrong,
    SelectionWrong,
    TableChanged,
)
from agent.audit.trust import Anchors, SignedHead, TrustedKeys, announcements, settle
from agent.audit.zip_form import nothing_hidden
from agent.evidence.objects import FOLDER as OBJECTS

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def verify_bundle(path: Path, anchors: Anchors) -> Findings:
    """What a bundle (a zip, or the folder it was unpacked to) proves, and everything that is wrong with it."""
    findings = Findings()
    with findings.collecting(), _opened(path) as files:
        index = _index(files)
        before = len(findings.problems)
        view = _ledger(files.below(LEDGER_FOLDER), index, anchors, findings)
        known = _check_runs(files, index, view, findings)
        if view.is_sound:
            _check_names(files, index, view, known, findings)
        if len(findings.problems) == before:
            with findings.collecting():
                _check_derived(files, index, view, findings)
        else:
            findings.open.append(promises.tables_unchecked())
    findings.open += promises.general_limits()
    return findings


@contextmanager
def _opened(path: Path) -> Iterator[Files]:
    if path.is_dir():
        yield FolderFiles(path)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise BundleDamaged(path.name, f"{path.name} cannot be read: {error.strerror}") from error
    with file:
        try:
            archive = zipfile.ZipFile(file)
            wrong = nothing_hidden(file, archive)
        except ZIP_ERRORS as error:
            raise BundleDamaged(path.name, f"{path.name} cannot be read as a zip: {error}") from error
        if wrong:
            raise BundleDamaged(path.name, f"{path.name} {wrong}.")
        with archive:
            yield ZippedFiles(archive)


def _index(files: Files) -> Index:
    try:
        index = Index.model_validate_json(files.read(INDEX))
    except (KeyError, Unreadable) as error:
        raise BundleDamaged(INDEX, f"There is no {INDEX}, or it cannot be read: this is no bundle.") from error
    except ValidationError as error:
        raise BundleDamaged(INDEX, f"{INDEX} is not as this version of the agent writes it.") from error
    if (index.kind == "period") != (index.begin is not None and index.end is not None):
        raise BundleDamaged(INDEX, f"{INDEX} does not say which period it is about, or says it of a job.")
    return index


def _ledger(files: Files, index: Index, anchors: Anchors, findings: Findings) -> LedgerView:
    if index.kind == "period":
        view = check_ledger(files, anchors, findings, handed_over=True)
        if view.is_sound:
            with findings.collecting():
                _check_form(files)
        if (view.ledger, view.tenant) != (index.ledger, index.tenant) and view.entries:
            findings.problems.append(
                OtherLedger(INDEX, f"{INDEX} and the ledger in the bundle do not belong together.")
            )
        return view
    with findings.collecting():
        return _shown_ledger(files, index, anchors, findings)
    return LedgerView(())


def _check_form(files: Files) -> None:
    """Not a byte of a bundle's ledger is there that nothing vouches for, and its checkpoint is the latest."""
    for name in (ENTRIES, CHECKPOINTS, CHECKPOINT):
        if not _required(files, name).endswith(b"\n"):
            raise BundleDamaged(name, f"{name} goes on after its last line.")
    lines = _required(files, CHECKPOINTS).split(b"\n")[:-1]
    marks = [parse_canonical(line) for line in lines]  # each was read before
    for number, mark in enumerate(marks, 1):
        if mark.keys() != {"at", "note"} or not isinstance(mark["at"], str) or not _MOMENT.fullmatch(mark["at"]):
            raise CheckpointDamaged(CHECKPOINTS, f"Line {number} of {CHECKPOINTS} is not as the ledger writes it.")
    sizes = [Checkpoint.parse(Note.parse(mark["note"]).text).size for mark in marks]
    if sizes != sorted(sizes) or len(set(lines)) != len(lines):
        raise CheckpointDamaged(CHECKPOINTS, f"{CHECKPOINTS} has a checkpoint twice, or an older one after a newer.")
    if not marks or _required(files, CHECKPOINT) != marks[-1]["note"].encode():
        raise CheckpointDamaged(CHECKPOINT, f"{CHECKPOINT} is not the latest one of {CHECKPOINTS}.")


def _required(files: Files, name: str) -> bytes:
    try:
        return files.read(name)
    except (KeyError, Unreadable) as error:
        raise FileRemoved(
            f"{LEDGER_FOLDER}/{name}", f"{LEDGER_FOLDER}/{name} was removed, or cannot be read."
        ) from error


def _shown_ledger(files: Files, index: Index, anchors: Anchors, findings: Findings) -> LedgerView:
    """The entries of one job, each proven to stand in the signed ledger."""
    try:
        proofs = parse(files.read(PROOFS))
    except (KeyError, Unreadable) as error:
        raise FileRemoved(f"{LEDGER_FOLDER}/{PROOFS}", "The proofs of this bundle are missing.") from error
    origin = origin_of(index.ledger)
    trusted = TrustedKeys(anchors.keys_of(origin))
    if not trusted.keys:
        raise ForeignKey(
            INDEX,
            f"This is from the ledger {origin}, and none of the keys you trust is named after it.",
            expected=", ".join(key.label for key in anchors.keys),
            seen=origin,
        )
    heads: list[tuple[SignedHead, tuple[Entry, ...]]] = []
    for number, shown in enumerate(proofs.checkpoints):
        head = SignedHead.parse(shown.note, "the checkpoint of the bundle" if not number else f"checkpoint {number}")
        if head.checkpoint.origin != origin:
            raise OtherLedger(head.subject, f"{head.subject} is of another ledger.", expected=origin)
        heads.append((head, verify_entries(shown, head.checkpoint)))
    for answer in settle(trusted, [(head, announcements(entries)) for head, entries in heads]):
        if isinstance(answer, NotGenuine):
            raise answer
    latest, entries = heads[0]
    if (latest.checkpoint.size, latest.checkpoint.root.hex()) != (index.head.size, index.head.root):
        raise ProofWrong(INDEX, f"{INDEX} names another checkpoint than the one the entries are proven under.")
    verify_ways(latest.checkpoint, proofs.consistency)
    _check_table(files, CHECKPOINT, latest.text.encode())
    findings.proven += [promises.included(entry.seq, latest.checkpoint.size) for entry in entries]
    findings.proven.append(promises.signed_by([key.label for key in trusted.keys]))
    findings.open += [*promises.single_job_limits(), promises.clock_limits(stamped=False)]
    for head in anchors.heads:
        with findings.collecting():
            trusted.require(head)
            verify_kept(head, latest.checkpoint, proofs.consistency)
            findings.proven.append(promises.reaches_head(head.checkpoint.size))
    return LedgerView(
        entries,
        ledger=index.ledger,
        tenant=index.tenant,
        signed=latest.checkpoint.size,
        keys=trusted.keys,
        is_sound=True,
        runs=runs_of(entries, latest.checkpoint.size),
    )


def _check_runs(files: Files, index: Index, view: LedgerView, findings: Findings) -> set[str]:
    """Every run of the index against the ledger; returns the names of the files that belong to them."""
    place = tenant_folder(index.tenant)
    bodies = SharedBodies(files.below(f"{place}/{OBJECTS}"))
    known: set[str] = set()
    good = records = total = 0
    for shown in index.runs:
        run = view.by_folder.get(shown.folder)
        folder = files.below(f"{place}/{shown.folder}")
        before = len(findings.problems)
        objects = bodies if shown.level == "full" else None
        checked = check_folder(shown.folder, folder, view, objects, findings, expected=in_bundle(shown.level))
        known |= {f"{place}/{shown.folder}/{name}" for name in folder.names()}
        if checked.manifest is not None and shown.level == "full":
            shared = (body.sha256 for body in checked.manifest.objects)
            known |= {f"{place}/{OBJECTS}/{sha256[:2]}/{sha256}" for sha256 in shared}
        if checked.pruned:
            rules = sorted({policy for _, policy in checked.pruned})
            findings.notes.append(promises.pruned(shown.folder, len(checked.pruned), rules))
        if len(findings.problems) == before and run is not None:
            good, total = good + 1, total + checked.files
            records += shown.level == "records"
            if shown.level == "full" and view.is_sound:
                findings.proven.append(promises.folder(shown.folder, checked.files, run.entry.seq))
    if records and view.is_sound:
        findings.proven.append(promises.records(records))
        findings.open.append(promises.records_only(records))
    findings.counts.update(runs=len(index.runs), good_runs=good, files=total)
    return known


def _check_names(files: Files, index: Index, view: LedgerView, known: set[str], findings: Findings) -> None:
    """Nothing may lie in a bundle that nothing in it speaks of."""
    ledger = {PROOFS, CHECKPOINT} if index.kind == "job" else {ENTRIES, CHECKPOINTS, CHECKPOINT}
    stamps = {f"{TIMESTAMPS}/{entry.data.size}.tsr" for entry in view.entries if isinstance(entry.data, Witnessed)}
    known |= {f"{LEDGER_FOLDER}/{name}" for name in ledger | stamps}
    for name in sorted(files.names() - known - DERIVED):
        findings.problems.append(FileAdded(name, f"{name} was added to the bundle."))


def _check_derived(files: Files, index: Index, view: LedgerView, findings: Findings) -> None:
    """Make index, tables and events again from the evidence, and compare every byte."""
    place = tenant_folder(index.tenant)
    seed = index.selection.seed
    wanted = Request(index.begin, index.end, index.selection.asked, "" if seed == index.head.root else seed)
    head = Checkpoint(origin_of(index.ledger), index.head.size, bytes.fromhex(index.head.root))
    if index.kind == "period":
        _require_whole(view, head)
    try:
        derived = derive(view.entries[: index.head.size], head, wanted, lambda folder: files.below(f"{place}/{folder}"))
    except ValueError as error:
        raise BundleDamaged(INDEX, f"No tables can be made of what is in the bundle: {error}.") from error
    for sentence in derived.population.mismatches:
        findings.problems.append(PopulationWrong(INDEX, f"The population does not add up: {sentence}"))
    if derived.index.selection != index.selection or derived.index.runs != index.runs:
        raise SelectionWrong(
            INDEX, "The jobs that are shown in full are not those that the stated rule draws: somebody picked them."
        )
    for name, data in derived.files.items():
        with findings.collecting():
            _check_table(files, name, data)
    if not findings.problems:
        if index.kind == "period":
            findings.proven.append(promises.population(derived.population.equation))
            drawn, always = len(index.selection.drawn), len(index.selection.always)
            findings.proven.append(promises.selection(drawn, always))
            if wanted.seed:
                findings.open.append(promises.own_seed(seed))
        findings.proven.append(promises.tables())


def _require_whole(view: LedgerView, head: Checkpoint) -> None:
    """The bundle stands under the end of its ledger, so that no job of the period is left out of the count."""
    if head.size != view.signed or head.root != root(leaf_hash(entry.line) for entry in view.entries[: head.size]):
        raise ProofWrong(INDEX, f"{INDEX} names another checkpoint than the last one of the ledger in the bundle.")


def _check_table(files: Files, name: str, data: bytes) -> None:
    try:
        found = files.read(name)
    except KeyError as error:
        raise FileRemoved(name, f"{name} was removed from the bundle.") from error
    except Unreadable as error:
        raise TableChanged(name, f"{name} cannot be read: its bytes are not what its own checksum says.") from error
    if found != data:
        raise TableChanged(name, f"{name} does not say what the evidence in this bundle says.")
