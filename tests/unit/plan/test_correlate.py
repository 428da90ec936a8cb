"""Who is meant: one user, nobody, or a case for a person; never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.person import Correlation, Listing, Person, Sighting
from agent.errors import Mender, Refused
from agent.plan.correlate import Lookups, NeedsPerson, lookups_for, settle, with_sighting
from tests.unit.plan.wishes import EMAIL, job

CHANGE = job("change_email", new_email="ana.berg@example.com")


def seen(listing: Listing = Listing.USERS, user_id: str | None = "7", **fields: Any) -> Sighting:
    return Sighting(listing=listing, user_id=user_id, person_id="70", name="Ana Lindqvist", email=EMAIL, **fields)


def test_one_user_is_the_person() -> None:
    """One active or inactive user with the address is found, whatever near hits there are."""
    for listing in (Listing.USERS, Listing.INACTIVE_USERS):
        found = Correlation(matches=(seen(listing),), near=(seen(user_id="8"),))
        assert settle(job("provision"), found) == seen(listing)
        assert settle(job("offboard"), found) == seen(listing)


def test_nobody_is_created_by_provision_only() -> None:
    """A mistyped address of a leaver is refused, not "nothing to do"."""
    assert settle(job("provision"), Correlation()) is None
    with pytest.raises(Refused) as refused:
        settle(job("offboard"), Correlation())
    assert refused.value.code == "no-such-person"
    assert EMAIL in refused.value.message
    assert not isinstance(refused.value, NeedsPerson)


CASES_FOR_A_PERSON = [
    ("two users", Correlation(matches=(seen(), seen(Listing.INACTIVE_USERS, "8"))), "ambiguous-person"),
    ("a user and a contact", Correlation(matches=(seen(), seen(Listing.CONTACTS, None))), "ambiguous-person"),
    ("a contact", Correlation(matches=(seen(Listing.CONTACTS, None),)), "contact-only"),
    ("an inactive contact", Correlation(matches=(seen(Listing.INACTIVE_CONTACTS, None),)), "contact-only"),
    ("a near hit", Correlation(near=(seen(),)), "near-hit"),
]


@pytest.mark.parametrize(("name", "found", "code"), CASES_FOR_A_PERSON, ids=lambda item: str(item)[:20])
def test_a_case_for_a_person(name: str, found: Correlation, code: str) -> None:
    """Two hits, a contact or a near hit wait for a person, who is told what was seen and what to do."""
    with pytest.raises(NeedsPerson) as waiting:
        settle(job("provision"), found)
    assert waiting.value.code == code
    assert waiting.value.mender is Mender.ADMINISTRATOR
    assert EMAIL in waiting.value.seen
    assert waiting.value.instructions.endswith(".")
    assert waiting.value.diagnostics()["instructions"] == waiting.value.instructions


def test_a_change_of_address_finds_the_person_under_the_old_one_or_the_new_one() -> None:
    """Run again, the job finds the person under the new address, and there is nothing to do."""
    one = Correlation(matches=(seen(),))
    assert settle(CHANGE, one, Correlation()) == seen()
    assert settle(CHANGE, Correlation(), one) == seen()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (Correlation(), Correlation(), "no-such-person"),
        (Correlation(matches=(seen(),)), Correlation(matches=(seen(user_id="8"),)), "address-taken"),
        (Correlation(matches=(seen(),)), Correlation(matches=(seen(Listing.CONTACTS, None),)), "address-taken"),
        (Correlation(), Correlation(matches=(seen(Listing.CONTACTS, None),)), "contact-only"),
        (Correlation(matches=(seen(), seen(user_id="8"))), Correlation(), "ambiguous-person"),
    ],
)
def test_a_change_of_address_is_never_a_guess(old: Correlation, new: Correlation, code: str) -> None:
    """Both addresses taken, or none, or contacts in the way: not done."""
    with pytest.raises(Refused) as refused:
        settle(CHANGE, old, new)
    assert refused.value.code == code


def test_the_runner_is_told_what_to_look_up() -> None:
    """Near hits are looked for only where somebody may be created; a company only where one is named."""
    company = {"name": "Hillside", "id": "9"}
    assert lookups_for(job("provision", company=company)) == Lookups(
        email=EMAIL, full_name="Ana Lindqvist", company="Hillside", vendor="Hillside"
    )
    assert lookups_for(job("update", company="none", add_to_new_projects=True)) == Lookups(email=EMAIL)
    assert lookups_for(CHANGE) == Lookups(email=EMAIL, new_email="ana.berg@example.com")
    assert lookups_for(job("snapshot", person=...)) == Lookups()


def test_the_list_tells_who_was_invited() -> None:
    """The Edit page does not say it; a sighting of somebody else changes nothing."""
    person = Person(user_id="7", email=EMAIL, active=True)
    assert with_sighting(person, seen(invited=True)).invited is True
    assert with_sighting(person, seen(user_id="8", invited=True)).invited is None
    assert with_sighting(person, None).invited is None
