"""The agent at a glance on the terminal, once or until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.commands.flow_views import not_well
from agent.commands.following import LOOK_EVERY_S
from agent.commands.moments import ago, clock_time, span
from agent.commands.screen import Screen
from agent.execute.wording import count
from agent.queue.record import JobState, Priority
from agent.service.desk import Desk
from agent.service.views import DepthView, OverdueView, ProbeView, Status, TenantView


def status_view(status: Status, now: datetime) -> RenderableType:
    """Tenants, what runs, the browser."""
    parts: list[RenderableType] = [Text.from_markup(_headline(status, now)), Text(), _tenants(status, now)]
    if status.running:
        parts += [Text(), _running(status, now)]
    if status.flows:
        parts += [Text(), not_well(status.flows, now)]
    if status.probes:
        parts += [Text(), _probes(status, now)]
    if status.overdue:
        parts += [Text(), _overdue(status, now)]
    equipment = _equipment(status.worker)
    if equipment:
        parts += [Text(), Text.from_markup(equipment)]
    if status.inbox_trouble:
        parts.append(Text.from_markup(f"[bad]Inbox stopped:[/] {escape(status.inbox_trouble)}"))
    return Group(*parts)


def _headline(status: Status, now: datetime) -> str:
    if not status.agent_runs:
        return f"[unsure]No agent is running.[/] [quiet]{status.version}[/]  Start it: [name]agent run[/]"
    state = "[unsure]Stopping[/]" if status.draining else "[good]Running[/]"
    if status.no_room:
        state = f"[bad]No job is started.[/] {escape(status.no_room)}\n{state}"
    since = (
        f" [quiet]since {clock_time(status.started_at)} ({ago(status.started_at, now)})[/]" if status.started_at else ""
    )
    return f"{state} {status.version}{since}"


def _tenants(status: Status, now: datetime) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Tenant", style="name", overflow="fold")
    for column in ("Running", "Queued", "For a person"):
        table.add_column(column, justify="right")
    table.add_column("Oldest leaver", justify="right")
    table.add_column("", overflow="fold")
    for tenant in status.tenants:
        own = [depth for depth in status.depths if depth.tenant == tenant.name]
        running = _sum(depth for depth in own if depth.state is JobState.RUNNING)
        queued = _sum(depth for depth in own if depth.state is JobState.QUEUED and not depth.held)
        held = _sum(depth for depth in own if depth.held)
        table.add_row(
            Text(tenant.name),
            f"{running}/{tenant.max_running}",
            f"{queued:,}",
            f"[unsure]{held:,}[/]" if held else "0",
            _oldest_leaver(own, now),
            _pause(tenant, now),
        )
    return table


def _sum(depths: Iterable[DepthView]) -> int:
    return sum(depth.count for depth in depths)


def _oldest_leaver(depths: list[DepthView], now: datetime) -> str:
    since = [depth.oldest_at for depth in depths if depth.priority == Priority.OFFBOARD and depth.oldest_at]
    return ago(min(since), now) if since else "[quiet]none[/]"


def _pause(tenant: TenantView, now: datetime) -> str:
    if not tenant.paused:
        return ""
    end = f"until {ago(tenant.until, now)}" if tenant.until else f"until agent resume {tenant.name}"
    return f"[bad]paused[/] by {escape(tenant.paused_by)}, {escape(end)}: {escape(tenant.why)}"


def _running(status: Status, now: datetime) -> Table:
    doing = {item.get("job_id"): str(item.get("doing", "")) for item in status.worker.get("running", ())}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Job", justify="right", style="name", no_wrap=True)
    table.add_column("Action", no_wrap=True)
    table.add_column("Person", overflow="fold")
    table.add_column("Doing", overflow="fold")
    table.add_column("For", justify="right", style="quiet", no_wrap=True)
    for job in status.running:
        lasts = span((now - job.started_at).total_seconds()) if job.started_at else ""
        step = doing.get(job.id) or str(job.progress.get("step") or "")
        table.add_row(str(job.id), job.action.replace("_", " "), Text(job.person or "everybody"), Text(step), lasts)
    return table


def _probes(status: Status, now: datetime) -> Table:
    """The last nightly look at each tenant's flows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Probe of", style="name", overflow="fold")
    table.add_column("Last", justify="right", no_wrap=True)
    table.add_column("Flows", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for probe in status.probes:
        seen = f"{probe.healthy} of {probe.healthy + probe.degraded + probe.dangerous + probe.unvisited} as known"
        table.add_row(Text(probe.tenant), ago(probe.at, now), seen, _found(probe, now))
    return table


def _found(probe: ProbeView, now: datetime) -> str:
    parts = []
    if probe.trouble:
        before = f", last success {ago(probe.succeeded_at, now)}" if probe.succeeded_at else ""
        parts.append(f"[bad]not to its end[/]: {escape(probe.trouble)}{before}")
    if probe.dangerous:
        parts.append(f"[bad]{probe.dangerous} dangerous[/]: {escape(', '.join(probe.changed[: probe.dangerous]))}")
    if probe.degraded:
        parts.append(f"[unsure]{probe.degraded} changed[/]: {escape(', '.join(probe.changed[probe.dangerous :]))}")
    if probe.unvisited:
        parts.append(f"[quiet]{probe.unvisited} not looked at[/]")
    return "; ".join(parts)


def _overdue(status: Status, now: datetime) -> Table:
    """Access that has outlived its end, and what stands in the way."""
    title = f"[bad]{count(len(status.overdue), 'grant')} of access past the end[/]"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False, title=title)
    table.title_justify = "left"
    table.add_column("Person", overflow="fold")
    table.add_column("Tenant", style="quiet", overflow="fold")
    table.add_column("What", overflow="fold")
    table.add_column("Ended", justify="right", no_wrap=True)
    table.add_column("Job", style="name", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for item in status.overdue:
        project = item.what.get("project")
        what = "account" if item.kind == "account" else f"project {_named(project)}"
        ended = ago(item.ended_at, now) if item.ended_at else ""
        table.add_row(Text(item.person), Text(item.tenant), Text(what), ended, str(item.job or ""), _stands(item))
    return table


def _named(project: Any) -> str:
    return str(project.get("id", "")) if isinstance(project, dict) else str(project)


def _stands(item: OverdueView) -> str:
    if item.state is None or item.state.is_live:
        return f"[unsure]{item.state.value if item.state else 'to be submitted'}[/]"
    if item.state is JobState.DEAD:
        return f"[bad]dead[/]: agent jobs retry {item.job}"
    return f"[bad]{item.state.value}[/]: extend it, or submit a job that takes it away"


def _equipment(worker: dict[str, Any]) -> str:
    """Browser and sessions on one line."""
    browser, sessions = worker.get("browser") or {}, worker.get("sessions") or ()
    words = [str(browser.get("version", "")), f"up {span(browser.get('age_s') or 0)}" if browser else ""]
    words += [count(int(browser[name]), unit) for name, unit in (("jobs", "job"),) if browser.get(name)]
    words += [f"{browser['mib']:.0f} MiB" if browser.get("mib") else ""]
    parts = [f"[quiet]browser[/] {escape(', '.join(filter(None, words)))}"] if browser else []
    signed_in = [str(item.get("tenant")) for item in sessions if item.get("signed_in")]
    parts += [f"[quiet]signed in to[/] {escape(', '.join(signed_in))}"] if signed_in else []
    ended = worker.get("ended")
    parts += [f"[quiet]{count(int(ended), 'run')} since the start[/]"] if ended else []
    return "   ".join(parts)


async def watch_status(screen: Screen, desk: Desk) -> None:
    """Show the status again and again, until interrupted; without a terminal, or as JSON, once."""
    status = await desk.status()
    if screen.as_json:
        screen.document(status.model_dump(mode="json"))
        return
    if not screen.people.is_terminal:
        screen.people.print(status_view(status, datetime.now(UTC)))
        return
    with Live(status_view(status, datetime.now(UTC)), console=screen.people, refresh_per_second=4) as live:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            live.update(status_view(await desk.status(), datetime.now(UTC)))
