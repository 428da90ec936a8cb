"""The acceptance run: so many people come, are put on ten projects, are invited, and leave again, unattended.

``python -m tests.torture.batch [PEOPLE]`` (500 by default). On the way the agent is killed three times and its browser
twice. In the end every person is exactly as wanted, every invitation went out once, every job has sealed evidence, and
nothing was called done that was not read back. The wall time is printed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import psutil

from tests.torture.counting import Counts
from tests.torture.kills import browsers
from tests.torture.scene import Scene, opened
from tests.torture.wishes import ENGINEER, Case, Wanted, case

PROJECTS = 10
STANDSTILL_S = 900.0  # so long without one job more: something holds the tenant up


def joiner(number: int) -> Case:
    """Comes, is put on one of the ten projects, and is invited."""
    chosen = case("provision", f"batch{number:04d}")
    project = f"24-{number % PROJECTS + 1:03d}"
    job = {**chosen.job, "projects": [{"project": project, "template": ENGINEER}]}
    return replace(chosen, job=job, wanted=replace(chosen.wanted, memberships={project: ENGINEER}))


def leaver(joined: Case) -> Case:
    """The same person leaves: what is left is an inactive user without access, and the one mail of the beginning."""
    email = joined.job["person"]["email"]
    job = {**case("offboard", "x").job, "idempotency_key": f"{joined.job['idempotency_key']}-leaves"}
    wanted = Wanted(email, False, {}, {"company_template": None, "default_template": None}, mails=1)
    return Case("offboard", {**job, "person": {"email": email}}, None, wanted)


def run(scene: Scene, people: int, tell: Callable[[str], None]) -> Counts:
    """The whole run; returns what was counted over both halves."""
    begun = time.monotonic()
    scene.agent.start()
    joiners = [joiner(number) for number in range(people)]
    _half(scene, "joiners", joiners, ("agent", "browser", "agent"), tell)
    counts = scene.judge()
    tell(f"{people} people are in after {time.monotonic() - begun:.0f} s: {_words(counts)}")
    scene.agent.start()
    _half(scene, "leavers", [leaver(each) for each in joiners], ("browser", "agent"), tell)
    counts = scene.conclude()
    _count_unverified(scene, counts)
    tell(f"{people} people came and left in {time.monotonic() - begun:.0f} s: {_words(counts)}")
    return counts


def _half(scene: Scene, name: str, cases: list[Case], kills: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Hand them all in, and kill something each time another part of them is done."""
    ids = scene.submit(*cases, batch=name)
    steps = [(len(ids) * (n + 1) // (len(kills) + 1), victim) for n, victim in enumerate(kills)]
    told, last, since = 0, len(ids), time.monotonic()
    while (left := _left(scene, name)) > 0:
        if left < last:
            last, since = left, time.monotonic()
        assert time.monotonic() - since < STANDSTILL_S, f"{left} of {name} are left: {scene.agent.log[-3000:]}"
        assert scene.agent.is_running, f"the agent ended by itself: {scene.agent.log[-3000:]}"
        done = len(ids) - left
        if done * 20 // len(ids) > told:
            told = done * 20 // len(ids)
            tell(f"{name}: {done} of {len(ids)}")
        if steps and done >= steps[0][0]:
            _kill(scene, steps.pop(0)[1], tell)
        time.sleep(0.5)
    assert not steps, f"{steps} never came"
    states = Counter(_state(scene, job_id) for job_id in ids)
    tell(f"{name}: {dict(states)}")


def _left(scene: Scene, batch: str) -> int:
    """How many of a batch are still to be done; held ones wait for a person and are done with here."""
    count, after = 0, 0
    while True:
        page = scene.agent.ask(
            "GET", "/v1/jobs", batch=batch, state=["queued", "running"], held=False, after=after, limit=500
        )
        count += len(page["jobs"])
        if page["next_after"] is None:
            return count
        after = page["next_after"]


def _state(scene: Scene, job_id: int) -> str:
    job = scene.agent.job(job_id)
    return f"{job['state']}, {job['hold']}" if job["hold"] else str(job["state"])


def _kill(scene: Scene, victim: str, tell: Callable[[str], None]) -> None:
    tell(f"killing the {victim}")
    if victim == "agent":
        scene.agent.kill()
        scene.agent.start()
        return
    for process in browsers(scene):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _count_unverified(scene: Scene, counts: Counts) -> None:
    """Runs that say done although no witness has agreed."""
    for outcome in scene.agent.evidence.glob("*/*/*/outcome.json"):
        told = json.loads(outcome.read_text())
        if told["verdict"] == "done" and not any(witness["agrees"] for witness in told["witnesses"]):
            counts.note("unproven", f"{outcome.parent.name} says done and no witness agrees")


def _words(counts: Counts) -> str:
    wrong = "nothing wrong" if counts.all_is_well else "; ".join(counts.details[:20])
    return f"{wrong}, {counts.ended_twice} ended twice"


def main() -> int:
    """Run it; exit code 1 when anything is wrong."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 500

    def tell(text: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stdout.flush()

    with opened(people=40) as scene:
        counts = run(scene, people, tell)
    return 0 if counts.all_is_well else 1


if __name__ == "__main__":
    sys.exit(main())
