"""The recorder: what a job leaves behind, complete, partial, in trouble, and with a full disk."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.errors import Failed
from agent.evidence import folder as folder_module
from agent.evidence import pictures, recorder
from agent.evidence.check import EvidenceBroken, check
from agent.evidence.record import read_record
from agent.evidence.recorder import EvidenceRecorder
from agent.evidence.seal import SealFailed
from agent.evidence.search import search_folder
from agent.execute.events import JobEnded, JobStarted, Observed, SessionReady, StepEnded, StepStarted, WriteSending
from agent.execute.outcome import Outcome, StepResult, Verdict
from agent.jobs.model import ANY_JOB
from tests.unit.evidence import stand_in, story

REFUSED = Outcome(verdict=Verdict.REFUSED, summary="There is no template 'Forman'.")


def names(folder: Path) -> set[str]:
    """All files, relative."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read(folder: Path, name: str) -> Any:
    """A JSON file of the folder."""
    return json.loads((folder / name).read_bytes())


def events(folder: Path) -> list[str]:
    """The events of the log, in order."""
    return [str(line["event"]) for line in read_record(folder).lines]


def folder_of(to: EvidenceRecorder) -> Path:
    """Where the job's evidence lies."""
    assert to.folder is not None
    return to.folder


@pytest.fixture
def to(tmp_path: Path, traces_dir: Path, known: KnownSecrets) -> EvidenceRecorder:
    """The recorder of one job."""
    return story.recorder(tmp_path, traces_dir, known)


@pytest.fixture
async def begun(to: EvidenceRecorder, context: BrowserContext, site: str) -> Page:
    """The page of a job that is signed in, has looked and has a plan."""
    page = await context.new_page()
    await story.begin(to, context, page, site)
    return page


async def test_whole_job(
    tmp_path: Path, traces_dir: Path, known: KnownSecrets, context: BrowserContext, site: str
) -> None:
    """A job that ends leaves the documented files, sealed; one picture a step, before and after; no raw recording."""
    to = story.recorder(tmp_path, traces_dir, known, job_id="091502-provision-whole")
    folder = await story.whole_job(to, context, await context.new_page(), site)

    assert folder.relative_to(tmp_path).as_posix() == "northwind/2026-11-22/091502-provision-whole"
    assert names(folder) == {
        "request.json",
        "session.json",
        "plan.json",
        "before.json",
        "after.json",
        "log.jsonl",
        "trace.zip",
        "outcome.json",
        "report.html",
        "manifest.json",
        "pictures/01-before.webp",
        "pictures/02-step-1-form.webp",
        "pictures/03-step-2-form.webp",
        "pictures/04-step-3-form.webp",
        "pictures/05-verified.webp",
    }
    manifest = check(folder)
    assert (manifest.verdict, manifest.withheld) == ("done", ())
    assert (manifest.versions.browser, manifest.versions.selector_catalogue) == ("156.0.8078.79", "3f" * 32)
    assert read(folder, "request.json")["job"] == story.job().model_dump(mode="json", exclude_unset=True)
    assert read(folder, "before.json")["person"]["attributes"]["job_title"] == "Trainee"
    assert [step["title"] for step in read(folder, "plan.json")["steps"]] == [step.title for step in story.STEPS]
    assert not any(name.startswith("091502-provision-whole") for name in names(traces_dir))
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 600_000


async def test_the_recording_shows_the_steps(to: EvidenceRecorder, context: BrowserContext, site: str) -> None:
    """trace.zip holds the calls of the job, beginning after the session was ready."""
    page = await context.new_page()
    await page.goto(f"{site}/sign_in")
    await page.get_by_label("Email").fill("before the session is ready")
    await page.goto("about:blank")
    folder = await story.whole_job(to, context, page, site)
    with zipfile.ZipFile(folder / "trace.zip") as archive:
        trace = archive.read("trace.trace").decode()
    assert trace.count('"method":"fill"') == 3
    assert "/sign_in" not in trace
    assert "before the session is ready" not in trace


