"""The master key's file: what the three ways of mounting secrets give is taken, what others could touch is not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked

from agent.credentials import key_file
from agent.credentials.key_file import read_key_file

KEY = b"q7Jm2vX9sT4wB8nE6rY1uP3kL5hG0dF2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a platform mounts one."""
    place = tmp_path / "secrets"
    place.mkdir(mode=0o755)
    return place


def put(path: Path, mode: int = 0o400) -> Path:
    path.write_bytes(KEY + b"\n")
    path.chmod(mode)
    return path


@pytest.fixture
def as_mounted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, named as one in which the platform's modes count as safe."""
    monkeypatch.setenv("AGENT_KEYRING_KEY_FOLDER", str(folder))
    return folder


@pytest.fixture
def owned_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make files and folders belong to this user id, whoever runs the test; the agent is user 10001."""

    def change(uid: int) -> None:
        monkeypatch.setattr(key_file, "_is_trusted", lambda _: uid in (0, 10_001))

    return change


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_file_of_ours_alone_is_taken_anywhere(folder: Path, mode: int) -> None:
    """A plain server, systemd's credentials."""
    assert read_key_file(put(folder / "key", mode)) == KEY


@pytest.mark.parametrize("mode", [0o440, 0o444, 0o404])
def test_a_mounted_secret_may_be_readable_in_its_folder_only(
    folder: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's 0444 is safe inside its container, and nowhere else; the error says both ways out."""
    path = put(folder / "key", mode)
    with pytest.raises(KeyringLocked, match=r"chmod 0400 .* only below /run/secrets"):
        read_key_file(path)
    monkeypatch.setenv("AGENT_KEYRING_KEY_FOLDER", str(folder))
    assert read_key_file(path) == KEY
    monkeypatch.setenv("AGENT_KEYRING_KEY_FOLDER", str(folder / "other"))
    with pytest.raises(KeyringLocked):
        read_key_file(path)


def test_the_links_of_kubernetes_are_followed(as_mounted: Path) -> None:
    """`key` -> `..data/key`, `..data` -> `..2026_11_22`: a chain inside the volume, which is sticky."""
    real = as_mounted / "..2026_11_22"
    real.mkdir()
    put(real / "key", 0o440)
    (as_mounted / "..data").symlink_to("..2026_11_22")
    (as_mounted / "key").symlink_to("..data/key")
    as_mounted.chmod(0o777 | stat.S_ISVTX)
    assert read_key_file(as_mounted / "key") == KEY


def test_a_readable_file_behind_a_link_out_of_the_folder_is_refused(as_mounted: Path, tmp_path: Path) -> None:
    """What counts as safe is the folder of the file, not that of the link."""
    put(tmp_path / "elsewhere", 0o444)
    (as_mounted / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyringLocked, match="can be read by others"):
        read_key_file(as_mounted / "key")


def test_a_link_to_another_file_system_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leads out of what was mounted."""
    (folder / "key").symlink_to("/proc/version")
    with pytest.raises(KeyringLocked, match="another file system"):
        read_key_file(folder / "key")


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_what_others_may_write_is_refused_everywhere(as_mounted: Path, mode: int) -> None:
    """They could put a key of theirs there."""
    with pytest.raises(KeyringLocked, match="can be written by others"):
        read_key_file(put(as_mounted / "key", mode))


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_in_which_others_may_replace_the_file_is_refused(as_mounted: Path, mode: int) -> None:
    """A file of mode 0400 is worth nothing where anybody may rename it away."""
    put(as_mounted / "key")
    as_mounted.chmod(mode)
    with pytest.raises(KeyringLocked, match="others may replace it"):
        read_key_file(as_mounted / "key")


def test_a_strangers_file_is_refused_unless_nobody_can_change_it(
    as_mounted: Path, owned_by: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """compose mounts the operator's file with the operator's user id, read-only: then nobody here can change it."""
    path = put(as_mounted / "key", 0o444)
    owned_by(1000)
    with pytest.raises(KeyringLocked, match="yours or root's"):
        read_key_file(path)
    monkeypatch.setattr(key_file, "_on_read_only_mount", lambda _: True)
    with pytest.raises(KeyringLocked, match="belongs to another user"):
        read_key_file(path)
    monkeypatch.setattr(key_file, "_is_read_only", lambda _: True)
    assert read_key_file(path) == KEY


def test_a_strangers_link_is_refused(
    folder: Path, owned_by: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns a link decides where it leads."""
    put(folder / "real")
    (folder / "key").symlink_to("real")
    owned_by(1000)
    with pytest.raises(KeyringLocked, match="a link of another user"):
        read_key_file(folder / "key")


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing", "loop"])
def test_anything_but_a_file_is_refused_at_once(folder: Path, kind: str) -> None:
    """A pipe does not make the agent wait; a link to itself does not either."""
    path = folder / "key"
    if kind == "folder":
        path.mkdir(mode=0o700)
    elif kind == "pipe":
        os.mkfifo(path, 0o400)
    elif kind == "loop":
        path.symlink_to("key")
    with pytest.raises(KeyringLocked, match=r"regular file|cannot read"):
        read_key_file(path)


def test_run_secrets_is_a_secret_folder_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker and compose put secrets."""
    monkeypatch.delenv("AGENT_KEYRING_KEY_FOLDER", raising=False)
    assert key_file._in_secret_folder(Path("/run/secrets/key"), Path("/run/secrets/key"))
    assert not key_file._in_secret_folder(Path("/run/secrets-of-mine/key"), Path("/run/secrets-of-mine/key"))
