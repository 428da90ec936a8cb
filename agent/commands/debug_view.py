"""A diagnosis on the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent.commands.screen import Screen
from agent.debugging.diagnosis import Diagnosis, Suspect
from agent.debugging.output import moment, told

_SHOWN_LINES = 8
_SHOWN_CALLS = 6


def show(screen: Screen, diagnosis: Diagnosis) -> None:
    """All of it, from the trouble to the commands that show it again."""
    people = screen.people
    people.print(_head(diagnosis))
    for suspect in diagnosis.suspects:
        people.print(_suspect(suspect))
    _page(screen, diagnosis)
    _around(screen, diagnosis)
    _again(screen, diagnosis)


def _head(diagnosis: Diagnosis) -> RenderableType:
    trouble = diagnosis.trouble
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="quiet", no_wrap=True)
    grid.add_column(overflow="fold")
    step = f"{trouble.step}: {trouble.title} ({trouble.state})" if trouble.title else "before the first"
    rows = {
        "verdict": f"{trouble.verdict}{' · ' + trouble.code if trouble.code else ''}",
        "step": "" if trouble.went_well else step,
        "doing": trouble.doing,
        "when": moment(trouble.wall),
        "expected": trouble.expected,
        "seen": trouble.seen,
        "mender": trouble.mender,
        "run again": f"safe: {trouble.retry_safe}" if trouble.retry_safe else "",
        "evidence": diagnosis.folder,
    }
    for label, value in rows.items():
        if value:
            grid.add_row(label, Text(value))
    words = "This job went well; there is nothing to mend. " if trouble.went_well else ""
    body = Group(Text(f"{words}{trouble.message}", style="good" if trouble.went_well else "bold"), Text(), grid)
    title = f"[name]{escape(diagnosis.action or 'job')}[/] {escape(diagnosis.job_id)}"
    return Panel(body, title=title, title_align="left", border_style="green" if trouble.went_well else "red")


def _suspect(suspect: Suspect) -> RenderableType:
    missed = suspect.missed
    parts: list[RenderableType] = [
        Text.assemble(
            ("\n" + missed.key, "name"), f"  expected {missed.expected or 'one element'}, seen {missed.seen}"
        ),
        Text(f"  {missed.selector}", style="quiet"),
    ]
    if not suspect.proposals:
        return Group(*parts, Text("  Nothing on the recorded page looks like it.", style="quiet"))
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="quiet")
    table.add_column("", justify="right")
    table.add_column("alike", justify="right")
    table.add_column("element", overflow="fold", ratio=3)
    table.add_column("finds", justify="right")
    table.add_column("because", overflow="fold", ratio=2)
    for item in suspect.proposals:
        words = Text(item.element)
        if item.text:
            words.append(f"  {item.text[:60]}", style="quiet")
        counted = "?" if item.matches is None else str(item.matches)
        table.add_row(str(item.number), f"{item.likeness:.0%}", words, counted, Text(", ".join(item.why)))
    parts.append(table)
    first = next((item for item in suspect.proposals if item.toml), None)
    if first is not None:
        parts.append(Text(f"\nA proposal (no. {first.number}) for a person to check; nothing uses it by itself:"))
        parts.append(Syntax(first.toml, "toml", background_color="default", word_wrap=True))
    return Group(*parts)


def _page(screen: Screen, diagnosis: Diagnosis) -> None:
    screen.say()
    page = diagnosis.page
    if page is None:
        screen.say(f"[bold]Page[/]  [quiet]none: {escape(diagnosis.why_no_page)}[/]")
        return
    screen.say(f"[bold]Page[/]  {escape(page.title)}  [quiet]{escape(page.url)}[/]")
    for key, words in diagnosis.layers:
        screen.line("[unsure]![/]", f"on top: {escape(key)} [quiet]{escape(words[:120])}[/]", indent=1)


def _around(screen: Screen, diagnosis: Diagnosis) -> None:
    for noise in diagnosis.noises:
        screen.line("[bad]·[/]", f"{escape(noise.kind)}, {noise.before_s} s before: {escape(noise.text)}", indent=1)
    if not diagnosis.noises and not diagnosis.trouble.went_well:
        screen.say("[quiet]No console error and no failed request around that moment.[/]")
    if diagnosis.calls:
        screen.say("\n[bold]Last calls on the browser[/]")
    for call in diagnosis.calls[-_SHOWN_CALLS:]:
        took = "never ended" if call.milliseconds is None else f"{call.milliseconds} ms"
        sign = "[bad]x[/]" if call.error else "[quiet]·[/]"
        screen.line(sign, f"{call.method} [cyan]{escape(call.selector)}[/] {escape(call.error)}", right=took, indent=1)
    screen.say("\n[bold]End of the log[/]")
    for line in diagnosis.log[-_SHOWN_LINES:]:
        words = f"{escape(str(line.get('event', '')))} [quiet]{escape(told(line)[:300])}[/]"
        screen.line("[quiet]·[/]", words, right=escape(str(line.get("at", ""))[11:19]), indent=1)


def _again(screen: Screen, diagnosis: Diagnosis) -> None:
    again = diagnosis.reproduction
    screen.say("\n[bold]See it again in the sandbox[/]")
    if not again.possible:
        screen.say(f"  {escape(again.why_not)}")
        return
    screen.say(f"  {escape(again.faithful)}")
    for command in again.commands:
        screen.people.print(f"  [cyan]{escape(command)}[/]", soft_wrap=True)
