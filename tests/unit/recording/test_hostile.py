"""A recording that was damaged or made to harm ends in RecordingNotUnderstood, at once, and never in a hang."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.recording import archive as archives
from agent.recording.archive import RecordingNotUnderstood
from agent.recording.recording import Recording
from tests.unit.recording import made
from tests.unit.recording.made import OPENING, PAGE, answer, call, snapshot

pytestmark = pytest.mark.timeout(20)


def nested(depth: int) -> Any:
    """An element in an element in an element."""
    node: Any = "deep"
    for _ in range(depth):
        node = ["DIV", {}, node]
    return ["HTML", {}, node]


def laughing(levels: int) -> list[Any]:
    """Each page holds the one before it ten times: a short file that says a page of ten to the power of levels."""
    first = snapshot(["HTML", {}, ["P", {}, "ha"]])
    # In the first page the paragraph has number 1, in each later one the element around the ten has number 0.
    later = [snapshot(["HTML", {}, ["DIV", {}, *[[[1, 1 if not level else 0]]] * 10]]) for level in range(levels)]
    return [first, *later]


def deeper(levels: int) -> list[Any]:
    """Each page holds the one before it, one level down: no line is nested, the page is."""
    return [
        snapshot(["HTML", {}, "x"]),
        *[snapshot(["HTML", {}, ["DIV", {}, [[1, 1]]]]) for _ in range(levels)],
    ]


TRACES: dict[str, Callable[[], list[Any] | bytes]] = {
    "not JSON": lambda: b'{"version": 10, "type": "context-options"}\n{"type": ',
    "not an object": lambda: [[1, 2]],
    "nested JSON": lambda: b"[" * 200_000 + b"]" * 200_000,
    "endless number": lambda: b'{"version": 10, "type": "context-options", "wallTime": ' + b"9" * 5000 + b"}",
    "no numbers": lambda: [snapshot(PAGE, timestamp=float("nan"))],
    "a truth for a number": lambda: [snapshot(PAGE, timestamp=True)],
    "a call without an id": lambda: [{"type": "before", "startTime": 1}],
    "a snapshot of nothing": lambda: [snapshot(None)],
    "a snapshot of a number": lambda: [snapshot(7)],
    "a snapshot that is a text": lambda: [snapshot("text")],
    "an element without a name": lambda: [snapshot(["", {}])],
    "an element that is a list": lambda: [snapshot([["A"], {}])],
    "attributes that are none": lambda: [snapshot(["HTML", "BODY"])],
    "a reference into itself": lambda: [snapshot(["HTML", {}, [[0, 0]]])],
    "a reference forward": lambda: [snapshot(PAGE), snapshot(["HTML", {}, [[-1, 0]]])],
    "a reference before the first": lambda: [snapshot(["HTML", {}, [[1, 0]]])],
    "a reference to no node": lambda: [snapshot(PAGE), snapshot([[1, 99]])],
    "a negative reference": lambda: [snapshot(PAGE), snapshot([[1, -1]])],
    "a reference of truths": lambda: [snapshot(PAGE), snapshot([[True, True]])],
    "a node within a node, 5,000 deep": lambda: [snapshot(nested(700))],
    "pages within pages": lambda: deeper(5_000),
    "ten to the power of twelve nodes": lambda: laughing(12),
    "a sheet that is not there": lambda: [snapshot(PAGE, resourceOverrides=[{"url": "http://a.test/a.css", "ref": 1}])],
    "a sheet without an address": lambda: [snapshot(PAGE, resourceOverrides=[{"ref": 1}])],
    "a page without a frame": lambda: [{"type": "frame-snapshot", "snapshot": {"html": PAGE}}],
}


@pytest.mark.parametrize("what", TRACES)
def test_a_spoilt_trace(what: str, tmp_path: Path) -> None:
    """Each way to spoil the lines is told as what it is."""
    path = made.write(tmp_path / "trace.zip", TRACES[what]())
    with pytest.raises(RecordingNotUnderstood) as caught:
        Recording.open(path)
    assert caught.value.code == "recording-not-understood"


@pytest.mark.parametrize(
    "opening",
    [None, {**OPENING, "version": 9}, {**OPENING, "version": "10"}, {**OPENING, "wallTime": None}],
    ids=["none", "format 9", "a text", "no time"],
)
def test_another_format(opening: Any, tmp_path: Path) -> None:
    """A format that we have not studied is not guessed at."""
    with pytest.raises(RecordingNotUnderstood):
        Recording.open(made.write(tmp_path / "trace.zip", [snapshot(PAGE)], opening=opening))


@pytest.mark.parametrize(
    "name", ["../up", "/root/x", "a/../../b", "C:\\x", "a\\b", "resources/../../x"], ids=lambda name: repr(name)
)
def test_a_name_that_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    """The viewer's folder is filled from the zip: nothing may be written beside it."""
    with pytest.raises(RecordingNotUnderstood, match="name"):
        Recording.open(made.write(tmp_path / "trace.zip", [], bodies={name: b"x"}))


