"""The selector catalogue: data that says where things are on the pages of each UI generation.

A catalogue is a pack: a folder of TOML files (``selectors/*.toml`` and ``selectors/shapes/*.toml``), one for each
generation and one for what they share, of hooks, texts, forms and shapes, each with its mark: ``D`` documented, ``C``
captured, ``I`` inferred. Keys are unique over all of them. It can be replaced without a release, so it is checked
strictly when loaded, and its hash stands in every evidence record.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agent.errors import Failed, Mender
from flows.known_shapes import KnownShape

_KEY = re.compile(r"^[a-z_]+\.[a-z_]+$")
_ALWAYS = frozenset({"format", "generation", "hooks", "texts", "forms"})
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_WORDS = re.compile(r':text-is\("(?:[^"\\]|\\.)*"\)')
_PLAYWRIGHT_ONLY = re.compile(
    r":(?:has-text|text|text-is|text-matches|visible|nth-match)\b|>>|^(?:text|role|xpath|internal:\w+)=|^//"
)


class Mark(StrEnum):
    """How far an entry is known."""

    DOCUMENTED = "D"  #: Procore's own documentation says so
    CAPTURED = "C"  #: seen in a captured page or a public automation script
    INFERRED = "I"  #: a decision of ours, see docs/reference/assumed-pages.md


class Match(StrEnum):
    """How many elements a hook must find."""

    ONE = "one"
    MANY = "many"  #: any number, none included
    OPTIONAL = "optional"  #: none or one


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mark: Mark
    note: str = Field(min_length=1)


class Hook(_Entry):
    """One place on a page. ``{name}`` in the selector stands for a value given at look-up, quoted for CSS."""

    selector: str = Field(min_length=1)
    match: Match

    @property
    def is_css(self) -> bool:
        """Whether the page itself can evaluate the selector (no Playwright extension in it)."""
        return _PLAYWRIGHT_ONLY.search(self.selector) is None


class Text(_Entry):
    """Words that a page shows in the pinned language, as a regular expression that JavaScript and Python both take."""

    pattern: str = Field(min_length=1)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value


class Form(_Entry):
    """The named fields that a form may have; ``*`` stands for one path part. Recordings of a tenant are compared with
    them; what a write needs is said by shapes."""

    fields: tuple[str, ...] = Field(min_length=1)

    def knows(self, name: str) -> bool:
        """Whether a field of this name may be in the form."""
        return any(re.fullmatch(re.escape(known).replace(r"\*", r"[^\[\]]+"), name) for known in self.fields)


class Pack(BaseModel):
    """What a pack says of itself, in ``pack.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    released: date
    generations: tuple[Literal["legacy", "mfe"], ...] = Field(min_length=1)

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    generation: Literal["common", "legacy", "mfe", "all"]  # "all": put together from several files
    hooks: Mapping[str, Hook]
    texts: Mapping[str, Text]
    forms: Mapping[str, Form]
    shapes: Mapping[str, KnownShape] = Field(default_factory=dict)
    pack: Pack | None = None

    @model_validator(mode="after")
    def _shapes_have_places(self) -> _File:
        lost = [
            f"{key}: {shape.hook}"
            for key, shape in self.shapes.items()
            if shape.hook not in self.hooks or not self.hooks[shape.hook].is_css
        ]
        if lost:
            raise ValueError(f"shapes whose place is no hook in plain CSS: {', '.join(lost)}")
        return self

    @field_validator("hooks", "texts", "forms", "shapes")
    @classmethod
    def _keys(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        for key in value:
            if not _KEY.match(key):
                raise ValueError(f"key {key!r}: expected page.place in lower case")
        return value


class Catalogue:
    """A loaded catalogue. Looking up a key that is not there raises; there is no default."""

    def __init__(self, content: _File, source: str) -> None:
        self._content = content
        self.source = source  #: the text it was parsed from
        self.files: Mapping[str, str] = {}  #: SHA-256 of each file it was loaded from, by its name in the pack
        # Without shapes and a pack the text is that of releases which knew neither, and so is the hash.
        told = {key: part for key, part in content.model_dump(mode="json").items() if part or key in _ALWAYS}
        canonical = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        self.sha256 = hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def parse(cls, text: str, source: str = "catalogue") -> Catalogue:
        """Check a catalogue's text; Failed("catalogue-invalid") names every key that is wrong."""
        try:
            return cls(_File.model_validate(tomllib.loads(text)), text)
        except tomllib.TOMLDecodeError as error:
            raise _invalid(source, str(error)) from error
        except ValidationError as error:
            found = "; ".join(
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
            )
            raise _invalid(source, found) from error

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Load the pack of a folder; None: the one that came with the flows.

        One file of one generation takes the place of that file in the pack that came with the flows; a file that is
        a whole catalogue (generation "all", as evidence keeps it) stands alone. Failed("catalogue-missing") when there
        is none, Failed("catalogue-invalid") when something is wrong in it.
        """
        place = path or own_folder()
        files = _files_of(place) if place.is_dir() else _one_file(place)
        parts = {name: _decoded(place, name, content) for name, content in sorted(files.items())}
        loaded = cls.parse(_together(parts) if len(parts) > 1 else next(iter(parts.values())), str(place))
        loaded.files = {name: hashlib.sha256(files[name]).hexdigest() for name in parts}
        return loaded

    @property
    def pack(self) -> str:
        """Name and version of the pack; "" where it does not say."""
        return self._content.pack.label if self._content.pack else ""

    @property
    def about(self) -> Pack | None:
        """What the pack says of itself."""
        return self._content.pack

    @property
    def shapes(self) -> Mapping[str, KnownShape]:
        """All shapes by region."""
        return self._content.shapes

    @property
    def generation(self) -> str:
        """The UI generation that this catalogue describes."""
        return self._content.generation

    @property
    def hooks(self) -> Mapping[str, Hook]:
        """All hooks by key."""
        return self._content.hooks

    @property
    def texts(self) -> Mapping[str, Text]:
        """All texts by key."""
        return self._content.texts

    @property
    def forms(self) -> Mapping[str, Form]:
        """All forms by key."""
        return self._content.forms

    def selector(self, key: str, **values: str) -> str:
        """The selector of a hook for Playwright, placeholders filled in.

        ``:text-is`` looks at an element's own text only; here it also finds the words in a box inside, as a release
        may put them. That the words are the whole of it is for the comparison of shapes to say.
        """
        return _WORDS.sub(r":is(\g<0>, :has(\g<0>))", _filled(key, self._hook(key).selector, values))

    def css(self, key: str, **values: str) -> str:
        """The selector for the page's own ``querySelector``; KeyError when Playwright's extensions are in it."""
        hook = self._hook(key)
        if not hook.is_css:
            raise KeyError(f"{key}: this selector is used inside the page and must be plain CSS")
        return _filled(key, hook.selector, values)

    def text(self, key: str) -> str:
        """The pattern of a text."""
        try:
            return self._content.texts[key].pattern
        except KeyError:
            raise KeyError(f"no text {key!r} in the {self.generation} catalogue") from None

    def _hook(self, key: str) -> Hook:
        try:
            return self._content.hooks[key]
        except KeyError:
            raise KeyError(f"no hook {key!r} in the {self.generation} catalogue") from None


def _filled(key: str, selector: str, values: Mapping[str, str]) -> str:
    wanted = set(_PLACEHOLDER.findall(selector))
    if wanted != set(values):
        raise KeyError(f"{key}: placeholders {sorted(wanted)} were given {sorted(values)}")
    return _PLACEHOLDER.sub(lambda found: _css_quoted(values[found.group(1)]), selector)


def _css_quoted(value: str) -> str:
    """A value as the inside of a double-quoted CSS string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\{ord(found.group()):x} ", escaped)


def own_folder(package: Path = Path(__file__).parent) -> Path:
    """In a checkout the repository's ``selectors/``; in an installed wheel the copy inside the package."""
    checkout = package.parent / "selectors"
    return checkout if (checkout / "legacy.toml").is_file() else package / "selectors"


def _files_of(folder: Path) -> dict[str, bytes]:
    """The files of a pack by their names in it."""
    try:
        found = [*folder.glob("*.toml"), *folder.glob("shapes/*.toml")]
        files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}
    except OSError as error:
        raise _missing(folder, str(error)) from error
    if not files:
        raise _missing(folder, "no such file in the folder")
    return files


