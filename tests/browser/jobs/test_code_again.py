"""The one-time code is asked for again in the middle of a job: answered once, and gone on with by looking."""

from __future__ import annotations

from agent.execute.events import Note
from agent.execute.outcome import Verdict
from tests.browser.flows.conftest import options_of
from tests.browser.jobs.conftest import ANA, Desk, provision


async def test_a_job_goes_on_after_the_code_and_types_no_second_password(desk_with_codes: Desk) -> None:
    """Each code is another one (the sandbox takes none twice), the write that was lost is looked for before it is sent
    again, and nothing happens twice."""
    desk = desk_with_codes
    with options_of(desk.sandbox, assignment_delay=0.2, mfa_reattest_requests=22):
        ran = await desk.run(provision())

    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    codes = [
        item
        for item in desk.sandbox.get("/requests")
        if item["operation"] == "sign_in_code" and item["method"] == "POST"
    ]
    assert (len(codes), desk.sign_ins()) == (2, 1)
    notes = [event for event in ran.events if isinstance(event, Note) and event.data.get("code") == "signed-out"]
    assert len(notes) == 1
    ana = desk.person(ANA)
    assert ana is not None
    assert len(ana["memberships"]) == 2
    assert desk.mails(ANA) == 1
    created = [row for row in desk.sandbox.get("/events", person=ANA) if row.get("field") == "Created"]
    assert len(created) == 1
