"""One step of a plan is one write of the Directory; here they meet."""

from __future__ import annotations

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
from flows.interface import Directory


async def perform(directory: Directory, step: Step, user_id: str | None) -> str:
    """Make the write once; returns the user's id, which a creation has made.

    Whatever the Directory raises goes through: a write is never repeated here.
    """
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
            await directory.invite(user_id, step.email)
    return user_id
