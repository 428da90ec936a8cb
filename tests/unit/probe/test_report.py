"""What is kept of a probe, and what is put on record of each flow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import Failed
from agent.probe.report import FlowProbe, KeptProbes, ProbeReport, Trouble, Verdict, flow_reports
from agent.queue.record import PROBE, FlowHealth

AT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


def report(**more: object) -> ProbeReport:
    """A probe that found one of each."""
    flows = (
        FlowProbe(flow="add_user", verdict=Verdict.HEALTHY, regions=("add_user.form",)),
        FlowProbe(flow="edit_user", verdict=Verdict.DEGRADED, region="edit_user.form", findings=("a label",)),
        FlowProbe(flow="invite", verdict=Verdict.DANGEROUS, code="shape-changed", findings=("two buttons",)),
        FlowProbe(flow="reactivate", verdict=Verdict.UNVISITED, why="nobody is named"),
    )
    found = ProbeReport(tenant="northwind", at=AT, flows=flows, generations={"company list": "legacy"})
    return found.model_copy(update=dict(more))


def test_each_flow_is_told_as_it_was_found_and_an_unvisited_one_not_at_all() -> None:
    """By the probe, with what was found; not having looked says nothing."""
    told = {item.flow: item for item in flow_reports(report(), quarantine=True, evidence="/var/probes/x.json")}

    assert {flow: item.state for flow, item in told.items()} == {
        "add_user": FlowHealth.HEALTHY,
        "edit_user": FlowHealth.DEGRADED,
        "invite": FlowHealth.QUARANTINED,
    }
    assert {item.by for item in told.values()} == {PROBE}
    assert (told["invite"].code, told["invite"].findings) == ("shape-changed", ("two buttons",))
    assert told["invite"].generation == "legacy"
    assert not any(item.wrote for item in told.values())


def test_where_the_settings_say_so_a_danger_takes_nothing_out_of_use() -> None:
    """It is told all the same."""
    told = {item.flow: item.state for item in flow_reports(report(), quarantine=False)}

    assert told["invite"] is FlowHealth.DEGRADED


def test_what_has_changed_is_listed_the_worst_first() -> None:
    """So that nobody has to look for it."""
    assert [flow.flow for flow in report().changed] == ["invite", "edit_user"]


def test_a_report_is_kept_and_read_again(tmp_path: Path) -> None:
    """Nobody but the agent's user may read it: it names a person."""
    kept = KeptProbes(tmp_path)
    file = kept.keep(report())

    assert kept.last("northwind") == report()
    assert kept.last_success("northwind") == AT
    assert file.stat().st_mode & 0o077 == 0


def test_a_probe_that_failed_does_not_count_as_a_success(tmp_path: Path) -> None:
    """It stands as the last one, and the last success stays what it was."""
    kept = KeptProbes(tmp_path)
    kept.keep(report())
    kept.keep(report(at=AT + timedelta(days=1), trouble=Trouble(code="signed-out", message="over")))

    last = kept.last("northwind")
    assert last is not None
    assert not last.succeeded
    assert kept.last_success("northwind") == AT


def test_a_tenant_without_a_probe_waits_from_the_first_time_that_somebody_asks(tmp_path: Path) -> None:
    """Also after a restart: else an agent that runs by day only would never probe."""
    assert KeptProbes(tmp_path).since("northwind", AT) == AT
    assert KeptProbes(tmp_path).since("northwind", AT + timedelta(days=3)) == AT


def test_a_file_of_another_release_is_no_report(tmp_path: Path) -> None:
    """Nor is a damaged one; the next night writes a new one."""
    kept = KeptProbes(tmp_path)
    kept.keep(report()).write_text('{"tenant": "northwind", "of": "the future"}', encoding="utf-8")

    assert kept.last("northwind") is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "probes").write_text("in the way", encoding="utf-8")

    with pytest.raises(Failed) as failure:
        KeptProbes(tmp_path).keep(report())

    assert failure.value.code == "state-unwritable"
