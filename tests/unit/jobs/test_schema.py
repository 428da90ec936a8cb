"""The published JSON Schema, the example jobs and the reference agree with the models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent.jobs.bulk import BulkJob
from agent.jobs.model import ACTIONS, ANY_JOB, email_of
from agent.jobs.parse import read_jobs
from agent.jobs.schema import job_schema

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "fixtures" / "jobs").glob("*.json"))
REFERENCE = (ROOT / "docs" / "reference" / "jobs.md").read_text(encoding="utf-8")
SCHEMA = job_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_schema_is_a_schema() -> None:
    """Draft 2020-12, closed everywhere: an unknown key is an error for editors too."""
    Draft202012Validator.check_schema(SCHEMA)
    objects = [part for part in SCHEMA["$defs"].values() if part.get("type") == "object"]
    assert len(objects) > len(ACTIONS)
    assert all(part["additionalProperties"] is False for part in objects)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_good(path: Path) -> None:
    """Each example passes the schema and the reader."""
    text = path.read_text(encoding="utf-8")
    assert list(VALIDATOR.iter_errors(json.loads(text))) == []
    assert read_jobs(text)


def test_each_action_has_an_example() -> None:
    """fixtures/jobs/{action}.json is a job of that action."""
    for action in ACTIONS:
        (job,) = read_jobs((ROOT / "fixtures" / "jobs" / f"{action}.json").read_text(encoding="utf-8"))
        assert job.action == action
        assert (email_of(job) is None) == (action == "snapshot" or isinstance(job, BulkJob))


@pytest.mark.parametrize(
    "change",
    [
        {"action": "fire"},
        {"person": {"email": "x@example.com", "attributes": {"last_name": "B", "shoe_size": "44"}}},
        {"invitation": "yes"},
        {"company_access": "all"},
        {"projects": [{"project": "24-001"}]},
        {"needed_by": 7},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    """A planted mistake is seen by the schema too."""
    example = json.loads((ROOT / "fixtures" / "jobs" / "provision.json").read_text(encoding="utf-8"))
    assert list(VALIDATOR.iter_errors(example)) == []
    assert list(VALIDATOR.iter_errors(example | change))


def test_every_field_is_described_with_an_example() -> None:
    """The schema says what each field means; only those with a fixed word or parts of their own lack an example."""
    for name, part in SCHEMA["$defs"].items():
        for field, schema in part.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field}"
            assert schema.get("examples") or field in {"action", "reason", "person"}, f"{name}.{field}"


def section_of(action: str) -> str:
    found = re.search(rf"^## `{action}`\n(.*?)(?=^## |\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/jobs.md has no section for {action}"
    return found.group(1)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_reference_has_each_field_of_each_action(action: str) -> None:
    """Each action's section names its own fields in a table and holds an example that can be used."""
    section = section_of(action)
    common = {"action", "reason", "idempotency_key", "needed_by", "not_after", "tenant"}
    for field in set(ACTIONS[action].model_fields) - common:
        assert f"| `{field}`" in section, field
    (example,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    assert ANY_JOB.validate_json(example).action == action


def test_the_reference_has_the_parts() -> None:
    """Fields of the pieces (reason, person, attributes, projects ...) are documented as well."""
    for name, part in SCHEMA["$defs"].items():
        for field in part.get("properties", {}):
            assert re.search(rf"`(person\.|attributes\.|reason\.)?{field}`", REFERENCE), f"{name}.{field}"


@pytest.mark.parametrize("action", ACTIONS)
def test_the_reference_shows_the_example_that_is_tested(action: str) -> None:
    """The example in the reference is the file in fixtures/jobs, word by word."""
    (shown,) = re.findall(r"```json\n(.*?)```", section_of(action), re.DOTALL)
    assert shown == (ROOT / "fixtures" / "jobs" / f"{action}.json").read_text(encoding="utf-8")
