"""Keeps the evidence of one job: an observer that is told every event, and seals at the end.

::

    {root}/{tenant}/{YYYY-MM-DD}/{job_id}/
        PARTIAL                    until the folder is sealed
        request.json               the job, who asked and approved, which account
        session.json               signed-in account, fingerprint of the Directory, versions
        plan.json, plan-2.json     what was to be done; a second one after a recovery
        before.json, after.json    how the person was and is; recovery.json after trouble
        pictures/01-before.jpg     pages, in order
        log.jsonl                  every event with its time
        trace.zip                  Playwright's recording, redacted
        outcome.json, report.html, manifest.json
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.errors import AgentError, Failed, Mender
from agent.evidence import log, pictures
from agent.evidence.folder import EvidenceFolder, new_job_id, timestamp
from agent.evidence.manifest import Versions, versions
from agent.evidence.masking import Masker
from agent.evidence.seal import Withheld, seal, store_trace
from agent.evidence.tracing import JobTrace, discard
from agent.execute.events import (
    Event,
    JobEnded,
    JobStarted,
    Note,
    Observed,
    Planned,
    SessionReady,
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
_SHORTEST_SESSION_COOKIE = 16
_CALL_SECONDS = 5.0


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
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """``traces_dir`` is the folder the browser was launched with (0700); ``picture_answers`` adds a picture of the
        page after every write, which the verification's pictures usually make superfluous."""
        self._root = root
        self._traces_dir = traces_dir
        self._known = known
        self._mask = Masker(known)
        self._service_account = service_account
        self._job_id = job_id
        self._picture_answers = picture_answers
        self._clock = clock
        self._folder: EvidenceFolder | None = None
        self._log: log.EvidenceLog | None = None
        self._trace: JobTrace | None = None
        self._traces: list[str] = []
        self._session: SessionReady | None = None
        self._reads_lists = False  # a snapshot: its recording is without the pages
        self._tenant = ""
        self._plans = 0
        self._moments: dict[str, int] = {}
        self._pictures = 0
        self._step = 0
        self._last_page: Page | None = None
        self._read_back: tuple[Page, ...] = ()  # still to be pictured, while the recording is taken out
        self._withheld = Withheld()

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
                self._start(event)
            case SessionReady():
                await self._session_ready(event)
            case Observed():
                await self._observed(event)
            case Planned():
                self._planned(event)
            case StepStarted():
                self._step = event.number
                self._line("step-started", {"step": event.number, "title": event.step.title}, durable=True)
            case WriteSending():
                self._last_page = event.page
                await self._picture(event.page, "form", f"Step {self._step}, before it is sent: {event.intent}")
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
                await self._end(event)

    def _start(self, event: JobStarted) -> None:
        job = event.job
        self._tenant = event.tenant
        self._reads_lists = isinstance(job, Snapshot)
        self._job_id = self._job_id or new_job_id(job.action, event.at, secrets.token_hex(3))
        self._folder = EvidenceFolder.create(self._root, event.tenant, event.at, self._job_id, self._mask)
        self._folder.write_json(
            "request.json",
            {
                "job_id": self._job_id,
                "tenant": event.tenant,
                "at": timestamp(event.at),
                "dry_run": event.dry_run,
                "service_account": self._service_account,
                # What was left out of a job must stay left out: null and absent are two decisions.
                "job": job.model_dump(mode="json", exclude_unset=True),
            },
        )
        self._log = log.EvidenceLog(self._folder.path / log.LOG_FILE, self._mask, self._clock)
        log.attach(self._job_id, self._log)
        self._line(
            "job-started", {"action": job.action, "tenant": event.tenant, "dry_run": event.dry_run}, durable=True
        )

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
        if self._trace is not None and self._trace.context is event.context:
            return  # the recording goes on; what a renewed sign-in left in it is redacted
        await self._store_trace()
        await self._start_trace(event.context)

    async def _observed(self, event: Observed) -> None:
        count = self._moments[event.moment] = self._moments.get(event.moment, 0) + 1
        name = event.moment if count == 1 else f"{event.moment}-{count}"
        self._in_folder().write_json(
            f"{name}.json",
            {
                "moment": event.moment,
                "at": timestamp(self._clock()),
                "correlation": _plain(event.correlation),
                "person": _plain(event.person),
            },
        )
        self._line("observed", {"moment": event.moment, "file": f"{name}.json", "found": event.person is not None})
        if event.page is not None:
            self._last_page = event.page
        if event.page is not None and event.person is not None:  # an empty list proves nothing; the JSON names them all
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

    async def _picture(self, page: Page, what: str, caption: str) -> None:
        self._pictures += 1
        at_work = what in {"form", "answer", "trouble"}
        picture = await pictures.take(page, at_work=at_work)
        data: dict[str, Any] = {"caption": caption, "step": self._step, "title": picture.title, "path": picture.path}
        if picture.data is None:
            self._line("picture-missing", {**data, "why": picture.missing})
            return
        step = f"-step-{self._step}" if at_work and self._step else ""
        name = f"pictures/{self._pictures:02d}{step}-{what}.jpg"
        self._in_folder().write_bytes(name, picture.data, durable=False)
        self._line("picture", {"file": name, **data, **({"cut": True} if picture.cut else {})})

    async def _start_trace(self, context: BrowserContext) -> None:
        name = self.job_id if not self._traces else f"{self.job_id}-{len(self._traces) + 1}"
        trace = JobTrace(context, self._traces_dir, name, pages=not self._reads_lists)
        try:
            await asyncio.wait_for(trace.start(), _CALL_SECONDS)
        except (PlaywrightError, TimeoutError) as error:
            self._line("trace-missing", {"why": str(error).split("\n", 1)[0]})
            return
        self._trace = trace
        self._traces.append(name)

    async def _store_trace(self) -> None:
        """Stop the recording and keep its redacted form; the raw one is deleted whatever happens."""
        trace, self._trace = self._trace, None
        if trace is None:
            return
        folder = self._in_folder()
        name = "trace.zip" if len(self._traces) == 1 else f"trace-{len(self._traces)}.zip"
        try:
            raw = await trace.stop()
            await self._learn_cookies(trace.context)
            if raw is None:
                self._line("trace-missing", {"why": "the browser left no recording"})
                return
            kept = await asyncio.to_thread(store_trace, folder, name, raw, self._known, self._withheld)
            self._line("trace-kept" if kept else "trace-withheld", {"file": name})
        finally:
            await asyncio.to_thread(discard, self._traces_dir, trace.name)

    async def _learn_cookies(self, context: BrowserContext) -> None:
        """Session cookies may have changed during the job; what they are now is searched for, too."""
        try:
            cookies = await asyncio.wait_for(context.cookies(), _CALL_SECONDS)
        except (PlaywrightError, TimeoutError):
            return  # the browser is gone, and its cookies with it
        for cookie in cookies:
            value = cookie.get("value", "")
            if cookie.get("httpOnly") and len(value) >= _SHORTEST_SESSION_COOKIE:
                self._known.add(f"session cookie {cookie.get('name')} of {cookie.get('domain')}", Secret(value))

    async def _end(self, event: JobEnded) -> None:
        if self._folder is None or self._log is None:
            return  # the job ended before it began; there is nothing to seal
        folder = self._folder
        if self._reads_lists and self._session is not None and event.outcome.verdict is not Verdict.DONE:
            await self._picture(self._session.page, "trouble", "The page as it stood")
        for ended in await asyncio.gather(self._store_trace(), self._picture_read_back(), return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
        outcome = _plain(event.outcome)
        folder.write_json("outcome.json", {"at": timestamp(event.at), "job_id": self.job_id, **outcome})
        self._line("job-ended", {"verdict": event.outcome.verdict.value, "summary": event.outcome.summary})
        log.detach(self.job_id)
        self._log.close()
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
        )
        self._withheld.raise_if_any()

    def _versions(self) -> Versions:
        session = self._session
        if session is None:
            return versions()
        return versions(
            browser=session.browser_version,
            selector_catalogue=session.fingerprint.catalogue,
            trace_format=TRACE_FORMAT,
        )

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
