"""Masks everybody but a job's person, where the settings say ``people = "subject"``.

Two ways, since neither would do alone. *By place*: rows of lists and cells that name whoever made a change, as the
selector catalogue tells them; whoever's row it is shows by its address. *By value*: every address that is not allowed,
and every name and telephone number seen in such a row, wherever it stands, however it is encoded.

What is kept of others: the Procore id, the company, the template, and of an address its first letter and its domain
(``j***@example.com``), so that somebody with access to Procore can still look them up.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from agent.credentials.secret import MASK
from agent.domain.names import normal_email, normal_name
from agent.evidence.masking import any_encoding

SOMEBODY = "(another person)"
_AT = r"(?:@|%(?:25)*40|&#0*64;|&#[xX]0*40;|&commat;|\\+u0040)"
_NO_DOMAIN = r"(?!(?:png|jpe?g|gif|svg|webp|avif|ico|css|js)\b)"  # "icon", "2x.png" with an at sign between are a file
_ADDRESS = re.compile(
    rf"([A-Za-z0-9._%+'-]+){_AT}((?:[A-Za-z0-9-]+\.)+{_NO_DOMAIN}[A-Za-z]{{2,24}})(?![A-Za-z0-9-])", re.IGNORECASE
)
_SHORTEST_NAME = 4  # "Li" stands inside every other word
_COMMA = re.compile(r",(?![^\[]*\])")
_ONE_SELECTOR = re.compile(r"(?P<tag>[a-zA-Z][\w-]*)?(?P<attributes>(?:\[[^\]]+\])*)")
_ONE_ATTRIBUTE = re.compile(r"""\[([\w-]+)(?:(\*?)=["']?([^"'\]]*)["']?)?\]""")

#: Members of a JSON value that describe a person in a row of a list or of the history.
_MARKS = frozenset({"email", "contact", "person_id", "personId", "login", "actor_login"})
_NAMES = frozenset({"name", "actor_name"})
_DETAILS = frozenset({"job_title", "jobTitle", "contact", "phones", "address", "email", "login", "actor_login"})


@dataclass(frozen=True)
class PeopleHooks:
    """Where people stand on pages, as CSS of one element each: ``div[data-qa="tableRow"][data-id]``."""

    rows: tuple[str, ...] = ()  # one person each
    names: tuple[str, ...] = ()  # inside a row or one themselves: names and telephone numbers, masked and remembered
    details: tuple[str, ...] = ()  # inside a row: masked, but not remembered, since others share them


#: The catalogue's keys. The row of a list is one person; a cell of the history names who made a change.
_ROWS = ("list.row", "history.by", "grid.row")
_NAME_CELLS = ("list.name_cell", "list.contact_cell", "history.by", "grid.person_link", "grid.phone_cell")
_DETAIL_CELLS = ("list.address_cell", "list.job_title_cell", "grid.address_cell", "grid.job_title_cell")


def people_hooks(selector_of: Callable[[str], str]) -> PeopleHooks:
    """The places of people, by a function that gives the selector of a catalogue's key.

    What that raises, and ValueError for a selector that says more than a tag and attributes.
    """

    def selectors(keys: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(part.strip() for key in keys for part in _COMMA.split(selector_of(key)))
        for part in found:
            Element.parse(part)
        return found

    return PeopleHooks(selectors(_ROWS), selectors(_NAME_CELLS), selectors(_DETAIL_CELLS))


class Bystanders:
    """All people a job is not about. One for each job; it learns as the job goes on."""

    def __init__(self, hooks: PeopleHooks) -> None:
        self.hooks = hooks
        self.rows = tuple(map(Element.parse, hooks.rows))
        self.names = tuple(map(Element.parse, hooks.names))
        self.details = tuple(map(Element.parse, hooks.details))
        self._allowed: set[str] = set()
        self._own: set[str] = set()
        self._learned: dict[str, re.Pattern[str]] = {}

    @property
    def allowed(self) -> tuple[str, ...]:
        """Addresses that may be seen."""
        return tuple(sorted(self._allowed))

    @property
    def learned(self) -> tuple[str, ...]:
        """Names and numbers of others, as they were seen."""
        return tuple(sorted(self._learned))

    def allow(self, addresses: Iterable[str | None]) -> None:
        """The subject, the service account, who asked and who approved may be seen."""
        self._allowed |= {normal_email(address) for address in addresses if address}

    def keep(self, texts: Iterable[str | None]) -> None:
        """Names and numbers of the subject are never taken for somebody else's, even when another has the same."""
        self._own |= {normal_name(text) for text in texts if text}
        for text in [known for known in self._learned if normal_name(known) in self._own]:
            del self._learned[text]

    def learn(self, texts: Iterable[str]) -> None:
        """Names and telephone numbers of others, to be masked wherever they stand from now on."""
        for text in map(str.strip, texts):
            new = text not in self._learned and len(text) >= _SHORTEST_NAME and text not in (SOMEBODY, MASK)
            if new and normal_name(text) not in self._own and _ADDRESS.search(text) is None:
                body = "".join(any_encoding(character) for character in text)
                self._learned[text] = re.compile(rf"(?<![A-Za-z0-9]){body}(?![A-Za-z0-9])")

    def is_about_somebody_else(self, texts: Iterable[str]) -> bool:
        """Whether a row with these texts is that of anybody but the subject: no allowed address stands in it."""
        return not any(
            self._is_allowed(hit.group(1), hit.group(2)) for text in texts for hit in _ADDRESS.finditer(text)
        )

    def text(self, text: str) -> str:
        """The text with every address that is not allowed, and every learned name and number, masked."""
        if "@" in text or "40" in text or "64" in text or "&commat;" in text:
            text = _ADDRESS.sub(self._masked_address, text)
        for learned, pattern in self._learned.items():
            clue = max(re.findall(r"[A-Za-z0-9]+", learned) or [""], key=len)
            if clue in text:
                text = pattern.sub(SOMEBODY, text)
        return text

    def name(self, text: str) -> str:
        """What is left of a name or number in somebody else's row; the subject's own name stays, it says nothing."""
        if not text.strip() or normal_name(text) in self._own:
            return text
        masked = _ADDRESS.sub(self._masked_address, text)
        return masked if masked != text else SOMEBODY

    def detail(self, text: str) -> str:
        """What is left of any other detail there."""
        if not text.strip():
            return text
        masked = _ADDRESS.sub(self._masked_address, text)
        return masked if masked != text else MASK

    def value(self, value: Any) -> Any:
        """A JSON value in which records of other people (rows of lists, sightings, changes) are masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        marks = {key: item for key, item in value.items() if key in _MARKS}
        if not (marks and _NAMES & value.keys()) or not self.is_about_somebody_else(_strings(marks)):
            return {key: self.value(item) for key, item in value.items()}
        self.learn(text for key in ("name", "actor_name", "phones", "contact") for text in _strings(value.get(key)))
        return {key: self._of_record(key, item) for key, item in value.items()}

    def _of_record(self, key: str, item: Any) -> Any:
        if isinstance(item, list | tuple):
            return [self._of_record(key, one) for one in item]
        if isinstance(item, str) and key in _NAMES:
            return self.name(item)
        if isinstance(item, str) and key in _DETAILS:
            return self.detail(item)
        return self.value(item)

    def _is_allowed(self, local: str, domain: str) -> bool:
        return normal_email(f"{html.unescape(unquote(unquote(local)))}@{domain}") in self._allowed

    def _masked_address(self, found: re.Match[str]) -> str:
        if self._is_allowed(found.group(1), found.group(2)):
            return found.group(0)
        at = found.group(0)[len(found.group(1)) : -len(found.group(2))]
        return f"{found.group(1)[:1]}***{at}{found.group(2)}"


@dataclass(frozen=True)
class Element:
    """A selector of one element, by its tag and its attributes, as recorded pages can be searched with."""

    tag: str
    attributes: tuple[tuple[str, str | None, bool], ...]  # name, value or None for any, whether a part is enough

    @classmethod
    def parse(cls, selector: str) -> Element:
        """ValueError for what is more than a tag with attributes: people must not be overlooked in silence."""
        found = _ONE_SELECTOR.fullmatch(selector.strip())
        if found is None or not (found["tag"] or found["attributes"]):
            raise ValueError(f"not the CSS of one element by tag and attributes: {selector!r}")
        attributes = tuple(
            (item.group(1).lower(), item.group(3), bool(item.group(2)))
            for item in _ONE_ATTRIBUTE.finditer(found["attributes"])
        )
        return cls((found["tag"] or "").upper(), attributes)

    def matches(self, tag: str, attributes: Mapping[str, Any]) -> bool:
        """Whether a recorded element is meant."""
        if self.tag and tag.upper() != self.tag:
            return False
        lowered = {str(name).lower(): str(value) for name, value in attributes.items()}
        return all(
            name in lowered and (wanted is None or (wanted in lowered[name] if part else lowered[name] == wanted))
            for name, wanted, part in self.attributes
        )


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []
