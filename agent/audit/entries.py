"""The ledger's entries: what can stand in a line of ``entries.jsonl``, and the exact bytes of such a line.

A line is RFC 8785 canonical JSON::

    {"at": "...Z", "data": {...}, "kind": "sealed", "prev": "...", "seq": 7, "v": 1}

``seq`` counts from 0 without gaps. ``prev`` is the SHA-256 of the preceding line's bytes without its line feed, 64
zeros for the first. ``at`` never goes back: an entry made while the clock stood before its predecessor's time gets that
time, and what the clock really said stands in ``data.clock``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from agent.audit.canonical import NotCanonical, canonical, parse_canonical
from agent.domain.access import Frozen

VERSION = 1
NOTHING_BEFORE = "0" * 64  # ``prev`` of the first entry

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")
]
Count = Annotated[int, Field(ge=0, strict=True)]
QueueId = Annotated[int, Field(ge=1, strict=True)]  # the number of a job of the queue


class Kind(StrEnum):
    """What an entry says."""

    OPENED = "opened"  #: the ledger begins
    ACCEPTED = "accepted"  #: a job was taken on: by the queue, or by ``agent run-job``
    SEALED = "sealed"  #: the evidence of one run is complete; from here on it cannot change unseen
    REPORTED = "reported"  #: its report was written, after the seal
    ENDED = "ended"  #: a job of the queue is over
    REOPENED = "reopened"  #: a job of the queue that was over is to run again
    PERIOD = "period"  #: a day (or hour) is over; written even when nothing happened in it
    PRUNED = "pruned"  #: files are about to be removed by a rule of retention
    KEY = "key"  #: a signing key was added or retired
    WITNESSED = "witnessed"  #: somebody outside put a time on a checkpoint


class _Data(Frozen):
    clock: Moment | None = None  # what the clock said, where it stood before the preceding entry's time


class Opened(_Data):
    """First entry: which ledger this is. ``keys`` are public (vkey text), empty where none could be had yet."""

    ledger: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
    tenant: str
    agent: str  # version
    keys: tuple[str, ...]


class JobReference(Frozen):
    """Which job: its number in the queue, or, for ``agent run-job``, the id of its evidence."""

    queue: QueueId | None
    job_id: str | None


class Reason(Frozen):
    """Why, and who wanted and allowed it, as the job says."""

    ticket: str | None = None
    requested_by: str | None = None
    approved_by: str | None = None


class Accepted(_Data):
    """A job was taken on. ``request_sha256`` is that of the job as canonical JSON; ``at`` when it was taken on."""

    job: JobReference
    action: str
    person: str
    reason: Reason
    request_sha256: Sha256
    at: Moment
    source: str  # who brought it: "run-job", or what the queue has as its creator


class Sealed(_Data):
    """The evidence of one run. ``manifest_sha256`` fixes every byte of it, save the report (:class:`Reported`).

    ``queue`` and ``attempt`` are those of the queue's job; None and 1 for ``agent run-job``. ``changed``: something
    was, or may have been, changed in Procore by this run. ``approved_by``: who gave the yes, in the agent, that policy
    asked for in this run; None where it asked for none, or none was given. What the request itself says of approvals is
    :attr:`Reason.approved_by`.
    """

    job_id: str
    queue: QueueId | None
    attempt: Count
    verdict: str
    manifest_sha256: Sha256
    folder: str  # relative to the tenant's folder, with /: "2026-11-22/091502-provision-4f1a9c"
    person: str
    action: str
    started: Moment
    ended: Moment
    changed: bool
    approved_by: str | None = None


class Reported(_Data):
    """The report of a sealed run, which shows its place in this ledger and so is made after the seal."""

    job_id: str
    report_sha256: Sha256


class Ended(_Data):
    """A job of the queue is over, at ``at`` by the queue's clock. ``job_id``: evidence of its last run, if any."""

    queue: QueueId
    state: Literal["done", "dead", "cancelled", "superseded"]
    job_id: str | None
    error_kind: str | None
    at: Moment


class Reopened(_Data):
    """A job that was over is to run again (``agent jobs retry``), or did so: another :class:`Ended` will follow."""

    queue: QueueId


