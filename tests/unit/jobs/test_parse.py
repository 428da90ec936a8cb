"""A job file is read strictly: every mistake at once, each with its place, what was expected and the nearest name."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.attributes import ATTRIBUTES
from agent.errors import RetrySafe
from agent.jobs.model import Provision
from agent.jobs.parse import MAX_BYTES, MAX_JOBS, JobFileError, read_jobs
from agent.jobs.person import Attributes
from agent.jobs.problems import Problem

REASON = {"ticket": "IT-1", "requested_by": "hr@example.com", "approved_by": "boss@example.com"}
GOOD: dict[str, Any] = {
    "action": "provision",
    "idempotency_key": "key-1",
    "reason": REASON,
    "person": {"email": "ana@example.com", "attributes": {"last_name": "Berg"}},
    "company_access": "none",
    "default_project_template": "none",
    "projects": [{"project": "24-017", "template": "Viewer"}],
    "invitation": True,
}
OTHER = {"action": "read", "idempotency_key": "key-2", "reason": REASON, "person": {"email": "ana@example.com"}}


def errors_of(text: str | bytes) -> JobFileError:
    with pytest.raises(JobFileError) as error:
        read_jobs(text)
    assert error.value.code == "bad-job-file"
    assert error.value.retry_safe is RetrySafe.YES
    return error.value


def without(*path: str | int) -> dict[str, Any]:
    document = copy.deepcopy(GOOD)
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return document


def with_value(value: Any, *path: str | int) -> dict[str, Any]:
    document = copy.deepcopy(GOOD)
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return document


def test_one_job_or_a_list() -> None:
    """Both forms are read, in order; a mark at the start and bytes are fine."""
    assert [job.action for job in read_jobs(json.dumps(GOOD))] == ["provision"]
    assert [job.action for job in read_jobs(json.dumps([GOOD, OTHER]))] == ["provision", "read"]
    assert read_jobs(("\ufeff" + json.dumps(GOOD)).encode()) == read_jobs(json.dumps(GOOD))


def test_a_job_survives_being_written_and_read_again() -> None:
    """What was left out stays left out, so that the evidence's request can be run again."""
    document = with_value({"last_name": "Berg", "notes": None, "is_employee": False}, "person", "attributes")
    (job,) = read_jobs(json.dumps(document))
    assert read_jobs(job.model_dump_json(exclude_unset=True)) == (job,)
    assert json.loads(job.model_dump_json(exclude_unset=True)) == document


def test_attributes_distinguish_left_out_emptied_and_set() -> None:
    """Left out is not there, null is "", yes/no is text."""
    (job,) = read_jobs(
        json.dumps(with_value({"last_name": " Berg ", "zip": None, "is_employee": True}, "person", "attributes"))
    )
    assert isinstance(job, Provision)
    assert job.person.attributes.as_texts() == {"last_name": "Berg", "zip": "", "is_employee": "yes"}


def test_jobs_know_the_fields_of_the_directory() -> None:
    """Each attribute of the domain can be set by a job, and no other."""
    assert list(Attributes.model_fields) == [attribute.name for attribute in ATTRIBUTES]


