"""One tenant's append-only ledger on disk.

::

    {evidence}/{tenant}/ledger/
        entries.jsonl        one entry a line; only ever appended to
        checkpoints.jsonl    every signed checkpoint: {"at", "note"}
        checkpoint           the latest signed checkpoint
        timestamps/          RFC 3161 answers
        frontier.json, .lock conveniences of the agent; nothing depends on them

Each entry is on disk when :meth:`AuditLedger.append` returns. A line that a killed process left without its line feed
is cut off before the next one is added. The agent checks the *end* of the ledger before it adds to it, and that it has
not become shorter than what was signed; everything else is what ``agent evidence verify`` is for.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import RLock
from typing import Any

import structlog
from pydantic import ValidationError

import agent
from agent.audit.appending import append_line, cut_torn_line, replace_file
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.checkpoints import Checkpoints, covers
from agent.audit.entries import Entry, Kind
from agent.audit.keys import Signer
from agent.audit.ledger_errors import broken, writing
from agent.audit.note import PublicKey, SigningKey, sign_note
from agent.audit.reading import ENTRIES
from agent.audit.tail import FRONTIER, DoesNotFollow, Tail
from agent.errors import AgentError, Failed, RetrySafe
from agent.evidence.folder import timestamp

LEDGER = "ledger"
_LOCK = ".lock"
_ID_BYTES = 16

_log = structlog.get_logger()


def ledger_folder(evidence: Path, tenant: str) -> Path:
    """Where a tenant's ledger is."""
    return evidence / re.sub(r"[^A-Za-z0-9_-]", "_", tenant) / LEDGER


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Head:
    """The end of a ledger."""

    ledger: str  # id; empty for a ledger without entries
    size: int
    root: str  # hex
    last: str  # sha256 of the last entry's line, 64 zeros when there is none
    at: str  # its time
    signed: int  # entries covered by the latest checkpoint
    keys: tuple[str, ...]  # vkeys in force
    period_end: str  # end of the last closed period; empty before the first
    opened_at: str  # time of the first entry
    elsewhere: int = field(default=0, compare=False)  # entries that others added since this process looks

    @property
    def unsigned(self) -> int:
        """Entries that no checkpoint covers yet."""
        return self.size - self.signed


