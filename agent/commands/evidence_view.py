"""What a verification found, on the terminal: plain words first, codes for whoever looks them up."""

from __future__ import annotations

from itertools import groupby

from rich.markup import escape

from agent.audit.findings import Findings
from agent.commands.screen import Screen
from agent.execute.wording import count

_MOST_OF_A_KIND = 10


def show_findings(screen: Screen, name: str, findings: Findings) -> None:
    """Problems first, since nobody may overlook them; then what is proven, and what is not."""
    screen.say()
    screen.say(f"[bold]{escape(name)}[/]")
    for code, group in groupby(sorted(findings.problems, key=lambda item: item.code), key=lambda item: item.code):
        problems = list(group)
        for problem in problems[:_MOST_OF_A_KIND]:
            screen.line("[bad]✗[/]", f"{escape(problem.message)} [quiet]{escape(code)}[/]", indent=1)
        if len(problems) > _MOST_OF_A_KIND:
            screen.line("[bad]✗[/]", f"and {len(problems) - _MOST_OF_A_KIND} more [quiet]{escape(code)}[/]", indent=1)
    if findings.proven:
        screen.say("Proven:")
    for sentence in findings.proven:
        screen.line("[good]✓[/]", escape(sentence), indent=1)
    for sentence in findings.notes:
        screen.line("[unsure]![/]", escape(sentence), indent=1)
    if findings.open:
        screen.say("Not proven by this:")
    for sentence in findings.open:
        screen.line("[quiet]-[/]", f"[quiet]{escape(sentence)}[/]", indent=1)
    if findings.problems:
        screen.say(f"[bad]Not genuine:[/] {count(len(findings.problems), 'thing')} not as sealed and signed.")
    elif findings.proven:
        screen.say("[good]Genuine:[/] nothing was found that is not as it was sealed and signed.")
