"""How a person shall be, in the tenant's own names: what the planner and the read-back compare with."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agent.domain.access import CompanyAccess, Frozen, Membership, Project, Vendor
from agent.domain.names import normal_email
from agent.domain.person import Person, UserChange
from agent.plan.difference import Difference, change_rows, same_access, template_words
from agent.plan.matching import same_text, same_vendor

NO_VENDOR = Vendor(id="", name="")


class Wanted(Frozen):
    """The wanted state; ``None`` (or a name not mentioned) leaves that part as it is.

    ``company`` has :data:`NO_VENDOR` and ``default_project_template`` has "" for *none*, as in ``UserChange``.
    """

    email: str
    active: bool | None = None
    new_email: str | None = None
    attributes: Mapping[str, str] = Field(default_factory=dict)
    company: Vendor | None = None
    company_access: CompanyAccess | None = None
    default_project_template: str | None = None
    add_to_new_projects: bool | None = None
    memberships: tuple[Membership, ...] = ()
    absent: tuple[Project, ...] = ()  # projects the person shall not be in
    only_these: bool = False  # no memberships but ``memberships``
    invited: bool = False  # the welcome e-mail shall have been sent
    resend: bool = False  # ... and once more, whatever was before

    def membership(self, project_id: str) -> Membership | None:
        """The wanted membership of that project, or None."""
        return next((item for item in self.memberships if item.project.id == project_id), None)

    def unwelcome(self, present: Person) -> tuple[Membership, ...]:
        """The memberships which the person has and shall not have."""
        absent = {project.id for project in self.absent}
        return tuple(
            item
            for item in present.memberships
            if item.project.id in absent or (self.only_these and self.membership(item.project.id) is None)
        )


def needed_change(present: Person, wanted: Wanted) -> tuple[UserChange, UserChange]:
    """What the Edit page has to save, as (before, after), both holding only the parts that differ."""
    texts = {
        name: text for name, text in wanted.attributes.items() if not same_text(present.attributes.get(name, ""), text)
    }
    email = wanted.new_email
    company, access = wanted.company, wanted.company_access
    template, new_projects = wanted.default_project_template, wanted.add_to_new_projects
    after = UserChange(
        attributes=texts,
        email=email if email is not None and normal_email(email) != normal_email(present.email) else None,
        company=company if company is not None and not same_vendor(present.company, company) else None,
        company_access=access if access is not None and not same_access(present.company_access, access) else None,
        default_project_template=template if template != (present.default_project_template or "") else None,
        add_to_new_projects=new_projects if new_projects != present.add_to_new_projects else None,
    )
    return before_of(present, after), after


def before_of(present: Person, change: UserChange) -> UserChange:
    """The parts that the change names, as the person has them."""
    return UserChange(
        attributes={name: present.attributes.get(name, "") for name in change.attributes},
        email=None if change.email is None else present.email,
        company=None if change.company is None else present.company or NO_VENDOR,
        company_access=None if change.company_access is None else present.company_access,
        default_project_template=(
            None if change.default_project_template is None else present.default_project_template or ""
        ),
        add_to_new_projects=None if change.add_to_new_projects is None else present.add_to_new_projects,
    )


def nobody(wanted: Wanted) -> Person:
    """The person that there is before creation: no fields, no access, not active."""
    return Person(user_id="", email=wanted.email, active=False)


def unsatisfied(wanted: Wanted, person: Person | None) -> tuple[Difference, ...]:
    """What is not as wanted, row by row; empty when everything is. A wish to *re*send is no state and never a row."""
    present = person or nobody(wanted)
    rows: list[Difference] = []
    if person is None:
        rows.append(Difference(what="User", before="does not exist", after=f"exists as {wanted.email}"))
    elif wanted.active is not None and wanted.active != person.active:
        rows.append(Difference(what="Status", before=_status(person.active), after=_status(wanted.active)))
    before, after = needed_change(present, wanted)
    rows.extend(change_rows(before, after))
    rows.extend(
        Difference(what=f"Project {item.project.label}", before=_member(item), after="not a member")
        for item in wanted.unwelcome(present)
    )
    for item in wanted.memberships:
        now = present.membership(item.project.id)
        if now is None or now.template != item.template:
            rows.append(Difference(what=f"Project {item.project.label}", before=_member(now), after=_member(item)))
    if wanted.invited and present.invited is not True:
        unknown = person is not None and person.invited is None
        rows.append(Difference(what="Invitation", before="not known" if unknown else "not sent", after="sent"))
    return tuple(rows)


def _status(active: bool) -> str:
    return "Active" if active else "Inactive"


def _member(membership: Membership | None) -> str:
    if membership is None:
        return "not a member"
    if membership.template is None:
        return "member without a template"
    return f"member with {template_words(membership.template)}"
