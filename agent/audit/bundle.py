"""The contents of a bundle for auditors, and what in it follows from the rest: index, tables, events.

::

    README.txt                      what this is, and how to check it
    bundle.json                     what is in here, how it was chosen, how it adds up
    population.csv, changes.csv     for a spreadsheet
    events.ocsf.jsonl               for a security team's tools
    public-key.txt                  the keys that the ledger names: not what to trust
    ledger/                         the signed part of the ledger; for one job ``proofs.json`` in its place
    evidence/{tenant}/DAY/JOB/      what was sealed, byte for byte; of jobs not drawn the records only
    evidence/{tenant}/objects/      bodies that the recordings share

Everything but the ledger and the evidence is made from those two by :func:`derive`, at the export and again when a
bundle is verified: so nothing in a table can say anything else than the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from agent.audit import csv_export, ocsf
from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint, origin_of
from agent.audit.entries import Entry, Moment, Opened, Sha256
from agent.audit.population import Population, all_cases, population
from agent.audit.readme import readme
from agent.audit.samples import ALL, LONGEST_SEED, MOST, RULE, Selection, select
from agent.audit.sealed_run import SealedRun, is_record, read_run
from agent.audit.sources import Files
from agent.audit.trust import announcements
from agent.domain.access import Frozen

INDEX = "bundle.json"
README = "README.txt"
KEYS = "public-key.txt"
POPULATION_CSV, CHANGES_CSV, EVENTS = "population.csv", "changes.csv", "events.ocsf.jsonl"
DERIVED = frozenset({INDEX, README, KEYS, POPULATION_CSV, CHANGES_CSV, EVENTS})
LEDGER_FOLDER = "ledger"
EVIDENCE_FOLDER = "evidence"

Count = Annotated[int, Field(ge=0, strict=True)]
Level = Literal["full", "records"]
Folder = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}/[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
Asked = Annotated[int, Field(ge=ALL, le=MOST, strict=True)]
Seed = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SEED, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class Head(Frozen):
    """The signed checkpoint that everything in the bundle stands under."""

    size: Count
    root: Sha256


class Draw(Frozen):
    """How the jobs that are shown in full were chosen."""

    rule: str
    seed: Seed
    asked: Asked  # how many by lot; -1: all
    always: dict[str, str]  # number of the accepting entry -> why
    drawn: tuple[Count, ...]


class ShownRun(Frozen):
    """One run, and how much of it is in the bundle."""

    folder: Folder  # of the tenant's; nothing else can be named by it
    level: Level
    sealed_entry: Count


class Adding(Frozen):
    """The population in numbers."""

    equation: str
    submitted: Count
    stands: dict[str, Count]
    mismatches: tuple[str, ...]


class Index(Frozen):
    """Contents of ``bundle.json``."""

    format: Literal[1] = 1
    kind: Literal["job", "period"]
    tenant: str
    ledger: str
    head: Head
    begin: Moment | None  # of the period, half open; None for one job
    end: Moment | None
    population: Adding
    selection: Draw
    runs: tuple[ShownRun, ...]


@dataclass(frozen=True)
class Request:
    """What is to be in a bundle; ``begin`` and ``end`` are None for one job."""

    begin: str | None
    end: str | None
    asked: int
    seed: str  # empty: the root of the checkpoint

    @property
    def kind(self) -> Literal["job", "period"]:
        """Which of the two bundles."""
        return "job" if self.begin is None else "period"


@dataclass(frozen=True)
class Derived:
    """What follows from ledger and evidence."""

    index: Index
    population: Population
    runs: Mapping[int, Sequence[SealedRun]]
    files: Mapping[str, bytes]  # name in the bundle -> bytes


def tenant_folder(tenant: str) -> str:
    """The folder of a tenant's evidence in a bundle; named as on the agent's disk."""
    return f"{EVIDENCE_FOLDER}/{re.sub(r'[^A-Za-z0-9_-]', '_', tenant)}"


def in_bundle(level: Level) -> Callable[[str], bool]:
    """Which sealed files of a run a bundle has."""
    return is_record if level == "records" else lambda path: True


def derive(entries: Sequence[Entry], head: Checkpoint, wanted: Request, evidence: Callable[[str], Files]) -> Derived:
    """Index, tables and events. ``entries`` are those that the bundle has; ``evidence`` gives the files of a folder.

    ValueError when there is no entry that opens the ledger, or a record of a run says what no table can hold.
    """
    try:
        return _derived(entries, head, wanted, evidence)
    except (TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"a record of a run is damaged ({type(error).__name__})") from error


def _derived(entries: Sequence[Entry], head: Checkpoint, wanted: Request, evidence: Callable[[str], Files]) -> Derived:
    opened = next((entry.data for entry in entries if isinstance(entry.data, Opened)), None)
    if opened is None:
        raise ValueError("the entry that opens the ledger is missing")
    found = _population(entries, wanted)
    runs = {
        case.number: tuple(
            read_run(entry, evidence(run.folder)) for entry, run in zip(case.runs, case.sealed, strict=True)
        )
        for case in found.cases
    }
    seed = wanted.seed or head.root.hex()
    selection = select(found.cases, runs, wanted.asked, seed)
    index = _index(opened, head, wanted, found, runs, selection)
    chain = f"{origin_of(opened.ledger)}:{wanted.begin}/{wanted.end}" if wanted.begin else origin_of(opened.ledger)
    keys = [item.key.vkey for item in announcements(entries) if not item.retired]
    files = {
        INDEX: canonical(index.model_dump(mode="json")) + b"\n",
        POPULATION_CSV: csv_export.population_csv(found.cases, selection),
        CHANGES_CSV: csv_export.changes_csv(found.cases, runs),
        EVENTS: ocsf.lines(ocsf.events(opened.tenant, opened.ledger, chain, found.cases, runs)),
        KEYS: _keys_text(keys),
        README: readme(index.kind, opened.tenant, wanted.begin, wanted.end, found.equation, wanted.seed).encode(),
    }
    return Derived(index, found, runs, files)


def _population(entries: Sequence[Entry], wanted: Request) -> Population:
    if wanted.begin is not None and wanted.end is not None:
        return population(entries, wanted.begin, wanted.end)
    cases, mismatches = all_cases(entries)
    return Population("", "", cases, mismatches, {case.stand.value: 1 for case in cases})


def _index(
    opened: Opened,
    head: Checkpoint,
    wanted: Request,
    found: Population,
    runs: Mapping[int, Sequence[SealedRun]],
    selection: Selection,
) -> Index:
    return Index(
        kind=wanted.kind,
        tenant=opened.tenant,
        ledger=opened.ledger,
        head=Head(size=head.size, root=head.root.hex()),
        begin=wanted.begin,
        end=wanted.end,
        population=Adding(
            equation=found.equation,
            submitted=len(found.cases),
            stands=found.counts,
            mismatches=found.mismatches,
        ),
        selection=Draw(
            rule=RULE,
            seed=selection.seed,
            asked=selection.asked,
            always={str(number): why for number, why in selection.always.items()},
            drawn=selection.drawn,
        ),
        runs=tuple(
            ShownRun(
                folder=run.sealed.folder,
                level="full" if wanted.asked == ALL or selection.why(case.number) else "records",
                sealed_entry=run.entry.seq,
            )
            for case in found.cases
            for run in runs[case.number]
        ),
    )


def _keys_text(keys: Sequence[str]) -> bytes:
    lines = [
        "These are the keys that the ledger itself names. They came together with what they are to prove,",
        "so they prove nothing: whoever makes up a ledger makes up its keys, too. Use a key that you were",
        "given in another way (agent evidence keys show), and compare.",
        "",
        *dict.fromkeys(keys),
        "",
    ]
    return "\n".join(lines).encode()
