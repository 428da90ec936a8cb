"""The events of a bundle: valid OCSF, one for each write and person, chained and fingerprinted."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent.audit import ocsf
from agent.audit.bundle import Request
from agent.audit.export import export_period
from agent.audit.ledger_source import read_source
from agent.plan.step import StepBase
from tests.unit.audit.archive import Archive
from tests.unit.audit.exported import (
    DECEMBER,
    OCTOBER,
    SEED,
    archive,
    bundle,
    original,
    table,
)
from tests.unit.audit.ocsf_schema import user_management

__all__ = ["archive", "bundle", "original"]  # fixtures


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(user_management())


def events_in(file: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as opened:
        return [json.loads(line) for line in opened.read("events.ocsf.jsonl").splitlines()]


def test_events_are_valid_ocsf(bundle: Path, validator: Draft202012Validator) -> None:
    """Each one fits the schema of its class and profile."""
    found = events_in(bundle)
    assert len(found) > 10
    for event in found:
        assert [error.message for error in validator.iter_errors(event)] == []
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("time"),
        lambda event: event.pop("user"),
        lambda event: event.update(activity_id=18),
        lambda event: event.update(unknown="attribute"),
        lambda event: event["metadata"].pop("product"),
        lambda event: event["attestation_list"][0]["fingerprint"].pop("algorithm_id"),
        lambda event: event["attestation_list"][0].update(strange=1),
    ],
)
def test_the_schema_sees_a_planted_mistake(
    bundle: Path, validator: Draft202012Validator, spoil: Callable[[dict[str, Any]], object]
) -> None:
    """The oracle above would fail."""
    event = events_in(bundle)[1]
    spoil(event)
    assert list(validator.iter_errors(event)) != []


def test_each_write_is_an_event_that_says_what_was_done(bundle: Path) -> None:
    """Save, project, inactivation: activity, status, roles, projects; a refused job is a failure; readers are none."""
    found = events_in(bundle)
    by_name = {(event["activity_name"], event["status"]) for event in found}
    assert by_name == {
        ("Update", "Success"),
        ("Assign Roles", "Success"),
        ("Disable", "Other"),
        ("Update", "Failure"),
    }
    role = next(event for event in found if event["activity_name"] == "Assign Roles")
    assert role["iam_roles"] == [{"name": "Foreman"}]
    assert role["resources"] == [{"uid": "562949953500017", "name": "Harbour Street Car Park", "type": "project"}]
    assert role["unmapped"]["ticket"] == "IT-4711"
    assert not any("read-bb0005" in event["metadata"]["uid"] for event in found)


def test_every_kind_of_step_has_an_activity() -> None:
    """A step that is added to plans must be told to security teams, too."""
    planned = {kind.model_fields["kind"].default for kind in StepBase.__subclasses__() if "kind" in kind.model_fields}
    assert planned == set(ocsf.ACTIVITIES)


def test_events_are_chained_and_fingerprinted(bundle: Path) -> None:
    """As the profile says: each has its own hash and that of the one before."""
    found = events_in(bundle)
    for before, event in zip([None, *found], found, strict=False):
        attestation = event["attestation_list"][0]
        assert attestation["fingerprint"]["value"] == ocsf.fingerprint(event)
        if before is None:
            assert "prev_event" not in attestation
        else:
            assert attestation["prev_event"]["fingerprint"] == before["attestation_list"][0]["fingerprint"]
            assert attestation["prev_event"]["uid"] == before["metadata"]["uid"]
    changed = {**found[3], "message": "another"}
    assert ocsf.fingerprint(changed) != found[3]["attestation_list"][0]["fingerprint"]["value"]


# --- jobs about many people ---

CREW = ("mara.lindqvist@example.com", "jonas.berg@example.com", "nils.aalto@example.com")
OF_MANY: tuple[dict[str, Any], ...] = (
    {
        "kind": "bulk_remove_from_project",
        "title": "Remove 1 person",
        "project": {"id": "562949953500017", "name": "Harbour Street Car Park", "number": "24-017"},
        "people": [{"user_id": "3", "email": CREW[2], "template": "Viewer"}],
    },
    {
        "kind": "bulk_add_to_project",
        "title": "Add 2 people",
        "project": {"id": "562949953500017", "name": "Harbour Street Car Park", "number": "24-017"},
        "people": [
            {"user_id": "1", "email": CREW[0], "template": "Foreman"},
            {"user_id": "2", "email": CREW[1], "template": None},
        ],
    },
    {
        "kind": "group_change",
        "title": "Change the group",
        "group_id": "3",
        "name": "Site safety",
        "change": {"add": [{"user_id": "1", "email": CREW[0]}], "remove": [{"user_id": "2", "email": CREW[1]}]},
        "before": "",
    },
)


def test_a_write_about_many_people_is_an_event_for_each(tmp_path: Path, validator: Draft202012Validator) -> None:
    """With the roles and the project of that person; the job itself is one of the population, its changes one each."""
    archive = Archive(tmp_path)
    thing = "project:24-017"
    archive.accepted(job_id="080000-bulk-cc0001", action="bulk_add_to_project", person=thing)
    rows = [{"what": email, "before": "not a member", "after": "member with 'Foreman'"} for email in CREW[:2]]
    archive.run("080000-bulk-cc0001", action="bulk_add_to_project", person=thing, steps=OF_MANY, differences=rows)
    archive.day_is_over()
    bundle = tmp_path / "bundle.zip"
    export_period(read_source(archive.tenant), bundle, Request(OCTOBER, DECEMBER, 2, SEED))
    told = [
        (event["user"].get("email_addr"), event["activity_name"], event["metadata"]["uid"])
        for event in events_in(bundle)
    ]
    assert told == [
        (CREW[2], "Remove Roles", "080000-bulk-cc0001/step-1/1"),
        (CREW[0], "Assign Roles", "080000-bulk-cc0001/step-2/1"),
        (CREW[1], "Assign Roles", "080000-bulk-cc0001/step-2/2"),
        (CREW[0], "Update", "080000-bulk-cc0001/step-3/1"),
        (CREW[1], "Update", "080000-bulk-cc0001/step-3/2"),
    ]
    for event in events_in(bundle):
        assert [error.message for error in validator.iter_errors(event)] == []
    roles = [[role["name"] for role in event.get("iam_roles", [])] for event in events_in(bundle)]
    assert roles[:3] == [["Viewer"], ["Foreman"], []]
    assert events_in(bundle)[3]["resources"] == [{"uid": "3", "name": "Site safety", "type": "distribution group"}]
    assert [(row["person"], row["what"]) for row in table(bundle, "changes.csv")] == [
        (CREW[0], thing),
        (CREW[1], thing),
    ]
    assert len(table(bundle, "population.csv")) == 1
