"""Each fault of the sandbox with its promised outcome; the outbox and the world are the judges.

Every planned fault must have fired (the ``desk`` fixture asks), so that no test passes because nothing happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent.browser.launch import WarmBrowser, closed_in_time
from agent.credentials.secret import Secret
from agent.credentials.store import ServiceAccount
from agent.execute.events import Event, Note, SessionReady, WriteSending
from agent.execute.outcome import Verdict
from tests import signals
from tests.browser.jobs.conftest import ANA, ENGINEER, FOREMAN, Desk, job, provision, reactivation

CREATIONS = "POST create_user"
OFFBOARD = job("offboard", person={"email": ANA})


def leaver(desk: Desk) -> None:
    """Ana with everything that can be taken away."""
    desk.put(
        ANA,
        values={"last_name": "Lindqvist", "company_template": "Field Staff", "default_template": ENGINEER},
        memberships={"24-001": FOREMAN, "24-002": ENGINEER},
    )


def codes(outcome: object) -> str:
    """The error code of an outcome."""
    error = getattr(outcome, "error", None) or {}
    return str(error.get("code", ""))


@pytest.mark.parametrize(
    ("operation", "effect"),
    [
        ("create_user", "drop_response"),
        ("project_add", "error_after"),
        ("invite", "drop_response"),
        ("invite", "error_after"),
    ],
)
async def test_a_lost_answer_is_settled_by_observation_and_never_written_twice(
    desk: Desk, operation: str, effect: str
) -> None:
    """Applied, and the answer lost (connection closed, or a 500): done, one write, one mail.

    Each operation on the tenant in memory: tests/unit/execute; each effect on the pages: tests/browser/flows.
    """
    desk.fault(operation, effect)
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert "settled by observation" in [step.state for step in ran.outcome.steps]
    assert desk.writes().count(f"POST {operation}") == (2 if operation == "project_add" else 1)
    assert desk.mails(ANA) == 1
    ana = desk.person(ANA)
    assert ana is not None
    assert len(ana["memberships"]) == 2


@pytest.mark.parametrize("operation", ["save_user", "project_remove", "bulk_inactivate"])
async def test_a_lost_answer_of_an_off_boarding_is_settled_by_observation(desk: Desk, operation: str) -> None:
    """The same for what takes access away."""
    leaver(desk)
    desk.fault(operation, "drop_response")
    ran = await desk.run(OFFBOARD)
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert (ana["is_active"], ana["memberships"], ana["company_template"]) == (False, [], None)
    assert "settled by observation" in [step.state for step in ran.outcome.steps]


async def test_a_lost_answer_of_a_reactivation_is_settled_by_observation(desk: Desk) -> None:
    """Reactivate is one click whose answer may be lost, too."""
    desk.put(ANA, is_active=False, values={"last_name": "Lindqvist"})
    desk.fault("reactivate", "drop_response")
    ran = await desk.run(reactivation(ANA))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.writes().count("POST reactivate") == 1


async def test_a_save_that_is_too_slow_is_settled_by_observation(desk: Desk) -> None:
    """Applied, and the answer comes after our patience: looked for, found, not sent again."""
    desk.change("timeouts", answer_s=4)
    desk.fault("project_add", "slow", seconds=6)
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.writes().count("POST project_add") == 2


async def test_a_500_that_saved_nothing_is_uncertain_and_not_sent_again(desk: Desk) -> None:
    """A server error says nothing about the save; without a trace until the deadline a person decides."""
    desk.change("timeouts", settle_s=4)
    desk.fault("create_user", "refuse_before")
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.UNCERTAIN, ran.outcome
    assert ran.outcome.steps[0].state == "unknown"
    assert desk.writes().count(CREATIONS) == 1
    assert desk.person(ANA) is None


@pytest.mark.parametrize(
    ("operation", "effect"),
    [("create_user", "sign_out"), ("project_add", "stale_csrf"), ("invite", "sign_out"), ("invite", "stale_csrf")],
)
async def test_a_session_or_form_that_ends_in_mid_form_recovers_once(desk: Desk, operation: str, effect: str) -> None:
    """Nothing was saved: look again, plan anew, finish. The sign-in happens once more at most."""
    desk.fault(operation, effect)
    ran = await desk.run(provision())
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert len(ana["memberships"]) == 2
    assert desk.mails(ANA) == 1
    assert desk.sign_ins() == (2 if effect == "sign_out" else 1)


async def test_a_session_that_ends_while_reading_recovers_once(desk: Desk) -> None:
    """The Edit page answers with the sign-in form."""
    leaver(desk)
    desk.fault("edit_page", "sign_out")
    ran = await desk.run(job("read", person={"email": ANA}))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.sign_ins() == 2
    assert any(isinstance(event, Note) and "Signing in again" in event.text for event in ran.events)


async def test_a_known_overlay_on_every_page_is_closed(desk: Desk) -> None:
    """It costs clicks, not the job. Each kind of layer: tests/browser/flows/test_hazards_of_layers.py."""
    leaver(desk)
    desk.fault("edit_page", "announcement", times=20)
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert ana["job_title"] == "Foreman"


@pytest.mark.parametrize(
    ("operation", "effect", "more"),
    [
        ("edit_page", "unknown_dialog", {"text": "All access ends today. Continue?"}),
        ("edit_page", "language", {"language": "de"}),
        ("list", "unknown_page", {}),
    ],
)
async def test_an_unknown_screen_stops_with_nothing_written(
    desk: Desk, operation: str, effect: str, more: dict[str, str]
) -> None:
    """Quarantine, not guessing: failed, and not one request that could write.

    Each kind of unknown page: tests/browser/flows/test_unknown_pages.py.
    """
    leaver(desk)
    desk.fault(operation, effect, times=50, **more)
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert desk.writes() == []
    assert (ran.evidence / "report.html").exists()


async def test_an_unknown_screen_after_some_steps_stops_midway(desk: Desk) -> None:
    """The report names what is done and what is not; running again finishes without repeating."""
    desk.fault("edit_page", "unknown_dialog", nth=2, times=50, text="Something new")
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.UNCERTAIN, ran.outcome
    assert codes(ran.outcome) == "stopped-midway"
    assert "Not done:" in ran.outcome.summary
    assert desk.mails(ANA) == 0
    assert desk.never_fired() == []
    desk.sandbox.forget_faults()
    again = await desk.run(provision())
    assert again.outcome.verdict is Verdict.DONE, again.outcome
    assert desk.writes().count(CREATIONS) == 1
    assert desk.mails(ANA) == 1


async def test_a_refused_save_fails_with_procores_words(desk: Desk) -> None:
    """A validation error on the first save: nothing changed, and the message is told."""
    leaver(desk)
    desk.fault("save_user", "refuse_text", text="Job title is not on the list")
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert "Job title is not on the list" in str(ran.outcome.error)


async def test_a_refused_creation_without_anybody_there_fails(desk: Desk) -> None:
    """Procore says the address is taken, the lookup finds nobody: decided by lookup, and nothing was changed."""
    desk.fault("create_user", "refuse_text", text="Email address already in use somewhere")
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert desk.person(ANA) is None


async def test_a_denied_write_fails_and_is_not_taken_for_success(desk: Desk) -> None:
    """Denied is a redirect with status 200 and a flash that fades."""
    leaver(desk)
    desk.fault("save_user", "denied")
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert codes(ran.outcome) == "denied"


async def test_a_missed_flash_is_neither_success_nor_failure(desk: Desk) -> None:
    """Reading back decides."""
    desk.fault("any_get", "missing_flash", times=200)
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome


async def test_lagging_pages_after_a_save_are_waited_for(desk: Desk) -> None:
    """Pages show the state from before the save for some seconds."""
    leaver(desk)
    desk.fault("save_user", "stale_list", seconds=2, pages="all")
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome


async def test_a_created_person_whom_the_lagging_list_does_not_show_is_not_created_again(desk: Desk) -> None:
    """The answer to the creation is lost and the lists lag: polled until the person is there."""
    desk.fault("create_user", "drop_response")
    desk.fault("create_user", "stale_list", seconds=2)
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.writes().count(CREATIONS) == 1


async def test_projects_that_fail_one_by_one_are_named(desk: Desk) -> None:
    """An asynchronous save of which one project fails: uncertain, and the project is named."""
    desk.put(ANA, values={"last_name": "Lindqvist", "default_template": ENGINEER})
    desk.fault("projects_tab_save", "partial_failure", projects=["24-003"])
    projects = [{"project": f"24-00{n}", "template": ENGINEER} for n in range(1, 7)]
    ran = await desk.run(job("add_to_projects", person={"email": ANA}, projects=projects))
    assert ran.outcome.verdict is Verdict.UNCERTAIN, ran.outcome
    assert "24-003" in ran.outcome.summary
    assert ran.outcome.steps[0].state == "partly saved"


async def test_an_asynchronous_save_that_never_ends_is_uncertain(desk: Desk) -> None:
    """Accepted but not applied until the deadline."""
    desk.put(ANA, values={"last_name": "Lindqvist", "default_template": ENGINEER})
    desk.change("timeouts", projects_s=5)
    desk.fault("projects_tab_save", "async_delay", seconds=600)
    projects = [{"project": f"24-00{n}", "template": ENGINEER} for n in range(1, 7)]
    ran = await desk.run(job("add_to_projects", person={"email": ANA}, projects=projects))
    assert ran.outcome.verdict is Verdict.UNCERTAIN, ran.outcome
    assert "did not finish" in ran.outcome.summary


async def test_a_change_by_somebody_else_is_told(desk: Desk) -> None:
    """Another administrator edits the person just before our save: the finding names what they did."""
    leaver(desk)
    desk.fault("save_user", "conflict_write", values={"city": "Portsmouth"})
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    findings = " ".join(text for witness in ran.outcome.witnesses for text in witness.findings)
    assert "Meanwhile" in findings, ran.outcome
    ana = desk.person(ANA)
    assert ana is not None
    assert ana["job_title"] == "Foreman"


async def test_a_browser_that_is_killed_before_a_write_is_started_again(desk: Desk) -> None:
    """A new browser, a fresh look, the rest of the plan."""
    await desk.run(job("read", person={"email": ANA}))
    pid = desk.place.browser.pid
    assert pid is not None
    gone = asyncio.Event()
    desk.place.browser.running().on("disconnected", lambda _: gone.set())
    signals.kill(pid)
    await gone.wait()  # a job that begins before the driver has said so fails, and may be repeated
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.sign_ins() == 1, "the sealed session outlives the browser"
    assert any(isinstance(event, SessionReady) for event in ran.events)


@pytest.mark.parametrize("strike", [signals.kill, signals.stop])
async def test_a_browser_that_goes_right_before_a_write_is_replaced(
    desk: Desk, strike: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, or stopped so that it answers nothing: a new one, a fresh look, and each write once."""
    monkeypatch.setattr(closed_in_time, "__defaults__", (1.0,))
    monkeypatch.setattr(WarmBrowser.answers, "__defaults__", (1.0,))
    desk.change("timeouts", page_s=4)  # so long, and a margin, each of two readings waits for a browser that hangs
    trouble = _AtWrite(desk, strike, nth=2)
    ran = await desk.run(provision(), trouble)
    ana = desk.person(ANA)
    assert trouble.done, ran.outcome
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert len(ana["memberships"]) == 2
    assert desk.writes().count(CREATIONS) == 1
    assert desk.mails(ANA) == 1


class _AtWrite:
    """Strikes the browser when the nth write is about to be sent."""

    def __init__(self, desk: Desk, strike: Callable[[int], None], nth: int) -> None:
        self._desk, self._strike, self._left = desk, strike, nth
        self.done = False

    async def notify(self, event: Event) -> None:
        if not isinstance(event, WriteSending):
            return
        self._left -= 1
        if self._left == 0:
            pid = self._desk.place.browser.pid
            assert pid is not None
            self._strike(pid)
            self.done = True


async def test_a_wrong_password_is_tried_once(desk: Desk) -> None:
    """Failed with the code that stops the tenant, after exactly one attempt."""
    desk.place._store.set("sandbox", ServiceAccount("svc.provisioning@example.com", Secret("Wrong-password-1!")))
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert codes(ran.outcome) == "password-rejected"
    assert desk.sign_ins() == 1
