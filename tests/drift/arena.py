"""The sandbox as the harness uses it: a fresh world, who is in it, how it drifts, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fixtures.running import RunningSandbox
from tests.drift.cases import COMPANY, Case
from tests.drift.truth import Truth, truth_of

ACCOUNT = "svc.provisioning@example.com"
GENERATIONS = ("legacy", "mfe")
PEOPLE = 40
OPTIONS: Mapping[str, Any] = {
    "mfa": "off",
    "companies": 2,  # foreign people can then be written to, as they could be in real life
    "assignment_delay": 0.0,
    "bulk_invite_delay": 0.0,
    "select_delay": 0.0,
    "dialog_linger": 0.0,
    "mfe_delay": 0.0,
}


@dataclass(frozen=True)
class Met:
    """What the pages of one job bore: mutations, and the dangerous ones among them."""

    mutations: tuple[str, ...]
    dangerous: tuple[str, ...]


class Arena:
    """One sandbox process of ours."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self._events = 0

    @property
    def account(self) -> Mapping[str, Any]:
        """The service account: address and password."""
        known: list[dict[str, Any]] = self.sandbox.get("/credentials")
        return next(item for item in known if item["email"] == ACCOUNT)

    def prepare(self, generation: str, drift: Mapping[str, Any] | None) -> None:
        """A fresh world with pages of this generation that drift so."""
        directories = {"company_directory": generation, "project_directory": generation}
        self.sandbox.post("/reset", {"options": {**OPTIONS, **directories}})
        self.drift(drift)

    def drift(self, setting: Mapping[str, Any] | None) -> None:
        """Other pages from here on."""
        self.sandbox.post("/options", {"drift": setting})

    def active(self) -> tuple[str, ...]:
        """The mutations in force."""
        return tuple(mutation["name"] for mutation in self.sandbox.get("/drift")["active"])

    def start(self, case: Case) -> None:
        """The case's people, at both companies; what drift did before is forgotten."""
        companies = [item["company_id"] for item in self.sandbox.get("/state")["companies"]]
        abroad = [
            {
                **person,
                "values": {key: value for key, value in person["values"].items() if not key.endswith("_template")},
                "memberships": {},
            }
            for person in case.people
        ]
        for company in companies:
            here = str(company) == COMPANY
            self.sandbox.post(f"/people?company={company}", list(case.people) if here else abroad)
        self.sandbox.delete("/drift")
        self._events = len(self.sandbox.get("/events"))

    def truth(self) -> Truth:
        """Everything, as it is now."""
        return truth_of(self.sandbox.get("/state"))

    def touched(self) -> list[str]:
        """The addresses that changes and mails since :meth:`start` were about."""
        return sorted({_whose(event) for event in self.sandbox.get("/events")[self._events :]})

    def met(self) -> Met:
        """What the pages since :meth:`start` bore."""
        told = self.sandbox.get("/drift")
        dangerous = {mutation["name"] for mutation in told["registry"] if mutation["dangerous"]}
        return Met(tuple(told["met"]), tuple(sorted(dangerous.intersection(told["met"]))))


def _whose(event: Mapping[str, Any]) -> str:
    elsewhere = "" if str(event["company_id"]) == COMPANY else f" (company {event['company_id']})"
    return f"{event['email']}{elsewhere}"
