"""The Directory in memory: reads and writes a FakeTenant, and has the trouble that is planned for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
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
from agent.errors import AnswerLost, Failed, SaveRejected, ShapeChanged, SignedOut, UnknownPage
from agent.execute.gate import GateRelay
from flows import Examined, HeldRequest
from tests.unit.execute.fake_projects import FakeGroups, FakeProject
from tests.unit.execute.fake_tenant import OWN, FakeTenant


class FakeDirectory:
    """Implements :class:`flows.Directory` on a FakeTenant."""

    def __init__(self, tenant: FakeTenant, gate: GateRelay) -> None:
        self.tenant = tenant
        self.gate = gate

    async def fingerprint(self) -> Fingerprint:
        self.reading("fingerprint")
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
        self.reading("facts")
        return self.tenant.facts

    @property
    def known_facts(self) -> TenantFacts | None:
        return self.tenant.facts

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        self.reading("find")
        shown = [_sighting(person) for person in self.tenant.shown().values()] + self.tenant.contacts
        near = [hit for hit in shown if full_name and hit.name == full_name and hit.email.lower() != email.lower()]
        return Correlation(matches=tuple(hit for hit in shown if hit.email.lower() == email.lower()), near=tuple(near))

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        self.reading("find_vendors")
        return tuple(vendor for vendor in self.tenant.vendors if vendor.name == name)

    async def read_person(self, user_id: str) -> Person:
        self.reading("read_person")
        person = self.tenant.shown().get(user_id)
        if person is None:
            raise UnknownPage("unknown-page", "No such user page.")
        return person.model_copy(update={"invited": None})

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        self.reading("history")
        return tuple(row for owner, row in self.tenant.records if owner == user_id and row.at >= since)

    async def list_people(
        self, listing: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        self.reading("list_people")
        shown = [_sighting(person) for person in self.tenant.shown().values()] + self.tenant.contacts
        return [hit for hit in shown if hit.listing is listing]

    def project(self, project: Project) -> FakeProject:
        return FakeProject(self, project)

    def groups(self) -> FakeGroups:
        return FakeGroups(self, None)

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

        await self.write("create_user", f"create {new.email}", do)
        return user_id

    async def save_user(self, user_id: str, change: UserChange) -> None:
        if not self.tenant.saves_in_parts:
            await self._save(user_id, change)
            return
        access = UserChange(company_access=change.company_access)
        rest = change.model_copy(update={"company_access": None})
        for part in (access, rest):
            if part != UserChange():
                await self._save(user_id, part)

    async def _save(self, user_id: str, change: UserChange) -> None:
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

        await self.write("save_user", f"save {user_id} {change.model_dump(mode='json', exclude_none=True)}", do)

    async def add_to_project(self, user_id: str, project: Project, template: str | None) -> None:
        await self.write("add_to_project", f"add {project.id}", lambda: self.join(user_id, project, template))

    async def change_project_template(self, user_id: str, project: Project, template: str | None) -> None:
        def do() -> None:
            person = self.tenant.people[user_id]
            old = person.membership(project.id)
            self.set_memberships(person, [Membership(project=project, template=template)], {project.id})
            before = old.template if old else None
            what = f"Project Permissions Template: {project.label}"
            self.tenant.record(user_id, what, before or "", template or "")

        await self.write("change_project_template", f"template {project.id} {template}", do)

    async def remove_from_project(self, user_id: str, project: Project) -> None:
        await self.write("remove_from_project", f"remove {project.id}", lambda: self.leave(user_id, project))

    async def remove_from_all_projects(self, user_id: str) -> None:
        def do() -> None:
            for item in self.tenant.people[user_id].memberships:
                self.leave(user_id, item.project)

        await self.write("remove_from_all_projects", f"remove all {user_id}", do)

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        def do() -> None:
            self.tenant.pending.append((self.tenant.clock.seconds + self.tenant.assign_delay, apply))

        def apply() -> None:
            default = self.tenant.people[user_id].default_project_template
            for project in (*add, *remove):
                if project.id in self.tenant.failing_projects:
                    self.tenant.record(user_id, "Project Assignment Failed", "", project.label)
                elif project in remove:
                    self.leave(user_id, project)
                else:
                    self.join(user_id, project, default)

        words = f"assign +{[project.id for project in add]} -{[project.id for project in remove]}"
        await self.write("assign_projects", words, do)

    async def inactivate(self, user_id: str, email: str) -> None:
        await self.write("inactivate", f"inactivate {user_id}", lambda: self._status(user_id, active=False))

    async def reactivate(self, user_id: str, email: str) -> None:
        await self.write("reactivate", f"reactivate {user_id}", lambda: self._status(user_id, active=True))

    async def invite(self, user_id: str, email: str, *, again: bool | None = None) -> None:
        def do() -> None:
            self.tenant.outbox.append(email)
            self.tenant.put(self.tenant.people[user_id].model_copy(update={"invited": True}))
            self.tenant.record(user_id, "Welcome Email Sent", "", email)

        await self.write("invite", f"invite {user_id}", do)

    def _status(self, user_id: str, *, active: bool) -> None:
        self.tenant.put(self.tenant.people[user_id].model_copy(update={"active": active}))
        words = {True: "Active", False: "Inactive"}
        self.tenant.record(user_id, "Status", words[not active], words[active])

    def join(self, user_id: str, project: Project, template: str | None) -> None:
        self.set_memberships(
            self.tenant.people[user_id], [Membership(project=project, template=template)], {project.id}
        )
        self.tenant.record(user_id, "Project Assignment", "", project.label)

    def leave(self, user_id: str, project: Project) -> None:
        self.set_memberships(self.tenant.people[user_id], [], {project.id})
        self.tenant.record(user_id, "Project Assignment", project.label, "")

    def set_memberships(self, person: Person, add: list[Membership], gone: set[str]) -> None:
        kept = [item for item in person.memberships if item.project.id not in gone]
        self.tenant.put(person.model_copy(update={"memberships": (*kept, *add)}))

    def reading(self, what: str) -> None:
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

    async def _examined(self, operation: str, effect: str) -> None:
        """What the flows' look at a form before it is filled says of it."""
        flows = {"create_user": "add_user", "save_user": "edit_user", "remove_from_all_projects": "change_projects"}
        flow = flows.get(operation, operation)
        region, is_harmless = f"{flow}.form", effect == "renamed label"
        findings = ("renamed: fax_number",) if is_harmless else ("swapped: first_name, last_name",)
        await self.gate.shape_examined(
            Examined(flow, region, "degraded" if is_harmless else "dangerous", findings, {}, {})
        )
        if not is_harmless:
            raise ShapeChanged(flow, region, findings)

    async def write(self, operation: str, words: str, do: Callable[[], None]) -> None:
        tenant = self.tenant
        effect = tenant.take(operation)
        if effect == "unknown page":
            raise UnknownPage("unknown-page", "A dialog that the flows do not know.")
        if effect in ("acts at once", "acts and asks"):
            self.gate.request_held(HeldRequest("POST", "app.procore.test", f"/{operation}", True))
        if effect == "reports home":
            self.gate.request_held(HeldRequest("POST", "api.procore.test", "/n", True, False))
        if effect == "acts at once":
            raise UnknownPage("unusable-control", "A control could not be used: waiting for the window.")
        if effect == "odd value":
            raise UnknownPage("control-mismatch", "The field does not hold what was put into it.")
        if effect in ("renamed label", "swapped labels"):
            await self._examined(operation, effect)
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
            case "document replaced":
                raise Failed("document-replaced", "Another document came onto the page.")
            case "nothing sent":
                raise Failed("not-sent", "The page did not send the change.")
            case "unknown answer":
                do()
                raise UnknownPage("unknown-dialog", "A window that the flows do not know.")
            case "twice":
                do()
            case "lag" | "saved under a foreign flash":
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
            case "saved under a foreign flash":  # of another job in the same session
                raise Failed("stale-token", "The form was too old; nothing was saved.")
            case "mistake":
                raise RuntimeError("a mistake in the flows")
            case _:
                pass
        await self.gate.after(cast(Any, None), words)


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
