"""`agent run-job` keeps the rules of the queue: one budget for all who inactivate, and four eyes for --yes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.intake.owner import account_name
from agent.queue.opening import limits_of, open_queue
from agent.queue.record import Spending
from agent.service.operators import FILE, Operators
from agent.settings import load_settings
from tests.unit.commands.conftest import CommandLine
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake_tenant import FakeTenant

ME = account_name(os.getuid())
HOUR = Spending("deactivate-hour", 1, 10, 3600.0)


@pytest.fixture
def policy(agent: CommandLine) -> Callable[[str], None]:
    """Adds to the tenant's policy."""

    def add(lines: str) -> None:
        file = agent.folder / "agent.toml"
        file.write_text(file.read_text() + f"[tenants.sandbox.policy]\n{lines}\n", encoding="utf-8")

    return add


def leavers(truth: FakeTenant, number: int, requested_by: str = "hr@example.com") -> list[Any]:
    """So many people, and a job that offboards each."""
    jobs = []
    for at in range(number):
        email = f"leaver{at}@example.com"
        truth.put(person(email, user_id=str(100 + at)))
        reason = {"ticket": "HR-1", "requested_by": requested_by, "approved_by": "boss@example.com"}
        jobs.append(job("offboard", person={"email": email}, idempotency_key=f"leaver-{at}", reason=reason))
    return jobs


def verdicts(agent: CommandLine, jobs: list[Any], *flags: str) -> list[tuple[str, str]]:
    """How each job ended, and with which code."""
    result = agent("run-job", agent.job_file(jobs), "--json", *flags)
    found = json.loads(result.stdout)["jobs"]
    return [(item["verdict"], (item["outcome"]["error"] or {}).get("code", "")) for item in found]


def spend_in_queue(agent: CommandLine, keys: list[str]) -> None:
    """What jobs of the queue, or commands before this one, have taken from the budget."""

    async def spend() -> None:
        settings = load_settings(agent.folder / "agent.toml")
        queue = open_queue(settings)
        await queue.open(limits_of(settings))
        for key in keys:
            await queue.spend_outside("sandbox", key, [HOUR])
        await queue.close()

    asyncio.run(spend())


@contextmanager
def queue_held(agent: CommandLine) -> Iterator[None]:
    """Another process owns the queue and does not listen."""
    settings = load_settings(agent.folder / "agent.toml")
    from agent.queue.owner import Ownership

    settings.queue.file.parent.mkdir(parents=True, exist_ok=True)
    owned = Ownership(settings.queue.file.with_name(settings.queue.file.name + ".lock"), 0.0)
    try:
        yield
    finally:
        owned.release()


def test_the_budget_is_shared_with_the_queue_and_with_earlier_commands(
    agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None]
) -> None:
    """Two of three are used up: one more goes, the next waits, whichever process spent before."""
    policy("max_deactivations_per_hour = 3\nmax_deactivated_share = 1.0")
    spend_in_queue(agent, ["a", "b"])
    first, second = leavers(truth, 2)
    assert verdicts(agent, [first]) == [("done", "")]
    assert verdicts(agent, [second]) == [("waiting", "")]
    assert "leaver1@example.com" not in " ".join(truth.sent)


def test_yes_goes_beyond_the_budget_and_does_not_count_against_it(
    agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None]
) -> None:
    """As an approval in the queue."""
    policy("max_deactivations_per_hour = 1\nmax_deactivated_share = 1.0")
    jobs = leavers(truth, 3)
    assert verdicts(agent, jobs, "--yes") == [("done", "")] * 3


def test_a_dry_run_spends_nothing(agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None]) -> None:
    """Nor does what only looks make a queue."""
    policy("max_deactivations_per_hour = 1\nmax_deactivated_share = 1.0")
    jobs = leavers(truth, 2)
    assert verdicts(agent, jobs, "--dry-run") == [("done", "")] * 2
    assert not load_settings(agent.folder / "agent.toml").queue.file.exists()


def test_a_budget_that_nobody_can_tell_inactivates_nobody(
    agent: CommandLine, truth: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is owned by somebody who does not answer: failed before any write, --yes or not."""
    monkeypatch.setattr("agent.commands.by_hand._TRIES", 2)
    monkeypatch.setattr("agent.commands.by_hand._AGAIN_S", 0.01)
    jobs = leavers(truth, 1)
    with queue_held(agent):
        assert verdicts(agent, jobs) == [("failed", "budget-unknown")]
        (agent.folder / "var/evidence/leaver-0").rename(agent.folder / "first")
        assert verdicts(agent, jobs, "--yes") == [("failed", "budget-unknown")]
    assert truth.sent == []


def test_another_command_at_the_queue_is_waited_for(
    agent: CommandLine, truth: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the queue open for a moment only."""
    held: list[AbstractContextManager[None]] = [queue_held(agent)]
    held[0].__enter__()
    waited: list[float] = []
    sleep = asyncio.sleep

    async def let_go(seconds: float) -> None:
        if seconds == 0.25 and held:
            waited.append(seconds)
            held.pop().__exit__(None, None, None)
        await sleep(0)

    monkeypatch.setattr("agent.commands.by_hand.asyncio.sleep", let_go)
    assert verdicts(agent, leavers(truth, 1)) == [("done", "")]
    assert waited == [0.25]


@pytest.mark.parametrize("asker", [ME, f"{ME}@example.com", ME.upper()])
def test_who_asked_for_a_job_does_not_approve_it_by_yes(
    agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None], asker: str
) -> None:
    """Where the tenant wants four eyes, by whichever name; without --yes it waits as ever."""
    policy("max_deactivations_per_hour = 0")
    jobs = leavers(truth, 1, requested_by=asker)
    assert verdicts(agent, jobs, "--yes") == [("refused", "four-eyes")]
    assert truth.sent == []


