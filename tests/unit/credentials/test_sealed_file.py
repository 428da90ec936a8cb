"""The sealed file: opened by its key only, whole after a crash, complete after parallel writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError

from agent.credentials.sealed_file import SealedFileKeyring

KEY = "q7Jm2vX9sT4wB8nE6rY1uP3kL5hG0dF2"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A master key file as the documentation asks for."""
    path = tmp_path / "master.key"
    path.write_text(KEY + "\n")
    path.chmod(0o400)
    return path


@pytest.fixture
def ring(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> SealedFileKeyring:
    """A keyring configured by the environment."""
    monkeypatch.setenv("AGENT_KEYRING_KEY_FILE", str(key_file))
    monkeypatch.setenv("AGENT_KEYRING_FILE", str(tmp_path / "data" / "keyring.json"))
    return SealedFileKeyring()


def test_keeps_and_removes(ring: SealedFileKeyring) -> None:
    """What was set comes back, in a new process's keyring, too; what was removed does not."""
    ring.set_password("tenant:acme", "admin", "S3cret-Harbor")
    ring.set_password("tenant:other", "admin", "Another-One")
    assert SealedFileKeyring().get_password("tenant:acme", "admin") == "S3cret-Harbor"
    ring.delete_password("tenant:acme", "admin")
    assert SealedFileKeyring().get_password("tenant:acme", "admin") is None
    assert ring.get_password("tenant:other", "admin") == "Another-One"


def test_nothing_stands_in_clear(ring: SealedFileKeyring, tmp_path: Path) -> None:
    """Neither secrets nor the names of tenants can be read from the file, which only its owner may open."""
    ring.set_password("tenant:acme", "admin@example.com", "S3cret-Harbor")
    path = tmp_path / "data" / "keyring.json"
    data = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    for word in (b"acme", b"admin", b"S3cret"):
        assert word not in data


def test_wrong_key_is_locked(ring: SealedFileKeyring, key_file: Path) -> None:
    """Another master key opens nothing, and overwrites nothing."""
    ring.set_password("tenant:acme", "admin", "S3cret-Harbor")
    key_file.chmod(0o600)
    key_file.write_text("x" * 32)
    key_file.chmod(0o400)
    other = SealedFileKeyring()
    with pytest.raises(KeyringLocked, match="cannot be opened"):
        other.get_password("tenant:acme", "admin")
    with pytest.raises(KeyringLocked):
        other.set_password("tenant:acme", "admin", "new")
    assert ring.get_password("tenant:acme", "admin") == "S3cret-Harbor"


def test_tampering_is_noticed(ring: SealedFileKeyring, tmp_path: Path) -> None:
    """One changed byte of the sealed data is never decrypted to something else."""
    ring.set_password("tenant:acme", "admin", "S3cret-Harbor")
    path = tmp_path / "data" / "keyring.json"
    sealed = json.loads(path.read_text())
    sealed["data"] = ("B" if sealed["data"][0] == "A" else "A") + sealed["data"][1:]
    path.write_text(json.dumps(sealed))
    with pytest.raises(KeyringLocked):
        SealedFileKeyring().get_password("tenant:acme", "admin")


@pytest.mark.parametrize(
    "damage", ["", "[]", "{}", '{"v": 1}', '{"v":2,"kdf":"scrypt-15-8-1","salt":"","nonce":"","data":""}']
)
def test_damaged_file_is_an_error_not_an_empty_keyring(ring: SealedFileKeyring, tmp_path: Path, damage: str) -> None:
    """A file that is not ours is never taken for an empty keyring, which the next write would make true."""
    ring.set_password("tenant:acme", "admin", "S3cret-Harbor")
    path = tmp_path / "data" / "keyring.json"
    path.write_text(damage)
    with pytest.raises(KeyringError):
        ring.set_password("tenant:acme", "other", "x")
    assert path.read_text() == damage


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644])
def test_key_file_open_to_others_is_refused(ring: SealedFileKeyring, key_file: Path, mode: int) -> None:
    """A master key that others may read is no key; the error says what to type."""
    key_file.chmod(mode)
    with pytest.raises(KeyringLocked, match="chmod 0400"):
        ring.set_password("tenant:acme", "admin", "S3cret-Harbor")


def test_missing_and_short_keys_are_refused(ring: SealedFileKeyring, key_file: Path) -> None:
    """No key file, and a key that could be guessed, both leave the keyring locked."""
    key_file.chmod(0o600)
    key_file.write_text("short")
    with pytest.raises(KeyringLocked, match="shorter"):
        ring.set_password("tenant:acme", "admin", "S3cret-Harbor")
    key_file.unlink()
    with pytest.raises(KeyringLocked, match="cannot read"):
        ring.set_password("tenant:acme", "admin", "S3cret-Harbor")


def test_removing_what_is_not_there(ring: SealedFileKeyring) -> None:
    """Removing an unknown entry raises keyring's own error."""
    with pytest.raises(PasswordDeleteError):
        ring.delete_password("tenant:acme", "admin")


def test_a_failed_write_leaves_the_old_file(
    ring: SealedFileKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in mid-write costs the new entry, not the old ones, and leaves no scraps."""
    ring.set_password("tenant:acme", "admin", "S3cret-Harbor")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ring.set_password("tenant:acme", "admin", "new")
    monkeypatch.undo()
    assert ring.get_password("tenant:acme", "admin") == "S3cret-Harbor"
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"keyring.json", ".keyring.json.lock"}


def test_parallel_writers_lose_nothing(ring: SealedFileKeyring, tmp_path: Path, key_file: Path) -> None:
    """Processes that write at the same time all find their entry afterwards, through keyring's own command line."""
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "agent.credentials.sealed_file.SealedFileKeyring",
        "AGENT_KEYRING_KEY_FILE": str(key_file),
        "AGENT_KEYRING_FILE": str(tmp_path / "data" / "keyring.json"),
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "keyring", "set", f"tenant:{number}", "admin"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        for number in range(4)
    ]
    for number, writer in enumerate(writers):
        writer.communicate(f"secret-of-{number}".encode(), timeout=60)
        assert writer.returncode == 0
    assert [ring.get_password(f"tenant:{number}", "admin") for number in range(4)] == [
        f"secret-of-{number}" for number in range(4)
    ]


def test_offered_only_with_a_master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a configured master key keyring does not consider this backend; with one it ranks below desktops."""
    monkeypatch.delenv("AGENT_KEYRING_KEY_FILE", raising=False)
    assert not SealedFileKeyring.viable
    monkeypatch.setenv("AGENT_KEYRING_KEY_FILE", "/run/secrets/key")
    assert SealedFileKeyring.viable
    assert 0 < SealedFileKeyring.priority < 1
