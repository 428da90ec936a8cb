"""The jobs of the table that are about many people: into a project, out of it, and a distribution group."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from tests.drift.cases import (
    COMPANY,
    COMPANY_TEMPLATE,
    ENGINEER,
    OUTSIDER,
    PERSON_CASES,
    PROJECT_TEMPLATES,
    PROJECTS,
    Case,
    Somebody,
    job_of,
    somebody_of,
)
from tests.drift.judge import Wanted
from tests.drift.truth import MEMBER, MEMBER_OF, Value

FAMILIES = {
    "bulk_add_to_project": (("Ashby",), ("Brandvold",)),
    "bulk_remove_from_project": (("Castellan",), ("Duarte",)),
    "distribution_group": (("Eklund",), ("Farkas",)),
}
"""Last names that nobody else has, so that a script can find people by name in a long list."""


def bulk_add(two: Sequence[Somebody], chance: random.Random) -> Case:
    """Two people into a project that neither is in."""
    project = chance.choice(list(PROJECTS))
    templates = {somebody.email: chance.choice(PROJECT_TEMPLATES) for somebody in two}
    start = [
        person
        for somebody in two
        for person in somebody.start(values={"company_template": COMPANY_TEMPLATE}, memberships={"24-004": ENGINEER})
    ]
    people = [{"email": email, "template": template} for email, template in templates.items()]
    return Case(
        "bulk_add_to_project",
        tuple(start),
        job_of("bulk_add_to_project", two[0].email, project=project, people=people),
        {"project": project, "people": [(one.email, one.name, templates[one.email]) for one in two]},
        Wanted(COMPANY, changes={email: {MEMBER_OF(project): template} for email, template in templates.items()}),
    )


def bulk_remove(two: Sequence[Somebody], chance: random.Random) -> Case:
    """Two people out of a project where their twins stay."""
    project = chance.choice(list(PROJECTS))
    start = [
        person
        for somebody in two
        for person in somebody.start(
            values={"company_template": COMPANY_TEMPLATE}, memberships={project: OUTSIDER, "24-004": ENGINEER}
        )
    ]
    return Case(
        "bulk_remove_from_project",
        tuple(start),
        job_of(
            "bulk_remove_from_project",
            two[0].email,
            project=project,
            people=[{"email": somebody.email} for somebody in two],
        ),
        {"project": project, "people": [(somebody.email, somebody.name) for somebody in two]},
        Wanted(COMPANY, changes={somebody.email: {MEMBER_OF(project): None} for somebody in two}),
    )


def group(two: Sequence[Somebody], chance: random.Random) -> Case:
    """A new group of a project, with two of its members."""
    project, name = chance.choice(list(PROJECTS)), f"Site letter {two[0].mark[1:]}"
    start = [
        person
        for somebody in two
        for person in somebody.start(values={"company_template": COMPANY_TEMPLATE}, memberships={project: OUTSIDER})
    ]
    fields: dict[str, Value] = {"name": name, "project": project, **{MEMBER(one.email): True for one in two}}
    members = {"exactly": [{"email": somebody.email} for somebody in two]}
    return Case(
        "distribution_group",
        tuple(start),
        job_of("distribution_group", two[0].email, name=name, project=project, members=members),
        {"project": project, "name": name, "people": [(somebody.email, somebody.name) for somebody in two]},
        Wanted(COMPANY, groups={name: fields}),
    )


PROJECT_CASES: Mapping[str, Callable[[Sequence[Somebody], random.Random], Case]] = {
    "bulk_add_to_project": bulk_add,
    "bulk_remove_from_project": bulk_remove,
    "distribution_group": group,
}
ACTIONS = (*PERSON_CASES, *PROJECT_CASES)


def case_of(action: str, seed: int) -> Case:
    """The job of this action in a row; the same for the same seed."""
    chance = random.Random(f"{action} {seed}")  # noqa: S311 - the same case for the same seed
    if action in PERSON_CASES:
        return PERSON_CASES[action](somebody_of(action, seed, chance), chance)
    two = [somebody_of(f"{action[-3:]}{number}", seed, chance, FAMILIES[action][number]) for number in (0, 1)]
    return PROJECT_CASES[action](two, chance)
