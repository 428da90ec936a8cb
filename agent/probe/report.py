"""What a probe has found, kept as one file per tenant: structure and words of pages, no person but the one named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import Failed, Mender
from agent.queue.record import PROBE, FlowHealth, FlowReport


class Verdict(StrEnum):
    """How far a probe came with a flow, and what it saw."""

    HEALTHY = "healthy"  #: up to the step before the write, and every region as known
    DEGRADED = "degraded"  #: up to there; something has changed that the write does not depend on
    DANGEROUS = "dangerous"  #: stopped where a write could mean something else: a job would stop there, too
    UNVISITED = "unvisited"  #: could not be looked at; says nothing about the pages


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlowProbe(_Kept):
    """One flow, as the probe found it."""

    flow: str
    verdict: Verdict
    code: str = ""
    why: str = ""
    region: str = ""
    findings: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()  # those that were compared with their known shapes
    suspicion: bool = False  # perhaps this once only
    took_ms: int = 0


class Trouble(_Kept):
    """Why a probe ended before its end."""

    code: str
    message: str


class ProbeReport(_Kept):
    """One probe of one tenant. ``held_back``: requests that the network guard stopped, by method and path."""

    tenant: str
    at: datetime
    took_ms: int = 0
    generations: Mapping[str, str] = Field(default_factory=dict)
    catalogue: str = ""
    flows: tuple[FlowProbe, ...] = ()
    page_loads: int = 0
    held_back: tuple[str, ...] = ()
    trouble: Trouble | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it came to its end, whatever it found."""
        return self.trouble is None

    @property
    def changed(self) -> tuple[FlowProbe, ...]:
        """The flows whose pages are not quite as known, the dangerous ones first."""
        found = [flow for flow in self.flows if flow.verdict in (Verdict.DANGEROUS, Verdict.DEGRADED)]
        return tuple(sorted(found, key=lambda flow: flow.verdict is not Verdict.DANGEROUS))

    def count(self, verdict: Verdict) -> int:
        """How many flows were found so."""
        return sum(flow.verdict is verdict for flow in self.flows)


def flow_reports(report: ProbeReport, *, quarantine: bool, evidence: str = "") -> Iterable[FlowReport]:
    """What to put on record of each flow that was looked at. Without ``quarantine`` a danger is only said to be one:
    the flow counts as degraded, and the first job that meets it is the one that stops."""
    states = {
        Verdict.HEALTHY: FlowHealth.HEALTHY,
        Verdict.DEGRADED: FlowHealth.DEGRADED,
        Verdict.DANGEROUS: FlowHealth.QUARANTINED if quarantine else FlowHealth.DEGRADED,
    }
    generation = ", ".join(sorted(set(report.generations.values())))
    for flow in report.flows:
        if flow.verdict in states:
            yield FlowReport(
                flow=flow.flow,
                state=states[flow.verdict],
                by=PROBE,
                why=flow.why,
                code=flow.code,
                region=flow.region,
                findings=flow.findings,
                generation=generation,
                evidence=evidence,
                suspicion=flow.suspicion,
            )


class KeptProbes:
    """The last probe of each tenant, in the agent's folder of state."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "probes"

    def file(self, tenant: str) -> Path:
        """Where a tenant's last probe stands."""
        return self._folder / f"{tenant}.json"

    def last(self, tenant: str) -> ProbeReport | None:
        """The last probe that came to its end or failed; None before the first, and for a file of another release."""
        try:
            return ProbeReport.model_validate_json(self.file(tenant).read_bytes())
        except (OSError, ValidationError):
            return None

    def last_success(self, tenant: str) -> datetime | None:
        """When a probe last came to its end."""
        return _time_in(self._success(tenant))

    def since(self, tenant: str, now: datetime) -> datetime:
        """When a probe last came to its end; before the first one, when this was first asked. Failed as :meth:`keep`.

        So a new tenant is first probed in the night that comes, not in the middle of its first day.
        """
        found = self.last_success(tenant) or _time_in(self._first(tenant))
        if found is None:
            self._write(self._first(tenant), now.isoformat())
        return found or now

    def keep(self, report: ProbeReport) -> Path:
        """Put a report in the place of the one before. Raises Failed("state-unwritable")."""
        self._write(self.file(report.tenant), report.model_dump_json(indent=1))
        if report.succeeded:
            self._write(self._success(report.tenant), report.at.isoformat())
        return self.file(report.tenant)

    def _success(self, tenant: str) -> Path:
        return self._folder / f"{tenant}.succeeded"

    def _first(self, tenant: str) -> Path:
        return self._folder / f"{tenant}.first"

    def _write(self, file: Path, text: str) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(file, text)
        except OSError as error:
            raise Failed(
                "state-unwritable",
                f"The report of the probe cannot be kept in {self._folder}.",
                expected="a folder that the agent may write (settings: paths.state)",
                seen=error.strerror or str(error),
                mender=Mender.OPERATOR,
            ) from error


def _time_in(file: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _replace(file: Path, text: str) -> None:
    fresh = file.with_name(f".{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
