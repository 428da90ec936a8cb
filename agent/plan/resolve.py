"""From a job's words to a tenant's names: templates, projects, tools, companies; or every problem at once.

Pure. Names are compared without case and without spaces around punctuation; none is ever guessed. An unknown name
is answered with the nearest ones that exist, an ambiguous one with the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.attributes import BY_NAME
from agent.domain.names import find_names, nearest, same_name
from agent.domain.person import Person, TenantFacts, UserChange
from agent.errors import Mender, Refused
from agent.jobs.model import (
    AddToProjects,
    ChangeEmail,
    Invite,
    Job,
    Offboard,
    Provision,
    Reactivate,
    RemoveFromProjects,
    Update,
    email_of,
)
from agent.jobs.parts import NONE, CompanyAccessWays, NamedCompany, ProjectAccess
from agent.jobs.problems import ProblemsFound
from agent.plan.matching import same_text, same_vendor
from agent.plan.tenant_names import TenantNames
from agent.plan.wanted import NO_VENDOR, Wanted, needed_change

_COMPANY_FIELDS = frozenset({"vendor_id", "company"})
_PARTS = {
    "company": "Company",
    "company_access": "Company Permissions Templates",
    "default_project_template": "Default Template",
    "add_to_new_projects": "Add to All New Projects",
}


def resolve(job: Job, person: Person | None, facts: TenantFacts, vendors: Sequence[Vendor] = ()) -> Wanted:
    """How the person shall be, in the tenant's names.

    ``vendors`` are the active companies found under ``company_to_find(job, person)``. Raises :class:`ProblemsFound`
    with code ``unresolved-names`` and every problem, or :class:`Refused` where the person's state rules the action out.
    """
    _suits(job, person)
    _active_company(job, person, vendors)
    resolver = _Resolver(person, facts, vendors)
    wanted = resolver.wanted(job)
    if person is not None and not resolver.problems:
        change = needed_change(person, wanted)[1]
        if change.email is not None and "email" in person.read_only_fields:
            raise Refused(
                "email-locked",
                f"The agent's account may not change the login address of {person.email}: so it is for people who "
                "belong to other companies' accounts, too.",
                expected="an Email Address that can be changed on the Edit page",
                seen="one that cannot",
            )
        resolver.closed_parts(job, change)
    if resolver.problems:
        count = len(resolver.problems)
        raise ProblemsFound(
            "unresolved-names",
            f"The job does not fit this tenant: {count} problem{'s' if count > 1 else ''}.",
            resolver.problems,
        )
    return wanted


def _suits(job: Job, person: Person | None) -> None:
    """Whether the action makes sense for somebody in this state."""
    if person is None:
        if not isinstance(job, Provision):
            raise Refused("no-such-person", f"Nobody in the Directory has the address {email_of(job)}.")
        return
    if not person.active and isinstance(job, Update | AddToProjects | Invite):
        raise Refused(
            "inactive-person",
            f"{person.email} is inactive; {job.action} is for active people.",
            expected="an active user",
            seen="an inactive user",
        )
    if (
        isinstance(job, Invite | Provision | Reactivate)
        and person.active
        and person.invited is None
        and _asks_invitation(job)
    ):
        raise Refused(
            "invitation-unknown",
            f"The list does not show whether {person.email} has been invited, so no e-mail is sent.",
            expected="Invite or Re-Invite in the person's row",
            seen="neither",
        )


def _active_company(job: Job, person: Person | None, vendors: Sequence[Vendor]) -> None:
    """Whoever is brought back needs an active company [D]: found out before the first write, not at the last one."""
    if not isinstance(job, Provision | Reactivate) or job.company is not None or person is None or person.active:
        return
    company = person.company
    if company is None or not company.id or any(same_vendor(company, vendor) for vendor in vendors):
        return
    raise Refused(
        "inactive-company",
        f"{person.email} belongs to the company {company.name!r}, which is not among the active ones; Procore "
        "reactivates nobody in an inactive company. Reactivate the company first, or name an active one in the job.",
        expected="an active company",
        seen=f"{company.name} (id {company.id})",
        mender=Mender.ADMINISTRATOR,
    )


def _asks_invitation(job: Invite | Provision | Reactivate) -> bool:
    return not job.resend if isinstance(job, Invite) else job.invitation


class _Resolver:
    """Collects problems while names are resolved; what could not be resolved is left out of the result."""

    def __init__(self, person: Person | None, facts: TenantFacts, vendors: Sequence[Vendor]) -> None:
        self.person = person
        self.facts = facts
        self.vendors = vendors
        # A project that is no longer active can still hold a membership.
        held = [item.project for item in person.memberships] if person is not None else []
        self.names = TenantNames(facts, held)
        self.problems = self.names.problems
        self._problem = self.names.problem

    def wanted(self, job: Job) -> Wanted:
        match job:
            case Provision() | Reactivate():
                return self._full(job)
            case Update():
                return Wanted(
                    email=job.person.email,
                    attributes=self._attributes(job.person.attributes.as_texts()),
                    company=self._company(job.company),
                    company_access=self._access(job.company_access) if job.company_access is not None else None,
                    default_project_template=self._default_template(job.default_project_template),
                    add_to_new_projects=job.add_to_new_projects,
                )
            case ChangeEmail():
                return Wanted(email=job.person.email, new_email=job.new_email)
            case Offboard():
                return Wanted(
                    email=job.person.email,
                    active=False,
                    company_access=CompanyAccess(),
                    default_project_template="",
                    add_to_new_projects=False,
                    only_these=True,
                )
            case AddToProjects():
                return Wanted(email=job.person.email, memberships=self._memberships(job.projects))
            case RemoveFromProjects():
                if job.projects == "all":
                    return Wanted(email=job.person.email, only_these=True)
                found = [self.names.project(item, ("projects", at)) for at, item in enumerate(job.projects)]
                return Wanted(email=job.person.email, absent=self._each_once(found))
            case Invite():
                return Wanted(email=job.person.email, invited=True, resend=job.resend)
            case _:
                raise ValueError(f"{job.action} wants nothing of a person")

    def _full(self, job: Provision | Reactivate) -> Wanted:
        """Provision and reactivate: whoever is inactive gets access from zero, whatever the mode."""
        from_zero = self.person is None or not self.person.active
        texts = job.person.attributes.as_texts()
        exactly = isinstance(job, Reactivate) or job.projects_mode == "exactly"
        if isinstance(job, Provision) and job.attributes_mode == "exactly" and self.person is not None:
            texts = self._emptied() | texts
        if self.person is None:
            self._required(texts, job.company)
        new_projects = job.add_to_new_projects
        return Wanted(
            email=job.person.email,
            active=True,
            attributes=self._attributes(texts),
            company=self._company(job.company),
            company_access=self._access(job.company_access),
            default_project_template=self._default_template(job.default_project_template),
            add_to_new_projects=False if new_projects is None and from_zero else new_projects,
            memberships=self._memberships(job.projects),
            only_these=exactly or from_zero,
            invited=job.invitation,
        )

    def _emptied(self) -> dict[str, str]:
        """``exactly``: every field with an empty state that the page shows, emptied; required ones cannot be."""
        shown = self.person.attributes if self.person is not None else {}
        kept = self.facts.required_fields | {"last_name", "is_employee", "email_notification_setting"}
        return {name: "" for name in shown if name in BY_NAME and name not in kept}

    def _attributes(self, texts: dict[str, str]) -> dict[str, str]:
        for name, text in texts.items():
            label = BY_NAME[name].label
            path = ("person", "attributes", name)
            now = self.person.attributes.get(name, "") if self.person is not None else ""
            if self.person is not None and name in self.person.read_only_fields and not same_text(now, text):
                self._problem(path, f"cannot be set: the Edit page does not let the agent's account change {label}")
            if self.person is None and text and not self._settable(name):
                self._problem(path, f"cannot be set: this tenant's forms do not let the agent's account set {label}")
            if self.person is not None and name in self.facts.required_fields and not text and now:
                self._problem(path, f"cannot be emptied: this tenant requires {label}", "a text")
        return texts

    def _settable(self, name: str) -> bool:
        """Whether some form takes this field of a new person. Asked before a creation, which cannot be undone."""
        edit_fields = self.facts.edit_fields
        return edit_fields is None or name in edit_fields or name in self.facts.add_user_fields

    def closed_parts(self, job: Job, change: UserChange) -> None:
        """Parts of the Edit page that would have to change and cannot: found before the first write."""
        closed = self.person.read_only_fields if self.person is not None else frozenset()
        for name, label in _PARTS.items():
            if name in closed and getattr(change, name) is not None:
                path = (name,) if name in type(job).model_fields else ()
                self._problem(path, f"cannot be done: the Edit page does not let the agent's account change {label}")

    def _required(self, texts: dict[str, str], company: str | NamedCompany | None) -> None:
        """Who is to be created needs what the tenant's form requires; yes/no fields always have a value."""
        for name in sorted(self.facts.required_fields):
            if name in _COMPANY_FIELDS:
                if company is None or company == NONE:
                    self._problem(("company",), "is missing: this tenant requires Company", "a company's name")
            elif name in BY_NAME and BY_NAME[name].kind != "yes_no" and not texts.get(name):
                if name == "email_notification_setting":
                    continue
                message = f"is missing: this tenant requires {BY_NAME[name].label}"
                self._problem(("person", "attributes", name), message, "a text")

    def _company(self, reference: str | NamedCompany | None) -> Vendor | None:
        if reference is None:
            return None
        if reference == NONE:
            return NO_VENDOR
        name = reference.name if isinstance(reference, NamedCompany) else str(reference)
        found = [vendor for vendor in self.vendors if same_name(vendor.name, name)]
        if isinstance(reference, NamedCompany):
            chosen = [vendor for vendor in found if vendor.id == reference.id]
        else:
            chosen = found
        if len(chosen) == 1:
            return chosen[0]
        candidates = [f"{vendor.name} (id {vendor.id}{', ' + vendor.hint if vendor.hint else ''})" for vendor in found]
        if len(chosen) > 1:
            message = f"{len(chosen)} active companies are called {name!r}"
            self._problem(("company",), message, 'one of them as {"name": ..., "id": ...}', candidates)
        elif isinstance(reference, NamedCompany):
            self._problem(("company", "id"), f"no active company {name!r} has the id {reference.id}", "", candidates)
        else:
            near = nearest(name, [vendor.name for vendor in self.vendors])
            self._problem(("company",), f"no active company is called {name!r}", "", near)
        return None

    def _access(self, decision: CompanyAccessWays | str) -> CompanyAccess:
        if not isinstance(decision, CompanyAccessWays):
            return CompanyAccess()
        if decision.template is not None:
            pool = self.facts.company_templates
            path = ("company_access", "template")
            name = self.names.template(decision.template, pool, path, "company permissions template")
            return CompanyAccess(template=name)
        levels: dict[str, AccessLevel] = {}
        for tool, level in decision.levels_by_tool().items():
            known = find_names(tool, self.facts.company_tools) if self.facts.company_tools else [tool]
            if len(known) != 1:
                message = f"there is no company tool {tool!r}"
                self._problem(("company_access", "levels", tool), message, "", nearest(tool, self.facts.company_tools))
                continue
            levels[known[0]] = level
        return CompanyAccess(levels=levels)

    def _default_template(self, name: str | None) -> str | None:
        if name is None:
            return None
        if name == NONE:
            return ""
        pool = self.facts.project_templates  # global ones only [D]
        return self.names.template(name, pool, ("default_project_template",), "global project permissions template")

    def _memberships(self, items: Sequence[ProjectAccess]) -> tuple[Membership, ...]:
        found: list[Membership] = []
        for at, item in enumerate(items):
            project = self.names.project(item.project, ("projects", at, "project"))
            template = self.names.project_template(item.template, project, ("projects", at, "template"))
            if project is None:
                continue
            if any(other.project.id == project.id for other in found):
                self._problem(("projects", at, "project"), f"{project.label} is named twice", "each project once")
                continue
            found.append(Membership(project=project, template=template))
        return tuple(found)

    def _each_once(self, projects: Sequence[Project | None]) -> tuple[Project, ...]:
        return tuple({project.id: project for project in projects if project is not None}.values())
