"""Sign a pack of selectors, and check the signature of one before it is used.

``pack.sig`` beside ``pack.toml`` is a signed note (:mod:`agent.audit.note`) of four lines: what it is, the name and
version of the pack, the SHA-256 of its list of files. The list has a line ``name sha256`` for each file, sorted, so
that a file that is changed, added or taken away is another pack.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from agent.audit.note import Note, NoteRejected, PublicKey, SigningKey, sign_note
from agent.errors import Failed, Mender, RetrySafe
from flows import Catalogue
from flows.catalogue import own_folder

SIGNATURE = "pack.sig"
_KIND = "procore-agent selectors pack v1"


def pack_sha256(catalogue: Catalogue) -> str:
    """Of the list of the pack's files, byte for byte; unlike the catalogue's own hash it sees comments, too."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(catalogue.files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def statement(catalogue: Catalogue) -> str:
    """What is signed."""
    return f"{_KIND}\n{catalogue.pack or 'a pack without a name'}\n{pack_sha256(catalogue)}\n"


def signed(catalogue: Catalogue, key: SigningKey) -> str:
    """The content of ``pack.sig``."""
    return sign_note(statement(catalogue), [key])


def folder_of(path: Path | None) -> Path:
    """The folder of a pack: the one given, that of the file given, or that of the pack that came with the flows."""
    place = path or own_folder()
    return place if place.is_dir() else place.parent


def checked(path: Path | None, public_key: str | None) -> Catalogue:
    """Load a pack; with a key, only when the key has signed exactly these files.

    Raises as ``Catalogue.load`` does, and Failed: "pack-unsigned", "pack-signature-wrong" or "pack-changed".
    """
    catalogue = Catalogue.load(path)
    if public_key is not None:
        verify(catalogue, folder_of(path) / SIGNATURE, PublicKey.parse(public_key))
    return catalogue


def verify(catalogue: Catalogue, place: Path, key: PublicKey) -> None:
    """Return when the key has signed this pack; see :func:`checked`."""
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _refused("pack-unsigned", place, f"a signature of {key.label}", "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _refused("pack-unsigned", place, f"a signature of {key.label}", str(error)) from error
    try:
        note = Note.parse(text)
        note.require([key])
    except NoteRejected as error:
        raise _refused("pack-signature-wrong", place, f"a signature of {key.label}", str(error)) from error
    if note.text != statement(catalogue):
        told = " ".join(note.text.splitlines()[1:])
        expected, seen = f"the signed pack: {told}", f"{catalogue.pack} {pack_sha256(catalogue)}"
        raise _refused("pack-changed", place, expected, seen)


_WHY = {
    "pack-unsigned": "The pack of selectors is not signed, and the settings ask for a signature.",
    "pack-signature-wrong": "The signature of the pack of selectors is not that of the key in the settings.",
    "pack-changed": "The pack of selectors is not the one that was signed.",
}


def _refused(code: str, place: Path, expected: str, seen: str) -> Failed:
    return Failed(
        code,
        _WHY[code],
        expected=expected,
        seen=f"{place}: {seen}",
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.NO,
    )
