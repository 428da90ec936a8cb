"""Whom a later removal takes off a project, whatever the two jobs call it."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.access import Project
from agent.jobs.bulk import BulkRemoveFromProject
from agent.jobs.model import RemoveFromProjects
from agent.plan.bulk.taken_off import LaterRemoval, taken_off
from tests.unit.execute.cases import job
from tests.unit.execute.fake_tenant import CLINIC, FACTS, HARBOR

ANA = "ana.lindqvist@example.com"


def removal(job_id: int, *projects: Any) -> LaterRemoval:
    """Ana is taken off these."""
    wanted: Any = "all" if projects == ("all",) else projects
    found = job("remove_from_projects", person={"email": ANA}, projects=wanted)
    assert isinstance(found, RemoveFromProjects)
    return LaterRemoval(job_id, found)


def removal_of_many(job_id: int, project: Any) -> LaterRemoval:
    """Ana is taken off it with others."""
    found = job("bulk_remove_from_project", project=project, people=[{"email": ANA}])
    assert isinstance(found, BulkRemoveFromProject)
    return LaterRemoval(job_id, found)


@pytest.mark.parametrize(
    "words", ["24-017", "harbor bridge", HARBOR.label, {"id": HARBOR.id}, "all", "a name that it had"]
)
def test_whoever_may_be_taken_off_this_project_is_told(words: Any) -> None:
    """By number, name, label or id, with all projects, and by a name that no project has any more."""
    assert taken_off(HARBOR, FACTS, {ANA: (removal(7, words),)}) == {ANA: 7}
    if words != "all":
        assert taken_off(HARBOR, FACTS, {ANA: (removal_of_many(7, words),)}) == {ANA: 7}


@pytest.mark.parametrize("words", [CLINIC.number, CLINIC.name, {"id": CLINIC.id}])
def test_who_is_taken_off_another_project_is_not(words: Any) -> None:
    """Nor is anybody where the job is about a group of the company."""
    assert taken_off(HARBOR, FACTS, {ANA: (removal(7, words), removal_of_many(8, words))}) == {}
    assert taken_off(None, FACTS, {ANA: (removal(7, "all"),)}) == {}


def test_a_name_that_two_projects_have_counts_for_both() -> None:
    """Which one was meant cannot be told: rather no access than access that was taken away."""
    twin = Project(id="9999", name=HARBOR.name, number="99-001")
    facts = FACTS.model_copy(update={"projects": (*FACTS.projects, twin)})
    assert taken_off(HARBOR, facts, {ANA: (removal(7, HARBOR.name),)}) == {ANA: 7}


def test_the_first_of_several_is_named() -> None:
    """It is the one after which the person has no access."""
    later = (removal(7, CLINIC.number), removal(8, "24-017"), removal(9, "all"))
    assert taken_off(HARBOR, FACTS, {ANA: later}) == {ANA: 8}
