"""Selectors taken apart, elements compared with them, entries proposed: no browser, small pages."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.debugging.likeness import Surroundings, nearest, similar
from agent.debugging.proposal import entry, selector_for
from agent.debugging.wanted import Traits, Wanted, wanted_by
from agent.recording.nodes import Element, NodeCounter
from flows import Catalogue

NOBODY = Surroundings({})


def page(*body: Any) -> Element:
    """A page with this in its body."""
    return NodeCounter().add(["HTML", {}, ["HEAD"], ["BODY", {}, *body]])


@pytest.mark.parametrize(
    ("selector", "element", "outer"),
    [
        ("a#popup_add", Traits(tags=frozenset({"a"}), ids=frozenset({"popup_add"})), ""),
        (
            'form#x button[name="commit"][value="a b"]',
            Traits(tags=frozenset({"button"}), attributes=(("name", "commit"), ("value", "a b"))),
            "form#x ",
        ),
        ('button:text-is("Save")', Traits(tags=frozenset({"button"}), texts=frozenset({"Save"})), ""),
        (
            'form :is(button, input)[type="submit"]',
            Traits(tags=frozenset({"button", "input"}), attributes=(("type", "submit"),)),
            "form ",
        ),
        (
            '[role="dialog"]:has(h2:text-is("Are you, sure?")) .big.red',
            Traits(classes=frozenset({"big", "red"})),
            '[role="dialog"]:has(h2:text-is("Are you, sure?")) ',
        ),
        ("div[data-id]", Traits(tags=frozenset({"div"}), attributes=(("data-id", ""),)), ""),
        (
            'internal:role=button[name="Sign in"i]',
            Traits(roles=frozenset({"button"}), texts=frozenset({"Sign in"})),
            "",
        ),
        ('[id="user_first.name"]', Traits(ids=frozenset({"user_first.name"})), ""),
        ("#other tr >> button", Traits(tags=frozenset({"button"})), "#other tr >> "),
    ],
)
def test_a_selector_is_taken_apart(selector: str, element: Traits, outer: str) -> None:
    """Tag, id, classes, attributes, text and role of what is looked for, and what it is inside of."""
    (wanted,) = wanted_by(selector)
    assert (wanted.element, wanted.outer) == (element, outer)


def test_alternatives_are_told_apart() -> None:
    """A comma outside brackets and quotes separates."""
    assert [wanted.element.tags for wanted in wanted_by('a[title="x,y"], :is(b, i), p')] == [{"a"}, {"b", "i"}, {"p"}]


@given(st.text(max_size=60) | st.text(alphabet="#.[]()\"'\\:,> =~ab", max_size=60))
def test_no_selector_is_an_error(selector: str) -> None:
    """Whatever stands in a catalogue or a recording is described, poorly or not at all."""
    assert isinstance(wanted_by(selector), tuple)


@pytest.mark.parametrize("piece", [":is(", ":has(", "(", "[", '"', "\\\\", ">> "])
def test_nested_without_end(piece: str) -> None:
    """Brackets within brackets end somewhere."""
    assert isinstance(wanted_by(piece * 1_500), tuple)


def test_every_hook_of_the_catalogue_is_described() -> None:
    """There is no entry of which nothing would be known when its page changes."""
    nothing = [key for key, hook in Catalogue.load().hooks.items() if not wanted_by(hook.selector)]
    assert nothing == []


FORM = [
    "FORM",
    {"id": "edit"},
    ["BUTTON", {"type": "submit", "name": "go", "value": "keep_and_mail"}, "Keep and Mail"],
    ["BUTTON", {"type": "submit", "name": "go", "value": "keep", "class": "main"}, "Keep"],
    ["INPUT", {"id": "user_mail", "name": "user[mail]", "value": "typed 1"}],
]


@pytest.mark.parametrize(
    ("key", "selector", "first"),
    [
        ("edit.keep", 'form#edit button[value="kept"]', ("value", "keep")),
        ("edit.mail", "form#edit #person_mail", ("id", "user_mail")),
        ("edit.keep", 'button:text-is("Keep it")', ("value", "keep")),
        ("edit.form", "form#modify", ("id", "edit")),
        ("edit.send", '[data-qa="keep_and_mail"]', ("value", "keep_and_mail")),
    ],
)
def test_the_likeliest_comes_first(key: str, selector: str, first: tuple[str, str]) -> None:
    """By id, attribute of another name, text and place."""
    found = nearest(page(["P", {}, "Keep in mind"], FORM), wanted_by(selector), key, "", NOBODY)
    assert found[0].element.attributes[first[0]] == first[1]


def test_an_element_that_is_known_as_something_else_comes_later() -> None:
    """A place that another key of the catalogue finds is hardly the one that is missed."""
    root = page(["A", {"id": "open_one"}, "Open"], ["A", {"id": "open_other"}, "Open"])
    wanted = wanted_by("a#open")
    assert nearest(root, wanted, "list.open", "", NOBODY)[0].path == (1, 0)
    known = Surroundings({(1, 0): ("list.other",)})
    assert nearest(root, wanted, "list.open", "", known)[0].path == (1, 1)


def test_what_a_note_warns_of_comes_later() -> None:
    """The catalogue's note says: never that one."""
    root = page(["BUTTON", {"name": "go"}, "Save and Send"], ["BUTTON", {"name": "go"}, "Save"])
    found = nearest(root, wanted_by('button[name="commit"][value="go"]'), "edit.save", 'never "Save and Send"', NOBODY)
    assert found[0].text == "Save"


