"""One lane of work: a process with a sandbox and a browser of its own, which runs rows as they come.

Standard input: one JSON object a line, ``{"row": {...}, "actions": [...]}``. Standard output: a line per result, and
``{"end": null}``, or ``{"end": "why"}`` where the row could not be run to its end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fixtures.running import RunningSandbox
from tests.drift.arena import PEOPLE, Arena
from tests.drift.row import Row, run_row, warm_browser

SEED = 7


async def work(arena: Arena, folder: Path) -> None:
    """Run rows until the input ends."""
    number = 0
    async with warm_browser(folder) as browser:
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            row = Row(**{**asked["row"], "only": tuple(asked["row"]["only"])})
            number += 1
            try:
                async for result in run_row(row, asked["actions"], arena, browser, folder / str(number)):
                    _say(result.told())
            except Exception as error:  # told to the other side, which goes on with the next row
                _say({"end": f"{type(error).__name__}: {error}"})
            else:
                _say({"end": None})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Start the sandbox, and work."""
    with tempfile.TemporaryDirectory(prefix="drift-") as name:
        folder = Path(name)
        with RunningSandbox(PEOPLE, SEED, "--no-delays", stderr=folder / "errors") as sandbox:
            asyncio.run(work(Arena(sandbox), folder))


if __name__ == "__main__":
    main()
