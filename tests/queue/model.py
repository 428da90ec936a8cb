"""The queue as it should be, in the plainest words: a list of jobs and the rules, without any thought for speed."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.queue.ending import Dead, Done, GiveBack, Held, How, Retry, Stopped
from agent.queue.interface import REVOKING_OPS
from agent.queue.record import Hold, JobRecord, JobState, Mode, NewJob

LIVE = (JobState.QUEUED, JobState.RUNNING)


@dataclass
class ModelJob:
    """One job of the model."""

    id: int
    new: NewJob
    line: str
    state: JobState = JobState.QUEUED
    hold: Hold | None = None
    mode: Mode = Mode.RUN
    not_before: float = 0.0
    priority: int = 50
    attempt: int = 0
    crashes: int = 0
    started: bool = False
    written: bool = False  # it has come to a write
    cancel: bool = False
    superseded_by: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)  # of many people: who, and for which offboard

    @property
    def own(self) -> set[str]:
        return {self.new.person} | ({self.new.other_person} if self.new.other_person else set())

    @property
    def named(self) -> set[str]:
        return self.own | set(self.new.people)

    @property
    def addresses(self) -> set[str]:
        return self.named - self.left_out.keys()

    def shown(self) -> tuple[object, ...]:
        return (self.state, self.hold, self.mode, self.attempt, self.crashes, self.superseded_by, self.priority)


def shown(record: JobRecord) -> tuple[object, ...]:
    """What of a record the model knows."""
    return (
        record.state,
        record.hold,
        record.mode,
        record.attempt,
        record.crashes,
        record.superseded_by,
        record.priority,
    )


@dataclass
class ModelQueue:
    """Jobs by number, requests by key, tenants that are paused."""

    limits: dict[str, int]
    now: float
    jobs: list[ModelJob] = field(default_factory=list)
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)

    def live(self, tenant: str) -> list[ModelJob]:
        return [job for job in self.jobs if job.state in LIVE and job.new.tenant == tenant]

    def holds_its_person(self, job: ModelJob) -> bool:
        return job.state is JobState.QUEUED and (job.started or job.not_before <= self.now)

    # --- ways in ---

    def submit(self, new: NewJob) -> tuple[int, bool]:
        """The number, and whether it was there already."""
        key = (new.tenant, new.request_key or "")
        if new.request_key and key in self.requests:
            return self.requests[key], True
        line = self.line_of(new)
        in_line = [job for job in self.live(new.tenant) if job.line == line]
        newest = in_line[-1] if in_line else None
        about = {address for address in (new.person, new.other_person, *new.people) if address}
        if (
            newest is not None
            and new.hold is None
            and newest.new.dedup_key == new.dedup_key
            and newest.state is JobState.QUEUED
            and newest.hold is None
            and newest.mode is Mode.RUN
            and not any(job.id > newest.id and job.named & about for job in self.live(new.tenant))
            and not newest.left_out
            and not self.removed_later(newest)
            and (newest.started or newest.not_before <= max(self.now, new.not_before))
        ):
            newest.priority = min(newest.priority, new.priority)
            job, joined = newest, True
        else:
            number = len(self.jobs) + 1
            job = ModelJob(number, new, line, hold=new.hold, not_before=new.not_before, priority=new.priority)
            self.jobs.append(job)
            joined = False
            if new.supersedes:
                self.supersede(job)
                for many in self.live(new.tenant):
                    self.leave_out(many)
        if new.request_key:
            self.requests[key] = job.id
        return job.id, joined

    def line_of(self, new: NewJob) -> str:
        for address in (new.person, new.other_person):
            sharing = [job for job in self.live(new.tenant) if address is not None and address in job.own]
            if sharing:
                return sharing[-1].line
        return new.person

    def supersede(self, offboard: ModelJob) -> None:
        for job in self.live(offboard.new.tenant):
            if job.line == offboard.line and job.new.yields_to_offboard and job.id < offboard.id:
                job.superseded_by = offboard.id
                if job.state is JobState.QUEUED:
                    job.state, job.hold = JobState.SUPERSEDED, None

    def leave_out(self, job: ModelJob) -> None:
        """Whom a later job offboards is left out of one about many; not while that one runs."""
        for person in job.new.people if job.state is JobState.QUEUED else ():
            later = [
                other.id
                for other in self.jobs
                if other.new.supersedes
                and (other.new.tenant, other.new.person) == (job.new.tenant, person)
                and other.id > job.id
                and other.state in (*LIVE, JobState.DONE)
            ]
            if later and person not in job.left_out:
                job.left_out[person] = min(later)

    def removed_later(self, job: ModelJob) -> dict[str, list[int]]:
        """Whom later jobs take off projects: those that are done, or may still go before this one."""
        states = (JobState.DONE,) if job.written else (*LIVE, JobState.DONE)
        found: dict[str, list[int]] = {}
        for other in self.jobs:
            if other.new.op in REVOKING_OPS and other.new.tenant == job.new.tenant and other.id > job.id:
                for person in sorted(other.named & set(job.new.people)) if other.state in states else ():
                    found.setdefault(person, []).append(other.id)
        return found

    # --- work ---

    def may_pass(self, job: ModelJob, many: ModelJob) -> bool:
        """Whether a job need not wait for one about many people: leavers, and who is taken off a project."""
        if many.state is JobState.RUNNING or not many.new.people:
            return False
        return job.new.supersedes or (job.new.op in REVOKING_OPS and not many.written)

    def next(self) -> ModelJob | None:
        """Whom a worker must get now."""
        found: list[tuple[int, int, ModelJob]] = []
        for job in self.jobs:
            tenant = self.live(job.new.tenant)
            running = [other for other in tenant if other.state is JobState.RUNNING]
            if (
                job.state is not JobState.QUEUED
                or (job.hold is not None and job.mode is not Mode.CHECK)
                or job.not_before > self.now
                or job.new.tenant in self.paused
                or len(running) >= self.limits[job.new.tenant]
            ):
                continue
            waiting = [other for other in tenant if self.holds_its_person(other)]
            sharing = [
                other
                for other in tenant
                if other is not job and (other.line == job.line or other.addresses & job.addresses)
                if not self.may_pass(job, other)
            ]
            if any(other in running or (other in waiting and other.id < job.id) for other in sharing):
                continue
            in_line = [other for other in waiting if other.line == job.line]
            # A removal has the place of its line, behind the line's first job.
            found.append((min(other.priority for other in in_line), min(other.id for other in in_line), job))
        return min(found, key=lambda entry: (*entry[:2], entry[2].id))[2] if found else None

    def claim(self, job: ModelJob) -> None:
        job.state, job.attempt, job.started = JobState.RUNNING, job.attempt + 1, True

    def finish(self, job: ModelJob, how: How) -> None:
        """The state machine of :mod:`agent.queue.record`."""
        stop = JobState.SUPERSEDED if job.superseded_by is not None else JobState.CANCELLED
        wants_stop = job.cancel or job.superseded_by is not None
        match how:
            case Done():
                self.end(job, JobState.DONE)
            case Dead():
                self.end(job, JobState.DEAD)
            case Stopped():
                self.end(job, stop)
            case Held(hold=Hold.UNCERTAIN) if job.superseded_by is None:
                self.again(job, 0.0, counts=False)
                job.hold, job.mode, job.cancel = Hold.UNCERTAIN, Mode.RUN, False
            case Retry() | GiveBack() | Held() if wants_stop:
                self.end(job, stop)
            case Retry(counts=True) if job.attempt >= job.new.max_attempts and job.hold is not None:
                self.again(job, 0.0, counts=False)
                job.mode, job.cancel = Mode.RUN, False
            case Retry(counts=True) if job.attempt >= job.new.max_attempts:
                self.end(job, JobState.DEAD)
            case Retry():
                self.again(job, how.at, counts=how.counts)
            case GiveBack():
                self.again(job, 0.0, counts=False)
            case Held():
                self.again(job, 0.0, counts=False)
                job.hold, job.mode = how.hold, Mode.RUN

    def end(self, job: ModelJob, state: JobState) -> None:
        job.state, job.hold, job.mode = state, None, Mode.RUN

    def again(self, job: ModelJob, at: float, *, counts: bool) -> None:
        job.state, job.not_before, job.crashes = JobState.QUEUED, at, 0
        job.attempt -= 0 if counts else 1
        self.leave_out(job)

    def die(self) -> None:
        """Every process of the queue dies, and one starts."""
        for job in self.jobs:
            if job.state is not JobState.RUNNING:
                continue
            job.crashes += 1
            if job.superseded_by is not None:
                self.end(job, JobState.SUPERSEDED)
            elif job.cancel:
                self.end(job, JobState.CANCELLED)
            elif job.crashes >= 3:
                self.end(job, JobState.DEAD)
            else:
                job.state, job.not_before = JobState.QUEUED, 0.0
                self.leave_out(job)

    # --- a person steers ---

    def cancel(self, job: ModelJob) -> bool:
        """Whether it was possible; so with the others."""
        if job.state not in LIVE:
            return False
        job.cancel = True
        if job.state is JobState.QUEUED:
            self.end(job, JobState.CANCELLED)
        return True

    def retry(self, job: ModelJob) -> bool:
        if not self.may_come_back(job) or self.was_offboarded_since(job):
            return False
        self.back(job, Mode.RUN)
        job.hold, job.attempt, job.crashes = None, 0, 0
        return True

    def hand_over(self, job: ModelJob) -> bool:
        if not self.may_come_back(job) or self.was_offboarded_since(job):
            return False
        self.back(job, Mode.RUN)
        job.hold = Hold.HAND_OVER
        return True

    def resolve(self, job: ModelJob) -> bool:
        if not self.may_come_back(job) or (job.state is JobState.QUEUED and job.hold is None):
            return False
        if self.was_offboarded_since(job, LIVE):
            return False
        self.back(job, Mode.CHECK)
        job.attempt, job.crashes = 0, 0
        return True

    def approve(self, job: ModelJob) -> bool:
        if job.state is not JobState.QUEUED or job.hold is not Hold.APPROVAL:
            return False
        job.hold = None
        return True

    def may_come_back(self, job: ModelJob) -> bool:
        return job.state in (JobState.QUEUED, JobState.DEAD)

    def was_offboarded_since(self, job: ModelJob, states: tuple[JobState, ...] = (*LIVE, JobState.DONE)) -> bool:
        return job.new.yields_to_offboard and any(
            other.new.supersedes
            and other.id > job.id
            and (other.new.tenant, other.new.person) == (job.new.tenant, job.new.person)
            and other.state in states
            for other in self.jobs
        )

    def back(self, job: ModelJob, mode: Mode) -> None:
        if job.state is JobState.DEAD:
            job.line = self.line_of(job.new)
        job.state, job.mode, job.not_before, job.cancel = JobState.QUEUED, mode, 0.0, False
        self.leave_out(job)
