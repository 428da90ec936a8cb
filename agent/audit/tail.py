"""What is known of a ledger without reading it again: its end, its tree's edge, its keys; and a copy of that on disk.

The copy (``frontier.json``) is a convenience. Its tree edge must hash to the root of the latest checkpoint, and its end
must be where the file has such a line; else the ledger is read from the beginning.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.entries import NOTHING_BEFORE, Kind
from agent.audit.merkle import Frontier, leaf_hash

FRONTIER = "frontier.json"


class DoesNotFollow(ValueError):
    """A line cannot stand where it stands; the message says why."""


@dataclass
class Tail:
    """The end of a ledger, as far as it was read."""

    offset: int = 0  # bytes up to and with the last line feed
    frontier: Frontier = field(default_factory=Frontier)
    last: str = NOTHING_BEFORE  # sha256 of the last line
    last_bytes: int = 0  # length of the last line, with its line feed
    at: str = ""  # time of the last entry
    ledger: str = ""
    keys: tuple[str, ...] = ()  # vkeys in force, oldest first
    retired: tuple[str, ...] = ()
    period_end: str = ""  # ``to`` of the last period entry
    opened_at: str = ""
    changes: tuple[tuple[str, str], ...] = ()  # (vkey, time of its announcement)

    @property
    def size(self) -> int:
        """How many entries."""
        return self.frontier.size

    @property
    def origin(self) -> str:
        """The ledger's name in checkpoints."""
        return origin_of(self.ledger)

    def take(self, line: bytes) -> None:
        """Go over one more line (without its line feed).

        DoesNotFollow when it does not follow the one before. What else is wrong with an entry is for the verifier.
        """
        try:
            entry: Any = json.loads(line)
            seq, prev, at, kind, data = (entry[name] for name in ("seq", "prev", "at", "kind", "data"))
        except (ValueError, KeyError, TypeError) as error:
            raise DoesNotFollow("it is not an entry") from error
        if seq != self.size:
            raise DoesNotFollow(f"it has the number {seq}")
        if prev != self.last:
            raise DoesNotFollow("it was not made after the entry that stands before it")
        if not isinstance(at, str) or at < self.at:
            raise DoesNotFollow("its time is earlier than that of the entry before it")
        try:
            self._learn(kind, data, at)
        except (KeyError, TypeError) as error:
            raise DoesNotFollow("its data is not as its kind has it") from error
        self.frontier.add(leaf_hash(line))
        self.last = hashlib.sha256(line).hexdigest()
        self.last_bytes = len(line) + 1
        self.offset += self.last_bytes
        self.at = at

    def _learn(self, kind: str, data: Any, at: str) -> None:
        if kind == Kind.OPENED:
            self.ledger, self.opened_at = data["ledger"], at
            for key in data["keys"]:
                self._add_key(key, at)
        elif kind == Kind.KEY:
            if data["added"]:
                self._add_key(data["added"], at)
            if data["retired"]:
                self.keys = tuple(key for key in self.keys if key != data["retired"])
                self.retired = (*self.retired, data["retired"])
        elif kind == Kind.PERIOD:
            self.period_end = data["to"]

    def _add_key(self, vkey: str, at: str) -> None:
        self.keys = (*self.keys, vkey)
        self.changes = (*self.changes, (vkey, at))

    def dump(self) -> bytes:
        """The copy for ``frontier.json``."""
        return canonical(
            {
                "size": self.size,
                "peaks": [peak.hex() for peak in self.frontier.peaks],
                "offset": self.offset,
                "last": self.last,
                "last_bytes": self.last_bytes,
                "at": self.at,
                "ledger": self.ledger,
                "keys": list(self.keys),
                "retired": list(self.retired),
                "period_end": self.period_end,
                "opened_at": self.opened_at,
                "changes": [list(change) for change in self.changes],
            }
        )

    @classmethod
    def load(cls, data: bytes, checkpoint: Checkpoint) -> Tail | None:
        """From a copy that fits this checkpoint; None for any other."""
        try:
            said = json.loads(data)
            frontier = Frontier(said["size"], [bytes.fromhex(peak) for peak in said["peaks"]])
            tail = cls(
                offset=int(said["offset"]),
                frontier=frontier,
                last=str(said["last"]),
                last_bytes=int(said["last_bytes"]),
                at=str(said["at"]),
                ledger=str(said["ledger"]),
                keys=tuple(said["keys"]),
                retired=tuple(said["retired"]),
                period_end=str(said["period_end"]),
                opened_at=str(said["opened_at"]),
                changes=tuple((str(key), str(at)) for key, at in said["changes"]),
            )
        except (ValueError, KeyError, TypeError):
            return None
        fits = frontier.size == checkpoint.size and frontier.root == checkpoint.root
        return tail if fits and tail.origin == checkpoint.origin and 0 < tail.last_bytes <= tail.offset else None