class Open(Frozen):
    """Jobs of the queue that are not over: due, dated or backing off; at work; waiting for a person.

    ``missing`` ones are not over as far as this ledger knows, and the queue does not know them (any more): its file was
    replaced, or put back from a backup.
    """

    queued: Count
    running: Count
    waiting: Count
    missing: Count


class Period(_Data):
    """A period is over (UTC, half open).

    ``accepted`` counts the ``accepted`` entries before this one whose ``data.at`` lies before ``to`` and that no
    earlier period counted; ``ended`` likewise the ``ended`` entries by state. ``reopened``, and ``direct`` (``sealed``
    entries without ``queue``, by verdict), go by the entry's own ``at``. So each entry is counted once, a late one in
    the next period. ``open`` is as of this entry.
    """

    begin: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    accepted: Count
    ended: dict[str, Count]
    reopened: Count
    direct: dict[str, Count]
    open: Open


class PrunedFile(Frozen):
    """A file that is removed."""

    path: str  # relative to the job's folder
    sha256: Sha256
    bytes: Count


class Pruned(_Data):
    """Files of a sealed run that go, by which rule; written before they go."""

    job_id: str
    files: tuple[PrunedFile, ...]
    policy: str
    why: str


class KeyChange(_Data):
    """A signing key (vkey text) was added or retired. During an overlap all keys that are not retired sign."""

    added: str | None = None
    retired: str | None = None
    why: str


class Witnessed(_Data):
    """A time stamp (RFC 3161) of the signed checkpoint of ``size``; the answer is ``timestamps/SIZE.tsr``."""

    size: Count
    tsa: str
    sha256: Sha256


Data = Opened | Accepted | Sealed | Reported | Ended | Reopened | Period | Pruned | KeyChange | Witnessed

DATA: Mapping[Kind, type[Data]] = {
    Kind.OPENED: Opened,
    Kind.ACCEPTED: Accepted,
    Kind.SEALED: Sealed,
    Kind.REPORTED: Reported,
    Kind.ENDED: Ended,
    Kind.REOPENED: Reopened,
    Kind.PERIOD: Period,
    Kind.PRUNED: Pruned,
    Kind.KEY: KeyChange,
    Kind.WITNESSED: Witnessed,
}


class _Envelope(Frozen):
    v: Literal[1]
    seq: Count
    prev: Sha256
    at: Moment
    kind: Kind
    data: dict[str, Any]


class EntryDamaged(ValueError):
    """A line is not an entry as this ledger writes them; the message says what is wrong with it."""


@dataclass(frozen=True)
class Entry:
    """One entry, with the exact bytes of its line (without the line feed)."""

    seq: int
    prev: str
    at: str
    kind: Kind
    data: Data
    line: bytes

    @cached_property
    def sha256(self) -> str:
        """What the next entry has as its ``prev``."""
        return hashlib.sha256(self.line).hexdigest()

    @property
    def time(self) -> datetime:
        """``at``, aware."""
        return datetime.fromisoformat(self.at)

    @classmethod
    def make(cls, seq: int, prev: str, at: str, kind: Kind, data: Mapping[str, Any]) -> Entry:
        """A new entry; pydantic's ValidationError for data that the kind does not have."""
        model = DATA[kind].model_validate(dict(data))
        envelope = {"v": VERSION, "seq": seq, "prev": prev, "at": at, "kind": kind.value, "data": _dumped(model)}
        return cls(seq, prev, at, kind, model, canonical(envelope))

    @classmethod
    def parse(cls, line: bytes) -> Entry:
        """The entry that a line (without its line feed) says; EntryDamaged for anything else."""
        try:
            envelope = _Envelope.model_validate(parse_canonical(line))
            model = DATA[envelope.kind].model_validate(envelope.data)
        except NotCanonical as error:
            raise EntryDamaged(str(error)) from error
        except ValidationError as error:
            places = {".".join(map(str, item["loc"])) or "the whole" for item in error.errors()}
            raise EntryDamaged(f"not as an entry is: {', '.join(sorted(places))}") from error
        if _dumped(model) != envelope.data:
            raise EntryDamaged("an entry says its data otherwise than it is written")
        return cls(envelope.seq, envelope.prev, envelope.at, envelope.kind, model, line)


def _dumped(model: Data) -> dict[str, Any]:
    dumped = model.model_dump(mode="json", by_alias=True)
    if dumped["clock"] is None:
        del dumped["clock"]  # there in the rare entry only
    return dumped
