"""Which jobs of a file must wait because of how an earlier one ended."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.commands.exit_codes import ExitCode, exit_code
from agent.execute.outcome import Outcome, Verdict
from agent.execute.sequence import SIGN_IN_TROUBLE, Ended, given_up, held_back
from tests.unit.execute.cases import job, provision

OFFBOARD = job("offboard", person={"email": "Ana.Lindqvist@example.com"})
OTHER = job("offboard", person={"email": "other@example.com"})


def ended(verdict: Verdict, code: str = "", tenant: str = "sandbox") -> Ended:
    """An earlier job about Ana."""
    return Ended(tenant, provision(), Outcome(verdict=verdict, summary="", error={"code": code} if code else None))


def test_a_rejected_sign_in_stops_every_later_job_of_that_tenant() -> None:
    """Procore may lock the account at the third rejected password."""
    for code in SIGN_IN_TROUBLE:
        outcome = held_back(OTHER, "sandbox", [ended(Verdict.FAILED, code)])
        assert outcome is not None
        assert outcome.verdict is Verdict.WAITING
        assert held_back(OTHER, "elsewhere", [ended(Verdict.FAILED, code)]) is None


def test_an_uncertain_end_stops_later_jobs_about_the_same_person_only() -> None:
    """Others go on."""
    assert held_back(OFFBOARD, "sandbox", [ended(Verdict.UNCERTAIN)]) is not None
    assert held_back(OTHER, "sandbox", [ended(Verdict.UNCERTAIN)]) is None


def test_a_job_that_is_not_wanted_any_more_is_refused() -> None:
    """From the very moment on; a removal has no such date."""
    dated = job("read", person={"email": "a@example.com"}, not_after="2026-12-01T06:00:00+00:00")
    assert given_up(dated, datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC)) is None
    outcome = given_up(dated, datetime(2026, 12, 1, 6, tzinfo=UTC))
    assert outcome is not None
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.REFUSED, "expired")
    assert given_up(OFFBOARD, datetime(2099, 1, 1, tzinfo=UTC)) is None


def test_a_changed_address_is_still_the_same_person() -> None:
    """The new address of an uncertain change_email job counts as well."""
    change = job("change_email", person={"email": "old@example.com"}, new_email="other@example.com")
    earlier = Ended("sandbox", change, Outcome(verdict=Verdict.UNCERTAIN, summary=""))
    assert held_back(OTHER, "sandbox", [earlier]) is not None


def test_other_ends_hold_nothing_back() -> None:
    """Done, refused, failed and waiting jobs leave no doubt behind."""
    for verdict in (Verdict.DONE, Verdict.REFUSED, Verdict.FAILED, Verdict.WAITING):
        assert held_back(OFFBOARD, "sandbox", [ended(verdict, "unknown-page")]) is None


def test_the_worst_job_decides_the_exit_code() -> None:
    """Uncertain before failed before refused before waiting before done."""
    assert exit_code([]) is ExitCode.DONE
    assert exit_code([Verdict.DONE, Verdict.WAITING]) is ExitCode.WAITING
    assert exit_code([Verdict.WAITING, Verdict.REFUSED]) is ExitCode.REFUSED
    assert exit_code([Verdict.REFUSED, Verdict.FAILED, Verdict.DONE]) is ExitCode.FAILED
    assert exit_code([Verdict.FAILED, Verdict.UNCERTAIN]) is ExitCode.UNCERTAIN
