"""Job files on their way in: everything strict, everything told at once, each mistake at its place."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from agent.intake.batch import Format, Source, format_of_content, read_batch
from agent.intake.csv_columns import COLUMNS
from agent.jobs.model import ACTIONS, Job
from agent.jobs.parse import MAX_BYTES, MAX_JOBS, JobFileError

REASON = {"ticket": "T-1", "requested_by": "hr@example.com", "approved_by": "it@example.com"}
BASE = {"ticket": "T-1", "requested_by": "hr@example.com", "approved_by": "it@example.com", "email": "ana@example.com"}


def csv_of(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    """A CSV file with these rows; columns are all that are named."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def row(action: str, key: str = "k-1", **cells: str) -> dict[str, str]:
    """A row of this action."""
    return {"action": action, "idempotency_key": key, **BASE, **cells}


def provision(key: str = "k-1", **cells: str) -> dict[str, str]:
    """A row that provisions somebody."""
    given = {"last_name": "Lind", "company_template": "Field Staff", "default_project_template": "none"}
    return row("provision", key, **{**given, "invitation": "yes", **cells})


def of_many(action: str, key: str = "k-1", **cells: str) -> dict[str, str]:
    """A row about many people, or a group: it has no address of its own."""
    return {name: cell for name, cell in row(action, key, **cells).items() if name != "email"}


def read(data: bytes, name: str = "people.csv") -> tuple[Job, ...]:
    return tuple(placed.job for placed in read_batch([Source(name, data)]))


def problems(*sources: Source) -> list[str]:
    with pytest.raises(JobFileError) as caught:
        read_batch(sources)
    return [problem.sentence for problem in caught.value.problems]


def dumped(job: Job) -> dict[str, Any]:
    return json.loads(job.model_dump_json(exclude_unset=True))  # type: ignore[no-any-return]  # of JSON


def test_a_row_becomes_the_same_job_as_the_json_that_says_the_same() -> None:
    """CSV is another way to write a job, not another kind of job."""
    (job,) = read(
        csv_of(
            provision(
                first_name="Ana",
                is_employee="yes",
                projects="24-017=Project Engineer - Internal; id:5629=none; A\\;B=X until 2027-03-31T18:00:00+00:00",
                company="Hillside",
                company_id="77",
            )
        )
    )
    assert dumped(job) == {
        "action": "provision",
        "idempotency_key": "k-1",
        "reason": REASON,
        "person": {
            "email": "ana@example.com",
            "attributes": {"first_name": "Ana", "last_name": "Lind", "is_employee": True},
        },
        "company": {"name": "Hillside", "id": "77"},
        "company_access": {"template": "Field Staff"},
        "default_project_template": "none",
        "projects": [
            {"project": "24-017", "template": "Project Engineer - Internal"},
            {"project": {"id": "5629"}, "template": "none"},
            {"project": "A;B", "template": "X", "ends_at": "2027-03-31T18:00:00Z"},
        ],
        "invitation": True,
    }


@pytest.mark.parametrize(
    "given",
    [
        provision(),
        row("update", job_title="Foreman", mobile_phone="(empty)"),
        row("change_email", new_email="ana.b@example.com"),
        row("offboard", hand_over="Open RFIs of 24-017=jonas@example.com"),
        row("reactivate", company_template="none", default_project_template="none", projects="none")
        | {"add_to_new_projects": "no", "invitation": "no"},
        row("add_to_projects", projects="24-017=none"),
        row("remove_from_projects", projects="24-017; id:5"),
        row("remove_from_projects", projects="all"),
        row("invite", resend="yes"),
        row("read"),
        {name: cell for name, cell in row("snapshot").items() if name != "email"},
        of_many("bulk_add_to_project", project="24-017", people="ana@example.com=Foreman; bo@example.com=none"),
        of_many("bulk_remove_from_project", project="id:5", people="ana@example.com; bo@example.com"),
        of_many("distribution_group", group="Safety", members_exactly="none", description="(empty)"),
        of_many(
            "distribution_group", group="Safety", members_at_least="ana@example.com", members_remove="bo@example.com"
        ),
        of_many("distribution_group", group="Safety", project="24-017", absent="yes"),
    ],
    ids=lambda given: given["action"],
)
def test_every_action_can_be_written_as_a_row(given: dict[str, str]) -> None:
    """No action needs JSON."""
    assert read(csv_of(given))[0].action == given["action"]


