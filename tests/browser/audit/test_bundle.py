"""A real job on the sandbox, handed to an auditor: verified on another machine with the bundle and one public key.

The other machine is a process with an empty home, another folder, no settings, no keyring and no way to the network of
the agent: only the program, the bundle and the key's text.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.audit.note import SigningKey
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.evidence.search import search_bytes
from fixtures.running import ROOT
from tests.browser.conftest import Sandbox
from tests.browser.jobs.conftest import ACCOUNT, ANA, provision
from tests.browser.jobs.test_command_line import Shell


class Auditor:
    """Somebody elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def verify(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``agent evidence verify``, there."""
        return subprocess.run(
            [sys.executable, "-m", "agent", "evidence", "verify", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def codes(self, *words: str) -> tuple[int, list[str]]:
        """Exit code, and the codes of what is wrong."""
        ran = self.verify(*words, "--json")
        said = json.loads(ran.stdout)
        found = [item["code"] for part in said["verified"].values() for item in part["problems"]]
        return ran.returncode, sorted(set(found))


@dataclass(frozen=True)
class HandedOver:
    """What the auditor gets, and what the agent's own machine said of it."""

    key: str
    bundles: dict[str, bytes]  # name -> the zip
    said: dict[str, Any]  # name -> what the export printed
    own: subprocess.CompletedProcess[str]  # verify --all, on the agent's machine


@pytest.fixture(scope="module")
def handed_over(sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> HandedOver:
    """One person provisioned, both bundles exported; then nothing of the agent's machine is left."""
    sandbox_process.post("/reset")
    shell = Shell(tmp_path_factory.mktemp("agent"), sandbox_process)
    given = {name: shell.secrets[name] for name in ("email", "password", "totp_secret")}
    assert shell("credentials", "set", "sandbox", stdin=json.dumps(given)).returncode == 0
    (shell.folder / "job.json").write_text(provision().model_dump_json(exclude_unset=True), encoding="utf-8")
    done = shell("run-job", "job.json", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = json.loads(shell("evidence", "list", "--json").stdout)["runs"]
    key = json.loads(shell("evidence", "keys", "show", "--json").stdout)["keys"]["sandbox"][0]
    today = datetime.now(UTC).date()
    said = {}
    for name, words in {
        "job.zip": ("--job", run["job_id"]),
        "period.zip": ("--from", str(today - timedelta(days=1)), "--to", str(today)),
    }.items():
        ran = shell("evidence", "export", *words, "--out", name, "--json")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        said[name] = json.loads(ran.stdout)
    assert shell("evidence", "head", "--out", "kept.txt").returncode == 0
    own = shell("evidence", "verify", "--all", "--head", "kept.txt")
    bundles = {name: (shell.folder / name).read_bytes() for name in said}
    shutil.rmtree(shell.folder)
    return HandedOver(key, bundles, said, own)


@pytest.fixture
def auditor(handed_over: HandedOver, tmp_path: Path) -> Auditor:
    """The bundles were carried over."""
    there = Auditor(tmp_path)
    for name, data in handed_over.bundles.items():
        (tmp_path / name).write_bytes(data)
    return there


def spoiled(file: Path, ending: str, change: Callable[[bytes], bytes]) -> None:
    """A proper zip again, in which the file of that ending is another."""
    with zipfile.ZipFile(file) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    name = next(name for name in contents if name.endswith(ending))
    changed = change(contents[name])
    assert changed != contents[name]
    with zipfile.ZipFile(file, "w") as fresh:
        for item, data in contents.items():
            fresh.writestr(item, changed if item == name else data)


def test_a_bundle_is_verified_on_another_machine(handed_over: HandedOver, auditor: Auditor) -> None:
    """A job and its period: proven there in plain words, and found out when a byte is changed or a file is gone."""
    assert handed_over.said["period.zip"]["population"]["equation"].startswith("1 submitted = 1 done")
    key = handed_over.key
    for name in handed_over.bundles:
        ran = auditor.verify(name, "--key", key)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        told = " ".join(ran.stdout.split())
        assert "byte for byte what was sealed" in told
        assert "Not proven by this" in told
        assert "Genuine" in told
    with zipfile.ZipFile(auditor.folder / "period.zip") as opened:
        assert ANA.encode() in opened.read("changes.csv")
        opened.extractall(auditor.folder / "unpacked")
    (auditor.folder / "key.txt").write_text(f"The key, as it was mailed:\n{key}\n", encoding="utf-8")
    assert auditor.codes("unpacked", "--key", "key.txt") == (0, [])

    spoiled(auditor.folder / "job.zip", "outcome.json", lambda data: data.replace(b'"done"', b'"d0ne"'))
    assert auditor.codes("job.zip", "--key", key) == (7, ["evidence-file-changed"])
    spoiled(auditor.folder / "period.zip", "changes.csv", lambda data: data.replace(ANA.encode(), b"eve@example.com"))
    assert auditor.codes("period.zip", "--key", key) == (7, ["bundle-table-changed"])
    folder = next((auditor.folder / "unpacked" / "evidence" / "sandbox").glob("2*/*"))
    (folder / "trace.zip").unlink()
    assert auditor.codes("unpacked", "--key", key) == (7, ["evidence-file-removed"])


def test_without_a_key_nothing_is_claimed(handed_over: HandedOver, auditor: Auditor) -> None:
    """No key: bad usage, not a pass. A mangled one: told as such. Another ledger's key: told as foreign."""
    without = auditor.verify("job.zip")
    assert without.returncode == 2
    assert "--key" in without.stdout
    assert auditor.verify("job.zip", "--key", handed_over.key[:-3] + "AAA").returncode == 2
    foreign = SigningKey("agent/0123456789abcdef", Ed25519PrivateKey.generate()).public.vkey
    assert auditor.codes("job.zip", "--key", foreign) == (7, ["ledger-foreign-key"])


def test_the_agents_own_machine_needs_no_key_to_be_typed(handed_over: HandedOver) -> None:
    """--all takes the keys of its keyring, and proves that the ledger goes on from the head that was kept."""
    assert handed_over.own.returncode == 0, handed_over.own.stdout
    assert "at least the head you kept" in " ".join(handed_over.own.stdout.split())


def test_no_secret_is_in_a_bundle(sandbox_process: Sandbox, handed_over: HandedOver) -> None:
    """What goes to outsiders is searched like the evidence itself."""
    known = KnownSecrets()
    secrets = next(item for item in sandbox_process.get("/credentials") if item["email"] == ACCOUNT)
    for name in ("password", "totp_secret"):
        known.add(name, Secret(secrets[name]))
    for name, data in handed_over.bundles.items():
        assert search_bytes(data, name, known) == []
