"""``agent record`` as it is typed: it records, shows, compares, and keeps what is there."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import Sandbox
from tests.browser.jobs.test_command_line import Shell, shell

__all__ = ["shell"]  # the fixture
pytestmark = pytest.mark.timeout(600)


def test_record_show_and_diff(shell: Shell, sandbox: Sandbox) -> None:
    """A recording of two pages, read by a person and by a program, then held against the catalogue."""
    made = shell("record", "sandbox", "--pages", "company/portfolio,user/history", "--out", "s.json", "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert set(told["pages"]) == {"company/portfolio", "user/history"}
    assert told["held_back"] == []
    shown = shell("record", "show", "s.json", "--pages", "company/portfolio")
    assert shown.returncode == 0
    assert "id=portfolio" in shown.stdout
    assert "user/history" not in shown.stdout
    compared = shell("record", "--diff", "s.json", "--json")
    verdicts = {item["key"]: item for item in json.loads(compared.stdout)["entries"]}
    assert compared.returncode == 0, [item for item in verdicts.values() if item["verdict"] == "contradicted"]
    assert verdicts["portfolio.table"]["verdict"] == "confirmed"
    assert verdicts["portfolio.table"]["proposal"] == "I -> C"
    assert verdicts["add_user.form"]["verdict"] == "unseen"
    table = shell("record", "--diff", "s.json")
    assert "I -> C" in table.stdout
    again = shell("record", "sandbox", "--out", "s.json")
    assert again.returncode == 3
    assert "never written over" in " ".join(again.stdout.split())
    output = made.stdout + made.stderr + shown.stdout + compared.stdout
    assert "sandbox" not in (shell.folder / "s.json").read_text(encoding="utf-8").split('"pages"')[0]
    assert shell.secrets["password"] not in output


def test_what_is_typed_wrong_is_said(shell: Shell) -> None:
    """An unknown place, a missing file name: exit code 2, and what there is."""
    unknown = shell("record", "sandbox", "--pages", "company/nowhere")
    assert unknown.returncode == 2
    assert "company/users" in unknown.stdout
    assert shell("record", "show").returncode == 2
    assert shell("record", "--diff", "nowhere.json").returncode == 4
