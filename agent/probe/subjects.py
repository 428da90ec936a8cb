"""On whom and what a probe looks: the person and the project of the settings, else the agent's own account.

Nothing is done to them. The person's page has to be opened, though, and a window about the person; so a tenant does
well to name somebody who is there for this alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain.access import Membership, Project
from agent.domain.names import find_names, normal_email
from agent.domain.person import Listing, Person
from agent.errors import Failed, Mender
from agent.settings.probe import TenantProbe
from flows import Directory


class NotVisited(Exception):
    """Why a flow is not looked at; in words for the report."""


@dataclass(frozen=True)
class Subjects:
    """Whom and what the walks are about. ``home`` is a membership of the person, ``elsewhere`` a project without it."""

    person: Person
    is_own_account: bool
    home: Membership | None
    elsewhere: Project | None
    inactive: tuple[str, str] | None  # user id and address

    def membership(self) -> Membership:
        """A project that the person is on."""
        if self.home is None:
            raise NotVisited(f"{self.person.email} is on no project")
        return self.home

    def other_project(self) -> Project:
        """A project that the person is not on."""
        if self.elsewhere is None:
            raise NotVisited(f"there is no project that {self.person.email} is not on")
        return self.elsewhere

    def not_own_account(self) -> None:
        """What takes something away is not even begun with the agent's own account."""
        if self.is_own_account:
            raise NotVisited("it would be about the agent's own account; name a person in [tenants.TENANT.probe]")


async def find_subjects(directory: Directory, account: str, named: TenantProbe) -> Subjects:
    """Look them up. Raises what reading raises, and Failed("probe-person") when one of the settings is not there."""
    email = named.person or account
    user_id = await _user_id(directory, email, Listing.USERS)
    if user_id is None:
        raise _missing(email, "an active user")
    person = await directory.read_person(user_id)
    facts = await directory.facts(refresh=True)  # a template renamed today is no fault of the pages
    wanted = (
        find_names(named.project, [name for item in facts.projects for name in _names(item)]) if named.project else ()
    )
    if named.project and not wanted:
        raise Failed(
            "probe-person",
            f"The project {named.project!r} of [tenants.TENANT.probe] is not one that the account sees.",
            expected="the number or the name of a project",
            seen="none of this name",
            mender=Mender.OPERATOR,
        )

    def liked(project: Project) -> bool:
        return bool({*_names(project)} & {*wanted})

    homes = sorted(person.memberships, key=lambda item: not liked(item.project))
    own = {item.project.id for item in person.memberships}
    others = sorted((item for item in facts.projects if item.id not in own), key=lambda item: not liked(item))
    inactive = None
    if named.inactive_person is not None:
        inactive_id = await _user_id(directory, named.inactive_person, Listing.INACTIVE_USERS)
        if inactive_id is None:
            raise _missing(named.inactive_person, "an inactive user")
        inactive = (inactive_id, named.inactive_person)
    return Subjects(
        person=person,
        is_own_account=normal_email(person.email) == normal_email(account),
        home=homes[0] if homes else None,
        elsewhere=others[0] if others else None,
        inactive=inactive,
    )


def _names(project: Project) -> tuple[str, ...]:
    return tuple(name for name in (project.number, project.name, project.id) if name)


async def _user_id(directory: Directory, email: str, listing: Listing) -> str | None:
    matches = (await directory.find(email)).matches
    found = [hit.user_id for hit in matches if hit.listing is listing and hit.user_id]
    return found[0] if len(found) == 1 else None


def _missing(email: str, what: str) -> Failed:
    return Failed(
        "probe-person",
        f"The probe has nobody to look at: {email} is not {what} of the Directory.",
        expected=f"{what} (settings: [tenants.TENANT.probe])",
        seen="none, or more than one",
        mender=Mender.OPERATOR,
    )
