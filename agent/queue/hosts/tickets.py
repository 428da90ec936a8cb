"""Tickets in the ledger's transactions: made when there may be work for a lane, ended when their host is dead."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from procrastinate import SyncPsycopgConnector, sql
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from agent.queue.hosts.connection import PostgresDatabase
from agent.queue.ledger import finishing
from agent.queue.ledger.database import Ledger
from agent.queue.ledger.rows import job_record

TASK = "lane"
_LONGEST_QUEUE_NAME = 40  # it becomes part of a channel's name, which PostgreSQL cuts at 63


def queue_of(tenant: str) -> str:
    """The engine's queue of a tenant: a host listens to those of its own tenants alone."""
    if len(tenant) <= _LONGEST_QUEUE_NAME:
        return tenant
    return f"{tenant[:23]}-{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Held:
    """A lane in this host's hands: the ticket, and the engine's name for this host when it got it."""

    ticket: int
    host: int
    lane: str


class Tickets:
    """The engine's tables as the ledger's transactions see them."""

    def __init__(self, db: PostgresDatabase) -> None:
        self._db = db
        self._engine = JobManager(SyncPsycopgConnector())  # never opened: it works on the ledger's connection

    def ensure(self, ledger: Ledger, tenant: str) -> None:
        """Let each lane of the tenant have a ticket that is urgent enough, if there is work that is due.

        A ticket that is being worked on does not count: it may have looked for work before this.
        """
        found = ledger.row(
            "SELECT max_running, (SELECT MIN(priority) FROM job WHERE job.tenant = tenant.name AND state = 'queued'"
            "  AND (hold IS NULL OR mode = 'check') AND not_before <= ?) AS urgency"
            " FROM tenant WHERE name = ? AND (paused = 0 OR not_before <= ?)",
            *(ledger.now, tenant, ledger.now),
        )
        if found is None or found["urgency"] is None or found["max_running"] < 1:
            return
        lanes = [f"{tenant}/{number}" for number in range(found["max_running"])]
        waiting = {
            row["lock"]
            for row in ledger.rows(
                "SELECT lock FROM procrastinate_jobs WHERE status = 'todo' AND priority >= ? AND queue_name = ?",
                *(-found["urgency"], queue_of(tenant)),
            )
        }
        missing = [lane for lane in lanes if lane not in waiting]
        if missing:
            self._engine.batch_defer_jobs(
                [_ticket(tenant, lane, found["urgency"]) for lane in missing], connection=self._db.connection
            )

    def ensure_all(self, ledger: Ledger) -> None:
        """The same for every tenant."""
        for row in ledger.rows("SELECT name FROM tenant ORDER BY name"):
            self.ensure(ledger, row["name"])

    def is_ours(self, ledger: Ledger, held: Held) -> bool:
        """Whether a ticket is still with this host."""
        found = ledger.row(
            "SELECT id FROM procrastinate_jobs WHERE id = ? AND worker_id = ? AND status = 'doing'",
            *(held.ticket, held.host),
        )
        return found is not None

    def occupy(self, ledger: Ledger, held: Held, job_id: int) -> None:
        """The job runs in this lane."""
        ledger.rows(
            "INSERT INTO lane (job_id, lane, ticket) VALUES (?, ?, ?)"
            " ON CONFLICT (job_id) DO UPDATE SET lane = excluded.lane, ticket = excluded.ticket",
            *(job_id, held.lane, held.ticket),
        )

    def vacate(self, ledger: Ledger, job_id: int) -> None:
        """It runs no more."""
        ledger.rows("DELETE FROM lane WHERE job_id = ?", job_id)

    def server_time(self, ledger: Ledger) -> float:
        """The server's clock, in seconds."""
        found = ledger.rows("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8 AS now")
        return float(found[0]["now"])

    def anybody_lives(self, ledger: Ledger, stale_s: float) -> bool:
        """Whether a host has sent a heartbeat lately."""
        found = ledger.row(
            "SELECT id FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => ?)", stale_s
        )
        return found is not None

    def bury(self, ledger: Ledger, stale_s: float) -> int:
        """Declare hosts dead whose last heartbeat is older than this, or from a future that the clock has left.

        From here on they cannot say that they are alive; how many there were.
        """
        dead = ledger.rows(
            "DELETE FROM procrastinate_workers"
            " WHERE last_heartbeat NOT BETWEEN now() - make_interval(secs => ?) AND now() + make_interval(secs => ?)"
            " RETURNING id",
            *(stale_s, stale_s),
        )
        return len(dead)

    def sweep(self, ledger: Ledger) -> int:
        """End the tickets of hosts that are gone, and put their jobs back; how many jobs there were."""
        for row in ledger.rows(
            "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL AND task_name = ?",
            TASK,
        ):
            self.end(row["id"])
        orphans = [
            job_record(row)
            for row in ledger.rows(
                "SELECT * FROM job WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM lane"
                " JOIN procrastinate_jobs AS ticket ON ticket.id = lane.ticket AND ticket.status = 'doing'"
                " WHERE lane.job_id = job.id) ORDER BY id"
            )
        ]
        finishing.recover(ledger, orphans)
        for orphan in orphans:
            self.vacate(ledger, orphan.id)
        return len(orphans)

    def end(self, ticket: int) -> None:
        """Take a ticket out of the engine."""
        self._engine.connector.execute_query_one_with_connection(
            self._db.connection, query=sql.queries["finish_job"], job_id=ticket, status="failed", delete_job=True
        )


def _ticket(tenant: str, lane: str, urgency: int) -> Job:
    """There is work for this lane. It names no person and no job: what is done is decided when it is taken."""
    return Job(
        queue=queue_of(tenant),
        task_name=TASK,
        priority=-urgency,  # the engine's greater is sooner
        lock=lane,
        queueing_lock=f"{lane}@{urgency}",
        task_kwargs={"tenant": tenant, "lane": lane},
    )
