"""Something dies in the middle of the work: the agent at random moments, its browser, its driver, the tenant.

Each fault is a function, here as in :mod:`tests.torture.machine` and :mod:`tests.torture.queueing`. It gets a scene
whose agent is not started, does its worst, sees the jobs through, and leaves the counting to :meth:`Scene.judge`; an
AssertionError is a promise that was broken in another way. What it returns is told in the table.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator

import psutil

from tests.signals import has_ended, stop
from tests.torture.counting import LedgerRows
from tests.torture.scene import LONG_S, OPTIONS, Scene
from tests.torture.stories import STORIES
from tests.torture.sweep import wait_orphans_gone
from tests.torture.unix_http import Gone
from tests.torture.wishes import case


def random_kills(scene: Scene, kills: int, seed: int, people: int = 6) -> str:
    """kill -9 at random moments, in the start as well, while people's stories are worked through in order."""
    chance = random.Random(seed)  # noqa: S311 - the same bad luck again for the same seed
    scene.agent.start()
    cases = [each for n in range(people) for each in STORIES[n % len(STORIES)](f"r{seed}n{n}")]
    scene.put(*cases)
    scene.submit(*cases)
    done = 0
    while done < kills and not _is_quiet(scene):
        _sleep_or_end(scene, chance.uniform(0.2, 6))
        scene.agent.kill()
        done += 1
        weakened = _jobs_that_have_seen_two_deaths(scene)
        scene.agent.start(ready=bool(weakened))
        for job_id in weakened:  # a third death would rightly be taken for their own doing
            scene.wait_settled(job_id, LONG_S)
    scene.agent.wait_ready()
    scene.agent.wait_quiet(LONG_S)
    return f"{done} kills, seed {seed}"


def _is_quiet(scene: Scene) -> bool:
    """Whether all is done; False while the agent is starting."""
    try:
        return scene.agent.quiet()
    except Gone:
        return False


def _sleep_or_end(scene: Scene, seconds: float) -> None:
    """Let the agent work for a while."""
    assert scene.agent.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = scene.agent.process.wait(seconds)
        raise AssertionError(f"the agent ended by itself ({code}): {scene.agent.log[-3000:]}")


def _jobs_that_have_seen_two_deaths(scene: Scene) -> list[int]:
    """By the file that the dead agent left; the one that runs now has not been counted yet."""
    with contextlib.closing(sqlite3.connect(scene.agent.queue_file)) as db:
        try:
            rows = db.execute("SELECT id FROM job WHERE crashes + (state = 'running') >= 2 AND state <> 'dead'")
            return [int(row[0]) for row in rows]
        except sqlite3.OperationalError:
            return []  # it died before it had made its tables


def browser_kills(scene: Scene, kills: int, seed: int) -> str:
    """The browser or its driver is killed in mid-job: a fault that passes, of the jobs it hit only."""
    chance = random.Random(seed)  # noqa: S311 - the same bad luck again for the same seed
    scene.agent.start()
    cases = [each for n in range(6) for each in STORIES[n % len(STORIES)](f"b{seed}n{n}")]
    scene.put(*cases)
    ids = scene.submit(*cases)
    done = 0
    while done < kills and not scene.agent.quiet():
        _sleep_or_end(scene, chance.uniform(1, 4))
        victims = {"browser": browsers(scene), "driver": _drivers(scene)}
        for victim in victims[chance.choice(("browser", "driver"))]:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
                done += 1
    unsure = scene.wait_quiet_beside_a_person(LONG_S)
    assert scene.agent.is_running
    jobs = [scene.agent.job(job_id) for job_id in ids]
    stuck = [job["id"] for job in jobs if job["state"] == "dead" or job["hold"] is not None]
    assert not stuck, f"a browser's death was the end of {stuck}: {scene.agent.log[-3000:]}"
    return f"{done} kills; tried again by a person: {unsure}"


def browsers(scene: Scene) -> list[psutil.Process]:
    """The browser's main process (a list: it may be gone, or just starting anew)."""
    return [p for p in scene.agent.descendants() if "--remote-debugging-pipe" in _words(p) and not _is_part(p)]


def _drivers(scene: Scene) -> list[psutil.Process]:
    return [p for p in scene.agent.descendants() if "run-driver" in _words(p)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _is_part(process: psutil.Process) -> bool:
    return any(word.startswith("--type=") for word in _words(process))


def orphaned_browser(scene: Scene) -> str:
    """kill -9 in mid-click, the driver does not notice: the browser is gone before the person is claimed again."""
    scene.agent.start()
    chosen = case("update", "orphan")
    scene.put(chosen)
    scene.sandbox.post("/faults", [{"operation": "save_user", "effect": "hold", "when": "before"}])
    (job_id,) = scene.submit(chosen)
    assert scene.sandbox.get("/held?wait=60"), "the save never came"
    for driver in _drivers(scene):
        stop(driver.pid)  # a driver that runs would close the browser when it sees that we are gone
    scene.agent.kill()
    family = scene.agent.family
    assert not all(has_ended(member.pid) for member in family), "nothing was orphaned: the fault is none"
    with _watching(family) as last_seen:
        scene.agent.start()
        scene.sandbox.post("/held/release", {"then": "drop"})
        scene.wait_settled(job_id)
    wait_orphans_gone(family)
    scene.agent.stop()
    claims = [e for e in LedgerRows.read(scene.agent.queue_file).events if e.job_id == job_id and e.kind == "claimed"]
    late = max(last_seen.values(), default=0.0) - claims[-1].at
    if late > 0.1:
        scene.counts.note("overlaps", f"the old browser was there {late:.1f} s after job {job_id} was claimed again")
    return f"{len(family)} processes orphaned, gone {-late:.1f} s before the claim"


@contextlib.contextmanager
def _watching(family: list[psutil.Process]) -> Iterator[dict[int, float]]:
    """When each of these processes was last seen alive."""
    seen: dict[int, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for member in family:
                if not has_ended(member.pid):
                    seen[member.pid] = time.time()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def tenant_restart(scene: Scene) -> str:
    """The tenant goes away in mid-work and comes back with everybody signed out: the jobs go on by themselves.

    A write that was under way just then may have been kept or not, and where nothing shows it, a person decides. Here
    that person asks for another try, which looks first; in the end everybody is as wanted all the same.
    """
    scene.agent.start()
    cases = [each for n in range(3) for each in STORIES[n](f"away{n}")]
    scene.put(*cases)
    scene.submit(*cases)
    _sleep_or_end(scene, 4)
    scene.sandbox.stop()
    _sleep_or_end(scene, 3)
    scene.sandbox.start()
    scene.sandbox.post("/options", OPTIONS)
    asked = scene.wait_quiet_beside_a_person(LONG_S)
    return f"away for 3 s, {asked} uncertain"
