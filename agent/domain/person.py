"""A person as the Directory shows one, and what a tenant offers to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from agent.domain.access import CompanyAccess, Frozen, Membership, Project, Vendor


class Listing(StrEnum):
    """The lists of people in the Directory; the value is the URL segment [C]."""

    USERS = "users"
    INACTIVE_USERS = "inactive_users"
    CONTACTS = "reference_users"
    INACTIVE_CONTACTS = "inactive_reference_users"


class Sighting(Frozen):
    """One row of a list. ``user_id`` is None for contacts, which have no login [D], and for rows of the new generation
    that were only listed: those tell the person id alone [C]."""

    listing: Listing
    user_id: str | None
    person_id: str | None
    name: str
    email: str
    company: str = ""
    job_title: str = ""
    phones: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    template: str = ""  # "Permission Template" column
    invited: bool | None = None  # True when the row offers Re-Invite, False for Invite, None when it offers neither


class Correlation(Frozen):
    """All that the Directory knows under an e-mail address, and who might be the same person under another.

    ``matches`` have exactly the address; ``near`` share the name and the company but not the address.
    """

    matches: tuple[Sighting, ...] = ()
    near: tuple[Sighting, ...] = ()


class Person(Frozen):
    """A user as the Edit page shows one, projects included; inactive people keep dormant access here [D].

    ``attributes`` maps the names in :data:`agent.domain.attributes.ATTRIBUTES` to text ("" = empty; "yes"/"no").
    """

    user_id: str
    person_id: str | None = None
    email: str
    active: bool
    attributes: Mapping[str, str] = Field(default_factory=dict)
    company: Vendor | None = None
    company_access: CompanyAccess = CompanyAccess()
    default_project_template: str | None = None
    add_to_new_projects: bool = False
    memberships: tuple[Membership, ...] = ()
    invited: bool | None = None
    locked: bool = False
    # What the operator's rights or the tenant do not let us change: attributes, and "email", "company",
    # "company_access", "default_project_template", "add_to_new_projects".
    read_only_fields: frozenset[str] = frozenset()

    def membership(self, project_id: str) -> Membership | None:
        """The person's membership of that project, or None."""
        return next((item for item in self.memberships if item.project.id == project_id), None)


class ChangeRecord(Frozen):
    """One row of a person's Change History [D]; times are UTC to the second [I]."""

    at: datetime
    actor_name: str
    actor_login: str
    field: str
    before: str
    after: str


class Capabilities(Frozen):
    """What the signed-in account may do, from ``#root[data-props]`` [C]."""

    can_edit_users: bool
    can_invite: bool
    can_inactivate: bool
    can_see_inactive: bool
    can_see_templates: bool


class Fingerprint(Frozen):
    """What kind of Directory this is; taken before the first write and kept in evidence."""

    generation: str
    locale: str
    company_id: str
    company_name: str
    signed_in_as: str
    capabilities: Capabilities
    catalogue: str  # sha256 of the selector catalogue
    pack: str = ""  # name and version of the pack that the catalogue is
    people: int | None = None  # active users, as the pager of the Users list says; with contacts where it counts them
    generations: Mapping[str, str] = Field(default_factory=dict)  # page kind -> generation, as far as pages were met


class TenantFacts(Frozen):
    """The names a tenant offers, and its form rules: what a plan may refer to."""

    own_login: str
    company_templates: tuple[str, ...] = ()
    project_templates: tuple[str, ...] = ()  # global ones
    project_specific_templates: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # project id -> names
    template_ids: Mapping[str, str] = Field(default_factory=dict)  # id -> name, of every template; empty if not seen
    projects: tuple[Project, ...] = ()
    company_tools: tuple[str, ...] = ()  # labels of the per-tool table; empty where it was not seen
    add_user_fields: frozenset[str] = frozenset()  # attributes which the Add User form shows
    required_fields: frozenset[str] = frozenset()  # attributes which this tenant requires
    edit_fields: frozenset[str] | None = None  # attributes which the Edit page lets us set; None where it was not seen


class NewUser(Frozen):
    """What goes into the Add User form."""

    email: str
    attributes: Mapping[str, str] = Field(default_factory=dict)
    company: Vendor | None = None
    default_project_template: str | None = None
    company_template: str | None = None


class UserChange(Frozen):
    """What one Save of the Edit page changes; ``None`` leaves a part alone.

    ``company`` has ``Vendor(id="", name="")`` to clear the field; ``default_project_template`` has "" to clear it.
    """

    attributes: Mapping[str, str] = Field(default_factory=dict)
    email: str | None = None
    company: Vendor | None = None
    company_access: CompanyAccess | None = None
    default_project_template: str | None = None
    add_to_new_projects: bool | None = None
