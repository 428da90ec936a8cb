"""Evidence that a killed process left is completed by the next start."""

from __future__ import annotations

import asyncio
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from agent.audit.ledgers import Ledgers
from agent.audit.reading import read_entries
from agent.credentials.known import KnownSecrets
from agent.errors import Failed
from agent.evidence.check import check
from agent.evidence.record import read_record
from agent.evidence.recover import partial_folders, recover_partial
from agent.evidence.search import search_folder
from tests.unit.evidence import stand_in

ROOT = Path(__file__).resolve().parents[3]

DIES_IN_MID_STEP = """
import asyncio, sys
from pathlib import Path
from playwright.async_api import async_playwright
from agent.credentials.known import KnownSecrets
from agent.execute.events import StepStarted, WriteSending
from tests.unit.evidence import stand_in, story
from tests.unit.evidence.conftest import CHROMIUM

async def main(root, traces, site):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, traces_dir=traces)
        context = await browser.new_context()
        page = await context.new_page()
        to = story.recorder(root, traces, KnownSecrets())
        await story.begin(to, context, page, site)
        await story.step(to, page, 1)
        await to.notify(StepStarted(2, story.STEPS[1]))
        await page.goto(f"{site}/sign_in")
        await page.get_by_label("Password").fill(stand_in.PASSWORD)
        await page.goto(f"{site}/person")
        await to.notify(WriteSending(page, story.STEPS[1].title))
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""


@pytest.fixture(scope="module")
def remains(tmp_path_factory: pytest.TempPathFactory, site: str) -> Path:
    """What a job leaves whose process is killed (-9) after a form was filled: evidence and raw recording."""
    folder = tmp_path_factory.mktemp("remains")
    (folder / "traces").mkdir(mode=0o700)
    process = subprocess.Popen(
        [sys.executable, "-c", DIES_IN_MID_STEP, str(folder / "evidence"), str(folder / "traces"), site],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)  # the driver ends by itself, and may write until then
    assert not alive
    return folder


@pytest.fixture
def killed(remains: Path, tmp_path: Path) -> Path:
    """The unfinished folder, a fresh copy for each test; the raw recording lies in ``tmp_path / "traces"``."""
    shutil.copytree(remains, tmp_path, dirs_exist_ok=True)
    (folder,) = partial_folders(tmp_path / "evidence")
    return folder


def test_killed_job_is_completed(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """Report, recording and manifest are made from what is there; the step in flight is told as unknown."""
    assert (killed / "before.json").exists()
    recover_partial(killed, tmp_path / "traces", known)

    assert check(killed).verdict == "interrupted"
    assert [step.state for step in read_record(killed).steps()] == ["saved", "unknown", "not begun"]
    with zipfile.ZipFile(killed / "trace.zip") as archive:
        assert '"method":"fill"' in archive.read("trace.trace").decode()
    report = (killed / "report.html").read_text()
    assert "Interrupted" in report
    assert "may have been sent already" in report
    assert search_folder(killed, known) == []
    assert stand_in.PASSWORD not in report
    assert not list((tmp_path / "traces").glob("*.trace"))
    assert list(partial_folders(tmp_path / "evidence")) == []


def test_recovering_twice_is_the_same_as_once(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """A second recovery changes nothing."""
    recover_partial(killed, tmp_path / "traces", known)
    before = {path: path.read_bytes() for path in killed.rglob("*") if path.is_file()}
    recover_partial(killed, tmp_path / "traces", known)
    assert {path: path.read_bytes() for path in killed.rglob("*") if path.is_file()} == before


def test_killed_between_manifest_and_marker(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """A folder that only lacks the removal of its marker is left exactly as it was sealed."""
    recover_partial(killed, tmp_path / "traces", known)
    sealed = (killed / "manifest.json").read_bytes()
    (killed / "PARTIAL").write_text("left over")
    recover_partial(killed, tmp_path / "traces", known)
    assert (killed / "manifest.json").read_bytes() == sealed
    check(killed)


def test_torn_log_and_scraps(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """A log cut in mid-line, a half-written file and no recording at all still make a sealed folder."""
    with (killed / "log.jsonl").open("ab") as log:
        log.write(b'{"at":"2026-11-22T09:1')
    (killed / ".after.json.new").write_bytes(b'{"per')
    recover_partial(killed, tmp_path / "elsewhere", known)
    assert check(killed).verdict == "interrupted"
    assert not (killed / ".after.json.new").exists()
    assert [line["event"] for line in read_record(killed).lines][-1] == "interrupted"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("name", ["manifest.json", "report.html"])
@pytest.mark.parametrize("scrap", [b"", b"<!DOCTYPE html><ht"])
def test_killed_at_a_replace(
    killed: Path, tmp_path: Path, known: KnownSecrets, monkeypatch: pytest.MonkeyPatch, name: str, scrap: bytes
) -> None:
    """What is half written when the process dies, or written and not yet in its place, is no change of the folder."""
    ledgers = Ledgers(tmp_path / "evidence", None)
    real = Path.replace

    def dying(path: Path, target: Path) -> Path:
        if Path(target).name == name:
            path.write_bytes(scrap or path.read_bytes())
            raise Killed
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying)
        with pytest.raises(Killed):
            recover_partial(killed, tmp_path / "traces", known, ledger_of=ledgers.sink)
    left = killed / f".{name}.new"
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    recover_partial(killed, tmp_path / "traces", known, ledger_of=ledgers.sink)
    assert not left.exists()
    assert not (killed / "PARTIAL").exists()
    check(killed)
    kinds = [entry.kind.value for entry in read_entries(ledgers.of("northwind").folder)]
    assert kinds.count("sealed") == kinds.count("reported") == 1


def test_a_file_that_only_looks_half_written_is_not_ours(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """After the seal nothing but the report is written: what else was added, under whatever name, is told."""
    ledgers = Ledgers(tmp_path / "evidence", None)
    recover_partial(killed, tmp_path / "traces", known, ledger_of=ledgers.sink)
    (killed / "PARTIAL").write_text("left over")
    (killed / ".plan.json.new").write_text("whose?")
    with pytest.raises(Failed) as caught:
        recover_partial(killed, tmp_path / "traces", known, ledger_of=ledgers.sink)
    assert caught.value.code == "evidence-changed"
    assert (killed / ".plan.json.new").exists()


def test_fresh_folders_are_left_to_their_process(killed: Path, tmp_path: Path) -> None:
    """A folder written to a moment ago may still be alive; it is offered only when it is old enough."""
    assert list(partial_folders(tmp_path / "evidence", untouched_for=3600)) == []
    assert list(partial_folders(tmp_path / "evidence", untouched_for=0)) == [killed]


async def test_recovery_runs_beside_a_loop(killed: Path, tmp_path: Path, known: KnownSecrets) -> None:
    """It is plain blocking code, for a thread."""
    await asyncio.to_thread(recover_partial, killed, tmp_path / "traces", known)
    assert check(killed).verdict == "interrupted"


@pytest.mark.parametrize("half", [(), (".request.json.new",)])
def test_a_folder_of_a_job_that_had_not_begun_goes(tmp_path: Path, half: tuple[str, ...]) -> None:
    """Killed before it was noted whose job it was: sealed, it would be a run that nobody ever asked for."""
    folder = tmp_path / "evidence" / "acme" / "2026-11-22" / "091502-provision-4f1a9c"
    folder.mkdir(parents=True)
    for name in ("PARTIAL", *half):
        (folder / name).write_text("{")
    ledgers = Ledgers(tmp_path / "evidence", None)
    recover_partial(folder, tmp_path / "traces", KnownSecrets(), ledger_of=ledgers.sink)
    assert not folder.exists()
    assert ledgers.of("acme").head().size == 0


def test_a_folder_with_anything_in_it_stays(tmp_path: Path) -> None:
    """What a process has noted is kept, also where the request is lost."""
    folder = tmp_path / "evidence" / "acme" / "2026-11-22" / "091502-provision-4f1a9c"
    folder.mkdir(parents=True)
    (folder / "PARTIAL").write_text("")
    (folder / "log.jsonl").write_text('{"event":"job-started"}\n')
    recover_partial(folder, tmp_path / "traces", KnownSecrets())
    assert (folder / "log.jsonl").exists()
    assert check(folder).verdict == "interrupted"
