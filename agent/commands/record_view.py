"""What ``agent record`` shows in the terminal: a recording as a tree, and how it agrees with the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agent.structure.compare import Compared, Verdict, counted
from agent.structure.recording import Node, Page, Recording
from flows import Catalogue

_SIGNS = {
    Verdict.CONTRADICTED: "[bad]✗[/]",
    Verdict.UNSEEN: "[quiet]·[/]",
    Verdict.CONFIRMED: "[good]✓[/]",
}
_QUIET_TAGS = frozenset({"div", "span", "p", "li", "ul", "section", "tbody"})


def tree(recording: Recording, wanted: Collection[str] = ()) -> Iterator[RenderableType]:
    """Everything that stands in the file: its head, then each page, or the wanted ones, as a tree of elements."""
    head = recording.head
    yield Text.from_markup(
        f"[bold]Structure of a tenant[/]  [quiet]{escape(head.tenant or 'not named')}, {escape(head.date)}, "
        f"agent {escape(head.agent)}, language {escape(head.locale)}, catalogue {escape(head.catalogue[:12])}[/]"
    )
    for page in recording.pages:
        if not wanted or page.place in wanted:
            yield _page(page)
    if recording.missing:
        missing = ", ".join(f"{place} ({why})" for place, why in recording.missing.items())
        yield Text(f"not come to: {missing}", style="dim")


def _page(page: Page) -> Tree:
    whole = "" if page.whole else "  [bad]not whole: too many elements[/]"
    title = f"[name]{escape(page.place)}[/]  {escape(page.generation)}  [quiet]{escape(page.address)}[/]{whole}"
    shown = Tree(title, guide_style="dim")
    if page.globals:
        kinds = ", ".join(f"{name}: {kind}" for name, kind in page.globals.items())
        shown.add(f"[quiet]globals {escape(kinds)}[/]")
    _branch(shown, page.root)
    return shown


def _branch(above: Tree, node: Node) -> None:
    """One line for an element, also where elements without any attribute are nested one in the other."""
    tags = [node.tag]
    while node.tag in _QUIET_TAGS and not node.at and node.times == 1 and len(node.inner) == 1:
        only = node.inner[0]
        if isinstance(only, str):
            break
        node = only
        tags.append(node.tag)
    attributes = "".join(
        f" {escape(name)}[quiet]=[/]{escape(value)}" if value else f" {escape(name)}" for name, value in node.at.items()
    )
    times = f" [unsure]×{node.times}[/]" if node.times > 1 else ""
    texts = " ".join(child for child in node.inner if isinstance(child, str))
    said = f"  [after]{escape(texts)}[/]" if texts else ""
    branch = above.add(f"[bold]{escape(' > '.join(tags))}[/]{attributes}{times}{said}")
    if node.json_keys is not None:
        branch.add(f"[quiet]{escape(str(node.json_keys))}[/]")
    for child in node.inner:
        if isinstance(child, Node):
            _branch(branch, child)


def comparison(
    found: Sequence[Compared], recording: Recording, catalogue: Catalogue, *, everything: bool
) -> Iterator[RenderableType]:
    """A table of what is contradicted and unseen (all with ``everything``), the sum, and proposed marks."""
    counts = counted(found)
    table = Table(show_lines=False, expand=False, box=None, pad_edge=False)
    for name in ("", "entry", "mark", "stated", "found"):
        table.add_column(name, overflow="fold")
    order = [Verdict.CONTRADICTED, Verdict.UNSEEN, Verdict.CONFIRMED]
    shown = [item for item in found if everything or item.verdict is not Verdict.CONFIRMED]
    for item in sorted(shown, key=lambda item: order.index(item.verdict)):
        near = "".join(f"\n[quiet]like it:[/] {escape(candidate)}" for candidate in item.candidates)
        where = f"  [quiet]{escape(', '.join(item.places[:3]))}[/]" if item.verdict is Verdict.CONTRADICTED else ""
        row = (f"[name]{escape(item.key)}[/]", item.mark, escape(item.stated), f"{escape(item.found)}{where}{near}")
        table.add_row(_SIGNS[item.verdict], *row)
    if shown:
        yield table
    sums = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in (*order[::-1][:1], *order[:2]))
    yield Text.from_markup(f"[bold]{sums}[/]  [quiet]{len(recording.pages)} pages, {len(found)} entries[/]")
    if recording.head.catalogue != catalogue.sha256:
        yield Text("The recording was made with another catalogue than it is compared with.", style="dim")
    proposed = [item.key for item in found if item.proposal]
    if proposed:
        yield Text.from_markup(f"Marks that this recording speaks for, I -> C ({len(proposed)}):")
        yield Text("  " + ", ".join(proposed), style="dim")
