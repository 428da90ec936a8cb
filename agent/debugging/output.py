"""Writes a diagnosis as a folder: a page for people, a document for machines, the page as it stood, the files to
reproduce it with. It holds what the evidence holds, personal data included: mode 0700."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.debugging.diagnosis import Diagnosis
from agent.errors import Failed, Mender

INDEX = "index.html"
PAGE = "page.html"
PICTURE = "page.png"
DOCUMENT = "diagnosis.json"
FILES = "reproduce"
PROPOSALS = "proposals.toml"

_templates = Environment(
    loader=PackageLoader("agent.debugging", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(diagnosis: Diagnosis, folder: Path) -> tuple[Path, ...]:
    """Everything into ``folder``, which may be there already; returns the files, the one to open first.

    Failed "output-unwritable" when the disk does not take it.
    """
    files: dict[str, str | bytes] = {
        INDEX: as_html(diagnosis),
        DOCUMENT: json.dumps(diagnosis.document(), indent=2, ensure_ascii=False, default=str) + "\n",
    }
    if diagnosis.page is not None:
        files[PAGE] = diagnosis.page.html
        if diagnosis.page.picture is not None:
            files[PICTURE] = diagnosis.page.picture
    proposals = proposals_of(diagnosis)
    if proposals:
        files[PROPOSALS] = proposals
    for name, text in diagnosis.reproduction.files.items():
        files[f"{FILES}/{name}"] = text
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise Failed(
            "output-unwritable",
            f"The findings cannot be written to {folder}.",
            expected="a folder that can be written",
            seen=error.strerror or str(error),
            mender=Mender.OPERATOR,
        ) from error
    return tuple(folder / name for name in files)


def as_html(diagnosis: Diagnosis) -> str:
    """The page for people: no script, nothing from elsewhere but the picture and the rebuilt page beside it."""
    return _templates.get_template("debug.html.j2").render(
        d=diagnosis,
        t=diagnosis.trouble,
        page_file=PAGE if diagnosis.page else "",
        picture_file=PICTURE if diagnosis.page and diagnosis.page.picture else "",
        when=moment(diagnosis.trouble.wall),
        log=[(line.get("at", ""), line.get("event", ""), told(line)) for line in diagnosis.log],
    )


def proposals_of(diagnosis: Diagnosis) -> str:
    """The first proposal for each place, as entries of a catalogue; the others as comments."""
    parts = []
    for suspect in diagnosis.suspects:
        usable = [item for item in suspect.proposals if item.toml]
        for place, item in enumerate(usable):
            counted = "not counted" if item.matches is None else f"finds {item.matches} on the recorded page"
            head = f"# {item.likeness:.0%} alike: {item.element}; {counted}"
            body = item.toml if not place else "\n".join(f"# {line}" for line in item.toml.split("\n"))
            parts.append(f"{head}\n{body}\n")
    head = "# Proposals by agent debug, for a person to check. Nothing uses this file by itself.\n\n"
    return head + "\n".join(parts) if parts else ""


def moment(wall: float | None) -> str:
    """A time of day for people; empty when it is not known."""
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M:%S} UTC" if wall is not None else ""


def told(line: Any) -> str:
    """The members of a log line that say something, in words."""
    quiet = {"at", "ms", "event", "file", "milliseconds", "witnesses", "data"}
    return " · ".join(
        f"{name} {value}" for name, value in line.items() if name not in quiet and value not in ("", None)
    )
