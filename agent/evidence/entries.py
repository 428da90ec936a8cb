"""What the ledger is told of a run: made from the folder itself, so that it is the same whoever completes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from agent.audit.canonical import canonical
from agent.evidence.folder import EvidenceFolder, timestamp
from agent.evidence.manifest import MANIFEST
from agent.evidence.record import CHANGED, Record

EVERYBODY = "*"  # whom a snapshot is about
RUN_JOB = "run-job"


def accepted_entry(request: dict[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    """Data of the ``accepted`` entry for a job of ``agent run-job``, from ``request.json``."""
    job = request["job"]
    reason = job.get("reason") or {}
    return {
        "job": {"queue": None, "job_id": request["job_id"]},
        "action": str(job.get("action", "")),
        "person": mask(str(request["person"])),
        "reason": {
            name: mask(str(reason[name])) if reason.get(name) else None
            for name in ("ticket", "requested_by", "approved_by")
        },
        "request_sha256": hashlib.sha256(canonical(job)).hexdigest(),
        "at": request["at"],
        "source": RUN_JOB,
    }


def sealed_entry(folder: EvidenceFolder, record: Record, verdict: str, at: datetime) -> dict[str, Any]:
    """Data of the ``sealed`` entry, from the folder with its manifest. ``at``: now, for what has no end of its own."""
    request = record.request
    queue = request.get("queue") or {}
    return {
        "job_id": str(request.get("job_id") or folder.path.name),
        "queue": queue.get("job"),
        "attempt": int(queue.get("attempt") or 1),
        "verdict": verdict,
        "manifest_sha256": hashlib.sha256((folder.path / MANIFEST).read_bytes()).hexdigest(),
        "folder": f"{folder.path.parent.name}/{folder.path.name}",
        "person": str(request.get("person") or ""),
        "action": str(record.job.get("action") or ""),
        "started": timestamp(record.started or at),
        "ended": timestamp(record.ended or at),
        "changed": any(step.state in CHANGED for step in record.steps()),
        "approved_by": record.approved_by,
    }
