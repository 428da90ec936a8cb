"""A job of twenty writes, whose unredacted recording is kept for measuring."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agent.evidence import job_recordings
from agent.evidence.tracing import discard
from fixtures.running import ROOT
from tests.bench.agent_job import AgentJob


class AgentKeepingRaw(AgentJob):
    """The agent's job; says where the recording lies as the browser made it."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        kept: list[str] = []

        def keep(traces: Path, name: str) -> None:
            for raw in traces.glob(f"{name}.raw.zip"):
                target = ROOT / "var" / "bench" / "raw" / raw.name
                target.parent.mkdir(parents=True, exist_ok=True)
                kept.append(str(shutil.copy(raw, target)))
            discard(traces, name)

        with patch.object(job_recordings, "discard", keep):
            return {**await super().run(person), "raw": kept[0] if kept else ""}
