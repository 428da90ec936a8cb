"""The browser is found in the documented order, and proved by use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.browser.find import ON_PATH, find_browser, probe
from agent.errors import Failed


def executable(folder: Path, name: str) -> Path:
    """A file that may be executed."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def nothing(name: str) -> str | None:
    """An empty PATH."""
    return None


def test_the_variable_wins_over_settings_and_path(tmp_path: Path) -> None:
    """AGENT_BROWSER first, then the settings, then PATH."""
    named, configured = executable(tmp_path, "a"), executable(tmp_path, "b")
    given = {"AGENT_BROWSER": str(named)}
    assert find_browser(str(configured), environment=given, which=lambda name: "/usr/bin/x") == named
    assert find_browser(str(configured), environment={}, which=lambda name: "/usr/bin/x") == configured
    assert find_browser(None, environment={}, which=lambda name: "/usr/bin/x") == Path("/usr/bin/x")


@pytest.mark.parametrize("name", ON_PATH)
def test_each_known_name_on_the_path_is_taken(name: str) -> None:
    """Debian's headless shell first: it starts fastest and is silent on the network."""
    found = find_browser(None, environment={}, which=lambda asked: f"/usr/bin/{asked}" if asked == name else None)
    assert found == Path(f"/usr/bin/{name}")


def test_a_window_needs_a_browser_that_has_one() -> None:
    """--headed passes the headless shell over."""
    found = find_browser(None, headed=True, environment={}, which=lambda asked: f"/usr/bin/{asked}")
    assert found == Path("/usr/bin/chromium")


def test_playwrights_own_cache_is_the_last_place(tmp_path: Path) -> None:
    """The newest of several."""
    executable(tmp_path, "chromium_headless_shell-1/linux/chrome-headless-shell")
    given = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    found = find_browser(None, environment=given, which=nothing)
    assert found.name == "chrome-headless-shell"


def test_a_named_browser_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    """Somebody named it on purpose."""
    with pytest.raises(Failed, match="AGENT_BROWSER") as caught:
        find_browser(None, environment={"AGENT_BROWSER": str(tmp_path / "none")}, which=lambda name: "/usr/bin/x")
    assert caught.value.code == "no-browser"


def test_none_at_all_names_the_command_to_type(tmp_path: Path) -> None:
    """The error is the remedy."""
    with pytest.raises(Failed, match="apt-get install"):
        find_browser(None, environment={"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}, which=nothing)


async def test_a_file_that_is_no_browser_is_found_out(tmp_path: Path) -> None:
    """A path that exists proves nothing."""
    with pytest.raises(Failed) as caught:
        await probe(executable(tmp_path, "chromium"))
    assert caught.value.code == "browser-broken"


async def test_a_real_browser_is_proved_by_use() -> None:
    """Started, a field filled, its version read, closed."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert path is not None
    probed = await probe(Path(path))
    assert probed.version.split(".")[0].isdigit()
