"""A person before and after, field by field, in words an auditor reads."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain.access import CompanyAccess, Vendor
from agent.domain.attributes import ATTRIBUTES
from agent.domain.person import Person
from agent.plan.difference import attribute_text, yes_no

ABSENT = "–"


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    what: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


def compare(before: Person | None, after: Person | None) -> list[Row]:
    """Every field that has a value on either side, the changed ones first; access, then projects, then the rest.

    A person who did not exist is shown by dashes.
    """
    one, other = _words(before), _words(after)
    names = list(dict.fromkeys([*one, *other]))
    order = {name: number for number, name in enumerate([*_HEAD, *_projects(before, after), *_LABELS])}
    names.sort(key=lambda name: order.get(name, len(order)))
    rows = [Row(name, one.get(name, ABSENT), other.get(name, ABSENT)) for name in names]
    return sorted(rows, key=lambda row: not row.changed)


_HEAD = (
    "Status",
    "Email Address",
    "Company",
    "Company permissions",
    "Default project template",
    "Add to all new projects",
    "Invitation sent",
    "Account locked",
)
_LABELS = tuple(attribute.label for attribute in ATTRIBUTES)


def _projects(*people: Person | None) -> list[str]:
    found = {_project(item.project.label) for person in people if person for item in person.memberships}
    return sorted(found)


def _project(label: str) -> str:
    return f"Project {label}"


def _company(vendor: Vendor | None) -> str:
    return f"{vendor.name} (id {vendor.id})" if vendor and vendor.id else "none"


def _access(access: CompanyAccess) -> str:
    levels = [f"{tool} {level.label}" for tool, level in access.levels.items() if level]
    return access.template or ", ".join(levels) or "none"


def _words(person: Person | None) -> dict[str, str]:
    if person is None:
        return {"Status": "no user with this address"}
    words = {
        "Status": "Active" if person.active else "Inactive",
        "Email Address": person.email,
        "Company": _company(person.company),
        "Company permissions": _access(person.company_access),
        "Default project template": person.default_project_template or "none",
        "Add to all new projects": yes_no(person.add_to_new_projects),
    }
    if person.invited is not None:
        words["Invitation sent"] = yes_no(person.invited)
    if person.locked:
        words["Account locked"] = "Yes"
    for item in person.memberships:
        words[_project(item.project.label)] = item.template or "member without a template"
    for attribute in ATTRIBUTES:
        text = person.attributes.get(attribute.name, "")
        if text:
            words[attribute.label] = attribute_text(attribute.name, text)
    return words
