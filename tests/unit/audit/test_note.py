"""Signed notes and checkpoints: known answers, every malformed form, keys that print nothing."""

from __future__ import annotations

import base64
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.audit.checkpoint import Checkpoint, CheckpointMalformed, origin_of
from agent.audit.note import KeyMalformed, Note, NoteRejected, PublicKey, SigningKey, sign_note

#: Published with Go's checksum database: its key, and one of its first checkpoints.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def key(name: str = "agent/test", seed: int = 7) -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def test_a_published_key_is_understood() -> None:
    """The id in a key that others made comes out the same here, and the text form comes back letter by letter."""
    assert PublicKey.parse(GO_KEY).id.hex() == "033de0ae"
    assert PublicKey.parse(GO_KEY).vkey == GO_KEY


def test_a_published_note_is_understood() -> None:
    """The example of Go's note package verifies with its key, and not when a letter of it was changed."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    trusted = PublicKey.parse(vkey)
    assert Note.parse(note).require([trusted]) == (trusted,)
    with pytest.raises(NoteRejected) as caught:
        Note.parse(note.replace("problem is", "problem was")).require([trusted])
    assert caught.value.reason == "bad-signature"


def test_what_is_signed_verifies() -> None:
    """By each of its keys; other keys are told as unknown, also one of the same name."""
    old, new = key(seed=1), key(seed=2)
    note = Note.parse(sign_note("a\n\nb\n", [old, new]))
    assert note.text == "a\n\nb\n"
    assert note.require([old.public, new.public]) == (old.public, new.public)
    assert note.require([new.public]) == (new.public,)
    with pytest.raises(NoteRejected) as caught:
        note.require([key(seed=3).public])
    assert caught.value.reason == "unknown-key"


def test_one_wrong_signature_of_a_trusted_key_is_enough() -> None:
    """A note with a good and a bad signature of trusted keys is not taken."""
    good, bad = key(seed=1), key(seed=2)
    note = sign_note("text\n", [good])
    forged = base64.b64encode(bad.public.id + bytes(64)).decode()
    with pytest.raises(NoteRejected) as caught:
        Note.parse(f"{note}— {bad.name} {forged}\n").require([good.public, bad.public])
    assert caught.value.reason == "bad-signature"


SIGNATURE = "— agent/test " + base64.b64encode(b"x" * 68).decode() + "\n"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\n" + SIGNATURE,
        "text\n" + SIGNATURE,
        "text\n\n" + SIGNATURE.rstrip("\n"),
        "text\n\n- agent/test AAAA\n",
        "text\n\n— agent/test\n",
        "text\n\n— agent/test AAAA\n",
        "text\n\n— agent/test !!!!!!!!\n",
        "text\n\n— agent+test " + SIGNATURE.split(" ")[2],
        "te\txt\n\n" + SIGNATURE,
        "text\r\n\n" + SIGNATURE,
        "text\n\n" + SIGNATURE * 101,
        "x" * 1_000_001 + "\n\n" + SIGNATURE,
    ],
)
def test_malformed_notes(note: str) -> None:
    """Each is told as malformed, before any key is asked."""
    with pytest.raises(NoteRejected) as caught:
        Note.parse(note)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+033de0ae",
        "na me+033de0ae+AA==",
        "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.orgs+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8Ouan8",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza",
        "sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+???",
    ],
)
def test_malformed_keys(vkey: str) -> None:
    """A key with a letter lost, changed or added is not taken; its id is its check sum."""
    with pytest.raises(KeyMalformed):
        PublicKey.parse(vkey)


def test_a_signing_key_cannot_be_shown() -> None:
    """Neither printing nor pickling a key tells its secret half."""
    secret = key()
    assert "***" in repr(secret)
    assert repr(secret) == str(secret) == f"{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize("text", ["", "no line feed", "tab\t\n"])
def test_what_is_no_text_is_not_signed(text: str) -> None:
    """A note that nobody could read back is not made."""
    with pytest.raises(ValueError, match="note"):
        sign_note(text, [key()])
    with pytest.raises(ValueError, match="name"):
        key("a name")


def test_checkpoints_read_what_they_write() -> None:
    """Origin, size and root, and nothing else."""
    checkpoint = Checkpoint(origin_of("5f0c"), 42, bytes(range(32)))
    assert checkpoint.text == "agent/5f0c\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert Checkpoint.parse(checkpoint.text) == checkpoint


ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"origin\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"origin\n01\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n",
        f"origin\n1 \n{ROOT}\n",
        "origin\n1\nAAEC\n",
        "origin\n1\n" + ROOT.replace("8=", "9=") + "\n",
        "origin\n1\n?\n",
        f"origin\n1\n{ROOT}\nextension\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    """Each is told; also a second way to write the same root."""
    with pytest.raises(CheckpointMalformed):
        Checkpoint.parse(text)
