"""One driver and one warm browser for all jobs of a process.

The browser may reach the tenants' hosts and nothing else: host names outside the allow-list do not resolve (not when a
proxy is set: then the proxy decides). Closing never hangs: each close has a limit, after which the process is killed.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
from playwright.async_api import Browser, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from agent.browser import orphans, processes
from agent.browser.find import driver_trouble
from agent.errors import Failed

CLOSE_LIMIT_S = 5.0
START_LIMIT_S = 60.0
DRIVER_LIMIT_MIB = 600  # node grows with the flows it has driven: 140 MiB fresh, 194 after 70 flows [measured]
LOOPBACK = ("127.0.0.1", "localhost", "*.localhost")


@dataclass(frozen=True)
class LaunchOptions:
    """How the browser is started."""

    executable: Path
    allowed_hosts: tuple[str, ...]
    traces_dir: Path  # holds unredacted traces while a job runs: made with mode 0700
    headed: bool = False
    slow_ms: int = 0
    #: the agent's folder of state: what a killed agent leaves running is found by it (agent/browser/orphans.py)
    state: Path | None = None


def resolver_rules(allowed_hosts: Iterable[str]) -> str:
    """The value of ``--host-resolver-rules``: nothing resolves but these hosts and loopback.

    ``example.com`` allows that name only, ``*.example.com`` every name below it.
    """
    hosts = dict.fromkeys([*LOOPBACK, *(host.lower() for host in allowed_hosts)])
    return ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in hosts)])


class WarmBrowser:
    """A driver with its browser, started on first use and again when it died or grew too heavy."""

    def __init__(self, options: LaunchOptions) -> None:
        self.options = options
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._process: psutil.Process | None = None
        self._driver: psutil.Process | None = None
        self._note: Path | None = None

    async def __aenter__(self) -> WarmBrowser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def version(self) -> str:
        """Version of the running browser; empty when none runs."""
        return self._browser.version if self._browser else ""

    @property
    def pid(self) -> int | None:
        """Process id of the running browser."""
        return self._process.pid if self._process else None

    async def ready(self) -> Browser:
        """The browser, started if need be. Raises Failed("browser-broken") when it does not start."""
        if self._browser is not None and self._browser.is_connected():
            return self._browser
        await self.close()
        self.options.traces_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.options.traces_dir.chmod(0o700)
        try:
            return await asyncio.wait_for(self._start(), START_LIMIT_S)
        except (TimeoutError, PlaywrightError) as error:
            await self.close()
            raise self._broken(str(error).strip() or f"no answer within {START_LIMIT_S:.0f} s") from error
        except Exception as error:  # the driver's own failure arrives as a bare Exception
            await self.close()
            raise self._broken(await asyncio.to_thread(driver_trouble) or str(error)) from error

    async def _start(self) -> Browser:
        before = {child.pid for child in psutil.Process().children()}
        self._playwright = await async_playwright().start()
        self._driver = next((child for child in psutil.Process().children() if child.pid not in before), None)
        mark = orphans.mark(self.options.state)
        self._browser = await self._playwright.chromium.launch(
            executable_path=str(self.options.executable),
            headless=not self.options.headed,
            slow_mo=self.options.slow_ms or None,
            traces_dir=str(self.options.traces_dir),
            # Signals are ours: with Playwright's own handlers Ctrl-C closes the browser before evidence is kept.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            # Never --disable-features here: it would replace Playwright's own list, and the browser phones home.
            args=[
                f"--host-resolver-rules={resolver_rules(self.options.allowed_hosts)}",
                f"{processes.MARK}={mark}",
                # Over HTTP/2 "Connection: close" means nothing, and Chromium could repeat a lost write by itself.
                "--disable-http2",
                # A page cannot open windows: their first request would leave before a write guard could sit on them.
                # Known to the headless shell alone.
                "--block-new-web-contents",
            ],
        )
        self._process = processes.find_marked(mark)
        if self.options.state is not None:
            self._note = orphans.note(self.options.state, mark, (self._driver, self._process))
        _keep_for_good()
        return self._browser

    async def answers(self, limit_s: float = CLOSE_LIMIT_S) -> bool:
        """Whether the running browser does something for us in time; a stopped one neither answers nor fails."""
        if self._browser is None:
            return False
        try:
            context = await asyncio.wait_for(self._browser.new_context(), limit_s)
        except (TimeoutError, PlaywrightError):
            return False
        return await closed_in_time(context.close(), limit_s)

    @property
    def is_running(self) -> bool:
        """Whether the browser is there and connected; one that hangs is, too."""
        return self._browser is not None and self._browser.is_connected()

    def running(self) -> Browser:
        """The browser as it runs; Failed("browser-lost") when it has ended: this never starts one."""
        if self._browser is None or not self._browser.is_connected():
            raise Failed(
                "browser-lost",
                "The browser ended or hung.",
                expected="a running browser",
                seen="none that is connected",
            )
        return self._browser

    def memory_mib(self) -> int:
        """Memory of browser and driver together (proportional set size); takes some milliseconds."""
        return sum(processes.shared_out_mib(process) for process in (self._process, self._driver))

    @property
    def is_worn(self) -> bool:
        """Whether the driver has passed its memory limit: between two jobs is the time to close it."""
        return processes.resident_mib(self._driver) > DRIVER_LIMIT_MIB

    async def close(self) -> None:
        """Close browser and driver; whatever does not close in time is killed. Never raises, may be repeated."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None and not await closed_in_time(browser.close()):
            await asyncio.to_thread(processes.end, self._process)
        if playwright is not None and not await closed_in_time(playwright.stop()):
            await asyncio.to_thread(processes.end, self._driver)
        # A browser that closed properly is gone by now; one whose driver died may not be.
        await asyncio.to_thread(processes.end, self._process)
        self._process = self._driver = None
        orphans.forget(self._note)
        self._note = None

    def _broken(self, cause: str) -> Failed:
        first = cause.splitlines()[0]
        return Failed(
            "browser-broken",
            f"The browser {self.options.executable} did not start: {first}",
            expected="a browser that starts",
            seen=first,
        )


def _keep_for_good() -> None:
    """What is in memory once the first browser runs (modules, models, its protocol) stays until the process ends, so
    the garbage collector need not look through it again and again, in the middle of jobs."""
    if not gc.get_freeze_count():
        gc.freeze()


async def closed_in_time(closing: Awaitable[object], limit_s: float = CLOSE_LIMIT_S) -> bool:
    """Wait for a close at most so long. False when it hung; an error while closing counts as closed."""
    try:
        await asyncio.wait_for(closing, limit_s)
    except TimeoutError:
        return False
    except Exception:  # whatever the driver says while something dies: it is dead
        return True
    return True
