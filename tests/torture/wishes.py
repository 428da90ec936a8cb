"""What the torture asks for: for each action a person to start from, a job, and how the person must be afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENGINEER = "Project Engineer - Internal"
FOREMAN = "Foreman / Superintendent - Internal"
READER = "Read Only - Internal"


@dataclass(frozen=True)
class Wanted:
    """How a person must be in the end; what is None is not looked at."""

    email: str
    active: bool | None = True
    memberships: Mapping[str, str | None] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    mails: int | None = None
    gone: str | None = None  # an address that nobody must have

    def differences(self, ask: Callable[[str], Mapping[str, Any]], *, may_lack_mail: bool = False) -> list[str]:
        """What is not so, by the sandbox's ``/state?person=``. ``may_lack_mail``: it is known not to be certain."""
        told = ask(self.email)
        user = told["user"]
        if user is None:
            return [f"{self.email} does not exist"]
        found = []
        if self.active is not None and user["is_active"] is not self.active:
            found.append(f"is_active is {user['is_active']}")
        here = {member["number"]: member["template"] for member in user["memberships"]}
        if self.memberships is not None and here != dict(self.memberships):
            found.append(f"memberships are {here}")
        found += [f"{name} is {user[name]!r}" for name, value in self.values.items() if user[name] != value]
        mails = len(told["mails"])
        if self.mails is not None and mails != self.mails and not (may_lack_mail and mails < self.mails):
            found.append(f"{mails} mails")
        if self.gone is not None and ask(self.gone)["user"] is not None:
            found.append(f"{self.gone} still exists")
        return [f"{self.email}: {text}" for text in found]


@dataclass(frozen=True)
class WantedGroup:
    """How a project's distribution group must be in the end."""

    name: str
    project: str
    description: str
    members: frozenset[str]

    def differences(self, there: Sequence[Mapping[str, Any]]) -> list[str]:
        """What is not so, by all groups of this name; two of them are one too many."""
        if len(there) != 1:
            return [f"there are {len(there)} groups {self.name!r}"]
        wanted = {"project": self.project, "description": self.description, "members": self.members}
        found = [name for name, value in wanted.items() if there[0][name] != value]
        return [f"group {self.name!r}: {name} is {there[0][name]!r}" for name in found]


@dataclass(frozen=True)
class Companion:
    """A further person of a job about many."""

    start: Mapping[str, Any]
    wanted: Wanted


@dataclass(frozen=True)
class Case:
    """One job about one person, or about many, who are nobody else's."""

    action: str
    job: Mapping[str, Any]
    start: Mapping[str, Any] | None  # as the sandbox's POST /people takes it; None: the person does not exist yet
    wanted: Wanted
    companions: tuple[Companion, ...] = ()
    group: WantedGroup | None = None

    @property
    def address(self) -> str:
        """The address by which the job knows its person, or the first of its people."""
        return str(self.job["person"]["email"]) if "person" in self.job else self.wanted.email

    @property
    def project(self) -> str | None:
        """The number of the project that a job about many people is about; no other case has it at that time."""
        return self.job.get("project")

    @property
    def sends_mail(self) -> bool:
        """Whether somebody is to get a mail, of which nobody can say later that it was never sent."""
        return any(wanted.mails for wanted in self.wishes.values())

    @property
    def starts(self) -> list[Mapping[str, Any]]:
        """Everybody who is there before."""
        return [start for start in (self.start, *(each.start for each in self.companions)) if start is not None]

    @property
    def wishes(self) -> dict[str, Wanted]:
        """How everybody must be, by the address of the beginning."""
        return {self.address: self.wanted, **{each.wanted.email: each.wanted for each in self.companions}}


ACTIONS = (
    "provision",
    "update",
    "change_email",
    "offboard",
    "reactivate",
    "add_to_projects",
    "remove_from_projects",
    "invite",
    "read",
)


def case(action: str, name: str) -> Case:
    """The action's case for the person called ``name`` (letters, digits and hyphens; unique in a run)."""
    email = f"{action.replace('_', '-')}-{name}@example.com"
    more, start, wanted = _CASES[action](email)
    person = {"email": email, **more.pop("person", {})}
    return Case(action, {**asked(action, name), **more, "person": person}, start, wanted)


