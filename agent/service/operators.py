"""Who may use the agent's interface: named operators and systems, each with a token of its own.

Of a token only its SHA-256 is kept (``operators.json`` in ``paths.state``, mode 0600): whoever reads the file cannot
sign in with it. A token has 256 random bits, so no slow hash is needed. Changes are seen by a running agent at once.

Without operators, whoever may use the socket may approve. So a list that was lost must not look like one that never
was: a mark beside it says that there is one, and without the list nobody approves and no token is known.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.credentials.secret import Secret
from agent.errors import Failed, Mender, Refused
from agent.queue.ledger.tenants import BREAKER
from agent.queue.record import CLOCK, PROBE, WORKER

FILE = "operators.json"
_MARK = "operators.exist"
_RESERVED = frozenset({CLOCK, BREAKER, WORKER, PROBE, "inbox"})  # in the record these are parts of the agent
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
_PREFIX = "pda_"  # so that a token that leaked is recognised by people and by scanners


@dataclass(frozen=True)
class Operator:
    """One name and the digest of its token."""

    name: str
    sha256: str
    added_at: str  # ISO 8601, UTC


class Operators:
    """The operators of one agent. All methods read the file anew."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._mark = state / _MARK

    def all(self) -> tuple[Operator, ...]:
        """Every operator by name. Raises Failed("operators-lost", "operators-damaged") for a file that was there and is
        not, and for one that cannot be read."""
        try:
            data: Any = json.loads(self._path.read_text(encoding="utf-8"))
            return tuple(sorted((Operator(**item) for item in data["operators"]), key=lambda item: item.name))
        except FileNotFoundError as error:
            if not self._mark.exists():
                return ()
            raise Failed(
                "operators-lost",
                f"The list of operators is gone: {self._path}",
                expected="the file from a backup; or `agent operators reset`, and a new token for everybody",
                seen="its mark without it",
                mender=Mender.OPERATOR,
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failed(
                "operators-damaged",
                f"The list of operators cannot be read: {self._path}",
                expected="a file that `agent operators add` wrote",
                seen=type(error).__name__,
                mender=Mender.OPERATOR,
            ) from error

    def add(self, name: str, now: datetime) -> Secret:
        """A new operator; the token is returned once and kept nowhere. Refused("operator-exists", "bad-operator")."""
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise Refused(
                "bad-operator",
                f"{name!r} cannot be an operator's name.",
                expected="1 to 63 small letters, digits and . _ @ -, beginning with a letter or digit; not "
                + ", ".join(sorted(_RESERVED)),
                mender=Mender.OPERATOR,
            )
        token = _PREFIX + secrets.token_urlsafe(32)
        with self._changing() as operators:
            if name in operators:
                raise Refused(
                    "operator-exists",
                    f"There is an operator {name} already.",
                    expected="another name, or `agent operators remove` first",
                    mender=Mender.OPERATOR,
                )
            operators[name] = Operator(name, _digest(token), now.astimezone(UTC).isoformat(timespec="seconds"))
        return Secret(token)

    def remove(self, name: str) -> bool:
        """Take an operator's token away; whether there was one."""
        with self._changing() as operators:
            return operators.pop(name, None) is not None

    def reset(self) -> None:
        """Begin anew after the list was lost or damaged: nobody is an operator, no token is known."""
        with self._locked():
            try:
                self._path.unlink(missing_ok=True)  # first: a death in between leaves a list that is lost
                self._mark.unlink(missing_ok=True)
            except OSError as error:
                raise _unwritable(self._path, error) from error

    def name_of(self, token: str) -> str | None:
        """Whose token this is. Every entry is compared, in constant time."""
        digest, found = _digest(token), None
        for operator in self.all():
            if hmac.compare_digest(operator.sha256, digest):
                found = operator.name
        return found

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Operator]]:
        """The operators, to be changed; written whole, durably and by one process at a time."""
        with self._locked():
            operators = {operator.name: operator for operator in self.all()}
            before = dict(operators)
            yield operators
            if operators != before:
                self._write(list(operators.values()))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, operators: list[Operator]) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"operators": [asdict(operator) for operator in operators]}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            self._mark.touch(mode=0o600)  # after the list: a death in between loses nothing
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _unwritable(path: Path, error: OSError) -> Failed:
    return Failed(
        "state-unwritable",
        f"The list of operators cannot be written: {path}",
        expected="a folder that the agent may write (settings: paths.state)",
        seen=error.strerror or str(error),
        mender=Mender.OPERATOR,
    )
