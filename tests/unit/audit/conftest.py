"""An archive to verify and to tamper with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.audit.archive import Archive
from tests.unit.audit.tampering import JOB, OTHER


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two jobs, a closed day, a third job on the next; made once, since everything in it is flushed to the disk."""
    made = Archive(tmp_path_factory.mktemp("original"))
    made.job(JOB)
    made.clock.go(hours=1)
    made.job(OTHER, queue=1)
    made.ended(1, job_id=OTHER)
    made.day_is_over()
    made.job("000500-update-aa0003")
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path) -> Archive:
    """A copy of it, to be tampered with."""
    return original.copy(tmp_path)
