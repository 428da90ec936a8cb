"""``agent trace show``: a job's redacted recording in Playwright's own viewer, and nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser, expect

from agent.commands.trace import assembled
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.evidence.search import search_bytes
from agent.execute.outcome import Verdict
from agent.recording.kept import KeptJob
from tests.browser.jobs.conftest import Desk, provision

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def showing(job: Path | str, temporary: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command as it runs, and what it said until it was up."""
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "trace", "show", str(job), "--no-open", *options],
        cwd=temporary,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "COLUMNS": "300"},
    )
    said: list[str] = []
    try:
        for line in process.stdout or ():
            said.append(line.strip())
            if "Ctrl-C" in line:
                break
        yield process, said
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def address(said: list[str]) -> str:
    """Where the recording is shown."""
    return next(found.group(1) for line in said if (found := re.search(r"^>.*?(http://\S+)$", line)))


async def test_the_viewer_shows_the_person(desk: Desk, browser: Browser, tmp_path: Path) -> None:
    """The acceptance: a job's redacted trace opens in Playwright's own viewer with snapshots visible, and a search of
    the whole recording, shared bodies put back, finds none of the secrets that the run used."""
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    kept = KeptJob(ran.evidence)
    (whole,) = assembled(kept, tmp_path / "whole")
    assert len(list(desk.place.known)) >= 2
    assert search_bytes(whole.read_bytes(), "trace.zip", desk.place.known) == []
    planted = KnownSecrets()
    planted.add("a planted secret", Secret("Lindqvist"))
    assert search_bytes(whole.read_bytes(), "trace.zip", planted), "the search must see what is in there"

    with showing(ran.evidence, tmp_path / "tmp") as (process, said):
        page = await browser.new_page(viewport={"width": 1400, "height": 900})
        await page.goto(address(said))
        actions = page.get_by_role("tree").get_by_role("treeitem")
        typed = actions.filter(has_text='Fill "Lindqvist"')
        await expect(typed).to_be_visible(timeout=20_000)
        assert await actions.count() > 15
        await typed.click()
        await page.get_by_role("tab", name="After").click()
        shown = page.frame_locator("iframe.snapshot-visible").locator('form#new_user [id="user_last_name"]')
        await expect(shown).to_have_value("Lindqvist", timeout=20_000)
        await page.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert list((tmp_path / "tmp").glob("agent-trace-*")) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "SIGTERM", "kill -9"])
async def test_nothing_is_left_when_it_is_ended(desk: Desk, tmp_path: Path, sign: signal.Signals) -> None:
    """Both processes of the viewer end, and its folder goes; the job is found by a part of its id, with settings.

    After a kill -9 nobody is there to remove the folder; the viewer ends all the same.
    """
    ran = await desk.run(provision(), dry_run=True)
    settings = tmp_path / "agent.toml"
    settings.write_text(f'[paths]\nevidence = "{tmp_path / "evidence"}"\n', encoding="utf-8")
    with showing(ran.evidence.name[:10], tmp_path / "tmp", "--settings", str(settings)) as (process, said):
        assert address(said).startswith("http://127.0.0.1:")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        assert [path.stat().st_mode & 0o077 for path in (tmp_path / "tmp").glob("agent-trace-*")] == [0]
        process.send_signal(sign)
        assert process.wait(20) == (-signal.SIGKILL if sign is signal.SIGKILL else 0)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)
    assert alive == []
    assert len(list((tmp_path / "tmp").glob("agent-trace-*"))) == (sign is signal.SIGKILL)


def test_a_job_that_nobody_knows(tmp_path: Path) -> None:
    """Said in words, with the exit code of a refusal, before anything is started."""
    (tmp_path / "agent.toml").write_text("", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "agent", "trace", "show", "091502-nobody-0000", "--settings", "agent.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 3
    assert "no-such-job" in ended.stdout
