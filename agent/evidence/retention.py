"""Removes what has been kept long enough, and says so in the ledger before it goes.

Two ages, from the moment a folder was entered as sealed: after ``heavy_days`` recordings, pictures, readings and
snapshots go, and the report is written anew without them; after ``records_years`` the whole folder does. Each removal
is a ``pruned`` entry of the tenant's ledger first, with the hash of each file. A kill in between is made up for by the
next run, which finds the job's name in the journal ``.pruning``.

Age, place and hashes are the ledger's, never the manifest's own word. Never touched: an unfinished folder, one that the
ledger does not know, and one that is not as it was sealed, in any file (it is proof of something); the latter two are
told. What is wrong with one folder, or one tenant, keeps nobody else's from being tidied; only bodies that recordings
share all stay while one folder does not say which it needs (:mod:`agent.evidence.collection`).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

import structlog

from agent.audit.entries import Entry, Kind
from agent.audit.records import RunRecords
from agent.audit.sink import Recorded
from agent.errors import AgentError
from agent.evidence.collection import NeedUnknown, needed
from agent.evidence.folder import PARTIAL, EvidenceFolder
from agent.evidence.heavy import HEAVY
from agent.evidence.journal import Journal, Noted
from agent.evidence.manifest import MANIFEST, REPORT, digest
from agent.evidence.objects import FOLDER as OBJECTS
from agent.evidence.objects import ObjectStore
from agent.evidence.on_record import SealedRun, difference, manifest_of, sealed_run
from agent.evidence.record import Removed
from agent.evidence.report import write_report

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_A_YEAR = 365.25
_LONGEST_S = 300.0

_log = structlog.get_logger()


class PruningLedger(Protocol):
    """One tenant's ledger, as far as retention uses it (:class:`agent.audit.ledger.AuditLedger`)."""

    folder: Path

    def append(self, kind: Kind, data: Any) -> Entry:
        """Add an entry; it is on disk when this returns."""

    def sign(self) -> str | None:
        """Sign a checkpoint over all entries, if a key is at hand."""


@dataclass(frozen=True)
class Ages:
    """How long is kept what."""

    heavy_days: float
    records_years: float

    @property
    def policies(self) -> tuple[str, str]:
        """The two rules, as the ledger calls them."""
        return f"evidence.heavy_days={self.heavy_days:g}", f"evidence.records_years={self.records_years:g}"


@dataclass(frozen=True)
class Removal:
    """What of one job is due to go."""

    tenant: str
    folder: Path
    job_id: str
    files: tuple[dict[str, Any], ...]  # path, sha256, bytes
    policy: str
    why: str
    whole: bool  # the folder itself goes, too
    entered: bool = False  # by an earlier run, which could not remove it all

    @property
    def bytes(self) -> int:
        """How much room that makes."""
        return sum(int(file["bytes"]) for file in self.files)


