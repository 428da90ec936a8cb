"""Which flows are tried, and when they are not tried again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from playwright.async_api import Page

from agent.errors import Failed, UnknownPage
from flows.generations import CountingGate, Generations

PAGE = cast(Page, None)


class Open:
    """A gate that lets everything pass."""

    async def before(self, page: Page, intent: str, target: object = None) -> None:
        """Asked."""

    async def after(self, page: Page, intent: str) -> None:
        """Told."""


def flow(
    answer: str | Failed, tried: list[str], name: str, gate: CountingGate | None = None
) -> Callable[[], Awaitable[str]]:
    """A flow that notes that it was tried, may ask the gate, and answers or raises."""

    async def run() -> str:
        tried.append(name)
        if gate is not None:
            await gate.before(PAGE, "a write")
        if isinstance(answer, Failed):
            raise answer
        return answer

    return run


def other() -> UnknownPage:
    """The page is of the other generation."""
    return UnknownPage("unknown-generation", "another generation")


async def test_the_generation_that_was_met_is_tried_first_from_then_on() -> None:
    """Detected once, remembered per kind; a kind that is like another begins as that one."""
    generations, tried = Generations(CountingGate(Open())), list[str]()
    calls = flow(other(), tried, "legacy"), flow("new", tried, "mfe")

    assert await generations.as_shown("list", *calls) == "new"
    assert await generations.as_shown("list", *calls) == "new"
    assert await generations.as_shown("person", *calls, like="list") == "new"

    assert tried == ["legacy", "mfe", "mfe", "mfe"]
    assert generations.met == {"list": "mfe", "person": "mfe"}


async def test_nothing_is_tried_again_once_the_gate_was_asked() -> None:
    """It may have been sent."""
    gate, tried = CountingGate(Open()), list[str]()

    with pytest.raises(UnknownPage):
        await Generations(gate).as_shown("list", flow(other(), tried, "legacy", gate), flow("new", tried, "mfe"))

    assert tried == ["legacy"]


async def test_an_address_that_is_gone_leads_back_to_the_legacy_pages() -> None:
    """A company that is switched back has no page any more where the new one was."""
    generations, tried = Generations(CountingGate(Open())), list[str]()
    await generations.as_shown("list", flow(other(), tried, "legacy"), flow("new", tried, "mfe"))

    gone = Failed("not-found", "no such page")
    assert await generations.as_shown("list", flow("old", tried, "legacy"), flow(gone, tried, "mfe")) == "old"
    assert generations.met == {"list": "legacy"}


@pytest.mark.parametrize("second", ["unknown-generation", "unknown-page"])
async def test_a_page_of_neither_generation_is_told_as_such(second: str) -> None:
    """And nothing is remembered of it."""
    generations, tried = Generations(CountingGate(Open())), list[str]()
    calls = flow(other(), tried, "legacy"), flow(UnknownPage(second, "neither"), tried, "mfe")

    with pytest.raises(UnknownPage) as failure:
        await generations.as_shown("list", *calls)

    assert failure.value.code == "unknown-generation"
    assert generations.met == {}


async def test_other_troubles_go_up_as_they_are() -> None:
    """They say nothing about generations."""
    generations, tried = Generations(CountingGate(Open())), list[str]()

    with pytest.raises(Failed, match="slow"):
        await generations.as_shown(
            "list", flow(Failed("page-timeout", "slow"), tried, "legacy"), flow("x", tried, "mfe")
        )

    assert tried == ["legacy"]
