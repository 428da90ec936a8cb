"""Inactive people, memberships, queued work and invitations in the sandbox."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.world import assignments, invitations, projects, status
from fixtures.sandbox.world.errors import Denied, NotFound, Refused
from fixtures.sandbox.world.model import Project, User
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.settle import settle
from fixtures.sandbox.world.world import Tenant, World

from .test_people import cast, history, template_id


def project(tenant: Tenant, place: int) -> Project:
    """The project at this place of the tenant's list."""
    return next(islice(tenant.projects.values(), place, None))


def access(user: User) -> tuple[object, ...]:
    """Everything that lets a person in somewhere."""
    return user.memberships, user.company_template_id, user.default_template_id, user.add_to_new_projects


def test_reactivation_brings_everything_back_silently(admin: Actor, tenant: Tenant) -> None:
    """The restore trap: dormant projects and templates are in force again, and only the status is in the history."""
    priya = cast(tenant, "priya.raman@example.com")
    assert len(priya.memberships) == 5
    rows = len(history(tenant, priya))
    back = status.reactivate(admin, priya.user_id)
    assert back.is_active
    assert access(back) == access(priya)
    assert history(tenant, priya)[rows:] == [("Status", "Inactive", "Active")]


def test_the_restore_trap_is_sprung_by_deactivation_without_stripping(admin: Actor, tenant: Tenant) -> None:
    """Planted check: whoever strips first gets nothing back, whoever does not gets all of it."""
    tomasz, jonas = cast(tenant, "tomasz.wilk@example.com"), cast(tenant, "jonas.bergqvist@example.com")
    projects.remove_all(admin, jonas.user_id)
    status.bulk_inactivate(admin, [tomasz.user_id, jonas.user_id])
    back = status.bulk_reactivate(admin, [tomasz.user_id, jonas.user_id])
    assert [len(user.memberships) for user in back] == [40, 0]


def test_an_inactive_company_stands_in_the_way_of_reactivation(admin: Actor, tenant: Tenant) -> None:
    """Refused until the company is reactivated; the sentence names the company."""
    owen = cast(tenant, "owen.castell@example.com")
    with pytest.raises(Refused, match="Ironwood Concrete"):
        status.reactivate(admin, owen.user_id)
    with pytest.raises(Refused):
        status.bulk_reactivate(admin, [cast(tenant, "priya.raman@example.com").user_id, owen.user_id])
    assert not cast(tenant, "priya.raman@example.com").is_active
    tenant.put_vendor(replace(tenant.vendor(owen.vendor_id or 0), is_active=True))
    assert status.reactivate(admin, owen.user_id).is_active


def test_inactivating_twice_changes_and_tells_nothing_more(admin: Actor, tenant: Tenant) -> None:
    """Bulk inactivation is idempotent."""
    ann = cast(tenant, "ann.lee@example.com")
    assert len(status.bulk_inactivate(admin, [ann.user_id])) == 1
    rows = len(history(tenant, ann))
    assert status.bulk_inactivate(admin, [ann.user_id]) == []
    assert len(history(tenant, ann)) == rows


def test_only_admins_reactivate_and_unlock(operator: Actor, admin: Actor, tenant: Tenant, world: World) -> None:
    """The granular right ends at inactivation."""
    priya, lena = cast(tenant, "priya.raman@example.com"), cast(tenant, "lena.fischer@example.com")
    with pytest.raises(Denied):
        status.reactivate(operator, priya.user_id)
    with pytest.raises(Denied):
        status.unlock(operator, lena.user_id)
    assert not status.unlock(admin, lena.user_id).is_locked
    assert ("Account Unlocked", "", "") in history(tenant, lena)


def test_a_present_member_keeps_the_template_when_added_again(admin: Actor, tenant: Tenant) -> None:
    """Adding somebody who is already on the project changes nothing."""
    tomasz = cast(tenant, "tomasz.wilk@example.com")
    first = project(tenant, 0)
    again = projects.add_project(admin, tomasz.user_id, first.project_id, template_id(tenant, "Read Only - Internal"))
    assert again.memberships == tomasz.memberships


def test_membership_changes_are_told_with_project_and_template(admin: Actor, tenant: Tenant) -> None:
    """Add, change template, remove: one row each, plus one for the template given at the add."""
    amara, first = cast(tenant, "amara.diallo@example.com"), project(tenant, 0)
    read_only, crane = template_id(tenant, "Read Only - Internal"), template_id(tenant, "Tower Crane Operators")
    rows = len(history(tenant, amara))
    projects.add_project(admin, amara.user_id, first.project_id, read_only)
    projects.change_template(admin, amara.user_id, first.project_id, crane)
    projects.remove_project(admin, amara.user_id, first.project_id)
    assert history(tenant, amara)[rows:] == [
        ("Project Assignment", "", first.label),
        (f"Project Permissions Template: {first.label}", "", "Read Only - Internal"),
        (f"Project Permissions Template: {first.label}", "Read Only - Internal", "Tower Crane Operators"),
        ("Project Assignment", first.label, ""),
    ]


