"""What shows a job again derives nothing from the keyring: it has no way to it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agent

ROOT = Path(agent.__file__).parent
SHOWS_A_JOB = sorted(
    [path for name in ("recording", "debugging", "replay") for path in (ROOT / name).rglob("*.py")]
    + [path for name in ("debug*", "replay*", "trace", "named_job") for path in (ROOT / "commands").glob(f"{name}.py")]
)


def imported(source: str) -> set[str]:
    """The modules that a source text imports."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def reaches_secrets(source: str) -> bool:
    """Whether it can get at a secret; the type itself and its mask hold none."""
    return any(
        name == "keyring" or (name.startswith("agent.credentials") and name != "agent.credentials.secret")
        for name in imported(source)
    )


@pytest.mark.parametrize("path", SHOWS_A_JOB, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_shows_a_job_opens_no_keyring(path: Path) -> None:
    """``agent debug``, ``replay`` and ``trace show`` tell what the evidence holds, and no secret that it does not."""
    assert not reaches_secrets(path.read_text(encoding="utf-8"))


def test_a_way_to_the_keyring_is_seen() -> None:
    """The check can fail."""
    assert reaches_secrets("from agent.credentials.store import CredentialStore")
    assert reaches_secrets("import keyring")
