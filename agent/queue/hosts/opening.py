"""The queue of several hosts, as the settings and the keyring describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.credentials.store import CredentialStore
from agent.errors import AgentError
from agent.queue.hosts.connection import Password, PostgresDatabase
from agent.queue.hosts.postgres import PostgresQueue


def open_hosts(url: str, channels: Mapping[str, frozenset[str]], clock: Callable[[], float]) -> PostgresQueue:
    """The queue, not yet opened."""
    return PostgresQueue(url, password_of(CredentialStore()), channels, clock=clock)


def database(url: str) -> PostgresDatabase:
    """The ledger's connection alone, for commands that work while no agent does."""
    return PostgresDatabase(url, password_of(CredentialStore()))


def password_of(store: CredentialStore) -> Password:
    """Where connections get the password from: the keyring, asked once; else libpq looks into its pgpass file.

    A keyring that cannot be read is no reason to stop: a pgpass file may have the password, and if nothing has, the
    server says so.
    """
    found: list[str | None] = []

    def password() -> str | None:
        if not found:
            try:
                secret = store.find_secret("postgres")
            except AgentError:
                return None
            found.append(secret.reveal() if secret is not None else None)
        return found[0]

    return password
