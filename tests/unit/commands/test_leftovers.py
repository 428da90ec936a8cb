"""Evidence of killed processes is completed by the next start, and only when nobody else is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.credentials.known import KnownSecrets
from agent.errors import Failed
from agent.evidence.check import check
from agent.evidence.presence import Presence
from agent.evidence.recorder import EvidenceRecorder
from agent.execute.events import JobStarted
from tests.unit.execute.cases import provision
from tests.unit.execute.fake_tenant import START


async def interrupted(root: Path) -> Path:
    """A job folder whose process died right after it began."""
    recorder = EvidenceRecorder(root, root / "traces", KnownSecrets())
    await recorder.notify(JobStarted(provision(), "sandbox", START))
    assert recorder.folder is not None
    return recorder.folder


async def test_whoever_comes_alone_completes_what_was_left(tmp_path: Path) -> None:
    """The folder then has report and manifest, and says that it was interrupted."""
    folder = await interrupted(tmp_path)
    presence = Presence(tmp_path)
    (line,) = presence.arrive(tmp_path / "traces", KnownSecrets())
    assert str(folder) in line
    check(folder)
    assert presence.arrive(tmp_path / "traces", KnownSecrets()) == ()
    presence.leave()


async def test_a_folder_that_somebody_may_still_write_is_left_alone(tmp_path: Path) -> None:
    """Another process is at work: its unfinished folder is not ours to finish; once it has left, it is."""
    other, mine = Presence(tmp_path), Presence(tmp_path)
    other.arrive(tmp_path / "traces", KnownSecrets())
    folder = await interrupted(tmp_path)
    assert mine.arrive(tmp_path / "traces", KnownSecrets()) == ()
    assert (folder / "PARTIAL").exists()
    other.leave()
    mine.leave()
    assert len(Presence(tmp_path).arrive(tmp_path / "traces", KnownSecrets())) == 1


def test_two_processes_work_side_by_side(tmp_path: Path) -> None:
    """The lock keeps nobody from working."""
    first, second = Presence(tmp_path), Presence(tmp_path)
    first.arrive(tmp_path, KnownSecrets())
    second.arrive(tmp_path, KnownSecrets())
    first.leave()
    second.leave()


def test_an_evidence_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Before any job starts."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Failed) as caught:
        Presence(tmp_path / "file" / "below").arrive(tmp_path, KnownSecrets())
    assert caught.value.code == "evidence-unwritable"
