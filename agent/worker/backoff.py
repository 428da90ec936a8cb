"""When a job that failed for a passing reason is tried again: data, and full jitter."""

from __future__ import annotations

from dataclasses import dataclass

from agent.settings.service import QueueSettings


@dataclass(frozen=True)
class RetryPolicy:
    """Doubling from ``first_s`` up to ``longest_s``; the wait is a random part of that, so that retries do not meet."""

    first_s: float = 30.0
    longest_s: float = 3600.0

    @classmethod
    def of(cls, settings: QueueSettings) -> RetryPolicy:
        """As the settings say."""
        return cls(settings.first_retry_s, settings.longest_retry_s)

    def wait_s(self, attempt: int, part: float) -> float:
        """The wait after this attempt (the first is 1); ``part`` is random, from 0 up to 1."""
        doublings = min(max(attempt - 1, 0), 30)  # beyond that every limit is reached
        return part * min(self.longest_s, self.first_s * 2.0**doublings)