def _one_file(file: Path) -> dict[str, bytes]:
    """A whole catalogue, or the pack that came with the flows with this file in the place of its own."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _missing(file, str(error)) from error
    head = re.search(r'^generation *= *"(common|legacy|mfe)"', _decoded(file, file.name, content), re.MULTILINE)
    return {file.name: content} if head is None else {**_files_of(own_folder()), f"{head.group(1)}.toml": content}


def _decoded(place: Path, name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _missing(place, f"{name}: {error}") from error


_HEAD = re.compile(r"^(?:format|generation) *=.*\n", re.MULTILINE)


def _together(parts: Mapping[str, str]) -> str:
    """Several files as one text: their heads go, since tables of the same name may not come twice anyway."""
    for name, text in parts.items():
        heads = _HEAD.findall(text)
        if not any(re.match(r"format *= *1 *$", head.strip()) for head in heads):
            raise _invalid(name, "format: 1 is the one that is known")
    return (
        'format = 1\ngeneration = "all"\n\n'
        + "\n\n".join(_HEAD.sub("", part).strip() for part in parts.values())
        + "\n"
    )


def _missing(place: Path, seen: str) -> Failed:
    return Failed(
        "catalogue-missing",
        f"The selector catalogue {place} cannot be read.",
        expected="TOML files in UTF-8",
        seen=seen,
        mender=Mender.OPERATOR,
    )


def _invalid(source: str, found: str) -> Failed:
    return Failed(
        "catalogue-invalid",
        f"The selector catalogue {source} is not valid.",
        expected="hooks, texts, forms and shapes as described in docs/reference/selectors.md",
        seen=found,
        mender=Mender.DEVELOPER,
    )
