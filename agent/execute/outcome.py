"""How a job ended, for people, machines and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from agent.domain.access import Frozen
from agent.policy.check import ApprovalNeeded


class Verdict(StrEnum):
    """The five ends of a job; the process exit codes follow from them."""

    DONE = "done"  #: read back by both witnesses, or there was nothing to do
    REFUSED = "refused"  #: we would not; nothing was changed
    FAILED = "failed"  #: it did not work; nothing was changed
    UNCERTAIN = "uncertain"  #: something was, or may have been, changed; a person decides
    WAITING = "waiting"  #: a person has to approve or to act first; nothing was changed


class Witness(Frozen):
    """One independent reading after the writes. ``agrees`` is None when this witness had nothing to say."""

    name: str
    agrees: bool | None
    findings: tuple[str, ...] = ()  # sentences: what was confirmed, what was not
    rows: tuple[str, ...] = ()  # what it goes by, row by row: for the evidence, too long for a terminal


class StepResult(Frozen):
    """What became of one planned step."""

    number: int  # from 1, over the whole job
    title: str
    #: "saved" | "settled by observation" | "not needed any more" | "partly saved" | "rejected" | "not sent" | "unknown"
    state: str
    detail: str = ""
    milliseconds: int = 0


class FlowUse(Frozen):
    """What the job has found of one flow that it wrote through, or was about to."""

    flow: str  # a name of flows.names.Flow
    state: Literal["healthy", "degraded", "quarantined"]
    wrote: bool = False  # a write went through it and was kept
    code: str = ""
    why: str = ""
    region: str = ""  # the part of the page, by its key in the catalogue
    findings: tuple[str, ...] = ()
    generation: str = ""
    suspicion: bool = False  # it may be this once only: the flow is out of use when the next job meets the same


class Outcome(Frozen):
    """The end of a job. ``summary`` is one or two sentences for a help-desk person."""

    verdict: Verdict
    summary: str
    nothing_to_do: bool = False
    steps: tuple[StepResult, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    error: Mapping[str, str] | None = None  # AgentError.diagnostics()
    next_step: str = ""  # what a person does now, if anything
    approvals: tuple[ApprovalNeeded, ...] = ()  # why a person has to say yes first
    flows: tuple[FlowUse, ...] = ()
    blocked_by: tuple[str, ...] = ()  # flows that were quarantined before, and without which it cannot go on
    files: Mapping[str, str] = {}  # results such as snapshot.json, by name -> path inside the evidence folder