def test_a_project_template_fits_its_own_project_only(admin: Actor, tenant: Tenant) -> None:
    """A project specific template cannot be used elsewhere, nor be applied to all projects."""
    tomasz, crane = cast(tenant, "tomasz.wilk@example.com"), template_id(tenant, "Tower Crane Operators")
    with pytest.raises(NotFound):
        projects.change_template(admin, tomasz.user_id, project(tenant, 1).project_id, crane)
    with pytest.raises(Refused):
        projects.change_template(admin, tomasz.user_id, project(tenant, 0).project_id, crane, to_all=True)


def test_one_template_can_go_to_all_projects(admin: Actor, tenant: Tenant) -> None:
    """The checkbox reaches every project of the person."""
    tomasz, read_only = cast(tenant, "tomasz.wilk@example.com"), template_id(tenant, "Read Only - Internal")
    changed = projects.change_template(admin, tomasz.user_id, project(tenant, 3).project_id, read_only, to_all=True)
    assert {m.template_id for m in changed.memberships.values()} == {read_only}


def test_the_granular_operator_reaches_only_their_own_projects(operator: Actor, tenant: Tenant) -> None:
    """Own three projects yes, the fourth no; Remove All leaves the foreign ones alone."""
    tomasz = cast(tenant, "tomasz.wilk@example.com")
    with pytest.raises(Denied):
        projects.remove_project(operator, tomasz.user_id, project(tenant, 3).project_id)
    assert len(projects.remove_all(operator, tomasz.user_id).memberships) == 37


def test_a_new_project_takes_those_who_are_on_all_new_projects(admin: Actor, tenant: Tenant) -> None:
    """With their default template; not the inactive ones."""
    fresh = projects.create_project(admin, "99-001", "Test Site")
    victor, priya = cast(tenant, "victor.hale@example.com"), cast(tenant, "priya.raman@example.com")
    assert victor.memberships[fresh.project_id].template_id == victor.default_template_id
    assert fresh.project_id not in priya.memberships


def test_a_projects_tab_save_happens_later_project_by_project(
    deployment: Deployment, admin: Actor, tenant: Tenant, world: World
) -> None:
    """Nothing at once; one project after the other as time passes; the failing one leaves only a line."""
    world.assignment_delay = 10.0
    victor = cast(tenant, "victor.hale@example.com")
    fourth, fifth, first = (project(tenant, place) for place in (3, 4, 0))
    admin.plants.failing_projects = frozenset({fifth.number})
    assignments.queue_assignments(admin, victor.user_id, [fourth.project_id, fifth.project_id], [first.project_id])
    settle(world)
    assert cast(tenant, "victor.hale@example.com") == victor
    deployment.clock.advance(10.5)
    settle(world)
    assert fourth.project_id in cast(tenant, "victor.hale@example.com").memberships
    assert assignments.is_pending(world, tenant.company_id, victor.user_id)
    deployment.clock.advance(10)
    settle(world)
    after = cast(tenant, "victor.hale@example.com")
    assert not assignments.is_pending(world, tenant.company_id, victor.user_id)
    assert fifth.project_id not in after.memberships
    assert first.project_id not in after.memberships
    assert after.memberships[fourth.project_id].template_id == victor.default_template_id
    assert ("Project Assignment Failed", "", fifth.label) in history(tenant, victor)


def test_an_invitation_is_a_mail_every_time(admin: Actor, tenant: Tenant, world: World) -> None:
    """Nothing protects a person from a second mail: the oracle for 'exactly one mail' can fail."""
    amara = cast(tenant, "amara.diallo@example.com")
    invitations.invite(admin, amara.user_id)
    invitations.invite(admin, amara.user_id)
    assert [mail.to for mail in world.outbox] == ["amara.diallo@example.com"] * 2
    assert history(tenant, amara)[-1] == ("Welcome Email Sent", "", "amara.diallo@example.com")
    assert cast(tenant, "amara.diallo@example.com").welcome_email_sent_at is not None


def test_a_bulk_invitation_is_queued(deployment: Deployment, admin: Actor, tenant: Tenant, world: World) -> None:
    """No mail until the tenant gets round to it."""
    world.bulk_invite_delay = 5.0
    invitations.bulk_invite(admin, [cast(tenant, "amara.diallo@example.com").user_id])
    settle(world)
    assert world.outbox == []
    deployment.clock.advance(6)
    settle(world)
    assert len(world.outbox) == 1


def test_inactive_people_get_no_invitation(admin: Actor, tenant: Tenant) -> None:
    """There is no Invite button for them, and no mail."""
    with pytest.raises(NotFound):
        invitations.invite(admin, cast(tenant, "priya.raman@example.com").user_id)
