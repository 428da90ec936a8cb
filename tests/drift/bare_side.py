"""A row's jobs by the bare script of its generation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser
from playwright.async_api import Error as PlaywrightError

from tests.drift.arena import Arena
from tests.drift.bare.legacy import LegacyScript
from tests.drift.bare.mfe import MfeScript
from tests.drift.bare.script import Script
from tests.drift.cases import COMPANY, Case
from tests.drift.judge import Claim

SCRIPTS: dict[str, type[Script]] = {"legacy": LegacyScript, "mfe": MfeScript}


@dataclass(frozen=True)
class Told:
    """What the one who did a job says of it: the claim, and a short word for the reason."""

    claim: Claim
    why: str = ""
    said: str = ""


class BareSide:
    """One signed-in script."""

    name = "bare"

    def __init__(self, script: Script) -> None:
        self._script = script

    async def run(self, case: Case) -> Told:
        """Carry out a case; whatever stops a script is its end."""
        try:
            await self._script.run(case.action, case.task)
        except (PlaywrightError, AssertionError) as error:
            return Told(Claim.UNSURE, "broke off", " ".join(str(error).split())[:300])
        return Told(Claim.DONE)


@asynccontextmanager
async def bare_side(arena: Arena, browser: Browser, generation: str) -> AsyncIterator[BareSide]:
    """Signed in in a context of its own."""
    company = next(item for item in arena.sandbox.get("/state")["companies"] if str(item["company_id"]) == COMPANY)
    projects = {item["number"]: (str(item["project_id"]), str(item["name"])) for item in company["projects"]}
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        script = SCRIPTS[generation](await context.new_page(), arena.sandbox.app, COMPANY, projects)
        await script.sign_in(arena.sandbox.sign_in, arena.account["email"], arena.account["password"])
        yield BareSide(script)
    finally:
        await context.close()
