"""The way by cost: one of those that exist, cheapest for its number, and never against what is wanted."""

from __future__ import annotations

from agent.plan.routes import (
    FROM_NEW_PAGES,
    INTO_PROJECT,
    INTO_PROJECTS,
    IntoProject,
    IntoProjects,
    LookUp,
    way_into_project,
    way_into_projects,
    way_to_find,
)


def test_the_cheapest_way_is_taken_at_every_number() -> None:
    """As the measured costs say."""
    for number in range(2, 200):
        into_project, into_projects = way_into_project(number), way_into_projects(number)
        assert all(INTO_PROJECT[into_project].of(number) <= cost.of(number) for cost in INTO_PROJECT.values())
        assert all(INTO_PROJECTS[into_projects].of(number) <= cost.of(number) for cost in INTO_PROJECTS.values())
        newer = way_into_projects(number, new_pages=True)
        assert all(FROM_NEW_PAGES[newer].of(number) <= cost.of(number) for cost in FROM_NEW_PAGES.values())


def test_many_go_together_and_few_alone() -> None:
    """Whatever the constants are: forty never one by one, and one project never through an asynchronous save."""
    assert way_into_project(40) is IntoProject.BULK_ADD
    for new_pages in (False, True):
        assert way_into_projects(1, new_pages=new_pages) is IntoProjects.SINGLY
        assert way_into_projects(40, new_pages=new_pages) is IntoProjects.PROJECTS_TAB


def test_two_projects_go_together_where_each_would_be_a_visit() -> None:
    """The same plan from a person's page that has no section of projects."""
    assert (way_into_projects(3), way_into_projects(4)) == (IntoProjects.SINGLY, IntoProjects.PROJECTS_TAB)
    assert way_into_projects(2, new_pages=True) is IntoProjects.PROJECTS_TAB


def test_what_only_bulk_add_can_say_is_said_there() -> None:
    """A project role or a notice, for one person, too."""
    assert way_into_project(1, bulk_only=True) is IntoProject.BULK_ADD


def test_lists_are_read_where_they_are_shorter_than_the_searches() -> None:
    """Two people of a large company are searched for, forty of a small one are read off its lists."""
    assert way_to_find(2, 20_000) is LookUp.SEARCH
    assert way_to_find(40, 1_000) is LookUp.LISTS
    assert way_to_find(40, None) is LookUp.SEARCH
    assert way_to_find(1, 50) is LookUp.SEARCH