def test_no_zip_at_all(tmp_path: Path) -> None:
    """Text, an empty file, a zip cut in the middle, a missing file."""
    whole = made.write(tmp_path / "whole.zip", [snapshot(PAGE)]).read_bytes()
    for number, data in enumerate((b"", b"no zip", whole[: len(whole) // 2], whole[:-10])):
        (tmp_path / f"{number}.zip").write_bytes(data)
        with pytest.raises(RecordingNotUnderstood):
            Recording.open(tmp_path / f"{number}.zip")
    with pytest.raises(RecordingNotUnderstood):
        Recording.open(tmp_path / "nowhere.zip")


def test_a_zip_without_a_trace(tmp_path: Path) -> None:
    """Or with two of them: which one is meant?"""
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    twice = made.write(tmp_path / "two.zip", [snapshot(PAGE)], bodies={"other.trace": made.lines([OPENING])})
    for path in (tmp_path / "none.zip", twice):
        with pytest.raises(RecordingNotUnderstood):
            Recording.open(path)


def test_a_changed_byte_in_a_compressed_part(tmp_path: Path) -> None:
    """The checksum of the zip does not fit any more."""
    path = made.write(tmp_path / "trace.zip", [snapshot(PAGE)] * 50)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingNotUnderstood):
        Recording.open(path)


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would unpack to more than any recording is not unpacked; one that lies about its size is cut short."""
    monkeypatch.setattr(archives, "LARGEST_WHOLE", 1_000_000)
    path = made.write(tmp_path / "bomb.zip", [], bodies={"resources/zeros.css": b"\0" * 2_000_000})
    assert path.stat().st_size < 10_000
    with pytest.raises(RecordingNotUnderstood, match="larger"):
        Recording.open(path)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    recording = Recording.open(path)
    assert recording.bodies.named("resources/zeros.css") is None
    assert "damaged" in recording.bodies.lost["resources/zeros.css"]


def test_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of a million empty files is no recording."""
    monkeypatch.setattr(archives, "MOST_ENTRIES", 20)
    with pytest.raises(RecordingNotUnderstood, match="entries"):
        Recording.open(made.write(tmp_path / "t.zip", [], bodies={f"resources/{n}": b"" for n in range(30)}))


def test_sheets_that_import_each_other(tmp_path: Path) -> None:
    """A ring of imports ends; ten imports of ten imports of ten end, too."""
    urls = [f"http://a.test/{n}.css" for n in range(10)]
    ring = "".join(f'@import "{url}";' for url in urls).encode() + b"p { color: red }"
    page = ["HTML", {}, ["HEAD", {}, ["LINK", {"rel": "stylesheet", "href": urls[0]}]], ["BODY", {}]]
    path = made.write(
        tmp_path / "t.zip",
        [snapshot(page)],
        [answer(url, f"resources/{n}.css") for n, url in enumerate(urls)],
        {f"resources/{n}.css": ring for n in range(10)},
    )
    recording = Recording.open(path)
    assert "color: red" in recording.html(recording.pages[0])


@pytest.mark.parametrize(
    "css",
    [
        "url(" * 400_000,
        "url(" + " " * 1_000_000,
        "@import 'x' " * 100_000,
        "@import url('x' " * 100_000,
        "url('" * 300_000,
    ],
    ids=lambda css: css[:15],
)
def test_sheets_written_to_take_for_ever(css: str, tmp_path: Path) -> None:
    """A sheet is gone through once, however it is written."""
    recording = Recording.open(
        made.write(tmp_path / "t.zip", [snapshot(["HTML", {}, ["HEAD", {}, ["STYLE", {}, css]]])])
    )
    assert len(recording.html(recording.pages[0])) >= len(css) / 20


def test_frames_within_themselves(tmp_path: Path) -> None:
    """A frame that shows itself is shown once."""
    page = ["HTML", {}, ["BODY", {}, *[["IFRAME", {"src": "/snapshot/f"}], ["IFRAME", {"src": "/snapshot/g"}]] * 3]]
    path = made.write(tmp_path / "t.zip", [snapshot(page), snapshot(page, frameId="g", isMainFrame=False)])
    recording = Recording.open(path)
    assert recording.html(recording.pages[0]).count("<iframe") == 6


@pytest.mark.parametrize(
    ("node", "never"),
    [
        (["SCRIPT", {}, "alert(1)"], "alert"),
        (["IMG", {"onerror": "alert(1)", "src": "x"}], "alert"),
        (["A", {"href": " jav\tascript:alert(1)"}, "x"], "alert"),
        (["STYLE", {}, "</style><script>alert(1)</script>"], "</style><script"),
        (["template", {"__playwright_style_sheet_": "</style><script>alert(1)</script>"}], "</style><script"),
        (["P><script>alert(1)</script", {}], "<script"),
        (["P", {'x"><script>': "alert(1)"}], "<script"),
        (["P", {"title": '"><script>alert(1)</script>'}], "<script"),
        (["TITLE", {}, "</title><script>alert(1)</script>"], "<script"),
        (["TEXTAREA", {"__playwright_value_": "</textarea><script>"}], "<script"),
        (["XMP", {}, "</xmp><script>"], "<script"),
        (["PLAINTEXT", {}, "x"], "<plaintext"),
        (["IFRAME", {"src": "http://b.test/", "srcdoc": "<script>"}], "b.test"),
        (["IFRAME", {"src": "/snapshot/nobody"}], "nobody"),
        (["OBJECT", {"data": "http://b.test/"}], "b.test"),
        (["EMBED", {"src": "http://b.test/"}], "b.test"),
        (["VIDEO", {"src": "http://b.test/", "autoplay": ""}], "b.test"),
        (["LINK", {"rel": "preconnect", "href": "http://b.test/"}], "b.test"),
        (["META", {"http-equiv": "refresh", "content": "0;url=x"}], ' http-equiv="refresh'),
        (["svg", {}, ["script", {}, "alert(1)"]], "alert"),
    ],
)
def test_nothing_that_runs_or_loads_gets_into_a_page(node: Any, never: str, tmp_path: Path) -> None:
    """Neither an honest page's scripts nor markup smuggled into texts, names and values."""
    path = made.write(tmp_path / "t.zip", [call(), snapshot(["HTML", {}, ["HEAD"], ["BODY", {}, node, "end"]])])
    recording = Recording.open(path)
    html = recording.html(recording.pages[0])
    assert never not in html
    assert html.endswith("end</body></html>")
    assert "Content-Security-Policy" in html
