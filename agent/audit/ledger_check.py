"""Verifies a whole ledger: entries, signatures, a head that was kept elsewhere, the signed periods.

Needs the ledger's files and one public key; no keyring, no network, no settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from agent.audit import promises
from agent.audit.canonical import NotCanonical, parse_canonical
from agent.audit.chain_check import checked_entries
from agent.audit.checkpoint import origin_of
from agent.audit.entries import Entry, Kind, Opened, Period, Pruned, Reported, Sealed
from agent.audit.findings import Findings
from agent.audit.merkle import Frontier, leaf_hash
from agent.audit.note import PublicKey
from agent.audit.period_check import check_periods
from agent.audit.prune_rules import is_whole, why_not
from agent.audit.reading import CHECKPOINT, CHECKPOINTS, ENTRIES
from agent.audit.sources import Files, Unreadable
from agent.audit.tampering import (
    CheckpointDamaged,
    ForeignKey,
    HistoryForked,
    LedgerMissing,
    LedgerRewritten,
    LedgerRolledBack,
    NotGenuine,
    NothingSigned,
    OtherLedger,
    TailTruncated,
)
from agent.audit.trust import Anchors, Announcement, SignedHead, TrustedKeys, announcements, settle
from agent.audit.witness_check import check_witnesses


@dataclass(frozen=True)
class RunOnRecord:
    """What a ledger says of one sealed run."""

    entry: Entry  # the first ``sealed`` one: a later one cannot take its place
    sealed: Sealed
    reported: Reported | None = None  # the one that counts
    pruned: tuple[Pruned, ...] = ()  # those that count
    misfits: tuple[tuple[Entry, Pruned, str], ...] = ()  # removals that retention cannot have made, with the reason
    unsigned: tuple[Entry, ...] = ()  # ``reported`` and ``pruned`` ones that no signature covers: they excuse nothing

    @property
    def is_wholly_pruned(self) -> bool:
        """Whether even the list of its files was removed, at the end of its time."""
        return any(is_whole(pruned) for pruned in self.pruned)


@dataclass(frozen=True)
class LedgerView:
    """A ledger that was read, with as much of it as could be."""

    entries: tuple[Entry, ...]
    ledger: str = ""
    tenant: str = ""
    signed: int = 0  # entries below this number are covered by a trusted signature
    keys: tuple[PublicKey, ...] = ()
    is_sound: bool = False  # nothing is wrong with it: what its entries say can be relied on
    runs: Mapping[str, RunOnRecord] = field(default_factory=dict)  # by the id of the evidence

    @property
    def opened_at(self) -> str:
        """The time of its first entry; empty without one."""
        return self.entries[0].at if self.entries else ""

    @cached_property
    def by_folder(self) -> Mapping[str, RunOnRecord]:
        """Runs by their folder, relative to the tenant's."""
        found: dict[str, RunOnRecord] = {}
        for run in self.runs.values():
            found.setdefault(run.sealed.folder, run)  # a later entry cannot take a folder over
        return found


def runs_of(entries: Sequence[Entry], signed: int) -> dict[str, RunOnRecord]:
    """What the entries say of each sealed run; those from ``signed`` on add nothing to a run that is signed."""
    runs: dict[str, RunOnRecord] = {}
    for entry in entries:
        match entry.data:
            case Sealed() as sealed:
                runs.setdefault(sealed.job_id, RunOnRecord(entry, sealed))
            case Reported(job_id=job_id) | Pruned(job_id=job_id) if job_id in runs:
                run = runs[job_id]
                if run.entry.seq < signed <= entry.seq:
                    runs[job_id] = replace(run, unsigned=(*run.unsigned, entry))
                else:
                    runs[job_id] = _with(run, entry)
    return runs


def _with(run: RunOnRecord, entry: Entry) -> RunOnRecord:
    """With one more entry about it. There is one report after the seal, and others only after files were removed."""
    if isinstance(entry.data, Pruned):
        reason = why_not(entry, entry.data, run.sealed)
        if reason:
            return replace(run, misfits=(*run.misfits, (entry, entry.data, reason)))
        return replace(run, pruned=(*run.pruned, entry.data))
    if isinstance(entry.data, Reported) and (run.reported is None or run.pruned):
        return replace(run, reported=entry.data)
    return run


