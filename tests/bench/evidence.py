"""What evidence costs: bytes, redaction and sealing, verification of ten thousand jobs, replay of one."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.audit.canonical import canonical
from agent.audit.entries import Kind
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import AuditLedger, ledger_folder
from agent.audit.note import PublicKey
from agent.audit.trust import Anchors
from agent.audit.verify import verify_tenant
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.evidence.folder import EvidenceFolder, canonical_json, timestamp
from agent.evidence.manifest import FileEntry, Manifest, versions
from agent.evidence.objects import pack
from agent.evidence.raw_recording import RawRecording
from agent.evidence.seal import Withheld, seal, store_trace
from fixtures.running import ROOT, RunningSandbox
from tests.bench.measure import Worker
from tests.unit.audit.books import MemoryKeyring

MIB = 2**20
AIMS = {
    "evidence of a job of 20 writes, MB": 2.0,
    "redacted recording / raw, bytes": 1.0,
    "redact, search and seal, s a job of 20 writes": 2.0,
    "verify 10,000 jobs, s": 30.0,
    "replay of a job of 20 writes, s": 10.0,
}
console = Console(highlight=False, width=110)


def evidence(
    people: Callable[[dict[str, Any]], Iterator[dict[str, Any]]],
    set_up: Callable[[RunningSandbox, str], dict[str, Any]],
    jobs: int = 10_000,
    rounds: int = 5,
) -> dict[str, float]:
    """All of it; returns the figures that we promise."""
    with RunningSandbox(200, 7, "--no-delays", "--option", 'mfa="off"') as sandbox:
        company = sandbox.get("/state")["companies"][0]
        wanted = people(company)
        with Worker("agent keeping raw", set_up(sandbox, "evidence")) as worker:
            first = worker.run(twenty_writes(next(wanted), company)).said
            said = worker.run(twenty_writes(next(wanted), company)).said  # shared bodies are in the store by now
        console.print(f"The first job, which stores what jobs share: {first['bytes'] / 1e6:.2f} MB in its own folder.")
    folder, raw = ROOT / said["folder"], Path(said["raw"])
    found = {"evidence of a job of 20 writes, MB": said["bytes"] / 1e6}
    found |= _sealing(folder, raw, rounds)
    found |= _verifying(jobs)
    replayed = _replay(folder)
    return found | ({"replay of a job of 20 writes, s": replayed} if replayed is not None else {})


def twenty_writes(person: dict[str, Any], company: dict[str, Any]) -> dict[str, Any]:
    """The person with 18 projects, one write each, beside being created and invited."""
    template = person["projects"][0]["template"]
    numbers = [item["number"] for item in company["projects"][:18]]
    return {**person, "projects": [{"number": number, "template": template} for number in numbers]}


def _sealing(job: Path, raw: Path, rounds: int) -> dict[str, float]:
    """Redaction, search and seal of that job again, beside packing its recording as it came."""
    known = KnownSecrets()
    for number in range(5):
        known.add(f"secret {number}", Secret(hashlib.sha256(b"bench %d" % number).hexdigest()[:24] + "+&/"))
    packing, sealing, before, size = [], [], 0, 0
    target = ROOT / "var" / "bench" / "sealing"
    for number in range(rounds):
        began = time.perf_counter()
        before = len(pack(RawRecording.open(raw).entries))
        packing.append(time.perf_counter() - began)
        folder = EvidenceFolder.create(target, "bench", datetime(2026, 11, 22, tzinfo=UTC), f"job-{number}")
        for path in job.rglob("*"):
            if path.is_file() and path.name not in {"trace.zip", "report.html", "manifest.json"}:
                folder.write_bytes(path.relative_to(job).as_posix(), path.read_bytes(), durable=False)
        withheld = Withheld()
        began = time.perf_counter()
        assert store_trace(folder, "trace.zip", raw, known, withheld)
        names = (folder, known, withheld)
        seal(*names, job_id="x", tenant="bench", verdict="done", at=datetime.now(UTC), made_with=versions())
        sealing.append(time.perf_counter() - began)
        size = (folder.path / "trace.zip").stat().st_size
    table = Table(title="A job of 20 writes: its recording, redacted and sealed")
    for heading in ("", "raw", "redacted", "ratio"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("recording, KiB", f"{before / 1024:.0f}", f"{size / 1024:.0f}", f"{size / before:.2f}")
    one, other = statistics.median(packing), statistics.median(sealing)
    table.add_row("ms (raw: only packed; else searched, hashed, reported, too)", f"{one * 1000:.0f}",
                  f"{other * 1000:.0f}", f"{other / one:.1f}")  # fmt: skip
    console.print(table)
    return {"redacted recording / raw, bytes": size / before, "redact, search and seal, s a job of 20 writes": other}


def _verifying(jobs: int) -> dict[str, float]:
    """Everything about so many sealed jobs, by the public key alone."""
    tenant, key = _archive(ROOT / "var" / "bench" / "archive", jobs)
    began = time.perf_counter()
    findings = verify_tenant(tenant, Anchors((key,)))
    seconds = time.perf_counter() - began
    findings.raise_if_any()
    console.print(f"{jobs:,} jobs verified in {seconds:.1f} s: {len(findings.proven)} promises held.")
    shutil.rmtree(tenant.parent)
    return {"verify 10,000 jobs, s": seconds * 10_000 / jobs}


def _archive(root: Path, jobs: int) -> tuple[Path, PublicKey]:
    """Folders of small records and their ledger, without the flushes that real jobs wait for."""
    shutil.rmtree(root, ignore_errors=True)
    began = datetime(2026, 1, 5, 7, tzinfo=UTC)
    now = [began]
    ledger = AuditLedger(
        ledger_folder(root, "bench"), "bench", KeyringSigner(CredentialStore(MemoryKeyring())), lambda: now[0]
    )
    tenant = ledger.folder.parent
    items: list[tuple[Kind, dict[str, Any]]] = []
    for number in range(jobs):
        at = began + timedelta(minutes=number)
        items += _sealed_job(tenant, f"{at:%H%M%S}-update-{number:06x}", number + 1, at)
        if len(items) >= 4000:
            now[0] = at + timedelta(minutes=1)
            ledger.append_all(items)
            items = []
    now[0] = began + timedelta(minutes=jobs)
    if items:
        ledger.append_all(items)
    note = ledger.sign()
    assert note is not None
    return tenant, PublicKey.parse(ledger.head().keys[0])


def _sealed_job(tenant: Path, job_id: str, queue: int, at: datetime) -> list[tuple[Kind, dict[str, Any]]]:
    folder = tenant / f"{at:%Y-%m-%d}" / job_id
    folder.mkdir(parents=True)
    person, moment = f"person.{queue}@example.com", timestamp(at)
    reason = {"ticket": "BENCH-1", "requested_by": "hr@example.com", "approved_by": "head@example.com"}
    job = {"action": "update", "person": {"email": person}, "reason": reason}
    files = {
        "request.json": canonical_json({"job_id": job_id, "tenant": "bench", "at": moment, "job": job}),
        "plan.json": canonical_json({"steps": [], "differences": [], "padding": "x" * 1500}),
        "before.json": canonical_json({"person": {"email": person}, "padding": "x" * 1500}),
        "after.json": canonical_json({"person": {"email": person}, "padding": "y" * 1500}),
        "outcome.json": canonical_json({"job_id": job_id, "at": moment, "verdict": "done", "summary": "Done."}),
        "log.jsonl": b"".join(b'{"at":"%s","event":"note"}\n' % moment.encode() for _ in range(60)),
    }
    listed = tuple(
        FileEntry(path=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in sorted(files.items())
    )
    manifest = Manifest(
        job_id=job_id, tenant="bench", verdict="done", sealed_at=moment, versions=versions(), files=listed
    )
    files["manifest.json"] = canonical(manifest.model_dump(mode="json"))
    files["report.html"] = b"<!doctype html><title>%s</title>" % job_id.encode() + b"x" * 60_000
    for name, data in files.items():
        (folder / name).write_bytes(data)
    accepted = {
        "job": {"queue": queue, "job_id": None},
        "action": "update",
        "person": person,
        "reason": reason,
        "request_sha256": listed[-1].sha256,
        "at": moment,
        "source": "bench",
    }
    sealed = {
        "job_id": job_id,
        "queue": queue,
        "attempt": 1,
        "verdict": "done",
        "manifest_sha256": hashlib.sha256(files["manifest.json"]).hexdigest(),
        "folder": folder.relative_to(tenant).as_posix(),
        "person": person,
        "action": "update",
        "started": moment,
        "ended": moment,
        "changed": True,
    }
    reported = {"job_id": job_id, "report_sha256": hashlib.sha256(files["report.html"]).hexdigest()}
    ended = {"queue": queue, "state": "done", "job_id": job_id, "error_kind": None, "at": moment}
    return [(Kind.ACCEPTED, accepted), (Kind.SEALED, sealed), (Kind.REPORTED, reported), (Kind.ENDED, ended)]


def _replay(folder: Path) -> float | None:
    """`agent replay` on that job, start of the program and of the browser included; None when it does not agree."""
    command = [sys.executable, "-m", "agent", "replay", str(folder), "--output", str(ROOT / "var" / "bench" / "replay")]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        console.print(f"[bold red]The replay does not agree (exit {done.returncode}):[/]\n{done.stdout}{done.stderr}")
        return None
    return seconds
