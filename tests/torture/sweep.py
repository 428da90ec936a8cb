"""Kills at every boundary: each write of each action on both sides of its work, and each call of the queue.

Kills come in volleys. Several jobs about several people run at once, each is brought to its own boundary and stands
still there, and then the agent is killed under all of them. It is started again and must finish what it had; the same
process then takes the next volley. What becomes of a request that was under way is varied: it is dropped, it is applied
as soon as the agent is dead, or it is applied late, while the next agent is already looking. An invitation is also
applied last, when the job is over: it is the one write that cannot be seen on a page and must not happen twice.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import psutil

from tests.signals import has_ended
from tests.torture.counting import count_needless_holds
from tests.torture.crowds import any_case
from tests.torture.scene import LIMIT, Scene
from tests.torture.unix_http import Gone
from tests.torture.wishes import Case

Fate = Literal["dropped", "applied", "applied late", "applied last"]
Side = Literal["before", "after"]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class AtRequest:
    """Killed while the n-th request of an operation stands still on one side of its work."""

    action: str
    operation: str
    nth: int
    when: Side
    fate: Fate = "dropped"

    def __str__(self) -> str:
        return f"{self.action}: {self.when} {self.operation} {self.nth}, {self.fate}"


@dataclass(frozen=True)
class AtCall:
    """Killed before or after the n-th queue call of a job."""

    action: str
    nth: int
    when: Side

    def __str__(self) -> str:
        return f"{self.action}: {self.when} queue call {self.nth}"


Kill = AtRequest | AtCall


@dataclass(frozen=True)
class Measure:
    """A job in peace: its writing operations in order, all its requests, and how many queue calls it took."""

    action: str
    writes: tuple[str, ...]
    requests: int
    calls: int


def measure(scene: Scene, action: str) -> Measure:
    """Run one job without any fault. The agent must be signed in already: that would be counted, too."""
    scene.sandbox.delete("/requests")
    chosen = any_case(action, "peace")
    scene.put(chosen)
    (job_id,) = scene.submit(chosen)
    job = scene.wait_settled(job_id)
    assert job["state"] == "done", f"{action} is {job['state']} without any fault: {job['trouble']}"
    requests = [r for r in scene.sandbox.get("/requests") if r["operation"] != "static"]
    writes = tuple(r["operation"] for r in requests if r["method"] not in ("GET", "HEAD"))
    return Measure(action, writes, len(requests), scene.agent.calls_of(job_id))


def at_requests(measured: Measure) -> Iterator[AtRequest]:
    """Before each write with each of the fates, and after it."""
    seen: Counter[str] = Counter()
    for operation in measured.writes:
        seen[operation] += 1
        nth = seen[operation]
        yield AtRequest(measured.action, operation, nth, "after")
        yield AtRequest(measured.action, operation, nth, "before", "dropped")
        yield AtRequest(measured.action, operation, nth, "before", "applied")
        yield AtRequest(measured.action, operation, nth, "before", "applied late")
        if operation == "invite":
            yield AtRequest(measured.action, operation, nth, "before", "applied last")


def at_calls(measured: Measure) -> Iterator[AtCall]:
    """Before and after each call of the queue; of the claim there is only an after."""
    yield AtCall(measured.action, 1, "after")
    for nth in range(2, measured.calls + 1):
        yield AtCall(measured.action, nth, "before")
        yield AtCall(measured.action, nth, "after")


def volleys(kills: Iterable[Kill], size: int = LIMIT) -> Iterator[tuple[Kill, ...]]:
    """So many kills together as jobs run at once; kills of one kind each."""
    rest = iter(kills)
    while volley := tuple(islice(rest, size)):
        yield volley


def carry_out(scene: Scene, volley: Sequence[Kill], name: str) -> int:
    """Bring a job for each kill to its boundary, kill the agent, start it again, and see the jobs through.

    Returns for how many the kill came: a job may take fewer requests than the one that was measured. What is wrong
    afterwards is for :meth:`Scene.judge` to find. The agent runs before and afterwards.
    """
    cases = [any_case(kill.action, f"{name}{letter}") for kill, letter in zip(volley, "abcdefgh", strict=False)]
    scene.put(*cases)
    requests = [(kill, chosen) for kill, chosen in zip(volley, cases, strict=True) if isinstance(kill, AtRequest)]
    calls = [(kill, chosen) for kill, chosen in zip(volley, cases, strict=True) if isinstance(kill, AtCall)]
    assert not (requests and calls), "a volley has kills of one kind"
    return _at_requests(scene, requests) if requests else _at_calls(scene, calls)


def _at_requests(scene: Scene, kills: Sequence[tuple[AtRequest, Case]]) -> int:
    scene.sandbox.post(
        "/faults",
        [
            {
                "operation": kill.operation,
                **({"project": chosen.project} if chosen.project else {"user": chosen.address}),
                "nth": kill.nth,
                "effect": "hold",
                "when": kill.when,
            }
            for kill, chosen in kills
        ],
    )
    ids = scene.submit(*(chosen for _, chosen in kills))
    held = _wait_for_holds(scene, ids)
    scene.sandbox.delete("/faults")
    if held:
        scene.agent.kill()
        late = []
        for entry in held:
            fate = next(kill.fate for kill, chosen in kills if _is_of(scene, chosen, entry))
            if fate == "applied late":
                late.append(entry["id"])
            elif fate != "applied last":
                then = "go_on" if fate == "applied" else "drop"
                scene.sandbox.post("/held/release", {"then": then, "id": entry["id"]})
        before = len(scene.sandbox.get("/requests"))
        scene.agent.start()
        if late:
            _wait_for_requests(scene, before)
            for hold_id in late:
                scene.sandbox.post("/held/release", {"then": "go_on", "id": hold_id})
    for job_id in ids:
        scene.wait_settled(job_id)
    scene.sandbox.post("/held/release", {"then": "go_on"})  # what is to be applied last
    _count_unsettled(scene, ids)
    return len(held)


def _count_unsettled(scene: Scene, ids: Sequence[int]) -> None:
    mails = [job_id for job_id in ids if scene.accepted[job_id].sends_mail]
    count_needless_holds([scene.agent.job(job_id) for job_id in ids], mails, scene.counts)


def _wait_for_holds(scene: Scene, ids: Sequence[int]) -> list[dict[str, Any]]:
    """The requests that stand still, as soon as every job either has one or came to an end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        held: list[dict[str, Any]] = scene.sandbox.get(f"/held?wait=0.3&count={len(ids)}")
        if len(held) + sum(scene.is_settled(job_id) for job_id in ids) >= len(ids):
            return held
    raise AssertionError(f"jobs {ids} neither stand still nor end: {scene.agent.log[-3000:]}")


