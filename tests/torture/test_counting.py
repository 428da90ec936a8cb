"""Each counter counts: a violation is planted in otherwise sound records, and is seen as exactly what it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.jobs.model import ANY_JOB
from agent.queue.admission import admit
from agent.queue.embedded import EmbeddedQueue
from tests.torture import counting
from tests.torture.counting import Counts, EventRow, JobRow, LedgerRows
from tests.torture.crowds import CROWD_ACTIONS, any_case
from tests.torture.scene import LIMIT
from tests.torture.stories import STORIES, crew
from tests.torture.wishes import ACTIONS, Wanted, WantedGroup

ANN = JobRow(1, "north", "ann@example.com", None, "done", None, "key-1")
AGAIN = replace(ANN, id=2, request_key="key-2")
BOB = replace(ANN, id=3, person="bob@example.com", request_key="key-3")
CREW = JobRow(
    5, "north", "project:24-011", None, "done", None, "key-5", people=frozenset({ANN.person, "cy@example.com"})
)
GROUP = replace(CREW, id=6, person="group:24-011/safety", request_key="key-6", people=frozenset({"cy@example.com"}))
ROBERT = replace(BOB, id=4, person="robert@example.com", other_person="bob@example.com", request_key="key-4")


def rows(jobs: Iterable[JobRow], *told: tuple[int, str]) -> LedgerRows:
    """A ledger with these jobs and this history."""
    events = tuple(EventRow(n, job_id, kind) for n, (job_id, kind) in enumerate(told, 1))
    return LedgerRows({job.id: job for job in jobs}, events)


def counted(count: Callable[[Counts], None]) -> Counts:
    """What one counter finds."""
    counts = Counts()
    count(counts)
    return counts


SOUND = rows([ANN, AGAIN, BOB], (1, "claimed"), (3, "claimed"), (1, "done"), (2, "claimed"), (3, "done"), (2, "done"))


def test_nothing_is_counted_where_nothing_is_wrong() -> None:
    """The control for all tests below."""
    counts = Counts()
    counting.count_lost(SOUND, [1, 2, 3], counts)
    counting.count_overlaps(SOUND, counts)
    counting.count_order_breaks(SOUND, counts)
    counting.count_over_limit(SOUND, {"north": 2}, counts)
    assert counts == Counts()
    assert counts.all_is_well


@pytest.mark.parametrize(
    ("job", "lost"),
    [
        (None, 1),
        (replace(ANN, state="queued"), 1),
        (replace(ANN, state="running"), 1),
        (replace(ANN, state="queued", hold="uncertain"), 0),
        (replace(ANN, state="dead"), 0),
    ],
)
def test_a_lost_job_is_one_that_nobody_will_do(job: JobRow | None, lost: int) -> None:
    """Not there, or live and not waiting for a person."""
    ledger = rows([] if job is None else [job])
    assert counted(lambda counts: counting.count_lost(ledger, [1], counts)).lost == lost


@pytest.mark.parametrize(
    ("jobs", "told", "overlaps"),
    [
        ([ANN, AGAIN], [(1, "claimed"), (2, "claimed")], 1),
        ([ANN], [(1, "claimed"), (1, "claimed")], 1),
        ([BOB, ROBERT], [(3, "claimed"), (4, "claimed")], 1),
        ([ANN, CREW], [(5, "claimed"), (1, "claimed")], 1),
        ([CREW, GROUP], [(5, "claimed"), (6, "claimed")], 1),
        ([BOB, CREW], [(3, "claimed"), (5, "claimed")], 0),
        ([ANN, AGAIN], [(1, "claimed"), (1, "orphaned"), (2, "claimed")], 0),
        ([ANN, BOB], [(1, "claimed"), (3, "claimed")], 0),
    ],
)
def test_two_jobs_of_one_person_at_a_time_are_seen(
    jobs: list[JobRow], told: list[tuple[int, str]], overlaps: int
) -> None:
    """By any address that they share, those of jobs about many included, and a job beside itself as well."""
    assert counted(lambda counts: counting.count_overlaps(rows(jobs, *told), counts)).overlaps == overlaps


@pytest.mark.parametrize(
    ("told", "breaks"),
    [
        ([(2, "claimed")], 1),
        ([(1, "claimed"), (1, "retry"), (2, "claimed")], 1),
        ([(1, "claimed"), (1, "dead"), (2, "claimed")], 0),
        ([(1, "dead"), (1, "retry-asked"), (2, "claimed")], 1),
    ],
)
def test_a_later_job_that_begins_too_early_is_seen(told: list[tuple[int, str]], breaks: int) -> None:
    """Before the person's earlier one is over, or while that one waits for its retry."""
    assert counted(lambda counts: counting.count_order_breaks(rows([ANN, AGAIN], *told), counts)).order_breaks == breaks


