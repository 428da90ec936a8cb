"""A job as it was, about somebody who does not exist, in the names of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EMAIL = "debug.person@example.com"
PEOPLE = {
    "first_name": "Debug",
    "last_name": "Person",
    "initials": "DP",
    "job_title": "Site Engineer",
    "address": "1 Example Street",
    "city": "Denver",
    "zip": "80202",
    "business_phone": "+1 303 555 0100",
    "business_phone_extension": "10",
    "mobile_phone": "+1 303 555 0101",
    "fax_number": "+1 303 555 0102",
    "notes": "invented",
    "employee_id": "E-0001",
}
_REASON = {"ticket": "DEBUG-1", "requested_by": "debug@example.com", "approved_by": "debug.approver@example.com"}
#: What the sandbox has (docs/reference/sandbox.md); the first ones are taken first.
COMPANY_TEMPLATES = ("Field Staff", "Project Manager", "Read Only", "Accounting")
ADMIN_TEMPLATE = "Company Admin"
PROJECT_TEMPLATES = (
    "Project Engineer - Internal",
    "Foreman / Superintendent - Internal",
    "Project Manager - Internal",
    "Read Only - Internal",
    "Subcontractor - External",
    "Owner/Client - External",
)
COMPANIES = ("Harborlight Builders",)
_PROJECTS = 40
_NONE = "none"
_PROJECT_KEYS = frozenset({"project", "projects", "remove"})
_TEMPLATE_KEYS = frozenset({"template", "default_project_template"})


class Inventing:
    """Gives each real name one of the sandbox's, the same one each time; names that the sandbox has stay."""

    def __init__(self, *seen: Any) -> None:
        """``seen`` is all in which names of the sandbox may stand already: those are given to no other name."""
        self._kept = set(_texts(seen))
        self._given: dict[tuple[str, str], str] = {}
        self.shared: list[str] = []  # real names for which several had to share one of the sandbox's

    def job(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job about the invented person."""
        changed: dict[str, Any] = self._value("", dict(job))
        changed.pop("tenant", None)
        changed["idempotency_key"] = "debug-1"
        changed["reason"] = {name: value for name, value in _REASON.items() if name in job.get("reason", {})} or _REASON
        return changed

    def _value(self, key: str, value: Any, within: str = "") -> Any:
        if key == "company" and isinstance(value, dict):
            return self.company(str(value.get("name", "")))
        if key in _PROJECT_KEYS and isinstance(value, dict) and set(value) == {"id"}:
            return self.project(str(value["id"]))
        if isinstance(value, dict):
            return {name: self._value(name, item, key) for name, item in value.items() if name != "id"}
        if isinstance(value, list):
            return [self._value(key, item, within) for item in value]
        if not isinstance(value, str) or value == _NONE:
            return value
        if key in {"email", "new_email"}:
            return self.address(value) if key == "email" else f"new.{EMAIL}"
        if "@" in value:
            return "debug.other@example.com"
        if key in PEOPLE:
            return PEOPLE[key]
        if key in _TEMPLATE_KEYS:
            return self.company_template(value) if within == "company_access" else self.project_template(value)
        if key in _PROJECT_KEYS:
            return self.project(value)
        if key == "company":
            return self.company(value)
        return value

    def address(self, email: str) -> str:
        """An address of the invented person; each further address in a job about many people is one of its own."""
        met = [real for kind, real in self._given if kind == "address"]
        number = len(met) + 1 if email.casefold() not in met else met.index(email.casefold()) + 1
        self._given[("address", email.casefold())] = EMAIL if number == 1 else EMAIL.replace("@", f"{number}@")
        return self._given[("address", email.casefold())]

    def company_template(self, name: str) -> str:
        """A company permission template; an administrators' one stays one, since policy looks at that."""
        if "admin" in name.casefold():
            return ADMIN_TEMPLATE
        return self._named("company template", name, COMPANY_TEMPLATES)

    def project_template(self, name: str) -> str:
        """A project permission template."""
        return self._named("project template", name, PROJECT_TEMPLATES)

    def project(self, name: str) -> str:
        """A project, by its number."""
        return self._named("project", name, tuple(f"24-{number:03}" for number in range(1, _PROJECTS + 1)))

    def company(self, name: str) -> str:
        """A company of the Directory."""
        return self._named("company", name, COMPANIES)

    def _named(self, kind: str, name: str, offered: tuple[str, ...]) -> str:
        if name in offered:
            return name
        known = self._given.get((kind, name))
        if known is None:
            taken = {given for (other, _), given in self._given.items() if other == kind}
            free = [other for other in offered if other not in taken | self._kept]
            if not free:
                self.shared.append(name)
            known = self._given[(kind, name)] = free[0] if free else offered[0]
        return known


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
