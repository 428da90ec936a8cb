"""Command lines that cannot be understood."""

from __future__ import annotations

import json

import pytest

from agent.errors import Failed
from agent.execute.remedies import BY_CODE, remedy
from tests.unit.commands.conftest import CommandLine
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake_tenant import FakeTenant

ANA = "ana.lindqvist@example.com"


@pytest.mark.parametrize("words", [("run-job",), ("run-job", "x.json", "--nope"), ("frobnicate",)])
def test_a_wrong_command_line_gives_one_json_document_too(agent: CommandLine, words: tuple[str, ...]) -> None:
    """Exit code 2, one document on standard output, the words for people on standard error."""
    result = agent(*words, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "bad-usage"
    assert "bad-usage" in result.stderr


def test_without_json_standard_output_stays_empty(agent: CommandLine) -> None:
    """People read the usage on standard error."""
    result = agent("run-job", "x.json", "--nope")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--nope" in result.stderr


def test_a_snapshot_names_the_tabs_and_its_files(agent: CommandLine, truth: FakeTenant) -> None:
    """Not the agent's own words for them, and the paths to copy; it is not "nothing to do"."""
    truth.put(person())
    shown = agent("run-job", agent.job_file(job("snapshot"))).stdout
    assert "Inactive Contacts 0" in " ".join(shown.split())
    assert "test-snapshot/snapshot.json" in shown
    assert "test-snapshot/snapshot.csv" in shown
    assert "nothing to do" not in shown


def test_a_reading_is_not_nothing_to_do(agent: CommandLine, truth: FakeTenant) -> None:
    """It did what was asked: to report."""
    truth.put(person())
    assert "nothing to do" not in agent("run-job", agent.job_file(job("read", person={"email": ANA}))).stdout


def test_a_job_whose_time_has_passed_says_so(agent: CommandLine) -> None:
    """On the screen while it runs, and in the outcome; it is done nevertheless."""
    late = provision(needed_by="2026-11-21T17:00:00+00:00")
    document = json.loads(agent("run-job", agent.job_file(late), "--json").stdout)
    assert document["exit_code"] == 0
    assert "needed by 2026-11-21 17:00 UTC" in document["jobs"][0]["outcome"]["summary"]


def test_a_session_that_still_serves_is_not_called_a_sign_in(agent: CommandLine) -> None:
    """The first job signs in, the second finds the session."""
    shown = agent("run-job", agent.job_file([provision(), job("read", person={"email": ANA})])).stdout
    assert (shown.count("Signed in to"), shown.count("Still signed in to")) == (1, 1)


def test_an_invitation_that_went_before_says_why_no_mail_went(agent: CommandLine, truth: FakeTenant) -> None:
    """And how to send it again."""
    truth.put(person())
    shown = " ".join(agent("run-job", agent.job_file(job("invite", person={"email": ANA}))).stdout.split())
    assert "already invited" in shown
    assert "set resend to true" in shown


def test_no_remedy_sends_people_to_the_command_they_came_from() -> None:
    """Each says what to do; "agent doctor helps" inside the doctor helps nobody."""
    assert not [code for code, text in BY_CODE.items() if "agent doctor" in text]


def test_a_locked_keyring_is_answered_by_what_locked_it() -> None:
    """A wrong master key and a missing one need different things."""
    wrong = Failed("keyring-locked", "x", seen="/k cannot be opened with the master key in /m")
    missing = Failed("keyring-locked", "x", seen="cannot read the master key file /m: No such file or directory")
    assert "sealed with" in remedy(wrong)
    assert "Put the master key back" in remedy(missing)
