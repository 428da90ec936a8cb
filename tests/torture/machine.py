"""The machine is in trouble: its clock jumps, the queue's disk is full, there is no room for evidence."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.torture.scene import LONG_S, Scene
from tests.torture.wishes import case


def clock_jumps(scene: Scene) -> str:
    """An hour back with jobs in the queue: none is delayed. Two hours ahead: what is dated runs, and runs once."""
    scene.agent.start()
    now, dated, later = case("update", "now"), case("add_to_projects", "dated"), case("offboard", "back")
    scene.put(now, dated, later)
    scene.submit(now)
    (dated_id,) = scene.submit(dated, not_before=(datetime.now(UTC) + timedelta(minutes=90)).isoformat())
    scene.agent.clock_file.write_text("-3600")
    (back_id,) = scene.submit(later)
    begun = time.monotonic()
    scene.wait_settled(back_id)
    took = time.monotonic() - begun
    assert scene.agent.job(dated_id)["state"] == "queued", "a dated job ran before its time"
    scene.agent.clock_file.write_text("7200")
    scene.wait_settled(dated_id)
    scene.agent.clock_file.write_text("-7200")
    last = case("invite", "last")
    scene.put(last)
    (last_id,) = scene.submit(last)
    scene.wait_settled(last_id)
    scene.agent.wait_quiet()
    events = scene.agent.ask("GET", f"/v1/jobs/{dated_id}/events")["events"]
    assert [event["kind"] for event in events].count("claimed") == 1, "the dated job ran more than once"
    return f"after an hour back the next job took {took:.0f} s"


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "3m") -> Iterator[None]:
    """A small file system of its own in this folder. OSError where this account may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "torture", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        raise OSError(errno.EPERM, f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is free on this folder's disk."""
    filler = folder / ".filler"
    with filler.open("wb", buffering=0) as out:
        for piece in (65_536, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    out.write(b"\0" * piece)
    try:
        yield
    finally:
        filler.unlink(missing_ok=True)


def disk_full(scene: Scene) -> str:
    """The queue's disk is full: nothing is accepted that could be lost, reading goes on, and later everything does."""
    with small_disk(scene.agent.queue_file.parent):
        scene.agent.start()
        before, during, after = case("update", "before"), case("invite", "during"), case("offboard", "after")
        scene.put(before, during, after)
        scene.agent.ask("POST", "/v1/tenants/sandbox/pause", {"reason": "torture"})
        scene.submit(before)
        refused = 0
        with full(scene.agent.queue_file.parent):
            for n in range(5):
                job = {**during.job, "idempotency_key": f"{during.job['idempotency_key']}-{n}"}
                answer = scene.agent.try_ask("POST", "/v1/jobs", [job])
                assert answer is not None, f"the agent ended: {scene.agent.log[-2000:]}"
                assert answer.status != 202, "accepted on a full disk"
                assert answer.json()["code"] == "queue-unwritable", answer.text
                refused += 1
            assert len(scene.agent.ask("GET", "/v1/jobs")["jobs"]) == 1, "reading does not go on"
        scene.submit(during, after)
        scene.agent.ask("POST", "/v1/tenants/sandbox/resume")
        _full_in_mid_work(scene)
        scene.agent.wait_quiet(LONG_S)
        scene.conclude()  # while its file is still there
    return f"{refused} refused"


def _full_in_mid_work(scene: Scene) -> None:
    """The disk fills up under a running job, and is emptied again; who supervises the agent starts it when it ended."""
    deadline = time.monotonic() + 30
    while not scene.agent.ask("GET", "/v1/jobs", state="running", limit=1)["jobs"]:
        assert time.monotonic() < deadline, "no job begins"
        time.sleep(0.02)
    with full(scene.agent.queue_file.parent):
        assert scene.agent.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            scene.agent.process.wait(8)
    if not scene.agent.is_running:
        scene.agent.start()


def evidence_disk_full(scene: Scene) -> str:
    """No room for evidence: nothing is written in the tenant; with room again the job is done."""
    with small_disk(scene.agent.evidence, "8m"):
        scene.agent.start()
        chosen = case("update", "unproven")
        scene.put(chosen)
        with full(scene.agent.evidence):
            (job_id,) = scene.submit(chosen)
            deadline = time.monotonic() + 60
            while scene.agent.job(job_id)["trouble"] is None:
                assert time.monotonic() < deadline, "the job does not notice"
                time.sleep(0.1)
            writes = [r for r in scene.sandbox.get("/requests") if r["operation"] == "save_user"]
            assert writes == [], "a write without evidence"
            code = scene.agent.job(job_id)["trouble"]["code"]
        scene.agent.ask("POST", "/v1/tenants/sandbox/resume")
        scene.wait_settled(job_id)
        scene.conclude()
    return f"trouble told: {code}"