async def test_secrets_stand_nowhere_even_when_the_sign_in_was_recorded(
    to: EvidenceRecorder, begun: Page, known: KnownSecrets, context: BrowserContext, site: str
) -> None:
    """A session renewed in mid-job leaves neither password nor code nor cookie in any byte of the folder."""
    await begun.goto(f"{site}/sign_in")
    await begun.get_by_label("Password").fill(stand_in.PASSWORD)
    await begun.get_by_label("Code").fill(stand_in.CODE)
    await to.notify(StepStarted(1, story.STEPS[0]))
    await to.notify(WriteSending(begun, f"a form with {stand_in.PASSWORD} in its description"))
    await begun.get_by_role("button", name="Log In").click()
    await begun.get_by_label("Job Title").wait_for()
    await to.notify(SessionReady(context, begun, story.FINGERPRINT, "156.0.8078.79"))
    await story.finish(to, context, site)

    folder = folder_of(to)
    assert "trace.zip" in names(folder)
    known.add("cookie", Secret(stand_in.COOKIE))
    known.add("form token", Secret(stand_in.FORM_TOKEN))
    assert search_folder(folder, known) == []
    assert not list(folder.glob("pictures/*step-1-form*")), "a page that asks for a password is never pictured"
    missing = [line for line in read_record(folder).lines if line["event"] == "picture-missing"]
    assert "password" in missing[0]["why"]


async def test_every_event_is_on_disk_when_notify_returns(to: EvidenceRecorder, begun: Page) -> None:
    """At any moment the folder is readable and marked as partial: that is what a kill leaves."""
    folder = folder_of(to)
    assert names(folder) >= {"PARTIAL", "request.json", "session.json", "before.json", "plan.json", "log.jsonl"}
    await to.notify(StepStarted(1, story.STEPS[0]))
    await to.notify(WriteSending(begun, "Save"))
    assert events(folder)[-2:] == ["picture", "write-sending"]
    record = read_record(folder)
    assert record.verdict == "interrupted"
    assert (record.steps()[0].state, record.steps()[0].title) == ("unknown", story.STEPS[0].title)
    with pytest.raises(EvidenceBroken):
        check(folder)
    await to.notify(JobEnded(story.DONE, datetime.now(UTC)))


async def test_job_refused_before_any_page(to: EvidenceRecorder) -> None:
    """A job without a session is sealed as well: request, log, outcome, report."""
    await to.notify(JobStarted(story.job(), "northwind", story.STARTED, dry_run=True))
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert names(folder_of(to)) == {"request.json", "log.jsonl", "outcome.json", "report.html", "manifest.json"}
    assert check(folder_of(to)).verdict == "refused"
    assert read(folder_of(to), "request.json")["dry_run"] is True


