"""Addresses of projects and groups: built from numbers only, and known again in both generations."""

from __future__ import annotations

from typing import cast

import pytest

from agent.domain.access import Project
from agent.errors import Failed
from flows import TenantAddress
from flows.legacy.groups import GroupsPlace
from flows.legacy.project_list import lands_on_users, project_path
from flows.page.tab import Tab


class StandingStill:
    """As much of a tab as addresses need."""

    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")


TAB = cast(Tab, StandingStill())
PROJECT = Project(id="77", name="Tower")


@pytest.mark.parametrize("wrong", ["", "77/../78", "٧٧", "77 ", "a"])
def test_ids_are_numbers(wrong: str) -> None:
    """Anything else would end up in an address."""
    with pytest.raises(Failed) as failure:
        project_path(Project(id=wrong, name="Tower"))
    assert failure.value.code == "bad-project-id"

    with pytest.raises(Failed) as failure:
        GroupsPlace(TAB, PROJECT).group_path(wrong)
    assert failure.value.code == "bad-group-id"


def test_a_write_from_a_list_lands_on_this_projects_list() -> None:
    """Whatever generation the list is of that Procore leads to; never another project's, nor a single page."""
    lands = lands_on_users(TAB, PROJECT)
    newer = "/webclients/host/companies/1/projects/77/tools/directory"

    for path in ("/77/project/directory/groups/users", "/77/project/directory/groups/inactive_users", f"{newer}/users"):
        assert lands.search(path)
    for path in (
        "/78/project/directory/groups/users",
        "/77/project/directory/users/5/edit",
        "/177/project/directory/groups/users",
        f"{newer.replace('/77/', '/78/')}/users",
        f"{newer}/companies",
    ):
        assert not lands.search(path)


def test_groups_live_below_their_directory() -> None:
    """A project's below the project, the company's below the company."""
    assert GroupsPlace(TAB, PROJECT).group_path("9") == "/77/project/directory/distribution_groups/9"
    assert GroupsPlace(TAB, None).group_path("9") == "/1/company/directory/distribution_groups/9"