def test_only_a_removal_may_go_before_an_addition_of_many() -> None:
    """Access is taken away without waiting; a grant waits, and so does a removal for another one."""
    addition, removal = replace(CREW, op="bulk_add_to_project"), replace(GROUP, op="bulk_remove_from_project")
    for first, later, breaks in (
        (addition, removal, 0),
        (addition, replace(addition, id=6), 1),
        (replace(removal, id=5), removal, 1),
        (replace(ANN, person="cy@example.com", op="update"), removal, 1),
    ):
        ledger = rows([first, later], (later.id, "claimed"))
        assert counted(partial(counting.count_order_breaks, ledger)).order_breaks == breaks


def test_more_at_once_than_the_limit_are_seen() -> None:
    """One for each claim above it."""
    ledger = rows([ANN, BOB], (1, "claimed"), (3, "claimed"))
    assert counted(lambda counts: counting.count_over_limit(ledger, {"north": 1}, counts)).over_limit == 1
    assert counted(lambda counts: counting.count_over_limit(ledger, {"north": 2}, counts)).over_limit == 0


@pytest.mark.parametrize(("hold", "mails", "needless"), [(None, [], 0), ("uncertain", [9], 0), ("uncertain", [8], 1)])
def test_a_job_that_asks_a_person_needlessly_is_seen(hold: str | None, mails: list[int], needless: int) -> None:
    """Killed in mid-write it could have looked itself: only a mail leaves no trace."""
    job = {"id": 9, "action": "update", "hold": hold, "hold_reason": "look"}
    assert counted(lambda counts: counting.count_needless_holds([job], mails, counts)).wrong == needless


def folder(evidence: Path, name: str, key: str, verdict: str = "done", *, partial: bool = False) -> None:
    """An evidence folder."""
    made = evidence / "north" / "2026-11-22" / name
    made.mkdir(parents=True)
    (made / "request.json").write_text(json.dumps({"job": {"idempotency_key": key}}))
    (made / "outcome.json").write_text(json.dumps({"verdict": verdict}))
    (made / "manifest.json").write_text("{}")
    if partial:
        (made / "PARTIAL").touch()


def test_evidence_that_says_done_twice_is_seen(tmp_path: Path) -> None:
    """An interrupted run and one that failed do not count."""
    folder(tmp_path, "a", "key-1")
    folder(tmp_path, "b", "key-1", "failed")
    folder(tmp_path, "c", "key-1", partial=True)
    assert counted(lambda counts: counting.count_ended_twice(tmp_path, counts)).ended_twice == 0
    folder(tmp_path, "d", "key-1")
    assert counted(lambda counts: counting.count_ended_twice(tmp_path, counts)).ended_twice == 1


def test_a_job_that_is_done_without_evidence_is_seen(tmp_path: Path) -> None:
    """Also where the evidence is of a run that was not done, or not finished."""
    folder(tmp_path, "a", "key-1")
    folder(tmp_path, "b", "key-2", "uncertain")
    folder(tmp_path, "c", "key-3", partial=True)
    found = counted(lambda counts: counting.count_unproven(SOUND, tmp_path, counts))
    assert found.unproven == 2
    assert not found.all_is_well


def test_a_second_mail_and_a_second_creation_are_seen() -> None:
    """Whatever the case of the address."""
    mail = {"kind": "mail", "email": "ann@example.com"}
    created = {"kind": "change", "email": "ann@example.com", "field": "Created"}
    other = {"kind": "change", "email": "ann@example.com", "field": "Job Title"}
    once = counted(lambda counts: counting.count_doubles([mail, created, other, other], counts))
    assert once == Counts()
    events = [mail, {**mail, "email": "Ann@example.com"}, created, created]
    twice = counted(lambda counts: counting.count_doubles(events, counts))
    assert (twice.mails_twice, twice.created_twice) == (1, 1)


