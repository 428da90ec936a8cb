"""Selectors that remember which catalogue keys they were made of.

A recorded job can then be looked at again with another catalogue: the same keys, and what they select there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from flows.catalogue import Catalogue
from flows.interface import Use

_WRITTEN = "$at"  # the one member of a selector among the arguments of a reading, as it is written down


class Placed(str):
    """A selector, and the keys it was made of; with two of them, the second inside the first."""

    uses: tuple[Use, ...]

    @classmethod
    def of(cls, catalogue: Catalogue, uses: tuple[Use, ...], *, css: bool) -> Self:
        """The selector of these uses in this catalogue; KeyError as the catalogue raises it.

        ``css``: for the page's own ``querySelector``. Two keys are always plain CSS.
        """
        look_up = catalogue.css if css or len(uses) > 1 else catalogue.selector
        parts = [look_up(use.key, **use.values) for use in uses]
        placed = cls(parts[0] if len(parts) == 1 else " ".join(f":is({part})" for part in parts))
        placed.uses = uses
        return placed

    def within(self, catalogue: Catalogue, key: str, **values: str) -> Self:
        """The places of another key inside this one, as plain CSS."""
        return self.of(catalogue, (*self.uses, Use(key, values)), css=True)


def written(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a reading for a record: a selector as its keys, everything else as it is."""
    return {
        name: {_WRITTEN: [[use.key, dict(use.values)] for use in value.uses]} if isinstance(value, Placed) else value
        for name, value in given.items()
    }


def placed_again(given: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Written arguments with the selectors of this catalogue in them; KeyError for a key it has not."""
    return {
        name: Placed.of(catalogue, tuple(Use(key, values) for key, values in value[_WRITTEN]), css=True)
        if isinstance(value, dict) and _WRITTEN in value
        else value
        for name, value in given.items()
    }
