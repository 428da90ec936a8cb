"""The truth behind the Directory in memory: people, history, a clock, and the trouble that is planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.domain.access import Project, Vendor
from agent.domain.person import (
    ChangeRecord,
    Person,
    Sighting,
    TenantFacts,
)
from agent.domain.project import DistributionGroup
from agent.errors import Failed
from agent.execute.resends import Resend

OWN = "svc.agent@example.com"


OTHER = "someone.else@example.com"


START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


HARBOR = Project(id="9001", name="Harbor Bridge", number="24-017")


CLINIC = Project(id="9002", name="Riverside Clinic", number="24-021")


PROJECTS = (HARBOR, CLINIC, *(Project(id=str(9100 + n), name=f"Site {n}", number=f"25-{n:03}") for n in range(8)))


FACTS = TenantFacts(
    own_login=OWN,
    company_templates=("Company Admin", "Field Staff", "Office Staff"),
    project_templates=("Foreman / Superintendent - Internal", "Project Engineer - Internal"),
    projects=PROJECTS,
    company_tools=("Directory", "Reports"),
    add_user_fields=frozenset({"first_name", "last_name", "job_title", "mobile_phone", "is_employee"}),
    required_fields=frozenset({"last_name"}),
)


ENGINEER = "Project Engineer - Internal"


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Fault:
    """What goes wrong at the nth call of an operation."""

    operation: str
    effect: str
    nth: int = 1
    seen: int = 0
    fired: bool = False


@dataclass
class FakeTenant:
    """The truth, its history, and what is wrong with getting at it."""

    people: dict[str, Person] = field(default_factory=dict)
    contacts: list[Sighting] = field(default_factory=list)
    records: list[tuple[str, ChangeRecord]] = field(default_factory=list)
    vendors: tuple[Vendor, ...] = ()
    facts: TenantFacts = FACTS
    clock: FakeClock = field(default_factory=FakeClock)
    sent: list[str] = field(default_factory=list)  # writes that were let through the gate
    applied: list[str] = field(default_factory=list)  # writes that changed something
    loads: list[str] = field(default_factory=list)  # pages read
    outbox: list[str] = field(default_factory=list)
    sign_ins: int = 0
    signed_out: bool = False
    browser_dead: bool = False
    faults: list[Fault] = field(default_factory=list)
    stale_until: float = 0.0
    frozen: dict[str, Person] = field(default_factory=dict)
    pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    failing_projects: set[str] = field(default_factory=set)
    groups: dict[str, DistributionGroup] = field(default_factory=dict)  # by id
    group_by_name_alone: bool = False  # the form of a new group asks for its name only, as the older pages do
    saves_in_parts: bool = False  # a change of a group is a write for each member, a Save one for each kind of thing
    rows_per_page: int | None = None  # of a project's list: people on several pages are not removed together
    roles: dict[tuple[str, str], str] = field(default_factory=dict)  # (user id, project id) -> project role
    notified: list[str] = field(default_factory=list)
    lists_without_ids: bool = False  # a project's list tells user ids only where they are asked for, as newer ones do
    lost_in_bulk: set[str] = field(default_factory=set)  # user ids that a bulk write silently leaves out
    assign_delay: float = 0.0
    on_write: Callable[[str], None] | None = None
    on_read: Callable[[str], None] | None = None
    held: list[str] = field(default_factory=list)
    resends: MemoryRecord = field(default_factory=lambda: MemoryRecord())

    def put(self, person: Person) -> Person:
        """Somebody who is there."""
        self.people[person.user_id] = person
        return person

    def fault(self, operation: str, effect: str, nth: int = 1) -> None:
        """Plan trouble."""
        self.faults.append(Fault(operation, effect, nth))

    def by_email(self, email: str) -> Person | None:
        """The truth about an address."""
        return next((person for person in self.people.values() if person.email.lower() == email.lower()), None)

    def record(self, user_id: str, what: str, before: str, after: str, actor: str = OWN) -> None:
        """A row in the Change History."""
        row = ChangeRecord(
            at=self.clock.now(),
            actor_name=actor.split("@")[0],
            actor_login=actor,
            field=what,
            before=before,
            after=after,
        )
        self.records.append((user_id, row))

    def change_by_other(self, user_id: str, **update: Any) -> None:
        """Somebody else edits the person."""
        self.people[user_id] = self.people[user_id].model_copy(update=update)
        for name, value in update.items():
            self.record(user_id, name, "", str(value), actor=OTHER)

    def freeze(self, seconds: float) -> None:
        """Pages show the present state for so long, whatever is saved meanwhile."""
        self.frozen = dict(self.people)
        self.stale_until = self.clock.seconds + seconds

    def shown(self) -> dict[str, Person]:
        """What pages show."""
        due = [item for item in self.pending if item[0] <= self.clock.seconds]
        for item in due:
            self.pending.remove(item)
            item[1]()
        return self.frozen if self.clock.seconds < self.stale_until else self.people

    def down_after_writes(self, what: str) -> None:
        """As ``on_read``: from the first write on, every page is an error page."""
        if self.sent:
            raise Failed("page-error", "Procore shows an error page.")

    def take(self, operation: str) -> str | None:
        """The effect that is due at this call of the operation."""
        for fault in self.faults:
            if fault.operation == operation and not fault.fired:
                fault.seen += 1
                if fault.seen == fault.nth:
                    fault.fired = True
                    return fault.effect
        return None


class MemoryRecord:
    """Implements :class:`agent.execute.resends.ResendRecord` for the time of a test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Resend] = {}

    def find(self, tenant: str, key: str) -> Resend | None:
        return self.kept.get((tenant, key))

    def begin(self, tenant: str, key: str, at: datetime) -> None:
        if (tenant, key) in self.kept:
            raise Failed("resend-on-record", "Another run is sending this resend, or has sent it.")
        self.kept[(tenant, key)] = Resend(at, certain=False)

    def settle(self, tenant: str, key: str, at: datetime) -> None:
        self.kept[(tenant, key)] = Resend(at, certain=True)

    def withdraw(self, tenant: str, key: str) -> None:
        self.kept.pop((tenant, key), None)
