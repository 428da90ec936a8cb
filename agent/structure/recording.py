"""The file of a recording: its form, and reading and writing it.

Version 1. Documented in ``docs/how-to/record-a-tenant.md``. A file of another version, or with anything in it that the
form does not know, is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import Failed, Mender, Refused

FORMAT: Literal["procore-directory-structure"] = "procore-directory-structure"
VERSION: Literal[1] = 1
_LARGEST = 64 * 1024 * 1024


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Node(_Kept):
    """An element: tag, reduced attributes, what is inside, how often it stood there; of a script its keys of JSON."""

    tag: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    at: Mapping[str, str] = Field(default_factory=dict)
    inner: tuple[Node | str, ...] = Field(default=(), alias="in")
    times: int = Field(default=1, ge=1)
    json_keys: Any = Field(default=None, alias="json")

    def elements(self) -> Iterator[Node]:
        """This element and all under it."""
        yield self
        for child in self.inner:
            if isinstance(child, Node):
                yield from child.elements()

    @property
    def count(self) -> int:
        """How many elements it stands for."""
        return self.times * (1 + sum(child.count for child in self.inner if isinstance(child, Node)))


class Page(_Kept):
    """One page. ``generation`` is "legacy", "mfe", or "" where nothing tells; ``globals`` are names and types."""

    place: str
    generation: Literal["legacy", "mfe", ""]
    address: str
    language: str
    globals: Mapping[str, str] = Field(default_factory=dict)
    whole: bool = True
    root: Node


class Head(_Kept):
    """What a recording is, without saying whose it is unless that was asked for."""

    agent: str
    catalogue: str  # sha256 of the selector catalogue it was made with
    date: str  # ISO 8601, the day only
    locale: str
    generations: Mapping[str, str]  # place -> generation, of the pages that were taken
    tenant: str | None = None


class Recording(_Kept):
    """A whole recording. ``missing`` are places that were not come to, by error code."""

    format: Literal["procore-directory-structure"] = FORMAT
    version: Literal[1] = VERSION
    head: Head
    pages: tuple[Page, ...]
    missing: Mapping[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The file's text, a line for each page; the same recording gives the same."""
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=False)
        pages = content.pop("pages")
        head = json.dumps(content, ensure_ascii=True, indent=1)
        lines = ",\n".join(json.dumps(_slim(page), ensure_ascii=True, separators=(",", ":")) for page in pages)
        return f'{head[:-2]},\n "pages": [\n{lines}\n ]\n}}\n'

    def page(self, place: str) -> Page | None:
        """The page of a place."""
        return next((page for page in self.pages if page.place == place), None)


def _slim(value: Any) -> Any:
    """Without what is as it would be anyway: most elements stand there once and have nothing in them."""
    if isinstance(value, list):
        return [_slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    usual = {"at": {}, "in": [], "times": 1, "json": None}
    is_node = "tag" in value
    return {name: _slim(item) for name, item in value.items() if not (is_node and usual.get(name, ...) == item)}


def save(text: str, path: Path) -> str:
    """Write a recording's text, for its owner only; returns the file's SHA-256. Refused when the file is there."""
    data = text.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except FileExistsError as error:
        raise Refused(
            "recording-exists",
            f"{path} is there already; a recording is never written over.",
            expected="a name that is free",
            seen=str(path),
            mender=Mender.OPERATOR,
        ) from error
    except OSError as error:
        raise Failed(
            "recording-unwritable",
            f"The recording cannot be written to {path}.",
            expected="a folder that the agent may write",
            seen=error.strerror or str(error),
        ) from error
    return hashlib.sha256(data).hexdigest()


def load(path: Path) -> Recording:
    """A recording from its file. Failed("recording-unreadable") when it is none, or of another version."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("larger than any recording")
        return Recording.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        said = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}" if first else str(error)
        raise Failed(
            "recording-unreadable",
            f"{path} is not a recording of a tenant's structure.",
            expected=f"a file of the format {FORMAT}, version {VERSION}",
            seen=said.split("\n", 1)[0][:200],
            mender=Mender.OPERATOR,
        ) from error
