"""Evidence folders made of files alone, for what reads them: no browser, no job, every field may be anything."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from agent.evidence.folder import EvidenceFolder, canonical_json, timestamp
from agent.evidence.manifest import Versions, versions, write_manifest
from tests.unit.evidence import story

BOXES = [
    {"kind": "set", "label": "First Name", "x": 60.0, "y": 50.0, "width": 300.0, "height": 38.0},
    {"kind": "set", "label": "Job Title", "x": 60.0, "y": 120.0, "width": 300.0, "height": 38.0},
    {"kind": "pressed", "label": "Save", "x": 500.0, "y": 330.0, "width": 90.0, "height": 36.0},
]
STEP = "Save: Job Title 'Site Engineer'"


def picture(width: int = 640, height: int = 400) -> bytes:
    """A picture of a page, as far as anybody can tell."""
    image = Image.new("RGB", (width, height), "#f2f4f6")
    draw = ImageDraw.Draw(image)
    for top in range(50, height - 60, 70):
        draw.rectangle((60, top, 360, top + 38), fill="white", outline="#9aa6b2")
    draw.rectangle((500, height - 70, 590, height - 34), fill="#1f5fae")
    out = io.BytesIO()
    image.save(out, format="WEBP")
    return out.getvalue()


class Folder:
    """Files of a job. Change what is in it, then :meth:`write`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        job = story.job().model_dump(mode="json", exclude_unset=True)
        self.request: dict[str, Any] = {
            "job_id": path.name,
            "tenant": "northwind",
            "at": timestamp(story.STARTED),
            "dry_run": False,
            "service_account": "directory-agent@example.com",
            "job": job,
        }
        self.session: dict[str, Any] = {
            "at": timestamp(story.STARTED),
            "fingerprint": story.FINGERPRINT.model_dump(mode="json"),
            "versions": versions(browser="156.0.8078.79", selector_catalogue="3f" * 32).model_dump(mode="json"),
        }
        self.before: dict[str, Any] | None = {"person": _person(story.BEFORE), "correlation": None}
        self.after: dict[str, Any] | None = {"person": _person(story.AFTER), "correlation": None}
        self.plan: dict[str, Any] | None = story.PLAN.model_dump(mode="json")
        self.outcome: dict[str, Any] | None = {
            "at": timestamp(story.STARTED + timedelta(seconds=9)),
            **story.DONE.model_dump(mode="json"),
        }
        self.lines: list[dict[str, Any]] = []
        self.pictures: dict[str, bytes] = {}
        self._tell()

    def say(self, event: str, ms: int, **data: Any) -> None:
        """Add a line to the log."""
        at = timestamp(story.STARTED + timedelta(milliseconds=ms))
        self.lines.append({"at": at, "ms": ms, "event": event, **data})

    def show(self, ms: int, file: str, caption: str, *, boxes: Sequence[Mapping[str, Any]] = (), **data: Any) -> None:
        """Add a picture of 640 x 400 and its line."""
        self.pictures[file] = picture()
        seen = {"width": 640, "height": 400, "boxes": list(boxes)} if boxes else {}
        told = {"caption": caption, "step": 1, "title": "Edit user", "path": "/users/8812301/edit"}
        self.say("picture", ms, file=file, **{**told, **data}, **seen)

    def _tell(self) -> None:
        self.say("job-started", 0, action="provision", tenant="northwind", dry_run=False)
        self.say("session-ready", 900, again=False, signed_in_as="directory-agent@example.com")
        self.say("observed", 2100, moment="before", file="before.json", found=True)
        self.show(2200, "pictures/01-before.webp", "As it was before")
        self.say("planned", 2300, file="plan.json", steps=3, replanned=False)
        for number, step in enumerate(story.STEPS, 1):
            begin = 1200 + number * 1200
            self.say("step-started", begin, step=number, title=step.title)
            file = f"pictures/{number + 1:02d}-step-{number}-form.webp"
            self.show(begin + 700, file, f"Step {number}, before it is sent: {step.title}", boxes=BOXES)
            self.say("write-sending", begin + 710, step=number, intent=step.title)
            self.say("write-answered", begin + 1100, step=number, intent=step.title)
            result = story.RESULTS[number - 1].model_dump(mode="json")
            self.say("step-ended", begin + 1150, step=number, **result)
        self.say("observed", 6700, moment="after", file="after.json", found=True)
        self.say("verified", 7600, witnesses=[item.model_dump(mode="json") for item in story.WITNESSES])
        self.show(
            8100, "pictures/05-verified.webp", "Read back on a freshly opened page", path="/users/8812301/history"
        )
        self.say("job-ended", 9000, verdict="done", summary=story.DONE.summary)

    def write(self, *, sealed: bool = True, made_with: Versions | None = None) -> EvidenceFolder:
        """Put it on disk; ``sealed`` with its manifest."""
        (self.path / "pictures").mkdir(parents=True, exist_ok=True)
        parts = {
            "request": self.request,
            "session": self.session,
            "before": self.before,
            "after": self.after,
            "plan": self.plan,
            "outcome": self.outcome,
        }
        for name, value in parts.items():
            if value is not None:
                (self.path / f"{name}.json").write_bytes(canonical_json(value))
        (self.path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        for name, data in self.pictures.items():
            (self.path / name).write_bytes(data)
        folder = EvidenceFolder(self.path)
        if sealed:
            verdict = str((self.outcome or {}).get("verdict", "interrupted"))
            request = {"job_id": str(self.request["job_id"]), "tenant": "northwind"}
            write_manifest(
                folder, request=request, verdict=verdict, at=story.STARTED, made_with=made_with or versions()
            )
        return folder


def _person(person: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = person.model_dump(mode="json")
    dumped["read_only_fields"] = sorted(dumped["read_only_fields"])
    return dumped
