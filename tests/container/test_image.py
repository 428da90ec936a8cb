"""The image as an operator runs it: non-root, read-only root, no capabilities, secrets as files; against the sandbox.

Skipped, with the reason, where no container can be run. Everything the containers keep is in volumes of the tests' own
store; they use the host's network, which leads to the sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixtures.running import RunningSandbox
from tests.container import engine
from tests.container.engine import HARDENED, HERE, Answer, podman

WHY_NOT = engine.why_not()
pytestmark = [
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be run"),
    pytest.mark.timeout(2400),
]
USER = 10001
ACCOUNT = "svc.provisioning@example.com"
ANA = "ana.lindqvist@example.com"
FOLDERS = ("queue", "evidence", "state", "keyring")


@pytest.fixture(scope="module")
def image() -> str:
    """The agent's image, built from the repository."""
    try:
        return engine.build("localhost/agent-under-test")
    except engine.NoContainersHere as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A tenant for the agent in the container."""
    with RunningSandbox(40, 7, "--no-delays") as running:
        yield running


@dataclass
class Installation:
    """What an operator has on a host: settings, the keyring's key, named volumes; and how the image is run with it."""

    image: str
    folder: Path
    name: str = field(default_factory=lambda: f"agent-{uuid.uuid4().hex[:8]}")

    @property
    def _mounts(self) -> list[str]:
        volumes = [part for name in FOLDERS for part in ("-v", f"{self.name}-{name}:/data/{name}")]
        settings = ["-v", f"{self.folder}/agent.toml:/etc/agent/agent.toml:ro"]
        secret = ["-v", f"{self.folder}/key:/run/secrets/agent-keyring-key:ro", "-v", f"{self.folder}/jobs:/jobs:ro"]
        return [*volumes, *settings, *secret]

    def once(self, *words: str, given: str | None = None) -> Answer:
        """``docker compose run --rm agent WORDS``."""
        return podman("run", "--rm", "-i", *HERE, *HARDENED, *self._mounts, self.image, *words, given=given)

    def up(self) -> None:
        """``docker compose up -d``; returns when the image's own health check says yes."""
        started = podman("run", "-d", "--name", self.name, *HERE, *HARDENED, *self._mounts, self.image)
        assert started.code == 0, started.told
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Until the health check of the Dockerfile succeeds."""
        deadline = time.monotonic() + 90
        while (checked := podman("healthcheck", "run", self.name)).code != 0:
            assert time.monotonic() < deadline, f"{checked.told}\n{self.logs()}"
            assert self.is_running(), self.logs()
            time.sleep(0.2)

    def is_running(self) -> bool:
        """Whether the container lives."""
        return podman("inspect", "--format", "{{.State.Running}}", self.name).out.strip() == "true"

    def exec(self, *words: str) -> Answer:
        """``docker compose exec agent agent WORDS``."""
        return podman("exec", self.name, "agent", *words)

    def logs(self) -> str:
        """What it has printed."""
        return podman("logs", self.name).told

    def remove(self) -> None:
        """The container and its volumes."""
        podman("rm", "-f", "-t", "0", self.name)
        for name in FOLDERS:
            podman("volume", "rm", "-f", f"{self.name}-{name}")


@pytest.fixture
def installation(image: str, sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Installation]:
    """One host with the tenant's credentials in its sealed keyring."""
    sandbox.post("/reset")
    sandbox.post("/options", {"mfa": "off"})
    known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
    company = sandbox.get("/state")["companies"][0]["company_id"]
    addresses = f'sign_in_url = "{sandbox.sign_in}/"\napp_url = "{sandbox.app}/"\ncompany_id = "{company}"\n'
    (tmp_path / "agent.toml").write_text(f"[tenants.sandbox]\n{addresses}")
    (tmp_path / "key").write_text("a master key for this test only")
    (tmp_path / "jobs").mkdir()
    shutil.copy(engine.ROOT / "fixtures" / "jobs" / "demo-provision.json", tmp_path / "jobs")
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, USER, USER)
    (tmp_path / "key").chmod(0o400)
    host = Installation(image, tmp_path)
    try:
        stored = host.once("credentials", "set", "sandbox", given=json.dumps(known))
        assert stored.code == 0, stored.told
        yield host
    finally:
        host.remove()