def test_a_row_about_many_people_names_the_entry_that_is_wrong() -> None:
    """The second of three; and one of them twice."""
    twice = of_many("bulk_remove_from_project", project="24-017", people="ana@example.com; Ana@example.com")
    wrong = of_many("bulk_add_to_project", "k-2", project="24-017", people="ana@example.com=A; bo@=B; cy@example.com=C")
    assert problems(Source("people.csv", csv_of(twice, wrong))) == [
        "line 2, people: names Ana@example.com twice; expected each person once",
        "line 3, people (entry 2): is not an e-mail address; expected an address such as name@example.com (ASCII, at "
        "most 254 characters)",
    ]


def test_every_action_is_in_the_test_above() -> None:
    """A new action is thought of."""
    assert set(ACTIONS) == {
        "provision", "update", "change_email", "offboard", "reactivate", "add_to_projects", "remove_from_projects",
        "invite", "read", "snapshot", "bulk_add_to_project", "bulk_remove_from_project", "distribution_group",
    }  # fmt: skip


def test_an_empty_cell_is_left_alone_and_the_word_empties() -> None:
    """In a table every row has every column; only what is written is wanted."""
    (job,) = read(csv_of(row("update", job_title="(empty)", city="", notes=" x ")))
    assert dumped(job)["person"]["attributes"] == {"job_title": None, "notes": "x"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_that_of_the_header(delimiter: str) -> None:
    """Spreadsheets of different countries write different ones; a mark at the start does no harm."""
    data = b"\xef\xbb\xbf" + csv_of(provision(projects="24-017=none; 24-018=none"), delimiter=delimiter)
    assert len(getattr(read(data)[0], "projects")) == 2  # noqa: B009  # not every job has projects


def test_every_mistake_is_told_at_once_with_line_column_and_the_nearest_name() -> None:
    """Header and cells, of all rows; the writer corrects the file once."""
    found = problems(
        Source(
            "people.csv",
            csv_of(
                provision(job_titel="x"),
                provision("k-2", invitation="maybe"),
                row("provison", "k-3"),
                row("offboard", "k-4", first_name="Ana", email="nobody"),
                row("add_to_projects", "k-5", projects="24-017"),
                provision("k-1"),
            ),
        )
    )
    assert found[0] == "line 1, job_titel: is not a known column; did you mean 'job_title'?"
    rest = "\n".join(found[1:])
    assert "line 3, invitation: is 'maybe'; expected yes or no" in rest
    assert "line 4, action: there is no action 'provison'" in rest
    assert "line 5, first_name: has no meaning for offboard" in rest
    assert "line 5, email: is not an e-mail address" in rest
    assert "line 6, projects: has no = in '24-017'" in rest
    assert "line 7, idempotency_key: 'k-1' is used already at line 2" in rest
    assert len(found) == 7


def test_a_cell_that_cannot_be_read_is_told_once() -> None:
    """Not as missing besides."""
    assert len(problems(Source("a.csv", csv_of(provision(company_template="", company_levels="Directory"))))) == 1
    assert len(problems(Source("a.csv", csv_of(row("add_to_projects", projects="=x"))))) == 1


def test_lines_are_those_of_the_file_also_after_a_cell_of_several_lines() -> None:
    """The number is what an editor shows."""
    text = csv_of(provision(notes="one\ntwo"), provision("k-2", invitation="x")).decode()
    assert text.count("\n") == 4
    assert any(line.startswith("line 4, invitation") for line in problems(Source("a.csv", text.encode())))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "there is no job"),
        (b"\n\n", "there is no job"),
        (csv_of(provision()).splitlines()[0], "there is no job"),
        (b"who,what\nana,provision\n", "no column 'action'"),
        (b"action,action\nread,read\n", "twice"),
        (b"action,,email\nread,x,y\n", "no name in the header"),
        (b'action,email\n"read,x\n', "not CSV"),
        (b"action,email\nread,a,b,c\n", "4 cells under 2 columns"),
        (b"action\nread\0\n", "zero byte"),
        (b"action\n\xffread\n", "not UTF-8"),
        (b"x" * (MAX_BYTES + 1), "bytes"),
        (b"action\n" + b"read\n" * (MAX_JOBS + 1), f"at most {MAX_JOBS}"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_jobs_is_refused_in_words(data: bytes, words: str) -> None:
    """Empty, headless, torn, binary, huge."""
    assert words in "\n".join(problems(Source("a.csv", data)))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("24-017=", "one side"),
        ("a=b=c", "more than one ="),
        ("24-017=x; 24-017=y", "twice"),
        ("24-017=x until 2027-03-31", "a time such as"),
    ],
)
def test_a_list_of_projects_is_strict(cell: str, words: str) -> None:
    """Nothing is guessed about a grant."""
    assert words in "\n".join(problems(Source("a.csv", csv_of(provision(projects=cell)))))


