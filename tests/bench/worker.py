"""One variant in a process of its own: `python -m tests.bench.worker VARIANT`, JSON lines in and out.

The first line is the set-up (addresses, account, folder); each further line is a person to provision. The browser
and the session stay warm in between, so that what is measured is the flow.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, Protocol

from tests.bench.agent_job import AgentJob
from tests.bench.evidence_job import AgentKeepingRaw
from tests.bench.parts import without_guard, without_pages, without_pictures
from tests.bench.raw_http import RawHttp
from tests.bench.scripts import BareScript, CarelessScript
from tests.bench.snapshots import AgentSnapshot, BareSnapshot


class Variant(Protocol):
    """A way to get the same person into the Directory."""

    async def open(self, setup: dict[str, Any]) -> None:
        """Start and sign in."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        """One flow; what it says (loads, bytes) goes into the table."""

    async def close(self) -> None:
        """End everything that was started."""


VARIANTS: dict[str, Callable[[], Variant]] = {
    "agent": AgentJob,
    "agent keeping raw": AgentKeepingRaw,
    "agent without guard": without_guard,
    "agent without pages": without_pages,
    "agent without pictures": without_pictures,
    "bare": BareScript,
    "careless": CarelessScript,
    "http": RawHttp,
    "agent snapshot": AgentSnapshot,
    "bare snapshot": BareSnapshot,
}


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def main(variant: Variant) -> None:
    lines = iter(sys.stdin.readline, "")
    try:
        await variant.open(json.loads(next(lines)))
        say({"ready": True})
        while line := await asyncio.to_thread(next, lines, ""):
            say(await variant.run(json.loads(line)))
    except Exception as error:  # the parent prints it and stops
        say({"error": f"{type(error).__name__}: {error}"})
    finally:
        await variant.close()


if __name__ == "__main__":
    asyncio.run(main(VARIANTS[sys.argv[1]]()))
