"""A tenant's evidence as jobs leave it, made in milliseconds: real folders, manifests and ledger, no browser.

::

    archive = Archive(tmp_path)
    archive.job("071500-update-aa0001")                    # by run-job
    archive.job("080000-offboard-aa0002", queue=1)         # by the queue; enter its end with archive.ended(1)
    archive.day_is_over()                                  # a signed period
    findings = verify_tenant(archive.tenant, archive.anchors)
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.audit.accounts import Accounts
from agent.audit.chronicle import close_periods
from agent.audit.entries import Kind
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import AuditLedger, ledger_folder
from agent.audit.note import PublicKey
from agent.audit.reading import CHECKPOINT, CHECKPOINTS, ENTRIES
from agent.audit.trust import Anchors, SignedHead
from agent.credentials.store import CredentialStore
from agent.evidence.folder import EvidenceFolder, canonical_json, timestamp
from agent.evidence.manifest import MANIFEST, REPORT, SharedObject, versions, write_manifest
from tests.unit.audit.books import MemoryKeyring, SetClock

MORNING = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)  # a Monday
STYLE = b"body { margin: 0 } " * 100
PERSON = "mara.lindqvist@example.com"
ACCOUNT = "directory-agent@example.com"
DIFFERENCES = (
    {"what": "Job Title", "before": "'Trainee'", "after": "'Site Engineer'"},
    {"what": "Project 24-017 - Harbour Street Car Park", "before": "not a member", "after": "member with 'Foreman'"},
)
STEPS = (
    {
        "kind": "save_user",
        "title": "Save: Job Title 'Site Engineer'",
        "direction": "neutral",
        "inverse": "set it back",
        "change": {"attributes": {"job_title": "Site Engineer"}, "email": None},
        "before": {"attributes": {"job_title": "Trainee"}},
    },
    {
        "kind": "add_to_project",
        "title": "Add to project 24-017",
        "direction": "grant",
        "inverse": "remove",
        "project": {"id": "562949953500017", "name": "Harbour Street Car Park", "number": "24-017"},
        "template": "Foreman",
    },
)


@dataclass
class Archive:
    """One tenant's evidence below ``root``."""

    root: Path
    clock: SetClock = field(default_factory=lambda: SetClock(MORNING))
    keyring: MemoryKeyring = field(default_factory=MemoryKeyring)
    name: str = "acme"

    def __post_init__(self) -> None:
        self.evidence = self.root / "evidence"
        self.ledger_folder = ledger_folder(self.evidence, self.name)
        self.tenant = self.ledger_folder.parent
        self.ledger = AuditLedger(self.ledger_folder, self.name, self.signer, self.clock)

    def copy(self, root: Path) -> Archive:
        """The same, elsewhere, with the same keys."""
        shutil.copytree(self.evidence, root / "evidence", symlinks=True)
        keyring = MemoryKeyring()
        keyring.kept = dict(self.keyring.kept)
        return Archive(root, SetClock(self.clock.now), keyring, self.name)

    @property
    def signer(self) -> KeyringSigner:
        """Keys in memory."""
        return KeyringSigner(CredentialStore(self.keyring))

    @property
    def key(self) -> PublicKey:
        """The first key of the ledger, read without the agent, which takes nothing from a ledger that was changed."""
        return PublicKey.parse(json.loads(self.lines()[0])["data"]["keys"][0])

    @property
    def anchors(self) -> Anchors:
        """What an auditor has: the first key."""
        return Anchors((self.key,))

    def with_head(self, note: str) -> Anchors:
        """The same, with a head that was kept."""
        return Anchors((self.key,), (SignedHead.parse(note, "the kept head"),))

    # --- files, for those who tamper ---

    @property
    def entries(self) -> Path:
        """The entries."""
        return self.ledger_folder / ENTRIES

    @property
    def checkpoints(self) -> Path:
        """All checkpoints."""
        return self.ledger_folder / CHECKPOINTS

    @property
    def checkpoint(self) -> Path:
        """The latest checkpoint."""
        return self.ledger_folder / CHECKPOINT

    def lines(self) -> list[bytes]:
        """The entries' lines, with their line feeds."""
        return self.entries.read_bytes().splitlines(keepends=True)

    def folder(self, job_id: str) -> Path:
        """The folder of a job."""
        return next(self.tenant.glob(f"*/{job_id}"))

    # --- what happens ---

    def accepted(self, *, queue: int | None = None, job_id: str | None = None, **changes: Any) -> None:
        """A job was taken on."""
        data = {
            "job": {"queue": queue, "job_id": job_id},
            "action": "update",
            "person": PERSON,
            "reason": {"ticket": "IT-4711", "requested_by": "hr@example.com", "approved_by": "head@example.com"},
            "request_sha256": hashlib.sha256(b"the request").hexdigest(),
            "at": timestamp(self.clock()),
            "source": "run-job" if queue is None else "hr-system",
        }
        self.ledger.append(Kind.ACCEPTED, {**data, **changes})

    def run(
        self,
        job_id: str,
        *,
        queue: int | None = None,
        attempt: int = 1,
        verdict: str = "done",
        changed: bool = True,
        action: str = "update",
        person: str = PERSON,
        differences: Sequence[dict[str, str]] = DIFFERENCES,
        steps: Sequence[dict[str, Any]] = STEPS,
        state: str = "saved",
        withheld: tuple[str, ...] = (),
        approved_by: str | None = None,
        sign: bool = True,
    ) -> Path:
        """One run, from its folder to the entry about its report."""
        started = self.clock()
        folder = EvidenceFolder.create(self.evidence, self.name, started, job_id)
        reason = {"ticket": "IT-4711", "requested_by": "hr@example.com", "approved_by": "head@example.com"}
        folder.write_json(
            "request.json",
            {
                "job_id": job_id,
                "tenant": self.name,
                "at": timestamp(started),
                "dry_run": False,
                "service_account": ACCOUNT,
                "job": {"action": action, "person": {"email": person}, "reason": reason},
            },
        )
        folder.write_json("plan.json", {"replanned": False, "steps": list(steps), "differences": list(differences)})
        lines = []
        for number, step in enumerate(steps, 1):
            at = timestamp(started + timedelta(seconds=number))
            lines.append({"at": at, "ms": 0, "event": "step-started", "step": number, "title": step["title"]})
            lines.append({"at": at, "ms": 0, "event": "write-sending", "step": number, "intent": "save"})
            if state != "unknown":
                ended = {"state": state, "detail": "", "milliseconds": 700, "title": step["title"]}
                lines.append({"at": at, "ms": 0, "event": "step-ended", "step": number, **ended})
        folder.write_text("log.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.clock.go(seconds=20)
        error = None if verdict == "done" else {"code": "stopped-midway", "kind": "StoppedMidway"}
        outcome = {"job_id": job_id, "at": timestamp(self.clock()), "verdict": verdict, "error": error}
        folder.write_json("outcome.json", {**outcome, "summary": f"The job is {verdict}."})
        folder.write_bytes("pictures/01-before.jpg", b"\xff\xd8 a picture of " + job_id.encode())
        folder.write_bytes("trace.zip", _recording(job_id))
        body = self._shared(STYLE)
        manifest = write_manifest(
            folder,
            request={"job_id": job_id, "tenant": self.name},
            verdict=verdict,
            at=self.clock(),
            made_with=versions(),
            withheld=withheld,
            objects=(SharedObject(sha256=body, bytes=len(STYLE), name="trace.zip/resources/style.css"),),
        )
        assert manifest.job_id == job_id
        self.ledger.append(
            Kind.SEALED,
            {
                "job_id": job_id,
                "queue": queue,
                "attempt": attempt,
                "verdict": verdict,
                "manifest_sha256": hashlib.sha256((folder.path / MANIFEST).read_bytes()).hexdigest(),
                "folder": folder.path.relative_to(self.tenant).as_posix(),
                "person": person,
                "action": action,
                "started": timestamp(started),
                "ended": timestamp(self.clock()),
                "changed": changed,
                "approved_by": approved_by,
            },
        )
        folder.write_text(REPORT, f"<!doctype html><title>{job_id}</title>")
        self.ledger.append(
            Kind.REPORTED,
            {"job_id": job_id, "report_sha256": hashlib.sha256((folder.path / REPORT).read_bytes()).hexdigest()},
        )
        if sign:
            self.ledger.sign()
        folder.remove("PARTIAL")
        return folder.path

    def job(self, job_id: str, *, queue: int | None = None, reason: dict[str, Any] | None = None, **how: Any) -> Path:
        """Accepted and run; a job of the queue is not ended by that."""
        changes: dict[str, Any] = {name: how[name] for name in ("action", "person") if name in how}
        if reason is not None:
            changes["reason"] = reason
        self.accepted(queue=queue, job_id=None if queue else job_id, **changes)
        return self.run(job_id, queue=queue, **how)

    def ended(self, queue: int, state: str = "done", error_kind: str | None = None, job_id: str | None = None) -> None:
        """A job of the queue is over."""
        data = {"queue": queue, "state": state, "job_id": job_id, "error_kind": error_kind}
        self.ledger.append(Kind.ENDED, {**data, "at": timestamp(self.clock())})
        self.ledger.sign()

    def day_is_over(self) -> None:
        """Midnight, and the agent closes the day."""
        self.clock.now = (self.clock.now + timedelta(days=1)).replace(hour=0, minute=5)
        with self.ledger.exclusive():
            accounts = Accounts()
            accounts.catch_up(self.ledger_folder)
            close_periods(self.ledger, accounts, self.clock.now, "day")
            self.ledger.sign()

    def prune(self, job_id: str, *paths: str) -> None:
        """Remove files by a rule once its time is over, as retention does."""
        whole = MANIFEST in paths
        self.clock.go(days=2557 if whole else 91)
        folder = self.folder(job_id)
        files = []
        for path in paths:
            data = (folder / path).read_bytes()
            files.append({"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
        policy = "evidence.records_years=7" if whole else "evidence.heavy_days=90"
        rule = {"policy": policy, "why": "kept long enough"}
        self.ledger.append(Kind.PRUNED, {"job_id": job_id, "files": files, **rule})
        self.ledger.sign()
        for path in paths:
            (folder / path).unlink()

    def _shared(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        place = self.tenant / "objects" / sha256[:2] / sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return sha256

    @property
    def shared_body(self) -> Path:
        """Where the style sheet is that all recordings share."""
        sha256 = hashlib.sha256(STYLE).hexdigest()
        return self.tenant / "objects" / sha256[:2] / sha256


def _recording(job_id: str) -> bytes:
    index = {"resources/style.css": {"bytes": len(STYLE), "sha256": hashlib.sha256(STYLE).hexdigest()}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("trace.trace", (1980, 1, 1, 0, 0, 0)), f"a recording of {job_id}")
        archive.writestr(zipfile.ZipInfo("objects.json", (1980, 1, 1, 0, 0, 0)), canonical_json(index))
    return buffer.getvalue()
