"""Ledgers of other releases."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from agent.errors import Failed, Refused
from agent.queue.ledger import schema
from agent.queue.ledger.sqlite import SqliteDatabase
from agent.queue.record import FlowHealth, FlowReport
from tests.queue.places import NOON, EmbeddedPlace

#: What a later release might add.
NEXT = ("ALTER TABLE job ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'", "CREATE INDEX job_mood ON job (mood)")


def made_by_hand(file: Path) -> None:
    """A queue file of the first version with one job that waits, made without the agent's code."""
    version_1 = (Path(__file__).parent / "version_1.sql").read_text(encoding="utf-8")
    with sqlite3.connect(file) as connection:
        connection.executescript(version_1)
    connection.close()


@pytest.mark.asyncio
async def test_a_file_of_the_first_version_is_worked_on(tmp_path: Path) -> None:
    """Jobs accepted by an earlier release run under this one, and history, keys and pauses are still there."""
    place = EmbeddedPlace(tmp_path / "queue.db")
    made_by_hand(place.file)
    queue = await place.open({"north": 2})
    claim = await place.try_claim(queue)
    assert claim is not None
    assert (claim.job.person, claim.job.args["action"], claim.job.attempt) == ("ana@example.com", "offboard", 1)
    assert [event.kind for event in await queue.events(1)] == ["accepted", "claimed"]
    assert [(state.name, state.paused) for state in await queue.tenants()] == [("north", False), ("south", True)]
    told = FlowReport("invite", FlowHealth.QUARANTINED, "mia", "It looks odd.")
    assert (await queue.set_flow_state("south", told)).state is FlowHealth.QUARANTINED
    await place.close()


def test_an_upgrade_keeps_what_is_there(tmp_path: Path) -> None:
    """A file of version N-1 becomes one of version N."""
    made_by_hand(tmp_path / "queue.db")
    db = SqliteDatabase(tmp_path / "queue.db")
    with db.transaction():
        schema.bring_up(db, (*schema.VERSIONS, NEXT))
    (job,) = db.execute("SELECT person, args, mood FROM job")
    assert (job["person"], json.loads(job["args"])["action"], job["mood"]) == ("ana@example.com", "offboard", "calm")
    assert db.execute("SELECT version FROM ledger_version") == [{"version": len(schema.VERSIONS) + 1}]
    with db.transaction():
        schema.bring_up(db, (*schema.VERSIONS, NEXT))  # a second time there is nothing to do
    db.close()


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    """All of it is one transaction: the release before can still be started."""
    made_by_hand(tmp_path / "queue.db")
    db = SqliteDatabase(tmp_path / "queue.db")
    with pytest.raises(Failed), db.transaction():
        schema.bring_up(db, (*schema.VERSIONS, (*NEXT, "ALTER TABLE no_such_table ADD COLUMN x")))
    assert "mood" not in db.execute("SELECT * FROM job")[0]
    with db.transaction():
        schema.bring_up(db)
    db.close()


@pytest.mark.asyncio
async def test_a_file_of_a_later_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    """An older agent would not know what it means."""
    place = EmbeddedPlace(tmp_path / "queue.db")
    made_by_hand(place.file)
    with sqlite3.connect(place.file) as connection:
        connection.execute("UPDATE ledger_version SET version = 99")
    connection.close()
    before = place.file.read_bytes()
    with pytest.raises(Refused) as refused:
        await place.open({"north": 2})
    assert (refused.value.code, refused.value.seen) == ("queue-newer", "version 99")
    assert place.file.read_bytes() == before
    assert place.clock.now == NOON
