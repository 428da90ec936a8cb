"""What on a recorded page looks most like the thing that a selector did not find."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.structure.recording import Node, Page
from agent.structure.vocabulary import steps

_CLASS = re.compile(r"<[^<>]*>")
_LEAST = 0.3  # of the selector's words
_MOST = 3
_SHOWN = ("id", "name", "type", "role", "aria-label", "data-qa", "data-pendo", "href", "action", "value", "for")
_LONGEST_TEXT = 40


def nearest(selector: str, pages: Sequence[Page]) -> list[str]:
    """Up to three elements of these pages that share most words with the selector, the likeliest first."""
    wanted = _words(selector)
    if not wanted:
        return []
    ranked: dict[str, float] = {}
    for page in pages:
        for element in page.root.elements():
            words = _words(" ".join([element.tag, *element.at.keys(), *element.at.values(), _text(element)]))
            shared = len(wanted & words) / len(wanted)
            if shared >= _LEAST:
                score = shared - len(words - wanted) / 1000  # of two equal ones the plainer
                shown = described(element)
                ranked[shown] = max(score, ranked.get(shown, 0.0))
    return sorted(ranked, key=lambda shown: -ranked[shown])[:_MOST]


def described(element: Node) -> str:
    """An element on one line: tag, what can tell it, its text."""
    known = [name for name in _SHOWN if name in element.at]
    known += [name for name in element.at if name not in known and name != "class"][:4]
    attributes = "".join(f' {name}="{element.at[name]}"' for name in known)
    text = _text(element)
    return f"<{element.tag}{attributes}>{' ' + text if text else ''}"


def _text(element: Node) -> str:
    text = " ".join(child for child in element.inner if isinstance(child, str))
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _words(text: str) -> set[str]:
    return {step.casefold() for step in steps(_CLASS.sub(" ", text)) if step.isalpha()}
