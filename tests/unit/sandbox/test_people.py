"""What the sandbox lets an operator write about a person, and what it answers instead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.sandbox.world import people
from fixtures.sandbox.world.errors import Denied, NotFound, Refused
from fixtures.sandbox.world.model import FieldSet, Level, User
from fixtures.sandbox.world.rights import Actor, rights_of
from fixtures.sandbox.world.values import UserValues
from fixtures.sandbox.world.world import Tenant, World


def cast(tenant: Tenant, email: str) -> User:
    """A person of the cast."""
    user = tenant.user_by_email(email)
    assert user is not None
    return user


def template_id(tenant: Tenant, name: str) -> int:
    """The id of a template by name."""
    return next(t.template_id for t in tenant.templates.values() if t.name == name)


def history(tenant: Tenant, user: User) -> list[tuple[str, str, str]]:
    """Field, old and new text of each row, oldest first."""
    return [(row.field, row.old, row.new) for row in tenant.history[user.user_id]]


def test_a_new_user_has_two_ids_no_access_and_no_mail(admin: Actor, tenant: Tenant, world: World) -> None:
    """Adding somebody gives them a user id and a person id, and sends nothing."""
    user = people.create_user(admin, {"last_name": "Okafor", "email_address": "n.okafor@example.com"})
    assert user.user_id < 2**31 < 2**49 <= user.person_id
    assert set(tenant.levels_of(user).values()) == {Level.NONE}
    assert world.outbox == []
    assert history(tenant, user) == [("Created", "", "n.okafor@example.com")]


@pytest.mark.parametrize("taken", ["ann.lee@example.com", "ANN.LEE@Example.com", "priya.raman@example.com"])
def test_an_address_is_unique_among_users_and_inactive_users(admin: Actor, tenant: Tenant, taken: str) -> None:
    """The address of an active or inactive user cannot be taken again, whatever its case."""
    before = len(tenant.users)
    with pytest.raises(Refused) as refusal:
        people.create_user(admin, {"last_name": "Twin", "email_address": taken})
    assert list(refusal.value.errors) == ["email_address"]
    assert len(tenant.users) == before


def test_a_contact_may_carry_the_address_of_a_new_user(admin: Actor) -> None:
    """A contact's address does not stand in the way of a user."""
    user = people.create_user(admin, {"last_name": "Tanabe", "email_address": "yuki.tanabe@example.com"})
    assert user.is_active


@pytest.mark.parametrize("wrong", ["", "  ", "no-at-sign", "a b@example.com", "a@b"])
def test_a_malformed_address_is_refused(admin: Actor, wrong: str) -> None:
    """Empty and malformed addresses are refused on their field."""
    with pytest.raises(Refused) as refusal:
        people.create_user(admin, {"last_name": "X", "email_address": wrong})
    assert "email_address" in refusal.value.errors


def test_every_missing_required_field_is_named_at_once(admin: Actor, tenant: Tenant) -> None:
    """A tenant that demands more fields refuses a save without them, all in one answer."""
    tenant.field_set = FieldSet(required=("last_name", "email_address", "job_title", "vendor_id"))
    with pytest.raises(Refused) as refusal:
        people.create_user(admin, {"last_name": "X", "email_address": "x.x@example.com"})
    assert set(refusal.value.errors) == {"job_title", "vendor_id"}


def test_a_save_writes_only_what_changed_with_actor_and_both_values(admin: Actor, tenant: Tenant) -> None:
    """The Change History has one row per real change, in the operator's name."""
    ann = cast(tenant, "ann.lee@example.com")
    rows = len(tenant.history[ann.user_id])
    people.update_user(admin, ann.user_id, {"job_title": "Lead Architect", "first_name": "Ann", "is_employee": False})
    new = tenant.history[ann.user_id][rows:]
    assert [(r.field, r.old, r.new, r.by_login) for r in new] == [
        ("Job Title", "Architect", "Lead Architect", "svc.provisioning@example.com"),
        ("Is Employee", "Yes", "No", "svc.provisioning@example.com"),
    ]
    before = tenant.users[ann.user_id]
    assert people.update_user(admin, ann.user_id, {"job_title": "Lead Architect"}) is before


def test_a_template_takes_away_single_levels_and_the_other_way_round(admin: Actor, tenant: Tenant) -> None:
    """Either a company template counts or single levels, never both."""
    felix = cast(tenant, "felix.romero@example.com")
    staff = template_id(tenant, "Field Staff")
    with_template = people.update_user(admin, felix.user_id, {"company_template_id": staff})
    assert with_template.tools == {}
    assert ("Reports Permission", "Standard", "None") in history(tenant, felix)
    with_levels = people.update_user(admin, felix.user_id, {"tools": {"reports": Level.READ_ONLY}})
    assert with_levels.company_template_id is None
    assert ("Company Permissions Template", "Field Staff", "") in history(tenant, felix)
    assert tenant.levels_of(with_levels)["reports"] is Level.READ_ONLY


def test_directory_admin_means_admin_everywhere_and_can_be_given_away(admin: Actor, tenant: Tenant) -> None:
    """Directory = Admin makes a Company Admin; nothing keeps the last one from taking it away from themselves."""
    felix = cast(tenant, "felix.romero@example.com")
    promoted = people.update_user(admin, felix.user_id, {"tools": {"directory": Level.ADMIN}})
    assert set(tenant.levels_of(promoted).values()) == {Level.ADMIN}
    assert admin.user is not None
    demoted = people.update_user(admin, admin.user.user_id, {"company_template_id": None})
    assert not rights_of(tenant, demoted).may_view


