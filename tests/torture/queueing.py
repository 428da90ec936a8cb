"""The queue's own promises with the real agent: one owner, poison put aside, offboarding first, old jobs still done."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from agent.queue.ledger.schema import VERSIONS
from agent.queue.record import ARGS_VERSION
from fixtures.running import ROOT
from tests.torture.counting import LedgerRows
from tests.torture.scene import LIMIT, LONG_S, Scene, opened
from tests.torture.wishes import ACTIONS, case

STORED = Path(__file__).with_name("stored")
"""Queue files of releases, as SQL; ``python -m tests.torture.queueing`` adds the present one before a release."""


def two_agents(scene: Scene) -> str:
    """A second agent on the same queue file goes away at once and says whose it is; the first one works on."""
    scene.agent.start()
    cases = [case("update", f"two{n}") for n in range(3)]
    scene.put(*cases)
    scene.submit(*cases)
    command = [sys.executable, "-m", "agent", "run", "--settings", str(scene.agent.folder / "agent.toml")]
    second = subprocess.run(
        command, cwd=ROOT, env=scene.agent.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 3, f"exit code {second.returncode}: {second.stdout} {second.stderr}"
    told = second.stdout + second.stderr
    assert "queue-owned" in told or "Another agent" in told, told
    scene.agent.wait_quiet()
    return "the second one left with exit code 3"


def poison_job(scene: Scene) -> str:
    """A job under which the process dies each time is dead after the third death; the others are done."""
    scene.agent.start()
    bad, good = case("read", "poison"), [case("update", f"fine{n}") for n in range(2)]
    scene.put(bad, *good)
    (bad_id,) = scene.submit(bad)
    scene.wait_settled(bad_id)  # the number of the next one is known, and this one is out of the way
    scene.agent.plan({"job": bad_id + 1, "call": "any", "when": "after"})
    poison = {**bad.job, "idempotency_key": f"{bad.job['idempotency_key']}-2"}
    with contextlib.suppress(Exception):  # it may die before it has told that the job is accepted
        scene.agent.submit([poison])
    deaths = 0
    while deaths < 3:
        scene.agent.wait_dead()
        deaths += 1
        scene.agent.start(ready=deaths == 3)
    poisoned = scene.wait_settled(bad_id + 1)
    assert (poisoned["state"], poisoned["trouble"]["code"]) == ("dead", "poison-job"), poisoned
    scene.submit(*good)
    scene.agent.wait_quiet()
    return f"dead after {deaths} deaths"


def stored_jobs(scene: Scene) -> str:
    """Jobs that each earlier release has stored are worked through, half of them with the args of before."""
    told = []
    for file in sorted(STORED.glob("v*.sql")):
        scene.agent.queue_file.unlink(missing_ok=True)
        scene.agent.queue_file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(scene.agent.queue_file)) as db:
            db.executescript(file.read_text())
            db.execute("UPDATE job SET args_version = ? WHERE id % 2 = 0", (ARGS_VERSION - 1,))
            db.commit()
            keys = dict(db.execute("SELECT id, request_key FROM job ORDER BY id").fetchall())
        cases = [case(*key.removeprefix("torture-").rsplit("-", 1)) for key in keys.values()]
        scene.put(*cases)
        scene.remember(list(keys), cases)
        scene.agent.start()
        scene.agent.ask("POST", "/v1/tenants/sandbox/resume")
        scene.agent.wait_quiet(LONG_S)
        scene.agent.stop()
        told.append(f"{len(keys)} jobs of {file.stem}")
    assert told, "there is no stored queue"
    return ", ".join(told)


def offboard_goes_first(scene: Scene, creates: int = 300) -> str:
    """Behind so many queued creations, an offboarding is the next job that begins."""
    scene.agent.start()
    joiners = [case("provision", f"crowd{n}") for n in range(creates)]
    ids = scene.agent.submit([each.job for each in joiners], batch="crowd")
    leaver = case("offboard", "urgent")
    scene.put(leaver)
    (leaver_id,) = scene.submit(leaver)
    scene.wait_settled(leaver_id)
    scene.agent.stop()
    events = LedgerRows.read(scene.agent.queue_file).events
    accepted = next(event.id for event in events if event.job_id == leaver_id and event.kind == "accepted")
    claims = [event.job_id for event in events if event.kind == "claimed" and event.id > accepted]
    assert claims[0] == leaver_id, f"{claims.index(leaver_id)} others began before it"
    begun = len({event.job_id for event in events if event.kind == "claimed"})
    assert begun <= 4 * LIMIT, f"{begun} of {len(ids)} jobs had begun: there was no crowd"
    return f"first of {creates + 1 - begun + 1} that waited"


def store(scene: Scene, file: Path) -> None:
    """Write a queue of this release, with each action once, as SQL: what later releases must be able to do."""
    scene.agent.start()
    scene.agent.ask("POST", "/v1/tenants/sandbox/pause", {"reason": "to be stored"})
    scene.submit(*(case(action, "stored") for action in ACTIONS))
    scene.agent.kill()
    with contextlib.closing(sqlite3.connect(scene.agent.queue_file)) as db:
        file.write_text("\n".join(db.iterdump()) + "\n")


if __name__ == "__main__":
    with opened() as present:
        store(present, STORED / f"v{len(VERSIONS)}.sql")
