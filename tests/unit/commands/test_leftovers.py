"""Evidence of killed processes is completed by whoever looks next, beside any number of processes that are at work."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.credentials.known import KnownSecrets
from agent.errors import Failed
from agent.evidence.check import check
from agent.evidence.folder import EvidenceFolder
from agent.evidence.presence import complete, unfinished
from agent.evidence.recorder import EvidenceRecorder
from agent.evidence.writing import abandoned
from agent.execute.events import JobEnded, JobStarted
from agent.execute.outcome import Outcome, Verdict
from tests.unit.execute.cases import provision
from tests.unit.execute.fake_tenant import START

ROOT = Path(__file__).resolve().parents[3]
BEGINS_AND_WAITS = """
import asyncio, sys
from pathlib import Path
from tests.unit.commands.test_leftovers import begun

recorder = asyncio.run(begun(Path(sys.argv[1])))
print(recorder.folder, flush=True)
sys.stdin.read()
"""


async def begun(root: Path) -> EvidenceRecorder:
    """A job that has begun."""
    recorder = EvidenceRecorder(root, root / "traces", KnownSecrets())
    await recorder.notify(JobStarted(provision(), "sandbox", START))
    return recorder


def completed(root: Path) -> tuple[str, ...]:
    """What a start, or the hourly look, completes."""
    return complete(unfinished(root), root / "traces", KnownSecrets())


class Another:
    """Another process that writes evidence."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BEGINS_AND_WAITS, str(root)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.folder = Path(self._process.stdout.readline().strip())

    def kill(self) -> None:
        """As SIGKILL does: nothing is tidied."""
        self._process.kill()
        self._process.communicate()


def test_what_a_killed_process_left_is_completed_although_others_are_at_work(tmp_path: Path) -> None:
    """An unrelated process keeps nothing unfinished, and nothing of its own is taken for abandoned."""
    at_work, killed = Another(tmp_path), Another(tmp_path)
    try:
        assert completed(tmp_path) == ()
        killed.kill()
        (line,) = completed(tmp_path)
        assert str(killed.folder) in line
        assert check(killed.folder).verdict == "interrupted"
        assert (at_work.folder / "PARTIAL").exists()
        assert not (at_work.folder / "manifest.json").exists()
        assert completed(tmp_path) == ()
    finally:
        at_work.kill()
        killed.kill()
    assert len(completed(tmp_path)) == 1


async def test_a_job_of_our_own_is_left_alone_while_it_runs(tmp_path: Path) -> None:
    """The hourly look of the agent meets its own jobs; once one has ended there is nothing to complete."""
    recorder = await begun(tmp_path)
    assert completed(tmp_path) == ()
    await recorder.notify(JobEnded(Outcome(verdict=Verdict.FAILED, summary="No."), START))
    assert unfinished(tmp_path) == ()


async def test_what_could_not_be_sealed_is_free_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk was full at the end of the job: the running agent completes it when there is room."""

    def full(*given: object, **named: object) -> None:
        raise Failed("evidence-unwritable", "The disk is full.")

    recorder = await begun(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("agent.evidence.recorder.seal", full)
        with pytest.raises(Failed):
            await recorder.notify(JobEnded(Outcome(verdict=Verdict.FAILED, summary="No."), START))
    assert len(completed(tmp_path)) == 1


def test_two_that_look_at_once_complete_it_once(tmp_path: Path) -> None:
    """One of them has the lock of the marker; the other finds it held, or gone."""
    killed = Another(tmp_path)
    killed.kill()
    with ThreadPoolExecutor(4) as pool:
        lines = [line for found in pool.map(completed, [tmp_path] * 4) for line in found]
    assert len(lines) == 1
    check(killed.folder)


def test_a_marker_is_never_seen_without_its_lock(tmp_path: Path) -> None:
    """Not between its making and its locking either: it gets its name when it is locked."""
    folders = [tmp_path / str(number) for number in range(200)]

    def make(folder: Path) -> None:
        held.append(EvidenceFolder.create(tmp_path, folder.name, START, "job"))

    held: list[object] = []
    seen: list[bool] = []
    with ThreadPoolExecutor(2) as pool:
        making = [pool.submit(make, folder) for folder in folders]
        while not all(task.done() for task in making):
            for path in unfinished(tmp_path):
                with abandoned(path) as is_abandoned:
                    seen.append(is_abandoned)
    assert len(unfinished(tmp_path)) == len(held) == 200
    assert not any(seen)
    held.clear()
    with abandoned(unfinished(tmp_path)[0]) as is_abandoned:
        assert is_abandoned


async def test_a_program_that_was_started_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    """The browser may outlive its agent: the lock is not inherited."""
    folder = EvidenceFolder.create(tmp_path, "sandbox", START, "job")
    program = await asyncio.create_subprocess_exec("sleep", "600", close_fds=False)
    try:
        folder.release()
        with abandoned(folder.path) as is_abandoned:
            assert is_abandoned
    finally:
        program.kill()
        await program.wait()


def test_an_evidence_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Before any job starts."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Failed) as caught:
        unfinished(tmp_path / "file" / "below")
    assert caught.value.code == "evidence-unwritable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_evidence_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    """Before any job starts, too."""
    tmp_path.chmod(0o500)
    with pytest.raises(Failed):
        unfinished(tmp_path)
    tmp_path.chmod(0o700)
