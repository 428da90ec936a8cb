"""What a recording says: calls with their pages, console, requests, times."""

from __future__ import annotations

from pathlib import Path

from agent.recording.recording import Recording
from tests.unit.recording import made
from tests.unit.recording.made import PAGE, answer, call, snapshot

SHEET = b"@charset \"utf-8\"; @import url(more.css) print; p { background: url('dot.png') } q { cursor: url(none.cur) }"


def recorded(folder: Path) -> Recording:
    """Two calls, the second failed; a page that reads style sheets and a picture."""
    linked = ["LINK", {"rel": "stylesheet", "href": "/s/a.css", "media": "screen"}]
    page = ["HTML", {}, ["HEAD", {}, ["BASE", {"href": "http://a.test/x"}], linked], ["BODY", {}, "hello"]]
    trace = [
        call(params={"selector": "#a"}),
        {"type": "log", "callId": "c@1", "message": "waiting"},
        {"type": "input", "callId": "c@1", "point": {"x": 5, "y": 6}, "box": {"x": 1, "y": 2, "width": 3, "height": 4}},
        snapshot(page, timestamp=102),
        snapshot([[1, 5]], phase="action", timestamp=103),
        {"type": "after", "callId": "c@1", "endTime": 104},
        call("c@2", "fill", startTime=300, params={"selector": "#b"}),
        snapshot(
            [[2, 5]], "c@2", timestamp=301, resourceOverrides=[{"url": "http://a.test/s/a.css", "file": "new.css"}]
        ),
        snapshot(
            [[3, 5]], "c@2", "after", timestamp=302, resourceOverrides=[{"url": "http://a.test/s/a.css", "ref": 1}]
        ),
        {
            "type": "console",
            "messageType": "error",
            "text": "bad",
            "time": 301.5,
            "pageId": "p",
            "location": {"url": "u"},
        },
        {"type": "event", "method": "pageError", "time": 301.6, "params": {"error": {"error": {"message": "Oh"}}}},
        {"type": "event", "method": "dialog", "time": 301.7, "params": {"message": "Sure?"}},
        {"type": "after", "callId": "c@2", "endTime": 305, "error": {"message": "Timeout"}},
        call("c@3", "close", startTime=400),
    ]
    network = [
        answer("http://a.test/s/a.css", "resources/a.css"),
        answer("http://a.test/s/more.css", "resources/more.css"),
        answer("http://a.test/s/dot.png", "resources/dot.png", "image/png"),
        answer("http://a.test/api", "", _monotonicTime=301, response={"status": 500}),
        answer(
            "http://a.test/gone", "", _monotonicTime=302, response={"status": -1, "_failureText": "net::ERR_FAILED"}
        ),
    ]
    bodies = {
        "resources/a.css": SHEET,
        "resources/more.css": b"h1 { color: blue }",
        "resources/dot.png": b"\x89PNG",
        "new.css": b"p { color: green }",
    }
    return Recording.open(made.write(folder / "t.zip", trace, network, bodies))


def test_calls_have_their_pages(tmp_path: Path) -> None:
    """Each call with its parameters, place, words and the pages before, during and after it."""
    first, second, third = recorded(tmp_path).actions
    assert (first.name, first.method, first.selector, first.failed, first.ended) == (
        "Frame.click",
        "click",
        "#a",
        False,
        104,
    )
    assert (first.box, first.point) is not None
    assert first.log == ("waiting",)
    assert sorted(first.snapshots) == ["action", "before"]
    assert first.snapshot is first.snapshots["action"]
    assert (second.failed, second.error, sorted(second.snapshots)) == (True, "Timeout", ["after", "before"])
    assert (third.ended, third.snapshot) == (None, None)


def test_a_call_without_a_page_has_the_nearest(tmp_path: Path) -> None:
    """A click that navigates leaves no page after it, and the wait that follows none before it."""
    recording = recorded(tmp_path)
    nearest = recording.page_of(recording.actions[2])
    assert nearest is not None
    assert nearest.name == "after@c@2"


def test_times(tmp_path: Path) -> None:
    """The recording's clock and the time of day, both ways."""
    recording = recorded(tmp_path)
    assert recording.wall_of(100) == 1000.0
    assert recording.monotonic_of(1000.2) == 300
    page = recording.first_page_after(104)
    assert page is not None
    assert page.at == 301
    before = recording.last_page_before(104)
    assert before is not None
    assert before.at == 103
    assert recording.first_page_after(1, page_id="other") is None


def test_what_the_page_said(tmp_path: Path) -> None:
    """Console lines, errors that nobody caught, windows of the browser, failed requests."""
    recording = recorded(tmp_path)
    assert [(line.kind, line.text, line.is_trouble) for line in recording.console] == [
        ("error", "bad", True),
        ("uncaught", "Oh", True),
    ]
    assert [line.text for line in recording.dialogs] == ["Sure?"]
    assert [(item.status, item.failure) for item in recording.network if item.is_trouble] == [
        (500, ""),
        (-1, "net::ERR_FAILED"),
    ]


def test_style_sheets_are_put_in(tmp_path: Path) -> None:
    """With what they import and paint; the changed sheet where a script had changed it by then."""
    recording = recorded(tmp_path)
    before, after = recording.html(recording.pages[0]), recording.html(recording.pages[-1])
    assert '<style media="screen">' in before
    assert "@media print {\nh1 { color: blue }\n}" in before
    assert 'background: url("data:image/png;base64,iVBORw==")' in before
    assert "@charset" not in before
    assert "color: green" not in before
    assert "p { color: green }" in after
    assert "dot.png" not in after


class Elsewhere:
    """The bodies of other recordings, as the store of shared objects gives them."""

    def names(self) -> list[str]:
        return ["resources/shared.css", "resources/lost.css"]

    def read(self, name: str) -> bytes | None:
        return b"p { color: teal }" if name == "resources/shared.css" else None


def test_shared_bodies_are_put_back(tmp_path: Path) -> None:
    """A recording that left a sheet out looks as if it had not, and so does the whole zip made of both."""
    page = ["HTML", {}, ["HEAD", {}, ["LINK", {"rel": "stylesheet", "href": "http://a.test/s.css"}]], ["BODY"]]
    network = [answer("http://a.test/s.css", "resources/shared.css")]
    path = made.write(tmp_path / "t.zip", [snapshot(page)], network)
    alone, together = Recording.open(path), Recording.open(path, Elsewhere())
    assert "teal" not in alone.html(alone.pages[0])
    assert "teal" in together.html(together.pages[0])
    together.archive.assemble(tmp_path / "whole.zip")
    whole = Recording.open(tmp_path / "whole.zip")
    assert whole.html(whole.pages[0]) == together.html(together.pages[0])
    assert whole.archive.names == ("resources/shared.css", "trace.network", "trace.trace")


def test_the_page_says_its_address_as_recorded(tmp_path: Path) -> None:
    """So that links of the rebuilt page read as they did."""
    recording = Recording.open(made.write(tmp_path / "t.zip", [snapshot(PAGE, doctype="html")]))
    html = recording.html(recording.pages[0])
    assert html.startswith("<!DOCTYPE html><html><head>")
    assert '<base href="http://a.test/" data-rebuilt>' in html
