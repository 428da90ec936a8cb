"""The tables that several hosts need beside the ledger's, and the engine's own.

The engine's schema comes with Procrastinate. When a release brings a newer Procrastinate, its *pre* migrations are
applied by the first host that starts with it (hosts of the release before go on working); its *post* migrations by
``agent queue upgrade``, once every host runs the new release.
"""

from __future__ import annotations

from pathlib import Path

from procrastinate.schema import SchemaManager

from agent.queue.hosts.connection import PostgresDatabase
from agent.queue.ledger import schema

_OURS = (
    # Which ticket a running job was claimed under: while the engine has that ticket as "doing", its host is alive.
    """
    CREATE TABLE IF NOT EXISTS lane (
      job_id BIGINT PRIMARY KEY, lane TEXT NOT NULL, ticket BIGINT NOT NULL
    )""",
    "CREATE TABLE IF NOT EXISTS engine_migration (name TEXT PRIMARY KEY)",
)


def bring_up(db: PostgresDatabase) -> None:
    """Make all tables, or bring those of an earlier release to this one; in one transaction, one host at a time."""
    db.prepare()
    with db.transaction():
        for statement in _OURS:
            db.execute(statement)
        schema.bring_up(db)
        if db.execute("SELECT to_regclass('procrastinate_jobs') AS found")[0]["found"] is None:
            db.script(SchemaManager.get_schema())
            _remember(db, [path.name for path in _migrations()])
        else:
            _apply(db, [path for path in pending(db) if "_pre_" in path.name])


def finish_upgrade(db: PostgresDatabase) -> tuple[str, ...]:
    """Apply what must wait until no host runs an earlier release; the names of what was applied."""
    with db.transaction():
        waiting = pending(db)
        _apply(db, waiting)
    return tuple(path.name for path in waiting)


def pending(db: PostgresDatabase) -> list[Path]:
    """The engine's migrations that were not applied yet, in their order."""
    done = {row["name"] for row in db.execute("SELECT name FROM engine_migration")}
    return [path for path in _migrations() if path.name not in done]


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _apply(db: PostgresDatabase, paths: list[Path]) -> None:
    for path in paths:
        db.script(path.read_bytes())
    _remember(db, [path.name for path in paths])


def _remember(db: PostgresDatabase, names: list[str]) -> None:
    for name in names:
        db.execute("INSERT INTO engine_migration (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
