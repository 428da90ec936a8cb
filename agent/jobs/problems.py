"""What is wrong with a job, all of it at once, so that the sender corrects it once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.domain.access import Frozen
from agent.errors import Refused

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Problem(Frozen):
    """One mistake: where (JSON path), what, what was expected, and the nearest name that would be right."""

    path: str
    message: str
    expected: str = ""
    suggestion: str = ""

    @property
    def sentence(self) -> str:
        """The problem on one line."""
        expected = f"; expected {self.expected}" if self.expected else ""
        suggestion = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{self.path}: {self.message}{expected}{suggestion}"


def suggestion_of(names: Sequence[str]) -> str:
    """Names as a suggestion: ``'X' or 'Y'``, or nothing."""
    return " or ".join(repr(name) for name in names)


def json_path(parts: Sequence[str | int], root: str = "$") -> str:
    """``$[1].projects[0].template``; keys that are not plain words stand in brackets."""
    path = root
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            path += f".{part}"
        else:
            path += f"[{part!r}]"
    return path


class ProblemsFound(Refused):
    """A job that cannot be done as it is written; ``problems`` holds every mistake that was found."""

    def __init__(self, code: str, summary: str, problems: Sequence[Problem]) -> None:
        """``summary`` is the sentence before the list."""
        lines = "\n".join(f"  {problem.sentence}" for problem in problems)
        super().__init__(code, f"{summary}\n{lines}" if lines else summary)
        self.summary = summary
        self.problems = tuple(problems)
