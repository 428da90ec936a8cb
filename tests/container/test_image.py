"""The image as an operator runs it: non-root, read-only root, no capabilities, secrets as files; against the sandbox.

Skipped, with the reason, where no container can be run. Everything the containers keep is in volumes of the tests' own
store; they use the host's network, which leads to the sandbox.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.running import RunningSandbox
from tests.container import engine
from tests.container.engine import HARDENED, HERE, podman
from tests.container.installation import USER, Installation

WHY_NOT = engine.why_not()
pytestmark = [
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be run"),
    pytest.mark.timeout(2400),
]
ANA = "ana.lindqvist@example.com"


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
