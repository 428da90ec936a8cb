"""Tokens: shown once, kept as digests, gone when removed."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from agent.errors import AgentError
from agent.queue.interface import Queue
from agent.service.desk import QueueDesk
from agent.service.operators import FILE, Operators
from agent.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_token_names_its_operator_and_stands_nowhere(tmp_path: Path) -> None:
    """Only its digest is on disk, in a file for the agent's account alone."""
    operators = Operators(tmp_path)
    token = operators.add("ana", NOW)
    assert str(token) == "***"
    assert operators.name_of(token.reveal()) == "ana"
    assert token.reveal() not in (tmp_path / FILE).read_text(encoding="utf-8")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_other_tokens_name_nobody(tmp_path: Path) -> None:
    """A part of one, one of a removed operator, the digest itself, nothing at all."""
    operators = Operators(tmp_path)
    token = operators.add("ana", NOW).reveal()
    digest = operators.all()[0].sha256
    for wrong in ("", token[:-1], token + "x", token.upper(), digest, "é"):
        assert operators.name_of(wrong) is None
    assert operators.remove("ana")
    assert not operators.remove("ana")
    assert operators.name_of(token) is None


@pytest.mark.parametrize(
    "name", ["", "Ana", "a b", "-a", "a" * 64, "local:root", "a/b", "a\n", "clock", "breaker", "inbox"]
)
def test_names_that_could_mislead_are_refused(tmp_path: Path, name: str) -> None:
    """Above all one that looks like this machine's users, or like the agent itself."""
    with pytest.raises(AgentError) as refused:
        Operators(tmp_path).add(name, NOW)
    assert refused.value.code == "bad-operator"


def test_a_name_is_given_once(tmp_path: Path) -> None:
    """A second token would make two people one."""
    Operators(tmp_path).add("ana", NOW)
    with pytest.raises(AgentError) as refused:
        Operators(tmp_path).add("ana", NOW)
    assert refused.value.code == "operator-exists"


def test_a_lost_list_is_not_an_empty_one(tmp_path: Path) -> None:
    """Else losing the file would let every user of the socket approve; it is not overwritten by the next operator."""
    operators = Operators(tmp_path)
    token = operators.add("ana", NOW).reveal()
    kept = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).unlink()
    calls = (
        operators.all,
        lambda: operators.name_of(token),
        lambda: operators.add("bo", NOW),
        lambda: operators.remove("ana"),
    )
    for call in calls:
        with pytest.raises(AgentError) as refused:
            call()
        assert refused.value.code == "operators-lost"
    (tmp_path / FILE).write_bytes(kept)
    assert operators.name_of(token) == "ana"


def test_a_reset_is_the_way_to_begin_anew(tmp_path: Path) -> None:
    """Said by somebody who may write the folder; tokens of before are worthless."""
    operators = Operators(tmp_path)
    token = operators.add("ana", NOW).reveal()
    (tmp_path / FILE).unlink()
    operators.reset()
    assert operators.all() == ()
    assert operators.name_of(token) is None
    operators.add("ana", NOW)
    assert operators.name_of(token) is None


def test_removing_the_last_operator_is_a_decision(tmp_path: Path) -> None:
    """An empty list is there, and says so."""
    operators = Operators(tmp_path)
    operators.add("ana", NOW)
    operators.remove("ana")
    assert operators.all() == ()


async def test_nobody_approves_while_the_list_is_lost(tmp_path: Path) -> None:
    """Neither a user of this machine nor whoever comes with a token."""
    operators = Operators(tmp_path)
    operators.add("ana", NOW)
    (tmp_path / FILE).unlink()
    desk = QueueDesk(Settings(), cast(Queue, None), "local:root", operators)  # it does not get to the queue
    with pytest.raises(AgentError) as refused:
        await desk.approve(1)
    assert refused.value.code == "operators-lost"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"operators": [{}]}', '{"operators": 1}', "\x00"])
def test_a_damaged_list_lets_nobody_in(tmp_path: Path, text: str) -> None:
    """And is never overwritten by the next operator."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    for call in (lambda: Operators(tmp_path).name_of("x"), lambda: Operators(tmp_path).add("ana", NOW)):
        with pytest.raises(AgentError) as failed:
            call()
        assert failed.value.code == "operators-damaged"
    assert (tmp_path / FILE).read_text(encoding="utf-8") == text


def test_two_processes_that_add_at_once_lose_nobody(tmp_path: Path) -> None:
    """Each change is made on the newest list."""
    threads = [
        threading.Thread(target=Operators(tmp_path).add, args=(f"operator-{number}", NOW)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Operators(tmp_path).all()) == 8
