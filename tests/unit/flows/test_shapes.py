"""The rules by which a region is compared with its known shape: what passes, what is told, what stops a write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from flows import Catalogue
from flows.known_shapes import Kind, KnownShape
from flows.shapes.comparing import Finding, Severity, compared
from flows.shapes.seen import SeenControl, SeenShape

FORM = KnownShape.model_validate(
    {
        "mark": "I",
        "note": "n",
        "hook": "add_user.window",
        "kind": "form",
        "fresh": True,
        "action": "post /{company_id}/users",
        "controls": {
            "first": {"kind": "text", "name": "user[first]", "words": ["First Name"], "optional": True},
            "last": {"kind": "text", "name": "user[last]", "words": ["Last Name"], "required": True},
            "zip": {"kind": "text", "name": "user[zip]", "words": ["ZIP"], "en_gb": ["Postcode"], "optional": True},
            "company": {"kind": "picker", "name": "user[vendor_id]", "hook": "data-qa=vendor", "words": ["Company"]},
            "country": {"kind": "select", "name": "user[country]", "words": ["Country"], "preset": "may"},
            "mail": {"kind": "checkbox", "name": "mail", "words": ["Invite {}"], "optional": True, "preset": "never"},
            "level": {"kind": "radio", "name": "tools[*]", "value": "admin", "words": ["Admin"], "optional": True},
            "save": {
                "kind": "button",
                "name": "commit",
                "value": "save",
                "hook": "id=save",
                "words": ["Save"],
            },
            "save_and_mail": {"kind": "button", "name": "commit", "value": "mail", "words": ["Save and Invite"]},
            "cancel": {"kind": "button", "words": ["Cancel"], "optional": True},
        },
    }
)
WINDOW = KnownShape.model_validate(
    {
        "mark": "I",
        "note": "n",
        "hook": "confirm.window",
        "kind": "window",
        "headings": ["Remove from Project"],
        "questions": ["{} loses access to {}."],
        "controls": {"confirm": {"kind": "button", "words": ["OK"]}, "cancel": {"kind": "button", "words": ["Cancel"]}},
    }
)
MENU = KnownShape.model_validate(
    {
        "mark": "I",
        "note": "n",
        "hook": "list.bulk_menu",
        "kind": "menu",
        "controls": {
            "inactivate": {"kind": "entry", "name": "inactivate", "words": ["Inactivate"]},
            "invite": {"kind": "entry", "name": "invite", "words": ["Invite"], "optional": True},
        },
    }
)
TOUCHES = {"last", "company", "save"}
VALUES = {"company_id": "7"}


def control(kind: str, name: str = "", *words: str, **more: Any) -> SeenControl:
    """A control as a page shows it."""
    plain = SeenControl(Kind(kind), name, "", "", False, words, False, False, False, 1, (), "")
    return replace(plain, **more)


FIRST = control("text", "user[first]", "First Name")
LAST = control("text", "user[last]", "Last Name", required=True)
ZIP = control("text", "user[zip]", "ZIP")
COMPANY = control("picker", "user[vendor_id]", "Company", hook="data-qa=vendor")
COUNTRY = control("select", "user[country]", "Country", preset=True, options=("empty", "word"))
SAVE = control("button", "commit", "Save", value="save", sends=True)
SAVE_AND_MAIL = control("button", "commit", "Save and Invite", value="mail", sends=True)
TOKEN = control("hidden", "authenticity_token", preset=True)
KNOWN = (TOKEN, FIRST, LAST, ZIP, COMPANY, COUNTRY, SAVE, SAVE_AND_MAIL)


def form(*controls: SeenControl, action: str = "/7/users", method: str = "post") -> SeenShape:
    """A form with these controls."""
    return SeenShape(("Add User",), (), controls, 1, action, method)


def without(*gone: SeenControl) -> tuple[SeenControl, ...]:
    """The known controls but these."""
    return tuple(item for item in KNOWN if item not in gone)


def found(seen: SeenShape, known: KnownShape = FORM, touches: set[str] = TOUCHES) -> tuple[Finding, ...]:
    """What the comparison says."""
    return compared(known, seen, touches, VALUES)


def test_the_known_form_has_no_findings() -> None:
    """In whatever order its controls stand, and in either English."""
    british = replace(ZIP, words=("Postcode",))

    assert found(form(*KNOWN)) == ()
    assert found(form(*reversed(KNOWN))) == ()
    assert found(form(*without(ZIP), british)) == ()


@pytest.mark.parametrize(
    "seen",
    [
        form(*without(FIRST)),  # a field set without it
        form(*KNOWN, control("link", "", "Learn more")),
        form(*KNOWN, control("button", "", "Help")),
        form(*KNOWN, control("checkbox", "mail", "Invite Ada Byron")),
        form(*KNOWN, control("radio", "tools[directory]", "Admin", value="admin")),
        form(*without(COUNTRY), replace(COUNTRY, preset=False)),
    ],
)
def test_harmless_changes_pass(seen: SeenShape) -> None:
    """What the pack calls optional, a further link, a name inside a label."""
    assert found(seen) == ()


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ("words-unknown", form(*without(ZIP), replace(ZIP, words=("Postal Code",)))),
        ("kind-changed", form(*without(ZIP), replace(ZIP, kind=Kind.SELECT))),
        ("hook-changed", form(*without(COMPANY), replace(COMPANY, hook="data-qa=company"))),
        ("gone", form(*without(COUNTRY))),
        ("new-optional", form(*KNOWN, control("text", "user[cost_center]", "Cost Center"))),
        ("new-optional", form(*KNOWN, control("checkbox", "user[union]", "Union Member"))),
        ("new-button", form(*KNOWN, control("button", "commit", "Save and Add Another", value="again", sends=True))),
    ],
)
def test_changes_that_leave_the_write_as_it_was_are_told(rule: str, seen: SeenShape) -> None:
    """Nothing that this write sets or clicks is concerned: it goes on, and somebody learns of it."""
    assert [(item.severity, item.rule) for item in found(seen)] == [(Severity.DEGRADED, rule)]


SWAPPED = (replace(FIRST, words=("ZIP",)), replace(ZIP, words=("First Name",)))
BUTTONS = (replace(SAVE, words=("Save and Invite",)), replace(SAVE_AND_MAIL, words=("Save",)))


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ("words-of-another", form(*without(FIRST, ZIP), *SWAPPED)),
        ("words-of-another", form(*without(SAVE, SAVE_AND_MAIL), *BUTTONS)),
        ("words-of-another", form(*KNOWN, control("text", "user[zap]", "ZIP"))),
        ("words-unknown", form(*without(LAST), replace(LAST, words=("Surname",)))),
        ("words-unknown", form(*without(LAST), replace(LAST, words=("Last Name", "Family")))),
        ("words-gone", form(*without(LAST), replace(LAST, words=()))),
        ("words-unknown", form(*without(SAVE), replace(SAVE, words=("Save and Close",)))),
        ("kind-changed", form(*without(COMPANY), replace(COMPANY, kind=Kind.TEXT))),
        ("newly-required", form(*without(ZIP), replace(ZIP, required=True))),
        ("new-required", form(*KNOWN, control("text", "user[cost_center]", "Cost Center", required=True))),
        ("new-and-chosen", form(*KNOWN, control("checkbox", "user[notify]", "Notify", preset=True))),
        ("new-and-chosen", form(*KNOWN, control("hidden", "user[role_id]", preset=True))),
        ("chosen-beforehand", form(*without(COMPANY), replace(COMPANY, preset=True))),
        ("chosen-beforehand", form(*KNOWN, control("checkbox", "mail", "Invite Ada", preset=True))),
        ("more-than-one", form(*KNOWN, LAST)),
        ("more-than-one", form(*KNOWN, SAVE)),
        ("identity-changed", form(*without(SAVE), replace(SAVE, value="store"))),
        ("identity-changed", form(*without(LAST), replace(LAST, name="person[last]"))),
        ("sends-another", form(*without(SAVE), replace(SAVE, name="", hook="id=save", value="mail"))),
        ("gone", form(*without(COMPANY))),
        ("address-changed", form(*KNOWN, action="/8/users")),
        ("address-changed", form(*KNOWN, method="get")),
        ("address-changed", form(*without(SAVE), replace(SAVE, action="/7/users/all"))),
    ],
)
def test_what_could_change_the_meaning_of_a_write_stops_it(rule: str, seen: SeenShape) -> None:
    """Each danger by its rule; the dangerous ones are told first."""
    findings = found(seen)

    assert findings[0].severity is Severity.DANGEROUS
    assert rule in {item.rule for item in findings if item.severity is Severity.DANGEROUS}
    assert findings[0].expected
    assert findings[0].seen


def test_swapped_labels_stop_a_write_that_touches_neither() -> None:
    """A page that lies in one place is not believed in another."""
    findings = found(form(*without(FIRST, ZIP), *SWAPPED), touches={"save"})

    assert {item.rule for item in findings} == {"words-of-another"}


def window(*blocks: str, heading: str = "Remove from Project", ok: str = "OK") -> SeenShape:
    """A window that asks."""
    return SeenShape((heading,), blocks, (control("button", "", ok), control("button", "", "Cancel")), 0, "", "")


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ("question-unknown", window("Keep access to this project?")),
        ("question-unknown", window("{} loses access to every project.")),
        ("question-unknown", window("{} loses access to {}.", "{} is also removed from the company.")),
        ("headline-unknown", window("{} loses access to {}.", heading="Remove from Company")),
        ("question-gone", window()),
        ("gone", window("{} loses access to {}.", ok="Remove everywhere")),
    ],
)
def test_a_window_that_asks_something_else_is_not_confirmed(rule: str, seen: SeenShape) -> None:
    """Every block of its text has to be known; names have been taken out of it before."""
    assert compared(WINDOW, window("{} loses access to {}."), {"confirm"}, {}) == ()
    assert rule in {item.rule for item in compared(WINDOW, seen, {"confirm"}, {}) if item.severity == "dangerous"}


def test_a_name_in_a_question_is_no_wildcard() -> None:
    """Words that stand where a name should, stand in the way."""
    found_in = compared(WINDOW, window("Ada loses access to everything but this."), {"confirm"}, {})

    assert [item.rule for item in found_in] == ["question-unknown"]


def menu(**entries: str) -> SeenShape:
    """A menu, words by value."""
    return SeenShape((), (), tuple(control("entry", value, words) for value, words in entries.items()), 0, "", "")


def test_a_menu_whose_values_and_words_disagree_is_not_used() -> None:
    """A click on "Inactivate" would invite."""
    swapped = compared(MENU, menu(inactivate="Invite", invite="Inactivate"), {"inactivate"}, {})

    assert compared(MENU, menu(inactivate="Inactivate", invite="Invite", export="Export"), {"inactivate"}, {}) == ()
    assert {item.rule for item in swapped} == {"words-of-another"}
    renamed = compared(MENU, menu(deactivate="Inactivate"), {"inactivate"}, {})
    assert "identity-changed" in {item.rule for item in renamed}


def test_an_edit_form_may_hold_what_a_new_one_may_not() -> None:
    """Values of the person are no choice of the page; a ticked box to send a mail is one, there too."""
    edit = FORM.model_copy(update={"fresh": False})
    filled = form(*without(ZIP), replace(ZIP, preset=True), control("text", "user[nick]", "Nickname", preset=True))

    assert [item.rule for item in found(filled, edit)] == ["new-optional"]
    ticked = found(form(*KNOWN, control("checkbox", "mail", "Invite Ada", preset=True)), edit)
    assert [item.rule for item in ticked] == ["chosen-beforehand"]


def test_rows_of_different_people_are_not_doubles() -> None:
    """Ids are taken out of names, so that rows of two people look alike."""
    known = KnownShape.model_validate(
        FORM.model_dump() | {"controls": {"pick": {"kind": "select", "name": "users[*][t]", "words": ["Template: {}"]}}}
    )
    rows = form(*[control("select", "users[###][t]", "Template: {}")] * 2)

    assert found(rows, known, {"pick"}) == ()


def test_a_control_that_the_entry_does_not_name_is_our_mistake() -> None:
    """A flow cannot touch what nobody compares."""
    with pytest.raises(KeyError, match="fax"):
        found(form(*KNOWN), touches={"fax"})


def test_a_shape_has_one_hash_whatever_the_order() -> None:
    """And no id of anybody in what is kept of it."""
    one, other = form(*KNOWN, action="/7/users/4711"), form(*reversed(KNOWN), action="/7/users/4712")

    assert one.sha256 == other.sha256
    assert one.sha256 != form(*without(ZIP)).sha256
    assert one.as_dict()["action"] == "/#/users/#"


@pytest.mark.parametrize(
    "change",
    [{"controls": {}}, {"controls": {"x": {"kind": "text"}}}, {"kind": "page"}, {"colour": "red"}],
)
def test_a_shape_that_cannot_be_compared_is_refused_when_loaded(change: dict[str, object]) -> None:
    """No controls, a control that nothing finds, an unknown kind or key."""
    with pytest.raises(ValidationError):
        KnownShape.model_validate(FORM.model_dump() | change)


def test_every_region_of_the_pack_can_be_looked_at() -> None:
    """Its place is plain CSS, and no two of its controls say the same of themselves."""
    catalogue = Catalogue.load()

    assert catalogue.shapes
    for region, known in catalogue.shapes.items():
        assert catalogue.hooks[known.hook].is_css
        told = [(item.kind, item.name, item.value, item.hook, item.all_words) for item in known.controls.values()]
        assert len(set(told)) == len(told), region
