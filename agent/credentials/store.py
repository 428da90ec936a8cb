"""The service account of each tenant, and the service's own secrets, kept in the system's keyring.

Errors are :class:`agent.errors.Failed` with the codes ``keyring-refused`` (a backend that keeps secrets in clear or not
at all), ``keyring-locked``, ``keyring-broken``, ``credentials-missing`` and ``credentials-damaged``, or
:class:`agent.errors.Refused` ``credentials-invalid`` for what a person typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError

import agent.credentials.sealed_file  # registers the backend before keyring looks for one
from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret
from agent.credentials.totp import OneTimeCodes, normal_seed
from agent.errors import Failed, Mender, Refused, RetrySafe

SEALED_BACKEND = f"{agent.credentials.sealed_file.__name__}.SealedFileKeyring"
_SERVICE = "procore-directory-agent"
_SERVICE_SECRETS = f"{_SERVICE}/service"  # no tenant can have this entry: theirs are behind a colon
_ENTRY = "service-account"
_SHORTEST_PASSWORD = 8  # Procore's own rule [D], and what makes a search for it meaningful
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_IN_CLEAR = re.compile(r"^keyrings\.alt\b|plaintext", re.IGNORECASE)
_NOWHERE = ("keyring.backends.null.", "keyring.backends.fail.")


class ServiceAccount:
    """E-mail address, password and TOTP seed of one tenant's service account, checked."""

    def __init__(self, email: str, password: Secret, totp_seed: Secret | None = None) -> None:
        """Refused ``credentials-invalid`` with a sentence for people; values never stand in it."""
        self.email = email.strip()
        self.password = password
        self.totp_seed: Secret | None = None
        if not _EMAIL.fullmatch(self.email):
            raise _invalid("the e-mail address is not one")
        if len(password.reveal()) < _SHORTEST_PASSWORD:
            raise _invalid(f"the password has fewer than the {_SHORTEST_PASSWORD} characters that Procore asks for")
        if totp_seed is not None and totp_seed:
            try:
                self.totp_seed = Secret(normal_seed(totp_seed.reveal()))
            except ValueError as error:
                raise _invalid(str(error)) from None

    def __repr__(self) -> str:
        return f"ServiceAccount(email={self.email!r}, password=***, totp_seed={'***' if self.totp_seed else None})"


