"""The store of service accounts: what it keeps, what it refuses, what it says."""

from __future__ import annotations

from pathlib import Path

import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.errors import AgentError, Failed, Refused

PASSWORD = "Qu1et-Harbor-42"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class MemoryKeyring(KeyringBackend):
    """A keyring in memory. Its priority keeps it from ever being chosen."""

    priority = -5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no annotation here
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.entries:
            raise PasswordDeleteError("none")
        del self.entries[service, username]


class PlaintextKeyring(MemoryKeyring):
    """What keyrings.alt would bring, by its name."""


class ForgetfulKeyring(MemoryKeyring):
    """Says yes and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class LockedKeyring(MemoryKeyring):
    """Nobody unlocked it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the prompt was dismissed")


def account(seed: str | None = SEED) -> ServiceAccount:
    """An account that is in order."""
    return ServiceAccount("admin@example.com", Secret(PASSWORD), Secret(seed) if seed else None)


def test_set_get_remove() -> None:
    """An account comes back as it was set, tenants do not mix, and removing tells whether there was one."""
    store = CredentialStore(MemoryKeyring())
    store.set("acme", account())
    store.set("other", account(seed=None))
    got = store.get("acme")
    assert (got.email, got.password.reveal()) == ("admin@example.com", PASSWORD)
    assert got.totp_seed is not None
    assert got.totp_seed.reveal() == SEED
    assert store.get("other").totp_seed is None
    assert store.remove("acme")
    assert not store.remove("acme")


def test_missing_credentials_name_the_command() -> None:
    """The error says what to type."""
    with pytest.raises(Failed, match="agent credentials set acme") as caught:
        CredentialStore(MemoryKeyring()).get("acme")
    assert caught.value.code == "credentials-missing"


@pytest.mark.parametrize("kind", [keyring.backends.null.Keyring, keyring.backends.fail.Keyring, PlaintextKeyring])
def test_unsafe_backends_are_refused(kind: type[KeyringBackend]) -> None:
    """Null, fail and plaintext backends are refused before anything is written to them."""
    backend = kind()
    store = CredentialStore(backend)
    for act in (lambda: store.set("acme", account()), lambda: store.get("acme"), lambda: store.remove("acme")):
        with pytest.raises(Failed) as caught:
            act()
        assert caught.value.code == "keyring-refused"
        assert "SealedFileKeyring" in caught.value.expected
    if isinstance(backend, MemoryKeyring):
        assert backend.entries == {}


def test_a_backend_that_keeps_nothing_is_noticed() -> None:
    """What was set is read back before anybody is told that it is stored."""
    with pytest.raises(Failed, match="does not give them back"):
        CredentialStore(ForgetfulKeyring()).set("acme", account())


def test_locked_keyring_is_an_error_of_ours() -> None:
    """keyring's own errors arrive with a code and a reason."""
    with pytest.raises(Failed) as caught:
        CredentialStore(LockedKeyring()).get("acme")
    assert caught.value.code == "keyring-locked"
    assert "dismissed" in caught.value.seen


@pytest.mark.parametrize("damage", ['{"password": ', '["Qu1et"]', '{"email": "a@example.com"}'])
def test_damaged_entry(damage: str) -> None:
    """An entry that is not ours is named as damaged, and not repeated."""
    ring = MemoryKeyring()
    ring.set_password("procore-directory-agent:acme", "service-account", damage)
    with pytest.raises(AgentError) as caught:
        CredentialStore(ring).get("acme")
    assert caught.value.code == "credentials-damaged"
    assert damage not in str(caught.value.diagnostics())


@pytest.mark.parametrize(
    ("email", "password", "seed", "why"),
    [
        ("admin", PASSWORD, None, "e-mail"),
        ("a@example.com", "short", None, "8 characters"),
        ("a@example.com", PASSWORD, "not base32!", "base32"),
    ],
)
def test_invalid_input_is_refused_without_repeating_it(email: str, password: str, seed: str | None, why: str) -> None:
    """What a person typed wrong is said in words; secrets are not in them."""
    with pytest.raises(Refused, match=why) as caught:
        ServiceAccount(email, Secret(password), Secret(seed) if seed else None)
    shown = str(caught.value.diagnostics())
    assert "short" not in shown
    assert "not base32!" not in shown


def test_an_account_does_not_show_its_secrets() -> None:
    """repr of an account is safe to log."""
    assert PASSWORD not in repr(account())
    assert SEED not in repr(account())


def test_sign_in_credentials_register_what_they_reveal(tmp_path: Path) -> None:
    """Password, seed and each code are on the list of known secrets before anybody uses them."""
    store, known = CredentialStore(MemoryKeyring()), KnownSecrets()
    store.set("acme", account())
    credentials = store.sign_in_credentials("acme", tmp_path, known)
    assert {item.secret.reveal() for item in known} == {PASSWORD, SEED}
    assert credentials.email == "admin@example.com"
    assert credentials.password() == PASSWORD
    code = credentials.totp()
    assert code is not None
    assert [item.secret.reveal() for item in known if item.kind is SecretKind.ONE_TIME_CODE] == [code]
    assert code not in (tmp_path / "totp-acme.json").read_text()


async def test_account_without_authenticator(tmp_path: Path) -> None:
    """No seed: no code, and no waiting for one."""
    store = CredentialStore(MemoryKeyring())
    store.set("acme", account(seed=None))
    credentials = store.sign_in_credentials("acme", tmp_path, KnownSecrets())
    await credentials.code_ready()
    assert credentials.totp() is None


def test_secrets_of_the_service_are_apart_from_tenants() -> None:
    """A tenant called mail has nothing to do with the mail server's password."""
    ring = MemoryKeyring()
    store = CredentialStore(ring)
    store.set("mail", account())
    assert store.find_secret("mail") is None
    store.set_secret("mail", Secret("Another-One"))
    found = store.find_secret("mail")
    assert found is not None
    assert found.reveal() == "Another-One"
    assert store.remove_secret("mail")
    assert not store.remove_secret("mail")
    assert store.get("mail").password.reveal() == PASSWORD


def test_a_secret_that_is_not_kept_is_noticed() -> None:
    """What was stored is read back, and an unsafe keyring is refused, as for accounts."""
    with pytest.raises(Failed, match="does not give them back"):
        CredentialStore(ForgetfulKeyring()).set_secret("mail", Secret("Another-One"))
    with pytest.raises(Failed) as caught:
        CredentialStore(PlaintextKeyring()).set_secret("mail", Secret("Another-One"))
    assert caught.value.code == "keyring-refused"
