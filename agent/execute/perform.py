"""One step of a plan is one write of the Directory; here they meet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from agent.domain.project import Member
from agent.errors import Failed
from agent.execute.bulk import groups_of
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkRemoveFromProject,
    BulkStep,
    ChangeGroup,
    ChangeMemberTemplate,
    CreateGroup,
    DeleteGroup,
)
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Invite,
    Reactivate,
    RemoveFromAllProjects,
    RemoveFromProject,
    SaveUser,
    Step,
)
from flows.interface import Directory, ProjectDirectory

Tell = Callable[[str], Awaitable[None]]


async def perform(directory: Directory, step: Step, user_id: str | None, tell: Tell) -> str | None:
    """Make the write once; returns the user's id, which a creation has made; None for a write about many people.

    Whatever the Directory raises goes through: a write is never repeated here. ``tell``: another way was taken than the
    step's own, in a sentence.
    """
    if isinstance(step, BulkStep):
        await _perform_for_many(directory, step, tell)
        return user_id
    if isinstance(step, CreateUser):
        return await directory.create_user(step.new)
    if user_id is None:
        raise ValueError(f"no user to work on: {step.title}")
    match step:
        case SaveUser():
            await directory.save_user(user_id, step.change)
        case AddToProject():
            await directory.add_to_project(user_id, step.project, step.template)
        case ChangeProjectTemplate():
            await directory.change_project_template(user_id, step.project, step.template)
        case RemoveFromProject():
            await directory.remove_from_project(user_id, step.project)
        case RemoveFromAllProjects():
            await directory.remove_from_all_projects(user_id)
        case AssignProjects():
            removed = [membership.project for membership in step.remove]
            await directory.assign_projects(user_id, list(step.add), removed)
        case Inactivate():
            await directory.inactivate(user_id, step.email)
        case Reactivate():
            await directory.reactivate(user_id, step.email)
        case Invite():
            await directory.invite(user_id, step.email, again=step.again)
    return user_id


async def _perform_for_many(directory: Directory, step: BulkStep, tell: Tell) -> None:
    match step:
        case BulkAddToProject():
            await directory.project(step.project).bulk_add(step.people)
        case AddMember():
            await directory.project(step.project).add_member(step.person)
        case BulkRemoveFromProject():
            await _remove_all(directory.project(step.project), step.people, tell)
        case ChangeMemberTemplate():
            project = directory.project(step.project)
            await project.change_member_template(step.user_id, step.email, step.template)
        case CreateGroup():
            await groups_of(directory, step.project).create_group(step.name, step.change)
        case ChangeGroup():
            await groups_of(directory, step.project).save_group(step.group_id, step.change)
        case DeleteGroup():
            await groups_of(directory, step.project).delete_group(step.group_id, step.name)


async def _remove_all(project: ProjectDirectory, people: Sequence[Member], tell: Tell) -> None:
    """Those who are inactive one by one, each a write: only rows of active people can be ticked. The others together,
    or, where they stand on several pages of the list, one by one as well."""
    for member in people:
        if not member.active and member.user_id is not None:
            await project.remove_member(member.user_id, member.email)
    together = [member for member in people if member.active or member.user_id is None]
    if not together:
        return
    try:
        await project.bulk_remove(together)
    except Failed as error:
        if error.code != "not-on-one-page":
            raise
        await tell(f"{error.message} They are removed one by one, each by a write of its own.")
        for member in together:
            if member.user_id is None:
                raise
            await project.remove_member(member.user_id, member.email)
