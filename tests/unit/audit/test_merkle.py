"""The Merkle tree: known answers, proofs for every place, and no proof for what is not so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofRejected,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

#: The eight leaves with which implementations of certificate transparency are tested, and the roots over the first n.
DATA = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = [leaf_hash(data) for data in DATA]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def naive_root(hashes: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node_hash(naive_root(hashes[:half]), naive_root(hashes[half:]))


def test_known_roots() -> None:
    """The published answers; the empty tree's root is the hash of nothing."""
    assert [root(LEAVES[:count]).hex() for count in range(1, 9)] == list(ROOTS)
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_known_proofs() -> None:
    """The published audit paths and consistency proofs over the same leaves."""
    assert [step.hex()[:8] for step in inclusion_proof(LEAVES, 0)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [step.hex()[:8] for step in inclusion_proof(LEAVES, 5)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [step.hex()[:8] for step in inclusion_proof(LEAVES[:3], 2)] == ["fac54203"]
    assert [step.hex()[:8] for step in inclusion_proof(LEAVES[:5], 1)] == ["6e340b9c", "5f083f0a", "bc1a0643"]
    assert [step.hex()[:8] for step in consistency_proof(LEAVES, 1)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [step.hex()[:8] for step in consistency_proof(LEAVES, 6)] == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert [step.hex()[:8] for step in consistency_proof(LEAVES[:5], 2)] == ["5f083f0a", "bc1a0643"]


@given(st.integers(0, 130))
def test_growing_gives_the_defined_root(count: int) -> None:
    """The frontier, the tree and the definition agree at every size, and the frontier can be put down and taken up."""
    hashes = leaves(count)
    frontier = Frontier()
    for leaf in hashes:
        frontier = Frontier(frontier.size, frontier.peaks)
        frontier.add(leaf)
    assert frontier.root == Tree(hashes).root() == naive_root(hashes)


@settings(max_examples=30)
@given(st.integers(1, 70), st.data())
def test_every_place_has_a_proof(count: int, data: st.DataObject) -> None:
    """Each leaf of each smaller tree is proven in it, too; a proof serves its own leaf, place, size and root alone."""
    hashes = leaves(count)
    tree = Tree(hashes)
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    proof, top = tree.inclusion_proof(index, size), tree.root(size)
    verify_inclusion(hashes[index], index, size, proof, top)
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index)) if size > 1 else None
    wrong: list[tuple[bytes, int, int, tuple[bytes, ...], bytes]] = [
        (leaf_hash(b"another"), index, size, proof, top),
        (hashes[index], index, size, (*proof, top), top),
        (hashes[index], index, size, proof, leaf_hash(b"another root")),
        (hashes[index], size, size, proof, top),
        (hashes[index], -1, size, proof, top),
    ]
    if proof:
        wrong.append((hashes[index], index, size, proof[:-1], top))
        wrong.append((hashes[index], index, size, (*proof[:-1], leaf_hash(b"other")), top))
    if other is not None:
        wrong.append((hashes[index], other, size, proof, top))
    for claim in wrong:
        with pytest.raises(ProofRejected):
            verify_inclusion(*claim)


@settings(max_examples=30)
@given(st.integers(0, 70), st.data())
def test_growth_is_proven_and_rewriting_is_not(count: int, data: st.DataObject) -> None:
    """A tree proves every tree it has grown from; one with a changed leaf among the first proves nothing."""
    hashes = leaves(count)
    tree = Tree(hashes)
    first = data.draw(st.integers(0, count))
    proof = tree.consistency_proof(first)
    verify_consistency(first, count, tree.root(first), tree.root(), proof)
    with pytest.raises(ProofRejected):
        verify_consistency(first, count, leaf_hash(b"x"), tree.root(), proof)
    with pytest.raises(ProofRejected):
        verify_consistency(first, count, tree.root(first), tree.root(), (*proof, leaf_hash(b"x")))
    with pytest.raises(ProofRejected):
        verify_consistency(count + 1, count, tree.root(), tree.root(), ())
    if 0 < first < count:
        rewritten = [leaf_hash(b"rewritten"), *hashes[1:]]
        with pytest.raises(ProofRejected):
            verify_consistency(
                first, count, tree.root(first), root(rewritten), Tree(rewritten).consistency_proof(first)
            )
        with pytest.raises(ProofRejected):
            verify_consistency(first, count, tree.root(first), tree.root(), proof[:-1])


@pytest.mark.parametrize(("size", "peaks"), [(1, []), (2, [b"x" * 32] * 2), (3, [b"short"] * 2), (-1, [])])
def test_peaks_that_fit_no_tree(size: int, peaks: list[bytes]) -> None:
    """A frontier put down wrongly is not taken up."""
    with pytest.raises(ValueError, match="peaks"):
        Frontier(size, peaks)


def test_questions_without_an_answer() -> None:
    """Leaves and sizes that do not exist are mistakes of the caller."""
    tree = Tree(leaves(3))
    for ask in (lambda: tree.root(4), lambda: tree.inclusion_proof(3), lambda: tree.consistency_proof(4)):
        with pytest.raises(ValueError, match="tree of"):
            ask()
