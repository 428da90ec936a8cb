"""The job with invented names, and the sandbox told to show the same trouble."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.debugging.invented import EMAIL, PEOPLE, PROJECT_TEMPLATES, Inventing
from agent.debugging.reproduction import reproduction
from agent.debugging.trouble import Missed, Trouble
from agent.evidence.record import Record
from agent.jobs.parse import read_jobs

ROOT = Path(__file__).resolve().parents[3]
REAL = {
    "action": "provision",
    "tenant": "northwind",
    "idempotency_key": "hr-9001-secretive",
    "reason": {"ticket": "HR-9001", "requested_by": "real.boss@example.com", "approved_by": "other@example.com"},
    "person": {
        "email": "real.person@example.com",
        "attributes": {"first_name": "Realia", "last_name": "Personsdottir", "job_title": "Chief of Cranes"},
    },
    "company": {"name": "Realbuild Inc", "id": "562949953421999"},
    "company_access": {"template": "Northwind Field Admins"},
    "default_project_template": "Northwind Engineers",
    "invitation": False,
    "projects": [
        {"project": "Secret Tower", "template": "Northwind Engineers"},
        {"project": "Hidden Bridge", "template": "none"},
    ],
}
BEFORE = {
    "person": {
        "email": "real.person@example.com",
        "active": True,
        "attributes": {"job_title": "Deputy of Cranes", "last_name": "Personsdottir", "city": "Realtown"},
        "company_access": {"template": "Northwind Field Admins"},
        "memberships": [
            {"project": {"id": "1", "name": "Secret Tower", "number": ""}, "template": "Northwind Foremen"}
        ],
    }
}


def trouble(code: str, *missed: Missed, well: bool = False) -> Trouble:
    """Trouble of this kind."""
    return Trouble("failed", well, 1, "", "", code, "", "", "", "", "", None, missed, {})


def record(tmp_path: Path, job: dict[str, Any], before: dict[str, Any] | None = None) -> Record:
    """The evidence of this job."""
    return Record(tmp_path, request={"job": job}, before=before or {})


def test_nobody_real_is_in_it(tmp_path: Path) -> None:
    """Names, addresses, projects and templates of the real job are in none of the files; the job is still a job."""
    made = reproduction(record(tmp_path, REAL, BEFORE), trouble("denied"), "out")
    everything = json.dumps(made.files)
    for word in ("real", "northwind", "personsdottir", "crane", "tower", "hidden", "hr-9001", "5629499534219"):
        assert word not in everything.casefold(), word
    (job,) = read_jobs(made.files["job.json"].encode())
    assert job.model_dump()["person"]["email"] == EMAIL


def test_the_start_differs_where_it_did(tmp_path: Path) -> None:
    """What the job was to change is otherwise at the start; what was so already is so already."""
    made = reproduction(record(tmp_path, REAL, BEFORE), trouble("denied"), "out")
    (person,) = json.loads(made.files["people.json"])
    assert person["values"]["job_title"] != PEOPLE["job_title"]
    assert person["values"]["last_name"] == PEOPLE["last_name"]
    job = json.loads(made.files["job.json"])
    assert list(person["memberships"]) == [job["projects"][0]["project"]]
    assert person["memberships"]["24-001"] != job["projects"][0]["template"]


def test_somebody_is_there_when_nobody_has_looked(tmp_path: Path) -> None:
    """A job that failed before the person was read needs somebody for whom there is something to do."""
    update = {
        "action": "update",
        "person": {"email": "a@example.com", "attributes": {"city": "Realtown"}},
        "reason": {},
    }
    (person,) = json.loads(reproduction(record(tmp_path, update), trouble("denied"), "out").files["people.json"])
    assert person["values"]["city"] not in ("Realtown", PEOPLE["city"])
    assert "people.json" not in reproduction(record(tmp_path, REAL), trouble("denied"), "out").files


def test_the_same_name_is_the_same_each_time() -> None:
    """And two names are two; the sandbox's own stay."""
    inventing = Inventing()
    assert inventing.project_template("A") == inventing.project_template("A") == PROJECT_TEMPLATES[0]
    assert inventing.project_template("B") == PROJECT_TEMPLATES[1]
    assert inventing.project_template("Read Only - Internal") == "Read Only - Internal"
    assert inventing.company_template("Tenant Admins") == "Company Admin"
    for number in range(10):
        inventing.project_template(f"T{number}")
    assert inventing.shared


@pytest.mark.parametrize("path", sorted((ROOT / "fixtures" / "jobs").glob("*.json")), ids=lambda path: path.stem)
def test_every_kind_of_job_can_be_invented(path: Path, tmp_path: Path) -> None:
    """The invented job is one that the agent takes, whatever its action."""
    told = json.loads(path.read_text(encoding="utf-8"))
    for job in told if isinstance(told, list) else [told]:
        made = reproduction(record(tmp_path, job), trouble("denied"), "out")
        read_jobs(made.files["job.json"].encode())


@pytest.mark.parametrize(
    ("code", "effect"),
    [("signed-out", "sign_out"), ("unknown-dialog", "unknown_dialog"), ("answer-lost", "drop_response")],
)
def test_the_sandbox_is_told(code: str, effect: str, tmp_path: Path) -> None:
    """Each kind of trouble that it knows has its fault."""
    made = reproduction(record(tmp_path, REAL), trouble(code), "out")
    assert json.loads(made.files["faults.json"])[0]["effect"] == effect
    assert any("faults.json" in command for command in made.commands)


def test_a_missing_place_is_taken_away_there_too(tmp_path: Path) -> None:
    """By the last name in its selector."""
    missed = Missed("edit.save", "one", "0 elements", 'form#edit button[name="commit"][value="save"]')
    made = reproduction(record(tmp_path, REAL), trouble("unknown-page", missed), "out")
    assert json.loads(made.files["faults.json"])[0]["hook"] == 'value="save"'
    two = Missed("edit.save", "one", "2 elements", "form#edit")
    assert "faults.json" not in reproduction(record(tmp_path, REAL), trouble("unknown-page", two), "out").files


@pytest.mark.parametrize("code", ["sign-in-rejected", "browser-lost"])
def test_what_cannot_be_shown_is_said(code: str, tmp_path: Path) -> None:
    """With the reason."""
    made = reproduction(record(tmp_path, REAL), trouble(code), "out")
    assert (made.possible, made.files) == (False, {})
    assert "hangs on" in made.why_not
    assert not reproduction(Record(tmp_path), trouble("denied"), "out").possible
