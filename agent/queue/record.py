"""What the queue keeps: a job's record, its events, tenants, flows, grants with an end, notices to be sent.

The life of a job::

    queued ──claim──► running ──ok──► done
      ▲  │               │ ├─ passing trouble, attempts left ─► queued (not_before = back-off)
      │  │               │ ├─ for good, refused, last attempt ─► dead ──retry──► queued
      │  │               │ ├─ a person decides ─► queued with a hold ──approve, resolve, retry──► queued
      │  │               │ ├─ cancel seen at a step boundary ─► cancelled (or superseded)
      │  │               │ └─ process died ─► queued (crashes + 1; the third ─► dead); cancel was asked ─► cancelled
      │  ├─ cancel ─► cancelled
      │  └─ a later offboard of the same person ─► superseded (grants only)
      └─ graceful stop, or the tenant was paused: given back without counting an attempt

A job dated in the future does not hold its person; one that waits for a retry, or is held, does, unless it only reads.
A job about many people holds all of them, and waits for the earlier jobs of each; whom a later offboard concerns is
left out of it, and neither waits for the other. A removal from projects passes one that has not come to a write.
Times are seconds since the epoch (float) by the clock of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

ARGS_VERSION = 1  # of the jobs as stored; a worker accepts this one and the one before
CLOCK = "clock"  # who submits what takes access away when its time has come; no operator has this name
WORKER, PROBE = "worker", "probe"  # machines that say how a flow is; no operator has these names
SNAPSHOT_PERSON = "*"  # whom a snapshot is about: everybody, one snapshot at a time


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"  #: accepted, not being worked on: due, dated, waiting for a retry, or held
    RUNNING = "running"  #: a worker has it
    DONE = "done"  #: read back, or there was nothing to do
    DEAD = "dead"  #: refused, failed for good, out of attempts, or it killed its process three times
    CANCELLED = "cancelled"  #: somebody asked for it
    SUPERSEDED = "superseded"  #: a later offboarding of the same person made it pointless

    @property
    def is_live(self) -> bool:
        """Whether something is still to come."""
        return self in (JobState.QUEUED, JobState.RUNNING)


class Hold(StrEnum):
    """Why a queued job waits for a person; it holds its person's later jobs meanwhile."""

    APPROVAL = "approval"  #: policy asks for a yes: ``agent jobs approve``
    HAND_OVER = "hand-over"  #: somebody does it by hand in Procore, then ``agent jobs resolve`` checks it
    UNCERTAIN = (
        "uncertain"  #: something was, or may have been, changed: look, then ``resolve``, ``retry`` or ``cancel``
    )


class Mode(StrEnum):
    """How the next run of a job is meant."""

    RUN = "run"  #: observe, plan, write, read back
    CHECK = "check"  #: only read: done if the Directory is as the job wants it, back on hold otherwise


class Priority(IntEnum):
    """Smaller is sooner."""

    OFFBOARD = 10
    REVOKE = 30  #: access is taken away, or has expired
    NORMAL = 50
    RECONCILE = 70
    BULK = 90


@dataclass(frozen=True)
class NewJob:
    """A job on its way into the queue; :func:`agent.queue.admission.admit` makes it from a job file's job."""

    tenant: str
    person: str  # normalised address, SNAPSHOT_PERSON, or what a job about many people is about
    op: str  # the action
    args: Mapping[str, Any]  # the job as JSON, fields left out stay left out
    request_key: str | None  # idempotency key: unique per tenant for the retention time
    dedup_key: str | None  # what the job wishes, without its reason and key: joined to a waiting job of the same wish
    priority: int
    created_by: str
    other_person: str | None = None  # the second address of change_email
    people: tuple[str, ...] = ()  # of a job about many people; ``person`` is then what it is about: project:24-017
    yields_to_offboard: bool = False  # a later offboard makes it pointless, and does not wait for it
    supersedes: bool = False  # an offboard
    not_before: float = 0.0  # 0 is "at once", whatever the clock does
    give_up_at: float | None = None  # dead, if it has written nothing by then
    needed_by: float | None = None
    max_attempts: int = 8
    batch: str | None = None  # what was submitted together
    hold: Hold | None = None  # accepted, but waits for a person from the start
    hold_reason: str = ""
    args_version: int = ARGS_VERSION


@dataclass(frozen=True)
class Accepted:
    """The queue's receipt. ``joined``: the wish was in the queue already, nothing was added."""

    id: int
    request_key: str | None
    joined: bool = False
    superseded: tuple[int, ...] = ()  # jobs that this one made pointless


