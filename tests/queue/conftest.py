"""One contract suite for all adapters: each test that asks for ``place`` runs once per adapter.

An adapter plugs in with a fixture ``<name>_place`` that yields a :class:`tests.queue.places.Place`, and its name here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.queue.interface import Queue
from tests.queue.places import EmbeddedPlace, Place
from tests.queue.postgres_place import PostgresPlace
from tests.queue.postgres_server import PostgresServer, reason_to_skip

ADAPTERS = ("embedded", "postgres")


@pytest.fixture
async def embedded_place(tmp_path: Path) -> AsyncIterator[EmbeddedPlace]:
    """A queue file in a folder that does not exist yet."""
    place = EmbeddedPlace(tmp_path / "queue" / "queue.db")
    yield place
    await place.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests, a database for each."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server


@pytest.fixture
async def postgres_place(postgres_server: PostgresServer) -> AsyncIterator[PostgresPlace]:
    """An empty database."""
    place = PostgresPlace(postgres_server.new_database())
    yield place
    await place.close()


@pytest.fixture(params=ADAPTERS)
def place(request: pytest.FixtureRequest) -> Place:
    """Where the queue's data lives, for each adapter in turn."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
async def queue(place: Place) -> Queue:
    """An open queue with two tenants: north may run two jobs at once, south one."""
    return await place.open({"north": 2, "south": 1})
