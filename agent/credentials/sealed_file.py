"""A keyring backend for machines without a desktop: one sealed file, opened with a master key from another file.

Chosen with ``PYTHON_KEYRING_BACKEND=agent.credentials.sealed_file.SealedFileKeyring``, or by keyring itself when a
master key is configured and no desktop keyring works. The file is JSON ``{v, kdf, salt, nonce, data}``; ``data`` is
AES-256-GCM (NIST SP 800-38D) over ``{service: {user: secret}}`` under a key made by scrypt (RFC 7914) from the master
key. Names are inside, so the file does not tell which tenants exist.

What can go wrong: :class:`keyring.errors.KeyringLocked` (master key missing, open to other users, or not the one the
file was sealed with), :class:`keyring.errors.KeyringError` (file damaged or of an unknown version).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError

from agent.credentials.key_file import read_key_file

KEY_FILE_VARIABLE = "AGENT_KEYRING_KEY_FILE"
SEALED_FILE_VARIABLE = "AGENT_KEYRING_FILE"

_FORMAT = "procore-directory-agent sealed keyring 1"
_KDF = "scrypt-15-8-1"
_SHORTEST_MASTER_KEY = 16

_Entries = dict[str, dict[str, str]]


class SealedFileKeyring(KeyringBackend):
    """Keeps secrets in one encrypted file; safe against parallel writers and against a crash in mid-write.

    ``key_file`` and ``file`` can be set as attributes or by ``KEYRING_PROPERTY_KEY_FILE`` / ``KEYRING_PROPERTY_FILE``;
    the environment variables ``AGENT_KEYRING_KEY_FILE`` and ``AGENT_KEYRING_FILE`` are the ordinary way.
    """

    def __init__(self) -> None:
        self.key_file = os.environ.get(KEY_FILE_VARIABLE, "")
        self.file = os.environ.get(SEALED_FILE_VARIABLE, "")
        self._key_of_salt: dict[bytes, bytes] = {}
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no annotation here; last: applies KEYRING_PROPERTY_*

    @properties.classproperty
    def priority(self) -> float:
        """Below every desktop backend, above "no backend"; not on offer at all without a master key file."""
        if not os.environ.get(KEY_FILE_VARIABLE) and not os.environ.get("KEYRING_PROPERTY_KEY_FILE"):
            raise RuntimeError(f"{KEY_FILE_VARIABLE} does not name a master key file")
        return 0.5

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None when there is none of that name."""
        return self._read().get(service, {}).get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store or replace a secret; on return it is on disk."""
        with self._locked():
            entries = self._read()
            entries.setdefault(service, {})[username] = password
            self._write(entries)

    def delete_password(self, service: str, username: str) -> None:
        """Remove a secret; :class:`keyring.errors.PasswordDeleteError` when there is none."""
        with self._locked():
            entries = self._read()
            if username not in entries.get(service, {}):
                raise PasswordDeleteError("No such entry in the sealed keyring")
            del entries[service][username]
            if not entries[service]:
                del entries[service]
            self._write(entries)

    def _path(self) -> Path:
        if not self.file:
            raise KeyringError(f"{SEALED_FILE_VARIABLE} does not say where the sealed keyring file is")
        return Path(self.file)

    def _key(self, salt: bytes) -> bytes:
        if salt not in self._key_of_salt:
            derived = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(self._master_key())
            self._key_of_salt = {salt: derived}
        return self._key_of_salt[salt]

    def _master_key(self) -> bytes:
        if not self.key_file:
            raise KeyringLocked(f"{KEY_FILE_VARIABLE} does not name a master key file")
        path = Path(self.key_file)
        text = read_key_file(path)
        if len(text) < _SHORTEST_MASTER_KEY:
            raise KeyringLocked(
                f"the master key in {path} is shorter than {_SHORTEST_MASTER_KEY} characters; "
                "make one with: openssl rand -base64 32"
            )
        return text

    def _read(self) -> _Entries:
        path = self._path()
        try:
            sealed = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyringError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise KeyringError(f"{path} is damaged: it is not JSON") from error
        try:
            known = sealed["v"] == 1 and sealed["kdf"] == _KDF
            salt, nonce, data = (base64.b64decode(sealed[name], validate=True) for name in ("salt", "nonce", "data"))
        except (KeyError, TypeError, ValueError) as error:
            raise KeyringError(f"{path} is damaged: a part of it is missing") from error
        if not known:
            raise KeyringError(f"{path} is of a version that this program does not know")
        try:
            opened = AESGCM(self._key(salt)).decrypt(nonce, data, _FORMAT.encode())
        except InvalidTag:
            # Raised from None: a traceback through the cipher has nothing to add.
            raise KeyringLocked(f"{path} cannot be opened with the master key in {self.key_file}") from None
        entries: _Entries = json.loads(opened)
        return entries

    def _write(self, entries: _Entries) -> None:
        path = self._path()
        salt, nonce = self._salt_in_use() or os.urandom(16), os.urandom(12)
        data = AESGCM(self._key(salt)).encrypt(nonce, json.dumps(entries).encode(), _FORMAT.encode())
        parts = {"salt": salt, "nonce": nonce, "data": data}
        sealed = {"v": 1, "kdf": _KDF} | {name: base64.b64encode(part).decode() for name, part in parts.items()}
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(sealed, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _salt_in_use(self) -> bytes | None:
        """The salt whose key is at hand, to pay scrypt once a process; None before the first read or write."""
        return next(iter(self._key_of_salt), None)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
