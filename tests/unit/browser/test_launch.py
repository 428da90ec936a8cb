"""One warm browser: fenced in, restarted when it dies, closed for certain."""

from __future__ import annotations

import asyncio
import gc
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from agent.browser import launch, processes
from agent.browser.launch import LaunchOptions, WarmBrowser, closed_in_time, resolver_rules
from agent.browser.read_only import read_only
from agent.errors import Failed
from tests import signals


def options(folder: Path) -> LaunchOptions:
    """The browser of this machine."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert path is not None
    return LaunchOptions(executable=Path(path), allowed_hosts=("login.example.com",), traces_dir=folder / "traces")


@pytest.fixture
async def warm(tmp_path: Path) -> AsyncIterator[WarmBrowser]:
    """A browser that is closed at the end, whatever the test did to it."""
    async with WarmBrowser(options(tmp_path)) as browser:
        yield browser


async def test_what_stays_for_good_is_not_collected_again(warm: WarmBrowser) -> None:
    """Modules and models are put aside once, and what comes later is not, however often the browser starts."""
    gc.unfreeze()
    await warm.ready()
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    await warm.close()
    await warm.ready()
    assert gc.get_freeze_count() <= frozen


class _Pages(BaseHTTPRequestHandler):
    seen: list[str] = []  # noqa: RUF012  # one list for the server's life

    def _answer(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        body = b"<form method=post action=/save><button>Save</button></form>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # names of the standard library

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[str]:
    """A page with a form, on a free port."""
    _Pages.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_only_the_tenants_hosts_and_this_machine_resolve() -> None:
    """The rule maps everything to nowhere and excludes what is allowed."""
    rules = resolver_rules(["Login.Example.com", "*.example.com", "login.example.com"])
    assert rules == (
        "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost, "
        "EXCLUDE login.example.com, EXCLUDE *.example.com"
    )


async def test_a_host_that_is_not_allowed_is_not_even_looked_up(warm: WarmBrowser) -> None:
    """The fence holds in the browser, not only in the text of the rule."""
    page = await (await warm.ready()).new_page()
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://tracker.example.net/")


async def test_this_machine_is_reachable(warm: WarmBrowser, server: str) -> None:
    """The sandbox lives on loopback."""
    page = await (await warm.ready()).new_page()
    answer = await page.goto(server)
    assert answer is not None
    assert answer.status == 200


async def test_a_page_opens_no_window(warm: WarmBrowser, server: str) -> None:
    """Neither by a form that is sent to another window, which would be a write that no guard sees, nor by a script;
    windows of our own come as ever."""
    if "shell" not in warm.options.executable.name:
        pytest.skip("only the headless shell can be told so")
    context = await (await warm.ready()).new_context()
    page = await context.new_page()
    await page.goto(server)
    await page.evaluate("document.forms[0].target = '_blank'")
    await page.get_by_role("button").click()
    assert await page.evaluate("window.open('/opened')") is None
    await page.goto(f"{server}after")
    assert [seen for seen in _Pages.seen if "favicon" not in seen] == ["GET /", "GET /after"]
    assert context.pages == [page]
    await (await context.new_page()).goto(f"{server}ours")
    assert "GET /ours" in _Pages.seen


async def test_traces_lie_in_a_folder_of_our_own(warm: WarmBrowser) -> None:
    """Unredacted traces are nobody else's to read."""
    await warm.ready()
    assert stat.S_IMODE(warm.options.traces_dir.stat().st_mode) == 0o700


async def test_no_own_list_of_disabled_features(warm: WarmBrowser) -> None:
    """It would replace Playwright's list, and the browser would phone home."""
    await warm.ready()
    assert warm.pid is not None
    given = [word for word in psutil.Process(warm.pid).cmdline() if word.startswith("--disable-features=")]
    assert len(given) <= 1


async def test_the_same_browser_serves_until_it_dies_and_then_another_one(warm: WarmBrowser) -> None:
    """Warm from job to job; after a kill the next job gets a new one."""
    first = await warm.ready()
    assert await warm.ready() is first
    pid = warm.pid
    assert pid is not None
    signals.kill(pid)
    while first.is_connected():
        await _turn()
    assert await warm.ready() is not first
    assert warm.pid != pid


async def test_a_browser_that_hangs_is_killed_on_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process answers nothing; closing gives up on it in time and leaves no process behind."""
    monkeypatch.setattr(launch, "CLOSE_LIMIT_S", 0.5)
    monkeypatch.setattr(closed_in_time, "__defaults__", (0.5,))
    warm = WarmBrowser(options(tmp_path))
    await warm.ready()
    pid = warm.pid
    assert pid is not None
    signals.stop(pid)
    assert not await warm.answers(0.5)
    await warm.close()
    assert signals.has_ended(pid)


async def test_a_heavy_driver_is_noticed(warm: WarmBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver grows with use; past its limit it is to be closed."""
    assert not warm.is_worn
    await warm.ready()
    assert not warm.is_worn
    monkeypatch.setattr(launch, "DRIVER_LIMIT_MIB", 1)
    assert warm.is_worn
    await warm.close()
    assert not warm.is_worn


async def test_a_browser_that_does_not_start_says_so(tmp_path: Path) -> None:
    """An error with a code, and nothing left running."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    warm = WarmBrowser(LaunchOptions(executable=broken, allowed_hosts=(), traces_dir=tmp_path / "traces"))
    with pytest.raises(Failed) as caught:
        await warm.ready()
    assert caught.value.code == "browser-broken"


def test_only_a_marked_process_is_ever_ended() -> None:
    """Nothing that we did not launch is found, and nothing is ended for nothing."""
    assert processes.find_marked("no-such-mark") is None
    assert processes.end(None) is False


async def test_the_network_guard_of_a_dry_run_aborts_whatever_could_write(warm: WarmBrowser, server: str) -> None:
    """Form posts and script requests never arrive; reading does; afterwards everything works again."""
    context = await (await warm.ready()).new_context(service_workers="block")
    page = await context.new_page()
    async with read_only(context) as held:
        await page.goto(server)
        await page.evaluate("fetch('/gone', {method: 'DELETE'}).catch(() => null)")
        await page.evaluate("navigator.sendBeacon('/beacon', 'x')")
        await page.get_by_role("button").click()
        while len(held) < 3:
            await _turn()
    assert sorted(held) == ["DELETE /gone", "POST /beacon", "POST /save"]
    assert {line.split()[0] for line in _Pages.seen} == {"GET"}
    await page.goto(server)
    await page.evaluate("fetch('/gone', {method: 'DELETE'})")
    assert _Pages.seen[-1] == "DELETE /gone"


async def _turn() -> None:
    await asyncio.sleep(0.01)
