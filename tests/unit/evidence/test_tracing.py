"""A recording put together from where the browser's driver laid it down."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from agent.evidence.raw_recording import RawRecording
from agent.evidence.tracing import JobTrace, discard, gather


def entries(path: Path) -> dict[str, bytes]:
    """The entries of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def left_of(name: str, traces_dir: Path) -> list[str]:
    """Files of a recording that are still there."""
    return [path.name for path in traces_dir.rglob("*") if path.name.startswith(name)]


async def some_work(context: BrowserContext, site: str) -> None:
    """Pages with styles, a typed word and a post."""
    page = await context.new_page()
    await page.goto(f"{site}/person")
    await page.get_by_label("Job Title").fill("Site Engineer")
    await page.evaluate("fetch('/api', {method: 'POST', body: JSON.stringify({a: 1})}).then((answer) => answer.text())")
    await page.goto(f"{site}/sign_in")


async def test_it_holds_what_playwrights_own_zip_holds(
    context: BrowserContext, traces_dir: Path, site: str, tmp_path: Path
) -> None:
    """All of it but where in our source the calls came from: every line, and the bodies of all answers."""
    await context.tracing.start(name="own", snapshots=True)
    await some_work(context, site)
    await context.tracing.stop(path=tmp_path / "own.zip")
    own = entries(tmp_path / "own.zip")
    raw = gather(traces_dir, "own", is_whole=True)
    assert raw is not None
    assert own.pop("trace.stacks")
    assert sum(name.startswith("resources/") for name in own) > 1
    assert entries(raw) == own


async def test_a_recording_that_was_stopped_is_as_whole_as_one_that_was_packed(
    context: BrowserContext, traces_dir: Path, site: str
) -> None:
    """The driver has written all of it when stop returns: each call is ended, each body that is named is there."""
    trace = JobTrace(context, traces_dir, "stopped")
    await trace.start()
    await some_work(context, site)
    raw = await trace.stop()
    assert raw is not None
    recording = RawRecording.open(raw)
    lines = recording.lines["trace.trace"]
    begun = {line["callId"] for line in lines if line["type"] == "before"}
    assert begun == {line["callId"] for line in lines if line["type"] == "after"}
    assert recording.content_types().keys() <= recording.entries.keys()
    discard(traces_dir, "stopped")
    assert left_of("stopped", traces_dir) == []


@pytest.mark.parametrize("torn", ['{"type":"after","callId":"call', '{"type":"after","callId":"call@9"'])
def test_a_line_that_was_torn_is_dropped(tmp_path: Path, torn: str) -> None:
    """A process died while it wrote; what it had written before counts."""
    first = '{"type":"context-options","version":10}'
    (tmp_path / "a.trace").write_text(f"{first}\n{torn}")
    raw = gather(tmp_path, "a")
    assert raw is not None
    assert entries(raw) == {"trace.trace": f"{first}\n".encode()}


def test_what_lies_elsewhere_is_not_taken_in(tmp_path: Path) -> None:
    """A recording names the files of its bodies; none outside its folder is read."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "traces"
    (folder / "resources").mkdir(parents=True)
    (folder / "resources" / "body").write_text("body")
    (folder / "a.trace").write_text('{"_file":"../secret"}\n{"_file":"resources/body"}\n{"_file":"resources/gone"}\n')
    raw = gather(folder, "a", is_whole=True)
    assert raw is not None
    assert entries(raw).keys() == {"trace.trace", "resources/body"}


def test_without_a_recording_there_is_none(tmp_path: Path) -> None:
    """Nothing is made up."""
    assert gather(tmp_path, "a") is None
