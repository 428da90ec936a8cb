"""The first state of a sandbox: the same for the same seed, with its cast always complete."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.sandbox.seed import build_world, credentials
from fixtures.sandbox.state_file import load_world, save_world
from fixtures.sandbox.truth import whole_state
from fixtures.sandbox.world.clock import Clock
from fixtures.sandbox.world.model import Level


def fixed() -> Clock:
    """A clock that stands still."""
    return Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC))


def test_the_same_seed_gives_the_same_state() -> None:
    """Ids, names, memberships, passwords: byte for byte; another seed gives another state."""
    one, two = build_world(5, 120, fixed()), build_world(5, 120, fixed())
    assert json.dumps(whole_state(one)) == json.dumps(whole_state(two))
    assert credentials(one) == credentials(two)
    other = build_world(6, 120, fixed())
    assert json.dumps(whole_state(one)) != json.dumps(whole_state(other))
    assert credentials(one) != credentials(other)


@pytest.mark.parametrize("people", [0, 10, 60, 700])
def test_the_cast_is_complete_in_any_size(people: int) -> None:
    """The fixed people are there, and the number asked for is kept unless the cast is larger."""
    world = build_world(1, people, fixed())
    tenant, second, *_ = world.tenants.values()
    assert len(tenant.users) == max(people, 17)
    tomasz = tenant.user_by_email("tomasz.wilk@example.com")
    assert tomasz is not None
    assert len(tomasz.memberships) == 40
    assert {t.name for t in world.companies_of("jonas.bergqvist@example.com")} == {tenant.name, second.name}
    assert sum(second.is_company_admin(u) for u in second.users.values()) == 1
    assert all(u.email_address.endswith(("@example.com", ".test")) for u in tenant.users.values())


def test_ids_come_from_two_spaces_and_are_unique() -> None:
    """User ids are small, all others count from 2**49."""
    world = build_world(1, 60, fixed())
    tenant = next(iter(world.tenants.values()))
    large = [tenant.company_id, *tenant.contacts, *tenant.vendors, *tenant.projects, *tenant.templates]
    large += [user.person_id for user in tenant.users.values()]
    assert min(large) >= 2**49
    assert len(large) == len(set(large))
    assert all(10**6 <= user_id < 10**8 for user_id in tenant.users)


def test_the_service_account_chooses_from_as_many_companies_as_asked() -> None:
    """One by default; more on request, with the picker's search box above ten."""
    assert len(build_world(1, 20, fixed()).companies_of("svc.provisioning@example.com")) == 1
    assert len(build_world(1, 20, fixed(), companies=12).companies_of("svc.provisioning@example.com")) == 12


def test_a_world_survives_its_state_file(tmp_path: Path) -> None:
    """What is written is read back the same, and can be worked with."""
    world = build_world(5, 60, fixed())
    save_world(world, tmp_path / "state.json")
    back = load_world(tmp_path / "state.json")
    back.clock = fixed()
    assert whole_state(back) == whole_state(world)
    assert credentials(back) == credentials(world)
    tenant = next(iter(back.tenants.values()))
    felix = tenant.user_by_email("felix.romero@example.com")
    assert felix is not None
    assert tenant.levels_of(felix)["reports"] is Level.STANDARD


def test_the_state_tells_no_secret() -> None:
    """Passwords and second factors are told by the credentials alone."""
    world = build_world(5, 60, fixed())
    told = json.dumps(whole_state(world))
    for entry in credentials(world):
        assert str(entry["password"]) not in told
        assert entry["totp_secret"] is None or entry["totp_secret"] not in told


def test_too_many_people_are_refused() -> None:
    """The limit is stated, not silently applied."""
    with pytest.raises(ValueError, match="20000"):
        build_world(1, 20_001, fixed())
