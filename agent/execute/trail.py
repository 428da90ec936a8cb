"""What the runs of one job have sent, so that a later run knows what a dead one left under way.

A process may die between a save and its answer. The page may not show that save for a while, so the next run must not
plan from the first look: it goes by the trail (see :mod:`agent.execute.recovery`). Times are the tenant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from agent.domain.access import Frozen
from agent.errors import Failed, Mender
from agent.plan.steps import Step

_WORDS = frozenset({"title", "direction", "inverse"})  # a dumped step carries them for people


class SentStep(Frozen):
    """One step whose write left, or was about to. Of several, the next leaves only once the one before is saved."""

    step: Step
    #: "under way": nobody has said yet what became of it; "saved": answered as saved, or seen
    state: Literal["under way", "saved"]
    at: datetime  # right before it left, or the last of them
    writes: int = 1  # how many left

    @field_validator("step", mode="before")
    @classmethod
    def _without_words(cls, value: Any) -> Any:
        return {key: item for key, item in value.items() if key not in _WORDS} if isinstance(value, Mapping) else value


class Trail(Frozen):
    """The writes of a job, over all its runs, in order."""

    began: datetime | None = None  # when the run began that sent the first of them
    user_id: str | None = None
    sent: tuple[SentStep, ...] = Field(default=())

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Trail:
        """From :meth:`data`; nothing for an empty mapping. Failed("trail-unreadable") for what cannot be read."""
        if not data:
            return cls()
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise Failed(
                "trail-unreadable",
                "The record of what an earlier run of this job sent cannot be read, so nothing is sent.",
                expected="a record as this version of the agent keeps it",
                seen=f"{error.error_count()} problems, the first at {error.errors()[0]['loc']}",
                mender=Mender.DEVELOPER,
            ) from error

    def data(self) -> dict[str, Any]:
        """As JSON values."""
        return self.model_dump(mode="json")

    @property
    def under_way(self) -> SentStep | None:
        """The write of which nobody has said what became of it."""
        return next((sent for sent in self.sent if sent.state == "under way"), None)

    def sending(self, step: Step, user_id: str | None, at: datetime, began: datetime) -> Trail:
        """With a write that is about to leave; the step stands there once, however many writes it takes."""
        now = self.under_way
        if now is not None and now.step == step:
            before, writes = self.not_sent().sent, now.writes + 1
        else:
            before, writes = self.sent, 1
        return Trail(
            began=self.began or began,
            user_id=user_id or self.user_id,
            sent=(*before, SentStep(step=step, state="under way", at=at, writes=writes)),
        )

    def saved(self) -> Trail:
        """The write under way is saved."""
        kept = tuple(sent.model_copy(update={"state": "saved"}) for sent in self.sent)
        return self.model_copy(update={"sent": kept})

    def not_sent(self) -> Trail:
        """The write under way did not happen, for certain."""
        return self.model_copy(update={"sent": tuple(sent for sent in self.sent if sent.state == "saved")})

    def in_part(self, part: Step | None) -> Trail:
        """Only this part of the step under way is saved, for certain."""
        now = self.under_way
        if now is None or part is None:
            return self.not_sent()
        saved = now.model_copy(update={"step": part, "state": "saved"})
        return self.model_copy(update={"sent": (*self.not_sent().sent, saved)})
