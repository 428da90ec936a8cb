"""Writes of the project Directory: who may do them, and what they change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.sandbox.world import groups, project_members
from fixtures.sandbox.world.errors import Denied, NotFound, Refused
from fixtures.sandbox.world.model import Membership, User
from fixtures.sandbox.world.project_members import Addition
from fixtures.sandbox.world.project_rights import project_rights
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.world import Tenant, World

from .conftest import NOON, actor_of
from .test_people import cast, history, template_id
from .test_status_and_projects import project

AMARA = "amara.diallo@example.com"


def put_with(tenant: Tenant, email: str, place: int, template: str | None) -> User:
    """Somebody's membership of one project with this template."""
    user, there = cast(tenant, email), project(tenant, place).project_id
    chosen = None if template is None else template_id(tenant, template)
    return tenant.put_user(replace(user, memberships={**user.memberships, there: Membership(there, chosen, NOON)}))


def project_admin(world: World, tenant: Tenant) -> Actor:
    """Ann, Directory Admin of the first project by her template there, and nothing in the company."""
    put_with(tenant, "ann.lee@example.com", 0, "Project Manager - Internal")
    return actor_of(world, tenant, "ann.lee@example.com")


def test_an_existing_person_is_added_with_the_chosen_template(admin: Actor, tenant: Tenant) -> None:
    """The membership and its template, each with a row of Change History, and no mail."""
    here, crane = project(tenant, 0).project_id, template_id(tenant, "Tower Crane Operators")
    user = project_members.add_member(admin, here, cast(tenant, AMARA).user_id, crane)
    assert user.memberships[here].template_id == crane
    assert [row[0] for row in history(tenant, user)[-2:]] == [
        "Project Assignment",
        f"Project Permissions Template: {project(tenant, 0).label}",
    ]
    assert admin.world.outbox == []


def test_a_new_person_becomes_a_user_of_the_company_too(admin: Actor, tenant: Tenant) -> None:
    """Add User of a project creates both records."""
    here = project(tenant, 0).project_id
    fresh = project_members.create_member(
        admin, here, {"last_name": "Okafor", "email_address": "n.okafor@example.com"}, None
    )
    assert tenant.user_by_email("n.okafor@example.com") == fresh
    assert fresh.memberships[here].template_id is None


def test_a_taken_address_is_refused_and_nobody_is_added(admin: Actor, tenant: Tenant) -> None:
    """A person of the company has to be chosen, not typed again."""
    before = cast(tenant, AMARA)
    with pytest.raises(Refused) as refusal:
        project_members.create_member(
            admin, project(tenant, 0).project_id, {"last_name": "D", "email_address": AMARA}, None
        )
    assert list(refusal.value.errors) == ["email_address"]
    assert cast(tenant, AMARA) == before


def test_a_bulk_add_leaves_the_template_of_members_alone(admin: Actor, tenant: Tenant, world: World) -> None:
    """New people get the row's template and role, members keep theirs; a notification goes only where it was ticked."""
    here, read_only = project(tenant, 0).project_id, template_id(tenant, "Read Only - Internal")
    tomasz = cast(tenant, "tomasz.wilk@example.com")
    rows = [
        Addition(tomasz.user_id, read_only),
        Addition(cast(tenant, AMARA).user_id, read_only, role="Foreman", notify=True),
    ]
    after = project_members.bulk_add(admin, here, rows)
    assert after[0].memberships[here] == tomasz.memberships[here]
    assert (after[1].memberships[here].template_id, after[1].memberships[here].role) == (read_only, "Foreman")
    assert [(mail.kind, mail.to) for mail in world.outbox] == [("project_notification", AMARA)]


def test_a_bulk_add_is_all_or_nobody(admin: Actor, tenant: Tenant) -> None:
    """One inactive person in the table, and nobody is added."""
    before = cast(tenant, AMARA)
    rows = [Addition(before.user_id), Addition(cast(tenant, "priya.raman@example.com").user_id)]
    with pytest.raises(Refused, match="inactive"):
        project_members.bulk_add(admin, project(tenant, 6).project_id, rows)
    assert cast(tenant, AMARA) == before


def test_removal_leaves_the_person_in_the_company(admin: Actor, tenant: Tenant) -> None:
    """The membership is gone, the user is active, other projects stay."""
    tomasz, here = cast(tenant, "tomasz.wilk@example.com"), project(tenant, 0).project_id
    after = project_members.remove_members(admin, here, [tomasz.user_id])[0]
    assert (after.is_active, here in after.memberships, len(after.memberships)) == (True, False, 39)


