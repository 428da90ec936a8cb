"""Which files are kept for the shorter time: they take the room, and show more of people than a record needs."""

from __future__ import annotations

from agent.evidence.objects import INDEX

HEAVY = ("trace*.zip", "pictures/*", "readings.jsonl.gz", INDEX, "snapshot.json", "snapshot.csv")