def test_a_proposed_selector_finds_that_element_alone() -> None:
    """Attributes are added until no other element has them all; what is typed into a field is none of them."""
    root = page(FORM)
    wanted = wanted_by('form#edit button[value="kept"]')
    best = nearest(root, wanted, "edit.keep", "", NOBODY)[0]
    assert selector_for(best, wanted, {}, root, alone=True) == 'form#edit button[name="go"][value="keep"]'
    field = nearest(root, wanted_by("#usr_mail"), "edit.mail", "", NOBODY)[0]
    assert selector_for(field, wanted_by("#usr_mail"), {}, root, alone=True) == "#user_mail"


def test_placeholders_come_back() -> None:
    """Where the value stood that the flow had given, the proposal has its placeholder again."""
    root = page(["TR", {"data-project": "562949953421314"}], ["TR", {"data-project": "562949953421315"}])
    wanted = wanted_by('tr[data-project-id="562949953421315"]')
    best = nearest(root, wanted, "projects.row", "", NOBODY)[0]
    given = {"project_id": "562949953421315"}
    assert selector_for(best, wanted, given, root, alone=True) == 'tr[data-project="{project_id}"]'


def test_a_class_is_better_than_nothing() -> None:
    """Where all else belongs to this page only, the class that the fewest have."""
    root = page(["FORM", {"class": "card edit_user", "action": "/users/4810047"}], ["FORM", {"class": "card"}])
    wanted = wanted_by("form#edit_user")
    best = nearest(root, wanted, "edit_user.form", "", NOBODY)[0]
    assert selector_for(best, wanted, {}, root, alone=True) == "form.edit_user"


def test_an_element_without_anything_of_its_own() -> None:
    """Then there is no proposal: a place by number would break with the next change."""
    root = page(["DIV", {}, "Save"])
    best = nearest(root, wanted_by('div:text-is("Save")'), "edit.save", "", NOBODY)[0]
    assert selector_for(best, (Wanted(Traits()),), {}, root, alone=True) == ""


HOOK = Catalogue.load().hooks["edit_user.save"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_an_entry_is_toml(selector: str) -> None:
    """Whatever the selector is made of; and the catalogue's note is kept."""
    read = tomllib.loads(entry("edit_user.save", HOOK, selector, "job-1"))["hooks"]["edit_user.save"]
    assert read["selector"] == selector
    assert read["note"].startswith(HOOK.note)


@given(st.text(max_size=30), st.text(max_size=30))
def test_likeness_is_a_share(one: str, other: str) -> None:
    """From 0 to 1; the same is 1 and only the same is."""
    assert 0 <= similar(one, other) <= 1
    assert (similar(one, other) == 1) == (one == other != "")
