"""A tenant's signed-in state (cookies), kept between runs in a sealed file.

Cookies of a signed-in administrator are as good as the password, so the file is encrypted and authenticated (Fernet:
AES-128-CBC with HMAC-SHA256), its key lies in the keyring, its mode is 0600, and it is bound to one tenant and account.
A file that cannot be opened, for whatever reason, is the same as none: the agent signs in.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

KEY_SERVICE = "procore-directory-agent/session"


class StoredState:
    """The sealed file of one tenant and account."""

    def __init__(self, folder: Path, tenant: str, account: str, backend: KeyringBackend) -> None:
        """``backend`` is one that keeps secrets safely (``CredentialStore.require_safe_backend``)."""
        self.file = folder / f"{tenant}.session"
        self._owner = {"tenant": tenant, "account": account}
        self._tenant = tenant
        self._backend = backend

    def load(self) -> dict[str, Any] | None:
        """What :meth:`save` kept, or None: no file, another account's, a changed one, or no key for it."""
        key = self._key(make=False)
        if key is None:
            return None
        try:
            kept = json.loads(Fernet(key).decrypt(self.file.read_bytes()))
        except (OSError, InvalidToken, ValueError):
            return None
        if kept.get("owner") != self._owner:
            return None
        state: dict[str, Any] = kept["state"]
        return state

    def save(self, state: Any) -> bool:
        """Seal and keep this state. False when disk or keyring do not take it: then nothing is kept, never in clear."""
        key = self._key(make=True)
        if key is None:
            return False
        sealed = Fernet(key).encrypt(json.dumps({"owner": self._owner, "state": state}).encode())
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=self.file.name)  # mkstemp makes it 0600
        except OSError:
            return False
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(sealed)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(self.file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            return False
        return True

    def forget(self) -> None:
        """Remove file and key."""
        self.file.unlink(missing_ok=True)
        with contextlib.suppress(KeyringError):
            self._backend.delete_password(KEY_SERVICE, self._tenant)

    def _key(self, *, make: bool) -> bytes | None:
        try:
            known = self._backend.get_password(KEY_SERVICE, self._tenant)
            if known is None and make:
                self._backend.set_password(KEY_SERVICE, self._tenant, Fernet.generate_key().decode())
                known = self._backend.get_password(KEY_SERVICE, self._tenant)  # a null backend "stores" without storing
        except KeyringError:
            return None
        try:
            return known.encode() if known and Fernet(known) else None
        except ValueError:
            return None