def test_the_agent_runs_as_nobody_in_particular(installation: Installation) -> None:
    """Not root, and nothing outside of /tmp and its volumes can be written."""
    words = ["--entrypoint", "/bin/sh", installation.image, "-c", "id -u; touch /opt/agent/x /etc/x 2>&1; touch /tmp/x"]
    asked = podman("run", "--rm", *HERE, *HARDENED, *words)
    assert asked.out.splitlines()[0] == str(USER)
    assert asked.out.count("Read-only file system") == 2, asked.told
    assert asked.code == 0, asked.told


def test_the_image_holds_the_agent_and_nothing_of_its_making(image: str) -> None:
    """No tests, no sandbox, no certificate of the build network, no secret and no address of an index."""
    words = ["--entrypoint", "/usr/bin/find", image, "/opt/agent", "/etc/agent", "/run", "/data", "-type", "f"]
    found = podman("run", "--rm", *HERE, *words, "-size", "+0").out.splitlines()
    assert {path.split("/")[3] for path in found if path.startswith("/opt/agent/")} == {
        "agent",
        "flows",
        "requirements",
        "selectors",
    }
    assert [path for path in found if not path.startswith(("/opt/agent/", "/run/.containerenv"))] == []
    assert not [path for path in found if "/test" in path or path.endswith((".key", ".pem", ".crt"))]
    told = json.loads(podman("inspect", image).out)[0]
    environment = [entry.partition("=")[0] for entry in told["Config"]["Env"]]
    assert not [name for name in environment if name.startswith("PIP_") or name in ("BASE", "EXTRAS")]
    assert told["Config"]["User"] == f"{USER}:{USER}"
    assert told["Healthcheck"]["Test"][-2:] == ["agent", "health"]


def test_doctor_is_green(installation: Installation) -> None:
    """Browser, keyring, disk, sign-in, rights and clock, in the container's own file system."""
    asked = installation.once("doctor", "--json")
    assert asked.code == 0, asked.told
    told = json.loads(asked.out)
    assert told["healthy"], told


def test_the_agent_works_is_healthy_and_survives(installation: Installation, sandbox: RunningSandbox) -> None:
    """Up, healthy, a job through the CLI inside; killed and started again with its queue; stopped in order."""
    installation.up()
    submitted = installation.exec("submit", "/jobs/demo-provision.json", "--yes", "--wait", "--json")
    assert submitted.code == 0, f"{submitted.told}\n{installation.logs()}"
    told: dict[str, Any] = json.loads(submitted.out)
    assert [job["state"] for job in told["ended"]] == ["done"]
    assert told["ended"][0]["evidence"].startswith("/data/evidence/sandbox/")
    assert len(sandbox.get(f"/state?person={ANA}")["mails"]) == 1

    podman("kill", "--signal", "KILL", installation.name)
    assert not installation.is_running()
    podman("start", installation.name)
    installation.wait_healthy()
    listed = json.loads(installation.exec("jobs", "list", "--json").out)
    assert [job["state"] for job in listed["jobs"]] == ["done"]
    again = installation.exec("submit", "/jobs/demo-provision.json", "--yes", "--wait", "--json")
    assert again.code == 0, again.told
    assert len(sandbox.get(f"/state?person={ANA}")["mails"]) == 1, "the same job, sent again, is the same job"

    stopped = podman("stop", "--time", "80", installation.name)
    assert stopped.code == 0, stopped.told
    ended = podman("inspect", "--format", "{{.State.ExitCode}}", installation.name)
    assert ended.out.strip() == "0", installation.logs()
    assert "agent-stopped" in installation.logs()


def test_the_extra_for_postgresql_can_be_built_in() -> None:
    """EXTRAS=postgres chooses the other locked requirements."""
    image = engine.build("localhost/agent-under-test-postgres", EXTRAS="postgres")
    words = ["--entrypoint", "python", image, "-c", "import procrastinate, psycopg; print(psycopg.pq.__impl__)"]
    asked = podman("run", "--rm", *HERE, *HARDENED, *words)
    assert asked.out.strip() == "binary", asked.told