def test_the_default_template_must_be_a_global_one(admin: Actor, tenant: Tenant) -> None:
    """A template of one project cannot be the default for future ones."""
    crane = template_id(tenant, "Tower Crane Operators")
    with pytest.raises(NotFound):
        people.create_user(admin, {"last_name": "X", "email_address": "x.x@example.com", "default_template_id": crane})


def test_an_address_is_fixed_once_its_owner_signed_in_and_has_two_companies(admin: Actor, tenant: Tenant) -> None:
    """The documented refusal; somebody of one company may be given another address, and the login follows."""
    jonas, ann = cast(tenant, "jonas.bergqvist@example.com"), cast(tenant, "ann.lee@example.com")
    with pytest.raises(Refused) as refusal:
        people.update_user(admin, jonas.user_id, {"email_address": "jb@example.com"})
    assert list(refusal.value.errors) == ["email_address"]
    moved = people.update_user(admin, ann.user_id, {"email_address": "ann.park@example.com"})
    assert moved.login == "ann.park@example.com"
    assert admin.world.login("ann.lee@example.com") is None
    assert admin.world.login("ann.park@example.com") is not None
    assert tenant.user_by_email("ann.lee@example.com") is None


def test_a_login_of_its_own_does_not_follow_the_address(admin: Actor, tenant: Tenant) -> None:
    """Whoever signs in with another login than the address keeps it."""
    ann = cast(tenant, "ann.lee@example.com")
    people.update_user(admin, ann.user_id, {"login": "alee@example.com"})
    moved = people.update_user(admin, ann.user_id, {"email_address": "ann.park@example.com"})
    assert moved.login == "alee@example.com"
    assert tenant.user_by_login("alee@example.com") == moved


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"login": "joann.lee@example.com"}, "login"),
        ({"login": "no address"}, "login"),
        ({"email_address": "secret.login@example.com"}, "email_address"),
    ],
    ids=["login of another", "malformed login", "address that is a login"],
)
def test_no_two_users_share_a_login(admin: Actor, tenant: Tenant, values: UserValues, field: str) -> None:
    """Neither directly nor by an address that is somebody's login already."""
    felix, ann = cast(tenant, "felix.romero@example.com"), cast(tenant, "ann.lee@example.com")
    people.update_user(admin, felix.user_id, {"login": "secret.login@example.com"})
    with pytest.raises(Refused) as refusal:
        people.update_user(admin, ann.user_id, values)
    assert list(refusal.value.errors) == [field]


GRANULAR_REFUSED: tuple[UserValues, ...] = (
    {"email_address": "new@example.com"},
    {"login": "new@example.com"},
    {"is_active": False},
    {"is_employee": False},
    {"tools": {"reports": Level.STANDARD}},
    {"add_to_new_projects": True},
    {"default_template_id": None},
)


@pytest.mark.parametrize("values", GRANULAR_REFUSED, ids=lambda values: next(iter(values)))
def test_the_granular_operator_may_not_write_admin_fields(operator: Actor, tenant: Tenant, values: UserValues) -> None:
    """Fields of Company Directory Admins are closed to the granular right."""
    ann = cast(tenant, "ann.lee@example.com")
    with pytest.raises(Denied):
        people.update_user(operator, ann.user_id, values)
    assert tenant.user(ann.user_id) == ann


def test_the_granular_operator_may_assign_only_assignable_templates(operator: Actor, tenant: Tenant) -> None:
    """Assignable templates yes, others no, and never for a Company Admin."""
    ann, helen = cast(tenant, "ann.lee@example.com"), cast(tenant, "helen.brandt@example.com")
    read_only, accounting = template_id(tenant, "Read Only"), template_id(tenant, "Accounting")
    assert people.update_user(operator, ann.user_id, {"company_template_id": read_only})
    with pytest.raises(Denied):
        people.update_user(operator, ann.user_id, {"company_template_id": accounting})
    with pytest.raises(Denied):
        people.update_user(operator, helen.user_id, {"company_template_id": read_only})
    manager = template_id(tenant, "Project Manager - Internal")
    with pytest.raises(Denied):
        people.create_user(
            operator, {"last_name": "X", "email_address": "x@example.com", "default_template_id": manager}
        )


def test_without_any_right_nothing_is_written(world: World, tenant: Tenant) -> None:
    """A person without the Directory can create nobody."""
    nora = Actor.signed_in(world, tenant, cast(tenant, "nora.quist@example.com"))
    with pytest.raises(Denied):
        people.create_user(nora, {"last_name": "X", "email_address": "x@example.com"})


def test_a_planted_refusal_changes_nothing(admin: Actor, tenant: Tenant) -> None:
    """The refuse_text fault stops an operation before it writes."""
    ann = cast(tenant, "ann.lee@example.com")
    planted = replace_plants(admin, Refused({"job_title": ["is not allowed here"]}))
    with pytest.raises(Refused):
        people.update_user(planted, ann.user_id, {"job_title": "Other"})
    assert tenant.user(ann.user_id) == ann


def replace_plants(actor: Actor, refusal: Refused) -> Actor:
    """The same operator with a planted refusal."""
    return replace(actor, plants=replace(actor.plants, refusal=refusal))
