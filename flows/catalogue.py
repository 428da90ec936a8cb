"""The selector catalogue: data that says where things are on the pages of each UI generation.

A catalogue is a folder of TOML files (``selectors/*.toml``), one for each generation and one for what they share, of
hooks, texts and forms, each with its mark: ``D`` documented, ``C`` captured, ``I`` inferred. Keys are unique over all
of them. It can be replaced without a release, so it is checked strictly when loaded, and its hash stands in every
evidence record.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.errors import Failed, Mender

_KEY = re.compile(r"^[a-z_]+\.[a-z_]+$")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
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
    """The named fields that a form may have; ``*`` stands for one path part. Any other field stops a write."""

    fields: tuple[str, ...] = Field(min_length=1)

    def knows(self, name: str) -> bool:
        """Whether a field of this name may be in the form."""
        return any(re.fullmatch(re.escape(known).replace(r"\*", r"[^\[\]]+"), name) for known in self.fields)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    generation: Literal["common", "legacy", "mfe", "all"]  # "all": put together from several files
    hooks: Mapping[str, Hook]
    texts: Mapping[str, Text]
    forms: Mapping[str, Form]

    @field_validator("hooks", "texts", "forms")
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
        canonical = json.dumps(
            content.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
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
        """Load the files of a folder, or one file; None: the catalogue that came with the flows.

        Failed("catalogue-missing") when there is none.
        """
        place = path or own_folder()
        try:
            files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
            texts = [file.read_text(encoding="utf-8") for file in files]
        except (OSError, UnicodeDecodeError) as error:
            raise _missing(place, str(error)) from error
        if not texts:
            raise _missing(place, "no such file in the folder")
        return cls.parse(_together(texts) if len(texts) > 1 else texts[0], str(place))

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
        """The selector of a hook for Playwright, placeholders filled in."""
        return _filled(key, self._hook(key).selector, values)

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

    def form(self, key: str) -> Form:
        """The known fields of a form."""
        try:
            return self._content.forms[key]
        except KeyError:
            raise KeyError(f"no form {key!r} in the {self.generation} catalogue") from None

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


def _together(texts: Sequence[str]) -> str:
    """Several files as one text: their heads go, since tables of the same name may not come twice anyway."""
    head = re.compile(r"^(?:format|generation) *=.*\n", re.MULTILINE)
    return 'format = 1\ngeneration = "all"\n\n' + "\n\n".join(head.sub("", text).strip() for text in texts) + "\n"


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
        expected="hooks, texts and forms as described in docs/reference/selectors.md",
        seen=found,
        mender=Mender.DEVELOPER,
    )
