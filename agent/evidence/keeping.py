"""How evidence is kept, as the settings say: whom it shows, and where goes what must not be in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.evidence.folder import EvidenceFolder
from agent.evidence.private import Bystanders, PeopleHooks
from agent.evidence.quarantine import Quarantine

_TEXTS = frozenset({".json", ".jsonl", ".csv"})
_ADDRESSES = frozenset({"email", "new_email", "requested_by", "approved_by", "service_account", "login"})


@dataclass(frozen=True)
class Keeping:
    """``quarantine`` None: what holds a secret is deleted. ``people`` None: everybody is shown."""

    quarantine: Quarantine | None = None
    people: PeopleHooks | None = field(default=None)

    def bystanders_of(self, request: Mapping[str, Any]) -> Bystanders | None:
        """All people the job of this ``request.json`` is not about; None where nobody is masked.

        A snapshot is about everybody, so nobody is masked in it.
        """
        job = request.get("job")
        if self.people is None or (isinstance(job, Mapping) and job.get("action") == "snapshot"):
            return None
        bystanders = Bystanders(self.people)
        bystanders.allow(_addresses(request))
        if isinstance(job, Mapping):
            bystanders.keep(_own_texts(job.get("person")))
        return bystanders


def keep_person(bystanders: Bystanders, person: Any) -> None:
    """The subject as it was read: addresses, names and numbers that are its own."""
    bystanders.allow(_addresses(person))
    bystanders.keep(_own_texts(person))


def keep_people(bystanders: Bystanders, roster: Any) -> None:
    """The same for the many whom a job is about; a project's other members are not in this roster."""
    if isinstance(roster, Mapping):
        members = roster.get("members")
        for member in members if isinstance(members, list | tuple) else ():
            if isinstance(member, Mapping):
                bystanders.keep([str(member.get("name") or "")])


def mask_again(folder: EvidenceFolder, bystanders: Bystanders) -> None:
    """Mask in files written earlier what was learned of others later."""
    for path in folder.files():
        if path.suffix in _TEXTS and not path.is_symlink():
            text = path.read_text("utf-8", "replace")
            masked = bystanders.text(text)
            if masked != text:
                folder.write_text(path.relative_to(folder.path).as_posix(), masked)


def _addresses(value: Any) -> Iterator[str]:
    """Addresses that the job itself names."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str) and key in _ADDRESSES:
                yield item
            yield from _addresses(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _addresses(item)


def _own_texts(person: Any) -> Iterator[str]:
    """Names and numbers of a person, the full name in both orders."""
    if not isinstance(person, Mapping):
        return
    attributes = person.get("attributes")
    if isinstance(attributes, Mapping):
        first, last = str(attributes.get("first_name") or ""), str(attributes.get("last_name") or "")
        yield from (f"{first} {last}".strip(), f"{last}, {first}".strip(" ,"))
        yield from (str(value) for value in attributes.values() if value)
