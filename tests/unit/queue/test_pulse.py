"""When a host may write, and when it may call others dead, by its own heartbeats and two clocks."""

from __future__ import annotations

import pytest

from agent.queue.hosts.pulse import Pulse, Times, since_boot


class Clocks:
    """This host's clock since boot, and the server's."""

    def __init__(self) -> None:
        self.here = 1000.0
        self.server = 5_000_000.0

    def pass_s(self, seconds: float) -> None:
        self.here += seconds
        self.server += seconds


def beaten(clocks: Clocks, pulse: Pulse, times: int = 4) -> None:
    """Heartbeats every ten seconds, the last one now."""
    for n in range(times):
        if n:
            clocks.pass_s(10)
        pulse.accepted(pulse.now(), clocks.server)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def pulse(clocks: Clocks) -> Pulse:
    return Pulse(Times(), lambda: clocks.here)


def test_a_host_writes_only_for_twenty_seconds_after_a_heartbeat(clocks: Clocks, pulse: Pulse) -> None:
    """Ten seconds are left for the write before others may take its jobs over."""
    assert not pulse.is_fresh(), "no heartbeat yet"
    beaten(clocks, pulse)
    clocks.pass_s(20)
    assert pulse.is_fresh()
    clocks.pass_s(0.1)
    assert not pulse.is_fresh()


def test_a_heartbeat_counts_from_when_it_was_sent(clocks: Clocks, pulse: Pulse) -> None:
    """An answer that took long says nothing about the time since."""
    sent = pulse.now()
    clocks.pass_s(21)
    pulse.accepted(sent, clocks.server - 21)
    assert not pulse.is_fresh()


def test_nobody_is_called_dead_before_thirty_seconds_of_own_heartbeats(clocks: Clocks, pulse: Pulse) -> None:
    """After a start, and after a server that was away: then all hosts look dead."""
    beaten(clocks, pulse, 3)
    assert not pulse.may_rescue(clocks.server)
    clocks.pass_s(10)
    pulse.accepted(pulse.now(), clocks.server)
    assert pulse.may_rescue(clocks.server)
    pulse.missed()
    assert not pulse.may_rescue(clocks.server)
    beaten(clocks, pulse, 3)
    assert not pulse.may_rescue(clocks.server)


def test_a_host_that_was_asleep_does_not_call_others_dead(clocks: Clocks, pulse: Pulse) -> None:
    """Its row of heartbeats has a hole, though none has failed."""
    beaten(clocks, pulse)
    clocks.pass_s(3600)
    assert not pulse.may_rescue(clocks.server)
    pulse.accepted(pulse.now(), clocks.server)
    assert not pulse.may_rescue(clocks.server)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_server_whose_clock_was_set_makes_nobody_dead(clocks: Clocks, pulse: Pulse, jump: float) -> None:
    """By that clock every heartbeat is an hour old, or from the future, until each host has sent another."""
    beaten(clocks, pulse)
    clocks.server += jump
    assert not pulse.may_rescue(clocks.server)
    pulse.accepted(pulse.now(), clocks.server)
    assert not pulse.may_rescue(clocks.server)
    beaten(clocks, pulse, 4)
    assert pulse.may_rescue(clocks.server)


def test_times_that_would_let_two_hosts_write_are_refused() -> None:
    """A host must stop to write before others may take over."""
    with pytest.raises(AssertionError):
        Times(fence_s=40)


def test_the_clock_since_boot_goes_on() -> None:
    """And is no time of day."""
    assert 0 < since_boot() <= since_boot()