@dataclass
class Tidied:
    """What a run did, or would do."""

    removals: list[Removal] = field(default_factory=list)
    objects: int = 0
    object_bytes: int = 0
    quarantined: int = 0  # jobs whose artifacts left the quarantine
    troubles: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The room that was made."""
        return sum(removal.bytes for removal in self.removals) + self.object_bytes


class Retention:
    """Tidies the evidence of all tenants; synchronous, for a thread of its own."""

    def __init__(
        self,
        evidence: Path,
        ages: Ages,
        ledger_of: Callable[[str], PruningLedger],
        recorded_of: Callable[[str, str], Recorded],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``ledger_of`` gives a tenant's ledger; ``recorded_of`` what that has of a tenant's run."""
        self._evidence = evidence
        self._ages = ages
        self._heavy = timedelta(days=ages.heavy_days)
        self._records = timedelta(days=ages.records_years * _A_YEAR)
        self._ledger_of = ledger_of
        self._recorded_of = recorded_of
        self._clock = clock

    def due(self) -> Tidied:
        """What :meth:`tidy` would remove now; nothing is touched."""
        seen = Tidied()
        for tenant in self._tenants():
            try:
                seen.removals += self._due_of(tenant, RunRecords(self._ledger_of(tenant.name).folder), seen)
            except Exception as error:
                _tell(seen, tenant.name, error)
        return seen

    def tidy(self, *, limit_s: float = _LONGEST_S) -> Tidied:
        """Remove what is due; what is not done within the limit is done by the next run.

        A tenant whose ledger cannot be written keeps all it has: ``troubles`` says why. So does a tenant whose evidence
        another process is tidying, without a word.
        """
        done = Tidied()
        until = time.monotonic() + limit_s
        for tenant in self._tenants():
            try:
                with Journal.locked(tenant) as journal:
                    if journal is not None:
                        self._tidy_tenant(tenant, journal, done, until)
            except Exception as error:  # whatever it is: the other tenants are tidied
                _tell(done, tenant.name, error)
        return done

    def _tidy_tenant(self, tenant: Path, journal: Journal, done: Tidied, until: float) -> None:
        ledger = self._ledger_of(tenant.name)
        records = RunRecords(ledger.folder)
        removed = int(journal.noted() is not None)  # what is finished now was perhaps never signed
        self._finish(tenant, journal, ledger, records, done)
        for removal in self._due_of(tenant, records, done):
            if time.monotonic() > until:
                break
            journal.note(Noted(removal.job_id, removal.folder.relative_to(tenant).as_posix()))
            if not removal.entered:
                ledger.append(
                    Kind.PRUNED,
                    {"job_id": removal.job_id, "files": removal.files, "policy": removal.policy, "why": removal.why},
                )
            if self._finish(tenant, journal, ledger, records, done):
                done.removals.append(removal)
            removed += 1
        if removed:
            ledger.sign()
            _log.info("evidence-pruned", tenant=tenant.name, jobs=removed)
        try:
            count, size = self._collect(tenant, records, always=bool(removed))
        except NeedUnknown as reason:
            done.troubles.append(f"{tenant.name}: no shared part of recordings is removed, since {reason}")
            return
        done.objects += count
        done.object_bytes += size

    def _finish(self, tenant: Path, journal: Journal, ledger: PruningLedger, records: RunRecords, done: Tidied) -> bool:
        """Do what the ledger says of the job in the journal, as far as it is not done; then the journal is empty.

        False when the folder would not have it, which is told; the next run tries again. A ledger that takes no entry
        is raised: the journal then stands.
        """
        noted = journal.noted()
        if noted is None:
            return True
        run = sealed_run(records, noted.job_id)
        try:
            if run is not None and run.pruned and noted.folder == run.sealed.folder:
                self._remove(tenant, run, ledger)
        except Exception as error:
            if isinstance(error, AgentError) and error.code.startswith("ledger-"):
                raise
            _tell(done, f"{tenant.name}: {noted.job_id}", error)
            return False
        journal.note(None)
        return True

    def _remove(self, tenant: Path, run: SealedRun, ledger: PruningLedger) -> None:
        folder, age = tenant / run.sealed.folder, self._clock() - run.at
        if folder.resolve().parent.parent != tenant.resolve() or age < min(self._heavy, self._records):
            return  # an entry that this rule never made
        if run.is_wholly_pruned and age >= self._records:
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                folder.parent.rmdir()  # the last of its day
        elif not run.is_wholly_pruned:
            _remove_files(folder, list(run.gone))
            self._report_anew(tenant.name, folder, run, ledger)

    def _report_anew(self, tenant: str, folder: Path, run: SealedRun, ledger: PruningLedger) -> None:
        """The report shows pictures; without them it is another one, with an entry of its own."""
        manifest = manifest_of(folder)
        if manifest is None or run.reported is None or not (folder / REPORT).exists():
            return
        removed = [
            Removed(
                at=entry.at,
                policy=item.policy,
                why=item.why,
                files=tuple((file.path, file.bytes, file.sha256) for file in item.files),
                entry=entry.seq,
            )
            for entry, item in run.pruned
        ]
        position = self._recorded_of(tenant, run.job_id).position
        write_report(EvidenceFolder(folder), manifest.versions, position, removed)
        found = digest(folder / REPORT)[1]
        if found != run.reported.report_sha256:
            ledger.append(Kind.REPORTED, {"job_id": run.job_id, "report_sha256": found})

    # --- what is due ---

    def _tenants(self) -> Iterator[Path]:
        for path in sorted(self._evidence.glob("*")) if self._evidence.is_dir() else []:
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield path

    def _due_of(self, tenant: Path, records: RunRecords, seen: Tidied) -> Iterator[Removal]:
        now = self._clock()
        youngest = (now - min(self._heavy, self._records)).astimezone(UTC).date().isoformat()
        oldest = (now - self._records).astimezone(UTC).date().isoformat()
        for folder in sorted(tenant.glob("????-??-??/*")):
            day = folder.parent.name
            if not _DAY.fullmatch(day) or day > youngest or not folder.is_dir():
                continue  # a folder stands under the day it was begun, and is sealed after that
            if (folder / PARTIAL).exists() or not (day <= oldest or _holds_heavy(folder)):
                continue
            try:
                removal = self._removal(tenant.name, folder, records, now)
            except Exception as error:  # whatever is wrong with this folder: the others are tidied
                _tell(seen, f"{tenant.name}: {folder.name}", error)
                continue
            if isinstance(removal, str):
                seen.troubles.append(f"{tenant.name}: {folder.name} is not pruned, since {removal}")
            elif removal is not None:
                yield removal

    def _removal(self, tenant: str, folder: Path, records: RunRecords, now: datetime) -> Removal | str | None:
        """What of a folder is due; None when nothing is; a text says why it is kept although it looks due."""
        run = sealed_run(records, folder.name)
        if run is None:
            return "the ledger does not know it"
        if folder.is_symlink() or folder.parent.is_symlink():
            return "it is a link"
        whole = now - run.at >= self._records
        redone = whole and run.is_wholly_pruned and f"{folder.parent.name}/{folder.name}" == run.sealed.folder
        if not redone:
            changed = difference(folder, run)
            if changed:
                return f"it is not as it was sealed: {changed}"
            if now - run.at < min(self._heavy, self._records):
                return None
        manifest = manifest_of(folder)
        listed = [
            {"path": entry.path, "sha256": entry.sha256, "bytes": entry.bytes}
            for entry in (manifest.files if manifest is not None else ())
            if (folder / entry.path).exists() and (whole or _is_heavy(entry.path))
        ]
        if whole:
            for name in (MANIFEST, REPORT):
                if (folder / name).is_file():
                    size, sha256 = digest(folder / name)
                    listed.append({"path": name, "sha256": sha256, "bytes": size})
        elif not listed:
            return None
        heavy_rule, records_rule = self._ages.policies
        return Removal(
            tenant=tenant,
            folder=folder,
            job_id=run.job_id,
            files=tuple(listed),
            policy=records_rule if whole else heavy_rule,
            why=f"sealed {run.entry.at}, kept long enough",
            whole=whole,
            entered=redone or (not whole and {file["path"] for file in listed} <= run.gone.keys()),
        )

    # --- shared bodies ---

    def _collect(self, tenant: Path, records: RunRecords, *, always: bool) -> tuple[int, int]:
        """Remove shared bodies that no recording needs any more; once a day, or when recordings have gone.

        NeedUnknown when that cannot be told of all: then none goes.
        """
        store, last = tenant / OBJECTS, tenant / OBJECTS / ".collected"
        if not store.is_dir():
            return 0, 0
        now = self._clock().timestamp()
        if not always and last.exists() and abs(now - last.stat().st_mtime) < timedelta(days=1).total_seconds():
            return 0, 0
        found = ObjectStore(store).collect(needed(tenant, records), now=now)
        last.touch()
        os.utime(last, (now, now))
        return found


def _is_heavy(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in HEAVY)


def _holds_heavy(folder: Path) -> bool:
    """A quick look, since most folders have been pruned long ago."""
    try:
        return any(path.name == "pictures" or _is_heavy(path.name) for path in folder.iterdir())
    except OSError:
        return False


def _remove_files(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        path = folder / name
        if path.resolve().is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
            if path.parent != folder:
                with contextlib.suppress(OSError):
                    path.parent.rmdir()  # once it is empty


def _tell(done: Tidied, whose: str, error: Exception) -> None:
    said = error.message if isinstance(error, AgentError) else str(error) or type(error).__name__
    done.troubles.append(f"{whose}: {said}")
    _log.error("evidence-not-tidied", of=whose, text=said)
