"""From a job's words to the tenant's names; unknown and ambiguous names are all told at once."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.person import Person, TenantFacts
from agent.errors import Refused
from agent.jobs.model import Job
from agent.jobs.problems import Problem, ProblemsFound
from agent.plan.correlate import company_to_find
from agent.plan.matching import one_slip
from agent.plan.resolve import resolve
from agent.plan.wanted import NO_VENDOR, Wanted
from tests.unit.plan.wishes import EMAIL, job

CLINIC = Project(id="1", name="Riverside Clinic", number="24-017")
TOWER = Project(id="2", name="Harbour Tower", number="24-018")
TWIN = Project(id="3", name="Harbour Tower", number="24-019")
CLOSED = Project(id="4", name="Old Mill", number="19-001")
FOREMAN = "Foreman / Superintendent - Internal"

FACTS = TenantFacts(
    own_login="svc@example.com",
    company_templates=("Office Staff", "Field Staff"),
    project_templates=(FOREMAN, "Viewer", "Double", "Double"),
    project_specific_templates={"1": ("Clinic Only",)},
    projects=(CLINIC, TOWER, TWIN),
    company_tools=("Directory", "Documents"),
    add_user_fields=frozenset({"job_title"}),
    required_fields=frozenset({"last_name", "email_address", "is_active", "job_title", "is_employee", "vendor_id"}),
)
HILLSIDE = Vendor(id="11", name="Hillside", hint="Dover, NH")
ACTIVE = Person(
    user_id="7",
    email=EMAIL,
    active=True,
    attributes={"first_name": "Ana", "last_name": "Lindqvist", "job_title": "Mason", "city": "Dover", "notes": ""},
    memberships=(Membership(project=CLOSED, template="Viewer"),),
    invited=True,
)
INACTIVE = ACTIVE.model_copy(update={"active": False, "invited": None})


def problems_of(wish: Job, person: Person | None = ACTIVE, *vendors: Vendor) -> list[Problem]:
    with pytest.raises(ProblemsFound) as found:
        resolve(wish, person, FACTS, vendors)
    assert found.value.code == "unresolved-names"
    assert all(problem.sentence in found.value.message for problem in found.value.problems)
    return list(found.value.problems)


def test_names_are_found_as_people_write_them() -> None:
    """Case and spaces around punctuation do not matter; the result has the tenant's own spelling."""
    wish = job(
        "provision",
        company="hillside",
        company_access={"template": "office staff"},
        default_project_template="foreman/superintendent - internal",
        projects=[
            {"project": "24-017", "template": "clinic only"},
            {"project": {"id": "2"}, "template": "none"},
        ],
    )
    wanted = resolve(wish, ACTIVE, FACTS, [HILLSIDE])
    assert wanted.company == HILLSIDE
    assert wanted.company_access == CompanyAccess(template="Office Staff")
    assert wanted.default_project_template == FOREMAN
    assert wanted.memberships == (Membership(project=CLINIC, template="Clinic Only"), Membership(project=TOWER))


def test_none_is_a_decision_and_silence_is_not() -> None:
    """ "none" clears; what is left out stays None, i.e. is left alone."""
    silent = resolve(job("update", add_to_new_projects=False), ACTIVE, FACTS)
    assert silent == Wanted(email=EMAIL, add_to_new_projects=False)
    clears = job("update", company="none", company_access="none", default_project_template="none")
    assert resolve(clears, ACTIVE, FACTS) == Wanted(
        email=EMAIL, company=NO_VENDOR, company_access=CompanyAccess(), default_project_template=""
    )


def test_levels_get_the_tools_own_labels() -> None:
    """Levels are matched to the tenant's tools."""
    wish = job("update", company_access={"levels": {"documents": "Read Only"}})
    access = resolve(wish, ACTIVE, FACTS).company_access
    assert access == CompanyAccess(levels={"Documents": AccessLevel.READ_ONLY})