@dataclass(frozen=True)
class JobRecord:
    """One job as the ledger has it."""

    id: int
    tenant: str
    person: str
    op: str
    args: Mapping[str, Any]
    args_version: int
    priority: int
    state: JobState
    created_by: str
    created_at: float
    other_person: str | None = None
    line: str = ""  # in whose line it stands: its own person's, or that of a live job it shares an address with
    yields_to_offboard: bool = False
    supersedes: bool = False
    request_key: str | None = None
    dedup_key: str | None = None
    batch: str | None = None
    not_before: float = 0.0
    give_up_at: float | None = None
    needed_by: float | None = None
    mode: Mode = Mode.RUN
    hold: Hold | None = None
    hold_reason: str = ""
    hold_data: Mapping[str, Any] = field(default_factory=dict)  # plan that waits, instructions of a hand-over
    approved_by: str | None = None
    approval: Mapping[str, Any] = field(default_factory=dict)  # what was approved: codes and blast radius
    attempt: int = 0
    max_attempts: int = 8
    crashes: int = 0
    fence: int = 0
    worker: str | None = None
    beat: float | None = None
    cancel: bool = False
    cancel_by: str | None = None
    superseded_by: int | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)  # the step under way; survives the process
    result: Mapping[str, Any] = field(default_factory=dict)
    error_kind: str | None = None  # refused | failed | uncertain | poison | expired
    error_code: str | None = None
    error: str | None = None
    evidence: str | None = None  # folder of the last run
    started_at: float | None = None
    finished_at: float | None = None


@dataclass(frozen=True)
class JobEvent:
    """One line of a job's history; append-only."""

    job_id: int
    at: float
    kind: str
    attempt: int
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TenantState:
    """What the queue knows of a tenant."""

    name: str
    max_running: int
    paused: bool = False
    why: str = ""
    paused_by: str = ""  # "breaker" or a person
    not_before: float | None = None  # the pause ends by itself at this time; None: a person ends it


class FlowHealth(StrEnum):
    """Whether a tenant's pages are, for one way of writing, as the agent knows them."""

    HEALTHY = "healthy"  #: as known, as far as anybody has seen
    DEGRADED = "degraded"  #: somewhat changed, in nothing that a write depends on: it goes on
    QUARANTINED = "quarantined"  #: not used before a person has looked: ``agent flows release``


@dataclass(frozen=True)
class FlowReport:
    """What somebody says of a flow. ``flow`` is a name of :class:`flows.names.Flow`."""

    flow: str
    state: FlowHealth
    by: str  # WORKER, PROBE, or a person
    why: str = ""  # in words; may name people
    code: str = ""  # of the error
    region: str = ""  # the part of the page, by its key in the catalogue
    findings: tuple[str, ...] = ()  # what is not as known, the worst first
    generation: str = ""  # of the pages
    evidence: str = ""  # folder
    job_id: int | None = None
    wrote: bool = False  # a write went through it and was kept
    #: it may have been this one person's doing: degraded at first, quarantined when the next job says the same
    suspicion: bool = False


@dataclass(frozen=True)
class FlowState:
    """How a flow is in a tenant, and since when; the rest as in the report that made it so."""

    tenant: str
    flow: str
    state: FlowHealth
    since: float
    by: str = ""
    why: str = ""
    code: str = ""
    region: str = ""
    findings: tuple[str, ...] = ()
    generation: str = ""
    evidence: str = ""
    job_id: int | None = None
    succeeded_at: float | None = None  # the last write that was kept
    looks_well_at: float | None = None  # somebody has seen it as known since it was quarantined


@dataclass(frozen=True)
class FlowEvent:
    """One line of a flow's history; append-only."""

    tenant: str
    flow: str
    at: float
    state: FlowHealth
    by: str
    why: str = ""
    code: str = ""
    region: str = ""
    findings: tuple[str, ...] = ()
    generation: str = ""
    evidence: str = ""
    job_id: int | None = None


@dataclass(frozen=True)
class Claim:
    """A job in a worker's hands. ``fence`` tells this claim from every earlier and later one of the job."""

    job: JobRecord
    fence: int


@dataclass(frozen=True)
class NewGrant:
    """Access that ends by itself: to be remembered when the job that gives it has written."""

    kind: str  # "account" | "project"
    what: Mapping[str, Any]  # for a project: its reference as in the job
    expires_at: float  # math.inf: it has no end any more; an open grant of the same thing is closed
    names: tuple[str, ...] = ()  # every name under which a job may speak of the project


@dataclass(frozen=True)
class Grant:
    """Access of a person that ends at a time."""

    id: int
    tenant: str
    person: str
    kind: str
    what: Mapping[str, Any]
    expires_at: float
    given_by_job: int
    revoked_by_job: int | None = None
    closed_at: float | None = None
    closed_why: str = ""
    names: tuple[str, ...] = ()  # of a project, when the access was given


@dataclass(frozen=True)
class Spending:
    """A wish to take something from a tenant's budget: so much of it, of ``limit`` in the last ``window_s`` seconds."""

    kind: str
    amount: int
    limit: int
    window_s: float


@dataclass(frozen=True)
class Spent:
    """Whether there is room for a spending, and how much others have spent in its window."""

    has_room: bool
    before: int


@dataclass(frozen=True)
class NewNotice:
    """Something that people outside must be told."""

    kind: str  # dead | uncertain | waiting | paused | late | expired | flow | probe
    tenant: str
    subject: str  # one line
    data: Mapping[str, Any]
    job_id: int | None = None
    key: str | None = None  # told once per key


@dataclass(frozen=True)
class Notice:
    """A notice on its way to one channel."""

    id: int
    at: float
    kind: str
    tenant: str
    subject: str
    data: Mapping[str, Any]
    job_id: int | None
    channel: str
    attempts: int = 0