def check_ledger(files: Files, anchors: Anchors, findings: Findings, *, handed_over: bool = False) -> LedgerView:
    """Put down everything that is wrong with the ledger in ``files``, and what it proves.

    One that was ``handed_over`` ends with what is signed; where the agent works, its last entries may wait for that.
    """
    try:
        data = files.read(ENTRIES)
    except (KeyError, Unreadable):
        findings.problems.append(LedgerMissing(ENTRIES, "There is no ledger, or it cannot be read."))
        return LedgerView(())
    lines = data.split(b"\n")[:-1]  # what a killed process left without its line feed is no entry
    before = len(findings.problems)
    entries = checked_entries(lines, findings)
    whole = len(findings.problems) == before
    opened = entries[0].data if entries and isinstance(entries[0].data, Opened) else None
    origin = origin_of(opened.ledger) if opened else ""
    heads = _heads(files, findings)
    roots = _roots(lines, {head.checkpoint.size for head in (*heads, *anchors.heads)}) if whole else {}
    trusted, kept = TrustedKeys(anchors.keys_of(origin)), anchors.heads
    if opened is not None and not trusted.keys:
        findings.problems.append(
            ForeignKey(
                "entry 0",
                f"This is the ledger {origin}, and none of the keys you trust is named after it.",
                expected=", ".join(key.label for key in anchors.keys),
                seen=", ".join(opened.keys),
            )
        )
        heads, kept = [], ()
    fitting = _fitting(heads, origin, roots, len(lines), findings) if whole else []
    said = announcements(entries)
    signed = _signed(trusted, fitting, said, findings)
    if whole and trusted.keys and not heads:
        findings.problems.append(NothingSigned("checkpoint", "Nothing in this ledger is signed."))
    if handed_over and signed < len(lines) and len(findings.problems) == before:  # else no wonder
        findings.problems.append(
            NothingSigned(f"entry {signed}", f"{len(lines) - signed} entries were added after the last signature.")
        )
    for head in kept if whole else ():
        with findings.collecting():
            _check_kept(head, origin, len(entries), roots, trusted)
            findings.proven.append(promises.reaches_head(head.checkpoint.size))
    view = LedgerView(
        entries,
        ledger=opened.ledger if opened else "",
        tenant=opened.tenant if opened else "",
        signed=signed,
        keys=trusted.keys,
        runs=runs_of(entries, signed),
    )
    if whole:
        if signed:
            findings.proven += promises.whole_ledger(signed, [key.label for key in trusted.keys])
        findings.open += promises.ledger_limits(len(entries), signed, has_head=bool(kept))
        if len(findings.problems) == before:  # else wrong numbers are no wonder
            check_periods(entries, signed, findings)
        check_witnesses(files, entries, fitting, anchors.roots, findings)
    _count(view, findings)
    return replace(view, is_sound=len(findings.problems) == before)


def _heads(files: Files, findings: Findings) -> list[SignedHead]:
    """Every checkpoint of the ledger once, the smallest first."""
    texts: dict[str, str] = {}  # note -> where it stands
    names = files.names()
    if CHECKPOINTS in names:
        for number, line in enumerate(_read(files, CHECKPOINTS, findings).split(b"\n")[:-1], 1):
            where = f"checkpoint {number} of {CHECKPOINTS}"
            try:
                note = parse_canonical(line)["note"]
                texts.setdefault(str(note), where)
            except (NotCanonical, KeyError, TypeError):
                findings.problems.append(CheckpointDamaged(where, f"{where} cannot be read."))
    if CHECKPOINT in names and (data := _read(files, CHECKPOINT, findings)):
        texts.setdefault(data.decode("utf-8", "replace"), "the latest checkpoint")
    heads = []
    for text, where in texts.items():
        with findings.collecting():
            heads.append(SignedHead.parse(text, where))
    return sorted(heads, key=lambda head: head.checkpoint.size)