UNKNOWN: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"projects": [{"project": "24-017", "template": "Forman"}]},
        "$.projects[0].template",
        "no template 'Forman'",
        f"'{FOREMAN}'",
    ),
    ({"default_project_template": "Clinic Only"}, "$.default_project_template", "specific to another project", ""),
    ({"default_project_template": "Double"}, "$.default_project_template", "2 templates are called 'Double'", ""),
    ({"company_access": {"template": "Viewer"}}, "$.company_access.template", "a global project permissions", ""),
    ({"company_access": {"template": "Ofice Staff"}}, "$.company_access.template", "no template", "'Office Staff'"),
    ({"company_access": {"levels": {"Docments": "Admin"}}}, "$.company_access.levels.Docments", "no company", "'Docum"),
    ({"projects": [{"project": "Riverside Clinc", "template": "Viewer"}]}, "$.projects[0].project", "no project", "'R"),
    (
        {"projects": [{"project": "Harbour Tower", "template": "Viewer"}]},
        "$.projects[0].project",
        "2 projects are called",
        "'24-018 - Harbour Tower (id 2)'",
    ),
    (
        {"projects": [{"project": "24-017", "template": "none"}, {"project": {"id": "1"}, "template": "none"}]},
        "$.projects[1].project",
        "named twice",
        "",
    ),
    ({"projects": [{"project": {"id": "99"}, "template": "none"}]}, "$.projects[0].project", "no project 'id 99'", ""),
    ({"company": "Hilside"}, "$.company", "no active company", "'Hillside"),
    ({"company": {"name": "Hillside", "id": "99"}}, "$.company.id", "has the id 99", "'Hillside (id 11, Dover, NH)'"),
]


@pytest.mark.parametrize(("fields", "path", "message", "suggestion"), UNKNOWN, ids=lambda item: str(item)[:40])
def test_an_unknown_name_is_answered_with_the_nearest(
    fields: dict[str, Any], path: str, message: str, suggestion: str
) -> None:
    """One problem with its JSON path, and the nearest names or the candidates."""
    (problem,) = problems_of(job("provision", **fields), ACTIVE, HILLSIDE)
    assert problem.path == path
    assert message in problem.message
    assert suggestion in problem.suggestion
    assert bool(suggestion) == bool(problem.suggestion)


def test_double_company_names_need_an_id() -> None:
    """Two companies of one name are refused with both as candidates; the id decides."""
    twins = (HILLSIDE, Vendor(id="12", name="Hillside", hint="Concord, NH"))
    (problem,) = problems_of(job("provision", company="Hillside"), ACTIVE, *twins)
    assert "2 active companies" in problem.message
    assert "id 11, Dover, NH" in problem.suggestion
    assert "id 12, Concord, NH" in problem.suggestion
    wanted = resolve(job("provision", company={"name": "Hillside", "id": "12"}), ACTIVE, FACTS, twins)
    assert wanted.company == twins[1]


def test_every_problem_is_told_at_once() -> None:
    """Four wrong names are four problems, each with its own place."""
    wish = job(
        "provision",
        company="Nobody Ltd",
        company_access={"template": "x"},
        default_project_template="y",
        projects=[{"project": "24-017", "template": "z"}],
    )
    paths = ["$.company", "$.company_access.template", "$.default_project_template", "$.projects[0].template"]
    assert [problem.path for problem in problems_of(wish)] == paths


def test_who_is_created_needs_the_tenants_required_fields() -> None:
    """Yes/no fields always have a value; texts and the company do not."""
    paths = [problem.path for problem in problems_of(job("provision"), None)]
    assert paths == ["$.person.attributes.job_title", "$.company"]


def test_a_required_field_is_not_emptied_and_a_read_only_one_not_set() -> None:
    """Both are refused before anything is written; a read-only field that is as wanted is fine."""
    person = {"email": EMAIL, "attributes": {"job_title": None, "city": "Concord", "first_name": "Ana"}}
    limited = ACTIVE.model_copy(update={"read_only_fields": frozenset({"city", "first_name"})})
    found = problems_of(job("update", person=person), limited)
    assert [problem.path for problem in found] == ["$.person.attributes.job_title", "$.person.attributes.city"]
    no_email = ACTIVE.model_copy(update={"read_only_fields": frozenset({"email"})})
    with pytest.raises(Refused) as refused:
        resolve(job("change_email", new_email="b@example.com"), no_email, FACTS)
    assert refused.value.code == "email-locked"


@pytest.mark.parametrize("action", ["reactivate", "provision"])
def test_nobody_is_brought_back_into_an_inactive_company(action: str) -> None:
    """Procore would refuse after the stripping was done: refused before, unless the job names an active company."""
    gone = Vendor(id="77", name="Ironwood Concrete")
    owen = INACTIVE.model_copy(update={"company": gone})
    wish = job(action).model_copy(update={"company": None})
    assert company_to_find(wish, owen) == "Ironwood Concrete"
    with pytest.raises(Refused) as refused:
        resolve(wish, owen, FACTS)
    assert refused.value.code == "inactive-company"
    assert "Ironwood Concrete" in refused.value.message
    resolve(wish, owen, FACTS, (gone,))
    named = wish.model_copy(update={"company": "none"})
    assert resolve(named, owen, FACTS).company == NO_VENDOR


