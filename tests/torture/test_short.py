"""The short form of the torture, for every change: each kind of fault once, a sample of the sweep.

``make torture`` does all of it, for as long as it takes, and prints a table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.torture import kills, machine, queueing
from tests.torture.launcher import FORGET
from tests.torture.scene import Scene, opened
from tests.torture.sweep import AtRequest, at_calls, at_requests, carry_out, measure, volleys

pytestmark = pytest.mark.timeout(900)
SAMPLED = ("provision", "offboard", "reactivate")


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A sandbox and an agent that is not started."""
    with opened() as made:
        yield made


def well(scene: Scene) -> bool:
    """Whether nothing went wrong; the particulars are the assertion's message otherwise."""
    counts = scene.judge()
    assert counts.all_is_well, "\n".join(counts.details)
    return True


def test_kills_at_a_sample_of_the_boundaries(scene: Scene) -> None:
    """Nothing lost, doubled, overtaken or wrong, wherever the agent is killed: one volley of each sort."""
    scene.agent.start()
    measure(scene, "read")  # signs in
    measured = [measure(scene, action) for action in SAMPLED]
    writes = [kill for each in measured for kill in at_requests(each)]
    calls = [kill for each in measured for kill in at_calls(each)]
    came = 0
    # Every 8th and every 14th: three volleys of each, over all fates and both sides.
    for n, volley in enumerate([*volleys(writes[1::6]), *volleys(calls[2::10])]):
        came += carry_out(scene, volley, f"s{n}")
    assert came >= 9, "most of the kills never came: the sample is none"
    assert well(scene)


def test_kills_in_jobs_about_many_people(scene: Scene) -> None:
    """The crowd's write has arrived or not, or only half of it: each is finished, and nobody gets a second mail."""
    scene.agent.start()
    measure(scene, "read")
    volley = [
        AtRequest("bulk_add_to_project", "bulk_add", 1, "before", "applied late"),
        AtRequest("bulk_remove_from_project", "member_remove", 2, "before", "dropped"),
        AtRequest("distribution_group", "group_member_add", 2, "after"),
    ]
    assert carry_out(scene, volley, "many") == len(volley)
    assert well(scene)


def test_an_agent_that_forgets_is_caught(scene: Scene) -> None:
    """A planted violation: without its memory the agent invites again, and the counters see the second mail."""
    scene.agent.environment[FORGET] = "yes"
    scene.agent.start()
    measure(scene, "read")
    assert carry_out(scene, [AtRequest("invite", "invite", 1, "before", "applied last")], "forgets") == 1
    counts = scene.judge()
    assert counts.mails_twice == 1, counts.details
    assert not counts.all_is_well


def test_kills_at_random_moments(scene: Scene) -> None:
    """Several people's jobs in order, with kills in between and during the start."""
    kills.random_kills(scene, kills=4, seed=417, people=3)
    assert well(scene)


def needs_to_mount(fault: Callable[[Scene], str]) -> Callable[[Scene], str]:
    """A fault that needs a file system of its own."""

    def mounting(scene: Scene) -> str:
        if os.geteuid() != 0:
            pytest.skip("only root can mount the small file system that is to be full")
        try:
            return fault(scene)
        except OSError as error:
            if "no small file system" not in str(error):
                raise
            pytest.skip(str(error))

    mounting.__name__ = fault.__name__
    return mounting


@pytest.mark.parametrize(
    "fault",
    [
        kills.orphaned_browser,
        kills.tenant_restart,
        lambda scene: kills.browser_kills(scene, kills=2, seed=417),
        machine.clock_jumps,
        needs_to_mount(machine.disk_full),
        needs_to_mount(machine.evidence_disk_full),
        queueing.two_agents,
        queueing.poison_job,
        queueing.stored_jobs,
        queueing.offboard_goes_first,
    ],
    ids=lambda fault: getattr(fault, "__name__", "").replace("<lambda>", "browser_kills"),
)
def test_faults(scene: Scene, fault: Callable[[Scene], str]) -> None:
    """Each fault's own promise holds, and nothing was lost, doubled, overtaken or left wrong."""
    fault(scene)
    assert well(scene)
