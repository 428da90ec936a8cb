"""What a job wishes, as a digest: equal for two jobs that want the same of the same person, whoever asked and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_ABOUT_THE_ASKING = frozenset({"reason", "idempotency_key", "needed_by", "not_after", "tenant"})


def wish_digest(tenant: str, person: str, op: str, args: Mapping[str, Any]) -> str:
    """SHA-256 over tenant, person, action and what of the job's JSON is not about the asking itself."""
    asked = {name: value for name, value in args.items() if name not in _ABOUT_THE_ASKING}
    text = json.dumps([tenant, person, op, asked], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
