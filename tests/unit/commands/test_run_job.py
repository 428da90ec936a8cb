"""`agent run-job`: what people see, what machines get, and the exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from agent.errors import AgentError, Failed, SignInRejected
from tests.unit.commands.conftest import PASSWORD, CommandLine
from tests.unit.execute.cases import job, member, person, provision
from tests.unit.execute.fake_tenant import ENGINEER, HARBOR, FakeTenant

OFFBOARD = job("offboard", person={"email": "ana.lindqvist@example.com"})


def test_done_shows_plan_steps_witnesses_outcome_and_evidence(agent: CommandLine) -> None:
    """Exit code 0, and everything that a help-desk person needs on one screen."""
    result = agent("run-job", agent.job_file(provision()))
    assert result.exit_code == 0
    for words in (
        "HR-1",
        "Before",
        "After",
        "Harbor Bridge",
        "cannot be undone",
        "Change History",
        "Done",
        "report.html",
    ):
        assert words in result.stdout


def test_the_same_job_again_says_nothing_to_do(agent: CommandLine) -> None:
    """Exit code 0 as well."""
    file = agent.job_file(provision())
    agent("run-job", file)
    (agent.folder / "var/evidence/test-provision").rename(agent.folder / "first")
    result = agent("run-job", file)
    assert result.exit_code == 0
    assert "nothing to do" in result.stdout


def test_dry_run_shows_the_plan_and_writes_nothing(agent: CommandLine, truth: FakeTenant) -> None:
    """The plan as a table, and nothing sent."""
    result = agent("run-job", agent.job_file(provision()), "--dry-run")
    assert result.exit_code == 0
    assert "dry run" in result.stdout
    assert "Harbor Bridge" in result.stdout
    assert truth.sent == []


def test_json_is_one_document_on_standard_output(agent: CommandLine) -> None:
    """Everything that people read goes to standard error."""
    result = agent("run-job", agent.job_file(provision()), "--json")
    document = json.loads(result.stdout)
    (only,) = document["jobs"]
    assert (document["exit_code"], only["verdict"], only["outcome"]["nothing_to_do"]) == (0, "done", False)
    assert only["plan"]["steps"][0]["title"].startswith("Create the user")
    assert only["person"]["email"] == "ana.lindqvist@example.com"
    assert only["evidence"].endswith("test-provision")
    assert "Before" in result.stderr


def test_json_of_an_unusable_file_is_one_document_too(agent: CommandLine) -> None:
    """A machine gets the same shape of error whatever was wrong."""
    result = agent("run-job", agent.job_file({"action": "provisoin"}), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "bad-job-file"


def test_a_bad_file_tells_every_problem_with_its_path(agent: CommandLine) -> None:
    """Exit code 2, nothing started."""
    bad = {**json.loads(provision().model_dump_json(exclude_unset=True)), "invitaton": True}
    del bad["invitation"]
    result = agent("run-job", agent.job_file(bad))
    assert result.exit_code == 2
    assert "$.invitaton" in result.stdout
    assert "did you mean" in result.stdout
    assert "$.invitation" in result.stdout


def test_a_file_that_is_not_there_is_an_unusable_one(agent: CommandLine) -> None:
    """Not a traceback."""
    result = agent("run-job", "none.json")
    assert result.exit_code == 2
    assert "none.json" in result.stdout


def test_a_job_is_read_from_standard_input(agent: CommandLine) -> None:
    """For pipes."""
    result = agent("run-job", "-", "--dry-run", stdin=provision().model_dump_json(exclude_unset=True))
    assert result.exit_code == 0


def test_refused_is_3(agent: CommandLine) -> None:
    """A name that does not exist, with the nearest one."""
    result = agent("run-job", agent.job_file(provision(company_access={"template": "Feild Staff"})))
    assert result.exit_code == 3
    assert "Field Staff" in result.stdout


def test_failed_is_4(agent: CommandLine, truth: FakeTenant) -> None:
    """Nothing was changed, and the screen says so."""
    truth.fault("create_user", "unknown page")
    result = agent("run-job", agent.job_file(provision()))
    assert result.exit_code == 4
    assert "nothing was changed" in result.stdout


def test_uncertain_is_5(agent: CommandLine, truth: FakeTenant) -> None:
    """A person has to decide, and sees what is done and what is not."""
    truth.fault("invite", "lose before applying")
    result = agent("run-job", agent.job_file(provision()))
    assert result.exit_code == 5
    assert "a person has to decide" in result.stdout


def test_waiting_is_6_and_yes_lifts_it(agent: CommandLine, truth: FakeTenant) -> None:
    """Over the budget: shown and not done; with --yes done."""
    file = agent.folder / "agent.toml"
    file.write_text(file.read_text() + "[tenants.sandbox.policy]\nmax_projects_per_job = 1\n", encoding="utf-8")
    job_file = agent.job_file(provision())
    result = agent("run-job", job_file)
    assert result.exit_code == 6
    assert "--yes" in result.stdout
    assert truth.sent == []
    (agent.folder / "var/evidence/test-provision").rename(agent.folder / "first")
    assert agent("run-job", job_file, "--yes").exit_code == 0


def test_several_jobs_run_in_one_session_and_the_worst_decides(agent: CommandLine, truth: FakeTenant) -> None:
    """One sign-in; an uncertain job holds back the next one about the same person, not the others."""
    truth.fault("invite", "lose before applying")
    other = provision("ben@example.com", idempotency_key="ben", invitation=False)
    truth.put(person("ben@example.com", user_id="5", attributes={"first_name": "Ben", "last_name": "Berg"}))
    result = agent("run-job", agent.job_file([provision(), OFFBOARD, other]), "--json")
    verdicts = [item["verdict"] for item in json.loads(result.stdout)["jobs"]]
    assert verdicts == ["uncertain", "waiting", "done"]
    assert result.exit_code == 5
    assert truth.sign_ins == 2, "an uncertain job leaves its page behind; the next one opens a fresh one"


def test_a_rejected_sign_in_stops_the_other_jobs(agent: CommandLine, no_seat: Callable[[AgentError], None]) -> None:
    """One attempt for the whole file: the account must not be locked."""
    no_seat(SignInRejected("password-rejected", "Procore rejected the password."))
    result = agent("run-job", agent.job_file([provision(), OFFBOARD]), "--json")
    document = json.loads(result.stdout)
    assert [item["verdict"] for item in document["jobs"]] == ["failed", "waiting"]
    assert document["jobs"][1]["outcome"]["error"]["code"] == "sign-in-stopped"
    assert result.exit_code == 4


def test_trouble_before_the_session_names_the_next_step(
    agent: CommandLine, no_seat: Callable[[AgentError], None]
) -> None:
    """No credentials: the command to type is on the screen."""
    no_seat(Failed("credentials-missing", "No credentials are stored for the tenant 'sandbox'."))
    result = agent("run-job", agent.job_file(provision()))
    assert result.exit_code == 4
    assert "agent credentials set sandbox" in result.stdout


def test_a_job_for_another_tenant_than_asked_is_not_run(agent: CommandLine, truth: FakeTenant) -> None:
    """--tenant and the job disagree: nothing starts."""
    result = agent("run-job", agent.job_file(provision(tenant="elsewhere")), "--tenant", "sandbox")
    assert result.exit_code == 2
    assert truth.loads == []


def test_an_unknown_tenant_is_answered_with_the_known_ones(agent: CommandLine) -> None:
    """And the nearest."""
    result = agent("run-job", agent.job_file(provision()), "--tenant", "sandbx")
    assert result.exit_code == 2
    assert "did you mean 'sandbox'" in result.stdout


def test_wrong_settings_name_every_key(agent: CommandLine) -> None:
    """Exit code 2."""
    (agent.folder / "agent.toml").write_text("[tenants.sandbox]\nsign_in_ur = 1\n", encoding="utf-8")
    result = agent("run-job", agent.job_file(provision()))
    assert result.exit_code == 2
    for key in ("sign_in_ur:", "sign_in_url", "app_url", "company_id"):
        assert key in result.stdout


def test_markup_in_names_is_shown_and_not_obeyed(agent: CommandLine, truth: FakeTenant) -> None:
    """A name with square brackets does not break or colour the screen."""
    truth.put(
        person(
            attributes={"first_name": "[red]Ana", "last_name": "[/]Lindqvist"}, memberships=(member(HARBOR, ENGINEER),)
        )
    )
    result = agent("run-job", agent.job_file(OFFBOARD))
    assert result.exit_code == 0
    assert "[red]Ana [/]Lindqvist" in result.stdout


def test_hand_overs_are_shown_to_the_person(agent: CommandLine, truth: FakeTenant) -> None:
    """What people still have to do stands in the outcome."""
    truth.put(person())
    offboard = job(
        "offboard",
        person={"email": "ana.lindqvist@example.com"},
        hand_over=[{"what": "Open RFIs", "to": "jonas@example.com"}],
    )
    assert "Open RFIs -> jonas@example.com" in agent("run-job", agent.job_file(offboard)).stdout


def test_without_room_for_evidence_nothing_is_begun(agent: CommandLine, truth: FakeTenant) -> None:
    """Exit code 4 with the reason and what to do, before a browser is started."""
    settings = agent.folder / "agent.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[evidence]\nkeep_free_mib = 1000000000\n")
    result = agent("run-job", agent.job_file(provision()), "--json")
    (only,) = json.loads(result.stdout)["jobs"]
    assert result.exit_code == 4
    assert only["outcome"]["error"]["code"] == "evidence-no-room"
    assert "evidence.keep_free_mib" in only["outcome"]["summary"]
    assert (truth.sent, only["evidence"]) == ([], None)


@pytest.mark.parametrize("flags", [(), ("--json",), ("--dry-run",)])
@pytest.mark.parametrize("columns", ["34", "100"])
def test_a_password_in_the_job_does_not_reach_the_screen(
    agent: CommandLine, monkeypatch: pytest.MonkeyPatch, columns: str, flags: tuple[str, ...]
) -> None:
    """Whoever types it into a ticket: neither panel nor table nor JSON shows it, however narrow the terminal."""
    monkeypatch.setenv("COLUMNS", columns)
    wanted = provision().model_dump(mode="json", exclude_unset=True)
    wanted["reason"]["ticket"] = f"HR-1 {PASSWORD}"
    wanted["person"]["attributes"]["last_name"] = f"Lind {PASSWORD}"
    file = agent.job_file(wanted)
    result = agent("run-job", file, *flags)
    assert "***" in result.output
    bare = re.sub(r"[\W_]+", "", result.output)  # without frames and line ends
    assert re.sub(r"[\W_]+", "", PASSWORD) not in bare
    assert "Qu1et" not in bare
    if "--json" in flags:
        assert json.loads(result.stdout)["jobs"]


@pytest.mark.parametrize("trouble", [Failed("browser-missing", f"No browser at {PASSWORD}", seen=PASSWORD)])
def test_a_password_in_an_error_does_not_reach_the_screen(
    agent: CommandLine, no_seat: Callable[[AgentError], None], trouble: AgentError
) -> None:
    """What an error quotes is masked in the panel."""
    no_seat(trouble)
    result = agent("run-job", agent.job_file(provision()))
    assert "No browser at ***" in result.output
    assert "Qu1et" not in result.output