BAD: list[tuple[dict[str, Any], str, str]] = [
    (without("action"), "$.action", "is missing; expected one of provision, update"),
    (with_value("provison", "action"), "$.action", "there is no action 'provison'"),
    (with_value("provison", "action"), "$.action", "did you mean 'provision'?"),
    (with_value(7, "action"), "$.action", "there is no action 7"),
    (without("reason"), "$.reason", "is missing; expected why this is done"),
    (without("reason", "approved_by"), "$.reason.approved_by", "is missing; expected who approved it"),
    (with_value("", "reason", "ticket"), "$.reason.ticket", "is ''; expected at least 1 characters"),
    (with_value("  ", "reason", "ticket"), "$.reason.ticket", "expected at least 1 characters"),
    (without("company_access"), "$.company_access", "is missing; expected access to the company's tools"),
    (without("default_project_template"), "$.default_project_template", "is missing"),
    (without("invitation"), "$.invitation", "is missing; expected whether"),
    (without("projects", 0, "template"), "$.projects[0].template", 'or "none"'),
    (without("person", "attributes", "last_name"), "$.person", "needs attributes.last_name"),
    (
        with_value(None, "person", "attributes", "last_name"),
        "$.person.attributes.last_name",
        "is null; expected a text",
    ),
    (with_value("yes", "invitation"), "$.invitation", "is a text; expected true or false"),
    (with_value(1, "invitation"), "$.invitation", "is a number; expected true or false"),
    (with_value("x", "tmplate"), "$.tmplate", "is not a known field"),
    (with_value("x", "compny"), "$.compny", "did you mean 'company'"),
    (with_value("x", "person", "attributes", "mobile"), "$.person.attributes.mobile", "did you mean 'mobile_phone'"),
    (with_value("x", "projects", 0, "tmplate"), "$.projects[0].tmplate", "did you mean 'template'?"),
    (with_value([GOOD["projects"][0]] * 2, "projects"), "$.projects", "names the project '24-017' twice"),
    (with_value("key 1", "idempotency_key"), "$.idempotency_key", "expected 1 to 120 letters, digits"),
    (with_value("../../x", "idempotency_key"), "$.idempotency_key", "expected 1 to 120 letters, digits"),
    (with_value("2026-12-01T06:00:00", "needed_by"), "$.needed_by", "expected a time with its offset"),
    (with_value(1764547200, "needed_by"), "$.needed_by", "expected a time"),
    (with_value("2026-12-01T06:00:00", "not_after"), "$.not_after", "expected a time with its offset"),
    (
        {**GOOD, "needed_by": "2026-12-02T06:00:00+00:00", "not_after": "2026-12-01T06:00:00+00:00"},
        "$",
        "is given up before the time at which it is needed",
    ),
    (
        {
            **{name: GOOD[name] for name in ("reason", "idempotency_key")},
            "action": "offboard",
            "person": {"email": "a@example.com"},
            "not_after": "2026-12-01T06:00:00+00:00",
        },
        "$.not_after",
        "is not a known field",
    ),
    (with_value("Office", "company_access"), "$.company_access", 'expected "none", {"template": name} or'),
    (with_value({}, "company_access"), "$.company_access", "needs either a template or levels, not neither"),
    (
        with_value({"template": "A", "levels": {"Documents": "None"}}, "company_access"),
        "$.company_access",
        "needs either a template or levels, not both",
    ),
    (
        with_value({"levels": {"Cost Catalog": "read only"}}, "company_access"),
        "$.company_access.levels['Cost Catalog']",
        "did you mean 'Read Only'?",
    ),
    (
        with_value({"levels": {"Documents": "None", "documents ": "Admin"}}, "company_access"),
        "$.company_access.levels",
        "twice",
    ),
    (with_value("Berg\u202e", "person", "attributes", "last_name"), "$.person.attributes.last_name", "U+202E"),
    (with_value("a\nb", "person", "attributes", "address"), "$.person.attributes.address", "U+000A"),
    (with_value("x" * 256, "person", "attributes", "city"), "$.person.attributes.city", "at most 255 characters"),
    (with_value("usa", "person", "attributes", "country_code"), "$.person.attributes.country_code", "such as US"),
    (with_value({"name": "A", "id": 7}, "company"), "$.company.id", "is a number; expected a text"),
    (with_value({"id": "x"}, "projects", 0, "project"), "$.projects[0].project.id", "expected digits, as text"),
    (with_value("exact", "projects_mode"), "$.projects_mode", "did you mean 'exactly'?"),
    ({**OTHER, "action": "update"}, "$", "changes nothing"),
    ({**OTHER, "action": "change_email", "new_email": "ANA@example.com"}, "$", "has the same address twice"),
    ({**OTHER, "action": "remove_from_projects", "projects": "al"}, "$.projects", '"all", or a list of projects'),
    ({**OTHER, "action": "remove_from_projects", "projects": []}, "$.projects", "expected 1 to 500 projects"),
    ({**OTHER, "action": "add_to_projects", "projects": []}, "$.projects", "at least 1 entries"),
    ({**OTHER, "action": "snapshot"}, "$.person", "is not a known field"),
]


@pytest.mark.parametrize(("document", "path", "said"), BAD, ids=lambda item: item if isinstance(item, str) else "")
def test_a_mistake_is_named(document: dict[str, Any], path: str, said: str) -> None:
    """Each mistake has its JSON path and says what was expected; in a list the path begins with the position."""
    (problem,) = errors_of(json.dumps(document)).problems
    assert problem.path == path
    assert said in problem.sentence
    (problem,) = errors_of(json.dumps([OTHER | {"idempotency_key": "other"}, document])).problems
    assert problem.path == path.replace("$", "$[1]", 1)


