"""How a region is read from a page, and what examining it does; on small pages of our own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agent.errors import Failed, ShapeChanged
from flows import Catalogue, Examined
from flows.interface import ControlUse, PageReading
from flows.known_shapes import Kind
from flows.names import Flow
from flows.page.tab import Tab
from flows.shapes import examine
from flows.shapes.examining import _seen
from flows.shapes.seen import SHAPE, SeenControl, SeenShape
from tests.browser.flows.conftest import IMPATIENT, SmallSite

ADD_USER = """
<div class="ui-dialog" role="dialog"><h2>Add User</h2>
<form id="new_user" action="/1/company/directory/users" method="post">
 <input type="hidden" name="authenticity_token" value="secret-token">
 <label for="user_first_name">First Name</label><input id="user_first_name" name="user[first_name]">
 <label for="user_last_name">Last
   Name<span aria-hidden="true">*</span></label>
 <input id="user_last_name" name="user[last_name]" aria-required="true">
 <label>Email Address: <input name="user[email_address]" aria-required="true"></label>
 <div data-qa="user-vendor-select"><label id="r1">Company</label>
  <div><div role="button" aria-haspopup="listbox" aria-labelledby="r1"><span>Nothing</span></div>
  <button type="button" data-qa="core-select-clear" aria-label="Clear Company">x</button>
  <input type="hidden" name="user[vendor_id]" value=""></div></div>
 <div data-qa="user-default-template-select"><label id="r2">Project Permissions Template (Default)</label>
  <div><div role="button" aria-haspopup="listbox" aria-labelledby="r2"></div>
  <input type="hidden" name="user[default_permission_template_id]" value=""></div></div>
 <div data-qa="user-company-template-select"><label id="r3">Company Permissions Template</label>
  <div><div role="button" aria-haspopup="listbox" aria-labelledby="r3"></div>
  <input type="hidden" name="user[company_permission_template_id]" value=""></div></div>
 <input type="hidden" name="user[is_employee]" value="0">
 <input type="checkbox" id="user_is_employee" name="user[is_employee]" value="1">
 <label for="user_is_employee">Is Employee</label>
 <button type="submit"><span>Create</span></button>
