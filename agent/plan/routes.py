"""Which of several ways leads to the same end at the least cost; pure.

A way that is cheaper and less safe is no choice: the Projects tab gives the default template, so it serves only who
shall have that one; and Bulk Add is all or nobody, so it cannot leave half of the people in. Page loads are counted by
``make bench`` (:mod:`tests.bench.routes`), requests of a page for its own rows and choices among them; on a live tenant
they are what takes the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Cost:
    """What a way costs in page loads: so many once, and so many for each person or project."""

    once: float
    each: float

    def of(self, number: int) -> float:
        """For so many."""
        return self.once + self.each * number


class IntoProject(StrEnum):
    """How people of the company come into one project."""

    SINGLY = "singly"  #: Add User in the project, one after the other
    BULK_ADD = "bulk add"  #: Bulk Add from Co. Directory


class IntoProjects(StrEnum):
    """How one person comes into projects, with the default template, or out of them."""

    SINGLY = "singly"  #: on the Edit page, one after the other
    PROJECTS_TAB = "projects tab"  #: one asynchronous save


class LookUp(StrEnum):
    """How people are found in the company."""

    SEARCH = "search"  #: by address, in each of the four lists
    LISTS = "lists"  #: all four lists, page after page


INTO_PROJECT = {IntoProject.SINGLY: Cost(0, 5), IntoProject.BULK_ADD: Cost(4, 1)}
INTO_PROJECTS = {IntoProjects.SINGLY: Cost(1, 2), IntoProjects.PROJECTS_TAB: Cost(7, 0.2)}
#: where a person's page is of the new generation: it has no section of projects, so each is a visit to that project
FROM_NEW_PAGES = {IntoProjects.SINGLY: Cost(6, 6.4), IntoProjects.PROJECTS_TAB: Cost(9, 0.4)}

_ROWS_A_PAGE = 150  # of a list [C]
_SEARCHES = 4  # one in each list
_OTHER_LISTS = 3  # inactive people, contacts, inactive contacts: at least a page each


def way_into_project(people: int, *, bulk_only: bool = False) -> IntoProject:
    """For so many people; ``bulk_only``: a project role or a notice is wanted, which only Bulk Add asks for."""
    if bulk_only:
        return IntoProject.BULK_ADD
    return min(INTO_PROJECT, key=lambda way: INTO_PROJECT[way].of(people))


def way_into_projects(projects: int, *, new_pages: bool = False) -> IntoProjects:
    """For one person and so many projects, where the Projects tab would give, or take, just what is wanted.

    One project is never worth an asynchronous save, which may still fail after it was accepted. ``new_pages``: a
    person's page is of the new generation.
    """
    if projects < 2:
        return IntoProjects.SINGLY
    costs = FROM_NEW_PAGES if new_pages else INTO_PROJECTS
    return min(costs, key=lambda way: costs[way].of(projects))


def way_to_find(people: int, in_company: int | None) -> LookUp:
    """For so many addresses among so many active people of the company; None where that is not known.

    Counted in page loads. The other lists are taken to be half as long as that of the active people together.
    """
    if in_company is None:
        return LookUp.SEARCH
    pages = max(1, -(-in_company // _ROWS_A_PAGE))
    in_lists = pages + max(_OTHER_LISTS, -(-pages // 2))
    return LookUp.LISTS if in_lists < people * _SEARCHES else LookUp.SEARCH