NO_ADDRESSES = (
    "",
    "ana",
    "ana@",
    "@example.com",
    "ana@example",
    "a b@example.com",
    "ana@exa_mple.com",
    "ana@-a.example.com",
    "ana@a..example.com",
    ".ana@example.com",
    "a..b@example.com",
    "änä@example.com",
    "ana@example.com\u200b",
    "<ana@example.com>",
    "x" * 65 + "@example.com",
    "ana@" + "a." * 130 + "test",
    "ana@" + "10.0.0.1",
    "ana@example.com,eve@example.com",
)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Addresses are ASCII, have one mailbox and a real domain, and nothing around them."""
    (problem,) = errors_of(json.dumps(with_value(address, "person", "email"))).problems
    assert problem.path == "$.person.email"


@pytest.mark.parametrize(
    "address", ["a@b.test", "o'neil+procore@sub.example.com", "ANA.BERG@EXAMPLE.COM", "x_1@xn--bcher-kva.example"]
)
def test_what_is_an_address_is_kept_as_written(address: str) -> None:
    """Plus signs, apostrophes and capitals are allowed."""
    (job,) = read_jobs(json.dumps(with_value(address, "person", "email")))
    assert isinstance(job, Provision)
    assert job.person.email == address


def test_every_mistake_of_every_job_at_once() -> None:
    """Three jobs with four mistakes give four problems, in order."""
    first = without("invitation")
    del first["reason"]["ticket"]
    second = {**OTHER, "acton": "x"}
    third = {**OTHER, "person": {"email": "nobody"}, "idempotency_key": "key-3"}
    assert [problem.path for problem in errors_of(json.dumps([first, second, third])).problems] == [
        "$[0].reason.ticket",
        "$[0].invitation",
        "$[1].acton",
        "$[2].person.email",
    ]


def test_a_key_used_twice_in_a_file_is_refused() -> None:
    """Two jobs with one idempotency key would be taken for one."""
    (problem,) = errors_of(json.dumps([OTHER, OTHER])).problems
    assert problem.path == "$[1].idempotency_key"
    assert "'key-2' is used already at $[0].idempotency_key" in problem.message


def test_a_repeated_json_key_is_refused() -> None:
    """Python would silently take the last one; which one was meant is not ours to decide."""
    text = json.dumps([OTHER]).replace('"email": "ana@', '"email": "eve@example.com", "email": "ana@')
    (problem,) = errors_of(text).problems
    assert (problem.path, problem.message) == ("$[0].person.email", "is given more than once")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"action": ', "not JSON: Expecting value at line 1, column 12"),
        ('{\n"action" "read"}', "at line 2, column 10"),
        ("", "not JSON"),
        ("[]", "the list of jobs is empty"),
        ("7", "is a number; expected a job, i.e. an object"),
        ("[[]]", "$[0]: is a list"),
        ("NaN", "NaN is not JSON"),
        ('{"action": Infinity}', "Infinity is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 30 + "]" * 30, "nested too deeply"),
        ("9" * 5000, "too long"),
        (b"\xff\xfe", "not UTF-8"),
        ('{"action": "\\ud800"}', "lone surrogate"),
        ('{"\\ud800": 1}', "lone surrogate"),
        (" " * (MAX_BYTES + 1), f"at most {MAX_BYTES}"),
        (json.dumps([0] * (MAX_JOBS + 1)), f"at most {MAX_JOBS}"),
    ],
    ids=range(16),
)
def test_what_is_no_job_file(text: str | bytes, said: str) -> None:
    """Broken, hostile or oversized files end in a sentence, never in a traceback."""
    error = errors_of(text)
    assert said in error.message
    error.message.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted({**GOOD, "needed_by": 0, "company": 0, "tenant": 0})), json_values)
def test_any_value_in_any_place_is_read_or_explained(field: str, value: Any) -> None:
    """Whatever stands in a field: either a job, or problems with a path; nothing else is raised."""
    problems: tuple[Problem, ...] = ()
    try:
        jobs = read_jobs(json.dumps({**GOOD, field: value}))
    except JobFileError as error:
        jobs, problems = (), error.problems
    assert bool(jobs) != bool(problems)
    assert all(problem.path.startswith("$") and problem.sentence.encode() for problem in problems)
