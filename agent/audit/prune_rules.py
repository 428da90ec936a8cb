"""Whether an entry about removed files excuses what is missing: a signature alone is not enough.

Somebody who can write to the disk can append an entry, and the agent's next signature covers it. So an entry about a
removal has to be one that retention could have made: the list of files that was sealed, for a whole folder; heavy
files only, else; and neither before the time that its own rule names.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from agent.audit.entries import Entry, Pruned, Sealed
from agent.evidence.heavy import HEAVY
from agent.evidence.manifest import MANIFEST

_RULE = re.compile(r"evidence\.(heavy_days|records_years)=([0-9.e+-]+)")
_DAYS = {"heavy_days": 1.0, "records_years": 365.25}
_ROUNDING = 1e-5  # a rule is written with six digits
_A_MOMENT = timedelta(seconds=1)


def is_whole(pruned: Pruned) -> bool:
    """Whether the folder itself goes: then the list of its files is among what is removed."""
    return any(file.path == MANIFEST for file in pruned.files)


def why_not(entry: Entry, pruned: Pruned, sealed: Sealed) -> str:
    """Why retention cannot have made this entry about that run, as a half sentence; empty when it can have."""
    found = _RULE.fullmatch(pruned.policy)
    try:
        kept = timedelta(days=float(found[2]) * _DAYS[found[1]] * (1 - _ROUNDING)) if found else None
    except (ValueError, OverflowError):
        kept = None
    if found is None or kept is None:
        return f"names no rule of retention: {pruned.policy}"
    if entry.time - datetime.fromisoformat(sealed.ended) < kept - _A_MOMENT:
        return f"was made at {entry.at}, before the time of its own rule ({pruned.policy}) was over"
    if not is_whole(pruned):
        light = [file.path for file in pruned.files if not any(fnmatchcase(file.path, rule) for rule in HEAVY)]
        return f"names a file that this rule does not remove: {light[0]}" if light else ""
    if found[1] != "records_years":
        return f"removes a whole folder by a rule for heavy files ({pruned.policy})"
    if all(file.sha256 != sealed.manifest_sha256 for file in pruned.files if file.path == MANIFEST):
        return "names another list of files than the sealed one"
    return ""
