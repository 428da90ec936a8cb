"""What every step of a plan says of itself: its title, what it does to access, and how it is undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pydantic import model_serializer

from agent.domain.access import Frozen


class Direction(StrEnum):
    """What a step does to the person's access; in a plan nothing that reduces comes after something that grants."""

    REDUCE = "reduce"  #: gives nothing, takes something
    NEUTRAL = "neutral"  #: replaces, or does not touch access
    GRANT = "grant"  #: gives something, takes nothing


def direction_of_template(before: str | None, after: str | None) -> Direction:
    """What another template on a project does; what templates contain is not shown, so one for another is neutral."""
    if after is None:
        return Direction.REDUCE
    return Direction.GRANT if before is None else Direction.NEUTRAL


class StepBase(Frozen, ABC):
    """One write. Dumped with its title, direction and inverse, since evidence is read by people."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The step in words for people."""

    @property
    @abstractmethod
    def direction(self) -> Direction:
        """What it does to the person's access."""

    @property
    @abstractmethod
    def inverse(self) -> str:
        """How a person would undo it, or why that is impossible ("cannot be undone: ...")."""

    @model_serializer(mode="wrap")
    def _with_words(self, dump: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        words = {"title": self.title, "direction": self.direction.value, "inverse": self.inverse}
        return {**dump(self), **words}
