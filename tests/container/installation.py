"""What an operator has on a host, and how the image is run with it."""

from __future__ import annotations

import contextlib
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.container.engine import HARDENED, HERE, OWN_NETWORK, Answer, podman, podman_command

USER = 10001
FOLDERS = ("queue", "evidence", "state", "keyring")


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

    @contextlib.contextmanager
    def published(self, port: int, *words: str) -> Iterator[subprocess.Popen[str]]:
        """``docker compose run --rm --publish 127.0.0.1:PORT:PORT agent WORDS``: on a network of its own.

        Its standard output is to be read; at the end the container is removed.
        """
        with self._running("--publish", f"127.0.0.1:{port}:{port}", *OWN_NETWORK, words=words) as process:
            yield process

    @contextlib.contextmanager
    def on_the_hosts_network(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """The same with ``--network host``."""
        with self._running(*HERE, words=words) as process:
            yield process

    @contextlib.contextmanager
    def _running(self, *way_in: str, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        name = f"{self.name}-shown"
        command = podman_command("run", "--rm", "--name", name, *way_in, *HARDENED, *self._mounts, self.image, *words)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield process
        finally:
            podman("rm", "-f", "-t", "0", name)
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()

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
