"""The canary on the sandbox: it comes to every write and makes none, and sees a danger before a job does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from agent.browser import job_session, session
from agent.probe.gate import ProbeGate
from agent.probe.report import ProbeReport, Verdict
from agent.probe.walks import WALKS
from flows.names import Flow
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import options_of
from tests.browser.jobs.conftest import Desk
from tests.browser.probe.conftest import Look, found, truth, writes

TENANTS: list[dict[str, Any]] = [
    {},
    {"company_directory": "mfe"},
    {"project_directory": "mfe", "projects_tab": "new", "language": "en-GB"},
]


def verdicts(report: ProbeReport) -> dict[str, Verdict]:
    """The verdict of each flow."""
    return {item.flow: item.verdict for item in report.flows}


@pytest.mark.parametrize("options", TENANTS, ids=["legacy", "new company", "new projects"])
async def test_every_flow_is_walked_up_to_its_write_and_nothing_is_written(
    look: Look, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    """By the sandbox's own book: the same world, the same mails, no request that could write."""
    before = truth(sandbox)
    with options_of(sandbox, **options):
        report = await look()

    assert report.trouble is None
    assert report.held_back == ()
    away = {Flow.CHANGE_PROJECTS} if options.get("company_directory") == "mfe" else set()
    assert verdicts(report) == {flow: Verdict.UNVISITED if flow in away else Verdict.HEALTHY for flow in WALKS}, (
        report.flows
    )
    assert truth(sandbox) == before
    assert writes(sandbox) == []


@pytest.mark.parametrize("options", TENANTS[:2], ids=["legacy", "new company"])
async def test_a_write_that_passes_the_gate_is_stopped_in_the_network(
    look: Look, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Planted: a gate that lets everything through. Nothing leaves the browser, and the report says so aloud."""
    _open_gate(monkeypatch)
    before = truth(sandbox)
    with options_of(sandbox, **options):
        report = await look([Flow.ADD_USER, Flow.PROJECTS_TAB, Flow.INACTIVATE, Flow.INVITE])

    assert set(verdicts(report).values()) == {Verdict.DANGEROUS}
    assert {item.code for item in report.flows} == {"probe-write"}
    assert len(report.held_back) == 4
    assert truth(sandbox) == before
    assert writes(sandbox) == []


async def test_the_judges_of_these_tests_see_a_write(
    look: Look, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: neither gate nor guard. The world differs and the log has the request."""
    _open_gate(monkeypatch)
    _open_network(monkeypatch)
    before = truth(sandbox)
    await look([Flow.INACTIVATE])

    assert truth(sandbox) != before
    assert len(writes(sandbox)) == 1


@pytest.mark.parametrize(
    ("mutation", "flows"),
    [
        ("labels_swapped", {Flow.ADD_USER, Flow.EDIT_USER}),
        ("required_field_added", {Flow.ADD_USER}),
        ("save_buttons_swapped", {Flow.EDIT_USER}),
        ("question_inverted", {Flow.INACTIVATE, Flow.REACTIVATE}),
    ],
)
async def test_a_danger_is_seen_before_a_job_meets_it(
    look: Look, sandbox: Sandbox, mutation: str, flows: set[Flow]
) -> None:
    """Pages on which the same clicks would be another write."""
    before = truth(sandbox)
    with options_of(sandbox, drift={"only": [mutation]}):
        report = await look([Flow.ADD_USER, Flow.EDIT_USER, Flow.INACTIVATE, Flow.REACTIVATE])

    dangerous = {item.flow for item in report.flows if item.verdict is Verdict.DANGEROUS}
    assert dangerous & flows, report.flows
    assert truth(sandbox) == before


async def test_what_changes_at_every_load_is_no_finding(look: Look, sandbox: Sandbox) -> None:
    """Hashed classes, generated ids, a banner, another order of columns."""
    harmless = ["classes_rehashed", "ids_regenerated", "banner_added", "columns_reordered"]
    with options_of(sandbox, drift={"only": harmless}):
        report = await look([Flow.ADD_USER, Flow.EDIT_USER, Flow.INACTIVATE, Flow.INVITE])

    assert set(verdicts(report).values()) == {Verdict.HEALTHY}, report.flows


async def test_nothing_is_begun_that_would_take_something_from_the_own_account(look: Look, sandbox: Sandbox) -> None:
    """Where nobody is named the account itself is looked at; what is left out is said."""
    before = truth(sandbox)
    report = await look(
        [Flow.EDIT_USER, Flow.PROJECTS_TAB, Flow.INACTIVATE, Flow.MEMBER_REMOVE, Flow.REACTIVATE],
        person=None,
        inactive=None,
    )

    assert verdicts(report) == {
        Flow.EDIT_USER: Verdict.HEALTHY,
        Flow.PROJECTS_TAB: Verdict.HEALTHY,
        Flow.INACTIVATE: Verdict.UNVISITED,
        Flow.MEMBER_REMOVE: Verdict.UNVISITED,
        Flow.REACTIVATE: Verdict.UNVISITED,
    }
    assert "own account" in found(report, Flow.INACTIVATE).why
    assert truth(sandbox) == before


async def test_a_flow_that_the_account_has_no_right_for_is_not_taken_for_changed(look: Look, desk: Desk) -> None:
    """A 500 in the middle says nothing about the pages; the other flows are walked all the same."""
    desk.fault("edit_page", "denied", user="probe.person@example.com", nth=2)
    report = await look([Flow.EDIT_USER, Flow.INVITE])

    assert found(report, Flow.EDIT_USER).verdict is Verdict.UNVISITED
    assert "denied" in found(report, Flow.EDIT_USER).why
    assert found(report, Flow.INVITE).verdict is Verdict.HEALTHY


async def test_a_session_that_ends_is_renewed_once_and_the_rest_is_walked(look: Look, desk: Desk) -> None:
    """The guard is off only while somebody signs in, on a page of its own."""
    desk.fault("edit_page", "sign_out", nth=2)
    report = await look([Flow.EDIT_USER, Flow.ADD_USER])

    assert report.trouble is None
    assert set(verdicts(report).values()) == {Verdict.HEALTHY}
    assert desk.sign_ins() == 1


async def test_no_more_pages_are_opened_than_the_settings_allow(look: Look) -> None:
    """The flows that are left are named."""
    report = await look(most_page_loads=14)

    assert 14 <= report.page_loads <= 20
    assert Verdict.UNVISITED in verdicts(report).values()
    assert "as many as the settings allow" in report.flows[-1].why


def _open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def before(self: ProbeGate, page: Any, intent: str, target: Any = None) -> None:
        """Let it pass."""

    monkeypatch.setattr(ProbeGate, "before", before)


def _open_network(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def nothing_held(context: BrowserContext, hosts: Any) -> Any:
        yield []

    for module in (session, job_session):
        monkeypatch.setattr(module, "read_only", nothing_held)