class CredentialStore:
    """Reads and writes service accounts; ``backend=None`` takes the one that keyring selects."""

    def __init__(self, backend: KeyringBackend | None = None) -> None:
        self._backend = backend

    @property
    def backend_name(self) -> str:
        """The class of the keyring backend in use, for ``doctor``."""
        kind = type(self._select())
        return f"{kind.__module__}.{kind.__qualname__}"

    def require_safe_backend(self) -> KeyringBackend:
        """The backend in use; Failed ``keyring-refused`` when it would keep secrets in clear, or nowhere."""
        backend = self._select()
        links: tuple[Any, ...] = tuple(backend.backends) if isinstance(backend, ChainerBackend) else (backend,)
        names = [f"{type(link).__module__}.{type(link).__qualname__}" for link in links]
        for name in names or ["keyring.backends.fail.Keyring"]:
            in_clear = bool(_IN_CLEAR.search(name))
            if in_clear or name.startswith(_NOWHERE):
                raise Failed(
                    "keyring-refused",
                    "The keyring in use keeps secrets in clear."
                    if in_clear
                    else "No keyring on this machine can keep secrets.",
                    expected="a desktop keyring, or the agent's own sealed file: "
                    f"PYTHON_KEYRING_BACKEND={SEALED_BACKEND}, AGENT_KEYRING_FILE, AGENT_KEYRING_KEY_FILE",
                    seen=name,
                    mender=Mender.OPERATOR,
                )
        return backend

    def set(self, tenant: str, account: ServiceAccount) -> None:
        """Store a tenant's account."""
        entry = {
            "email": account.email,
            "password": account.password.reveal(),
            "totp_seed": account.totp_seed.reveal() if account.totp_seed else None,
        }
        self._put(_service(tenant), _ENTRY, json.dumps(entry))

    def get(self, tenant: str) -> ServiceAccount:
        """A tenant's account; Failed ``credentials-missing`` says which command to type."""
        text = self._find(_service(tenant), _ENTRY)
        if text is None:
            raise Failed(
                "credentials-missing",
                f"No credentials are stored for the tenant '{tenant}'. Type: agent credentials set {tenant}",
                expected="an entry in the keyring",
                seen="none",
                retry_safe=RetrySafe.YES,
            )
        try:
            entry = json.loads(text)
            seed = entry["totp_seed"]
            return ServiceAccount(entry["email"], Secret(entry["password"]), Secret(seed) if seed else None)
        except (ValueError, KeyError, TypeError):
            # From None: the entry, which is in the error's arguments, must not reach a traceback.
            raise Failed(
                "credentials-damaged",
                f"The keyring's entry for the tenant '{tenant}' is damaged. Type: agent credentials set {tenant}",
            ) from None

    def remove(self, tenant: str) -> bool:
        """Remove a tenant's account; False when there was none."""
        return self._remove(_service(tenant), _ENTRY)

    def set_secret(self, name: str, secret: Secret) -> None:
        """Store a secret of the service itself: ``mail``, ``postgres``, ``webhook:NAME``."""
        self._put(_SERVICE_SECRETS, name, secret.reveal())

    def find_secret(self, name: str) -> Secret | None:
        """A secret of the service itself, or None when none is stored."""
        text = self._find(_SERVICE_SECRETS, name)
        return Secret(text) if text is not None else None

    def remove_secret(self, name: str) -> bool:
        """Remove a secret of the service; False when there was none."""
        return self._remove(_SERVICE_SECRETS, name)

    def sign_in_credentials(self, tenant: str, state_folder: Path, known: KnownSecrets) -> TenantCredentials:
        """What a sign-in to this tenant needs; every secret in it goes on the list of known ones first."""
        return TenantCredentials(tenant, self.get(tenant), state_folder, known)

    def _put(self, service: str, entry: str, text: str) -> None:
        """Store, and read back: some backends say yes and keep nothing."""
        backend = self.require_safe_backend()
        self._call(lambda: backend.set_password(service, entry, text))
        if self._call(lambda: backend.get_password(service, entry)) != text:
            raise Failed(
                "keyring-broken",
                "The keyring accepted the credentials but does not give them back.",
                expected="the same entry on reading",
                seen="another or none",
            )

    def _find(self, service: str, entry: str) -> str | None:
        backend = self.require_safe_backend()
        return self._call(lambda: backend.get_password(service, entry))

    def _remove(self, service: str, entry: str) -> bool:
        backend = self.require_safe_backend()
        try:
            self._call(lambda: backend.delete_password(service, entry))
        except PasswordDeleteError:
            return False
        return True

    def _select(self) -> KeyringBackend:
        if self._backend is not None:
            return self._backend
        try:
            return keyring.get_keyring()
        except (RuntimeError, ImportError, AttributeError) as error:
            raise Failed(
                "keyring-refused",
                "The keyring backend named in the settings cannot be used.",
                expected="a working keyring backend (see docs/how-to/credentials.md)",
                seen=str(error),
            ) from error

    @staticmethod
    def _call(call: Callable[[], str | None]) -> str | None:
        try:
            return call()
        except PasswordDeleteError:
            raise
        except KeyringLocked as error:
            raise Failed("keyring-locked", "The keyring cannot be opened.", seen=str(error)) from error
        except KeyringError as error:
            raise Failed("keyring-broken", "The keyring does not work.", seen=str(error)) from error


class TenantCredentials:
    """A tenant's sign-in; implements :class:`flows.interface.SignInCredentials`.

    Await :meth:`code_ready` before a sign-in begins: when the code of this half-minute is used up, it waits without
    blocking other jobs. :meth:`totp` would wait, too, but blocks.
    """

    def __init__(
        self,
        tenant: str,
        account: ServiceAccount,
        state_folder: Path,
        known: KnownSecrets,
    ) -> None:
        self._account = account
        self._known = known
        self._codes: OneTimeCodes | None = None
        known.add(f"password of {account.email}", account.password)
        if account.totp_seed is not None:
            known.add(f"TOTP seed of {account.email}", account.totp_seed, SecretKind.SEED)
            self._codes = OneTimeCodes(account.totp_seed, state_folder / f"totp-{_file_name(tenant)}.json")

    @property
    def email(self) -> str:
        """The service account's address."""
        return self._account.email

    def password(self) -> str:
        """The password, in clear, for one use."""
        return self._account.password.reveal()

    async def code_ready(self) -> None:
        """Return as soon as a fresh code can be made; at once for an account without an authenticator."""
        if self._codes is not None:
            await self._codes.ready()

    def totp(self) -> str | None:
        """A fresh code that was never given out before, or None for an account without an authenticator."""
        if self._codes is None:
            return None
        code = self._codes.take()
        self._known.add(f"sign-in code of {self.email}", Secret(code), SecretKind.ONE_TIME_CODE)
        return code


def _service(tenant: str) -> str:
    return f"{_SERVICE}:{tenant}"


def _file_name(tenant: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", tenant)


def _invalid(why: str) -> Refused:
    return Refused("credentials-invalid", f"The credentials cannot be stored: {why}.", mender=Mender.OPERATOR)
