"""Which keys a verifier trusts: the ones it was given, and those that a ledger announces under a trusted signature.

A ``key`` entry (or ``opened``) speaks for a key only where a checkpoint covers the entry and is itself signed by a key
that was trusted before. So an outsider needs one public key, obtained from somewhere else, however often keys change.
A retired key speaks for nothing that came after its retirement.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.x509 import Certificate

from agent.audit.checkpoint import Checkpoint, CheckpointMalformed
from agent.audit.entries import Entry, KeyChange, Opened
from agent.audit.note import KeyMalformed, Note, NoteRejected, PublicKey
from agent.audit.tampering import CheckpointDamaged, ForeignKey, NotGenuine, SignatureBroken


@dataclass(frozen=True)
class SignedHead:
    """A checkpoint with its signatures, not yet trusted."""

    subject: str  # where it stands, in words
    text: str  # the whole signed note
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, text: str, subject: str) -> SignedHead:
        """From the text of a signed note; CheckpointDamaged for anything else."""
        try:
            note = Note.parse(text)
            return cls(subject, text, note, Checkpoint.parse(note.text))
        except (NoteRejected, CheckpointMalformed) as error:
            raise CheckpointDamaged(subject, f"{subject} is no signed checkpoint: {error}") from error


@dataclass(frozen=True)
class Anchors:
    """What a reader brings along: all else is proven from these, and nothing in the evidence can replace them."""

    keys: tuple[PublicKey, ...]  # those named after another ledger are left aside
    heads: tuple[
        SignedHead, ...
    ] = ()  # kept from earlier; the ledger must reach each, and begin with what it stands for
    roots: tuple[Certificate, ...] = ()  # of the authorities whose time stamps count

    def keys_of(self, origin: str) -> list[PublicKey]:
        """The keys named after this ledger."""
        return [key for key in self.keys if key.name == origin]


@dataclass(frozen=True)
class Announcement:
    """What an entry says about a key."""

    seq: int
    key: PublicKey
    retired: bool = False


def announcements(entries: Iterable[Entry]) -> tuple[Announcement, ...]:
    """What these entries say about keys; a text that is no key announces none."""
    found = []
    for entry in entries:
        if isinstance(entry.data, Opened):
            said: list[tuple[str | None, bool]] = [(key, False) for key in entry.data.keys]
        elif isinstance(entry.data, KeyChange):
            said = [(entry.data.added, False), (entry.data.retired, True)]
        else:
            continue
        for text, retired in said:
            with contextlib.suppress(KeyMalformed):
                if text is not None:
                    found.append(Announcement(entry.seq, PublicKey.parse(text), retired))
    return tuple(found)


class TrustedKeys:
    """The keys trusted so far; grows by :meth:`learn`."""

    def __init__(self, given: Sequence[PublicKey]) -> None:
        self._keys = list(given)
        self._retired: dict[str, int] = {}  # vkey -> number of the entry that retired it

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All of them, the given ones first."""
        return tuple(self._keys)

    def learn(self, announced: Iterable[Announcement], covered: int) -> bool:
        """Take over what entries below ``covered`` announce; True when something was new."""
        new = False
        for item in announced:
            if item.seq >= covered:
                continue
            if item.retired and item.key.vkey not in self._retired:
                self._retired[item.key.vkey] = item.seq
                new = True
            if not item.retired and item.key not in self._keys:
                self._keys.append(item.key)
                new = True
        return new

    def require(self, head: SignedHead) -> tuple[PublicKey, ...]:
        """The trusted keys that signed; raises ForeignKey or SignatureBroken."""
        size = head.checkpoint.size
        valid = [key for key in self._keys if self._retired.get(key.vkey, size) >= size - 1]
        try:
            return head.note.require(valid)
        except NoteRejected as error:
            if error.reason == "bad-signature":
                raise SignatureBroken(head.subject, f"{head.subject}: {error}") from error
            retired = [key for key in self._keys if key not in valid]
            names = {(line.name, line.id) for line in head.note.signatures}
            why = "a key that was retired before" if any((key.name, key.id) in names for key in retired) else ""
            raise ForeignKey(
                head.subject,
                f"{head.subject} is signed by {why or 'a key that is not trusted'}.",
                expected=", ".join(key.label for key in valid),
                seen=", ".join(f"{line.name}+{line.id.hex()}" for line in head.note.signatures),
            ) from error


def settle(
    trusted: TrustedKeys, heads: Sequence[tuple[SignedHead, Sequence[Announcement]]]
) -> list[NotGenuine | tuple[PublicKey, ...]]:
    """Who signed each head, or what is wrong with it; each comes with what the entries proven under it say about keys.

    Goes over them until nothing new is learned: an old key may vouch for a new one, and the other way round.
    """
    settled: dict[int, NotGenuine | tuple[PublicKey, ...]] = {}
    learned = True
    while learned:
        learned = False
        for place, (head, announced) in enumerate(heads):
            if isinstance(settled.get(place), tuple):
                continue
            try:
                settled[place] = trusted.require(head)
            except NotGenuine as problem:
                settled[place] = problem
            else:
                learned = trusted.learn(announced, head.checkpoint.size) or learned
    return [settled[place] for place in range(len(heads))]
