"""Flows on the terminal: a table of all, and one with its finding and its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.commands.moments import ago, clock_time
from agent.execute.wording import count
from agent.queue.record import FlowHealth
from agent.service.flow_views import FlowHistory
from agent.service.views import FlowView

_STYLES = {FlowHealth.HEALTHY: "good", FlowHealth.DEGRADED: "unsure", FlowHealth.QUARANTINED: "bad"}
_SHOWN_JOBS = 10  # numbers in one line


def flows_table(flows: Iterable[FlowView], now: datetime) -> RenderableType:
    """All flows of which something is known; the rest of each tenant on one line."""
    flows = tuple(flows)
    used = [flow for flow in flows if flow.since is not None]
    parts: list[RenderableType] = [_table(used, now)] if used else []
    for tenant in dict.fromkeys(flow.tenant for flow in flows):
        unused = [flow.flow for flow in flows if flow.tenant == tenant and flow.since is None]
        if unused:
            parts.append(Text.from_markup(f"[quiet]Never used in[/] {escape(tenant)}[quiet]:[/] {', '.join(unused)}"))
    return Group(*parts) if parts else Text.from_markup("[quiet]No tenant.[/]")


def not_well(flows: Sequence[FlowView], now: datetime) -> RenderableType:
    """For the status: only what is degraded or quarantined."""
    number = sum(flow.state is FlowHealth.QUARANTINED for flow in flows)
    table = _table(flows, now)
    table.title = f"[bad]{count(number, 'flow')} quarantined[/]" if number else "[unsure]Flows that are degraded[/]"
    table.title_justify = "left"
    return table


def flow_panel(history: FlowHistory, now: datetime) -> Panel:
    """One flow: what was found, where the evidence is, what waits, and how it came to that."""
    flow = history.flow
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="quiet", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = {
        "since": f"{clock_time(flow.since)} ({ago(flow.since, now)}) by {flow.by}" if flow.since else "",
        "why": flow.why,
        "code": flow.code,
        "where": flow.region,
        "found": "\n".join(flow.findings),
        "generation": flow.generation,
        "evidence": flow.evidence,
        "job": str(flow.job or ""),
        "last success": f"{clock_time(flow.succeeded_at)} ({ago(flow.succeeded_at, now)})" if flow.succeeded_at else "",
        "looks well": f"seen as known {ago(flow.looks_well_at, now)}" if flow.looks_well_at else "",
    }
    for label, value in rows.items():
        if value:
            grid.add_row(label, Text(value))
    parts: list[RenderableType] = [Text.from_markup(_state(flow)), Text(), grid]
    if len(history.events) > 1:
        lines = Table.grid(padding=(0, 2, 0, 0))
        for event in history.events:
            lines.add_row(ago(event.at, now), event.state.value, Text(f"{event.by}: {event.why}"))
        parts += [Text(), lines]
    if history.waiting_jobs:
        parts += [Text(), Text.from_markup(waiting_words(history.waiting_jobs))]
    if flow.state is FlowHealth.QUARANTINED:
        after = f"agent flows release {flow.tenant} {flow.flow} --why ..."
        parts += [Text(), Text.from_markup(f"[bold]Next[/]  look at the evidence, then {escape(after)}")]
    title = f"[bold]{escape(flow.flow)}[/]  [name]{escape(flow.tenant)}[/]"
    return Panel(Group(*parts), title=title, title_align="left", box=box.ROUNDED)


def waiting_words(numbers: Sequence[int]) -> str:
    """How many jobs wait for a person because of a flow, and what to do with them; as markup."""
    more = f" and {len(numbers) - _SHOWN_JOBS:,} more" if len(numbers) > _SHOWN_JOBS else ""
    shown = ", ".join(map(str, numbers[:_SHOWN_JOBS])) + more
    verb = "waits" if len(numbers) == 1 else "wait"
    return (
        f"[unsure]{count(len(numbers), 'job')} {verb} for a person because of it:[/] {shown}\n"
        "  done by hand   agent jobs resolve N   (the agent checks)\n"
        "  not yet        agent jobs retry N     (the agent does it)"
    )


def _table(flows: Iterable[FlowView], now: datetime) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Tenant", style="quiet", overflow="fold")
    table.add_column("Flow", style="name", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Since", justify="right", no_wrap=True)
    table.add_column("Pages", no_wrap=True)
    table.add_column("Last success", justify="right", no_wrap=True)
    table.add_column("Reason", overflow="fold")
    for flow in flows:
        since = ago(flow.since, now) if flow.since else ""
        success = ago(flow.succeeded_at, now) if flow.succeeded_at else "[quiet]never[/]"
        table.add_row(Text(flow.tenant), flow.flow, _state(flow), since, Text(flow.generation), success, _reason(flow))
    return table


def _state(flow: FlowView) -> str:
    return f"[{_STYLES[flow.state]}]{flow.state.value}[/]"


def _reason(flow: FlowView) -> Text:
    """The first finding, or the reason, and where to look; nothing of a flow that is well."""
    if flow.state is FlowHealth.HEALTHY:
        return Text("")
    words = flow.findings[0] if flow.findings else flow.why
    lines = [f"{flow.region}: {words}" if flow.region else words]
    lines += ["seen as known since: look, then release it"] if flow.looks_well_at else []
    lines += [flow.evidence] if flow.evidence else []
    return Text("\n".join(lines))