async def test_a_full_disk_stops_the_job_before_the_write(
    to: EvidenceRecorder, begun: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WriteSending raises when its evidence cannot be kept; the flow then never clicks."""

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Failed) as caught:
        await to.notify(WriteSending(begun, "Save"))
    monkeypatch.undo()
    assert caught.value.code == "evidence-unwritable"
    assert "No space left" in caught.value.seen
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))


async def test_an_evidence_root_that_cannot_be_made(tmp_path: Path, traces_dir: Path, known: KnownSecrets) -> None:
    """No folder, no job: the very first event raises."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failed) as caught:
        await story.recorder(tmp_path / "file", traces_dir, known).notify(
            JobStarted(story.job(), "northwind", story.STARTED)
        )
    assert caught.value.code == "evidence-unwritable"


async def test_a_mistake_in_the_recorder_stops_the_job(to: EvidenceRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose recorder breaks must not go on unrecorded."""
    await to.notify(JobStarted(story.job(), "northwind", story.STARTED))
    monkeypatch.setattr(recorder, "_plain", lambda value: 1 / 0)
    with pytest.raises(Failed) as caught:
        await to.notify(Observed("before", None, story.BEFORE))
    assert caught.value.code == "evidence-broken"


async def test_a_missing_picture_never_fails_the_job(to: EvidenceRecorder, begun: Page) -> None:
    """A page that is gone gives no picture; the log says so and the report shows the gap."""
    await begun.close()
    await to.notify(StepStarted(1, story.STEPS[0]))
    await to.notify(WriteSending(begun, "Save"))
    await to.notify(JobEnded(story.DONE, datetime.now(UTC)))
    assert "No picture: the page was closed" in (folder_of(to) / "report.html").read_text()


async def test_trouble_is_pictured(to: EvidenceRecorder, begun: Page) -> None:
    """A step that does not end well leaves a picture of the page as it stood."""
    await to.notify(StepStarted(1, story.STEPS[0]))
    await to.notify(WriteSending(begun, "Save"))
    result = StepResult(number=1, title=story.STEPS[0].title, state="rejected", detail="E-mail is taken")
    await to.notify(StepEnded(story.STEPS[0], result))
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert "pictures/03-step-1-trouble.webp" in names(folder_of(to))


async def test_a_screenshot_that_races_with_navigation_is_tried_again(
    context: BrowserContext, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two failures of the kind that Chromium gives in mid-navigation still end in a picture; a third one does not."""
    page = await context.new_page()
    await page.goto(f"{site}/person")
    take, calls = pictures._take, 0

    async def flaky(*arguments: Any) -> pictures.Picture:
        nonlocal calls
        calls += 1
        if calls % 3:
            raise PlaywrightError("Protocol error (Page.captureScreenshot): Unable to capture screenshot")
        return await take(*arguments)

    monkeypatch.setattr(pictures, "_take", flaky)
    assert (await pictures.take(page)).data is not None
    monkeypatch.setattr(pictures, "_TRIES", 2)
    assert (await pictures.take(page)).missing.startswith("Protocol error")


async def test_very_tall_pages_are_cut(context: BrowserContext, site: str) -> None:
    """A page with a thousand rows gives a small picture: its top as wide as a report shows it, or what is in view while
    a form is being filled."""
    page = await context.new_page()
    await page.set_content("<title>Tall</title>" + "<p>row</p>" * 1000)
    top, at_work = await pictures.take(page), await pictures.take(page, at_work=True)
    assert top.cut
    assert at_work.cut
    assert top.data is not None
    assert at_work.data is not None
    assert (jpeg_height(top.data), jpeg_height(at_work.data)) == (2700 * 0.75, 900)


async def test_a_browser_that_dies_leaves_its_recording(to: EvidenceRecorder, begun: Page) -> None:
    """When the context is gone, the recording is put together from what it left."""
    await story.step(to, begun, 1)
    await begun.context.close()
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    with zipfile.ZipFile(folder_of(to) / "trace.zip") as archive:
        assert '"method":"fill"' in archive.read("trace.trace").decode()


async def test_a_new_browser_in_mid_job_gives_a_second_recording(
    to: EvidenceRecorder, evidence_browser: Browser, context: BrowserContext, site: str
) -> None:
    """After a restart of the browser both recordings are kept."""
    first = await evidence_browser.new_context()
    await story.begin(to, first, await first.new_page(), site)
    await first.close()
    page = await context.new_page()
    await to.notify(SessionReady(context, page, story.FINGERPRINT, "156.0.8078.79"))
    await story.finish(to, context, site)
    assert names(folder_of(to)) >= {"trace.zip", "trace-2.zip"}


async def test_a_context_recorded_by_somebody_else_is_only_noted(
    to: EvidenceRecorder, context: BrowserContext, site: str
) -> None:
    """A recording that cannot start costs the recording, not the job."""
    await context.tracing.start()
    folder = await story.whole_job(to, context, await context.new_page(), site)
    assert "trace.zip" not in names(folder)
    assert "trace-missing" in events(folder)


async def test_a_recording_that_finds_no_room_costs_the_recording_only(
    to: EvidenceRecorder, begun: Page, traces_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The raw form is put together beside the browser's own files; where the disk is full, a line says so, and what
    the browser wrote goes, too."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.evidence.tracing.gather", full)
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    missing = [line for line in read_record(folder_of(to)).lines if line["event"] == "trace-missing"]
    assert [line["why"] for line in missing] == ["No space left on device"]
    assert not any(name.startswith(to.job_id) for name in names(traces_dir))
    check(folder_of(to))


async def test_a_secret_in_a_result_file_is_withheld_and_told_loudly(to: EvidenceRecorder, known: KnownSecrets) -> None:
    """A planted secret never gets sealed: the file goes, the report and the manifest say so, and the seal raises."""
    await to.notify(JobStarted(story.job(), "northwind", story.STARTED))
    folder = folder_of(to)
    (folder / "snapshot.json").write_text(json.dumps({"note": stand_in.PASSWORD}))
    (folder / f"{stand_in.CODE}.csv").write_text("name")
    with pytest.raises(SealFailed) as caught:
        await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert caught.value.code == "evidence-holds-secret"
    assert "snapshot.json" in caught.value.seen
    assert stand_in.PASSWORD not in str(caught.value.diagnostics())
    manifest = check(folder)
    assert manifest.withheld == ("snapshot.json", "unnamed-1")
    assert not names(folder) & {"snapshot.json", f"{stand_in.CODE}.csv", "PARTIAL"}
    assert search_folder(folder, known) == []


async def test_a_recording_with_a_secret_left_in_it_is_not_stored(
    to: EvidenceRecorder, begun: Page, known: KnownSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If redaction misses a secret, the search after it keeps the recording out (planted: a redactor that is none)."""
    monkeypatch.setattr("agent.evidence.seal.redact_entries", unredacted)
    await begun.get_by_label("Job Title").fill(stand_in.PASSWORD)
    with pytest.raises(SealFailed) as caught:
        await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert caught.value.code == "evidence-holds-secret"
    assert "trace.zip" not in names(folder_of(to))
    assert "trace.zip.withheld.txt" in names(folder_of(to))
    assert check(folder_of(to)).withheld == ("trace.zip",)


def test_evidence_is_for_its_owner_only(tmp_path: Path) -> None:
    """Folders are made with mode 0700, and an id unfit for a path is refused."""
    made = folder_module.EvidenceFolder.create(tmp_path / "evidence", "north/../wind", story.STARTED, "a-1")
    assert made.path.relative_to(tmp_path).as_posix() == "evidence/north____wind/2026-11-22/a-1"
    assert {path.stat().st_mode & 0o777 for path in [made.path, *list(made.path.parents)[:2]]} == {0o700}
    with pytest.raises(ValueError, match="job id"):
        folder_module.EvidenceFolder.create(tmp_path, "northwind", story.STARTED, "../a")


def test_a_folder_that_cannot_be_marked_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk: a folder without its marker would pass for a finished one that the ledger knows nothing of."""

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.evidence.writing.os.write", full)
    with pytest.raises(Failed, match="cannot be written"):
        folder_module.EvidenceFolder.create(tmp_path, "northwind", story.STARTED, "a-1")
    assert [path for path in tmp_path.rglob("*") if path.name == "a-1"] == []


def unredacted(raw: Path, known: KnownSecrets, bystanders: object) -> dict[str, bytes]:
    """A redactor that does nothing."""
    with zipfile.ZipFile(raw) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def jpeg_height(data: bytes) -> int:
    """The height that a JPEG says it has."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return int.from_bytes(data[at + 5 : at + 7], "big")


def recorded(folder: Path) -> list[dict[str, Any]]:
    """The lines of the recording."""
    with zipfile.ZipFile(folder / "trace.zip") as archive:
        return [json.loads(line) for line in archive.read("trace.trace").decode().splitlines()]


async def test_the_last_page_stands_in_the_recording(
    tmp_path: Path, traces_dir: Path, known: KnownSecrets, context: BrowserContext, site: str
) -> None:
    """Readings are no calls of the recording, so it ends with one call on the page that was read last."""
    to = story.recorder(tmp_path, traces_dir, known)
    page = await context.new_page()
    await story.begin(to, context, page, site)
    await page.goto("data:text/html,<p>read and not touched any more</p>")
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert to.folder is not None
    pages = [line["snapshot"]["html"] for line in recorded(to.folder) if line["type"] == "frame-snapshot"]
    assert "read and not touched any more" in json.dumps(pages)


async def test_a_snapshot_is_recorded_without_its_pages(
    tmp_path: Path, traces_dir: Path, known: KnownSecrets, context: BrowserContext, site: str
) -> None:
    """Hundreds of lists: the recording has each address, and neither pages nor bodies; trouble is pictured instead."""
    to = story.recorder(tmp_path, traces_dir, known)
    page = await context.new_page()
    snapshot = {"action": "snapshot", "reason": story.job().reason.model_dump(), "idempotency_key": "audit-1"}
    await to.notify(JobStarted(ANY_JOB.validate_python(snapshot, strict=False), "northwind", story.STARTED))
    await to.notify(SessionReady(context, page, story.FINGERPRINT, "156.0.8078.79"))
    await page.goto(f"{site}/person")
    await to.notify(JobEnded(REFUSED, datetime.now(UTC)))
    assert to.folder is not None
    lines = recorded(to.folder)
    assert [line["params"]["url"] for line in lines if line.get("method") == "goto"] == [f"{site}/person"]
    assert "frame-snapshot" not in {line["type"] for line in lines}
    with zipfile.ZipFile(to.folder / "trace.zip") as archive:
        assert [name for name in archive.namelist() if name.startswith("resources/")] == []
    assert "pictures/01-trouble.webp" in names(to.folder)