</form></div>
"""
WINDOW = """
<div class="confirm-window"><h2>Inactivate Users</h2><div>
<p>These people lose access to this company. Their projects and permissions are kept.</p>
<ul><li data-qa="bulk-user" data-id="4711">Ada Byron <small>ada@example.com</small><button>x</button></li></ul></div>
<button>Cancel</button><button>Inactivate</button></div>
"""
TOUCHES = {"email_address", "last_name", "company", "default_template", "company_template", "submit"}


class Listener:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.examined: list[Examined] = []
        self.readings: list[str] = []

    async def page_read(self, reading: PageReading) -> None:
        """A reading."""
        self.readings.append(reading.reading)

    async def control_used(self, use: ControlUse) -> None:
        """Not looked at."""

    async def shape_examined(self, examined: Examined) -> None:
        """A comparison."""
        self.examined.append(examined)


async def shape_of(
    site: SmallSite, html: str, root: str, *, names: tuple[str, ...] = (), text: bool = False
) -> SeenShape:
    """The shape of the one element of a page."""
    tab = await site.show(html)
    listed = '[data-qa="bulk-user"]' if text else ""
    found = await tab.read(SHAPE, root=root, names=list(names), listed=listed, text=text)
    assert len(found) == 1
    return SeenShape.of(found[0])


def named(shape: SeenShape, name: str) -> SeenControl:
    """The control of a name."""
    return next(control for control in shape.controls if control.name == name)


async def test_a_form_is_reduced_to_its_controls(small_site: SmallSite) -> None:
    """Labels however they are tied to their controls; a picker and its hidden input are one; no twin, no value."""
    shape = await shape_of(small_site, ADD_USER, ".ui-dialog")

    assert [control.name for control in shape.controls if control.kind is not Kind.BUTTON] == [
        "authenticity_token",
        "user[first_name]",
        "user[last_name]",
        "user[email_address]",
        "user[vendor_id]",
        "user[default_permission_template_id]",
        "user[company_permission_template_id]",
        "user[is_employee]",
    ]
    assert named(shape, "user[last_name]").words == ("Last Name",)
    assert named(shape, "user[last_name]").required
    assert named(shape, "user[email_address]").words == ("Email Address",)
    assert (named(shape, "user[vendor_id]").kind, named(shape, "user[vendor_id]").words) == (Kind.PICKER, ("Company",))
    assert named(shape, "user[vendor_id]").hook == "data-qa=user-vendor-select"
    assert [(item.words, item.sends) for item in shape.controls if item.kind is Kind.BUTTON] == [(("Create",), True)]
    assert (shape.method, shape.action) == ("post", "/1/company/directory/users")
    assert "secret-token" not in json.dumps(shape.as_dict())


async def test_what_is_chosen_already_is_seen(small_site: SmallSite) -> None:
    """In every kind of control; of the values themselves nothing is kept."""
    html = """<form><input name="t" value="Ada"><textarea name="a">Byron</textarea>
    <input type="checkbox" name="c" checked><input type="hidden" name="h" value="9"><input name="e">
    <select name="s"><option value="">x</option><option value="12" selected>Secret Co</option></select>
    <select name="n"><option value="">x</option></select></form>"""
    shape = await shape_of(small_site, html, "form")

    assert {control.name: control.preset for control in shape.controls} == {
        "t": True, "a": True, "c": True, "s": True, "h": True, "e": False, "n": False,
    }  # fmt: skip
    assert named(shape, "s").options == ("empty", "id")
    kept = json.dumps(shape.as_dict())
    assert not [word for word in ("Ada", "Byron", "Secret", "12") if word in kept]


async def test_names_addresses_and_numbers_are_taken_out_of_words(small_site: SmallSite) -> None:
    """Whole names only: nobody called Al is found in "Also"."""
    html = """<form><button>Remove Al from Pier 39</button><button>Write to ann@example.com</button>
    <label>Also for Al <input name="x"></label></form>"""
    shape = await shape_of(small_site, html, "form", names=("Al", "Pier 39"))

    assert [control.words for control in shape.controls] == [
        ("Remove {} from {}",),
        ("Write to {}",),
        ("Also for {}",),
    ]


async def test_a_window_is_its_headline_and_what_it_says(small_site: SmallSite) -> None:
    """The people it lists are left out: they are compared by their ids."""
    shape = await shape_of(small_site, WINDOW, ".confirm-window", text=True)

    assert shape.headings == ("Inactivate Users",)
    assert shape.blocks == ("These people lose access to this company. Their projects and permissions are kept.",)
    assert [control.words for control in shape.controls] == [("Cancel",), ("Inactivate",)]


async def test_rows_of_a_form_count_as_one_control(small_site: SmallSite) -> None:
    """A hundred boxes of one name are one control; its label would be the name of a project."""
    rows = "".join(f'<label>P{n}<input type="checkbox" name="ids[]" value="{n}"></label>' for n in range(100))
    shape = await shape_of(small_site, f"<form>{rows}</form>", "form")

    assert [(control.name, control.times, control.words) for control in shape.controls] == [("ids[]", 100, ())]


async def test_reading_a_large_form_costs_little(small_site: SmallSite) -> None:
    """Sixty controls, well below what one click costs."""
    fields = "".join(f'<label for="f{n}">Field {n}</label><input id="f{n}" name="user[f{n}]">' for n in range(60))
    tab = await small_site.show(f"<form>{fields}</form>")
    given: dict[str, Any] = {"root": "form", "names": ["Ada Byron"], "listed": "", "text": False}
    await tab.read(SHAPE, **given)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        await tab.read(SHAPE, **given)
        took.append(time.perf_counter() - began)

    assert min(took) < 0.1, "seconds; about 0.005 on a quiet machine"


@pytest.fixture
async def heard(small_site: SmallSite) -> Listener:
    """The small site with somebody who listens."""
    listener = Listener()
    page, tenant = small_site.tab.page, small_site.tab.tenant
    small_site.tab = Tab(page, tenant, Catalogue.load(), IMPATIENT, listener)
    return listener


async def look(site: SmallSite, html: str) -> Examined:
    """Examine the window of Add User on a page."""
    tab = await site.show(html)
    return await examine(tab, Flow.ADD_USER, "add_user.form", touches=TOUCHES)


async def test_a_known_form_is_examined_and_told(small_site: SmallSite, heard: Listener) -> None:
    """Once, as a reading that can be made again, and as a comparison."""
    examined = await look(small_site, ADD_USER)

    assert (examined.severity, examined.findings) == ("same", ())
    assert heard.examined == [examined]
    assert heard.readings == ["shape"]


async def test_a_degraded_form_goes_on_and_is_told(small_site: SmallSite, heard: Listener) -> None:
    """A label that this write does not use."""
    examined = await look(small_site, ADD_USER.replace("First Name<", "Given Name<"))

    assert examined.severity == "degraded"
    assert heard.examined == [examined]
    assert "first_name" in examined.findings[0]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("First Name<", "Email Address<"), "words-of-another"),
        (("Company Permissions Template<", "Project Permissions Template (Default)<"), "words-of-another"),
        (('id="user_first_name"', 'id="user_first_name" required'), "newly-required"),
        (('name="user[vendor_id]" value=""', 'name="user[vendor_id]" value="12"'), "chosen-beforehand"),
        (("<span>Create</span>", "<span>Create and Invite</span>"), "words-unknown"),
        (("</form>", '<input name="user[cost]" aria-required="true"></form>'), "new-required"),
        (("</form>", '<input type="checkbox" name="notify" checked></form>'), "new-and-chosen"),
        (("</form>", "</form><input form='new_user' name='user[x]' required>"), "new-required"),
        (('action="/1/company', 'action="/2/company'), "address-changed"),
        (('name="user[last_name]"', 'name="user[surname]"'), "identity-changed"),
        (("</form>", "<button>Create</button></form>"), "more-than-one"),
    ],
)
async def test_a_planted_danger_stops_the_flow(
    small_site: SmallSite, heard: Listener, change: tuple[str, str], rule: str
) -> None:
    """The error says flow, region, every finding, and what was seen and known."""
    assert change[0] in ADD_USER

    with pytest.raises(ShapeChanged) as stopped:
        await look(small_site, ADD_USER.replace(*change, 1))

    assert (stopped.value.code, stopped.value.flow, stopped.value.region) == (
        "shape-changed",
        "add_user",
        "add_user.form",
    )
    assert any(finding.startswith(rule) for finding in stopped.value.findings)
    assert stopped.value.shape["controls"]
    assert stopped.value.known["controls"]
    assert [examined.severity for examined in heard.examined] == ["dangerous"]


async def test_another_window_of_the_same_kind_is_not_compared(small_site: SmallSite) -> None:
    """The one with a known headline is meant; without it nothing is confirmed."""
    other = WINDOW.replace("Inactivate Users", "What's New").replace("Inactivate<", "Close<")
    tab = await small_site.show(WINDOW + other)
    known = tab.catalogue.shapes["inactivate.window"]
    shape, lost = await _seen(tab, known, {}, (), ())

    assert lost is None
    assert shape.headings == ("Inactivate Users",)


async def test_a_region_that_is_not_there_stops_the_flow(small_site: SmallSite) -> None:
    """Nor is one that is there twice."""
    for html in ("<p>nothing</p>", ADD_USER + ADD_USER):
        with pytest.raises(ShapeChanged) as stopped:
            await look(small_site, html)
        assert "not-there-once" in stopped.value.findings[0]


async def test_a_region_that_the_pack_does_not_know_is_not_written_from(small_site: SmallSite) -> None:
    """A pack for another release is an operator's matter."""
    tab = await small_site.show(ADD_USER)

    with pytest.raises(Failed) as refused:
        await examine(tab, Flow.ADD_USER, "add_user.nowhere")

    assert refused.value.code == "shape-not-known"
