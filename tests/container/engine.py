"""Builds and runs the image on a machine without a Docker engine and without an image registry: podman with runc.

The base image is made from the machine's own Debian packages, so no registry is asked. Everything is kept in one folder
(``var/containers``, or ``CONTAINER_STORE``), so that the next build finds its layers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = Path(os.environ.get("CONTAINER_STORE") or ROOT / "var" / "containers")
TOOLS = ("podman", "runc", "mmdebstrap")
BUILD_S = 1500.0
"""A first build on a slow line: base, packages, wheels."""


def why_not() -> str:
    """Why no container can be run here; empty when one can."""
    if os.geteuid() != 0:
        return "podman is used as root here: its own store, the host's network"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (.ci/set-up-container installs them)"
    return ""


def authorities() -> Path | None:
    """The machine's bundle of certificate authorities, where the way to the package index needs it."""
    named = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    return Path(named) if named and Path(named).is_file() else None


HARDENED = (
    "--read-only",
    "--tmpfs",
    "/tmp",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
)
"""As compose.yaml runs it."""
OWN_NETWORK = ("--runtime", "runc", "--ulimit", "nofile=1024:4096", "--ulimit", "nproc=4096:4096")
"""What this machine's way of running containers needs besides."""
HERE = (*OWN_NETWORK, "--network", "host")
"""The same on the host's network, which leads to the sandbox."""


OFFLINE = (
    "Temporary failure resolving",
    "Could not resolve",
    "Could not connect",
    "Failed to establish a new connection",
    "CERTIFICATE_VERIFY_FAILED",
    "Network is unreachable",
    "Connection refused",
)
"""What apt and pip say where a container has no way to packages."""


class NoContainersHere(Exception):
    """This machine can make no base image, run none, or give it no packages: no verdict on ours."""


@dataclass(frozen=True)
class Answer:
    """How a command in a container ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Both streams, for the message of an assertion."""
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def podman(*arguments: str, given: str | None = None, patience: float = 120.0) -> Answer:
    """One podman command on the tests' own store. subprocess.TimeoutExpired when it takes longer than ``patience``."""
    command = podman_command(*arguments)
    ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=patience, check=False)
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def podman_command(*arguments: str) -> list[str]:
    """The whole command line, for who reads while it runs."""
    places = ["--root", str(STORE / "store"), "--runroot", str(STORE / "run")]
    return ["podman", *places, "--cgroup-manager", "cgroupfs", "--events-backend", "file", *arguments]


def _sure(answer: Answer, what: str, error: type[Exception] = RuntimeError) -> str:
    if answer.code != 0:
        raise error(f"{what} failed: {answer.told[-4000:]}")
    return answer.out.strip()


def base_image() -> str:
    """A minimal Debian of the machine's own release, made once. NoContainersHere when it cannot be made, or run."""
    release = _release()
    name = f"localhost/base:{release}"
    if podman("image", "exists", name).code == 0:
        return name
    STORE.mkdir(parents=True, exist_ok=True)
    tar = STORE / "base.tar"
    # The machine's own sources: they have the security suite, and no host is named here.
    sources = next(
        (s for s in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")) if s.is_file()),
        None,
    )
    made = subprocess.run(
        [
            "mmdebstrap",
            "--variant=minbase",
            "--include=ca-certificates",
            release,
            str(tar),
            *map(str, filter(None, [sources])),
        ],
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    _sure(Answer(made.returncode, made.stdout, made.stderr), "mmdebstrap", NoContainersHere)
    _sure(podman("import", "-q", str(tar), name), "podman import", NoContainersHere)
    tar.unlink()
    _sure(podman("run", "--rm", *HERE, name, "true"), "podman run", NoContainersHere)
    return name


def _release() -> str:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values["VERSION_CODENAME"].strip('"')


def build(name: str, **arguments: str) -> str:
    """Build the repository's Dockerfile; returns the image's name.

    RuntimeError when the build fails, NoContainersHere when it could not even begin.
    """
    command = [
        "build",
        "-q",
        "--format",
        "docker",
        "--runtime",
        "runc",
        "--isolation",
        "oci",
        "--network",
        "host",
        "--layers",
    ]
    if bundle := authorities():
        command += ["--volume", f"{bundle}:/run/ca.crt:ro"]
        arguments["PIP_CERT"] = "/run/ca.crt"
    for key, value in {"BASE": base_image(), **arguments}.items():
        command += ["--build-arg", f"{key}={value}"]
    built = podman(*command, "-t", name, str(ROOT), patience=BUILD_S)
    no_way_out = built.code != 0 and any(words in built.told for words in OFFLINE)
    _sure(built, f"building {name}", NoContainersHere if no_way_out else RuntimeError)
    return name