def _wait_for_requests(scene: Scene, before: int) -> None:
    """Until the next agent has asked for a page of its own."""
    deadline = time.monotonic() + PATIENCE_S
    while len(scene.sandbox.get("/requests")) <= before:
        assert time.monotonic() < deadline, f"the next agent does not look: {scene.agent.log[-2000:]}"
        time.sleep(0.02)


def _at_calls(scene: Scene, kills: Sequence[tuple[AtCall, Case]]) -> int:
    first = _next_id(scene)
    ids = list(range(first, first + len(kills)))
    plan = [{"job": job_id, "call": kill.nth, "when": kill.when} for job_id, (kill, _) in zip(ids, kills, strict=True)]
    scene.agent.plan(*plan)
    cases = [chosen for _, chosen in kills]
    scene.remember(ids, cases)
    # It may die before it can tell that it has accepted them; they are in the ledger all the same.
    with contextlib.suppress(Gone):
        assert scene.agent.submit([chosen.job for chosen in cases]) == ids
    came = _wait_for_death(scene, plan)
    scene.agent.plan()
    if not scene.agent.is_running:
        scene.agent.start()
    for job_id in ids:
        scene.wait_settled(job_id)
    _count_unsettled(scene, ids)
    return came


def _wait_for_death(scene: Scene, plan: list[dict[str, Any]]) -> int:
    """Until the agent has died at its boundaries; jobs that end before do not hold the others up any more."""
    deadline = time.monotonic() + PATIENCE_S
    while scene.agent.is_running and plan:
        ended = [entry for entry in plan if scene.is_settled(entry["job"])]
        if ended:
            plan = [entry for entry in plan if entry not in ended]
            scene.agent.plan(*plan)
        assert time.monotonic() < deadline, f"{plan} is not reached: {scene.agent.log[-2000:]}"
        time.sleep(0.05)
    return len(plan)


def _next_id(scene: Scene) -> int:
    """The number that the next accepted job will get; nobody else hands any in."""
    newest = scene.agent.ask("GET", "/v1/jobs", newest_first=True, limit=1)["jobs"]
    return (newest[0]["id"] if newest else 0) + 1


def _is_of(scene: Scene, chosen: Case, held: Mapping[str, Any]) -> bool:
    """Whether a request that stands still is one of this case's job."""
    if chosen.project:
        return scene.place_of(chosen.project) in held["path"]
    return chosen.address in held["people"]


def wait_orphans_gone(family: Sequence[psutil.Process], patience: float = 10.0) -> float:
    """Until none of these processes is left; the seconds it took. AssertionError when one stays."""
    begun = time.monotonic()
    while any(member.is_running() and not has_ended(member.pid) for member in family):
        assert time.monotonic() - begun < patience, "an orphan of the killed agent stays"
        time.sleep(0.02)
    return time.monotonic() - begun
