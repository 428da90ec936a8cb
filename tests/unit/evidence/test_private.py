"""With ``people = "subject"`` nobody but the subject is left: in texts, JSON, recorded pages and pictures."""

from __future__ import annotations

import html
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.async_api import BrowserContext

from agent.credentials.known import KnownSecrets
from agent.evidence import pictures
from agent.evidence.folder import EvidenceFolder
from agent.evidence.keeping import Keeping, mask_again
from agent.evidence.picture_files import small
from agent.evidence.private import SOMEBODY, Bystanders, Element, PeopleHooks, people_hooks
from agent.evidence.redact import redact_entries
from flows import Catalogue
from tests.unit.evidence.test_places import call, exchange, page, recording

SUBJECT, OTHER = "mara.lindqvist@example.com", "tom.oduya@example.com"
TWICE_AS_SHARP = f"icon{'@'}2x.png"  # no address, although it looks like one
OTHER_NAME, OTHER_PHONE = "Tom Oduya", "(555) 0100-2233"
SERVICE = "directory-agent@example.com"
HOOKS = PeopleHooks(
    rows=('div[data-qa="tableRow"][data-id]', '[data-qa="change-by"]'),
    names=('[data-qa="name_cell"]', '[data-qa="phone_fax_email_cell"]', '[data-qa="change-by"]'),
    details=('[data-qa="address_cell"]',),
)
REQUEST = {
    "service_account": SERVICE,
    "job": {
        "action": "update",
        "person": {"email": SUBJECT, "attributes": {"first_name": "Mara", "last_name": "Lindqvist"}},
        "reason": {"requested_by": "hr@example.com", "approved_by": "head@example.com"},
    },
}


@pytest.fixture
def bystanders() -> Bystanders:
    """Everybody but Mara Lindqvist."""
    found = Keeping(people=HOOKS).bystanders_of(REQUEST)
    assert found is not None
    return found


def row(number: int, name: str, email: str, *, phone: str = "", street: str = "") -> list[Any]:
    """A row of a list, as recorded."""

    def cell(kind: str, *texts: str) -> list[Any]:
        return ["DIV", {"data-qa": f"{kind}_cell"}, *(["SPAN", {}, text] for text in texts)]

    return [
        "DIV",
        {"data-qa": "tableRow", "data-id": str(number), "data-person-id": str(number + 100)},
        ["INPUT", {"type": "checkbox", "aria-label": name, "data-email": email}],
        cell("name", name),
        cell("phone_fax_email", phone, email),
        cell("address", street),
        cell("vendor_name", "Northwind Builders"),
        ["BUTTON", {}, "Re-Invite"],
    ]


@pytest.mark.parametrize("person", [SUBJECT, SERVICE, "hr@example.com", "head@example.com", SUBJECT.upper()])
def test_whom_the_job_names_may_be_seen(bystanders: Bystanders, person: str) -> None:
    """The subject, the service account, who asked and who approved."""
    assert bystanders.text(f"said {person}.") == f"said {person}."


@pytest.mark.parametrize(
    "encode",
    [str, quote, lambda text: quote(quote(text)), lambda text: text.replace("@", "&#64;"),
     lambda text: text.replace("@", "\\u0040")],
)  # fmt: skip
def test_other_addresses_are_masked(bystanders: Bystanders, encode: Any) -> None:
    """In any encoding; the first letter and the domain stay, so that somebody with access can look them up."""
    masked = bystanders.text(f"found {encode(OTHER)}, not {encode(SUBJECT)}")
    assert "oduya" not in masked
    assert masked.startswith("found t***")
    assert encode(SUBJECT) in masked


def test_names_and_numbers_are_remembered(bystanders: Bystanders) -> None:
    """What stood in somebody's record is masked wherever it comes up later, however encoded; nothing else is."""
    bystanders.value({"name": "Pat O'Brien", "email": OTHER, "phones": [OTHER_PHONE]})
    for text in ("Pat O'Brien", html.escape("Pat O'Brien"), json.dumps("Pat O'Brien"), quote("Pat O'Brien")):
        assert "Brien" not in bystanders.text(f"by {text} today")
    assert bystanders.text(OTHER_PHONE) == SOMEBODY
    assert bystanders.text("Pat O'Briens Patio") == "Pat O'Briens Patio"


def test_a_namesake_does_not_hide_the_subject(bystanders: Bystanders) -> None:
    """A near hit has the subject's name: that stays, and so does the Procore id that tells the two apart."""
    near = {"name": "Mara Lindqvist", "email": OTHER, "user_id": "4711", "phones": [OTHER_PHONE], "company": "Quay"}
    masked = bystanders.value({"matches": [], "near": [near]})["near"][0]
    assert masked == {
        "name": "Mara Lindqvist",
        "email": "t***@example.com",
        "user_id": "4711",
        "phones": ["***"],
        "company": "Quay",
    }
    assert bystanders.text("Mara Lindqvist") == "Mara Lindqvist"


