"""The jobs of the table that are about one person: who is there at the start, what is asked, how it should be then.

Each person has a near twin whose address ends in theirs, so that a search for the one finds both, and both are known at
the deployment's second company, too. The templates asked for are those that the sandbox may swap with a mighty one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.drift.judge import Wanted
from tests.drift.truth import MEMBER_OF, NO_TEMPLATE, Value

COMPANY = "562949953421312"
TWINS = (
    ("Ann", "Joann"),
    ("Nia", "Tania"),
    ("Ella", "Bella"),
    ("Lena", "Helena"),
    ("Rita", "Marita"),
    ("Tina", "Martina"),
)
"""The twin's address comes before the person's own in a list, or behind it."""
LAST_NAMES = ("Hale", "Moreau", "Okafor", "Petrov", "Quill", "Tanaka", "Varga", "Wolff")
TITLES = ("Site Engineer", "Superintendent", "Estimator", "Safety Coordinator")
READER, OUTSIDER, ENGINEER = "Read Only - Internal", "Subcontractor - External", "Project Engineer - Internal"
PROJECT_TEMPLATES = (READER, OUTSIDER)
COMPANY_TEMPLATE = "Field Staff"
PROJECTS = {
    "24-001": "Riverside Office Tower",
    "24-002": "Prospect Park Transit Station",
    "24-003": "Granary Medical Center",
}


@dataclass(frozen=True)
class Case:
    """One job. ``task`` is what a bare script is told: the same wish in plain values."""

    action: str
    people: tuple[Mapping[str, Any], ...]
    job: Mapping[str, Any]
    task: Mapping[str, Any]
    wanted: Wanted


@dataclass(frozen=True)
class Somebody:
    """The person of a case, and the near twin."""

    first_name: str
    twin_name: str
    last_name: str
    mark: str  # tells the cases of a row apart

    @property
    def email(self) -> str:
        return f"{self.first_name}.{self.last_name}{self.mark}@example.com".lower()

    @property
    def twin_email(self) -> str:
        return f"{self.twin_name}.{self.last_name}{self.mark}@example.com".lower()

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def start(self, *, twin: bool = True, **more: Any) -> tuple[dict[str, Any], ...]:
        """Both as they are at the start; ``values`` go to both, and so does the rest."""
        values = more.pop("values", {})
        people = [(self.email, self.first_name), (self.twin_email, self.twin_name)]
        return tuple(
            {
                "email_address": email,
                "values": {"first_name": first, "last_name": self.last_name, "job_title": "Clerk", **values},
                "memberships": {},
                "is_active": True,
                "invited": True,
                **more,
            }
            for email, first in (people if twin else people[1:])
        )


def somebody_of(action: str, seed: int, chance: random.Random, last_names: Sequence[str] = LAST_NAMES) -> Somebody:
    """Whom a case is about; no two cases of a row are about the same."""
    first, twin = chance.choice(TWINS)
    return Somebody(first, twin, chance.choice(last_names), f".{action[:3]}{seed}")


def job_of(action: str, key: str, **wish: Any) -> Mapping[str, Any]:
    """A job with the ordinary trimmings."""
    return {
        "action": action,
        "reason": {"ticket": "HR-417", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "idempotency_key": f"drift-{key}".replace("@", "-"),
        **wish,
    }


def _case(
    action: str,
    somebody: Somebody,
    people: tuple[Mapping[str, Any], ...],
    wish: Mapping[str, Any],
    task: Mapping[str, Any],
    wanted: Wanted,
) -> Case:
    job = job_of(action, somebody.email, **wish)
    who = {
        "email": somebody.email,
        "name": somebody.name,
        "first_name": somebody.first_name,
        "last_name": somebody.last_name,
    }
    return Case(action, people, job, {**who, **task}, wanted)


def provision(somebody: Somebody, chance: random.Random) -> Case:
    """Somebody new, in one project, invited; half of them without a default template."""
    attributes = {
        "first_name": somebody.first_name,
        "last_name": somebody.last_name,
        "job_title": chance.choice(TITLES),
        "mobile_phone": f"(555) 010-{chance.randrange(10_000):04d}",
        "city": "Portland",
    }
    default = chance.choice((None, chance.choice(PROJECT_TEMPLATES)))
    project, template = chance.choice(list(PROJECTS)), chance.choice(PROJECT_TEMPLATES)
    return _case(
        "provision",
        somebody,
        somebody.start(twin=False),
        {
            "person": {"email": somebody.email, "attributes": attributes},
            "company_access": {"template": COMPANY_TEMPLATE},
            "default_project_template": default or "none",
            "projects": [{"project": project, "template": template}],
            "invitation": True,
        },
        {
            "attributes": attributes,
            "company_template": COMPANY_TEMPLATE,
            "default_template": default,
            "projects": {project: template},
        },
        Wanted(
            COMPANY,
            new={
                somebody.email: {
                    **attributes,
                    "email_address": somebody.email,
                    "is_active": True,
                    "company_template": COMPANY_TEMPLATE,
                    "default_template": default,
                    MEMBER_OF(project): template,
                    "invited": True,
                }
            },
            mails={somebody.email: 1},
        ),
    )


def update(somebody: Somebody, chance: random.Random) -> Case:
    """Three fields and the company template of somebody who is there."""
    attributes = {
        "job_title": chance.choice(TITLES),
        "mobile_phone": f"(555) 010-{chance.randrange(10_000):04d}",
        "city": chance.choice(("Reno", "Boise", "Tulsa")),
    }
    return _case(
        "update",
        somebody,
        somebody.start(
            values={"company_template": "Read Only", "city": "Portland", "mobile_phone": "", "address": "1 Pier Road"},
            memberships={"24-004": ENGINEER},
        ),
        {
            "person": {"email": somebody.email, "attributes": attributes},
            "company_access": {"template": COMPANY_TEMPLATE},
        },
        {"attributes": attributes, "company_template": COMPANY_TEMPLATE},
        Wanted(COMPANY, changes={somebody.email: {**attributes, "company_template": COMPANY_TEMPLATE}}),
    )


def change_email(somebody: Somebody, chance: random.Random) -> Case:
    """Another address."""
    new = f"new.{somebody.email}"
    return _case(
        "change_email",
        somebody,
        somebody.start(),
        {"person": {"email": somebody.email}, "new_email": new},
        {"new_email": new},
        Wanted(COMPANY, changes={somebody.email: {"email_address": new, "login": new}}),
    )


_LEAVER = {"company_template": COMPANY_TEMPLATE, "default_template": READER, "add_to_new_projects": True}
_STRIPPED: Mapping[str, Value] = {"company_template": None, "default_template": None, "add_to_new_projects": False}


def offboard(somebody: Somebody, chance: random.Random) -> Case:
    """Inactive, with no access left to come back; the twin stays as they are."""
    places = chance.sample(list(PROJECTS), 2)
    return _case(
        "offboard",
        somebody,
        somebody.start(values=_LEAVER, memberships=dict.fromkeys(places, OUTSIDER)),
        {"person": {"email": somebody.email}},
        {"projects": places},
        Wanted(
            COMPANY,
            changes={somebody.email: {**_STRIPPED, **{MEMBER_OF(n): None for n in places}, "is_active": False}},
        ),
    )


def reactivate(somebody: Somebody, chance: random.Random) -> Case:
    """Back, with one project and nothing of what was dormant."""
    old, new = chance.sample(list(PROJECTS), 2)
    template = chance.choice(PROJECT_TEMPLATES)
    return _case(
        "reactivate",
        somebody,
        somebody.start(values=_LEAVER, memberships={old: OUTSIDER}, is_active=False),
        {
            "person": {"email": somebody.email},
            "company_access": "none",
            "default_project_template": "none",
            "projects": [{"project": new, "template": template}],
            "add_to_new_projects": False,
            "invitation": False,
        },
        {"dormant": [old], "projects": {new: template}},
        Wanted(
            COMPANY,
            changes={somebody.email: {**_STRIPPED, MEMBER_OF(old): None, MEMBER_OF(new): template, "is_active": True}},
        ),
    )


def add_to_projects(somebody: Somebody, chance: random.Random) -> Case:
    """Into one project, and another template in one where they are already."""
    old, new = chance.sample(list(PROJECTS), 2)
    templates = dict(zip((old, new), chance.sample(PROJECT_TEMPLATES, 2), strict=True))
    return _case(
        "add_to_projects",
        somebody,
        somebody.start(values={"company_template": COMPANY_TEMPLATE}, memberships={old: ENGINEER, "24-004": ENGINEER}),
        {
            "person": {"email": somebody.email},
            "projects": [{"project": number, "template": template} for number, template in templates.items()],
        },
        {"change": {old: templates[old]}, "add": {new: templates[new]}},
        Wanted(
            COMPANY,
            changes={somebody.email: {MEMBER_OF(number): template for number, template in templates.items()}},
            on_the_way=((somebody.email, MEMBER_OF(new), NO_TEMPLATE),),
        ),
    )


def remove_from_projects(somebody: Somebody, chance: random.Random) -> Case:
    """Out of one project of three."""
    (left,) = chance.sample(list(PROJECTS), 1)
    return _case(
        "remove_from_projects",
        somebody,
        somebody.start(values={"company_template": COMPANY_TEMPLATE}, memberships=dict.fromkeys(PROJECTS, OUTSIDER)),
        {"person": {"email": somebody.email}, "projects": [left]},
        {"projects": [left]},
        Wanted(COMPANY, changes={somebody.email: {MEMBER_OF(left): None}}),
    )


def invite(somebody: Somebody, chance: random.Random) -> Case:
    """The one mail that nobody had so far; the twin had none either, and gets none."""
    return _case(
        "invite",
        somebody,
        somebody.start(values={"company_template": COMPANY_TEMPLATE}, memberships={"24-004": ENGINEER}, invited=False),
        {"person": {"email": somebody.email}},
        {},
        Wanted(COMPANY, changes={somebody.email: {"invited": True}}, mails={somebody.email: 1}),
    )


PERSON_CASES: Mapping[str, Callable[[Somebody, random.Random], Case]] = {
    "provision": provision,
    "update": update,
    "change_email": change_email,
    "offboard": offboard,
    "reactivate": reactivate,
    "add_to_projects": add_to_projects,
    "remove_from_projects": remove_from_projects,
    "invite": invite,
}
