"""Who is meant: from all that the Directory shows under an address to one person, nobody, or a case for a person.

The rules, in order:

1. Two or more entries with exactly the address, in whatever lists (a user and a contact too): a case for a person.
   Never "the user wins": a contact may carry history that somebody meant to keep, or be the remains of a mistake.
2. One entry that is a contact: a case for a person. Contacts have no login, and Procore documents no way to turn one
   into a user [D].
3. Nobody with the address, but somebody with the same name (and company, where the job names one): a case for a person
   when the job would create somebody. Where the address is found, the address decides and near hits do not matter.
4. Nobody at all: a ``provision`` job creates; every other job is refused, since a mistyped address of a leaver must not
   end as "nothing to do".
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.domain.access import Frozen
from agent.domain.person import Correlation, Listing, Person, Sighting
from agent.errors import Mender, Refused
from agent.jobs.bulk import BulkJob
from agent.jobs.model import ChangeEmail, Job, Provision, Reactivate, Snapshot, Update
from agent.jobs.parts import NONE, NamedCompany

_CONTACTS = frozenset({Listing.CONTACTS, Listing.INACTIVE_CONTACTS})
_LIST_NAMES = {
    Listing.USERS: "Users",
    Listing.INACTIVE_USERS: "Inactive Users",
    Listing.CONTACTS: "Contacts",
    Listing.INACTIVE_CONTACTS: "Inactive Contacts",
}


class NeedsPerson(Refused):
    """Nothing was changed and nothing can be until a person has decided or cleaned up: the verdict is *waiting*.

    ``instructions`` say exactly what that person does.
    """

    default_mender = Mender.ADMINISTRATOR

    def __init__(self, code: str, message: str, *, instructions: str, expected: str = "", seen: str = "") -> None:
        """``instructions`` is one or two sentences in the imperative."""
        super().__init__(code, message, expected=expected, seen=seen)
        self.instructions = instructions

    def diagnostics(self) -> dict[str, str]:
        """With the instructions."""
        return {**super().diagnostics(), "instructions": self.instructions}


class Lookups(Frozen):
    """What the runner has to look up before a job can be planned; None where there is nothing to look up."""

    email: str | None = None  # Directory.find(email, full_name=..., company=...)
    full_name: str | None = None
    company: str | None = None
    new_email: str | None = None  # Directory.find(new_email), for change_email
    vendor: str | None = None  # Directory.find_vendors(vendor)


def lookups_for(job: Job) -> Lookups:
    """What to look up for this job; nothing for a job about many people (:mod:`agent.plan.bulk`)."""
    if isinstance(job, Snapshot | BulkJob):
        return Lookups()
    if isinstance(job, ChangeEmail):
        return Lookups(email=job.person.email, new_email=job.new_email)
    if isinstance(job, Provision | Update | Reactivate):
        company = job.company.name if isinstance(job.company, NamedCompany) else job.company
        company = None if job.company == NONE else company
        if isinstance(job, Provision):
            return Lookups(email=job.person.email, full_name=job.person.full_name, company=company, vendor=company)
        return Lookups(email=job.person.email, vendor=company)
    return Lookups(email=job.person.email)


def company_to_find(job: Job, person: Person | None) -> str | None:
    """The company's name to look up among the active ones: the job's own, or that of a person to be brought back.

    Procore reactivates nobody whose company is inactive [D]; whether it is shows only in what the search finds.
    """
    if isinstance(job, Provision | Reactivate) and job.company is None and person is not None and not person.active:
        return person.company.name if person.company is not None and person.company.id else None
    return lookups_for(job).vendor


def settle(job: Job, correlation: Correlation, new_address: Correlation | None = None) -> Sighting | None:
    """The one user that the job means; None when the job shall create one (or is not about one person).

    ``new_address`` is what was found under the new address of a ``change_email`` job. A contact is never returned.
    """
    if isinstance(job, Snapshot | BulkJob):
        return None
    if isinstance(job, ChangeEmail):
        return _settle_change(job, correlation, new_address or Correlation())
    found = _one_user(job.person.email, correlation)
    if found is not None:
        return found
    if not isinstance(job, Provision):
        raise Refused(
            "no-such-person",
            f"Nobody in the Directory has the address {job.person.email}.",
            expected="a user, active or inactive, with exactly this address",
            seen="no entry in Users, Inactive Users, Contacts and Inactive Contacts",
        )
    if correlation.near:
        raise NeedsPerson(
            "near-hit",
            f"Nobody has the address {job.person.email}, but {job.person.full_name} seems to be in the Directory "
            "under another one.",
            expected=f"nobody called {job.person.full_name} under another address",
            seen=_list_words(correlation.near),
            instructions=(
                "Find out whether this is the same person. If so, send a change_email job for the present address "
                "(or correct the address in this job); if not, create this user by hand, then send the job again."
            ),
        )
    return None


def with_sighting(person: Person, sighting: Sighting | None) -> Person:
    """The person with what only the list shows: whether the row offers Invite or Re-Invite."""
    if sighting is None or sighting.invited is None or sighting.user_id != person.user_id:
        return person
    return person.model_copy(update={"invited": sighting.invited})


def _one_user(email: str, correlation: Correlation) -> Sighting | None:
    if len(correlation.matches) > 1:
        raise NeedsPerson(
            "ambiguous-person",
            f"The Directory has {len(correlation.matches)} entries with the address {email}.",
            expected="one entry",
            seen=_list_words(correlation.matches),
            instructions=(
                "Decide which entry is the person and give the others another address, then send the job again."
            ),
        )
    found = correlation.matches[0] if correlation.matches else None
    if found is not None and (found.listing in _CONTACTS or found.user_id is None):
        raise NeedsPerson(
            "contact-only",
            f"{email} belongs to a contact, who has no login.",
            expected="a user, or nobody",
            seen=_list_words(correlation.matches),
            instructions=(
                "Decide what becomes of the contact (Procore has no conversion into a user): give it another address "
                "or have the user created by hand, then send the job again."
            ),
        )
    return found


def _settle_change(job: ChangeEmail, correlation: Correlation, new_address: Correlation) -> Sighting:
    if not correlation.matches and not new_address.matches:
        raise Refused(
            "no-such-person",
            f"Nobody in the Directory has the address {job.person.email}, nor {job.new_email}.",
            expected="a user with one of the two addresses",
            seen="no entry in Users, Inactive Users, Contacts and Inactive Contacts",
        )
    old = _one_user(job.person.email, correlation)
    if old is not None and new_address.matches:
        raise NeedsPerson(
            "address-taken",
            f"{job.new_email} is taken already, and {job.person.email} still exists.",
            expected=f"nobody with the address {job.new_email}",
            seen=_list_words(new_address.matches),
            instructions=(
                "Find out whether both are the same person. Procore cannot join two users: decide which one stays, "
                "and offboard or rename the other."
            ),
        )
    found = old or _one_user(job.new_email, new_address)
    if found is None:
        raise AssertionError("one of the two addresses has a match here")
    return found


def _list_words(sightings: Iterable[Sighting]) -> str:
    return "; ".join(
        f"{_LIST_NAMES[item.listing]}: {item.name} <{item.email}>"
        + (f", {item.company}" if item.company else "")
        + (f" (user {item.user_id})" if item.user_id else f" (person {item.person_id})" if item.person_id else "")
        for item in sightings
    )
