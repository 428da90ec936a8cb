"""A Directory in memory, mutable in mid-test, that can lose answers, lag, sign out and be changed by others.

::

    tenant = FakeTenant()
    tenant.put(person("ana@example.com"))
    tenant.fault("save_user", "lose the answer")            # the 1st save is applied, its answer never comes
    outcome = await run(job, tenant)
    assert tenant.sent == [...]                             # every write that left, in order
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from agent.domain.access import CompanyAccess, Membership, Project, Vendor
from agent.domain.person import (
    Capabilities,
    ChangeRecord,
    Correlation,
    Fingerprint,
    Listing,
    NewUser,
    Person,
    Sighting,
    TenantFacts,
    UserChange,
)
from agent.errors import AnswerLost, Failed, SaveRejected, SignedOut, UnknownPage
from agent.execute.events import Event, JobEnded
from agent.execute.gate import GateRelay
from agent.execute.outcome import Outcome
from agent.execute.pace import Limits
from agent.execute.resends import Resend
from agent.execute.run import Orders, run_job
from agent.jobs.model import ANY_JOB, Job
from agent.policy.rules import PolicyRules

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


class FakeDirectory:
    """Implements :class:`flows.Directory` on a FakeTenant."""

    def __init__(self, tenant: FakeTenant, gate: GateRelay) -> None:
        self.tenant = tenant
        self.gate = gate

    async def fingerprint(self) -> Fingerprint:
        self._reading("fingerprint")
        return Fingerprint(
            generation="legacy",
            locale="en-US",
            company_id="562949953421312",
            company_name="Sandbox Builders",
            signed_in_as=OWN,
            capabilities=Capabilities(
                can_edit_users=True, can_invite=True, can_inactivate=True, can_see_inactive=True, can_see_templates=True
            ),
            catalogue="0" * 64,
        )

    async def server_time(self) -> datetime:
        return self.tenant.clock.now()

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        self._reading("facts")
        return self.tenant.facts

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        self._reading("find")
        shown = [_sighting(person) for person in self.tenant.shown().values()] + self.tenant.contacts
        near = [hit for hit in shown if full_name and hit.name == full_name and hit.email.lower() != email.lower()]
        return Correlation(matches=tuple(hit for hit in shown if hit.email.lower() == email.lower()), near=tuple(near))

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        self._reading("find_vendors")
        return tuple(vendor for vendor in self.tenant.vendors if vendor.name == name)

    async def read_person(self, user_id: str) -> Person:
        self._reading("read_person")
        person = self.tenant.shown().get(user_id)
        if person is None:
            raise UnknownPage("unknown-page", "No such user page.")
        return person.model_copy(update={"invited": None})

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        self._reading("history")
        return tuple(row for owner, row in self.tenant.records if owner == user_id and row.at >= since)

    async def list_people(
        self, listing: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        self._reading("list_people")
        shown = [_sighting(person) for person in self.tenant.shown().values()] + self.tenant.contacts
        return [hit for hit in shown if hit.listing is listing]

    async def create_user(self, new: NewUser) -> str:
        user_id = str(7_000_000 + len(self.tenant.people))

        def do() -> None:
            if self.tenant.by_email(new.email) is not None:
                raise SaveRejected("save-rejected", "Procore refused the save.", seen="Email is taken, sort of")
            self.tenant.put(
                Person(
                    user_id=user_id,
                    email=new.email,
                    active=True,
                    attributes=dict(new.attributes),
                    company=new.company,
                    company_access=CompanyAccess(template=new.company_template),
                    default_project_template=new.default_project_template,
                    invited=False,
                )
            )
            self.tenant.record(user_id, "Created", "", "")

        await self._write("create_user", f"create {new.email}", do)
        return user_id

    async def save_user(self, user_id: str, change: UserChange) -> None:
        def do() -> None:
            person = self.tenant.people[user_id]
            update: dict[str, Any] = {"attributes": {**person.attributes, **change.attributes}}
            for name, value in change.attributes.items():
                label = {"job_title": "Job Title", "first_name": "First Name", "last_name": "Last Name"}.get(name, name)
                self.tenant.record(user_id, label, person.attributes.get(name, ""), value)
            if change.email is not None:
                update["email"] = change.email
                self.tenant.record(user_id, "Email Address", person.email, change.email)
            if change.company_access is not None:
                update["company_access"] = change.company_access
                before, after = person.company_access.template or "", change.company_access.template or ""
                self.tenant.record(user_id, "Company Permissions Template", before, after)
            if change.default_project_template is not None:
                before = person.default_project_template or ""
                update["default_project_template"] = change.default_project_template or None
                self.tenant.record(user_id, "Default Permission Template", before, change.default_project_template)
            if change.add_to_new_projects is not None:
                update["add_to_new_projects"] = change.add_to_new_projects
                words = {True: "Yes", False: "No"}
                self.tenant.record(
                    user_id,
                    "Add to All New Projects",
                    words[person.add_to_new_projects],
                    words[change.add_to_new_projects],
                )
            self.tenant.put(person.model_copy(update=update))

        await self._write("save_user", f"save {user_id} {change.model_dump(mode='json', exclude_none=True)}", do)

    async def add_to_project(self, user_id: str, project: Project, template: str | None) -> None:
        await self._write("add_to_project", f"add {project.id}", lambda: self._join(user_id, project, template))

    async def change_project_template(self, user_id: str, project: Project, template: str | None) -> None:
        def do() -> None:
            person = self.tenant.people[user_id]
            old = person.membership(project.id)
            self._set(person, [Membership(project=project, template=template)], {project.id})
            before = old.template if old else None
            what = f"Project Permissions Template: {project.label}"
            self.tenant.record(user_id, what, before or "", template or "")

        await self._write("change_project_template", f"template {project.id} {template}", do)

    async def remove_from_project(self, user_id: str, project: Project) -> None:
        await self._write("remove_from_project", f"remove {project.id}", lambda: self._leave(user_id, project))

    async def remove_from_all_projects(self, user_id: str) -> None:
        def do() -> None:
            for item in self.tenant.people[user_id].memberships:
                self._leave(user_id, item.project)

        await self._write("remove_from_all_projects", f"remove all {user_id}", do)

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        def do() -> None:
            self.tenant.pending.append((self.tenant.clock.seconds + self.tenant.assign_delay, apply))

        def apply() -> None:
            default = self.tenant.people[user_id].default_project_template
            for project in (*add, *remove):
                if project.id in self.tenant.failing_projects:
                    self.tenant.record(user_id, "Project Assignment Failed", "", project.label)
                elif project in remove:
                    self._leave(user_id, project)
                else:
                    self._join(user_id, project, default)

        words = f"assign +{[project.id for project in add]} -{[project.id for project in remove]}"
        await self._write("assign_projects", words, do)

    async def inactivate(self, user_id: str, email: str) -> None:
        await self._write("inactivate", f"inactivate {user_id}", lambda: self._status(user_id, active=False))

    async def reactivate(self, user_id: str, email: str) -> None:
        await self._write("reactivate", f"reactivate {user_id}", lambda: self._status(user_id, active=True))

    async def invite(self, user_id: str, email: str) -> None:
        def do() -> None:
            self.tenant.outbox.append(email)
            self.tenant.put(self.tenant.people[user_id].model_copy(update={"invited": True}))
            self.tenant.record(user_id, "Welcome Email Sent", "", email)

        await self._write("invite", f"invite {user_id}", do)

    def _status(self, user_id: str, *, active: bool) -> None:
        self.tenant.put(self.tenant.people[user_id].model_copy(update={"active": active}))
        words = {True: "Active", False: "Inactive"}
        self.tenant.record(user_id, "Status", words[not active], words[active])

    def _join(self, user_id: str, project: Project, template: str | None) -> None:
        self._set(self.tenant.people[user_id], [Membership(project=project, template=template)], {project.id})
        self.tenant.record(user_id, "Project Assignment", "", project.label)

    def _leave(self, user_id: str, project: Project) -> None:
        self._set(self.tenant.people[user_id], [], {project.id})
        self.tenant.record(user_id, "Project Assignment", project.label, "")

    def _set(self, person: Person, add: list[Membership], gone: set[str]) -> None:
        kept = [item for item in person.memberships if item.project.id not in gone]
        self.tenant.put(person.model_copy(update={"memberships": (*kept, *add)}))

    def _reading(self, what: str) -> None:
        self.tenant.loads.append(what)
        if self.tenant.on_read is not None:
            self.tenant.on_read(what)
        effect = self.tenant.take(f"read:{what}")
        if self.tenant.browser_dead or effect == "browser lost":
            self.tenant.browser_dead = True
            raise Failed("browser-lost", "The browser ended or hung.")
        if effect == "unknown page":
            raise UnknownPage("unknown-page", "Not a page that the flows know.")
        if effect == "error page":
            raise Failed("page-error", "Procore shows an error page.")
        if self.tenant.signed_out or effect == "sign out":
            self.tenant.signed_out = True
            raise SignedOut

    async def _write(self, operation: str, words: str, do: Callable[[], None]) -> None:
        tenant = self.tenant
        effect = tenant.take(operation)
        if effect == "unknown page":
            raise UnknownPage("unknown-page", "A dialog that the flows do not know.")
        if effect == "browser lost":
            tenant.browser_dead = True
            raise Failed("browser-lost", "The browser ended or hung.")
        await self.gate.before(cast(Any, None), words)
        tenant.sent.append(words)
        if tenant.on_write is not None:
            tenant.on_write(operation)
        match effect:
            case "sign out":
                tenant.signed_out = True
                raise SignedOut
            case "stale token":
                raise Failed("stale-token", "The form was too old; nothing was saved.")
            case "refuse":
                raise SaveRejected("save-rejected", "Procore refused the save.", seen="City is too long")
            case "denied":
                raise Failed("denied", "The account may not do this.")
            case "lose before applying":
                raise AnswerLost("answer-lost", "No answer came to the save.")
            case "nothing sent":
                raise Failed("not-sent", "The page did not send the change.")
            case "twice":
                do()
            case "lag":
                tenant.freeze(5)
            case "long lag":
                tenant.freeze(10_000)
            case _:
                pass
        do()
        tenant.applied.append(words)
        match effect:
            case "lose the answer":
                raise AnswerLost("answer-lost", "No answer came to the save.")
            case "lose the answer and lag":
                raise AnswerLost("answer-lost", "No answer came to the save.")
            case "lose answer and session":
                tenant.signed_out = True
                raise AnswerLost("answer-lost", "No answer came to the save.")
            case "mistake":
                raise RuntimeError("a mistake in the flows")
            case _:
                pass
        await self.gate.after(cast(Any, None), words)


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


@dataclass(frozen=True)
class FakeOpened:
    """An open session."""

    directory: FakeDirectory
    context: Any
    page: Any
    browser_version: str = "156"
    typed_password: bool = True


class FakeSession:
    """Implements :class:`agent.execute.session.JobSession`."""

    def __init__(self, tenant: FakeTenant, relay: GateRelay) -> None:
        self.tenant = "sandbox"
        self._truth = tenant
        self._relay = relay
        self._opened: FakeOpened | None = None

    async def open(self) -> FakeOpened:
        if self._opened is None:
            self._truth.sign_ins += 1
            self._opened = FakeOpened(FakeDirectory(self._truth, self._relay), object(), object())
            return self._opened
        return replace(self._opened, typed_password=False)

    async def renew(self) -> FakeOpened:
        self._truth.signed_out = False
        if self._truth.browser_dead:
            self._truth.browser_dead = False
            self._opened = None
            return await self.open()
        self._truth.sign_ins += 1
        return await self.open()

    @asynccontextmanager
    async def reading_only(self) -> AsyncIterator[list[str]]:
        yield self._truth.held


class Listener:
    """Remembers every event; can fail at one, as a full disk would."""

    def __init__(self, fail_at: type | None = None, error: Exception | None = None, nth: int = 1) -> None:
        self.events: list[Event] = []
        self._fail_at, self._error, self._nth = fail_at, error, nth

    async def notify(self, event: Event) -> None:
        self.events.append(event)
        if self._error is None or self._fail_at is None or not isinstance(event, self._fail_at):
            return
        if self.count(self._fail_at) >= self._nth:
            raise self._error

    def count(self, kind: type) -> int:
        return len(self.of(kind))

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


async def run(
    job: Job,
    tenant: FakeTenant,
    *,
    listener: Listener | None = None,
    session: FakeSession | None = None,
    relay: GateRelay | None = None,
    **orders: Any,
) -> Outcome:
    """Run a job on the fake, and check what holds for every run whatever happens."""
    relay = relay or GateRelay()
    session = session or FakeSession(tenant, relay)
    listener = listener or Listener()
    given: dict[str, Any] = {"rules": PolicyRules(), "limits": Limits(settle_s=20, verify_s=20, projects_s=60)}
    given |= {"resends": tenant.resends, **orders}
    outcome = await run_job(job, session, relay, [listener], Orders(**given), tenant.clock)
    assert isinstance(listener.events[-1], JobEnded)
    assert listener.count(JobEnded) == 1
    return outcome


def sent_twice(tenant: FakeTenant) -> list[str]:
    """The oracle of all trouble: writes that left the agent more than once with the same content."""
    return sorted({words for words in tenant.sent if tenant.sent.count(words) > 1})


def job(action: str, **fields: Any) -> Job:
    """A job with the ordinary trimmings."""
    base = {
        "action": action,
        "reason": {"ticket": "HR-1", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "idempotency_key": f"test-{action}",
    }
    return ANY_JOB.validate_json(_json({**base, **fields}))


def provision(email: str = "ana.lindqvist@example.com", **fields: Any) -> Job:
    """The main job: Ana, an engineer in two projects, invited."""
    wanted: dict[str, Any] = {
        "person": {"email": email, "attributes": {"first_name": "Ana", "last_name": "Lindqvist"}},
        "company_access": {"template": "Field Staff"},
        "default_project_template": "none",
        "projects": [{"project": "24-017", "template": ENGINEER}, {"project": "24-021", "template": ENGINEER}],
        "invitation": True,
    }
    return job("provision", **{**wanted, **fields})


def person(email: str = "ana.lindqvist@example.com", **fields: Any) -> Person:
    """Somebody in the Directory."""
    base: dict[str, Any] = {
        "user_id": "7123456",
        "person_id": "562949953421999",
        "email": email,
        "active": True,
        "attributes": {"first_name": "Ana", "last_name": "Lindqvist"},
        "invited": True,
    }
    return Person(**{**base, **fields})


def member(project: Project, template: str | None = ENGINEER) -> Membership:
    """A membership."""
    return Membership(project=project, template=template)


def _json(value: Any) -> str:
    return json.dumps(value)


def _sighting(person: Person) -> Sighting:
    name = f"{person.attributes.get('first_name', '')} {person.attributes.get('last_name', '')}".strip()
    return Sighting(
        listing=Listing.USERS if person.active else Listing.INACTIVE_USERS,
        user_id=person.user_id,
        person_id=person.person_id,
        name=name,
        email=person.email,
        invited=person.invited if person.active else None,
    )
