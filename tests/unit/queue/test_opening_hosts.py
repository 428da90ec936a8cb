"""The queue of several hosts by settings and keyring, and without its libraries."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.errors import Failed, Refused
from agent.queue.hosts.opening import password_of
from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.opening import open_queue
from agent.settings import Settings
from agent.settings.service import QueueSettings
from tests.unit.test_architecture import imports, modules, within

URL = "postgresql://agent@db.example.com:5432/agent"


def settings() -> Settings:
    return Settings(queue=QueueSettings(backend="postgres", postgres_url=URL))


class Store(CredentialStore):
    """A keyring with one answer."""

    def __init__(self, answer: Secret | Failed | None) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[str] = []

    def find_secret(self, name: str) -> Secret | None:
        self.asked.append(name)
        if isinstance(self.answer, Failed):
            raise self.answer
        return self.answer


def test_nobody_else_imports_the_extras_libraries() -> None:
    """An installation without the extra has to work."""
    found = [
        f"{name} imports {imported}"
        for name, path in modules()
        for imported in imports(path.read_text(encoding="utf-8"))
        if within(name, "agent") and not within(name, "agent.queue.hosts")
        if any(within(imported, part) for part in ("procrastinate", "psycopg", "psycopg_pool", "agent.queue.hosts"))
    ]
    assert found == []


def test_the_settings_choose_the_queue() -> None:
    """Not opened yet: nothing is asked of server or keyring."""
    queue = open_queue(settings())
    assert isinstance(queue, PostgresQueue)
    assert queue.url == URL


def test_the_password_is_asked_for_once_and_by_its_name() -> None:
    """Connections come and go; a keyring may ask a person."""
    store = Store(Secret("planted-1"))
    password = password_of(store)
    assert [password(), password()] == ["planted-1", "planted-1"]
    assert store.asked == ["postgres"]


@pytest.mark.parametrize("answer", [None, Failed("keyring-locked", "The keyring is locked.")])
def test_without_a_password_in_the_keyring_libpq_looks_for_one(answer: Failed | None) -> None:
    """In its pgpass file; a keyring that does not open is no reason to stop before the server has said so."""
    assert password_of(Store(answer))() is None


def test_without_the_extra_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries are imported only when the settings ask for them."""
    for name in [name for name in sys.modules if name.startswith(("agent.queue.hosts", "procrastinate"))]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.split(".")[0] in ("procrastinate", "psycopg"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Refused) as caught:
        open_queue(settings())
    assert caught.value.code == "postgres-not-installed"
    assert "[postgres]" in caught.value.expected
