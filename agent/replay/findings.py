"""What going through a job again found; one finding for each place, reading or decision that is not as it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agent.replay.matching import Match
from agent.replay.pages import PageSeen

_NUMBER = re.compile(r"\[\d+\]")


class Kind(StrEnum):
    """What is not as it was."""

    MATCH = "match"  #: a place of the catalogue leads elsewhere
    DATA = "data"  #: the page reads differently
    UNDERSTOOD = "understood"  #: what was not understood is now, or the other way round
    DECISION = "decision"  #: another person, plan or refusal


class Cause(StrEnum):
    """What made the difference: the pages are the same, so it is one of ours."""

    CATALOGUE = "catalogue"
    CODE = "code"
    BOTH = "catalogue and code"
    UNKNOWN = "not known"  #: what was used then was not kept


@dataclass(frozen=True)
class Finding:
    """One difference between then and now. ``then`` and ``now`` are words for people."""

    kind: Kind
    where: str  # "reading list", "using projects.add", "plan"
    step: int
    what: str  # the step, or what was being done, in words
    then: str
    now: str
    place: str = ""  # which of the data differ: "data.rows[0].name"
    key: str = ""
    match: Match | None = None
    cause: Cause = Cause.UNKNOWN
    selector_then: str = ""
    selector_now: str = ""
    seen: PageSeen | None = field(default=None, repr=False)
    paths_then: tuple[str, ...] = ()
    paths_now: tuple[str, ...] = ()

    @property
    def gist(self) -> tuple[str, ...]:
        """What is equal for findings that say the same of different pages."""
        if self.key:
            return (self.kind.value, self.key, str(self.match), self.selector_then, self.selector_now)
        if self.place:
            return (self.kind.value, self.where, _NUMBER.sub("[*]", self.place))
        return (self.kind.value, self.where, self.then, self.now)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "kind": self.kind.value,
            "where": self.where,
            "step": self.step,
            "what": self.what,
            "place": self.place or None,
            "key": self.key or None,
            "match": self.match.value if self.match else None,
            "cause": self.cause.value,
            "selector": {"then": self.selector_then, "now": self.selector_now} if self.key else None,
            "then": self.then,
            "now": self.now,
            "page": self.seen.snapshot.url if self.seen else None,
            "elements": {"then": list(self.paths_then), "now": list(self.paths_now)},
        }


@dataclass(frozen=True)
class Untold:
    """Something that could not be compared, and why."""

    where: str
    step: int
    why: str


@dataclass(frozen=True)
class Decided:
    """What was, or would be, decided about the job from the pages seen."""

    outcome: str  # "plan", "nothing to do", "refused: CODE", "waiting: CODE", "failed: CODE", "read"
    steps: tuple[str, ...] = ()
    person: str = ""
    approvals: tuple[str, ...] = ()


@dataclass
class Replay:
    """One job gone through again."""

    name: str
    folder: str
    version_then: str = ""
    version_now: str = ""
    catalogue_then: str = ""
    catalogue_now: str = ""
    readings: int = 0
    uses: int = 0
    pages: int = 0
    outgoing: int = 0
    decided_then: Decided | None = None
    decided_now: Decided | None = None
    changed_scripts: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    untold: list[Untold] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether nothing differs (something may still not be known)."""
        return not self.findings

    def groups(self) -> Sequence[tuple[Finding, Sequence[Finding]]]:
        """Findings that say the same, together; the first one speaks for them."""
        found: dict[tuple[str, ...], list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.gist, []).append(finding)
        return [(same[0], same) for same in found.values()]

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "job": self.name,
            "evidence": self.folder,
            "agrees": self.agrees,
            "complete": not self.untold,
            "made_with": {"agent": self.version_then, "catalogue": self.catalogue_then},
            "replayed_with": {"agent": self.version_now, "catalogue": self.catalogue_now},
            "changed_readings": list(self.changed_scripts),
            "compared": {"readings": self.readings, "uses": self.uses, "pages": self.pages},
            "outgoing_requests": self.outgoing,
            "decision": {
                "then": vars(self.decided_then) if self.decided_then else None,
                "now": vars(self.decided_now) if self.decided_now else None,
            },
            "differences": [finding.document() for finding in self.findings],
            "not_compared": [vars(item) for item in self.untold],
            "seconds": round(self.seconds, 2),
        }
