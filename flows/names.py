"""The flows that write, by name: what is quarantined, released, probed and reported one by one."""

from __future__ import annotations

from enum import StrEnum


class Flow(StrEnum):
    """One way of changing something through Procore's pages. Every writing method belongs to exactly one."""

    ADD_USER = "add_user"  #: Add User at the company
    EDIT_USER = "edit_user"  #: Save of a person's own page at the company
    CHANGE_PROJECTS = "change_projects"  #: the sections of that page about projects, each saved at once
    PROJECTS_TAB = "projects_tab"  #: the Projects tab, saved some time later
    INACTIVATE = "inactivate"  #: Inactivate, from the list of users
    REACTIVATE = "reactivate"  #: Reactivate, from the list of inactive users
    INVITE = "invite"  #: Invite and Re-Invite at the company
    MEMBER_ADD = "member_add"  #: Add User in a project, with somebody whom the company has
    MEMBER_EDIT = "member_edit"  #: Save of a member's page in a project
    MEMBER_REMOVE = "member_remove"  #: Remove from Project, one person
    BULK_ADD = "bulk_add"  #: Bulk Add from the company's Directory
    BULK_REMOVE = "bulk_remove"  #: Bulk Actions > Remove from Project
    MEMBER_INVITE = "member_invite"  #: Invite and Re-Invite in a project
    GROUP_EDIT = "group_edit"  #: distribution groups: create, change, delete
    READ = "read"  #: lists and pages that are only read; never quarantined

    @property
    def writes(self) -> bool:
        """Whether this flow changes anything."""
        return self is not Flow.READ
