"""Keeps the evidence of one job: an observer that is told every event, and seals at the end.

::

    {root}/{tenant}/{YYYY-MM-DD}/{job_id}/
        PARTIAL                    until the folder is sealed
        request.json               the job, who asked and approved, which account
        session.json               signed-in account, fingerprint of the Directory, versions
        facts.json, rules.json     the names and the rules that the plan was made with
        plan.json, plan-2.json     what was to be done; a second one after a recovery
        before.json, after.json    how the person was and is; recovery.json after trouble
        pictures/01-before.webp    pages, in order
        log.jsonl                  every event with its time
        readings.jsonl.gz          every reading of a page, and which control was used
        trace.zip                  Playwright's recording, redacted
        outcome.json, manifest.json, report.html
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from agent.audit.sink import LedgerSink, Origin
from agent.credentials.known import KnownSecrets
from agent.domain.touch import Target
from agent.errors import AgentError, Failed, Mender
from agent.evidence import log
from agent.evidence.budget import release_reserve
from agent.evidence.entries import accepted_entry
from agent.evidence.folder import EvidenceFolder, new_job_id, timestamp
from agent.evidence.job_pictures import JobPictures
from agent.evidence.job_recordings import JobRecordings
from agent.evidence.keeping import Keeping, keep_people, keep_person, mask_again
from agent.evidence.manifest import Versions, versions
from agent.evidence.masking import Masker
from agent.evidence.picture_files import PictureFiles
from agent.evidence.private import Bystanders
from agent.evidence.readings import ReadingsLog, pack
from agent.evidence.request import request_of
from agent.evidence.seal import Withheld, seal
from agent.evidence.shape_notes import ShapeNotes
from agent.execute.events import (
    ControlUsed,
    Event,
    FactsKnown,
    JobEnded,
    JobStarted,
    Note,
    Observed,
    PageRead,
    Planned,
    SessionReady,
    ShapeExamined,
    StepEnded,
    StepStarted,
    Verified,
    WriteAnswered,
    WriteSending,
)
from agent.execute.outcome import StepResult, Verdict
from agent.jobs.model import Snapshot

TRACE_FORMAT = 10
_GOOD_ENDS = frozenset({"saved", "settled by observation", "not needed any more"})


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class EvidenceRecorder:
    """Implements :class:`agent.execute.events.Observer` for one job.

    Raises Failed ``evidence-unwritable`` (disk full, no rights) or ``evidence-broken`` (a mistake in here) from
    :meth:`notify`, so that no further write happens; at the very end :class:`agent.evidence.seal.SealFailed` when a
    secret was found, after everything else is in place. A missing picture or recording never stops a job: the log and
    the report say that it is missing.
    """

    def __init__(
        self,
        root: Path,
        traces_dir: Path,
        known: KnownSecrets,
        *,
        service_account: str = "",
        job_id: str | None = None,
        picture_answers: bool = False,
        ledger_of: Callable[[str], LedgerSink] | None = None,
        origin: Origin | None = None,
        keeping: Keeping | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """``traces_dir`` is the folder the browser was launched with (0700); ``picture_answers`` adds a picture of the
        page after every write, which the verification's pictures usually make superfluous. ``ledger_of`` gives the
        ledger of a tenant, ``origin`` says which job of the queue this is; left out, it is one of ``agent run-job``,
        whose acceptance is entered here. ``keeping`` says whom the evidence shows."""
        self._root = root
        self._known = known
        self._secrets = Masker(known)
        self._keeping = keeping or Keeping()
        self._bystanders: Bystanders | None = None
        self._service_account = service_account
        self._job_id = job_id
        self._picture_answers = picture_answers
        self._ledger_of = ledger_of
        self._ledger: LedgerSink | None = None
        self._origin = origin or Origin()
        self._clock = clock
        self._folder: EvidenceFolder | None = None
        self._log: log.EvidenceLog | None = None
        self._readings: ReadingsLog | None = None
        self._session: SessionReady | None = None
        self._reads_lists = False  # a snapshot: its recording is without the pages
        self._tenant = ""
        self._plans = 0
        self._moments: dict[str, int] = {}
        self._pictures: JobPictures | None = None
        self._step = 0
        self._last_page: Page | None = None
        self._read_back: tuple[Page, ...] = ()  # still to be pictured, while the recording is taken out
        self._withheld = Withheld(quarantine=self._keeping.quarantine)
        self._shapes = ShapeNotes(self._mask, self._line)
        self._recordings = JobRecordings(traces_dir, known, self._withheld, self._line)

    @property
    def job_id(self) -> str:
        """The job's id; known from the first event on at the latest."""
        return self._job_id or ""

    @property
    def folder(self) -> Path | None:
        """The evidence folder, once the job has started. Files put in here before the job ends are sealed with it."""
        return self._folder.path if self._folder else None

    async def notify(self, event: Event) -> None:
        """Record the event; on return what it says is on disk."""
        try:
            await self._record(event)
        except AgentError:
            raise
        except Exception as error:
            raise Failed(
                "evidence-broken",
                "The evidence of this job can no longer be kept, so nothing (more) is changed.",
                expected=f"{type(event).__name__} recorded",
                seen=self._mask(f"{type(error).__name__}: {error}"),
                mender=Mender.DEVELOPER,
            ) from error

    async def _record(self, event: Event) -> None:
        match event:
            case JobStarted():
                await asyncio.to_thread(self._start, event)
            case SessionReady():
                await self._session_ready(event)
            case FactsKnown():
                self._in_folder().write_json("facts.json", _plain(event.facts))
            case PageRead() | ControlUsed():
                self._read(event)
            case ShapeExamined():
                self._shapes.note(event, self._in_folder(), self._in_pictures().files, self._step)
            case Observed():
                await self._observed(event)
            case Planned():
                self._planned(event)
            case StepStarted():
                self._step = event.number
                self._line("step-started", {"step": event.number, "title": event.step.title}, durable=True)
            case WriteSending():
                self._last_page = event.page
                caption = f"Step {self._step}, before it is sent: {event.intent}"
                await self._picture(event.page, "form", caption, event.target)
                self._line("write-sending", {"step": self._step, "intent": event.intent}, durable=True)
            case WriteAnswered():
                self._last_page = event.page
                self._line("write-answered", {"step": self._step, "intent": event.intent}, durable=True)
                if self._picture_answers:
                    await self._picture(event.page, "answer", f"Step {self._step}, the answer: {event.intent}")
            case StepEnded():
                await self._step_ended(event.result)
            case Verified():
                self._verified(event)
            case Note():
                self._line("note", {"text": event.text, **({"data": event.data} if event.data else {})})
            case JobEnded():
                try:
                    await self._end(event)
                finally:
                    self._release()

    def _start(self, event: JobStarted) -> None:
        job = event.job
        self._tenant = event.tenant
        if self._ledger_of is not None:
            self._ledger = self._ledger_of(event.tenant)
            self._ledger.ready()  # before anything else: what cannot be entered is not begun
        self._reads_lists = isinstance(job, Snapshot)
        self._job_id = self._job_id or new_job_id(job.action, event.at, secrets.token_hex(3))
        self._folder = EvidenceFolder.create(self._root, event.tenant, event.at, self._job_id, self._mask)
        request = request_of(event, self._job_id, self._origin, self._service_account)
        self._bystanders = self._keeping.bystanders_of(request)
        self._pictures = JobPictures(PictureFiles(self._folder), self._bystanders, self._line)
        self._folder.write_json("request.json", request)
        if self._ledger is not None and self._origin.queue is None:
            self._ledger.accepted(accepted_entry(request, self._secrets))
        self._log = log.EvidenceLog(self._folder.path / log.LOG_FILE, self._mask, self._clock)
        log.attach(self._job_id, self._log)
        if event.rules is not None:
            self._folder.write_json("rules.json", event.rules.model_dump(mode="json"))
        self._readings = ReadingsLog(self._folder, self._mask, self._hide, data=not self._reads_lists)
        self._line(
            "job-started", {"action": job.action, "tenant": event.tenant, "dry_run": event.dry_run}, durable=True
        )
        if self._reads_lists and self._keeping.people is not None:
            self._line("note", {"text": "People are not masked: a snapshot is about everybody."})

    def _read(self, event: PageRead | ControlUsed) -> None:
        """Note a reading. Where that fails the job goes on: what was read stands in other files as well."""
        if self._readings is None:
            return
        try:
            if isinstance(event, PageRead):
                self._readings.reading(event, self._step)
            else:
                self._readings.use(event, self._step)
        except (OSError, ValueError) as error:
            self._readings = None
            self._line("readings-missing", {"why": str(error)})

    async def _session_ready(self, event: SessionReady) -> None:
        again = self._session is not None
        self._session = event
        self._in_folder().write_json(
            "session.json",
            {
                "at": timestamp(self._clock()),
                "fingerprint": _plain(event.fingerprint),
                "versions": self._versions().model_dump(mode="json"),
            },
        )
        self._line("session-ready", {"again": again, "signed_in_as": event.fingerprint.signed_in_as})
        if self._recordings.is_of(event.context):
            return  # the recording goes on; what a renewed sign-in left in it is redacted
        await self._recordings.store(self._in_folder(), self._bystanders)
        await self._recordings.start(event.context, self.job_id, pages=not self._reads_lists)

    async def _observed(self, event: Observed) -> None:
        if self._bystanders is not None and event.person is not None:
            keep_person(self._bystanders, _plain(event.person))
        if self._bystanders is not None and event.roster is not None:
            keep_people(self._bystanders, _plain(event.roster))
        count = self._moments[event.moment] = self._moments.get(event.moment, 0) + 1
        name = event.moment if count == 1 else f"{event.moment}-{count}"
        self._in_folder().write_json(
            f"{name}.json",
            {
                "moment": event.moment,
                "at": timestamp(self._clock()),
                "correlation": self._hide(_plain(event.correlation)),
                "person": _plain(event.person),
                **({"roster": self._hide(_plain(event.roster))} if event.roster is not None else {}),
            },
        )
        found = event.person is not None or event.roster is not None
        many = {"many": True} if event.roster is not None else {}
        self._line("observed", {"moment": event.moment, "file": f"{name}.json", "found": found, **many})
        if event.page is not None:
            self._last_page = event.page
        if event.page is not None and found:  # an empty list proves nothing; the JSON names them all
            words = {"before": "As it was before", "after": "As it is afterwards", "recovery": "As found after trouble"}
            await self._picture(event.page, event.moment, words.get(event.moment, event.moment))

    def _planned(self, event: Planned) -> None:
        self._plans += 1
        name = "plan.json" if self._plans == 1 else f"plan-{self._plans}.json"
        self._in_folder().write_json(name, {"replanned": event.replanned, **_plain(event.plan)})
        data = {"file": name, "steps": len(event.plan.steps), "replanned": event.replanned}
        self._line("planned", data, durable=True)

    async def _step_ended(self, result: StepResult) -> None:
        if result.state not in _GOOD_ENDS and self._last_page is not None:
            await self._picture(
                self._last_page, "trouble", f"Step {result.number}, {result.state}: the page as it stood"
            )
        self._line("step-ended", {"step": result.number, **_plain(result)}, durable=True)

    def _verified(self, event: Verified) -> None:
        witnesses = [_plain(witness) for witness in event.witnesses]
        self._line("verified", {"witnesses": witnesses}, durable=True)
        self._read_back = event.pages

    async def _picture_read_back(self) -> None:
        for page in self._read_back:
            await self._picture(page, "verified", "Read back on a freshly opened page")
        await asyncio.to_thread(self._in_pictures().files.finish)

    async def _picture(self, page: Page, what: str, caption: str, target: Target | None = None) -> None:
        await self._in_pictures().take(page, what, caption, self._step, target)

    async def _end(self, event: JobEnded) -> None:
        if self._folder is None or self._log is None:
            return  # the job ended before it began; there is nothing to seal
        folder = self._folder
        await asyncio.to_thread(release_reserve, self._root)
        if self._reads_lists and self._session is not None and event.outcome.verdict is not Verdict.DONE:
            await self._picture(self._session.page, "trouble", "The page as it stood")
        stored = self._recordings.store(folder, self._bystanders)
        for ended in await asyncio.gather(stored, self._picture_read_back(), return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
        outcome = _plain(event.outcome)
        folder.write_json("outcome.json", {"at": timestamp(event.at), "job_id": self.job_id, **outcome})
        self._line("job-ended", {"verdict": event.outcome.verdict.value, "summary": event.outcome.summary})
        log.detach(self.job_id)
        self._log.close()
        if self._bystanders is not None:
            await asyncio.to_thread(mask_again, folder, self._bystanders)
        if self._readings is not None:
            await asyncio.to_thread(self._readings.finish)
        else:
            await asyncio.to_thread(pack, folder)
        await asyncio.to_thread(
            seal,
            folder,
            self._known,
            self._withheld,
            job_id=self.job_id,
            tenant=self._tenant,
            verdict=event.outcome.verdict.value,
            at=self._clock(),
            made_with=self._versions(),
            ledger=self._ledger,
        )
        self._withheld.raise_if_any()

    def _release(self) -> None:
        """What could not be sealed is for others to complete from here on."""
        if self._log is not None:
            log.detach(self.job_id)
            with contextlib.suppress(Failed):  # a full disk: what was to be told is told already
                self._log.close()
        if self._folder is not None:
            self._folder.release()

    def _versions(self) -> Versions:
        session = self._session
        if session is None:
            return versions()
        return versions(
            browser=session.browser_version,
            selector_catalogue=session.fingerprint.catalogue,
            trace_format=TRACE_FORMAT,
        )

    def _mask(self, text: str) -> str:
        text = self._secrets(text)
        return text if self._bystanders is None else self._bystanders.text(text)

    def _hide(self, value: Any) -> Any:
        """A JSON value without other people, where the settings want that."""
        return value if self._bystanders is None else self._bystanders.value(value)

    def _in_pictures(self) -> JobPictures:
        if self._pictures is None:
            raise RuntimeError("an event came before JobStarted")
        return self._pictures

    def _in_folder(self) -> EvidenceFolder:
        if self._folder is None:
            raise RuntimeError("an event came before JobStarted")
        return self._folder

    def _line(self, event: str, data: dict[str, Any], *, durable: bool = False) -> None:
        if self._log is not None:
            self._log.line(event, data, durable=durable)


def _plain(value: Any) -> Any:
    """A frozen model as JSON values; sets in a fixed order, so that the same state gives the same bytes."""
    return None if value is None else _ordered(value.model_dump(mode="json"), value)


def _ordered(dumped: dict[str, Any], value: Any) -> dict[str, Any]:
    for name in type(value).model_fields:
        if isinstance(getattr(value, name), frozenset):
            dumped[name] = sorted(dumped[name])
    return dumped
