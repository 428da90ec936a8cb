"""Checkpoints (https://c2sp.org/tlog-checkpoint): the text by which a key vouches for a whole ledger.

::

    agent/5f0c...          origin: which ledger
    42                     how many entries
    CsUYap...=             root of the Merkle tree over them, base64
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_ROOT_BYTES = 32
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointMalformed(ValueError):
    """A text that is no checkpoint; the message says why."""


def origin_of(ledger: str) -> str:
    """The origin line of a ledger, given its id; its keys have this name."""
    return f"agent/{ledger}"


@dataclass(frozen=True)
class Checkpoint:
    """What is signed."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text, with its last line feed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From the text of a note whose signatures were checked; CheckpointMalformed otherwise.

        Lines after the third are not allowed: this agent writes none, and a monitor could not check them.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise CheckpointMalformed("a checkpoint has three lines: origin, size, root")
        if not _SIZE.fullmatch(lines[1]):
            raise CheckpointMalformed("the size of a checkpoint is a plain number")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError) as error:
            raise CheckpointMalformed("the root of a checkpoint is base64") from error
        if len(root) != _ROOT_BYTES or base64.b64encode(root).decode() != lines[2]:
            raise CheckpointMalformed("the root of a checkpoint is a SHA-256 hash")
        return cls(lines[0], int(lines[1]), root)