def test_a_project_admin_rules_their_project_and_no_other(world: World, tenant: Tenant) -> None:
    """Adding works at home and is denied next door; rights come from the template on the project."""
    ann = project_admin(world, tenant)
    amara = cast(tenant, AMARA).user_id
    project_members.add_member(ann, project(tenant, 0).project_id, amara, None)
    with pytest.raises(Denied):
        project_members.add_member(ann, project(tenant, 1).project_id, amara, None)
    assert not ann.rights.may_edit_users


def test_a_project_admin_undoes_an_off_boarding(world: World, tenant: Tenant) -> None:
    """The documented hole: reactivation from the project brings back everything, in the whole company."""
    ann = project_admin(world, tenant)
    priya = put_with(tenant, "priya.raman@example.com", 0, None)
    back = project_members.reactivate_member(ann, project(tenant, 0).project_id, priya.user_id)
    assert back.is_active
    assert back.memberships == priya.memberships


def test_the_granular_operator_gives_assignable_templates_only(operator: Actor, tenant: Tenant) -> None:
    """Own project and assignable: yes. Another template, or another project: denied."""
    amara, here = cast(tenant, AMARA).user_id, project(tenant, 0).project_id
    with pytest.raises(Denied):
        project_members.add_member(operator, here, amara, template_id(tenant, "Project Manager - Internal"))
    with pytest.raises(Denied):
        project_members.add_member(operator, project(tenant, 9).project_id, amara, None)
    added = project_members.add_member(operator, here, amara, template_id(tenant, "Read Only - Internal"))
    assert here in added.memberships


def test_a_reader_sees_and_changes_nothing(world: World, tenant: Tenant) -> None:
    """Read Only on the project shows its Directory; a subcontractor's template does not."""
    put_with(tenant, "ann.lee@example.com", 0, "Read Only - Internal")
    reader, here = actor_of(world, tenant, "ann.lee@example.com"), project(tenant, 0).project_id
    assert project_rights(reader, here).may_view
    with pytest.raises(Denied):
        project_members.remove_members(reader, here, [cast(tenant, "tomasz.wilk@example.com").user_id])
    joann = actor_of(world, tenant, "joann.lee@example.com")
    assert not project_rights(joann, here).may_view


def test_a_template_of_another_project_does_not_fit(admin: Actor, tenant: Tenant) -> None:
    """NotFound, and nothing written."""
    partner = template_id(tenant, "Joint Venture Partner")
    with pytest.raises(NotFound):
        project_members.add_member(admin, project(tenant, 0).project_id, cast(tenant, AMARA).user_id, partner)


def test_a_company_group_shows_where_a_member_is(admin: Actor, tenant: Tenant) -> None:
    """At least one member on the project, or it is not listed there."""
    here = project(tenant, 6).project_id
    group = groups.create_group(admin, None, "Alarm Chain")
    groups.add_to_group(admin, group.group_id, None, cast(tenant, AMARA).user_id)
    assert group.name not in [g.name for g in groups.groups_shown(tenant, here)]
    project_members.add_member(admin, here, cast(tenant, AMARA).user_id, None)
    assert group.name in [g.name for g in groups.groups_shown(tenant, here)]
    with pytest.raises(NotFound):
        groups.update_group(admin, group.group_id, here, "Renamed", "")


def test_a_project_group_takes_members_of_the_project_only(admin: Actor, tenant: Tenant) -> None:
    """Somebody else of the company cannot be put in; names are unique within one Directory."""
    here = project(tenant, 0).project_id
    group = groups.create_group(admin, here, "Crane Crew")
    with pytest.raises(NotFound):
        groups.add_to_group(admin, group.group_id, here, cast(tenant, AMARA).user_id)
    tomasz = cast(tenant, "tomasz.wilk@example.com").user_id
    assert groups.add_to_group(admin, group.group_id, here, tomasz).user_ids == (tomasz,)
    with pytest.raises(Refused):
        groups.create_group(admin, here, "crane crew ")
    assert groups.take_from_group(admin, group.group_id, here, tomasz).user_ids == ()


def test_only_admins_delete_groups(operator: Actor, admin: Actor, tenant: Tenant) -> None:
    """The granular operator makes one and cannot delete it."""
    here = project(tenant, 0).project_id
    group = groups.create_group(operator, here, "Crane Crew")
    with pytest.raises(Denied):
        groups.delete_group(operator, group.group_id, here)
    groups.delete_group(admin, group.group_id, here)
    assert group.group_id not in tenant.groups
