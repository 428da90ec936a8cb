"""What a verification starts from: public keys, kept heads and roots, as typed or as this machine has them."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agent.audit.checkpoint import origin_of
from agent.audit.head import head_file
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import ledger_folder
from agent.audit.ledgers import Ledgers
from agent.audit.note import KeyMalformed, PublicKey
from agent.audit.tampering import CheckpointDamaged
from agent.audit.timestamping import trusted_roots
from agent.audit.trust import Anchors, SignedHead
from agent.audit.verify import BUNDLE, Place, ledger_id, place_of, tenants
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Mender, Refused
from agent.settings import Settings


def anchors_given(keys: Sequence[str], heads: Sequence[Path], roots: Path | None) -> Anchors:
    """From the command line alone. Refused "bad-usage" for what cannot be used, Failed "tsa-roots-unusable"."""
    return Anchors(
        keys=tuple(dict.fromkeys(key for text in keys for key in _keys(text))),
        heads=tuple(read_head(path) for path in heads),
        roots=trusted_roots(roots) if roots is not None else (),
    )


def own_anchors(settings: Settings, place: Path, heads: Sequence[Path], roots: Path | None) -> Anchors:
    """With the keys of this machine's keyring for the ledgers in ``place``, and the heads that the settings keep.

    Those heads are of now, so they count for what lies here, and not for a bundle, which may be older.

    Refused "bad-usage" when the keyring has no key of any of them; Failed when it does not open.
    """
    signer = KeyringSigner(CredentialStore())
    claimed = dict(_claimed(place))
    origins = tuple(dict.fromkeys(origin_of(ledger) for ledger in claimed.values()))
    keys = tuple(key.public for origin in origins for key in signer.keys(origin))
    if not keys:
        raise Refused(
            "bad-usage",
            "This machine's keyring has no key of this ledger. Give the public key that you trust with --key.",
            expected=", ".join(origins) or "a ledger",
            mender=Mender.REQUESTER,
        )
    files = list(heads)
    if settings.audit.heads is not None and place_of(place) is not Place.BUNDLE:
        everything = place_of(place) is Place.ALL  # then a tenant of which nothing is left is missed, too
        names = [name for name in settings.tenants if everything or ledger_folder(Path(), name).parent.name in claimed]
        files += [file for name in names if (file := head_file(settings.audit.heads, name)).is_file()]
    used = roots or settings.audit.tsa_roots
    certificates = trusted_roots(used) if used is not None else ()
    return Anchors(keys, tuple(read_head(file) for file in files), certificates)


def signed_first(settings: Settings, tenant: str) -> None:
    """Sign what is not signed yet, where a key is at hand; a keyring that does not answer is told by what follows."""
    with contextlib.suppress(AgentError):
        Ledgers.of_settings(settings, CredentialStore()).of(tenant).sign()


def read_head(path: Path) -> SignedHead:
    """A head that somebody kept. Refused "bad-usage" for a file that is none."""
    try:
        return SignedHead.parse(path.read_text("utf-8"), f"the head in {path.name}")
    except (OSError, UnicodeDecodeError, CheckpointDamaged) as error:
        seen = error.message if isinstance(error, CheckpointDamaged) else str(error)
        raise Refused(
            "bad-usage",
            f"{path} is no head: it should be a text that `agent evidence head` printed.",
            expected="a signed checkpoint",
            seen=seen,
            mender=Mender.REQUESTER,
        ) from error


def _keys(text: str) -> Iterator[PublicKey]:
    """The key that a text is, or the keys in the lines of the file it names."""
    path = Path(text)
    with contextlib.suppress(OSError):
        if path.is_file():
            found = list(_keys_in(path.read_text("utf-8", "replace").splitlines()))
            if found:
                yield from found
                return
    try:
        yield PublicKey.parse(text)
    except KeyMalformed as error:
        raise Refused(
            "bad-usage",
            f"{text!r} is neither a public key nor a file with one: {error}.",
            expected="what `agent evidence keys show` prints: name+id+base64",
            mender=Mender.REQUESTER,
        ) from error


def _keys_in(lines: Iterable[str]) -> Iterator[PublicKey]:
    for line in lines:
        with contextlib.suppress(KeyMalformed):
            yield PublicKey.parse(line)


def _claimed(place: Path) -> Iterator[tuple[str, str]]:
    """The tenant's folder and the ledger's id, as what is to be verified claims: proves nothing, finds keys to try."""
    kind = place_of(place)
    if kind is Place.BUNDLE:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            if place.is_file():
                with zipfile.ZipFile(place) as archive:
                    index = json.loads(archive.read(BUNDLE))
            else:
                index = json.loads((place / BUNDLE).read_bytes())
            yield ledger_folder(Path(), index["tenant"]).parent.name, str(index["ledger"])
        return
    steps = {Place.JOB: 1, Place.DAY: 0}
    home = place.resolve()
    folders = tenants(place) if kind is Place.ALL else [home.parents[steps[kind]] if kind in steps else home]
    for folder in folders:
        ledger = ledger_id(folder)
        if ledger:
            yield folder.name, ledger
