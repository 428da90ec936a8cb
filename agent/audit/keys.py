"""The keys that sign checkpoints: their secret halves in the system's keyring, made when first needed.

Which keys are in force says the ledger (``opened`` and ``key`` entries); the keyring only holds what is needed to sign
with them. Each ledger has an entry of its own there, ``evidence-signing:LEDGER``, so that two ledgers on one machine
never touch each other's keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.audit.note import SigningKey
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.errors import Failed, Mender, RetrySafe

_SEED_BYTES = 32


class Signer(Protocol):
    """Where a ledger gets its signing keys from; raises Failed (``keyring-...``) when they cannot be had."""

    def keys(self, origin: str, *, again: bool = False) -> tuple[SigningKey, ...]:
        """The keys of a ledger, oldest first; ``again`` looks anew, since another process may have changed them."""

    def make(self, origin: str) -> SigningKey:
        """A new key, kept safe before it is returned."""

    def forget(self, origin: str, vkey: str) -> None:
        """Destroy a key that is no longer used."""


class KeyringSigner:
    """Implements :class:`Signer` on the system's keyring.

    The ledger's lock keeps two processes from making keys at once. What is read is put on the list of known secrets,
    so that evidence is searched for it, too.
    """

    def __init__(
        self,
        store: CredentialStore,
        known: KnownSecrets | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._known = known
        self._randomness = randomness
        self._cached: dict[str, tuple[SigningKey, ...]] = {}
        self._lock = Lock()

    def keys(self, origin: str, *, again: bool = False) -> tuple[SigningKey, ...]:
        """As the protocol says; Failed "signing-key-damaged" for an entry that is not as it was written."""
        with self._lock:
            if again or origin not in self._cached:
                self._cached[origin] = tuple(_key(origin, seed) for seed in self._seeds(origin))
            return self._cached[origin]

    def make(self, origin: str) -> SigningKey:
        """As the protocol says."""
        with self._lock:
            seed = Secret(base64.b64encode(self._randomness(_SEED_BYTES)).decode())
            key = _key(origin, seed)
            self._put(origin, [*self._seeds(origin), seed])
            self._learn(origin, seed)
            return key

    def forget(self, origin: str, vkey: str) -> None:
        """As the protocol says."""
        with self._lock:
            self._put(origin, [seed for seed in self._seeds(origin) if _key(origin, seed).public.vkey != vkey])

    def _put(self, origin: str, seeds: list[Secret]) -> None:
        text = json.dumps({"format": 1, "seeds": [seed.reveal() for seed in seeds]})
        self._store.set_secret(_entry(origin), Secret(text))
        self._cached[origin] = tuple(_key(origin, seed) for seed in seeds)

    def _seeds(self, origin: str) -> list[Secret]:
        found = self._store.find_secret(_entry(origin))
        if found is None:
            return []
        try:
            entry: Any = json.loads(found.reveal())
            seeds = [Secret(seed) for seed in entry["seeds"]]
            for seed in seeds:
                _key(origin, seed)
        except (ValueError, KeyError, TypeError):
            # From None: the entry, which is in the error's arguments, must not reach a traceback.
            raise Failed(
                "signing-key-damaged",
                f"The keyring's entry with the signing key of the ledger {origin} is damaged.",
                expected=f"the entry {_entry(origin)} as the agent wrote it",
                seen="something else",
                mender=Mender.OPERATOR,
                retry_safe=RetrySafe.YES,
            ) from None
        for seed in seeds:
            self._learn(origin, seed)
        return seeds

    def _learn(self, origin: str, seed: Secret) -> None:
        if self._known is not None:
            self._known.add(f"signing key of {origin}", seed)


def _entry(origin: str) -> str:
    return f"evidence-signing:{origin.rpartition('/')[2]}"


def _key(origin: str, seed: Secret) -> SigningKey:
    try:
        data = base64.b64decode(seed.reveal(), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    return SigningKey(origin, Ed25519PrivateKey.from_private_bytes(data))
