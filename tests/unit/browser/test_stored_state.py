"""The signed-in state between runs: sealed, bound to its owner, and never in clear."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from agent.browser.stored_state import StoredState

STATE: dict[str, Any] = {"cookies": [{"name": "_session", "value": "s3cr3t-cookie-value", "domain": "example.com"}]}


class Keyring(KeyringBackend):
    """A keyring in memory; ``forgets`` says yes to everything and keeps nothing, as the null backend does."""

    priority = 1

    def __init__(self, *, forgets: bool = False, broken: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self._forgets, self._broken = forgets, broken
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own

    def get_password(self, service: str, username: str) -> str | None:
        if self._broken:
            raise KeyringError("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self._forgets:
            self.kept[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("none")


def test_what_was_kept_comes_back_and_nothing_of_it_lies_in_clear(tmp_path: Path) -> None:
    """The cookie's value is in no byte of the folder; the file is ours alone."""
    backend = Keyring()
    assert StoredState(tmp_path, "acme", "svc@example.com", backend).save(STATE)
    stored = StoredState(tmp_path, "acme", "svc@example.com", backend)
    assert stored.load() == STATE
    for file in tmp_path.iterdir():
        assert b"s3cr3t" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("tenant", "account"), [("acme", "other@example.com"), ("other", "svc@example.com")])
def test_another_owners_state_is_not_used(tmp_path: Path, tenant: str, account: str) -> None:
    """Bound to tenant and account, also when somebody renames the file."""
    backend = Keyring()
    mine = StoredState(tmp_path, "acme", "svc@example.com", backend)
    mine.save(STATE)
    theirs = StoredState(tmp_path, tenant, account, backend)
    if theirs.file != mine.file:
        mine.file.rename(theirs.file)
        backend.kept = {(service, tenant): key for (service, _), key in backend.kept.items()}
    assert theirs.load() is None


def test_a_changed_or_foreign_file_is_the_same_as_none(tmp_path: Path) -> None:
    """Authenticated: one flipped byte, a wrong key, or a missing key mean a new sign-in, not an error."""
    backend = Keyring()
    stored = StoredState(tmp_path, "acme", "svc@example.com", backend)
    assert stored.load() is None
    stored.save(STATE)
    sealed = bytearray(stored.file.read_bytes())
    sealed[40] ^= 1
    stored.file.write_bytes(sealed)
    assert stored.load() is None
    stored.save(STATE)
    backend.kept.clear()
    assert stored.load() is None


@pytest.mark.parametrize("backend", [Keyring(forgets=True), Keyring(broken=True)])
def test_without_a_keyring_nothing_is_kept_rather_than_in_clear(tmp_path: Path, backend: Keyring) -> None:
    """A keyring that loses or locks the key: no file at all."""
    stored = StoredState(tmp_path, "acme", "svc@example.com", backend)
    assert not stored.save(STATE)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_file_costs_the_session_and_nothing_else(tmp_path: Path) -> None:
    """A job that is done must not end uncertain because its cookies could not be kept."""
    (tmp_path / "sessions").write_text("a file where the folder should be")
    assert not StoredState(tmp_path / "sessions", "acme", "svc@example.com", Keyring()).save(STATE)


def test_forgetting_removes_file_and_key(tmp_path: Path) -> None:
    """`agent credentials remove` leaves nothing that could sign in."""
    backend = Keyring()
    stored = StoredState(tmp_path, "acme", "svc@example.com", backend)
    stored.save(STATE)
    stored.forget()
    stored.forget()
    assert list(tmp_path.iterdir()) == []
    assert backend.kept == {}
