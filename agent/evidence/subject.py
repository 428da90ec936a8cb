"""Whom or what a job is about, as the ledger and ``request.json`` write it, in words."""

from __future__ import annotations

from agent.domain.names import normal_email

#: Actions about many people; what they are about stands in the ledger as ``project:24-017`` or ``group:site safety``.
MANY = frozenset({"bulk_add_to_project", "bulk_remove_from_project", "distribution_group"})
_KINDS = {"project:": "project ", "group:": "the distribution group "}


def subject_words(person: str) -> str:
    """An address as it is; ``project 24-017`` for ``project:24-017``, and the whole Directory for a snapshot."""
    if normal_email(person) in {"", "*"}:
        return "the whole Directory"
    kind = next((prefix for prefix in _KINDS if person.startswith(prefix)), "")
    return _KINDS.get(kind, "") + person.removeprefix(kind)
