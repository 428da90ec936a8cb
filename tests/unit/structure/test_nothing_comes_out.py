"""The redaction of recordings, tested as a secret's: what a tenant has put on its pages never comes out."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.structure.recording import Head, Recording
from agent.structure.reduce import reduced_page
from agent.structure.shapes import (
    address_shape,
    hook_shape,
    identifier_shape,
    json_shape,
    text_shape,
    value_shape,
)
from agent.structure.vocabulary import Vocabulary
from flows import Catalogue, RawPage
from tests.unit.structure.planted import PLANTED, encodings, page

KNOWN = Vocabulary.of(Catalogue.load())
HEAD = Head(agent="0", catalogue="0", date="2026-11-22", locale="en-US", generations={})


def recorded(raw: RawPage) -> str:
    """The text of a recording of one page."""
    return Recording(head=HEAD, pages=(reduced_page(raw, KNOWN),)).text()


@pytest.mark.parametrize("what", PLANTED)
def test_nothing_planted_comes_out_of_any_place_in_any_encoding(what: str) -> None:
    """Texts, attributes, options, JSON, styles, scripts, names of elements: what held a name is clean."""
    planted = PLANTED[what]
    text = recorded(page(*encodings(planted)))
    for form in encodings(planted):
        assert form not in text, f"{what} came out"
    for word in re.findall(r"[^\W\d_]{4,}", planted):
        assert word.casefold() not in text.casefold(), f"a word of the {what} came out"


def test_digits_never_come_out() -> None:
    """Of ids, phones and counts only how many digits there were is left."""
    text = recorded(page("4810377", "(555) 010-4477", "24-0917", "17 Cobblestone Alley 4 B"))
    page_line = next(line for line in text.splitlines() if line.startswith('{"place"'))
    without = re.sub(r"\\u[0-9a-f]{4}|<words:\d+\+?>|\"times\":\d+|\"tag\":\"h\d\"", "", page_line)
    assert re.findall(r"\d", without) == []


LETTERS = st.text(alphabet=string.ascii_letters + "éßłøÅ", min_size=4, max_size=12)
NAMES = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)


MARKS = re.compile(r"<(?:email|token|long|number|filled|w|host|words:\d+\+?)>")
"""What a recording says in the place of a value; people may be named so, too."""


def is_foreign(name: str) -> bool:
    """Whether no word of the name is one of the pages' own: those may stand in identifiers."""
    humps = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]", name)
    return not any(hump.casefold() in KNOWN.all_words for hump in humps)


@example("WORD", "{}")
@given(NAMES.filter(is_foreign), st.sampled_from(["{}", "a {} b", "user[{}]", "/x/{}/y", "{}@example.com", '"{}"']))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_no_word_of_any_name_survives_any_shape(name: str, around: str) -> None:
    """Whatever a name is made of and whatever stands around it, each way of reducing a value drops it."""
    value = around.format(name)
    shapes = [
        text_shape(value, KNOWN),
        hook_shape(value, KNOWN),
        identifier_shape(value, KNOWN),
        value_shape(value, KNOWN),
        address_shape(value, "app.example.test", KNOWN),
        str(json_shape({value: value}, KNOWN)),
    ]
    shapes = [MARKS.sub("<>", shape) for shape in shapes]
    for word in name.split():
        assert [shape for shape in shapes if word.casefold() in shape.casefold()] == []


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Add User", "Add User"),
        ("Last Name *", "Last Name *"),
        ("Odalys Thornquist", "<words:2>"),
        ("Remove Odalys Thornquist from Gullwing Terminal", "Remove <words:2> from <words:2>"),
        ("Displaying 1 - 25 of 1,064", "Displaying # - ## of #,###"),
        ("odalys@quarrystone.example", "<email>"),
        ("(555) 010-4477", "<number>"),
    ],
)
def test_words_of_the_pages_stay_and_others_become_a_class(value: str, shape: str) -> None:
    """A recording without the labels would be of no use."""
    assert text_shape(value, KNOWN) == shape


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("user[first_name]", "user[first_name]"),
        ("shared-users-reinvite-button", "shared-users-reinvite-button"),
        ("react-aria7310-:r7m:", "react-aria####-:<w>#<w>:"),
        ("StyledButton-core-12_27_1__sc-AbCdE1", "<w>Button-core-##_##_#__<w>-<w>#"),
        ("tableRow__src-Table__1GzYi", "tableRow__src-Table__#<w>"),
        ("bulkEditorComponent__x1", "bulkEditorComponent__<w>#"),
        ("row-thornquist", "row-<w>"),
        ("Zk3nQ8vT1xYw7LpR5mBd2HsJ", "<token>"),
        ("x" * 200, "<long>"),
    ],
)
def test_hooks_of_known_words_stay(value: str, shape: str) -> None:
    """Ids and hooks are what a recording is for; what is no word of the pages is taken out of them."""
    assert identifier_shape(value, KNOWN) == shape


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (
            "/562949953421312/company/directory/users/4810377/edit",
            "/###############/company/directory/users/#######/edit",
        ),
        (
            "/1/company/directory/groups/users?page=2&search=thornquist",
            "/#/company/directory/groups/users?page=#&search=<w>",
        ),
        ("https://elsewhere.test/odalys?x=1", "https://<host>/"),
        ("mailto:odalys@quarrystone.example", "mailto:<long>"),
        ("javascript:alert('odalys')", "javascript:<long>"),
    ],
)
def test_addresses_keep_their_path_in_known_words(value: str, shape: str) -> None:
    """An address is the best key of all, so its form stays."""
    assert address_shape(value, "app.example.test", KNOWN) == shape


def test_a_hook_that_carries_an_address_keeps_what_is_around_it() -> None:
    """``{email} Edit`` is the best key of a row: that it is one must be seen."""
    assert hook_shape("odalys@quarrystone.example Edit", KNOWN) == "<email> Edit"


def test_data_props_come_out_as_keys_and_types() -> None:
    """The capability probe keeps its form and no value."""
    shape = json_shape({"users": {"canEdit": True, "groupBy": ["vendor.id"]}, "companyId": 7, "4810377": None}, KNOWN)
    assert shape == {
        "users": {"canEdit": "boolean", "groupBy": ["string"]},
        "companyId": "number",
        "#######": "null",
    }
