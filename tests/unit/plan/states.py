"""Random people and random wishes in a small tenant, for the property tests of the planner."""

from __future__ import annotations

from hypothesis import strategies as st

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.person import Person, TenantFacts
from agent.plan.wanted import NO_VENDOR, Wanted

EMAIL = "ana.lindqvist@example.com"
PROJECTS = tuple(Project(id=str(number), name=f"Project {number}", number=f"24-{number:03}") for number in range(1, 9))
PROJECT_TEMPLATES = ("Foreman - Internal", "Owner - External", "Viewer")
COMPANY_TEMPLATES = ("Office Staff", "Field Staff")
TOOLS = ("Directory", "Documents", "Reports")
VENDORS = (Vendor(id="11", name="Hillside"), Vendor(id="12", name="Hillside"))
FIELDS = ("first_name", "job_title", "mobile_phone", "is_employee")

FACTS = TenantFacts(
    own_login="svc@example.com",
    company_templates=COMPANY_TEMPLATES,
    project_templates=PROJECT_TEMPLATES,
    projects=PROJECTS,
    company_tools=TOOLS,
    add_user_fields=frozenset({"first_name", "last_name", "job_title"}),
)

texts = st.sampled_from(["", "Ana", "Site Engineer", "+1 603 555 0142"])
project_templates = st.none() | st.sampled_from(PROJECT_TEMPLATES)
accesses = st.builds(CompanyAccess, template=st.sampled_from(COMPANY_TEMPLATES)) | st.builds(
    CompanyAccess, levels=st.dictionaries(st.sampled_from(TOOLS), st.sampled_from(list(AccessLevel)))
)


def attributes() -> st.SearchStrategy[dict[str, str]]:
    """Some fields with some texts."""
    return st.dictionaries(st.sampled_from(FIELDS[:3]), texts).flatmap(
        lambda found: st.sampled_from([found, {**found, "is_employee": "yes"}, {**found, "is_employee": "no"}])
    )


def memberships() -> st.SearchStrategy[tuple[Membership, ...]]:
    """Each project at most once, often with the same template, so that the Projects tab is worth while."""
    one = st.builds(Membership, project=st.sampled_from(PROJECTS), template=project_templates)
    mixed = st.lists(one, unique_by=lambda item: item.project.id, max_size=8).map(tuple)
    alike = st.tuples(st.sets(st.sampled_from(PROJECTS), max_size=8), project_templates).map(
        lambda found: tuple(Membership(project=project, template=found[1]) for project in sorted(found[0], key=str))
    )
    return mixed | alike


def people(*active: bool) -> st.SearchStrategy[Person]:
    """A person as a page shows one; inactive ones hold dormant access."""
    return st.builds(
        Person,
        user_id=st.just("7"),
        email=st.just(EMAIL),
        active=st.sampled_from(active or (True, False)),
        attributes=attributes(),
        company=st.none() | st.sampled_from(VENDORS),
        company_access=accesses,
        default_project_template=project_templates,
        add_to_new_projects=st.booleans(),
        memberships=memberships(),
        invited=st.booleans(),
    )


def full_wishes() -> st.SearchStrategy[Wanted]:
    """What provision and reactivate want of somebody who is absent or inactive: everything is decided."""
    return st.builds(
        Wanted,
        email=st.just(EMAIL),
        active=st.just(True),
        attributes=attributes(),
        company=st.none() | st.sampled_from([*VENDORS, NO_VENDOR]),
        company_access=accesses,
        default_project_template=st.sampled_from(["", *PROJECT_TEMPLATES]),
        add_to_new_projects=st.booleans(),
        memberships=memberships(),
        only_these=st.just(True),
        invited=st.booleans(),
    )


def partial_wishes() -> st.SearchStrategy[Wanted]:
    """What any job can want of an active person: each part may be left alone."""
    return st.builds(
        Wanted,
        email=st.just(EMAIL),
        active=st.sampled_from([None, True]),
        new_email=st.none() | st.just("ana.berg@example.com"),
        attributes=attributes(),
        company=st.none() | st.sampled_from([*VENDORS, NO_VENDOR]),
        company_access=st.none() | accesses,
        default_project_template=st.none() | st.sampled_from(["", *PROJECT_TEMPLATES]),
        add_to_new_projects=st.none() | st.booleans(),
        memberships=memberships(),
        only_these=st.booleans(),
        invited=st.booleans(),
    )


def removals() -> st.SearchStrategy[Wanted]:
    """What remove_from_projects wants, of active and inactive people alike."""
    some = st.builds(
        Wanted, email=st.just(EMAIL), absent=st.sets(st.sampled_from(PROJECTS)).map(lambda found: tuple(found))
    )
    return some | st.just(Wanted(email=EMAIL, only_these=True))


OFFBOARDED = Wanted(
    email=EMAIL,
    active=False,
    company_access=CompanyAccess(),
    default_project_template="",
    add_to_new_projects=False,
    only_these=True,
)


def cases() -> st.SearchStrategy[tuple[Person | None, Wanted]]:
    """Every kind of present state with a wish that a job could have for it."""
    return st.one_of(
        st.tuples(st.none(), full_wishes()),
        st.tuples(people(False), full_wishes()),
        st.tuples(people(True), full_wishes() | partial_wishes()),
        st.tuples(people(), removals()),
        st.tuples(people(), st.just(OFFBOARDED)),
    )
