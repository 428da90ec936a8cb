"""``agent probe`` as a process of its own: what it prints, what it leaves, and how it ends."""

from __future__ import annotations

import json

from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import options_of
from tests.browser.jobs.test_command_line import Shell, shell
from tests.browser.probe.conftest import writes

__all__ = ["shell"]


def test_a_probe_by_hand_writes_nothing_and_stands_in_the_status(shell: Shell, sandbox: Sandbox) -> None:
    """The agent's own account where nobody is named; what is not looked at is said."""
    sandbox.post("/options", {"mfa": "off"})
    try:
        done = shell("probe", "--json")
    finally:
        sandbox.post("/options", {"mfa": "enrolled"})
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["trouble"] is None
    found = {flow["flow"]: flow["verdict"] for flow in report["flows"]}
    assert (found["add_user"], found["edit_user"], found["inactivate"]) == ("healthy", "healthy", "unvisited")
    assert writes(sandbox) == []

    status = json.loads(shell("status", "--json").stdout)
    (probe,) = status["probes"]
    assert (probe["tenant"], probe["dangerous"]) == ("sandbox", 0)
    assert "as known" in shell("status").stdout


def test_a_danger_ends_with_the_code_that_calls_a_person(shell: Shell, sandbox: Sandbox) -> None:
    """Exit code 6; one flow alone does not stand as the tenant's last probe."""
    with options_of(sandbox, mfa="off", drift={"only": ["labels_swapped"]}):
        done = shell("probe", "--flow", "add_user", "--flow", "edit_user")
        unknown = shell("probe", "--flow", "delete_everybody")

    assert done.returncode == 6, done.stderr
    assert "dangerous" in done.stdout
    assert unknown.returncode == 3
    assert "no flow 'delete_everybody'" in unknown.stdout + unknown.stderr
    assert json.loads(shell("status", "--json").stdout)["probes"] == []
    assert writes(sandbox) == []