def truth(**user: Any) -> dict[str, Any]:
    """What the sandbox says of somebody."""
    person = {"is_active": True, "memberships": [{"number": "24-001", "template": "T"}], "job_title": "Lead"}
    return {"user": {**person, **user}, "mails": [{}]}


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (truth(), 0),
        ({"user": None, "mails": []}, 1),
        (truth(is_active=False), 1),
        (truth(memberships=[]), 1),
        (truth(job_title="Follower"), 1),
        ({**truth(), "mails": []}, 1),
        ({**truth(), "mails": [{}, {}]}, 1),
    ],
)
def test_every_difference_from_what_was_wanted_is_seen(told: dict[str, Any], count: int) -> None:
    """Existence, status, memberships, fields, mails."""
    wanted = Wanted("ann@example.com", True, {"24-001": "T"}, {"job_title": "Lead"}, mails=1)
    assert len(wanted.differences(lambda email: told)) == count


def test_a_mail_may_lack_where_that_is_known_and_never_be_there_twice() -> None:
    """A job that waits as uncertain for a person has told so."""
    wanted = Wanted("ann@example.com", mails=1)
    assert wanted.differences(lambda email: {**truth(), "mails": []}, may_lack_mail=True) == []
    assert wanted.differences(lambda email: {**truth(), "mails": [{}, {}]}, may_lack_mail=True) != []


def test_an_address_that_should_be_gone_is_seen() -> None:
    """After a change of address nobody has the old one."""
    wanted = Wanted("new@example.com", gone="old@example.com")
    assert wanted.differences(lambda email: truth() if email.startswith("new") else {"user": None}) == []
    assert wanted.differences(lambda email: truth()) == ["new@example.com: old@example.com still exists"]


async def test_people_of_a_job_about_many_are_read_from_the_queue(tmp_path: Path) -> None:
    """All but those whom a later offboard had left out: neither job waits for the other."""
    come, _, leave, _ = crew("1")
    queue = EmbeddedQueue(tmp_path / "queue.db")
    await queue.open({"north": 1})
    try:
        await queue.submit(
            [admit(ANY_JOB.validate_json(json.dumps(each.job)), "north", "hr") for each in (come, leave)]
        )
    finally:
        await queue.close()
    about_many, about_one = LedgerRows.read(tmp_path / "queue.db").jobs.values()
    assert about_many.people == set(come.wishes) - {leave.address}
    assert about_one.people == set()


GROUP_IN_TRUTH = {"project": "24-011", "description": "Letter", "members": {"ann@example.com"}}


@pytest.mark.parametrize(
    ("there", "count"),
    [
        ([GROUP_IN_TRUTH], 0),
        ([], 1),
        ([GROUP_IN_TRUTH, GROUP_IN_TRUTH], 1),
        ([{**GROUP_IN_TRUTH, "project": None}], 1),
        ([{**GROUP_IN_TRUTH, "description": ""}], 1),
        ([{**GROUP_IN_TRUTH, "members": set()}], 1),
        ([{**GROUP_IN_TRUTH, "members": {"ann@example.com", "bob@example.com"}}], 1),
    ],
)
def test_every_difference_of_a_group_is_seen(there: list[dict[str, Any]], count: int) -> None:
    """Not there, there twice, another's, another description, members too few or too many."""
    wanted = WantedGroup("Safety", "24-011", "Letter", frozenset({"ann@example.com"}))
    assert len(wanted.differences(there)) == count


def test_a_damaged_queue_file_is_seen(tmp_path: Path) -> None:
    """The counters do not read on in a file that is not sound."""
    file = tmp_path / "queue.db"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE job (id INTEGER PRIMARY KEY, tenant TEXT)")
        db.executemany("INSERT INTO job (tenant) VALUES (?)", [("north" * 100,)] * 100)
    db.close()
    damaged = bytearray(file.read_bytes())
    damaged[4096:8192] = b"\0" * 4096
    file.write_bytes(damaged)
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        LedgerRows.read(file)


def test_people_of_different_cases_have_nothing_in_common() -> None:
    """Two cases never share an address or a key, and those of one volley no project: they would wait."""
    cases = [any_case(action, name) for action in (*ACTIONS, *CROWD_ACTIONS) for name in ("1a", "1b", "11a")]
    assert len({each.job["idempotency_key"] for each in cases}) == len(cases)
    people = [address for each in cases for address in each.wishes]
    assert len(set(people)) == len(people)
    stories = [each.job["idempotency_key"] for story in STORIES for name in ("1", "2") for each in story(name)]
    assert len(set(stories)) == len(stories)
    for action in CROWD_ACTIONS:
        assert len({any_case(action, f"v1{letter}").project for letter in "abc"}) == LIMIT