def test_yes_where_nothing_is_asked_needs_no_other_eyes(agent: CommandLine, truth: FakeTenant) -> None:
    """The flag alone approves nothing."""
    assert verdicts(agent, leavers(truth, 1, requested_by=ME), "--yes") == [("done", "")]


def test_a_tenant_may_do_without_four_eyes(
    agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None]
) -> None:
    """An IT department of one."""
    policy("max_deactivations_per_hour = 0\nfour_eyes = false")
    assert verdicts(agent, leavers(truth, 1, requested_by=ME), "--yes") == [("done", "")]


def test_once_there_are_operators_yes_needs_a_token(
    agent: CommandLine, truth: FakeTenant, policy: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user of this machine could be anybody; the token's owner is compared with who asked; a lost list is no list."""
    policy("max_deactivations_per_hour = 0")
    operators = Operators(load_settings(agent.folder / "agent.toml").paths.state)
    maria = operators.add("maria", datetime.now(UTC)).reveal()
    (leaver,) = leavers(truth, 1, requested_by="Maria")
    assert verdicts(agent, [leaver], "--yes") == [("refused", "token-needed")]
    (agent.folder / "var/evidence/leaver-0").rename(agent.folder / "first")
    monkeypatch.setenv("AGENT_TOKEN", maria)
    assert verdicts(agent, [leaver], "--yes") == [("refused", "four-eyes")]
    (agent.folder / "var/evidence/leaver-0").rename(agent.folder / "second")
    monkeypatch.setenv("AGENT_TOKEN", operators.add("ben", datetime.now(UTC)).reveal())
    assert verdicts(agent, [leaver], "--yes") == [("done", "")]
    (operators._path.parent / FILE).unlink()
    assert verdicts(agent, [provision()], "--yes") == [("failed", "operators-lost")]


def test_a_job_that_is_not_wanted_any_more_is_refused(agent: CommandLine, truth: FakeTenant) -> None:
    """Before anything is opened."""
    past = provision(not_after="2020-01-01T00:00:00+00:00")
    assert verdicts(agent, [past]) == [("refused", "expired")]
    assert truth.sign_ins == 0


def flow_states(agent: CommandLine) -> dict[str, str]:
    """The flows as the queue has them."""

    async def ask() -> dict[str, str]:
        settings = load_settings(agent.folder / "agent.toml")
        queue = open_queue(settings)
        await queue.open(limits_of(settings))
        try:
            return {state.flow: state.state.value for state in await queue.flow_states("sandbox")}
        finally:
            await queue.close()

    return asyncio.run(ask())


def test_a_changed_form_is_on_record_for_the_jobs_after_it(agent: CommandLine, truth: FakeTenant) -> None:
    """The next command, and the agent, leave that flow alone; a dry run says so; a report is made."""
    truth.fault("create_user", "swapped labels")
    assert verdicts(agent, [provision()]) == [("failed", "shape-changed")]
    assert flow_states(agent) == {"add_user": "quarantined"}
    for key, flags in (("b", ()), ("c", ("--dry-run",))):
        joiner = provision(idempotency_key=key)
        assert verdicts(agent, [joiner], *flags) == [("waiting", "flow-quarantined")]
    assert truth.sent == []
    assert verdicts(agent, [job("read", person={"email": "ana@example.com"})]) == [("done", "")]


def test_released_it_is_used_again(agent: CommandLine, truth: FakeTenant) -> None:
    """By the command, without an agent."""
    truth.fault("create_user", "swapped labels")
    verdicts(agent, [provision()])
    asked = agent("flows", "release", "sandbox", "add_user", "--why", "Only the order had changed.")
    assert asked.exit_code == 6
    assert "swapped: first_name, last_name" in asked.output
    agent("flows", "release", "sandbox", "add_user", "--why", "Only the order had changed.", "--yes")
    assert verdicts(agent, [provision(idempotency_key="b")]) == [("done", "")]
    assert flow_states(agent) == {"add_user": "healthy", "change_projects": "healthy", "invite": "healthy"}


def test_no_queue_is_made_for_flows_that_are_well(agent: CommandLine, truth: FakeTenant) -> None:
    """Whoever runs a job by hand on a machine without an agent leaves nothing but evidence behind."""
    assert verdicts(agent, [provision()]) == [("done", "")]
    assert not load_settings(agent.folder / "agent.toml").queue.file.exists()


def test_a_record_of_flows_that_nobody_can_tell_stops_what_writes(
    agent: CommandLine, truth: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is owned by somebody who does not answer: nothing is sent, and a report is made all the same."""
    monkeypatch.setattr("agent.commands.by_hand._TRIES", 2)
    monkeypatch.setattr("agent.commands.by_hand._AGAIN_S", 0.01)
    spend_in_queue(agent, ["a"])
    with queue_held(agent):
        assert verdicts(agent, [provision()]) == [("failed", "flows-unknown")]
        assert verdicts(agent, [job("read", person={"email": "ana@example.com"})]) == [("done", "")]
    assert truth.sent == []