def asked(action: str, name: str) -> dict[str, Any]:
    """What every job says first; its key is unique as the name is."""
    return {
        "action": action,
        "idempotency_key": f"torture-{action}-{name}",
        "reason": {"ticket": "HR-417", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
    }


Parts = tuple[dict[str, Any], dict[str, Any] | None, Wanted]


def _name(email: str) -> dict[str, str]:
    """A name that nobody else has: the agent asks a person when somebody of that name has another address."""
    first, _, rest = email.partition("@")[0].replace("-", " ").title().rpartition(" ")
    return {"first_name": first, "last_name": f"Torture {rest}"}


def known(email: str, **more: Any) -> dict[str, Any]:
    """Somebody who works here already."""
    values = {
        "first_name": "Kim",
        "last_name": "Torture",
        "company_template": "Field Staff",
        "default_template": ENGINEER,
    }
    memberships = {"24-001": ENGINEER, "24-002": FOREMAN}
    start = {"email_address": email, "values": values, "memberships": memberships, "is_active": True, "invited": True}
    return {**start, **more}


def _provision(email: str) -> Parts:
    fields = {**_name(email), "job_title": "Site Engineer"}
    more = {
        "person": {"attributes": fields},
        "company_access": {"template": "Field Staff"},
        "default_project_template": ENGINEER,
        "projects": [{"project": "24-001", "template": FOREMAN}, {"project": "24-002", "template": ENGINEER}],
        "invitation": True,
    }
    values = {**fields, "company_template": "Field Staff", "default_template": ENGINEER}
    return more, None, Wanted(email, True, {"24-001": FOREMAN, "24-002": ENGINEER}, values, mails=1)


def _update(email: str) -> Parts:
    more = {
        "person": {"attributes": {"job_title": "Lead", "city": "Reno"}},
        "company_access": {"template": "Read Only"},
        "default_project_template": READER,
    }
    values = {"job_title": "Lead", "city": "Reno", "company_template": "Read Only", "default_template": READER}
    return more, known(email), Wanted(email, True, {"24-001": ENGINEER, "24-002": FOREMAN}, values, mails=0)


def _change_email(email: str) -> Parts:
    new = email.replace("@", "-new@")
    wanted = Wanted(new, True, {"24-001": ENGINEER, "24-002": FOREMAN}, gone=email)
    return {"new_email": new}, known(email), wanted


def _offboard(email: str) -> Parts:
    return {}, known(email), Wanted(email, False, {}, {"company_template": None, "default_template": None}, mails=0)


def _reactivate(email: str) -> Parts:
    more = {
        "person": {"attributes": {"job_title": "Back again"}},
        "company_access": {"template": "Read Only"},
        "default_project_template": "none",
        "projects": [{"project": "24-003", "template": READER}],
        "add_to_new_projects": False,
        "invitation": False,
    }
    values = {"job_title": "Back again", "company_template": "Read Only", "default_template": None}
    return more, known(email, is_active=False), Wanted(email, True, {"24-003": READER}, values, mails=0)


def _add_to_projects(email: str) -> Parts:
    more = {"projects": [{"project": "24-002", "template": READER}, {"project": "24-004", "template": ENGINEER}]}
    wanted = {"24-001": ENGINEER, "24-002": READER, "24-004": ENGINEER}
    return more, known(email), Wanted(email, True, wanted, mails=0)


def _remove_from_projects(email: str) -> Parts:
    return {"projects": ["24-001"]}, known(email), Wanted(email, True, {"24-002": FOREMAN}, mails=0)


def _invite(email: str) -> Parts:
    start = known(email, invited=False)
    return {}, start, Wanted(email, True, {"24-001": ENGINEER, "24-002": FOREMAN}, mails=1)


def _read(email: str) -> Parts:
    return {}, known(email), Wanted(email, True, {"24-001": ENGINEER, "24-002": FOREMAN}, mails=0)


_CASES: dict[str, Callable[[str], Parts]] = {
    "provision": _provision,
    "update": _update,
    "change_email": _change_email,
    "offboard": _offboard,
    "reactivate": _reactivate,
    "add_to_projects": _add_to_projects,
    "remove_from_projects": _remove_from_projects,
    "invite": _invite,
    "read": _read,
}
