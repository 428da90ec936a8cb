"""Reading a whole Directory: the agent's snapshot job beside a script that only fetches the same pages."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from tests.bench.agent_job import AgentWorkplace
from tests.bench.scripts import Script


class AgentSnapshot(AgentWorkplace):
    """The snapshot job: rows read and counted, JSON and CSV written, evidence kept."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        return await self.job({"action": "snapshot"})


class BareSnapshot(Script):
    """Loads every page of the four lists in the same browser, one after another, and looks at nothing but the pager."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        for listing in ("users", "inactive_users", "reference_users", "inactive_reference_users"):
            number, last = 0, False
            while not last:
                number += 1
                query = urlencode({"page": number, "per_page": 150, "search": "", "group_by": "", "sort": "name"})
                await self.page.goto(f"{self.directory}/groups/{listing}?{query}", wait_until="domcontentloaded")
                text = await self.page.locator("#root").text_content() or ""
                said = re.search(r"Displaying \d+ - (\d+) of (\d+)", text)
                last = said is None or said.group(1) == said.group(2)
        return {}
