"""``agent jobs resolve``: only a look at the Directory makes a job done that somebody did by hand."""

from __future__ import annotations

from datetime import timedelta

from agent.domain.access import CompanyAccess
from agent.execute.outcome import Verdict
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.fake import run
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR, OTHER, START, FakeTenant

ANA = "ana.lindqvist@example.com"
OFFBOARD = job("offboard", person={"email": ANA})
SINCE = START - timedelta(hours=2)


async def test_done_by_hand_is_done_and_names_who_did_it() -> None:
    """Everything is as wished: done, with the page and the Change History as witnesses."""
    tenant = FakeTenant()
    tenant.put(person(active=False))
    tenant.record("7123456", "Status", "Active", "Inactive", actor=OTHER)
    outcome = await run(OFFBOARD, tenant, check_since=SINCE)
    assert outcome.verdict is Verdict.DONE
    page, history = outcome.witnesses
    assert page.agrees is True
    assert "someone.else" in history.findings[0]
    assert OTHER in history.rows[0]
    assert "someone.else" in outcome.summary


async def test_half_done_by_hand_waits_and_says_what_is_left() -> None:
    """Projects are gone, the person is still active."""
    tenant = FakeTenant()
    tenant.put(person(company_access=CompanyAccess(template="Field Staff")))
    outcome = await run(OFFBOARD, tenant, check_since=SINCE)
    assert outcome.verdict is Verdict.WAITING
    assert "Inactivate" in outcome.summary
    assert outcome.witnesses[0].agrees is False


async def test_a_check_sends_nothing_whatever_is_left() -> None:
    """No write is tried, and the network guard lies over the session."""
    tenant = FakeTenant()
    tenant.put(person(memberships=(member(HARBOR), member(CLINIC)), default_project_template=ENGINEER))
    await run(OFFBOARD, tenant, check_since=SINCE)
    assert tenant.sent == []


async def test_a_mail_sent_again_by_hand_shows_in_the_change_history_only() -> None:
    """Without the row it is not done, with it it is."""
    tenant = FakeTenant()
    tenant.put(person())
    again = job("invite", person={"email": ANA}, resend=True)
    assert (await run(again, tenant, check_since=SINCE)).verdict is Verdict.WAITING
    tenant.record("7123456", "Welcome Email Sent", "", ANA, actor=OTHER)
    assert (await run(again, tenant, check_since=SINCE)).verdict is Verdict.DONE
