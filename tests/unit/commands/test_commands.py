"""The other commands."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from agent.commands import doctor, sandbox
from agent.commands.checked import State
from agent.commands.doctor import disk, rights
from agent.commands.exit_codes import ExitCode
from agent.credentials.sealed_file import SealedFileKeyring
from agent.domain.person import Capabilities, Fingerprint
from tests.unit.browser.test_stored_state import Keyring
from tests.unit.commands.conftest import CommandLine

PASSWORD = "Correct-horse-7!"
SEED = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> KeyringBackend:
    """A keyring in memory in place of the system's."""
    kept = Keyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: kept)
    return kept


def given(**more: Any) -> str:
    """Credentials as JSON."""
    return json.dumps({"email": "svc@example.com", "password": PASSWORD, "totp_secret": SEED, **more})


def test_version_names_what_it_stands_on(agent: CommandLine) -> None:
    """For people and for machines."""
    assert "playwright" in agent("version").stdout
    assert set(json.loads(agent("version", "--json").stdout)) == {"agent", "python", "playwright"}


def test_schema_is_one_json_document(agent: CommandLine) -> None:
    """To be saved to a file."""
    assert "$defs" in json.loads(agent("schema").stdout)


def test_credentials_are_set_from_standard_input_checked_and_removed(
    agent: CommandLine, backend: KeyringBackend
) -> None:
    """Nothing secret is shown at any point."""
    results = [agent("credentials", "set", "sandbox", stdin=given()), agent("credentials", "check", "sandbox")]
    assert [result.exit_code for result in results] == [0, 0]
    results.append(agent("credentials", "check", "sandbox", "--json"))
    assert json.loads(results[-1].stdout)["totp_secret"] is True
    results.append(agent("credentials", "remove", "sandbox"))
    shown = "".join(result.output for result in results)
    assert PASSWORD not in shown
    assert SEED not in shown
    assert agent("credentials", "check", "sandbox").exit_code == 4


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        ("", "JSON object"),
        (f"{PASSWORD}", "JSON object"),
        (json.dumps({"email": "svc@example.com"}), "password"),
        (given(pasword="x"), "pasword"),
        (given(totp_secret=12), "totp_secret"),
        (given(totp_secret="not base32!"), "base32"),
        (given(email="nobody"), "e-mail"),
    ],
)
def test_unusable_credentials_are_told_by_key_never_by_value(
    agent: CommandLine, backend: KeyringBackend, stdin: str, words: str
) -> None:
    """Exit code 2; the screen shows no value."""
    result = agent("credentials", "set", "sandbox", stdin=stdin)
    assert result.exit_code == 2
    assert words in result.output
    assert PASSWORD not in result.output


def test_credentials_have_no_option_that_would_show_in_a_process_list(agent: CommandLine) -> None:
    """The password is no argument."""
    assert agent("credentials", "set", "sandbox", "--password", PASSWORD).exit_code == 2


def test_credentials_for_a_tenant_that_settings_do_not_know_are_stored_with_a_note(
    agent: CommandLine, backend: KeyringBackend
) -> None:
    """A typing error is noticed at once."""
    result = agent("credentials", "set", "sandbx", stdin=given())
    assert result.exit_code == 0
    assert "did you mean 'sandbox'" in " ".join(result.output.split())


def test_the_sandbox_is_started_as_a_program_of_its_own(agent: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options pass through untouched, --help among them; nothing of it is imported here."""
    seen: list[Any] = []

    def become(path: str, words: list[str]) -> None:
        seen.append((path, words))

    monkeypatch.setattr(os, "execv", become)
    agent("sandbox", "--port", "0", "--no-delays", "--help")
    assert seen == [(sys.executable, [sys.executable, "-m", sandbox.MODULE, "--port", "0", "--no-delays", "--help"])]


def test_doctor_says_the_next_thing_to_do_for_each_failing_line(
    agent: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No browser, no keyring: two lines, two remedies, exit code 4, as text and as JSON."""
    monkeypatch.setenv("AGENT_BROWSER", "/nowhere/chromium")
    monkeypatch.setattr(keyring, "get_keyring", NoKeyring)
    result = agent("doctor")
    assert result.exit_code == ExitCode.FAILED
    assert "apt-get install" in result.stdout
    assert "docs/how-to/credentials.md" in " ".join(result.stdout.split())
    document = json.loads(agent("doctor", "--json").stdout)
    bad = [line for line in document["checks"] if line["state"] == "bad"]
    assert not document["healthy"]
    assert {line["check"] for line in bad} == {"browser", "keyring"}
    assert all(line["next_step"] for line in bad)


def test_doctor_opens_the_keyring(agent: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A keyring that is there but does not open with this master key is bad, with the exact remedy."""
    key = tmp_path / "master"
    key.write_text("a" * 32, encoding="utf-8")
    key.chmod(0o400)
    monkeypatch.setenv("AGENT_KEYRING_KEY_FILE", str(key))
    monkeypatch.setenv("AGENT_KEYRING_FILE", str(tmp_path / "sealed"))
    SealedFileKeyring().set_password("x", "y", "z")
    monkeypatch.setattr(keyring, "get_keyring", SealedFileKeyring)
    monkeypatch.setenv("AGENT_BROWSER", "/nowhere/chromium")

    def line() -> dict[str, str]:
        checks = json.loads(agent("doctor", "--json").stdout)["checks"]
        return next(item for item in checks if item["check"] == "keyring")

    assert line()["state"] == "good"
    key.chmod(0o600)
    key.write_text("b" * 32, encoding="utf-8")
    assert (line()["state"], "sealed with" in line()["next_step"]) == ("bad", True)
    key.unlink()
    assert (line()["state"], "Put the master key back" in line()["next_step"]) == ("bad", True)


def test_the_sandbox_says_plainly_that_it_is_not_there(agent: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the container, which has only the agent."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = agent("sandbox")
    assert result.exit_code == ExitCode.FAILED
    assert "not part of this installation" in " ".join(result.stdout.split())


def test_doctor_without_settings_says_what_to_type(agent: CommandLine) -> None:
    """agent init."""
    (agent.folder / "agent.toml").unlink()
    result = agent("doctor")
    assert result.exit_code == 2
    assert "agent init" in result.stdout


def test_doctor_sees_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is nearly full."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert disk("evidence", tmp_path / "file" / "below").state is State.BAD
    monkeypatch.setattr(doctor, "LEAST_FREE_MIB", 10**9)
    assert disk("evidence", tmp_path).state is State.BAD
    assert list(tmp_path.iterdir()) == [tmp_path / "file"], "the probe leaves nothing behind"


def test_doctor_names_the_rights_that_are_missing() -> None:
    """And who gives them."""
    all_rights = dict.fromkeys(Capabilities.model_fields, True)
    found = Fingerprint(
        generation="legacy",
        locale="en",
        company_id="1",
        company_name="X",
        signed_in_as="svc@example.com",
        capabilities=Capabilities(**{**all_rights, "can_inactivate": False}),
        catalogue="",
    )
    line = rights("sandbox", found)
    assert line.state is State.BAD
    assert "inactivate" in line.detail
    assert "svc@example.com" in line.next_step
