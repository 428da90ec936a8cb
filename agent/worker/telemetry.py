"""What the worker tells to whoever counts (:mod:`agent.service.metrics`). No name or address of a person is told."""

from __future__ import annotations

from typing import Protocol


class Telemetry(Protocol):
    """Counts and times; none of these may raise or wait."""

    def job_ended(
        self, tenant: str, op: str, verdict: str, seconds: float, leaver_seconds: float | None = None
    ) -> None:
        """A run ended; ``leaver_seconds`` from acceptance to done, for an offboarding that is done."""

    def step_ended(self, tenant: str, step: str, seconds: float) -> None:
        """A step ended."""

    def browser_started(self, why: str) -> None:
        """A browser was started."""

    def session_opened(self, tenant: str, typed_password: bool) -> None:
        """A session was opened."""

    def session_lost(self, tenant: str) -> None:
        """A session ended while it was in use, or was asked for its one-time code again."""

    def evidence_kept(self, tenant: str, size: int) -> None:
        """So many bytes of evidence were written."""

    def room_seen(self, enough: bool) -> None:
        """Whether there is room for the evidence of another job; told when that changes."""

    def probe_seen(self, tenant: str, succeeded_at: float, findings: int, *, failed: bool) -> None:
        """The tenant's last probe: when one last came to its end (0: never), how many flows it found changed, and
        whether it did not come to its end."""


class NoTelemetry:
    """For a worker that nobody measures."""

    def job_ended(
        self, tenant: str, op: str, verdict: str, seconds: float, leaver_seconds: float | None = None
    ) -> None:
        """Nobody counts."""

    def step_ended(self, tenant: str, step: str, seconds: float) -> None:
        """Nobody counts."""

    def browser_started(self, why: str) -> None:
        """Nobody counts."""

    def session_opened(self, tenant: str, typed_password: bool) -> None:
        """Nobody counts."""

    def session_lost(self, tenant: str) -> None:
        """Nobody counts."""

    def evidence_kept(self, tenant: str, size: int) -> None:
        """Nobody counts."""

    def room_seen(self, enough: bool) -> None:
        """Nobody counts."""

    def probe_seen(self, tenant: str, succeeded_at: float, findings: int, *, failed: bool) -> None:
        """Nobody counts."""