def test_who_changed_something_is_masked(bystanders: Bystanders) -> None:
    """A row of the history is somebody else's even when it is about the subject."""
    change = {"name": OTHER_NAME, "login": OTHER, "field": "Created", "before": "", "after": SUBJECT}
    assert bystanders.value(change) == {**change, "name": SOMEBODY, "login": "t***@example.com"}
    own = {"name": "Directory Agent", "login": SERVICE, "field": "Job Title", "before": "a", "after": "b"}
    assert bystanders.value(own) == own


def test_a_snapshot_is_about_everybody() -> None:
    """So nobody is masked in it; nor is anybody where the settings do not want it."""
    assert Keeping(people=HOOKS).bystanders_of({"job": {"action": "snapshot"}}) is None
    assert Keeping().bystanders_of(REQUEST) is None


def planted(tmp_path: Path) -> Path:
    """A recording with other people in every place."""
    others = row(2, OTHER_NAME, OTHER, phone=OTHER_PHONE, street="12 Quay Road")
    history = ["TD", {"data-qa": "change-by", "data-login": "lee.park@example.com"}, "Lee Park"]
    nameless = row(3, "Ana Contact", "", phone="(555) 0100-7788")
    lines = [
        page(row(1, "Mara Lindqvist", SUBJECT, phone="(555) 0100-1111"), others, nameless),
        page(["TABLE", {}, ["TR", {}, history]], ["P", {}, "Changed by Lee Park"], ["[[1, 3]]"]),
        page(["IMG", {"alt": "Tom Oduya", "src": "/p.jpg"}]),
        call(params={"selector": f'internal:text="{OTHER_NAME}"'}),
        {"type": "log", "callId": "call@1", "message": f"waiting for {OTHER}"},
        {"type": "console", "messageType": "log", "text": f"loaded {OTHER_PHONE}"},
        exchange(request={"url": f"http://a.test/?search={quote(OTHER)}"}),
        exchange(response={"content": {"mimeType": "application/json", "_file": "resources/a.json"}}),
        exchange(response={"content": {"mimeType": "image/jpeg", "_file": "resources/p.jpeg"}}),
    ]
    bodies = {
        "resources/a.json": json.dumps({"people": ["Someone Nobody Learned", OTHER]}),
        "resources/p.jpeg": "a portrait",
        "resources/s.css": f"a {{ background: url({TWICE_AS_SHARP}) }}" * 50,
    }
    return recording(tmp_path / "raw.zip", lines, bodies)


def test_no_byte_of_a_recording_shows_others(tmp_path: Path, bystanders: Bystanders) -> None:
    """Rows, history, arguments, console, addresses, bodies; raw they were all there."""
    raw = planted(tmp_path)
    words = [OTHER, quote(OTHER), OTHER_NAME, OTHER_PHONE, "12 Quay Road", "Lee Park", "lee.park", "Ana Contact"]
    words += ["0100-7788", "Someone Nobody Learned", "a portrait"]
    with zipfile.ZipFile(raw) as archive:
        whole = b"\n".join(archive.read(name) for name in archive.namelist())
    assert [word for word in words if word.encode() not in whole] == []
    entries = redact_entries(raw, KnownSecrets(), bystanders)
    left = b"\n".join(entries.values())
    assert [word for word in words if word.encode() in left] == []
    for kept in (SUBJECT, "Mara Lindqvist", "(555) 0100-1111", "Northwind Builders", "Re-Invite", "data-person-id"):
        assert kept.encode() in left
    assert f"url({TWICE_AS_SHARP})".encode() in entries["resources/s.css"]


def nodes(node: Any) -> int:
    """How many nodes a page has, as references count them."""
    if isinstance(node, str):
        return 1
    return 1 + sum(nodes(child) for child in node[1:] if not isinstance(child, dict))


def test_pages_keep_their_nodes(tmp_path: Path, bystanders: Bystanders) -> None:
    """Later pages refer to earlier ones by counting."""
    raw = planted(tmp_path)
    with zipfile.ZipFile(raw) as archive:
        before = archive.read("trace.trace").decode().splitlines()
    after = redact_entries(raw, KnownSecrets(), bystanders)["trace.trace"].decode().splitlines()
    counts = [
        [nodes(json.loads(line)["snapshot"]["html"]) for line in lines if '"frame-snapshot"' in line]
        for lines in (before, after)
    ]
    assert counts[0] == counts[1]


def test_unknown_markup_in_a_row_is_masked_whole(tmp_path: Path, bystanders: Bystanders) -> None:
    """A row of somebody else without a cell that we know keeps no text at all."""
    strange = ["DIV", {"data-qa": "tableRow", "data-id": "9"}, ["B", {}, "Zoe Newmarkup"], ["I", {}, "Plumber"]]
    raw = recording(tmp_path / "raw.zip", [page(strange)], {})
    left = redact_entries(raw, KnownSecrets(), bystanders)["trace.trace"]
    assert b"Newmarkup" not in left
    assert b"Plumber" not in left


