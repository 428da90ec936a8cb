"""Selectors of the catalogue, made fit for a recording, in which there are no numbers and no names."""

from __future__ import annotations

import re

from agent.structure.shapes import digits_hidden

_BLANK = re.compile(r"\{[a-z_]+\}")
_SPOKEN = re.compile(r":(?:text-is|has-text|text)\(\s*\"[^\"]*\{[a-z_]+\}[^\"]*\"\s*\)")
_NAMED = re.compile(r"(role=[a-z]+)\[name=\"[^\"]*\{[a-z_]+\}[^\"]*\"[is]?\]")
_ROLE = re.compile(r"\brole=[a-z]+")
_CONDITION = re.compile(r"\[([A-Za-z-]+)([~|^$*]?)=\"([^\"]*)\"( ?[is])?\]")


def widened(selector: str) -> str:
    """The selector with every blank as "anything", and with ``#`` in the place of digits."""
    anything = _CONDITION.sub(_condition, _NAMED.sub(r"\1", _SPOKEN.sub("", selector)))
    return _ROLE.sub(r"\g<0>[include-hidden=true]", anything)  # menus and bars are there before they show


def has_blanks(selector: str) -> bool:
    """Whether a selector stands for many: each value leads to another element."""
    return _BLANK.search(selector) is not None


def _condition(found: re.Match[str]) -> str:
    name, how, value, caseless = found.groups()
    value = digits_hidden(value)
    caseless = caseless or ""
    if not _BLANK.search(value):
        return f'[{name}{how}="{value}"{caseless}]'
    head, *_, tail = _BLANK.split(value)
    begins = "^" if how in {"", "^"} else "*"
    ends = "$" if how in {"", "$"} else "*"
    conditions = [f'[{name}{begins}="{head}"{caseless}]'] if head else []
    conditions += [f'[{name}{ends}="{tail}"{caseless}]'] if tail else []
    return "".join(conditions) or f"[{name}]"
