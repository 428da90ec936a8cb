"""Signed notes (https://c2sp.org/signed-note): a text, an empty line, and a line for each signature. Ed25519 only.

A *vkey* is the text form of a public key: ``name+hexid+base64(0x01 || key)``; it can be read aloud in part (the id),
mailed and kept anywhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ED25519 = b"\x01"
_DASH = "— "  # em dash and space, as the format has it
_NAME = re.compile(r"[^\s+]+")
_KEY_BYTES = 32
_ID_BYTES = 4
_MOST_SIGNATURES = 100
_MOST_BYTES = 1_000_000


class NoteRejected(Exception):
    """The note cannot be trusted. ``reason``: "malformed", "unknown-key" or "bad-signature"."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class KeyMalformed(ValueError):
    """A text that is not a public key in vkey form."""


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES]


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with."""

    name: str
    public: bytes  # 32 bytes

    @classmethod
    def parse(cls, vkey: str) -> PublicKey:
        """From vkey text; KeyMalformed says what is wrong."""
        parts = vkey.strip().split("+", 2)  # base64 may hold a plus itself
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise KeyMalformed("a public key is written name+id+base64")
        name, said, encoded = parts
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise KeyMalformed("the last part of a public key is base64") from error
        if data[:1] != _ED25519 or len(data) != 1 + _KEY_BYTES:
            raise KeyMalformed("this is no Ed25519 key")
        key = cls(name, data[1:])
        if said != key.id.hex():
            raise KeyMalformed(f"the key's id is {key.id.hex()}, not {said}: a letter was lost or changed")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes, made from name and key."""
        return key_id(self.name, self.public)

    @property
    def label(self) -> str:
        """``name+hexid``: short, for people."""
        return f"{self.name}+{self.id.hex()}"

    @property
    def vkey(self) -> str:
        """The whole key as text."""
        return f"{self.label}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def verify(self, text: str, signature: bytes) -> None:
        """Return when the signature is this key's over this text; NoteRejected otherwise."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            raise NoteRejected("bad-signature", f"The signature of {self.label} does not fit the text.") from error


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A key that signs; prints as its public label only."""

    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a key's name has no spaces and no plus")

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey(self.name, self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def __repr__(self) -> str:
        return f"SigningKey({self.public.label}, ***)"

    def sign(self, text: str) -> bytes:
        """The signature over a text."""
        return self.private.sign(text.encode())


@dataclass(frozen=True)
class Signature:
    """One signature line of a note."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A note taken apart; nothing in it can be trusted before :meth:`require` has returned."""

    text: str  # with its last line feed
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """NoteRejected "malformed" for what is no signed note."""
        if len(note) > _MOST_BYTES or any(ord(sign) < 0x20 and sign != "\n" for sign in note):
            raise _malformed("it is too long, or holds control characters")
        text, gap, tail = note.rpartition("\n\n")
        if not gap or not tail.endswith("\n") or not text:
            raise _malformed("text and signatures are not separated by an empty line")
        found = tail[:-1].split("\n")
        if len(found) > _MOST_SIGNATURES:
            raise _malformed("it has too many signatures")
        return cls(text + "\n", tuple(_signature(line) for line in found))

    def require(self, trusted: Sequence[PublicKey]) -> tuple[PublicKey, ...]:
        """The trusted keys that signed the text, at least one.

        NoteRejected "bad-signature" when a signature that names a trusted key is wrong, "unknown-key" when no trusted
        key signed at all.
        """
        known = {(key.name, key.id): key for key in trusted}
        signed = []
        for line in self.signatures:
            key = known.get((line.name, line.id))
            if key is not None:
                key.verify(self.text, line.signature)
                signed.append(key)
        if not signed:
            names = ", ".join(f"{line.name}+{line.id.hex()}" for line in self.signatures)
            raise NoteRejected("unknown-key", f"None of the trusted keys signed this; it is signed by {names}.")
        return tuple(signed)


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """A text, signed by each of the keys in turn; ValueError for a text that is no note, or no key."""
    if not text.endswith("\n") or any(ord(sign) < 0x20 and sign != "\n" for sign in text) or not keys:
        raise ValueError("a note is text without control characters, ends with a line feed, and is signed by somebody")
    lines = [f"{_DASH}{key.name} {base64.b64encode(key.public.id + key.sign(text)).decode()}\n" for key in keys]
    return text + "\n" + "".join(lines)


def _signature(line: str) -> Signature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not _NAME.fullmatch(parts[0]):
        raise _malformed("a line is no signature")
    try:
        data = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("a signature is not base64") from error
    if len(data) <= _ID_BYTES:
        raise _malformed("a signature is too short")
    return Signature(parts[0], data[:_ID_BYTES], data[_ID_BYTES:])


def _malformed(why: str) -> NoteRejected:
    return NoteRejected("malformed", f"This is not a signed note: {why}.")
