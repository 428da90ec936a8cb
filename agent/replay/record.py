"""What a job's evidence holds for going through it again: the readings, the places, the decisions, the recordings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.domain.person import TenantFacts
from agent.errors import AgentError, Failed, Mender, RetrySafe
from agent.evidence.objects import INDEX, LeftOut, ObjectMissing, ObjectStore
from agent.evidence.readings import CATALOGUE, KEPT, RUNNING, SCRIPTS
from agent.jobs.model import ANY_JOB, Job
from agent.policy.rules import PolicyRules
from agent.recording.recording import Recording
from flows import Catalogue, Use

_FACTS = TypeAdapter(TenantFacts)


class NotReplayable(Failed):
    """The evidence lacks what a replay needs: it was made before readings were logged, was pruned, or is damaged."""

    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.NO

    def __init__(self, missing: str, *, expected: str = "the evidence of a job, with readings.jsonl.gz") -> None:
        super().__init__("not-replayable", f"This job cannot be gone through again: {missing}.", expected=expected)


@dataclass(frozen=True)
class Told:
    """One line of the readings: a page that was read (``reading``), or a control that was used (``use``)."""

    number: int
    wall: float  # seconds of the epoch
    took: float  # seconds
    step: int
    url: str
    reading: str = ""
    use: str = ""
    failed: bool = False  # the control could not be used
    script: str = ""  # sha256
    given: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[tuple[str, str], ...] = ()
    ready: bool = True
    problems: tuple[Mapping[str, str], ...] = ()
    found: Mapping[str, int] = field(default_factory=dict)
    shell: Mapping[str, Any] = field(default_factory=dict)
    data: Any = None
    places: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)

    @property
    def moment(self) -> float:
        """A time of day at which the page certainly stood as it was read."""
        return self.wall + self.took / 2

    @property
    def understood(self) -> bool:
        """Whether the flow found all that it looked for."""
        return self.ready and not self.problems

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Told:
        """From a line as it was written. KeyError, TypeError, ValueError for anything else."""
        return cls(
            number=int(line["n"]),
            wall=float(line["wall"]),
            took=float(line["took_ms"]) / 1000,
            step=int(line["step"]),
            url=str(line["url"]),
            reading=str(line.get("reading", "")),
            use=str(line.get("use", "")),
            failed=line.get("failed") is True,
            script=str(line.get("script", "")),
            given=dict(line.get("given", {})),
            layers=tuple((str(key), str(headline)) for key, headline in line.get("layers", [])),
            ready=line.get("ready", True) is True,
            problems=tuple(line.get("problems", [])),
            found=dict(line.get("found", {})),
            shell=dict(line.get("shell", {})),
            data=line.get("data"),
            places={
                str(selector): tuple(Use(str(key), dict(values)) for key, values in uses)
                for selector, uses in line.get("places", [])
            },
        )


class RecordedJob:
    """One job's evidence folder, read for a replay; changes nothing in it."""

    def __init__(self, folder: Path, objects: ObjectStore | None = None) -> None:
        """``objects`` is the tenant's store of shared parts, beside the folder unless given. NotReplayable."""
        self.folder = folder
        self._objects = objects or ObjectStore.beside(folder.resolve())
        self.request = self._json("request.json")
        if not self.request:
            raise NotReplayable(f"{folder.name} holds no request.json", expected="an evidence folder of a job")
        self.session = self._json("session.json")
        self.outcome = self._json("outcome.json")
        self.plan = self._json("plan.json")
        self.before = self._json("before.json")
        self._index = self._json(INDEX)
        self.told: Sequence[Told] = self._told()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.folder.name

    def _json(self, name: str) -> dict[str, Any]:
        """A file's content; empty when it is not there."""
        try:
            found = json.loads((self.folder / name).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise NotReplayable(f"{name} cannot be read ({error})") from error
        return found if isinstance(found, dict) else {}

    def _told(self) -> Sequence[Told]:
        try:
            packed = self.folder / KEPT
            text = gzip.decompress(packed.read_bytes()) if packed.exists() else (self.folder / RUNNING).read_bytes()
            return tuple(Told.of(json.loads(line)) for line in text.splitlines() if line.strip())
        except FileNotFoundError:
            raise NotReplayable("it has no log of what was read") from None
        except (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError) as error:
            raise NotReplayable(f"its log of what was read is damaged ({error})") from error

    # --- what it was made with ---

    def part(self, name: str) -> str | None:
        """A text that is kept once for many jobs; None when it is not there (any more)."""
        entry = self._index.get(name)
        try:
            return self._objects.read(str(entry["sha256"])).decode() if isinstance(entry, dict) else None
        except ObjectMissing:
            return None

    def script(self, reading: str) -> str | None:
        """The script of a reading, as it ran then."""
        return self.part(f"{SCRIPTS}/{reading}.js")

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The selector catalogue of then; None when its text was not kept or is of a format no longer known."""
        text = self.part(CATALOGUE)
        try:
            return Catalogue.parse(text, f"{self.name}: {CATALOGUE}") if text is not None else None
        except AgentError:
            return None

    @property
    def version(self) -> str:
        """The version of the agent that made it."""
        versions = self.session.get("versions")
        return str(versions.get("agent", "")) if isinstance(versions, dict) else ""

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """What kind of Directory it was."""
        found = self.session.get("fingerprint")
        return found if isinstance(found, dict) else {}

    @property
    def recordings(self) -> Sequence[Recording]:
        """The recordings, in order; more than one after a restart of the browser. RecordingNotUnderstood."""
        files = sorted(self.folder.glob("trace*.zip"), key=lambda path: (len(path.name), path.name))
        return [Recording.open(path, LeftOut(path, self._objects)) for path in files]

    # --- what was decided from ---

    @cached_property
    def job(self) -> Job | None:
        """The job as it was asked for; None when today's model does not know it."""
        try:
            return ANY_JOB.validate_python(self.request.get("job"), strict=False)
        except ValidationError:
            return None

    @cached_property
    def facts(self) -> TenantFacts | None:
        """The names that the plan was made with."""
        try:
            return _FACTS.validate_python(self._json("facts.json"))
        except ValidationError:
            return None

    @cached_property
    def rules(self) -> PolicyRules:
        """The operator's rules of then; the defaults where they were not kept."""
        try:
            return PolicyRules.model_validate(self._json("rules.json"))
        except ValidationError:
            return PolicyRules()

    @property
    def began(self) -> datetime:
        """When the job began."""
        return datetime.fromisoformat(str(self.request["at"]))

    # --- in words ---

    @cached_property
    def _log(self) -> Sequence[Mapping[str, Any]]:
        try:
            lines = (self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ()
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # torn by a kill
        return found

    @cached_property
    def titles(self) -> Mapping[int, str]:
        """The steps by their numbers."""
        return {
            int(line["step"]): str(line.get("title", ""))
            for line in self._log
            if line.get("event") == "step-started" and "step" in line
        }

    @cached_property
    def _begun(self) -> Sequence[tuple[float, int]]:
        return [
            (datetime.fromisoformat(str(line["at"])).timestamp(), int(line["step"]))
            for line in self._log
            if line.get("event") == "step-started" and "step" in line
        ]

    def step_at(self, wall: float) -> int:
        """The number of the step under way at a time of day; 0 before the first."""
        return max((number for at, number in self._begun if at <= wall + 0.001), default=0)

    @cached_property
    def first_write(self) -> float:
        """The time of day right before the first write was sent; infinity when none was."""
        sent = [
            datetime.fromisoformat(str(line["at"])).timestamp()
            for line in self._log
            if line.get("event") == "write-sending"
        ]
        return min(sent, default=float("inf"))
