"""The command itself, as a process of its own, against the sandbox: from no settings to a provisioned person."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from agent.commands.doctor import reach
from agent.evidence.check import check
from fixtures.running import ROOT, browser_path
from tests.browser.conftest import Sandbox
from tests.browser.jobs.conftest import ACCOUNT, ANA, COMPANY, provision

SETTINGS = """
[tenants.sandbox]
sign_in_url = "{sign_in}/"
app_url = "{app}/"
company_id = "{company}"
[tenants.sandbox.policy]
admin_templates = ["Company Admin"]
"""


class Shell:
    """A folder with settings, a keyring of its own, and the command."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        key = folder / "master.key"
        key.write_text("a master key for this test only, 32+", encoding="utf-8")
        key.chmod(0o400)
        text = SETTINGS.format(sign_in=sandbox.sign_in_url, app=sandbox.app_url, company=COMPANY)
        (folder / "agent.toml").write_text(text, encoding="utf-8")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "AGENT_BROWSER": browser_path(),
            "PYTHON_KEYRING_BACKEND": "agent.credentials.sealed_file.SealedFileKeyring",
            "AGENT_KEYRING_KEY_FILE": str(key),
            "AGENT_KEYRING_FILE": str(folder / "keyring.sealed"),
        }
        self.secrets = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``agent``."""
        return subprocess.run(
            [sys.executable, "-m", "agent", *words],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``agent`` and let it run."""
        return subprocess.Popen(
            [sys.executable, "-m", "agent", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """Settings and credentials are there."""
    ready = Shell(tmp_path, sandbox)
    given = {name: ready.secrets[name] for name in ("email", "password", "totp_secret")}
    stored = ready("credentials", "set", "sandbox", stdin=json.dumps(given))
    assert stored.returncode == 0, stored.stderr
    (tmp_path / "job.json").write_text(provision().model_dump_json(exclude_unset=True), encoding="utf-8")
    return ready


def person(sandbox: Sandbox) -> Any:
    """Ana, as the world has her."""
    company = sandbox.get("/state")["companies"][0]
    return next((user for user in company["users"] if user["email_address"] == ANA), None)


def test_doctor_then_dry_run_then_run_then_nothing_to_do(shell: Shell, sandbox: Sandbox) -> None:
    """The path of a first day: everything is well, the plan, the person, and again nothing; one sign-in for all."""
    healthy = shell("doctor", "--json")
    assert healthy.returncode == 0, healthy.stdout
    assert json.loads(healthy.stdout)["healthy"] is True
    planned = shell("run-job", "job.json", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert person(sandbox) is None
    done = shell("run-job", "job.json", "--json")
    (only,) = json.loads(done.stdout)["jobs"]
    assert (done.returncode, only["verdict"]) == (0, "done"), done.stderr
    assert (Path(only["evidence"]) / "report.html").exists()
    assert person(sandbox)["is_active"]
    again = shell("run-job", "job.json")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    mails = [mail for mail in sandbox.get("/outbox") if mail.get("to") == ANA]
    assert len(mails) == 1
    passwords = [item for item in sandbox.get("/requests") if item["operation"] == "sign_in_password"]
    assert sum(item["method"] == "POST" for item in passwords) == 1, "the sealed session serves the later runs"
    output = healthy.stdout + planned.stdout + planned.stderr + done.stdout + done.stderr + again.stdout
    assert shell.secrets["password"] not in output
    assert shell.secrets["totp_secret"] not in output


def test_a_wrong_password_is_tried_once_for_all_jobs_of_a_file(shell: Shell, sandbox: Sandbox) -> None:
    """Two jobs, one attempt, exit code 4, and the next step on the screen."""
    wrong = {"email": ACCOUNT, "password": "Wrong-password-1!", "totp_secret": shell.secrets["totp_secret"]}
    shell("credentials", "set", "sandbox", stdin=json.dumps(wrong))
    first = json.loads(provision().model_dump_json(exclude_unset=True))
    both = [first, {**first, "idempotency_key": "second"}]
    (shell.folder / "job.json").write_text(json.dumps(both), encoding="utf-8")
    result = shell("run-job", "job.json")
    assert result.returncode == 4, result.stdout
    assert "agent credentials set sandbox" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stdout + result.stderr
    attempts = [item for item in sandbox.get("/requests") if item["operation"] == "sign_in_password"]
    assert sum(item["method"] == "POST" for item in attempts) == 1


def test_doctor_names_an_unreachable_tenant(shell: Shell) -> None:
    """The line fails with what to look at; nothing hangs."""
    settings = shell.folder / "agent.toml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    lines = ['sign_in_url = "http://login.sandbox.localhost:9/"' if "sign_in_url" in line else line for line in lines]
    settings.write_text("\n".join(lines), encoding="utf-8")
    result = shell("doctor", "--json")
    bad = [line for line in json.loads(result.stdout)["checks"] if line["state"] == "bad"]
    assert result.returncode == 4
    assert [line["check"] for line in bad] == ["sandbox: reachable"]


async def test_doctor_is_done_with_the_sign_in_page_at_once(browser: Browser, sandbox: Sandbox) -> None:
    """It closes what it has opened while the page is still being committed: Chromium loses a page's closing then, in
    one of about thirty times, and the doctor would wait for it for ever."""
    async with asyncio.timeout(150):
        for _ in range(100):
            await reach(browser, sandbox.sign_in_url)
    assert browser.contexts == []


def test_doctor_names_a_portfolio_that_is_closed(shell: Shell, sandbox: Sandbox) -> None:
    """Signed in, and that page is denied: the line that needs it names the right to ask for; all else is well."""
    sandbox.post("/faults", [{"operation": "portfolio", "effect": "denied", "times": 9}])
    result = shell("doctor", "--json")
    lines = {line["check"]: line for line in json.loads(result.stdout)["checks"]}
    assert result.returncode == 4, result.stdout
    assert [name for name, line in lines.items() if line["state"] == "bad"] == ["sandbox: names"], lines
    assert "portfolio" in lines["sandbox: names"]["next_step"]
    assert lines["sandbox: rights"]["state"] == "good"


async def test_a_killed_process_leaves_evidence_that_the_next_start_completes(shell: Shell, sandbox: Sandbox) -> None:
    """SIGKILL in mid-job: nothing is written twice afterwards, and the broken-off folder ends complete."""
    sandbox.post("/faults", [{"operation": "project_add", "effect": "slow", "seconds": 20, "when": "before"}])
    process = shell.start("run-job", "job.json", "--json")
    while person(sandbox) is None:
        assert process.poll() is None
        await asyncio.to_thread(time.sleep, 0.05)
    process.kill()
    await asyncio.to_thread(process.communicate, None, 60)
    (folder,) = (path.parent for path in shell.folder.glob("var/evidence/*/*/*/PARTIAL"))
    sandbox.forget_faults()
    result = shell("run-job", "job.json")
    assert result.returncode == 0, result.stdout
    assert "Completed the evidence of an interrupted job" in result.stdout
    check(folder)
    assert len(person(sandbox)["memberships"]) == 2
    created = [item for item in sandbox.get("/requests") if item["operation"] == "create_user"]
    assert sum(item["method"] == "POST" for item in created) == 1


async def test_a_stop_signal_ends_with_outcome_and_evidence(shell: Shell, sandbox: Sandbox) -> None:
    """SIGTERM in mid-job: an exit code by the outcome, sealed evidence, no traceback, no browser left behind."""
    sandbox.post("/faults", [{"operation": "project_add", "effect": "slow", "seconds": 20, "when": "before"}])
    process = shell.start("run-job", "job.json", "--json")
    while person(sandbox) is None or not any(item["operation"] == "edit_page" for item in sandbox.get("/requests")):
        assert process.poll() is None
        await asyncio.to_thread(time.sleep, 0.05)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = await asyncio.to_thread(process.communicate, None, 60)
    (only,) = json.loads(stdout)["jobs"]
    assert process.returncode == 5, stderr
    assert only["outcome"]["error"]["code"] == "interrupted"
    assert (Path(only["evidence"]) / "manifest.json").exists()
    assert "Traceback" not in stderr
