"""The whole world as flat facts, so that two looks at it can be compared: what changed, of whom, from what to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = str | int | bool | None
DERIVED = ("levels", "is_company_admin", "name", "company", "history", "created_at", "updated_at", "last_login_at")
"""What follows from other fields, or changes by being looked at."""
NO_TEMPLATE = "(no template)"
MEMBER_OF = "project {}".format
MEMBER = "member {}".format


class Fact(NamedTuple):
    """Where something stands. ``record`` tells the kind and the id: an address may change, an id does not."""

    company: str
    record: str
    field: str


@dataclass(frozen=True)
class Truth:
    """One look at everything: the facts, whose they are, and how many mails each address has had."""

    facts: Mapping[Fact, Value]
    addresses: Mapping[tuple[str, str], str]  # (company, record) -> a person's address, or a group's name
    mails: Counter[str]
    waiting: int  # changes and mails that are queued still

    def owner(self, fact: Fact) -> str:
        """The address of the person, or the name of the group, that a fact is about; else the record."""
        return self.addresses.get((fact.company, fact.record), fact.record)


@dataclass(frozen=True)
class Difference:
    """One fact that is another one now. ``None`` means that it was not there, or is not any more."""

    fact: Fact
    before: Value
    after: Value


def truth_of(state: Mapping[str, Any]) -> Truth:
    """The control plane's ``GET /state`` as facts."""
    facts: dict[Fact, Value] = {}
    addresses: dict[tuple[str, str], str] = {}
    for company in state["companies"]:
        name = str(company["company_id"])
        for kind, key in (("users", "user_id"), ("contacts", "person_id")):
            for person in company[kind]:
                record = f"{kind} {person[key]}"
                addresses[(name, record)] = person["email_address"]
                facts.update((Fact(name, record, field), value) for field, value in _person(person))
        for group in company["groups"]:
            record = f"groups {group['group_id']}"
            addresses[(name, record)] = group["name"]
            facts.update((Fact(name, record, field), value) for field, value in _group(group, company))
        for kind, key in (("vendors", "vendor_id"), ("projects", "project_id"), ("templates", "template_id")):
            for thing in company[kind]:
                facts.update((Fact(name, f"{kind} {thing[key]}", field), value) for field, value in _plain(thing))
    waiting = len(state["pending_assignments"]) + int(state["pending_invites"])
    return Truth(facts, addresses, Counter(mail["to"] for mail in state["outbox"]), waiting)


def differences(before: Truth, after: Truth) -> list[Difference]:
    """Every fact that is not as it was."""
    keys = sorted(before.facts.keys() | after.facts.keys())
    return [
        Difference(key, before.facts.get(key), after.facts.get(key))
        for key in keys
        if before.facts.get(key) != after.facts.get(key)
    ]


def _person(person: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for field, value in _plain({key: value for key, value in person.items() if key not in DERIVED}):
        if field == "welcome_email_sent_at":
            yield "invited", value is not None
        elif not field.startswith("memberships"):
            yield field, value
    for place in person.get("memberships", ()):
        yield MEMBER_OF(place["number"]), place["template"] or NO_TEMPLATE
        if place.get("role"):
            yield f"{MEMBER_OF(place['number'])} role", place["role"]


def _group(group: Mapping[str, Any], company: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """A group with the addresses of its members, and the number of its project."""
    emails = {person["user_id"]: person["email_address"] for person in company["users"]}
    numbers = {project["project_id"]: project["number"] for project in company["projects"]}
    yield from (("name", group["name"]), ("description", group["description"]))
    yield "project", numbers.get(group["project_id"])
    yield from ((MEMBER(emails[user_id]), True) for user_id in group["user_ids"])


def _plain(thing: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Fields with one value; mappings and lists a fact for each of theirs."""
    for field, value in thing.items():
        if isinstance(value, Mapping):
            yield from ((f"{field} {key}", item) for key, item in value.items())
        elif isinstance(value, list | tuple):
            yield from ((f"{field} {item}", True) for item in value)
        else:
            yield field, value
