"""The tables about places speak of places and entries that exist, and selectors are widened as they must be."""

from __future__ import annotations

import pytest

from agent.structure.expected import ALWAYS, BY_KEY, BY_PAGE, form_hook, is_expected, needs, within
from agent.structure.widened import has_blanks, widened
from flows import RECORDED_PLACES, Catalogue

CATALOGUE = Catalogue.load()
KEYS = {*CATALOGUE.hooks, *CATALOGUE.texts, *CATALOGUE.forms}


def test_every_entry_and_place_that_the_tables_name_exists() -> None:
    """A renamed key would silently be expected everywhere."""
    named = {*BY_KEY, *ALWAYS, *(other for key in KEYS for other in within(key, KEYS))}
    named |= {needs(key) for key in KEYS} - {""}
    assert named - KEYS == set()
    places = {place for table in (BY_PAGE, BY_KEY) for where in table.values() for place in where or ()}
    assert places - set(RECORDED_PLACES) == set()


def test_every_page_of_the_catalogue_is_known_to_the_tables() -> None:
    """An entry of a page that no table knows is found or not; nothing can be said against it."""
    assert {key.partition(".")[0] for key in KEYS} - set(BY_PAGE) == set()


def test_every_form_has_the_hook_that_it_is_found_by() -> None:
    """Without it the form's fields would never be compared."""
    assert {form_hook(key) for key in CATALOGUE.forms} - set(CATALOGUE.hooks) == set()


def test_entries_of_one_generation_are_not_expected_on_pages_of_the_other() -> None:
    """A tenant whose lists are new says nothing about the older ones."""
    assert is_expected("list.row", "company/users", "legacy")
    assert not is_expected("list.row", "company/users", "mfe")
    assert is_expected("grid.row", "company/users", "mfe")
    assert not is_expected("sign_in.email", "company/users", "")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ('tr[data-project-id="{id}"] a', "tr[data-project-id] a"),
        ('form[action$="/users/{user_id}/invite"]', 'form[action*="/users/"][action$="/invite"]'),
        ('[id="user_{field}"]', '[id^="user_"]'),
        ('div:has(h2:text-is("{headline}"))', "div:has(h2)"),
        ('button:text-is("OK")', 'button:text-is("OK")'),
        ('role=button[name="{label}"s]', "role=button[include-hidden=true]"),
        ('[href$="/v2/users"]', '[href$="/v#/users"]'),
    ],
)
def test_a_blank_stands_for_anything_and_a_digit_for_its_class(selector: str, expected: str) -> None:
    """In a recording there are no ids to fill in."""
    assert widened(selector) == expected
    assert has_blanks(selector) == ("{" in selector)
