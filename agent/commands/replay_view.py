"""What ``agent replay`` shows in the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.replay.findings import Cause, Finding, Replay

_MOST_ROWS = 40


def heading(replay: Replay) -> Text:
    """One line on one job."""
    sign, style = ("✗", "bad") if not replay.agrees else ("?", "unsure") if replay.untold else ("✓", "good")
    line = Text.assemble((f"{sign} ", style), (replay.name, "name"))
    line.append(
        f"  {replay.readings} readings, {replay.uses} uses of controls, {replay.pages} pages, {replay.seconds:.1f} s",
        style="dim",
    )
    if replay.decided_now is not None:
        line.append(
            f"\n  decided then: {replay.decided_then.outcome if replay.decided_then else 'not known'}", style="dim"
        )
        line.append(f"; now: {replay.decided_now.outcome}", style="dim")
    if replay.changed_scripts:
        line.append(f"\n  readings that were changed since: {', '.join(replay.changed_scripts)}", style="dim")
    return line


def differences(replay: Replay) -> Table:
    """What differs, one row for each kind of difference."""
    table = Table(show_lines=True, expand=False, title_justify="left")
    for name in ("step", "what", "then", "now"):
        table.add_column(name, overflow="fold")
    groups = replay.groups()
    for finding, same in groups[:_MOST_ROWS]:
        steps = ", ".join(str(number) for number in sorted({item.step for item in same}))
        more = f"\n[quiet]{len(same)} times[/]" if len(same) > 1 else ""
        table.add_row(
            steps,
            f"{_subject(finding)}\n[quiet]{escape(finding.where)}: {escape(finding.what)}[/]{more}",
            _side(finding.then, finding.selector_then),
            _side(finding.now, finding.selector_now),
        )
    if len(groups) > _MOST_ROWS:
        table.add_row("", f"[quiet]and {len(groups) - _MOST_ROWS} more[/]", "", "")
    return table


def not_compared(replay: Replay) -> Text:
    """What could not be compared, and why."""
    lines = [f"  ? {item.where} (step {item.step}): {item.why}" for item in replay.untold[:_MOST_ROWS]]
    return Text("\n".join(lines), style="dim")


def _subject(finding: Finding) -> str:
    cause = f" [quiet]({escape(finding.cause.value)})[/]" if finding.cause is not Cause.UNKNOWN else ""
    if finding.key:
        match = f": {finding.match.value}" if finding.match else ""
        return f"[name]{escape(finding.key)}[/]{escape(match)}{cause}"
    return f"[name]{escape(finding.place or finding.kind.value)}[/]{cause}"


def _side(words: str, selector: str) -> str:
    return escape(words) + (f"\n[quiet]{escape(selector)}[/]" if selector else "")
