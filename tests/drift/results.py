"""What has been run, line by line in a file, so that a long run can be broken off and taken up again.

A line counts for the code it was made with: the agent's lines for agent, flows, selectors, sandbox and this harness, a
script's lines for the last two. What was made with other code stays in the file and is passed over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fixtures.running import ROOT

FILE = ROOT / "var" / "drift" / "results.jsonl"
_SANDBOX = ("fixtures/sandbox", "fixtures/running.py")
_HARNESS = tuple(
    f"tests/drift/{name}.py"
    for name in ("agent_side", "arena", "bare_side", "cases", "judge", "project_cases", "row", "truth")
)
_CODE = {
    "agent": ("agent", "flows", "selectors", *_SANDBOX, *_HARNESS),
    "bare": (*_SANDBOX, "tests/drift/bare", *_HARNESS),
}


@cache
def code_of(side: str) -> str:
    """The hash of all that a side's results depend on."""
    digest = hashlib.sha256()
    for part in _CODE[side]:
        place = ROOT / part
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Results:
    """The file, and the lines in it that count today."""

    def __init__(self, file: Path = FILE, *, fresh: bool = False) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            file.unlink(missing_ok=True)
        self.lines: list[dict[str, Any]] = [line for line in _read(file) if line["code"] == code_of(line["side"])]
        self._is_torn = file.exists() and not file.read_text().endswith("\n")
        self._known = {_key(line) for line in self.lines}

    def missing(self, row: dict[str, Any], actions: Iterable[str]) -> list[str]:
        """Those actions of a row that have no line yet."""
        return [action for action in actions if _key({**row, "action": action}) not in self._known]

    def add(self, told: dict[str, Any]) -> None:
        """Keep one result."""
        line = {**told, "code": code_of(told["side"])}
        with self._file.open("a") as out:
            out.write("\n" * self._is_torn + json.dumps(line) + "\n")
        self._is_torn = False
        self.lines.append(line)
        self._known.add(_key(line))


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return (line["side"], line["generation"], line["level"], line["seed"], tuple(line["only"]), line["action"])


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        with file.open() as lines:
            for line in lines:
                with contextlib.suppress(json.JSONDecodeError):  # torn, where a run was killed
                    yield json.loads(line)
