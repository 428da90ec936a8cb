"""What the sandbox's lists show, and how they grow with the tenant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.sandbox.seed import build_world
from fixtures.sandbox.world import people
from fixtures.sandbox.world.clock import Clock
from fixtures.sandbox.world.lists import ListQuery, list_contacts, list_users, list_vendors, search_vendors
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.world import Tenant

from .test_people import cast


@pytest.fixture(scope="module")
def large() -> Tenant:
    """A company of 700 people."""
    return next(iter(build_world(3, 700, Clock()).tenants.values()))


def test_pages_hold_everybody_once_in_order(large: Tenant) -> None:
    """All pages together are all active people, by company and name, and per_page stops at 150."""
    first = list_users(large, ListQuery(per_page=1000))
    assert len(first.rows) == first.per_page == 150
    seen = [row for page in range(1, first.pages + 1) for row in list_users(large, ListQuery(page=page)).rows]
    assert sorted(u.user_id for u in seen) == sorted(u.user_id for u in large.users.values() if u.is_active)
    keys = [(u.vendor_id is None, large.vendor_name(u.vendor_id).lower(), u.vendor_id or 0, u.last_name) for u in seen]
    assert keys == sorted(keys)
    assert (first.first, first.last, first.total) == (1, 150, len(seen))


def test_a_page_behind_the_end_is_empty(large: Tenant) -> None:
    """No rows, the same total."""
    page = list_users(large, ListQuery(page=99))
    assert (list(page.rows), page.first, page.last) == ([], 0, 0)
    assert page.total == list_users(large, ListQuery()).total


def test_a_search_lists_fifty_and_does_not_say_that_there_are_more(large: Tenant) -> None:
    """The cap of 50 applies to the total, too; only `capped`, which no page shows, knows."""
    found = list_users(large, ListQuery(search="EXAMPLE.com"))
    assert (len(found.rows), found.total, found.capped) == (50, 50, True)
    one = list_users(large, ListQuery(search="tomasz.wilk@example.com"))
    assert [u.email_address for u in one.rows] == ["tomasz.wilk@example.com"]
    assert not one.capped


def test_a_whole_address_can_match_two_people(large: Tenant) -> None:
    """The search is for substrings: Ann's address is part of Joann's."""
    found = list_users(large, ListQuery(search="ann.lee@example.com"))
    assert {u.email_address for u in found.rows} == {"ann.lee@example.com", "joann.lee@example.com"}


@pytest.mark.parametrize(
    "text",
    ["Wilk", "tomasz wilk", "safety coord", "harborlight"],
    ids=["last", "both", "title", "company"],
)
def test_the_documented_fields_are_searched(large: Tenant, text: str) -> None:
    """Names, job title and company find a person."""
    assert list_users(large, ListQuery(search=text)).total >= 1


def test_inactive_people_are_on_their_own_list_only(large: Tenant) -> None:
    """Priya is found among Inactive Users and nowhere else."""
    wanted = "priya.raman@example.com"
    assert list_users(large, ListQuery(search=wanted)).total == 0
    assert list_users(large, ListQuery(group="inactive_users", search=wanted)).total == 1
    assert list_contacts(large, ListQuery(group="reference_users", search="tomasz.wilk@example.com")).total == 1


def test_the_order_follows_every_write(admin: Actor, tenant: Tenant) -> None:
    """A kept order is the same as one made afresh after adding, renaming, moving and inactivating people."""
    list_users(tenant, ListQuery())
    list_users(tenant, ListQuery(group="inactive_users", group_by="", sort=("name",)))
    ann = cast(tenant, "ann.lee@example.com")
    people.create_user(admin, {"last_name": "Aaa", "email_address": "aaa@example.com"})
    people.update_user(admin, ann.user_id, {"last_name": "Zzz", "vendor_id": None})
    people.update_user(admin, cast(tenant, "joann.lee@example.com").user_id, {"is_active": False})
    for query in (ListQuery(), ListQuery(group="inactive_users", group_by="", sort=("name",))):
        afresh = tenant.snapshot()
        assert list(list_users(tenant, query).rows) == list(list_users(afresh, query).rows)
    assert list_users(tenant, ListQuery(search="Ann Zzz")).total == 1
    assert list_users(tenant, ListQuery(search="Ann Lee")).total == 0


def test_a_snapshot_shows_the_past(admin: Actor, tenant: Tenant) -> None:
    """Later writes do not reach it."""
    past = tenant.snapshot()
    people.create_user(admin, {"last_name": "Aaa", "email_address": "aaa@example.com"})
    assert list_users(past, ListQuery(search="aaa@example.com")).total == 0
    assert list_users(tenant, ListQuery(search="aaa@example.com")).total == 1


def test_two_companies_of_one_name_stay_apart(tenant: Tenant) -> None:
    """Both Summit Electrics are listed and offered, each with its town."""
    assert list_vendors(tenant, ListQuery(group="companies", search="summit electric")).total == 2
    assert [v.city for v in search_vendors(tenant, "summit")] == ["Denver", "Reno"]
    assert search_vendors(tenant, "ironwood") == []
    reno = search_vendors(tenant, "summit")[1]
    tenant.put_vendor(replace(reno, is_active=False))
    assert len(search_vendors(tenant, "summit")) == 1
