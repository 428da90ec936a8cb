"""The next step that a person is told: one of its own for each code with which a job can end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.errors import AgentError, Failed, Mender, SignInRejected, Uncertain, UnknownPage
from agent.execute.remedies import BY_CODE, BY_MENDER, remedy
from agent.execute.wording import next_step

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "errors.md"
ENDS_OF_JOBS = ("Refused or waiting", "Failed", "Uncertain")

# These carry their next step with them: what a person has to decide, approve or settle.
CARRY_THEIR_OWN = {
    "ambiguous-person",
    "contact-only",
    "near-hit",
    "address-taken",
    "too-many-people",
    "too-many-projects",
    "too-many-deactivations",
    "four-eyes",
    "too-large-share",
    "admin-grant",
    "group-delete",
    "sign-in-stopped",
    "earlier-job-uncertain",
    "stopped-midway",  # that of its cause
}
# These end the command before there is a job; their message lists what to correct.
BEFORE_ANY_JOB = {
    "bad-job-file",
    "bad-usage",
    "no-settings",
    "bad-settings",
    "unknown-tenant",
    "tenant-conflict",
    "settings-exist",
    "settings-unwritable",
    "credentials-invalid",
    "sandbox-missing",
}


def documented(text: str) -> set[str]:
    """The codes in the first column of the tables about ends of jobs."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    tables = "".join(section for section in sections if section.startswith(ENDS_OF_JOBS))
    return {
        code for line in re.findall(r"^\|([^|]*)\|", tables, re.MULTILINE) for code in re.findall("`([^`]+)`", line)
    }


def without_remedy(codes: set[str]) -> list[str]:
    """Those for which a person would only hear who can do something."""
    return sorted(codes - set(BY_CODE) - CARRY_THEIR_OWN - BEFORE_ANY_JOB)


def test_every_code_that_can_end_a_job_has_its_own_next_step() -> None:
    """As the reference lists them; "correct what is named above" alone helps nobody."""
    codes = documented(REFERENCE.read_text(encoding="utf-8"))
    assert len(codes) > 90
    assert without_remedy(codes) == []


def test_no_next_step_is_for_a_code_that_does_not_exist() -> None:
    """A renamed code would lose its remedy in silence."""
    assert set(BY_CODE) | CARRY_THEIR_OWN | BEFORE_ANY_JOB <= documented(REFERENCE.read_text(encoding="utf-8"))


def test_a_code_without_next_step_is_seen() -> None:
    """A planted violation: a new row of the reference, which nobody has thought of a remedy for."""
    codes = documented("## Failed: x\n\n| `denied`, `moon-phase` | when | what |\n\n## Other\n\n| `else` | x | y |\n")
    assert without_remedy(codes) == ["moon-phase"]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("unknown-dialog: a window", "read the window"),
        ("page-timeout: 20 s", "when it answers there"),
        ("no-such-code: x", BY_MENDER[Mender.DEVELOPER]),
    ],
)
def test_a_job_that_stopped_midway_is_helped_by_its_cause(cause: str, words: str) -> None:
    """The step for what stopped it, then how the rest gets done."""
    said = remedy(Uncertain("stopped-midway", "x", seen=cause, mender=Mender.DEVELOPER))
    assert words in said
    assert said.endswith("only what is left.")


def test_what_is_said_already_is_not_said_twice() -> None:
    """Some remedies tell themselves that running again does the rest."""
    said = remedy(Uncertain("stopped-midway", "x", seen="projects-failed: 24-003"))
    assert said.count("what is left") == 1


@pytest.mark.parametrize(
    "error",
    [Failed("stale-token", "x"), UnknownPage("unknown-field", "x"), SignInRejected("password-rejected", "x")],
)
def test_a_next_step_names_the_tenant_and_says_run_once_at_most(error: AgentError) -> None:
    """Read aloud to a caller it must not stutter, nor say TENANT."""
    said = next_step(error, "acme")
    assert "TENANT" not in said
    assert "safe" not in said or "run" not in said.lower().split("running the same job")[0]
