"""No request leaves for the tenant: its address is watched while a job is gone through again."""

from __future__ import annotations

import asyncio
import json
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser

from agent.recording.recording import Recording
from agent.recording.snapshots import Snapshot
from tests.browser.replay.conftest import replayed

LEAK = '<!DOCTYPE html><html lang="en"><body><img src="http://127.0.0.1:{port}/leak.png"></body></html>'


class Tenant:
    """Listens where the recorded tenant was, and counts who comes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.came = 0


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    """Somebody who would notice."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        watched.came += 1
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    watched = Tenant(server.sockets[0].getsockname()[1])
    yield watched
    server.close()
    await server.wait_closed()


def moved(folder: Path, port: int) -> Path:
    """The evidence, as if it had been recorded on a tenant that listens on this port of ours."""
    address = re.compile(rb"http://[a-z0-9.]+\.localhost:\d+")
    here = f"http://127.0.0.1:{port}".encode()
    trace = folder / "trace.zip"
    with zipfile.ZipFile(trace) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(trace, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, address.sub(here, data))
    return folder


async def test_nothing_reaches_the_tenant(walled: Browser, copied: Callable[[str], Path], tenant: Tenant) -> None:
    """Every recorded page is shown under the tenant's own address, and the tenant hears nothing."""
    folder = moved(copied("read"), tenant.port)
    pages = Recording.open(folder / "trace.zip").pages

    replay = await replayed(folder, walled)

    assert all(f":{tenant.port}/" in page.url for page in pages)
    assert replay.uses > 0
    assert replay.outgoing == 0
    assert tenant.came == 0


async def test_a_page_that_asks_is_stopped_and_counted(
    walled: Browser, copied: Callable[[str], Path], tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted violation: pages rebuilt with a picture of the tenant in them. It is counted and does not come."""
    folder = moved(copied("read"), tenant.port)

    def leaking(recording: Recording, snapshot: Snapshot) -> str:
        return LEAK.format(port=tenant.port)

    monkeypatch.setattr(Recording, "html", leaking)

    replay = await replayed(folder, walled)

    assert replay.outgoing > 0
    assert tenant.came == 0


async def test_the_watch_would_notice(browser: Browser, tenant: Tenant) -> None:
    """The same page in an ordinary browser does reach the tenant: the oracle can fail."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.set_content(LEAK.format(port=tenant.port))
    await context.close()

    assert tenant.came > 0


async def test_the_document_says_that_nothing_left(walled: Browser, copied: Callable[[str], Path]) -> None:
    """A machine that reads the outcome finds the count in it."""
    document = (await replayed(copied("read"), walled)).document()

    assert document["outgoing_requests"] == 0
    assert json.loads(json.dumps(document))["agrees"] is True
