"""The Merkle tree over the ledger's entries, as in RFC 6962, section 2.1: roots, and proofs that need no ledger.

A leaf is hashed as ``SHA-256(0x00 || data)``, a pair as ``SHA-256(0x01 || left || right)``; the left subtree of n
leaves holds the largest power of two below n. Proofs are lists of hashes. Verifiers raise :class:`ProofRejected`, they
never return False.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
_HASH_BYTES = 32


class ProofRejected(Exception):
    """The proof does not show what it claims; the message is a sentence."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its full subtrees. Adding a leaf and the root cost log n hashes.

    ``size`` leaves are in it; ``peaks`` are the subtrees' roots, the largest first, one for each bit set in ``size``.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """ValueError when there are not as many peaks as a tree of this size has."""
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count() or any(len(peak) != _HASH_BYTES for peak in self.peaks):
            raise ValueError(f"these are not the peaks of a tree of {size} leaves")

    def add(self, leaf: bytes) -> None:
        """Add a leaf, given by its hash (:func:`leaf_hash`)."""
        merged = leaf
        for _ in range(_trailing_ones(self.size)):
            merged = node_hash(self.peaks.pop(), merged)
        self.peaks.append(merged)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        merged = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            merged = node_hash(peak, merged)
        return merged


class Tree:
    """A whole tree, level by level, for many proofs from the same leaves: each costs log n look-ups."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """``leaves`` are hashes (:func:`leaf_hash`)."""
        # levels[k][i] is the root of the full subtree over the leaves from i * 2^k on
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def __len__(self) -> int:
        return len(self._levels[0])

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves (all, when left out)."""
        size = len(self) if size is None else size
        self._require(0 <= size <= len(self), f"a tree of {len(self)} leaves has no root at {size}")
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of leaf ``index`` in the tree of the first ``size`` leaves."""
        size = len(self) if size is None else size
        self._require(0 <= index < size <= len(self), f"a tree of {size} leaves has no leaf {index}")
        return tuple(self._path(index, 0, size))

    def consistency_proof(self, first: int, second: int | None = None) -> tuple[bytes, ...]:
        """The proof that the tree of ``second`` leaves begins with the one of ``first`` leaves."""
        second = len(self) if second is None else second
        self._require(0 <= first <= second <= len(self), f"no tree of {second} leaves begins with one of {first}")
        if first in (0, second):
            return ()
        return tuple(self._subproof(first, 0, second, whole=True))

    def _subtree(self, start: int, stop: int) -> bytes:
        count = stop - start
        level = count.bit_length() - 1
        if count == 1 << level and start % count == 0:
            return self._levels[level][start >> level]
        split = start + _split(count)
        return node_hash(self._subtree(start, split), self._subtree(split, stop))

    def _path(self, index: int, start: int, stop: int) -> Iterator[bytes]:
        if stop - start == 1:
            return
        split = start + _split(stop - start)
        if index < split:
            yield from self._path(index, start, split)
            yield self._subtree(split, stop)
        else:
            yield from self._path(index, split, stop)
            yield self._subtree(start, split)

    def _subproof(self, first: int, start: int, stop: int, *, whole: bool) -> Iterator[bytes]:
        if first == stop:
            if not whole:
                yield self._subtree(start, stop)
            return
        split = start + _split(stop - start)
        if first <= split:
            yield from self._subproof(first, start, split, whole=whole)
            yield self._subtree(split, stop)
        else:
            yield from self._subproof(first, split, stop, whole=False)
            yield self._subtree(start, split)

    @staticmethod
    def _require(holds: bool, message: str) -> None:
        if not holds:
            raise ValueError(message)


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves given by their *hashes* (:func:`leaf_hash`)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of one leaf; for many proofs keep a :class:`Tree`."""
    return Tree(leaves).inclusion_proof(index)


def consistency_proof(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """The proof that these leaves begin with their own first ones; for many proofs keep a :class:`Tree`."""
    return Tree(leaves).consistency_proof(first)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return when the leaf (its hash) stands at ``index`` in the tree of ``size`` leaves with this root.

    ProofRejected otherwise. (RFC 9162, section 2.1.3.2.)
    """
    if not 0 <= index < size:
        raise ProofRejected(f"a tree of {size} leaves has no leaf {index}")
    node, last, merged = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRejected("the proof is longer than the tree is high")
        if node & 1 or node == last:
            merged = node_hash(sibling, merged)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            merged = node_hash(merged, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofRejected("the proof is shorter than the tree is high")
    if merged != root:
        raise ProofRejected(f"the proof does not lead from entry {index} to the root of the tree")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Return when the tree of ``second`` leaves begins with the tree of ``first`` leaves.

    ProofRejected otherwise. (RFC 9162, section 2.1.4.2.)
    """
    if not 0 <= first <= second:
        raise ProofRejected(f"a tree of {second} leaves cannot begin with one of {first}")
    if first in (0, second):
        if proof:
            raise ProofRejected("a proof where none is needed")
        if first_root != (second_root if first == second else EMPTY_ROOT):
            raise ProofRejected(f"two trees of {first} leaves have different roots")
        return
    path = list(proof)
    if first.bit_count() == 1:
        path.insert(0, first_root)  # a full tree is a node of the larger one and not repeated in the proof
    if not path:
        raise ProofRejected("the proof is empty")
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRejected("the proof is longer than the tree is high")
        if node & 1 or node == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofRejected("the proof is shorter than the tree is high")
    if older != first_root:
        raise ProofRejected(f"the proof does not fit the tree of {first} leaves")
    if newer != second_root:
        raise ProofRejected(f"the tree of {second} leaves does not begin with the one of {first}")


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _trailing_ones(number: int) -> int:
    return (~number & (number + 1)).bit_length() - 1