def _read(files: Files, name: str, findings: Findings) -> bytes:
    try:
        return files.read(name)
    except (KeyError, Unreadable):
        findings.problems.append(CheckpointDamaged(name, f"{name} cannot be read."))
        return b""


def _roots(lines: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The root of the tree at each of these sizes that the ledger reaches."""
    frontier = Frontier()
    roots = {0: frontier.root} if 0 in sizes else {}
    for line in lines:
        frontier.add(leaf_hash(line))
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root
    return roots


def _fitting(
    heads: Sequence[SignedHead], origin: str, roots: Mapping[int, bytes], size: int, findings: Findings
) -> list[SignedHead]:
    """The checkpoints that speak of these entries; the first that does not, and the largest that goes beyond."""
    fitting: list[SignedHead] = []
    rewritten = beyond = None
    for head in heads:
        if head.checkpoint.origin != origin:
            findings.problems.append(
                OtherLedger(head.subject, f"{head.subject} is of another ledger.", expected=origin, seen=head.note.text)
            )
        elif head.checkpoint.size > size:
            beyond = head
        elif head.checkpoint.root == roots[head.checkpoint.size]:
            fitting.append(head)
        else:
            rewritten = rewritten or head
    if rewritten is not None:
        good = fitting[-1].checkpoint.size if fitting and fitting[-1].checkpoint.size < rewritten.checkpoint.size else 0
        findings.problems.append(
            LedgerRewritten(
                f"entries {good} to {rewritten.checkpoint.size - 1}",
                f"The entries {good} to {rewritten.checkpoint.size - 1} follow each other, but are not those that were "
                "signed: the ledger was written anew.",
                expected=rewritten.checkpoint.root.hex(),
                seen=roots[rewritten.checkpoint.size].hex(),
            )
        )
    if beyond is not None:
        findings.problems.append(
            TailTruncated(
                f"entry {size}",
                f"The last {beyond.checkpoint.size - size} signed entries are gone: {beyond.checkpoint.size} were "
                f"signed, {size} are there.",
                expected=str(beyond.checkpoint.size),
                seen=str(size),
            )
        )
    return fitting


def _signed(
    trusted: TrustedKeys,
    heads: Sequence[SignedHead],
    said: Sequence[Announcement],
    findings: Findings,
) -> int:
    """How many entries a trusted signature covers; checkpoints that nobody trusted signed are put down."""
    settled = settle(trusted, [(head, said) for head in heads])
    covered = 0
    for head, answer in zip(heads, settled, strict=True):
        if isinstance(answer, NotGenuine):
            findings.problems.append(answer)
        else:
            covered = max(covered, head.checkpoint.size)
    return covered


def _check_kept(head: SignedHead, origin: str, size: int, roots: Mapping[int, bytes], trusted: TrustedKeys) -> None:
    """Raise when the ledger is not one that grew out of the kept head."""
    trusted.require(head)
    kept = head.checkpoint
    if kept.origin != origin:
        raise OtherLedger(head.subject, "The head you kept is of another ledger.", expected=kept.origin, seen=origin)
    if kept.size > size:
        raise LedgerRolledBack(
            head.subject,
            f"The head you kept stands for {kept.size} entries, and only {size} are there: the ledger was rolled back, "
            "or what you verify is older than your head.",
            expected=str(kept.size),
            seen=str(size),
        )
    if roots[kept.size] != kept.root:
        raise HistoryForked(
            head.subject,
            f"This is another history: its first {kept.size} entries are not those of the head you kept.",
            expected=kept.root.hex(),
            seen=roots[kept.size].hex(),
        )


def _count(view: LedgerView, findings: Findings) -> None:
    findings.counts.update(
        entries=len(view.entries),
        signed_entries=view.signed,
        sealed_runs=len(view.runs),
        periods=sum(entry.kind is Kind.PERIOD for entry in view.entries),
        empty_periods=sum(isinstance(entry.data, Period) and not entry.data.accepted for entry in view.entries),
    )
    clocks = sum(entry.data.clock is not None for entry in view.entries)
    if clocks:
        findings.notes.append(promises.clock_set_back(clocks))
