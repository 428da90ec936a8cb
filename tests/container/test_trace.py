"""``agent trace show`` in a container: the host's loopback reaches the viewer, and nobody else does."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import psutil
import pytest
from playwright.async_api import async_playwright, expect

from fixtures.running import browser_path
from tests.container import engine
from tests.container.engine import HARDENED, OWN_NETWORK, podman
from tests.container.installation import Installation

WHY_NOT = engine.why_not()
pytestmark = [
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be run"),
    pytest.mark.timeout(2400),
]
PATIENCE_S = 10.0
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # of the container: the engine decides which of the host's lead there


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def other_addresses() -> list[str]:
    """This machine's addresses that others can reach, but those of the engine's own bridges."""
    return [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if address.family is socket.AF_INET
        and not address.address.startswith("127.")
        and not name.startswith(("cni", "podman"))
    ]


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S):
            return True
    except OSError:
        return False


def fetched(url: str) -> bytes:
    """What is at an address, asked without any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE_S) as answer:
        assert answer.status == 200
        return bytes(answer.read())


def shown_at(process: subprocess.Popen[str]) -> str:
    """The address that the command tells for the recording."""
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line.rstrip())
        if found := re.search(r"^>.*?(http://\S+)$", said[-1]):
            return found[1]
    raise AssertionError("\n".join(said))


async def expect_recording_in_a_browser(address: str) -> None:
    """The viewer's page works there: an action of the recording is listed, and its page is shown."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(browser_path()))
        page = await browser.new_page(viewport={"width": 1400, "height": 900})
        await page.goto(address)
        typed = page.get_by_role("tree").get_by_role("treeitem").filter(has_text='Fill "Lindqvist"')
        await expect(typed).to_be_visible(timeout=30_000)
        await typed.click()
        await page.get_by_role("tab", name="After").click()
        shown = page.frame_locator("iframe.snapshot-visible").locator('form#new_user [id="user_last_name"]')
        await expect(shown).to_have_value("Lindqvist", timeout=30_000)
        await browser.close()


def recorded(installation: Installation) -> str:
    """A job that was done, with its evidence in the volume; its id."""
    ran = installation.once("run-job", "/jobs/demo-provision.json", "--yes", "--json")
    assert ran.code == 0, ran.told
    return Path(json.loads(ran.out)["jobs"][0]["evidence"]).name


async def test_the_hosts_loopback_reaches_the_viewer_and_nobody_else(installation: Installation) -> None:
    """As docs/how-to/debug-a-job.md has it: published to 127.0.0.1, the host fetches the page and the recording and a
    browser there shows the pages; the host's other addresses refuse; ended, the port is closed and nothing is left."""
    job, port = recorded(installation), free_port()
    words = ("trace", "show", job, "--host", EVERY_ADDRESS, "--port", str(port), "--no-open")
    with installation.published(port, *words) as process:
        address = shown_at(process)
        assert address.startswith(f"http://localhost:{port}/")
        assert b"<title>Playwright Trace Viewer" in fetched(address)
        recording = parse_qs(urlsplit(address).query)["trace"][0]
        with zipfile.ZipFile(io.BytesIO(fetched(urljoin(address, recording)))) as archive:
            assert any(name.endswith(".trace") for name in archive.namelist())
            assert unquote(recording).startswith("file?path=/tmp/"), "on the tmpfs, gone with the container"

        await expect_recording_in_a_browser(address)

        assert other_addresses(), "a machine with loopback only proves nothing here"
        assert [host for host in other_addresses() if answers(host, port)] == []
    assert not answers("127.0.0.1", port)


async def test_by_itself_it_listens_inside_the_container_only(installation: Installation) -> None:
    """Without --host not even a published port leads to it: who wants it seen says so."""
    job, port = recorded(installation), free_port()
    with installation.published(port, "trace", "show", job, "--port", str(port), "--no-open") as process:
        assert shown_at(process).startswith(f"http://127.0.0.1:{port}/")
        with pytest.raises(OSError, match=r"[Rr]eset|refused|closed"):
            fetched(f"http://127.0.0.1:{port}/")


async def test_on_the_hosts_network_it_is_the_hosts_loopback(installation: Installation) -> None:
    """With --network host and no --host: the host reaches it at once, and nobody else does."""
    job, port = recorded(installation), free_port()
    with installation.on_the_hosts_network("trace", "show", job, "--port", str(port), "--no-open") as process:
        address = shown_at(process)
        assert address.startswith(f"http://127.0.0.1:{port}/")
        assert b"<title>Playwright Trace Viewer" in fetched(address)
        assert [host for host in other_addresses() if answers(host, port)] == []
    assert not answers("127.0.0.1", port)


def test_planted_a_port_published_to_everybody_is_seen(image: str) -> None:
    """The check of the other addresses finds a port that is published without an address."""
    port, name = free_port(), "agent-published-to-all"
    words = ["--entrypoint", "python", image, "-m", "http.server", str(port), "--directory", "/tmp"]
    started = podman("run", "-d", "--rm", "--name", name, "-p", f"{port}:{port}", *OWN_NETWORK, *HARDENED, *words)
    try:
        assert started.code == 0, started.told
        deadline = time.monotonic() + 60
        while not answers("127.0.0.1", port):
            assert time.monotonic() < deadline, podman("logs", name).told
        assert [host for host in other_addresses() if answers(host, port)] == other_addresses()
    finally:
        podman("rm", "-f", "-t", "0", name)
