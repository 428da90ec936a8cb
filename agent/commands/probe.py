"""``agent probe``: walks every flow up to the step before its write, and says where the pages have changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from agent.commands.exit_codes import ExitCode
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.commands.workplace import Workplace
from agent.errors import AgentError, Mender, Refused
from agent.execute.wording import count
from agent.probe.gate import ProbeGate
from agent.probe.probe import Probe
from agent.probe.report import FlowProbe, KeptProbes, ProbeReport, Verdict, flow_reports
from agent.probe.walks import WALKS
from agent.queue.record import FlowReport
from agent.service.client import token_of
from agent.service.desk import Desk
from agent.service.flow_views import FlowSeen
from agent.service.reach import agent_answers, desk_at_hand
from agent.settings import Settings, load_settings
from flows.names import Flow

_WORDS = {
    Verdict.HEALTHY: "[good]as known[/]",
    Verdict.DEGRADED: "[unsure]changed[/]",
    Verdict.DANGEROUS: "[bad]dangerous[/]",
    Verdict.UNVISITED: "[quiet]not looked at[/]",
}


def probe(
    tenant: Annotated[str | None, typer.Argument(help="Tenant; may be left out where there is only one.")] = None,
    flow: Annotated[list[str] | None, typer.Option("--flow", help="Only this flow; can be repeated.")] = None,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Put what is found on record, as the nightly probe does.")
    ] = True,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Walk every flow up to the step before its write, compare each page with what is known, and write nothing.

    What is dangerous is taken out of use (agent flows) unless [probe] quarantine says otherwise; what was quarantined
    and looks well again is proposed for release, and a person releases it.

    Exit codes: 0 as known, or changed in what no write depends on; 2 unusable settings; 4 it could not look; 6 a flow
    is dangerous, and a person has to look.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        name, _ = settings.tenant(tenant)
        flows = tuple(_flow(item) for item in flow) if flow else tuple(WALKS)
        report = asyncio.run(_probed(settings, name, flows, screen, record=record))
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document(report.model_dump(mode="json"))
    else:
        _show(screen, report)
    if report.trouble is not None:
        raise typer.Exit(ExitCode.FAILED)
    raise typer.Exit(ExitCode.WAITING if report.count(Verdict.DANGEROUS) else ExitCode.DONE)


async def _probed(
    settings: Settings, tenant: str, flows: tuple[Flow, ...], screen: Screen, *, record: bool
) -> ProbeReport:
    async with Workplace(settings, (tenant,)) as place:
        gate = ProbeGate()
        session, account = await asyncio.to_thread(place.probing, tenant, gate)
        try:
            named = settings.tenants[tenant].probe
            walk = Probe(
                tenant,
                session,
                gate,
                account,
                named,
                settings.probe.page_loads,
                flows,
                on_flow=lambda found: _progress(screen, found),
            )
            report = await walk.run()
        finally:
            await session.close()
    if record:
        await _put_on_record(settings, report, whole=set(flows) == set(WALKS))
    return report


async def _put_on_record(settings: Settings, report: ProbeReport, *, whole: bool) -> None:
    """Tell the queue what was found; only a look at all the flows stands as the tenant's last probe."""
    file = KeptProbes(settings.paths.state).keep(report) if whole else Path()
    reports = tuple(flow_reports(report, quarantine=settings.probe.quarantine, evidence=str(file) if whole else ""))
    is_there = settings.queue.backend == "postgres" or settings.queue.file.exists() or agent_answers(settings.api)
    if not reports or not is_there:  # no queue is made for flows that nobody uses yet
        return
    async with desk_at_hand(settings, token_of()) as desk:
        for told in reports:
            await _tell(desk, report.tenant, told)


async def _tell(desk: Desk, tenant: str, told: FlowReport) -> None:
    seen = FlowSeen(
        state=told.state,
        source="probe",
        why=told.why,
        code=told.code,
        region=told.region,
        findings=told.findings,
        generation=told.generation,
        evidence=told.evidence,
        suspicion=told.suspicion,
    )
    await desk.flow_seen(tenant, told.flow, seen)


def _flow(name: str) -> Flow:
    try:
        found = Flow(name)
    except ValueError:
        found = Flow.READ
    if found not in WALKS:
        raise Refused(
            "unknown-flow",
            f"There is no flow {name!r} to probe.",
            expected=", ".join(WALKS),
            seen=name,
            mender=Mender.OPERATOR,
        )
    return found


def _progress(screen: Screen, found: FlowProbe) -> None:
    """One line for each flow, as it is known."""
    why = f"  [quiet]{escape(found.why)}[/]" if found.verdict is not Verdict.HEALTHY else ""
    screen.people.print(f"{escape(found.flow):<16} {_WORDS[found.verdict]}{why}", soft_wrap=True)


def _show(screen: Screen, report: ProbeReport) -> None:
    changed = report.changed
    if changed:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
        table.add_column("Flow", style="name", no_wrap=True)
        table.add_column("Where", no_wrap=True)
        table.add_column("Found", overflow="fold")
        for flow in changed:
            table.add_row(flow.flow, flow.region or flow.code, escape("\n".join(flow.findings) or flow.why))
        screen.people.print()
        screen.people.print(table)
    spent = f"{count(report.page_loads, 'page')} in {report.took_ms / 1000:.0f} s; nothing was written"
    if report.trouble is not None:
        screen.say(f"\n[bad]The probe did not come to its end:[/] {escape(report.trouble.message)} ({spent})")
    elif report.count(Verdict.DANGEROUS):
        screen.say(f"\n[bad]{count(report.count(Verdict.DANGEROUS), 'flow')} dangerous.[/] Look: agent flows ({spent})")
    else:
        screen.say(f"\n[good]No danger was found.[/] ({spent})")
