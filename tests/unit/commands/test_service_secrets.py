"""`agent credentials webhook`, `mail` and `postgres`: stored from standard input, shown once or never."""

from __future__ import annotations

import keyring
import pytest

from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.notify.webhook import key_of
from tests.unit.commands.conftest import CommandLine
from tests.unit.credentials.test_store import MemoryKeyring
from tests.unit.notify.conftest import SIGNING_SECRET


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """The keyring that the command finds."""
    ring = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    return ring


def stored(ring: MemoryKeyring, name: str) -> str | None:
    found = CredentialStore(ring).find_secret(name)
    return found.reveal() if found else None


@pytest.mark.parametrize("name", ["mail", "postgres"])
def test_a_password_from_standard_input(agent: CommandLine, ring: MemoryKeyring, name: str) -> None:
    """The first line is it, blanks included; it does not come back on the screen."""
    result = agent("credentials", name, stdin=" Qu1et Harbor \nmore\n")
    assert result.exit_code == 0
    assert stored(ring, name) == " Qu1et Harbor "
    assert "Harbor" not in result.output
    assert agent("credentials", name, "--remove").exit_code == 0
    assert stored(ring, name) is None


def test_an_empty_password_is_refused(agent: CommandLine, ring: MemoryKeyring) -> None:
    """A pipe that broke stores nothing."""
    assert agent("credentials", "mail", stdin="").exit_code == 2
    assert ring.entries == {}


def test_a_signing_secret_is_checked_before_it_is_stored(agent: CommandLine, ring: MemoryKeyring) -> None:
    """One in another form would make every signature wrong; the error does not repeat it."""
    result = agent("credentials", "webhook", "desk", stdin="my-short-secret\n")
    assert result.exit_code == 2
    assert "my-short-secret" not in result.output
    assert ring.entries == {}
    assert agent("credentials", "webhook", "desk", stdin=f"{SIGNING_SECRET}\n").exit_code == 0
    assert stored(ring, "webhook:desk") == SIGNING_SECRET


def test_a_new_signing_secret_is_shown_once(agent: CommandLine, ring: MemoryKeyring) -> None:
    """The receiver needs it; it is long enough, and another one each time."""
    shown = []
    for _ in range(2):
        result = agent("credentials", "webhook", "desk", "--generate")
        (line,) = [line for line in result.output.splitlines() if line.startswith("whsec_")]
        assert stored(ring, "webhook:desk") == line
        assert len(key_of(Secret(line))) == 32
        shown.append(line)
    assert shown[0] != shown[1]
    assert "no [notify.webhooks.desk]" in result.output


def test_without_a_terminal_nothing_is_taken_from_the_command_line(agent: CommandLine, ring: MemoryKeyring) -> None:
    """There is no option and no argument for a secret: every process list would show it."""
    assert agent("credentials", "mail", "my-password").exit_code == 2
    assert agent("credentials", "webhook", "desk", SIGNING_SECRET).exit_code == 2
    assert ring.entries == {}
