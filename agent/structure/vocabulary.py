"""What a recording may say in words: the built-in words of the pages, and those that stand in the selector catalogue.

Human texts (labels, headings, tooltips) count as a whole phrase or not at all. Identifiers (ids, hooks, names of
fields, addresses) count word by word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from agent.structure.words import PHRASES, TECHNICAL, VALUES
from flows import Catalogue

_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_TEXT_SELECTOR = re.compile(r":(?:text-is|has-text|text)\(\s*\"([^\"]*)\"")
_NAMED = re.compile(r"role=[a-z]+\[name=\"([^\"]*)\"[is]?\]")
_LABEL = re.compile(r"\[(?:aria-label|placeholder|title|alt)[~|^$*]?=\"([^\"]*)\"")
_PLACEHOLDER = re.compile(r"\{[a-z_]*\}")
_NAME = re.compile(r"[#.]([A-Za-z_][\w-]*)|\[([a-z-]+)")
_RUNS = re.compile(r"[^\W\d_]+|\d+|[\W_]")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_AROUND = re.compile(r"^[\s*:•·×✕⋮…⚙+‹›«»←→↑↓▲▼▾▸▴◂✓✔!?.,()-]+|[\s*:•·×✕⋮…⚙+‹›«»←→↑↓▲▼▾▸▴◂✓✔,-]+$")


def single_spaced(text: str) -> str:
    """The text with one space for each run of white space, none at its ends."""
    return " ".join(text.split())


def bare(text: str) -> str:
    """A phrase for comparison: without case, and without stars, colons and arrows around it."""
    return _AROUND.sub("", single_spaced(text)).casefold()


def steps(text: str) -> Iterator[str]:
    """The words, runs of digits and other characters of an identifier; ``aWord`` is two words, where all is ASCII."""
    for run in _RUNS.findall(text):
        if run.isascii() and run.isalpha():
            yield from _HUMPS.findall(run)
        else:
            yield run


@dataclass(frozen=True)
class Vocabulary:
    """The words of the pages. ``phrases`` are bare; ``{}`` in one is a gap.

    ``values`` are whole values of attributes, such as ``read_only``; ``words`` are what identifiers are made of.
    """

    phrases: frozenset[str]
    words: frozenset[str]
    values: frozenset[str]

    @classmethod
    def of(cls, catalogue: Catalogue | None = None, *, phrases: Iterable[str] = PHRASES) -> Vocabulary:
        """The built-in words and, with a catalogue, those that its selectors, patterns and forms name."""
        known = {bare(phrase) for phrase in phrases}
        words, values = set(TECHNICAL), set(VALUES)
        for text in _named_by(catalogue) if catalogue else ():
            words |= _words(text)
            values.add(text)
        known |= {bare(phrase) for phrase in _said_by(catalogue)} if catalogue else set()
        known.discard("")
        known.discard("{}")
        return cls(frozenset(known), frozenset(words), frozenset(values))

    def knows(self, text: str) -> bool:
        """Whether a human text is, as a whole, one of the pages' own."""
        return bare(text) in self.phrases

    def knows_value(self, value: str) -> bool:
        """Whether a value of an attribute is, as a whole, one of the pages' own."""
        return value in self.values

    def knows_word(self, word: str) -> bool:
        """Whether a word may stand in an identifier."""
        return word.casefold() in self.words

    @cached_property
    def gapped(self) -> tuple[re.Pattern[str], ...]:
        """The phrases with gaps, longest first, each gap a group."""
        with_gaps = sorted((phrase for phrase in self.phrases if "{}" in phrase), key=len, reverse=True)
        return tuple(
            re.compile(re.escape(phrase).replace(re.escape("{}"), r"(\S.*?|\S)"), re.IGNORECASE | re.DOTALL)
            for phrase in with_gaps
        )

    @cached_property
    def standing(self) -> str:
        """All that any recording may hold, in small letters: what stands here tells nothing about a tenant."""
        return "\n".join(sorted(self.phrases | self.words | self.values)).casefold()

    @cached_property
    def all_words(self) -> frozenset[str]:
        """Every single word of it."""
        return self.words | frozenset(word for phrase in self.phrases for word in _words(phrase))


def _said_by(catalogue: Catalogue) -> Iterable[str]:
    """The words in selectors, and those that shapes know for controls, headings and questions."""
    for hook in catalogue.hooks.values():
        for places in (_TEXT_SELECTOR, _NAMED, _LABEL):
            yield from (_PLACEHOLDER.sub("{}", label) for label in places.findall(hook.selector))
    for shape in catalogue.shapes.values():
        yield from (*shape.headings, *shape.headings_gb, *shape.questions, *shape.questions_gb)
        for control in shape.controls.values():
            yield from control.all_words


def _named_by(catalogue: Catalogue) -> Iterable[str]:
    """The ids, names, hooks and addresses in the selectors, and the fields of the forms."""
    for hook in catalogue.hooks.values():
        selector = _NAMED.sub("", _TEXT_SELECTOR.sub("", hook.selector))
        yield from (one or other for one, other in _QUOTED.findall(selector))
        yield from (name or attribute for name, attribute in _NAME.findall(selector))
    for form in catalogue.forms.values():
        yield from form.fields
    for shape in catalogue.shapes.values():
        for control in shape.controls.values():
            yield from (control.name, control.value, control.hook.partition("=")[2])


def _words(text: str) -> set[str]:
    return {step.casefold() for step in steps(_PLACEHOLDER.sub(" ", text)) if step.isalpha()}
