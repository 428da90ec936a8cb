"""From jobs as they were read to jobs as the queue takes them: each with its tenant, as a whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.names import nearest
from agent.intake.batch import Placed
from agent.jobs.model import given_up_at
from agent.jobs.parse import JobFileError
from agent.jobs.problems import Problem, suggestion_of
from agent.queue.admission import BULK_FROM, admit
from agent.queue.record import NewJob
from agent.settings import Settings


def tenants_of(placed: Sequence[Placed], settings: Settings, tenant: str | None = None) -> tuple[str, ...]:
    """The tenant of each job: its own, else ``tenant``, else the only one. JobFileError names every job without."""
    problems: list[Problem] = []
    names: list[str] = []
    offered = ", ".join(sorted(settings.tenants)) or "none yet"
    only = next(iter(settings.tenants)) if len(settings.tenants) == 1 else None
    for item in placed:
        own = item.job.tenant
        name = own or tenant or only
        path = f"{item.place}: tenant"
        if own is not None and tenant is not None and own != tenant:
            message = f"is for {own!r}, but the whole batch is said to be for {tenant!r}"
            problems.append(Problem(path=path, message=message, expected="one of the two"))
        elif name is None:
            problems.append(Problem(path=path, message="is missing", expected=f"one of {offered}"))
        elif name not in settings.tenants:
            near = suggestion_of(nearest(name, settings.tenants))
            message = f"there is no tenant {name!r}"
            problems.append(Problem(path=path, message=message, expected=f"one of {offered}", suggestion=near))
        names.append(name or "")
    if problems:
        raise JobFileError(problems)
    return tuple(names)


def new_jobs(
    placed: Sequence[Placed],
    settings: Settings,
    created_by: str,
    *,
    tenant: str | None = None,
    batch: str | None = None,
    not_before: float = 0.0,
) -> tuple[NewJob, ...]:
    """The batch for :meth:`agent.queue.interface.Queue.submit`. Raises JobFileError with every problem."""
    names = tenants_of(placed, settings, tenant)
    _refuse_never(placed, not_before)
    return tuple(
        admit(
            item.job,
            name,
            created_by,
            batch=batch,
            bulk=len(placed) >= BULK_FROM,
            not_before=not_before,
            max_attempts=settings.queue.max_attempts,
        )
        for item, name in zip(placed, names, strict=True)
    )


def _refuse_never(placed: Sequence[Placed], not_before: float) -> None:
    """A batch for a date after which some of its jobs are not wanted any more is a mistake in one of the two."""
    late = [item for item in placed if (until := given_up_at(item.job)) and until.timestamp() <= not_before]
    if late:
        message = "has passed at the time before which the batch may not run"
        expected = "a later not_after, or an earlier date for the batch"
        raise JobFileError(
            [Problem(path=f"{item.place}: not_after", message=message, expected=expected) for item in late]
        )
