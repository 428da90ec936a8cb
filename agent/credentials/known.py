"""The secrets this process has handled, so that evidence and logs can be searched for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent.credentials.secret import Secret


class SecretKind(StrEnum):
    """What a secret is; decides how it is looked for."""

    TEXT = "text"  #: password, session cookie: wherever the text stands, it is a leak
    SEED = "seed"  #: TOTP seed in base32: a leak in small letters and in groups as well, since those are the same seed
    ONE_TIME_CODE = "one-time-code"  #: six digits: a leak only where they stand alone, not inside a longer number


@dataclass(frozen=True)
class KnownSecret:
    """One secret with a label that may be shown, such as ``password of admin@example.com``."""

    label: str
    secret: Secret
    kind: SecretKind = SecretKind.TEXT


#: Shorter texts would be found everywhere by accident; passwords are refused below 8 characters when they are set.
SHORTEST_TEXT = 6


class KnownSecrets:
    """A growing list without doubles; shared by who reveals secrets and by who has to keep them out of files.

    Texts shorter than six characters are not taken (``add`` says so by returning False): masking them would destroy
    ordinary text.
    """

    def __init__(self) -> None:
        self._known: list[KnownSecret] = []

    def add(self, label: str, secret: Secret, kind: SecretKind = SecretKind.TEXT) -> bool:
        """Remember a secret; True when it is (or already was) on the list."""
        if len(secret.reveal()) < SHORTEST_TEXT:
            return False
        if not any(known.secret == secret and known.kind is kind for known in self._known):
            self._known.append(KnownSecret(label, secret, kind))
        return True

    def __iter__(self) -> Iterator[KnownSecret]:
        # Longest first: a secret that contains another one is masked as a whole.
        return iter(sorted(self._known, key=lambda known: -len(known.secret.reveal())))

    def __len__(self) -> int:
        return len(self._known)
