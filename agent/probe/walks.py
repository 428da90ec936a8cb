"""How each flow is walked up to its write: the writing method itself, with a wish that changes as little as can be.

The gate stops each of them right before the click that sends it (:mod:`agent.probe.gate`), and the browser's network
guard would stop the request. Where there is a choice the wish is what is there already, so that even a write that got
past both would change nothing; the new user has an address that cannot exist (RFC 2606).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from agent.domain.person import NewUser, UserChange
from agent.domain.project import GroupChange, Member, NewMember
from agent.probe.subjects import NotVisited, Subjects
from flows import Directory
from flows.names import Flow

NOBODY = "agent.probe@nobody.invalid"
_GROUP = "Agent Probe"

Walk = Callable[[Directory, Subjects], Awaitable[object]]


async def _add_user(directory: Directory, on: Subjects) -> None:
    facts = await directory.facts()
    required = {name: "Probe" for name in facts.required_fields if name in ("first_name", "last_name", "job_title")}
    await directory.create_user(NewUser(email=NOBODY, attributes={"last_name": "Probe", **required}))


async def _edit_user(directory: Directory, on: Subjects) -> None:
    """Save a field as it is."""
    for name in ("job_title", "last_name", "first_name", "city"):
        if name in on.person.attributes and name not in on.person.read_only_fields:
            await directory.save_user(on.person.user_id, UserChange(attributes={name: on.person.attributes[name]}))
            return
    raise NotVisited("the account may change no field of the person's page")


async def _add_to_project(directory: Directory, on: Subjects) -> None:
    await directory.add_to_project(on.person.user_id, on.other_project(), None)


async def _project_template(directory: Directory, on: Subjects) -> None:
    home = on.membership()
    await directory.change_project_template(on.person.user_id, home.project, home.template)


async def _remove_from_project(directory: Directory, on: Subjects) -> None:
    on.not_own_account()
    await directory.remove_from_project(on.person.user_id, on.membership().project)


async def _projects_tab(directory: Directory, on: Subjects) -> None:
    await directory.assign_projects(on.person.user_id, [on.other_project()], [])


async def _inactivate(directory: Directory, on: Subjects) -> None:
    on.not_own_account()
    await directory.inactivate(on.person.user_id, on.person.email)


async def _reactivate(directory: Directory, on: Subjects) -> None:
    if on.inactive is None:
        raise NotVisited("no inactive person is named in [tenants.TENANT.probe]")
    await directory.reactivate(*on.inactive)


async def _invite(directory: Directory, on: Subjects) -> None:
    await directory.invite(on.person.user_id, on.person.email)


async def _member_add(directory: Directory, on: Subjects) -> None:
    new = NewMember(user_id=on.person.user_id, email=on.person.email)
    await directory.project(on.other_project()).add_member(new)


async def _member_edit(directory: Directory, on: Subjects) -> None:
    home = on.membership()
    project = directory.project(home.project)
    await project.change_member_template(on.person.user_id, on.person.email, home.template)


async def _member_remove(directory: Directory, on: Subjects) -> None:
    on.not_own_account()
    await directory.project(on.membership().project).remove_member(on.person.user_id, on.person.email)


async def _bulk_add(directory: Directory, on: Subjects) -> None:
    new = NewMember(user_id=on.person.user_id, email=on.person.email)
    await directory.project(on.other_project()).bulk_add([new])


async def _bulk_remove(directory: Directory, on: Subjects) -> None:
    on.not_own_account()
    project = directory.project(on.membership().project)
    member = await project.find_member(on.person.email)
    if member is None:
        raise NotVisited(f"{on.person.email} does not show in the project's own list")
    await project.bulk_remove([Member(**{**dict(member), "user_id": on.person.user_id})])


async def _member_invite(directory: Directory, on: Subjects) -> None:
    await directory.project(on.membership().project).invite_member(on.person.user_id, on.person.email)


async def _group_edit(directory: Directory, on: Subjects) -> None:
    await directory.groups().create_group(_GROUP, GroupChange())


#: The ways through each flow; all of them are walked.
WALKS: Mapping[Flow, tuple[Walk, ...]] = MappingProxyType(
    {
        Flow.ADD_USER: (_add_user,),
        Flow.EDIT_USER: (_edit_user,),
        Flow.CHANGE_PROJECTS: (_add_to_project, _project_template, _remove_from_project),
        Flow.PROJECTS_TAB: (_projects_tab,),
        Flow.INACTIVATE: (_inactivate,),
        Flow.REACTIVATE: (_reactivate,),
        Flow.INVITE: (_invite,),
        Flow.MEMBER_ADD: (_member_add,),
        Flow.MEMBER_EDIT: (_member_edit,),
        Flow.MEMBER_REMOVE: (_member_remove,),
        Flow.BULK_ADD: (_bulk_add,),
        Flow.BULK_REMOVE: (_bulk_remove,),
        Flow.MEMBER_INVITE: (_member_invite,),
        Flow.GROUP_EDIT: (_group_edit,),
    }
)

#: Pages of the new generation have no sections about projects on a person's page.
ONLY_LEGACY = frozenset({Flow.CHANGE_PROJECTS})
