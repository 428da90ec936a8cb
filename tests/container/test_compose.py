"""The compose files: what they promise about images, secrets, folders and rights, without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.container.compose_file import read

ROOT = Path(__file__).resolve().parents[2]
FILES = ("compose.yaml", "compose.two-hosts.yaml")
SECRET_VALUE = re.compile(r"(password|secret|token|key)", re.IGNORECASE)


@pytest.fixture(params=FILES)
def content(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each file in turn."""
    return read(ROOT / str(request.param))


def agent_of(content: dict[str, Any]) -> dict[str, Any]:
    """The agent's service."""
    service: dict[str, Any] = content["services"]["agent"]
    return service


def host_paths(content: dict[str, Any]) -> list[str]:
    """Folders and files of a host that a service would get, other than those beside the compose file."""
    mounts = [
        str(volume).split(":")[0]
        for service in content["services"].values()
        for volume in service.get("volumes", [])
        if str(volume).startswith(("/", "~", ".", "$"))
    ]
    files = [entry["file"] for kind in ("configs", "secrets") for entry in content.get(kind, {}).values()]
    return mounts + [file for file in files if not file.startswith("./") or ".." in file]


def values_that_are_secrets(content: dict[str, Any]) -> list[str]:
    """Environment variables that hold a secret instead of naming the file that does."""
    return [
        name
        for service in content["services"].values()
        for name, value in service.get("environment", {}).items()
        if SECRET_VALUE.search(name) and not str(value).startswith("/run/secrets/")
    ]


def test_images_have_a_version_that_can_be_pinned(content: dict[str, Any]) -> None:
    """Every image is named with a tag, and none is `latest` unless the operator leaves it open."""
    for name, service in content["services"].items():
        assert re.search(r":(\$\{\w+:-[\w.-]+\}|[\w.-]+)[\w.-]*$", service["image"]), name


def test_secrets_come_as_files(content: dict[str, Any]) -> None:
    """Whoever may see the environment or the file sees no secret; every secret of a service is declared."""
    assert values_that_are_secrets(content) == []
    assert "agent-keyring-key" in agent_of(content)["secrets"]
    for name, service in content["services"].items():
        assert set(service.get("secrets", [])) <= set(content["secrets"]), name


def test_nothing_of_a_host_is_mounted(content: dict[str, Any]) -> None:
    """Only named volumes, and files beside the compose file: it works wherever it lies."""
    assert host_paths(content) == []
    used = {str(v).split(":")[0] for s in content["services"].values() for v in s.get("volumes", [])}
    assert used == set(content["volumes"])


def test_the_agent_has_no_rights_it_does_not_need(content: dict[str, Any]) -> None:
    """Read-only root, no capabilities, no new privileges, no port."""
    agent = agent_of(content)
    assert agent["read_only"] is True
    assert agent["cap_drop"] == ["ALL"]
    assert agent["security_opt"] == ["no-new-privileges:true"]
    assert agent["tmpfs"] == ["/tmp"]
    assert not {"ports", "privileged", "cap_add", "user"} & set(agent)


def test_a_running_job_is_given_time_to_stop(content: dict[str, Any]) -> None:
    """The engine waits longer than the agent does before it kills."""
    from agent.settings import WorkerSettings

    grace = re.fullmatch(r"(\d+)s", agent_of(content)["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) >= WorkerSettings().stop_limit_s + 15


def test_every_folder_that_is_kept_is_one_of_the_images(content: dict[str, Any]) -> None:
    """A volume elsewhere than where the image keeps things would keep nothing."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    made = set(re.search(r"install -d -m 0700 .*?\\\n\s+(.+?)\n", dockerfile, re.DOTALL)[1].split())  # type: ignore[index]  # a wrong Dockerfile fails here
    for volume in agent_of(content)["volumes"]:
        assert str(volume).split(":")[1] in made
    assert [c["target"] for c in agent_of(content)["configs"]] == re.findall(r"AGENT_SETTINGS=(\S+)", dockerfile)


def test_two_hosts_share_the_queue_and_check_whom_they_talk_to() -> None:
    """The extra is built in, the address has no password, and the database's certificate is verified."""
    content = read(ROOT / "compose.two-hosts.yaml")
    agent = agent_of(content)
    assert agent["build"]["args"] == {"EXTRAS": "postgres"}
    assert agent["environment"]["AGENT_QUEUE__BACKEND"] == "postgres"
    assert "sslmode=verify-full" in agent["environment"]["AGENT_QUEUE__POSTGRES_URL"]
    assert agent["environment"]["PGSSLROOTCERT"] == "/run/secrets/postgres-ca"
    (port,) = content["services"]["database"]["ports"]
    assert port.startswith("${POSTGRES_ADDRESS:-127.0.0.1}:"), "never open to every network by default"


def test_what_lies_beside_the_compose_files_is_never_in_an_image_or_a_commit() -> None:
    """Settings and secrets of an operator stay where they are."""
    for name in (".gitignore", ".dockerignore"):
        lines = {line.strip().strip("/") for line in (ROOT / name).read_text(encoding="utf-8").splitlines()}
        assert {"secrets", "agent.toml"} <= lines, name


def test_planted_violations_are_seen() -> None:
    """A secret as a value, and a folder of the host."""
    service = {"environment": {"DB_PASSWORD": "x", "PGSSLKEY": "/run/secrets/k"}, "volumes": ["/etc:/etc", "queue:/q"]}
    content = {"services": {"agent": service}, "secrets": {"s": {"file": "../s"}}}
    assert values_that_are_secrets(content) == ["DB_PASSWORD"]
    assert host_paths(content) == ["/etc", "../s"]


@pytest.mark.parametrize("text", ["a: &x 1\n", "a:\n  - b\n c: d\n", "a: 1\na: 2\n", "a: b: c\n", "- a\n", "a:\n"])
def test_yaml_beyond_the_plain_part_is_refused(tmp_path: Path, text: str) -> None:
    """The reader never guesses."""
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"line|mapping"):
        read(file)
