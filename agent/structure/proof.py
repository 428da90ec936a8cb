"""The second look at a recording: refuses to let it out when anything of the tenant stands in it.

Shares no code and no idea with ``shapes``: that one knows what may stay, this one knows what was on the pages and looks
for it. Three questions to the text that would be written:

* does it hold a word that is not one of the pages' own, or a number that is not a digit class?
* does it hold a text, an attribute's value, a name in another spelling, an address, an id, that stood on a page?
* does it hold a secret of this process, or the account?

The last two in every encoding that :mod:`agent.evidence.search` takes off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.credentials.known import KnownSecret, SecretKind
from agent.credentials.secret import Secret
from agent.errors import Mender, Refused
from agent.evidence.search import search_bytes
from agent.structure.recording import Page, Recording
from agent.structure.vocabulary import Vocabulary
from agent.structure.words import TAGS, listed
from flows import RawNode, RawPage

SHORTEST = 6  #: characters; shorter texts are looked for as whole words only
_SHORTEST_WORD = 2
_LETTERS = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_DIGITS = re.compile(r"\d{2,}")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CLASS = re.compile(r"<(?:email|token|long|number|filled|w|host|words:\d+\+?)>")
#: What the form of the file itself is made of.
_OF_THE_FORM = listed("email token long number filled host words data other element boolean string object null")
_SPOKEN = listed("title alt placeholder label summary aria-label aria-description aria-valuetext value content")
_MOST_NAME_WORDS = 4
_SHOWN = 8


@dataclass(frozen=True)
class Leak:
    """Something of the tenant's in a recording; says what kind of thing and where, never the thing."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} in {self.where}"


class TenantWords:
    """All that was seen of one tenant while its pages were recorded."""

    def __init__(self, secrets: Iterable[KnownSecret] = (), names: Mapping[str, str] | None = None) -> None:
        """``names``: what else must not come out, by what it is called in a finding (account, company, tenant)."""
        self.secrets = tuple(secrets)
        self._seen: dict[str, str] = {}
        for label, name in (names or {}).items():
            self._take(name, label)

    def see(self, page: RawPage) -> None:
        """Remember everything that stands on a page."""
        for text, what in _strings(page.root):
            self._take(text, f"{what} of {page.place}")
        self._take(page.url, f"the address of {page.place}")

    def _take(self, text: str, label: str) -> None:
        text = " ".join(text.split())
        self._seen.setdefault(text, label)
        for address in _ADDRESS.findall(text):
            self._seen.setdefault(address, f"an e-mail address ({label})")
            self._seen.setdefault(address.partition("@")[0], f"a part of an e-mail address ({label})")
        for digits in _DIGITS.findall(text):
            self._seen.setdefault(digits, f"a number ({label})")
        phone = re.sub(r"\D", "", text)
        if len(phone) >= SHORTEST:
            self._seen.setdefault(phone, f"a number ({label})")

    def needles(self, known: Vocabulary) -> Iterator[KnownSecret]:
        """What to look for in every encoding. What any recording may hold anyway is not looked for."""
        for text, label in self._seen.items():
            if len(text) >= SHORTEST and not _is_standing(text, known):
                alone = text.isdigit() and len(text) < 10
                yield KnownSecret(label, Secret(text), SecretKind.ONE_TIME_CODE if alone else SecretKind.TEXT)
        yield from self.secrets

    def spellings(self, known: Vocabulary) -> Iterator[tuple[str, str]]:
        """Names as they stand in ids and addresses, in small letters, and what each is called in a finding.

        Names of the pages' own words alone are left out: "account settings" is a hook somewhere.
        """
        for text, label in self._seen.items():
            if _is_standing(text, known):
                continue
            yield text.casefold(), label
            words = [word.casefold() for word in _LETTERS.findall(text)]
            if 2 <= len(words) <= _MOST_NAME_WORDS and not all(_is_own(word, known) for word in words):
                for between in (".", "-", "_", "", "+"):
                    yield between.join(words), label
                    yield between.join(reversed(words)), label

    def __len__(self) -> int:
        return len(self._seen) + len(self.secrets)


def _is_standing(text: str, known: Vocabulary) -> bool:
    """Whether the text is the pages' own: a known phrase or value, or an identifier of known words."""
    if known.knows(text) or text.casefold() in known.standing:
        return True
    if re.search(r"[\s\d]", text) or not text.isascii():
        return False
    return all(_is_own(word, known) for run in _LETTERS.findall(text) for word in _HUMPS.findall(run))


def _strings(node: RawNode) -> Iterator[tuple[str, str]]:
    """Texts and values of attributes, those in JSON one by one."""
    for name, value in node.attributes.items():
        for part in (value,) if name in _SPOKEN else value.split():
            yield part, f"the attribute {name if name.isascii() and len(name) < 40 else '?'}"
        for held in _json_strings(value):
            yield held, "embedded data"
    for child in node.children:
        if isinstance(child, RawNode):
            yield from _strings(child)
        else:
            yield child, "a text"
            for held in _json_strings(child):
                yield held, "embedded data"


def _json_strings(text: str) -> Iterator[str]:
    if text.strip()[:1] not in {"{", "["}:
        return
    try:
        left = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(value)


def leaks(recording: Recording, text: str, seen: TenantWords, known: Vocabulary) -> list[Leak]:
    """Everything in the text that must not be there."""
    found = [leak for page in recording.pages for leak in _foreign(page, known)]
    strings = "\n".join(sorted(set(_texts(json.loads(text)))))
    hits = search_bytes(strings.encode(), "the file", seen.needles(known))
    hits += search_bytes(text.encode(), "the file", seen.secrets)
    found += [Leak(hit.label, f"the file ({hit.how})") for hit in hits]
    folded = strings.casefold()
    found += [
        Leak(label, "the file (in another spelling)")
        for spelling, label in seen.spellings(known)
        if len(spelling) >= SHORTEST and spelling in folded
    ]
    return list(dict.fromkeys(found))


def _foreign(page: Page, known: Vocabulary) -> Iterator[Leak]:
    """Words that are not the pages' own, and numbers."""
    root = page.root.model_dump(mode="json", by_alias=True)
    content = [page.address, page.language, list(page.globals), list(page.globals.values()), root]
    for text in _texts(content):
        rest = _CLASS.sub(" ", text)
        for run in _LETTERS.findall(rest):
            words = _HUMPS.findall(run) if run.isascii() else [run]
            if any(len(word) >= _SHORTEST_WORD and not _is_own(word, known) for word in words):
                yield Leak("a word that is not one of the pages' own", page.place)
        if re.search(r"\d", rest) and not known.knows(text):
            yield Leak("a number", page.place)


def _is_own(word: str, known: Vocabulary) -> bool:
    lowered = word.casefold()
    return lowered in known.all_words or lowered in _OF_THE_FORM


def _texts(value: Any) -> Iterator[str]:
    """Every text in a piece of the file; of elements their tag only where it is none of HTML's."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        is_element = "tag" in value
        for name, item in value.items():
            if not is_element:
                yield name
            if not (is_element and name == "tag" and item in TAGS):
                yield from _texts(item)


def require_clean(recording: Recording, text: str, seen: TenantWords, known: Vocabulary) -> None:
    """Return when nothing of the tenant's stands in the text; Refused("recording-not-clean") names kinds and places."""
    found = leaks(recording, text, seen, known)
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Refused(
            "recording-not-clean",
            "Something of the tenant's own would stand in the recording; nothing was written.",
            expected="structure alone",
            seen="; ".join(str(leak) for leak in found[:_SHOWN]) + more,
            mender=Mender.DEVELOPER,
        )