class AuditLedger:
    """One tenant's ledger. Synchronous, safe among threads and processes (flock); each call takes milliseconds.

    Methods raise Failed "ledger-unwritable" (disk, rights) or "ledger-broken" (its end does not hold, or it is shorter
    than what was signed): nothing was added then.
    """

    def __init__(
        self,
        folder: Path,
        tenant: str,
        signer: Signer | None,
        clock: Callable[[], datetime] = utc_now,
        *,
        kept_head: Path | None = None,
    ) -> None:
        """``folder`` from :func:`ledger_folder`; made when first written to. ``signer`` None: nothing is signed.

        ``kept_head``: a file elsewhere that gets a copy of each signed checkpoint, and against which the ledger is
        compared when it is opened.
        """
        self.folder = folder
        self.tenant = tenant
        self._signer = signer
        self._clock = clock
        self._checkpoints = Checkpoints(folder, kept_head)
        self._tail: Tail | None = None
        self._elsewhere = 0
        self._thread_lock = RLock()
        self._depth = 0  # inside a method that holds the file's lock
        self.signing_trouble = ""  # why the last attempt to sign failed; empty when it did not

    # --- adding ---

    def append(self, kind: Kind, data: Mapping[str, Any]) -> Entry:
        """Add an entry; it is on disk when this returns. ``data`` as :data:`agent.audit.entries.DATA` says."""
        return self.append_all([(kind, data)])[0]

    def append_all(self, items: Sequence[tuple[Kind, Mapping[str, Any]]]) -> tuple[Entry, ...]:
        """Add entries, in this order, all with one flush."""
        with self._locked():
            tail = self._synced(create=True)
            return self._added(tail, items)

    def require_writable(self) -> None:
        """Return when entries can be added: the folder takes data, and the end holds."""
        with self._locked():
            self._synced(create=True)
            with writing(self.folder):
                os.close(os.open(self.folder / ENTRIES, os.O_WRONLY | os.O_APPEND))

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """While inside, nobody else adds: for who looks first what is there, and adds what is not."""
        with self._locked():
            self._synced(create=True)
            yield

    # --- looking ---

    def head(self) -> Head:
        """The end as it is now; a ledger that does not exist has size 0 and is not made by looking."""
        with self._locked(create=False):
            tail = self._synced(create=False)
            latest = self._checkpoints.latest()
            return Head(
                ledger=tail.ledger,
                size=tail.size,
                root=tail.frontier.root.hex(),
                last=tail.last,
                at=tail.at,
                signed=latest.size if latest else 0,
                keys=tail.keys,
                period_end=tail.period_end,
                opened_at=tail.opened_at,
                elsewhere=self._elsewhere,
            )

    def latest_note(self) -> str | None:
        """The latest signed checkpoint, as text."""
        return self._checkpoints.latest_note()

    @property
    def can_sign(self) -> bool:
        """Whether a key is wanted at all (settings: audit.sign)."""
        return self._signer is not None

    def signing_key(self) -> PublicKey | None:
        """The newest key in force whose secret is at hand (made when there is none); None with a trouble noted."""
        with self._locked():
            keys = self._signing_keys(self._synced(create=True))
            return keys[-1].public if keys else None

    # --- signing ---

    def sign(self) -> str | None:
        """A signed checkpoint over all entries, the latest one if it covers them already; None without a key.

        A keyring that does not answer is no reason to fail: ``signing_trouble`` says so, and the next call tries again.
        """
        with self._locked():
            tail = self._synced(create=True)
            keys = self._signing_keys(tail)  # may add a ``key`` entry
            if not keys:
                return None
            checkpoint = Checkpoint(tail.origin, tail.size, tail.frontier.root)
            latest = self.latest_note()
            if latest is not None and covers(latest, checkpoint, keys):
                return latest
            note = sign_note(checkpoint.text, keys)
            self.signing_trouble = self._checkpoints.keep(note, self._clock())
            if self.signing_trouble:
                _log.warning("ledger-head-not-kept", tenant=self.tenant, reason=self.signing_trouble)
            with writing(self.folder):
                replace_file(self.folder / FRONTIER, tail.dump())
            return note

    def rotate(self, why: str) -> PublicKey:
        """Add a new key; it and the ones before sign from now on, until :meth:`retire`.

        Failed "signing-off" when signing is off in the settings, or as the keyring fails.
        """
        with self._locked():
            tail = self._synced(create=True)
            key = self._required_signer().make(tail.origin)
            self._added(tail, [(Kind.KEY, {"added": key.public.vkey, "retired": None, "why": why})])
            self.sign()
            return key.public

    def retire(self, vkey: str, why: str) -> None:
        """Let a key sign no more, and destroy its secret; ValueError for a key not in force, or the only one."""
        with self._locked():
            tail = self._synced(create=True)
            signer = self._required_signer()
            if vkey not in tail.keys or len(tail.keys) == 1:
                raise ValueError("only a key that is in force beside another one can be retired")
            self._added(tail, [(Kind.KEY, {"added": None, "retired": vkey, "why": why})])
            self.sign()
            with self._noting_trouble():
                signer.forget(tail.origin, vkey)

    def retire_due(self, overlap_s: float) -> tuple[str, ...]:
        """Retire the keys whose successor was announced so long ago and is at hand; returns them."""
        with self._locked(create=False):
            tail = self._synced(create=False)
            if len(tail.keys) < 2:
                return ()
            announced, now = dict(tail.changes), self._clock()
            at_hand = {key.public.vkey for key in self._signing_keys(tail)}
            due = tuple(
                older
                for older, newer in pairwise(tail.keys)
                if newer in at_hand and (now - datetime.fromisoformat(announced[newer])).total_seconds() >= overlap_s
            )
            for vkey in due:
                self.retire(vkey, "the overlap with its successor is over")
            return due

    # --- inside: everything below runs under the lock ---

    @contextlib.contextmanager
    def _locked(self, *, create: bool = True) -> Iterator[None]:
        with self._thread_lock:
            if self._depth or (not create and not self.folder.is_dir()):
                yield
                return
            with writing(self.folder):
                self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.folder.mkdir(mode=0o700, exist_ok=True)
                handle = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                with writing(self.folder):
                    fcntl.flock(handle, fcntl.LOCK_EX)
                self._depth = 1
                yield
            finally:
                self._depth = 0
                os.close(handle)

    def _synced(self, *, create: bool) -> Tail:
        """What is known, brought up to what other processes added meanwhile."""
        path = self.folder / ENTRIES
        with writing(self.folder):
            cut_torn_line(path)
            size = path.stat().st_size if path.exists() else 0
        tail = self._tail
        if tail is None:
            tail = self._tail_on_disk(path)
        elif size < tail.offset or not _ends_with(path, tail):
            raise broken(self.folder, "the entries that this process added", "they are gone, or changed")
        known = tail.size
        if size > tail.offset:
            tail = self._read_on(path, tail)
        if self._tail is None:
            self._checkpoints.require_not_ahead(tail.size, tail.origin)
        elif tail.size > known:  # nobody can tell by a line who wrote it: a command of the agent's, or a stranger
            self._elsewhere += tail.size - known
            _log.info("ledger-added-to-elsewhere", tenant=self.tenant, first=known, entries=tail.size - known)
        self._tail = tail
        if create and not tail.size:
            self._open(tail)
        return tail

    def _tail_on_disk(self, path: Path) -> Tail:
        """The kept copy where it fits, else an empty one to read the whole ledger into."""
        latest = self._checkpoints.latest()
        if latest is not None:
            with contextlib.suppress(OSError):
                kept = Tail.load((self.folder / FRONTIER).read_bytes(), latest)
                if kept is not None and _ends_with(path, kept):
                    return kept
        return Tail()

    def _read_on(self, path: Path, known: Tail) -> Tail:
        """Take in what follows; the root at the size of the latest checkpoint must be the signed one."""
        tail = deepcopy(known)
        latest = self._checkpoints.latest()
        with path.open("rb") as file:
            file.seek(tail.offset)
            for line in file:
                try:
                    tail.take(line[:-1])
                except DoesNotFollow as error:
                    raise broken(self.folder, f"entry {tail.size} follows the one before", str(error)) from error
                if latest is not None and latest.size == tail.size and latest.root != tail.frontier.root:
                    raise broken(self.folder, "the entries that were signed", "an entry before the end was changed")
        return tail

    def _open(self, tail: Tail) -> None:
        """The first entry; the first key is in it, where one can be had."""
        ledger = secrets.token_hex(_ID_BYTES)
        keys: list[str] = []
        if self._signer is not None:
            with self._noting_trouble():
                keys.append(self._signer.make(origin_of(ledger)).public.vkey)
        data = {"ledger": ledger, "tenant": self.tenant, "agent": agent.__version__, "keys": keys}
        self._added(tail, [(Kind.OPENED, data)])

    def _added(self, tail: Tail, items: Sequence[tuple[Kind, Mapping[str, Any]]]) -> tuple[Entry, ...]:
        after = deepcopy(tail)
        entries = []
        for kind, data in items:
            now = timestamp(self._clock())
            behind = {"clock": now} if now < after.at else {}
            try:
                entry = Entry.make(after.size, after.last, max(now, after.at), kind, {**data, **behind})
            except ValidationError as error:
                raise ValueError(f"the data of a {kind.value} entry is not as it should be: {error}") from error
            after.take(entry.line)
            entries.append(entry)
        with writing(self.folder):
            append_line(self.folder / ENTRIES, b"".join(entry.line + b"\n" for entry in entries), at=tail.offset)
        for name in vars(after):  # the callers go on with the tail they hold
            setattr(tail, name, getattr(after, name))
        return tuple(entries)

    def _signing_keys(self, tail: Tail) -> tuple[SigningKey, ...]:
        """The keys in force whose secrets are at hand; where there is none, a new one is made and announced."""
        if self._signer is None:
            return ()
        with self._noting_trouble():
            found = self._signer.keys(tail.origin)
            if not set(tail.keys) <= {key.public.vkey for key in found}:
                found = self._signer.keys(tail.origin, again=True)
            in_force = tuple(key for key in found if key.public.vkey in tail.keys)
            if in_force:
                return in_force
            unknown = [key for key in found if key.public.vkey not in tail.retired]
            fresh = unknown[-1] if unknown else self._signer.make(tail.origin)
            why = "none of the keys before is in the keyring" if tail.keys else "the first key of this ledger"
            self._added(tail, [(Kind.KEY, {"added": fresh.public.vkey, "retired": None, "why": why})])
            return (fresh,)
        return ()

    @contextlib.contextmanager
    def _noting_trouble(self) -> Iterator[None]:
        """A keyring that fails is noted and told, not raised; a ledger that fails is raised."""
        try:
            yield
        except AgentError as error:
            if error.code.startswith("ledger-"):
                raise
            self.signing_trouble = f"{error.code}: {error.message}"
            _log.warning("ledger-not-signed", tenant=self.tenant, code=error.code, reason=error.message)
        else:
            self.signing_trouble = ""

    def _required_signer(self) -> Signer:
        if self._signer is None:
            raise Failed(
                "signing-off",
                "Signing is off in the settings (audit.sign), so there are no signing keys.",
                expected="audit.sign = true",
                seen="false",
                retry_safe=RetrySafe.YES,
            )
        return self._signer


def _ends_with(path: Path, tail: Tail) -> bool:
    """Whether the file has the last line of ``tail`` where it should be."""
    if not tail.size:
        return True
    try:
        with path.open("rb") as file:
            file.seek(tail.offset - tail.last_bytes)
            found = file.read(tail.last_bytes)
    except OSError:
        return False
    return found.endswith(b"\n") and hashlib.sha256(found[:-1]).hexdigest() == tail.last