def test_numbers_are_suggested_only_when_one_slip_away() -> None:
    """24-999 resembles every number of that year, and means none of them."""
    (far,) = problems_of(job("remove_from_projects", projects=["24-999"]))
    (near,) = problems_of(job("remove_from_projects", projects=["24-071"]))
    assert far.suggestion == ""
    assert "24-017" in near.suggestion
    for slip in ("24-17", "24-0177", "24-018", "24-071", "42-017"):
        assert one_slip(slip, "24-017"), slip
    for other in ("24-017", "24-999", "25-018", "017-24", ""):
        assert not one_slip(other, "24-017"), other


def test_a_closed_part_of_the_page_is_found_before_the_first_write() -> None:
    """With limited rights a leaver could be stripped only half: refused, unless that part is as wanted already."""
    closed = frozenset({"company_access", "add_to_new_projects"})
    limited = ACTIVE.model_copy(update={"read_only_fields": closed, "add_to_new_projects": True})
    (problem,) = problems_of(job("offboard"), limited)
    assert (problem.path, "Add to All New Projects" in problem.message) == ("$", True)
    (problem,) = problems_of(job("update", add_to_new_projects=False), limited)
    assert problem.path == "$.add_to_new_projects"
    assert resolve(job("update", company_access="none"), limited, FACTS).company_access == CompanyAccess()


def test_a_hidden_field_of_a_new_person_is_refused_before_the_creation() -> None:
    """A creation cannot be undone, so a field that no form takes is found before; not seen is not hidden."""
    person = {"email": EMAIL, "attributes": {"last_name": "Berg", "job_title": "Mason", "notes": "x", "city": "y"}}
    wish = job("provision", person=person, company="Hillside")
    seen = FACTS.model_copy(update={"edit_fields": frozenset({"last_name", "city"})})
    with pytest.raises(ProblemsFound) as found:
        resolve(wish, None, seen, [HILLSIDE])
    assert [problem.path for problem in found.value.problems] == ["$.person.attributes.notes"]
    assert resolve(wish, None, FACTS, [HILLSIDE]).attributes["notes"] == "x"


def test_exactly_empties_what_is_not_named() -> None:
    """Only fields that the page shows, that may be empty and that the tenant does not require."""
    wanted = resolve(job("provision", attributes_mode="exactly"), ACTIVE, FACTS)
    assert wanted.attributes == {"first_name": "Ana", "last_name": "Lindqvist", "city": "", "notes": ""}


def test_whoever_is_inactive_gets_access_from_zero() -> None:
    """at_least means exactly, and "all new projects" is off where the job is silent."""
    wish = job("provision", add_to_new_projects=None)
    assert resolve(wish, ACTIVE, FACTS).add_to_new_projects is None
    assert not resolve(wish, ACTIVE, FACTS).only_these
    from_zero = resolve(wish, INACTIVE, FACTS)
    assert from_zero.only_these
    assert from_zero.add_to_new_projects is False
    assert resolve(job("reactivate"), ACTIVE, FACTS).only_these


def test_a_closed_project_can_still_be_left() -> None:
    """A membership's project counts as known even when the tenant lists it no longer."""
    wanted = resolve(job("remove_from_projects", projects=["19-001"]), ACTIVE, FACTS)
    assert wanted.absent == (CLOSED,)
    assert resolve(job("remove_from_projects", projects="all"), ACTIVE, FACTS) == Wanted(email=EMAIL, only_these=True)


@pytest.mark.parametrize(
    ("wish", "person", "code"),
    [
        (job("update", add_to_new_projects=True), INACTIVE, "inactive-person"),
        (job("add_to_projects", projects=[{"project": "24-017", "template": "none"}]), INACTIVE, "inactive-person"),
        (job("invite"), INACTIVE, "inactive-person"),
        (job("invite"), ACTIVE.model_copy(update={"invited": None}), "invitation-unknown"),
        (job("provision", invitation=True), ACTIVE.model_copy(update={"invited": None}), "invitation-unknown"),
        (job("reactivate", invitation=True), ACTIVE.model_copy(update={"invited": None}), "invitation-unknown"),
        (job("offboard"), None, "no-such-person"),
    ],
)
def test_an_action_that_does_not_suit_the_person_is_refused(wish: Job, person: Person | None, code: str) -> None:
    """Refused with a stable code, before any name is looked at."""
    with pytest.raises(Refused) as refused:
        resolve(wish, person, FACTS)
    assert refused.value.code == code


def test_unseen_templates_are_not_called_wrong_names() -> None:
    """Where the agent's rights show no templates, the message says so."""
    blind = FACTS.model_copy(update={"company_templates": ()})
    with pytest.raises(ProblemsFound, match="can be seen with the agent's rights"):
        resolve(job("update", company_access={"template": "Office Staff"}), ACTIVE, blind)
