"""The counters of the tests with several hosts can count: each is shown what it exists for."""

from __future__ import annotations

from typing import Any

from tests.torture.postgres_counts import count


def line(at: float, what: str, job: int = 1, fence: int = 1, worker: str = "a", person: str = "ana") -> dict[str, Any]:
    return {"at": at, "what": what, "job": job, "fence": fence, "worker": worker, "tenant": "north", "person": person}


def whole(start: float, job: int, **more: Any) -> list[dict[str, Any]]:
    """A run that goes well."""
    return [line(start + n, what, job, **more) for n, what in enumerate(("start", "write", "ending", "end"))]


def test_a_sound_run_counts_nothing() -> None:
    """Two jobs of a person one after the other, another person beside them, one killed and run anew."""
    diary = [
        *whole(0, 1),
        *whole(10, 2),
        *whole(1, 3, person="bo"),
        line(20, "start", 4),
        {"at": 21, "what": "killed", "worker": "a"},
        *whole(60, 4, fence=2, worker="b"),
    ]
    counts = count(diary, dict.fromkeys((1, 2, 3, 4), "done"))
    assert (counts.lost, counts.ended_twice, counts.overlaps, counts.order_breaks) == (0, 0, 0, 0)
    assert counts.peak == {"north": 2}


def test_a_lost_job_is_counted() -> None:
    """One that is not done at the end."""
    assert count(whole(0, 1), {1: "done", 2: "queued"}).lost == 1


def test_a_job_that_ended_twice_is_counted() -> None:
    """Killed between the effect and the record."""
    assert count([*whole(0, 1), *whole(10, 1, fence=2, worker="b")], {1: "done"}).ended_twice == 1


def test_two_runs_of_one_person_at_once_are_counted() -> None:
    """Of two jobs."""
    assert count([*whole(0, 1), *whole(1.5, 2, worker="b")], {1: "done", 2: "done"}).overlaps == 1


def test_a_write_after_the_job_was_taken_over_is_counted() -> None:
    """The zombie's."""
    diary = [line(0, "start"), *whole(40, 1, fence=2, worker="b"), line(50, "write")]
    assert count(diary, {1: "done"}).overlaps == 1


def test_a_persons_jobs_in_the_wrong_order_are_counted() -> None:
    """The second before the first."""
    assert count([*whole(0, 2), *whole(10, 1)], {1: "done", 2: "done"}).order_breaks == 1


def test_a_tenants_peak_is_counted() -> None:
    """Three at once."""
    diary = [entry for n in range(3) for entry in whole(n / 10, n + 1, person=f"p{n}")]
    assert count(diary, dict.fromkeys((1, 2, 3), "done")).peak == {"north": 3}
