"""What a ledger has of the queue's jobs, and what no period has counted yet: read from the ledger, kept up to date."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.audit.entries import Kind
from agent.audit.ledger_errors import broken, unwritable
from agent.audit.reading import ENTRIES

_NOTHING_FOR_US = (b'"kind":"reported"', b'"kind":"pruned"', b'"kind":"key"', b'"kind":"opened"')


@dataclass
class Accounts:
    """Grows with :meth:`catch_up`; everything in it follows from the ledger's entries alone."""

    offset: int = 0  # bytes that were taken in
    over: dict[int, str] = field(default_factory=dict)  # job of the queue -> time of its end; empty while it is open
    accepted: list[str] = field(default_factory=list)  # times; these four: what no period has counted
    ended: list[tuple[str, str]] = field(default_factory=list)  # time, state
    reopened: list[str] = field(default_factory=list)
    direct: list[tuple[str, str]] = field(default_factory=list)  # time, verdict
    last_period: int = -1  # number of the last period entry
    witnessed: int = 0  # entries under the largest time-stamped checkpoint

    @property
    def highest(self) -> int:
        """The highest number of a job of the queue; 0 when there is none."""
        return max(self.over, default=0)

    def is_known(self, queue: int) -> bool:
        """Whether the job was entered as accepted."""
        return queue in self.over

    def catch_up(self, folder: Path) -> None:
        """Take in what was added since the last time. A look at what each entry says; whether it may say so is for
        the verifier.

        Failed "ledger-broken" for a damaged entry or a file that became shorter, "ledger-unwritable" when it cannot be
        read.
        """
        try:
            with (folder / ENTRIES).open("rb") as file:
                if file.seek(0, 2) < self.offset:
                    raise broken(folder, f"at least {self.offset} bytes", "fewer")
                file.seek(self.offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    if not any(kind in line for kind in _NOTHING_FOR_US):
                        self._take(json.loads(line))
                    self.offset += len(line)
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError) as error:
            raise broken(folder, "entries as the agent wrote them", str(error)) from error
        except OSError as error:
            raise unwritable(folder, error) from error

    def _take(self, entry: Any) -> None:
        kind, data = entry["kind"], entry["data"]
        if kind == Kind.ACCEPTED:
            self.accepted.append(data["at"])
            if data["job"]["queue"] is not None:
                self.over[data["job"]["queue"]] = ""
        elif kind == Kind.ENDED:
            self.over[data["queue"]] = data["at"]
            self.ended.append((data["at"], data["state"]))
        elif kind == Kind.REOPENED:
            self.over[data["queue"]] = ""
            self.reopened.append(entry["at"])
        elif kind == Kind.SEALED and data["queue"] is None:
            self.direct.append((entry["at"], data["verdict"]))
        elif kind == Kind.PERIOD:
            self.last_period = entry["seq"]
            self._forget_counted(data["to"])
        elif kind == Kind.WITNESSED:
            self.witnessed = max(self.witnessed, data["size"])

    def _forget_counted(self, end: str) -> None:
        self.accepted = [at for at in self.accepted if at >= end]
        self.ended = [pair for pair in self.ended if pair[0] >= end]
        self.reopened = [at for at in self.reopened if at >= end]
        self.direct = [pair for pair in self.direct if pair[0] >= end]

    def counts(self, end: str) -> dict[str, object]:
        """The counts of a ``period`` entry that closes at this time."""
        return {
            "accepted": sum(at < end for at in self.accepted),
            "ended": dict(Counter(state for at, state in self.ended if at < end)),
            "reopened": sum(at < end for at in self.reopened),
            "direct": dict(Counter(verdict for at, verdict in self.direct if at < end)),
        }
