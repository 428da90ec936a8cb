"""The commands at the desk: with a running agent by its socket, without one on the queue itself; the same answers."""

from __future__ import annotations

import getpass
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent.commands.app import app
from agent.queue.ending import Dead, Done, Ending, Held, How, Trouble
from agent.queue.record import Hold
from agent.settings import Settings
from tests.service.conftest import Served, job

CommandLine = Callable[..., Result]
CSV = """action,idempotency_key,ticket,requested_by,approved_by,email
read,c-1,T,hr@example.com,it@example.com,ana@example.com
read,c-2,T,hr@example.com,it@example.com,bo@example.com
"""


@pytest.fixture
def agent(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in the folder of the settings; nobody is at the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("AGENT_SETTINGS", "AGENT_TOKEN", "AGENT_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "job.json").write_text(json.dumps(job()), encoding="utf-8")
    (tmp_path / "people.csv").write_text(CSV, encoding="utf-8")

    def run(*words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(params=["with an agent", "alone"])
def desk(request: pytest.FixtureRequest, agent: CommandLine, settings: Settings) -> Iterator[CommandLine]:
    """The command line, once with and once without a running agent."""
    if request.param == "alone":
        yield agent
        return
    with Served(settings):
        yield agent


def flat(result: Result) -> str:
    """The output without the line breaks of the terminal and the frames of panels."""
    return " ".join(result.output.replace("│", " ").split())


def document(result: Result) -> Any:
    """The one JSON document on standard output."""
    return json.loads(result.stdout)


def test_a_job_is_submitted_listed_shown_and_cancelled(desk: CommandLine) -> None:
    """The same words with and without an agent, but for who is told to start one."""
    assert desk("submit", "job.json").exit_code == 0
    assert "ana@example.com" in desk("jobs", "list").output
    shown = desk("jobs", "show", "1")
    assert "accepted" in shown.output
    assert f"local:{getpass.getuser()}" in shown.output
    assert "cancelled" in desk("jobs", "cancel", "1").output
    again = desk("jobs", "cancel", "1")
    assert (again.exit_code, "job-is-over" in again.output) == (3, True)
    assert desk("jobs", "show", "99").exit_code == 3


def test_a_batch_needs_a_yes_and_is_accepted_as_a_whole(desk: CommandLine) -> None:
    """Shown first; without anybody to ask, nothing is accepted."""
    unasked = desk("submit", "people.csv")
    assert (unasked.exit_code, "--yes" in unasked.output) == (6, True)
    assert "people.csv line 3" in flat(unasked)
    assert document(desk("jobs", "list", "--json"))["jobs"] == []
    assert desk("submit", "people.csv", "--preview").exit_code == 0
    accepted = document(desk("submit", "people.csv", "--yes", "--json"))
    assert [item["id"] for item in accepted["jobs"]] == [1, 2]
    assert accepted["batch"].startswith("people-")
    listed = document(desk("jobs", "list", "--batch", accepted["batch"], "--json"))["jobs"]
    assert len(listed) == 2
    assert "In the queue already: 1-2" in flat(desk("submit", "people.csv", "--yes"))


def test_every_mistake_of_a_file_is_told_with_its_line(desk: CommandLine, tmp_path: Path) -> None:
    """Exit code 2, as JSON, too."""
    (tmp_path / "people.csv").write_text(CSV.replace("read,c-2", "raed,c-2").replace("ana@", "ana"), encoding="utf-8")
    result = desk("submit", "people.csv", "--yes")
    assert result.exit_code == 2
    assert "line 2, email" in flat(result)
    assert "did you mean 'read'" in flat(result)
    assert document(desk("submit", "people.csv", "--json"))["error"]["code"] == "bad-job-file"
    assert desk("submit", "nowhere.json").exit_code == 2
    assert desk("submit", "job.json", "--at", "soon").exit_code == 2


def test_standard_input_and_a_time_are_understood(desk: CommandLine) -> None:
    """A job for later."""
    assert desk("submit", "-", "--at", "2030-01-01T06:00:00+00:00", stdin=json.dumps(job())).exit_code == 0
    assert document(desk("jobs", "show", "1", "--json"))["not_before"] == "2030-01-01T06:00:00Z"
    assert "from 20" in desk("jobs", "list").output


def test_a_tenant_is_paused_and_resumed(desk: CommandLine) -> None:
    """The status says who and why."""
    assert desk("pause", "acme", "--reason", "audit", "--until", "2030-01-01T00:00:00+00:00").exit_code == 0
    assert "audit" in flat(desk("status"))
    assert document(desk("resume", "acme", "--json"))["paused"] is False
    assert desk("resume", "acne").exit_code in (2, 3)


def test_a_job_is_handed_over_with_instructions(desk: CommandLine) -> None:
    """And what comes next is said."""
    desk("submit", "job.json")
    result = desk("jobs", "hand-over", "1", "--reason", "the page is new")
    assert "agent jobs resolve 1" in flat(result)
    assert document(desk("jobs", "list", "--held", "--json"))["jobs"][0]["hold"] == "hand-over"


@pytest.mark.parametrize("words", [("jobs", "resolve", "1"), ("jobs", "watch", "1"), ("submit", "job.json", "--wait")])
def test_what_needs_an_agent_says_so(agent: CommandLine, words: tuple[str, ...]) -> None:
    """And does nothing."""
    result = agent(*words)
    assert (result.exit_code, "agent-needed" in result.output, "agent run" in flat(result)) == (3, True, True)
    assert document(agent("jobs", "list", "--json"))["jobs"] == []


def test_without_an_agent_one_is_told_to_start_it(agent: CommandLine) -> None:
    """Accepted is accepted, but nobody works on it."""
    assert "agent run" in flat(agent("submit", "job.json"))
    assert "No agent is running" in flat(agent("status"))
    assert document(agent("status", "--json"))["agent_runs"] is False
    assert agent("health").exit_code == 4


def test_with_an_agent_the_status_shows_it(agent: CommandLine, served: Served) -> None:
    """Health for supervisors, readiness besides."""
    assert document(agent("status", "--json"))["agent_runs"] is True
    assert agent("health").exit_code == 0
    assert agent("health", "--ready", "--json").exit_code == 0
    served.worker.says.draining = True
    assert (agent("health").exit_code, agent("health", "--ready").exit_code) == (0, 4)
    assert "Stopping" in agent("status").output


ENDINGS: dict[int, How] = {
    0: Done(),
    3: Dead(Trouble("refused", "protected-person", "Never.")),
    4: Dead(Trouble("failed", "denied", "No right.")),
    5: Held(Hold.UNCERTAIN, "Who knows."),
    6: Held(Hold.APPROVAL, "Too many."),
}


@pytest.mark.parametrize("code", ENDINGS)
def test_watching_ends_with_the_exit_code_of_the_job(agent: CommandLine, served: Served, code: int) -> None:
    """As a script needs it; submit --wait the same."""

    async def end() -> None:
        claim = await served.queue.next_claim("test")
        await served.queue.finish(claim, Ending(ENDINGS[code]))

    agent("submit", "job.json")
    served.does(end())
    result = agent("jobs", "watch", "1", "--json")
    assert result.exit_code == code
    assert document(result)["jobs"][0]["id"] == 1
    assert agent("submit", "job.json", "--wait").exit_code in (code, 0, 6)


def test_an_approval_takes_a_token_and_somebody_else(
    agent: CommandLine, served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By variable or by file; asked about unless --yes says so."""
    agent("submit", "job.json")

    async def wait() -> None:
        claim = await served.queue.next_claim("test")
        data = {"codes": ["too-many-people"], "reasons": ["Three people."], "people": 3, "projects": 0}
        await served.queue.finish(claim, Ending(Held(Hold.APPROVAL, "Three people.", data)))

    served.does(wait())
    unasked = agent("jobs", "approve", "1")
    assert (unasked.exit_code, "Three people." in unasked.output) == (6, True)
    assert "four-eyes" in agent("jobs", "approve", "1", "--yes").output
    token = document(agent("operators", "add", "maria", "--json"))["token"]
    assert "token-needed" in agent("jobs", "approve", "1", "--yes").output
    (tmp_path / "token").write_text(token + "\n", encoding="utf-8")
    monkeypatch.setenv("AGENT_TOKEN_FILE", str(tmp_path / "token"))
    assert agent("jobs", "approve", "1", "--yes").exit_code == 0
    assert document(agent("jobs", "show", "1", "--json"))["approved_by"] == "maria"
    monkeypatch.setenv("AGENT_TOKEN", "pda_wrong")
    assert agent("jobs", "list").exit_code == 3


def test_operators_are_listed_and_removed(agent: CommandLine) -> None:
    """A token is shown once, on a line of its own."""
    token = agent("operators", "add", "hr-feed").output
    assert any(line.startswith("pda_") for line in token.splitlines())
    assert document(agent("operators", "list", "--json"))["operators"][0]["name"] == "hr-feed"
    assert "pda_" not in agent("operators", "list").output
    assert agent("operators", "remove", "hr-feed").exit_code == 0
    assert agent("operators", "remove", "hr-feed").exit_code == 3
    assert agent("operators", "add", "Bad Name").exit_code == 3


def test_a_queue_that_somebody_owns_without_an_interface_is_told(agent: CommandLine, settings: Settings) -> None:
    """No second writer, ever; the words say whose it is."""
    with Served(settings) as running:
        assert running.settings.api.socket is not None
        running.settings.api.socket.unlink()
        result = agent("jobs", "list")
    assert (result.exit_code, "api-unreachable" in result.output) == (4, True)
    assert "process" in flat(result)


def test_something_else_at_the_socket_is_not_the_agent(agent: CommandLine, settings: Settings) -> None:
    """An answer that is none ends the command in words."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(settings.api.socket))
        other.listen()
        other.setblocking(True)

        def answer() -> None:
            for _ in range(2):
                connection, _ = other.accept()
                with connection:
                    if connection.recv(4096):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        thread = threading.Thread(target=answer)
        thread.start()
        result = agent("status")
        thread.join(10)
    assert (result.exit_code, "api-not-understood" in result.output) == (4, True)


@pytest.mark.parametrize("words", [("flows",), ("flows", "acme"), ("flows", "list", "acme")])
def test_the_flows_are_listed_without_another_word(desk: CommandLine, words: tuple[str, ...]) -> None:
    """With the reason, what to type next, and what was never used."""
    assert desk("flows", "quarantine", "acme", "add_user", "--why", "Labels are swapped.").exit_code == 0
    shown = flat(desk(*words))
    for expected in ("quarantined", "Labels are swapped.", "agent flows show acme add_user", "Never used in acme:"):
        assert expected in shown
    assert "Labels are swapped." in flat(desk("flows", "show", "acme", "add_user"))
    assert "1 flow quarantined" in flat(desk("status"))


def test_a_release_asks_with_what_was_found(desk: CommandLine) -> None:
    """Nobody at the terminal: nothing is released, and the code says that somebody is waited for."""
    desk("flows", "quarantine", "acme", "add_user", "--why", "Labels are swapped.")
    asked = desk("flows", "release", "acme", "add_user", "--why", "I looked.")
    assert asked.exit_code == 6
    assert "Labels are swapped." in flat(asked)
    released = desk("flows", "release", "acme", "add_user", "--why", "I looked.", "--yes", "--json")
    assert (released.exit_code, document(released)["flow"]["state"]) == (0, "healthy")
    assert desk("flows", "release", "acme", "add_user", "--why", "I looked.", "--yes").exit_code == 3
    assert desk("flows", "show", "acme", "ad_user").exit_code == 3


def test_the_jobs_that_wait_for_want_of_a_flow_are_told_and_run_again(agent: CommandLine, served: Served) -> None:
    """How many, which, and how; or at once, where that was asked for."""
    assert agent("submit", "job.json").exit_code == 0
    agent("flows", "quarantine", "acme", "invite", "--why", "Mails go astray.")

    async def hold() -> None:
        claim = await served.queue.next_claim("test")
        await served.queue.finish(claim, Ending(Held(Hold.HAND_OVER, "By hand.", {"flows": ["invite"]})))

    served.does(hold())
    assert "1 job waits for a person because of it: 1" in flat(agent("flows", "show", "acme", "invite"))
    words = ("flows", "release", "acme", "invite", "--why", "I looked.", "--yes", "--retry-jobs", "--json")
    released = document(agent(*words))
    assert (released["run_again"], released["waiting_jobs"]) == ([1], [])
    assert document(agent("jobs", "show", "1", "--json"))["hold"] is None
