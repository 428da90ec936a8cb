"""The contract's tests can fail: each rule here is taken out of the queue, and its test sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.queue.interface import Queue
from agent.queue.ledger import budget, claiming, finishing, grants, notices, steering, submitting, tenants
from tests.queue import test_budgets, test_endings, test_grants, test_order, test_steering, test_ways_in
from tests.queue.places import Place

pytestmark = pytest.mark.asyncio
Test = Callable[[Place, Queue], Awaitable[None]]


def always(answer: Any) -> Callable[[Any], Any]:
    return lambda plain: lambda *arguments, **named: answer


def without(words: str, instead: str) -> Callable[[Any], Any]:
    """The statement for the next job with other words."""

    def plant(plain: Any) -> Any:
        def heads(*arguments: Any) -> Any:
            statement, values = plain(*arguments)
            assert words in statement
            return statement.replace(words, instead), values

        return heads

    return plant


PLANTED: dict[str, tuple[Any, str, Callable[[Any], Any], Any]] = {
    "urgency": (
        claiming,
        "heads",
        without("ORDER BY urgency, first", "ORDER BY first"),
        test_order.test_an_offboard_behind_three_hundred_creates_is_next,
    ),
    "inherited urgency": (
        claiming,
        "heads",
        without("MIN(priority) AS urgency", "MAX(priority) AS urgency"),
        test_order.test_a_persons_jobs_run_in_the_order_of_acceptance,
    ),
    "holds": (
        claiming,
        "heads",
        without("(hold IS NULL OR mode = 'check')", "1 = 1"),
        test_order.test_a_job_is_given_up_when_its_time_has_come,
    ),
    "retries hold their person": (
        claiming,
        "heads",
        without("OR started_at IS NOT NULL", ""),
        test_order.test_a_job_that_waits_for_its_retry_holds_its_person,
    ),
    "hours": (
        claiming,
        "_within_hours",
        always(("1 = 1", [])),
        test_order.test_outside_its_hours_a_tenant_runs_only_what_is_exempt,
    ),
    "shared addresses": (
        claiming,
        "_shares_an_address_in_use",
        always(False),
        test_order.test_a_change_email_waits_for_the_earlier_jobs_of_both_addresses,
    ),
    "one line for both addresses": (
        submitting,
        "line_for",
        lambda plain: lambda ledger, tenant, person, other: person,
        test_order.test_a_job_about_the_address_that_a_change_email_gives_comes_after_it,
    ),
    "giving up": (finishing, "_die", always(None), test_order.test_a_job_is_given_up_when_its_time_has_come),
    "pauses": (tenants, "trip", always(None), test_order.test_nothing_of_a_paused_tenant_is_claimed),
    "request keys": (
        submitting,
        "wish_digest",
        always("the same"),
        lambda place, queue: test_ways_in.test_a_request_key_with_another_wish_is_refused(queue),
    ),
    "joining": (
        submitting,
        "_same_wish_waiting",
        always(None),
        lambda place, queue: test_ways_in.test_a_wish_that_waits_already_is_joined(queue),
    ),
    "superseding": (
        submitting,
        "_supersede",
        always(()),
        test_ways_in.test_an_offboard_supersedes_the_persons_waiting_grants,
    ),
    "orphans": (
        finishing,
        "recover",
        always(None),
        test_endings.test_a_third_death_of_the_process_under_a_job_is_its_end,
    ),
    "grants": (grants, "close_all", always(None), test_grants.test_grants_of_a_run),
    "renaming": (
        grants,
        "rename",
        always(None),
        test_grants.test_a_new_address_that_has_the_same_grant_keeps_the_earlier_end,
    ),
    "budget": (
        budget,
        "spend",
        always((True, 0)),
        test_budgets.test_a_budget_is_shared_by_the_tenants_jobs_and_spent_once_by_each,
    ),
    "notices": (
        notices,
        "tell",
        always(None),
        test_endings.test_a_notice_goes_once_to_each_channel_that_wants_it,
    ),
    "leavers stay away": (
        steering,
        "_refuse_if_offboarded_since",
        always(None),
        lambda place, queue: test_steering.test_an_old_grant_does_not_bring_a_leaver_back(place, queue, "retry"),
    ),
}


@pytest.mark.parametrize("rule", PLANTED)
async def test_a_rule_that_is_taken_out_is_missed(
    place: Place, queue: Queue, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    """The test that holds a promise fails when the queue does not keep it."""
    module, name, plant, promise = PLANTED[rule]
    monkeypatch.setattr(module, name, plant(getattr(module, name)))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await promise(place, queue)