def test_what_was_learned_late_is_masked_early(tmp_path: Path, bystanders: Bystanders) -> None:
    """A name in a line written before anybody knew it for a name is masked before the folder is sealed."""
    folder = EvidenceFolder(tmp_path)
    (tmp_path / "log.jsonl").write_text('{"text":"opened the page of Tom Oduya"}\n')
    bystanders.learn([OTHER_NAME])
    mask_again(folder, bystanders)
    assert OTHER_NAME not in (tmp_path / "log.jsonl").read_text()


def test_the_shipped_catalogue_tells_where_people_stand() -> None:
    """Its hooks are plain enough to be found in a recording."""
    catalogue = Catalogue.load(None)
    hooks = people_hooks(lambda key: catalogue.hooks[key].selector)
    assert HOOKS.rows[0] in hooks.rows
    assert '[role="row"][row-index]' in hooks.rows  # the grids of the new generation
    link = next(Element.parse(name) for name in hooks.names if name.startswith("a["))
    assert link.matches("A", {"href": "/webclients/host/companies/1/tools/directory/edit_person/7"})
    assert not link.matches("A", {"href": "/1/company/directory/edit_vendor/7"})
    with pytest.raises(ValueError, match="not the CSS of one element"):
        people_hooks(lambda _: "div.row > span")


LIST_PAGE = """<!doctype html><title>Directory</title><style>body {{ margin: 0; background: #fff }}
[data-qa] {{ font: 16px Arial; height: 40px }} [data-qa=tableRow] {{ display: flex; gap: 20px; height: 60px }}</style>
<h1>Users</h1><div data-qa="tableRow" data-id="1"><div data-qa="name_cell">Mara Lindqvist</div>
<div data-qa="phone_fax_email_cell">{subject}</div></div>
<div data-qa="tableRow" data-id="2" style="background:#fe0000"><div data-qa="name_cell">Tom Oduya</div>
<div data-qa="phone_fax_email_cell">{other}</div></div><p style="color:#0000fe">Write to {other}</p>
<p style="height:3000px">end</p>"""


async def test_others_are_covered_in_a_picture(context: BrowserContext, bystanders: Bystanders) -> None:
    """Their rows and addresses are grey, the subject's row is not; the page itself is as it was."""
    tab = await context.new_page()
    await tab.set_content(LIST_PAGE.format(subject=SUBJECT, other=OTHER))
    before = await tab.content()
    shown = await pictures.take(tab)
    hidden = await pictures.take(tab, bystanders=bystanders)
    assert shown.data is not None
    assert hidden.data is not None
    assert await tab.content() == before
    assert has_colour(small(shown.data), (254, 0, 0))
    assert not has_colour(small(hidden.data), (254, 0, 0))
    with Image.open(io.BytesIO(hidden.data)) as picture:
        assert picture.size == (1280, 900)  # where others are is known of the window alone
        boxes = await tab.evaluate(
            "() => [...document.querySelectorAll('[data-qa=tableRow], p:nth-of-type(1)')]"
            ".map((el) => el.getBoundingClientRect()).map((box) => [box.left + 30, box.top + 8])"
        )
        grey = [is_grey(picture, place) for place in boxes]
    assert grey == [False, True, True]


async def test_a_page_without_others_is_pictured_whole(context: BrowserContext, bystanders: Bystanders) -> None:
    """The Edit page of the subject loses nothing."""
    tab = await context.new_page()
    await tab.set_content(f"<h1>Mara Lindqvist</h1><p>{SUBJECT}</p><p style='height:2000px'>end</p>")
    picture = await pictures.take(tab, bystanders=bystanders)
    assert picture.height > 2000


async def test_a_page_that_moves_is_not_pictured(context: BrowserContext, bystanders: Bystanders) -> None:
    """Where the places of others differ before and after, nobody can tell what the picture shows."""
    tab = await context.new_page()
    await tab.set_content(LIST_PAGE.format(subject=SUBJECT, other=OTHER))
    await tab.evaluate(
        "() => { let n = 0; const step = () => { document.body.style.paddingTop = `${n++ % 500}px`;"
        " requestAnimationFrame(step) }; step() }"
    )
    picture = await pictures.take(tab, bystanders=bystanders)
    assert picture.data is None
    assert "could not be covered" in picture.missing


def has_colour(data: bytes, wanted: tuple[int, int, int]) -> bool:
    """Whether a good part of the picture has about this colour."""
    with Image.open(io.BytesIO(data)) as opened:
        pixels = opened.convert("RGB").resize((128, 90), Image.Resampling.NEAREST)
    colours = pixels.getcolors(128 * 90) or []
    found = sum(count for count, pixel in colours if isinstance(pixel, tuple) and is_about(pixel, wanted))
    return found > 20


def is_about(pixel: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    """Whether two colours are nearly the same."""
    return all(abs(one - other) < 30 for one, other in zip(pixel, wanted, strict=True))


def is_grey(picture: Image.Image, place: tuple[float, float]) -> bool:
    """Whether the picture is covered there."""
    pixel = picture.convert("RGB").getpixel((int(place[0]), int(place[1])))
    assert isinstance(pixel, tuple)
    return all(abs(value - 128) < 12 for value in pixel)