def test_an_equals_sign_in_a_name_is_written_with_a_backslash() -> None:
    """Names are Procore's; any character may stand in one."""
    (job,) = read(csv_of(provision(projects="A\\=B\\\\C=none")))
    assert dumped(job)["projects"] == [{"project": "A=B\\C", "template": "none"}]


def test_json_lines_tell_line_and_column() -> None:
    """A line that is no JSON, one that is no job, one that is a list."""
    job = {"action": "read", "idempotency_key": "a", "reason": REASON, "person": {"email": "a@example.com"}}
    good, misspelt = json.dumps(job), json.dumps({**job, "action": "raed", "idempotency_key": "b"})
    text = f'{good}\n\n{{"action": }}\n[]\n{misspelt}\n'
    found = problems(Source("feed.jsonl", text.encode()))
    assert found[0].startswith("line 3, column 12: is not JSON")
    assert found[1].startswith("line 4: is not an object")
    assert "line 5: $.action: there is no action 'raed'" in found[2]
    assert "did you mean 'read'" in found[2]
    assert len(read(f"{good}\n".encode(), "feed.ndjson")) == 1


def test_a_repeated_key_of_a_json_line_is_told() -> None:
    """Which of the two was meant?"""
    line = b'{"action": "read", "action": "offboard"}\n{"action": "read"}\n'
    assert "more than once" in problems(Source("feed.jsonl", line))[0]


def test_several_files_are_one_batch_and_each_mistake_names_its_file() -> None:
    """All or nothing; a key stands once in all of them."""
    one = csv_of(row("read"))
    with pytest.raises(JobFileError) as caught:
        read_batch([Source("one.csv", one), Source("two.csv", one)])
    assert caught.value.problems[0].sentence.startswith(
        "two.csv line 2, idempotency_key: 'k-1' is used already at one.csv line 2"
    )
    placed = read_batch([Source("one.csv", one), Source("two.csv", csv_of(row("read", "k-2")))])
    assert [item.place for item in placed] == ["one.csv line 2", "two.csv line 2"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"action": "read"}', Format.JSON),
        (b'{\n "action": "read"}', Format.JSON),
        (b' [{"action": "read"}]', Format.JSON),
        (b'{"action": "read"}\n{"action": "read"}\n', Format.JSON_LINES),
        (b"action,email\n", Format.CSV),
        (b'\xef\xbb\xbf{"a": 1}', Format.JSON),
    ],
)
def test_standard_input_is_told_by_its_beginning(data: bytes, expected: Format) -> None:
    """A pipe has no name."""
    assert format_of_content(data) is expected


def test_every_column_leads_to_a_place_in_some_job() -> None:
    """No column is a dead end, and every field of every job but its parts has one."""
    for name, column in COLUMNS.items():
        assert any(column.belongs_to(action) for action in ACTIONS), name
    covered = {column.path[0] for column in COLUMNS.values()}
    fields = {field for model in ACTIONS.values() for field in model.model_fields}
    assert fields <= covered
