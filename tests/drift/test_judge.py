"""The judge itself: each kind of wrong write planted once, and each right end let through."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest

from tests.drift.judge import Claim, Verdict, Wanted, judge
from tests.drift.truth import Truth, truth_of

ANA, TWIN = "ana.hale@example.com", "joana.hale@example.com"
WANTED = Wanted("1", changes={ANA: {"job_title": "Foreman", "project 24-001": "Read Only - Internal"}}, mails={ANA: 1})
BORN = Wanted("1", new={"new@example.com": {"email_address": "new@example.com", "company_template": "Field Staff"}})


def person(number: int, email: str, **fields: Any) -> dict[str, Any]:
    return {
        "user_id": number,
        "email_address": email,
        "job_title": "Clerk",
        "company_template": None,
        "memberships": [{"number": "24-001", "template": "Subcontractor - External"}],
        "history": [],
        **fields,
    }


def world() -> dict[str, Any]:
    """Ana and her twin at one company, and Ana at another one."""

    def company(number: int, *users: dict[str, Any]) -> dict[str, Any]:
        safety = {
            "group_id": 5,
            "name": "Safety",
            "description": "",
            "project_id": None,
            "user_ids": [users[0]["user_id"]],
        }
        empty: dict[str, Any] = {"contacts": [], "vendors": [], "projects": [], "templates": [], "groups": [safety]}
        return {"company_id": number, "users": list(users), **empty}

    here = company(1, person(1, ANA), person(2, TWIN))
    return {
        "companies": [here, company(2, person(3, ANA))],
        "outbox": [],
        "pending_assignments": [],
        "pending_invites": 0,
    }


@pytest.fixture
def before() -> Truth:
    return truth_of(world())


@pytest.fixture
def after() -> dict[str, Any]:
    """The world after a job that did all that was wanted; a test spoils it."""
    done = world()
    ana = done["companies"][0]["users"][0]
    ana["job_title"] = "Foreman"
    ana["memberships"][0]["template"] = "Read Only - Internal"
    done["outbox"].append({"to": ANA})
    return done


def test_what_was_wanted_is_right(before: Truth, after: dict[str, Any]) -> None:
    """All of it, nothing else, and said so."""
    assert judge(before, truth_of(after), WANTED, Claim.DONE, [ANA]).verdict is Verdict.RIGHT


def test_half_of_what_was_wanted_is_a_stop_that_says_so(before: Truth, after: dict[str, Any]) -> None:
    """Writes that the job had rightly to make, and an end that does not call them nothing."""
    after["companies"][0]["users"][0]["job_title"] = "Clerk"
    judged = judge(before, truth_of(after), WANTED, Claim.UNSURE, [ANA])
    assert (judged.verdict, judged.left) == (Verdict.STOPPED, "midway")


def test_a_done_job_that_nobody_claims_is_stopped(before: Truth, after: dict[str, Any]) -> None:
    """As wished, but the agent would not swear to it: a person has to look."""
    judged = judge(before, truth_of(after), WANTED, Claim.UNSURE)
    assert (judged.verdict, judged.left) == (Verdict.STOPPED, "as wished")


def test_nothing_at_all_is_a_stop(before: Truth) -> None:
    """Refused before the first write."""
    judged = judge(before, before, WANTED, Claim.UNCHANGED)
    assert (judged.verdict, judged.left) == (Verdict.STOPPED, "untouched")


def test_success_claimed_falsely_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """ "Done" where a part is missing: a field, all of it, or the mail."""
    nothing = judge(before, before, WANTED, Claim.DONE)
    after["outbox"].clear()
    no_mail = judge(before, truth_of(after), WANTED, Claim.DONE)
    assert (nothing.verdict, no_mail.verdict) == (Verdict.WRONG, Verdict.WRONG)


def test_nothing_changed_claimed_falsely_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """ "Failed, nothing was changed" is a promise; a right write breaks it, too."""
    assert judge(before, truth_of(after), WANTED, Claim.UNCHANGED).verdict is Verdict.WRONG


@pytest.mark.parametrize("claim", list(Claim))
def test_another_person_is_wrong(before: Truth, after: dict[str, Any], claim: Claim) -> None:
    """The twin got a title, whatever is said."""
    after["companies"][0]["users"][1]["job_title"] = "Foreman"
    judged = judge(before, truth_of(after), WANTED, claim)
    assert judged.verdict is Verdict.WRONG
    assert TWIN in judged.findings[0]


def test_another_person_restored_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """The twin looks as before, but was written to."""
    judged = judge(before, truth_of(after), WANTED, Claim.DONE, [ANA, TWIN])
    assert judged.findings == (f"{TWIN} was changed meanwhile",)


def test_the_same_person_of_another_company_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """The address is the same; the company is not."""
    after["companies"][1]["users"][0]["job_title"] = "Foreman"
    assert judge(before, truth_of(after), WANTED, Claim.DONE).verdict is Verdict.WRONG


def test_a_mail_too_many_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """Two instead of one, and one to somebody else."""
    twice, stranger = copy.deepcopy(after), copy.deepcopy(after)
    twice["outbox"].append({"to": ANA})
    stranger["outbox"].append({"to": TWIN})
    for spoilt in (twice, stranger):
        assert judge(before, truth_of(spoilt), WANTED, Claim.DONE).verdict is Verdict.WRONG


def test_a_template_swapped_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """A membership with another template than the one asked for, with and without a claim."""
    after["companies"][0]["users"][0]["memberships"][0]["template"] = "Project Manager - Internal"
    for claim in Claim:
        assert judge(before, truth_of(after), WANTED, claim).verdict is Verdict.WRONG


def test_a_field_too_many_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """Access that nobody asked for."""
    after["companies"][0]["users"][0]["company_template"] = "Company Admin"
    assert judge(before, truth_of(after), WANTED, Claim.DONE).verdict is Verdict.WRONG


def test_a_membership_lost_is_wrong(before: Truth, after: dict[str, Any]) -> None:
    """Out of a project where the template should change."""
    after["companies"][0]["users"][0]["memberships"].clear()
    assert judge(before, truth_of(after), WANTED, Claim.UNSURE).verdict is Verdict.WRONG


def test_groups_and_queued_changes_count(before: Truth, after: dict[str, Any]) -> None:
    """A group that somebody fell out of, and a change that is still to come."""
    after["pending_invites"] = 1
    assert judge(before, truth_of(after), WANTED, Claim.DONE).verdict is Verdict.WRONG
    after["pending_invites"] = 0
    after["companies"][0]["groups"][0]["user_ids"].clear()
    assert judge(before, truth_of(after), WANTED, Claim.DONE).verdict is Verdict.WRONG


def test_somebody_new_may_come_in_parts_but_not_with_more(before: Truth, after: dict[str, Any]) -> None:
    """A creation without the template yet is on the way; one with another template is wrong; so is a second person."""
    newcomer = person(9, "new@example.com", job_title="", memberships=[])
    parts, more, twice = world(), world(), world()
    parts["companies"][0]["users"].append(newcomer)
    more["companies"][0]["users"].append({**newcomer, "company_template": "Company Admin"})
    twice["companies"][0]["users"] += [newcomer, person(10, "other@example.com", memberships=[])]
    assert judge(before, truth_of(parts), BORN, Claim.UNSURE).left == "midway"
    assert judge(before, truth_of(parts), BORN, Claim.DONE).verdict is Verdict.WRONG
    for spoilt in (more, twice):
        assert judge(before, truth_of(spoilt), BORN, Claim.UNSURE).verdict is Verdict.WRONG
    newcomer["company_template"] = "Field Staff"
    assert judge(before, truth_of(parts), BORN, Claim.DONE).verdict is Verdict.RIGHT


def test_mails_are_counted_by_address(before: Truth, after: dict[str, Any]) -> None:
    """Those that were there before do not count."""
    old = world()
    old["outbox"] += [{"to": ANA}, {"to": TWIN}]
    after["outbox"] += [{"to": ANA}, {"to": TWIN}]
    assert truth_of(after).mails == Counter({ANA: 2, TWIN: 1})
    assert judge(truth_of(old), truth_of(after), WANTED, Claim.DONE).verdict is Verdict.RIGHT
