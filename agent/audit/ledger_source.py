"""A tenant's signed ledger as it is read for an export or a list: its entries up to the latest checkpoint."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.audit.canonical import NotCanonical, parse_canonical
from agent.audit.entries import Entry, Witnessed
from agent.audit.ledger import LEDGER
from agent.audit.reading import CHECKPOINT, CHECKPOINTS, ENTRIES, TIMESTAMPS, ChainBroken, lines, read_entries
from agent.audit.sources import FolderFiles, Unreadable
from agent.audit.tampering import NotGenuine
from agent.audit.trust import SignedHead
from agent.errors import Failed, Mender


@dataclass(frozen=True)
class LedgerSource:
    """What was read. Nothing of it is verified beyond the chain of the entries."""

    tenant: Path  # the tenant's folder
    entries: tuple[Entry, ...]  # those that the latest checkpoint covers
    heads: tuple[tuple[SignedHead, bytes], ...]  # every checkpoint with its line, the smallest first
    unsigned: int  # entries after the latest checkpoint

    @property
    def latest(self) -> SignedHead:
        """The latest checkpoint."""
        return self.heads[-1][0]

    def files(self) -> dict[str, bytes]:
        """The files of the ledger as far as the latest checkpoint covers it, by their names in its folder."""
        return {
            ENTRIES: b"".join(entry.line + b"\n" for entry in self.entries),
            CHECKPOINTS: b"".join(line + b"\n" for _, line in self.heads),
            CHECKPOINT: self.latest.text.encode(),
            **self._timestamps(),
        }

    def _timestamps(self) -> dict[str, bytes]:
        """The time stamps that the entries speak of; the verification says which are missing."""
        files = FolderFiles(self.tenant / LEDGER)
        names = [f"{TIMESTAMPS}/{entry.data.size}.tsr" for entry in self.entries if isinstance(entry.data, Witnessed)]
        found = {}
        for name in names:
            with suppress(KeyError, Unreadable):  # a link is not followed
                found[name] = files.read(name)
        return found


def read_source(tenant: Path) -> LedgerSource:
    """A tenant's ledger. Failed "ledger-broken" or "ledger-unsigned" when no bundle can be made of it."""
    folder = tenant / LEDGER
    try:
        entries = tuple(read_entries(folder))
        heads = _heads(folder)
    except (OSError, ChainBroken, NotCanonical, KeyError, TypeError, NotGenuine) as error:
        raise Failed(
            "ledger-broken",
            f"The ledger in {folder} cannot be read: {error}",
            expected="a ledger whose entries follow each other",
            seen=str(error),
            mender=Mender.OPERATOR,
        ) from error
    usable = [(head, line) for head, line in heads if head.checkpoint.size <= len(entries)]
    if not usable:
        raise Failed(
            "ledger-unsigned",
            f"Nothing in the ledger {folder} is signed, so a bundle of it would prove nothing.",
            expected="a signed checkpoint (agent evidence head makes one)",
            seen=f"{len(entries)} entries",
            mender=Mender.OPERATOR,
        )
    size = usable[-1][0].checkpoint.size
    return LedgerSource(tenant, entries[:size], tuple(usable), len(entries) - size)


def _heads(folder: Path) -> list[tuple[SignedHead, bytes]]:
    path = folder / CHECKPOINTS
    found = list(lines(path)) if path.is_file() else []
    heads = [(SignedHead.parse(str(parse_canonical(line)["note"]), "a checkpoint"), line) for line in found]
    return sorted(heads, key=lambda item: item[0].checkpoint.size)
