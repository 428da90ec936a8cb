"""Find the browser to drive, and prove that it works.

A path that exists proves nothing: :func:`probe` launches it, fills one field and reads its version.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from agent.errors import Failed

HEADLESS_ONLY = "chromium-headless-shell"
ON_PATH = (HEADLESS_ONLY, "chromium", "google-chrome-stable", "google-chrome", "microsoft-edge")
IN_CACHE = ("chromium_headless_shell-*/*/chrome-headless-shell", "chromium-*/*/chrome")
INSTALL = "apt-get install -y --no-install-recommends chromium-headless-shell libatomic1"


@dataclass(frozen=True)
class Probe:
    """A browser that was started, used and closed."""

    executable: Path
    version: str


def find_browser(
    configured: str | None = None,
    *,
    headed: bool = False,
    environment: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
) -> Path:
    """The browser by the documented order: ``AGENT_BROWSER``, settings, PATH, Playwright's own cache (newest first).

    With ``headed``, browsers that have no window are passed over. Raises Failed("no-browser") when there is none, or
    when the one that was named is not there.
    """
    names = {"AGENT_BROWSER": environment.get("AGENT_BROWSER"), "settings (browser.executable)": configured}
    for source, named in names.items():
        if named:
            if not os.access(named, os.X_OK):
                raise Failed(
                    "no-browser",
                    f"The browser named by {source} cannot be run: {named}",
                    expected="the path of a Chromium that may be executed",
                    seen=named,
                )
            return Path(named)
    for name in ON_PATH:
        if (headed and name == HEADLESS_ONLY) or not (hit := which(name)):
            continue
        return Path(hit)
    cache = Path(environment.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for pattern in IN_CACHE:
        if headed and "headless" in pattern:
            continue
        if hits := sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime):
            return hits[-1]
    kind = "a browser with a window (--headed)" if headed else "a Chromium"
    raise Failed(
        "no-browser",
        f"No browser was found. Install one: {INSTALL.replace(HEADLESS_ONLY, 'chromium') if headed else INSTALL}",
        expected=f"{kind}: AGENT_BROWSER, one of {', '.join(ON_PATH)} on PATH, or one in {cache}",
        seen="none of them",
    )


async def probe(executable: Path, limit_s: float = 30.0) -> Probe:
    """Launch the browser, fill one field, read its version, close it. Raises Failed("browser-broken")."""
    try:
        return await asyncio.wait_for(_probe(executable), limit_s)
    except TimeoutError:
        raise _broken(executable, f"it did not answer within {limit_s:.0f} s") from None
    except PlaywrightError as error:
        raise _broken(executable, str(error).strip().splitlines()[0]) from error
    except Exception as error:  # the driver's own failure arrives as a bare Exception
        raise _broken(executable, await asyncio.to_thread(driver_trouble) or str(error)) from error


async def _probe(executable: Path) -> Probe:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(executable))
        page = await browser.new_page()
        await page.set_content("<label>Name <input></label>")
        field = page.get_by_label("Name")
        await field.fill("agent")
        if await field.input_value() != "agent":
            raise _broken(executable, "a field that was filled did not hold its text")
        version = browser.version
        await browser.close()
        return Probe(executable, version)


def driver_trouble() -> str:
    """Why Playwright's driver does not start, in words; empty when it does."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "playwright", "--version"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Playwright's driver cannot be run: {error}"
    if "libatomic" in done.stderr:
        return "Playwright's driver needs libatomic.so.1. Install it: apt-get install -y libatomic1"
    return "" if done.returncode == 0 else f"Playwright's driver ends with: {done.stderr.strip()[-300:]}"


def _broken(executable: Path, cause: str) -> Failed:
    return Failed(
        "browser-broken",
        f"The browser {executable} does not work: {cause}",
        expected="a browser that starts, fills a field and closes",
        seen=cause,
    )
