"""What a verification found: what is proven, what is not, and every problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.audit.tampering import NotGenuine
from agent.errors import Failed


@dataclass
class Findings:
    """Filled by the verifiers. ``proven`` and ``open`` are sentences for people, in the order in which they were found.

    A promise is put down only by the verifier that has just checked it; a problem never takes one back, since each
    sentence says of which things it speaks.
    """

    proven: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)  # what this does not prove
    notes: list[str] = field(default_factory=list)  # worth knowing, and no problem
    problems: list[NotGenuine] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)  # for machines

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Put a problem that a verifier raises down, and go on with the next thing."""
        try:
            yield
        except NotGenuine as problem:
            self.problems.append(problem)

    def raise_if_any(self) -> None:
        """NotAsSealed when anything is wrong."""
        if self.problems:
            raise NotAsSealed(self)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "genuine": not self.problems,
            "problems": [problem.diagnostics() for problem in self.problems],
            "proven": list(self.proven),
            "not_proven": list(self.open),
            "notes": list(self.notes),
            "counts": dict(self.counts),
        }


class NotAsSealed(Failed):
    """Evidence or ledger are not what was sealed and signed; ``findings`` has every problem, and what holds."""

    def __init__(self, findings: Findings) -> None:
        kinds = sorted({problem.code for problem in findings.problems})
        super().__init__(
            "evidence-not-genuine",
            "This is not what was sealed and signed.",
            expected="everything as it was sealed and signed",
            seen=", ".join(kinds),
        )
        self.findings = findings
