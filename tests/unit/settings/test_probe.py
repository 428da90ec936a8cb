"""When the canary may run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.settings.probe import ProbeSettings


@pytest.mark.parametrize("at", ["00:00", "02:30", "23:59", "never"])
def test_a_time_of_day_or_never(at: str) -> None:
    """As an operator writes it."""
    assert ProbeSettings(at=at).at == at


@pytest.mark.parametrize("at", ["", "2:30", "24:00", "02:60", "02:30:00", "nightly"])
def test_anything_else_is_refused(at: str) -> None:
    """A probe that never comes would be found out too late."""
    with pytest.raises(ValidationError):
        ProbeSettings(at=at)
