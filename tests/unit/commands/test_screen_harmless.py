"""Text from evidence does not command the terminal of whoever looks at it."""

from __future__ import annotations

import json

import pytest
from rich.table import Table

from agent.commands.screen import Screen
from agent.errors import Failed

HOSTILE = "report\x1b[2J\x9b31m\x07\x7f\u202etxt.exe\udcff"


def test_control_characters_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """In lines, tables and errors; line feeds and tabs stay."""
    screen = Screen()
    table = Table("file")
    table.add_row(HOSTILE)
    screen.say(f"one\ttwo\nthree {HOSTILE}")
    screen.line("•", HOSTILE, right=HOSTILE)
    screen.people.print(table)
    screen.error(Failed("x", HOSTILE, expected=HOSTILE, seen=HOSTILE), (HOSTILE,))
    shown = capsys.readouterr().out
    assert "\u241b[2J" in shown
    assert "\nthree" in shown
    assert not set(shown) & set("\x1b\x9b\x07\x7f\u202e\udcff")


def test_the_document_escapes_them(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON does: the same text for machines, and nothing that a terminal obeys."""
    Screen(as_json=True).document({"name": HOSTILE})
    written = capsys.readouterr().out
    assert not set(written) & set("\x1b\x9b\x07\x7f\u202e\udcff")
    assert json.loads(written) == {"name": HOSTILE}
