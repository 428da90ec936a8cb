"""The grid of the new generation: reading its rows, searching in it, filtering it, turning its pages.

Rows, cells, pager text, search and filters are captured on the project page [C]; the company's are inferred [I]. The
grid draws some 17 rows however many there are, each of them twice (the pinned half holds the row's menu), and its cells
turn into inputs when they are clicked (hazard 16). So rows are only ever read; what is clicked are links and buttons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import Failed, Mender, RetrySafe, UnknownPage
from flows.page.controls import DesignSelect, choose_by_value, choose_nothing
from flows.page.patience import DRAWING_SECONDS, Patience
from flows.page.reading import Reading
from flows.page.refetching import refetched
from flows.page.shell import Shell
from flows.page.tab import Tab

_STATUS = DesignSelect("grid.status_box", "grid.status_value", "User Status")

GRID = Reading(
    "mfe_page.loaded",
    r"""
    const table = one("grid.table"), search = one("grid.search");
    const pager = pattern("grid.pager"), told = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const hit = table && table.contains(node) ? null : pager.exec(node.data.trim());
      if (hit) told.push(hit.slice(1, 4).map((text) => Number(text.replace(/\D/g, ""))));
    }
    const missing = (key, expected, seen) => problems.push({ key, expected, seen });
    if (!table) return null;
    if (new Set(told.map(String)).size !== 1) {
      missing("grid.pager", "the pager's text, once", told.join(" | ") || "none");
      return null;
    }
    const [first, last, total] = told[0], expected = total === 0 ? 0 : last - first + 1;
    const count = Number(table.getAttribute("aria-rowcount")) - 1;
    if (count !== expected) missing("grid.table", `${expected} rows, as the pager says`, `aria-rowcount of ${count}`);
    const rows = {};
    for (const half of many("grid.row", table)) {
      const index = half.getAttribute("row-index");
      const row = (rows[index] ||=
        { index: Number(index), halves: 0, menus: 0, title: "", note: "", href: "", cells: {} });
      row.halves += 1;
      row.menus += many("grid.row_menu", half).length;
      for (const cell of many("grid.cell", half)) row.cells[cell.getAttribute("col-id")] = words(cell);
      const link = maybe("grid.link", half);
      if (!link) continue;
      row.href = link.getAttribute("href");
      row.title = words(link);
      row.note = words(maybe("grid.name_cell", half)).slice(row.title.length).trim();
      if (!many("grid.person_link", half).length) continue;
      // What tells who somebody is stands in the row itself, under the names by which evidence knows people.
      const own = { name: link, email: maybe("grid.email_cell", half), contact: maybe("grid.phone_cell", half),
        address: maybe("grid.address_cell", half), job_title: maybe("grid.job_title_cell", half) };
      for (const [part, cell] of Object.entries(own)) if (cell) row[part] = words(cell);
      for (const column of ["name", "email", "mobile_phone", "address", "job_title"]) delete row.cells[column];
      delete row.title;
    }
    const shown = Object.values(rows).sort((one, other) => one.index - other.index);
    const outside = shown.filter((row) => !(row.index >= 0 && row.index < expected));
    if (outside.length) missing("grid.row", `rows below ${expected}`, `row ${outside[0].index}`);
    if (expected && !shown.length) missing("grid.row", "rows", "none");
    const torn = shown.filter((row) => row.halves !== shown[0].halves);
    if (torn.length) missing("grid.row", "every row in as many parts", `row ${torn[0].index} in ${torn[0].halves}`);
    const next = maybe("grid.next_page");
    const data = { first, last, total, rows: shown, search: search ? search.value : "",
      more: next !== null && !next.disabled && last < total, editing: many("grid.editor", table).length,
      columns: many("grid.column", table).map((el) => el.getAttribute("col-id")),
      add: many("grid.add").some(visible), filtersStatus: many("grid.status_box").length > 0,
      bulk: many("grid.bulk_button").map(words) };
    // The next reading finds the next rows of a grid that draws only what is in view.
    if (given.scroll) for (const el of [table, ...table.querySelectorAll("*")]) {
      if (el.scrollHeight > el.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(el).overflowY)) {
        el.scrollTop = given.scroll === "top" ? 0 : el.scrollTop + el.clientHeight / 2;
      }
    }
    return data;
    """,
    name="grid",
    generation="mfe",
)


@dataclass(frozen=True)
class GridRow:
    """One row. ``index`` is its place on this page of the grid and means nothing else; ``cells`` are words by column;
    ``note`` is what stands beside the name (a pill); ``href`` is where the name leads; ``menus``: has it a menu."""

    index: int
    name: str
    note: str
    href: str
    cells: Mapping[str, str]
    menus: int

    def cell(self, column: str) -> str:
        """The words of a cell; UnknownPage when the grid has no such column (it may be hidden in Configure)."""
        try:
            return self.cells[column]
        except KeyError:
            raise UnknownPage(
                "unknown-page",
                f"The grid does not show the column {column}.",
                expected=f"grid.cell: {column}",
                seen=", ".join(sorted(self.cells)),
                mender=Mender.OPERATOR,
            ) from None


@dataclass(frozen=True)
class GridPage:
    """What is drawn of one page of a grid: some of its rows, or all of them; ``first``, ``last`` and ``total`` are the
    pager's. ``adds`` says whether there is an Add menu, ``filters_status`` whether a filter for inactive ones, ``bulk``
    which buttons the bar of bulk actions has."""

    rows: tuple[GridRow, ...]
    first: int
    last: int
    total: int
    more: bool
    search: str
    columns: tuple[str, ...]
    adds: bool
    filters_status: bool
    bulk: tuple[str, ...]
    shell: Shell

    @property
    def expected(self) -> int:
        """How many rows this page of the grid has."""
        return self.last - self.first + 1 if self.total else 0


async def open_grid(tab: Tab, path: str) -> GridPage:
    """Load a page with a grid and read what it draws first (one page load and the page's own request).

    UnknownPage when another page answers; Failed("other-company") when it is another company's.
    """
    await tab.open(path)
    page = await read_view(tab)
    if tab.path != path:
        raise UnknownPage("unknown-page", "Another page was opened.", expected=path, seen=tab.path)
    tab.trust()
    return page


async def read_view(tab: Tab, *, scroll: str = "") -> GridPage:
    """What the grid draws now; with ``scroll`` "top" or "down" it is moved afterwards."""
    shell, raw = await tab.read_all(GRID, scroll=scroll)
    if shell.company_id and shell.company_id != tab.tenant.company_id:
        raise Failed(
            "other-company",
            "The page belongs to another company.",
            expected=tab.tenant.company_id,
            seen=shell.company_id,
            mender=Mender.OPERATOR,
            retry_safe=RetrySafe.NO,
        )
    if raw["editing"]:
        raise UnknownPage(
            "unknown-page",
            "A cell of the grid is being edited, which nothing of ours does.",
            expected="a grid that nobody edits",
            seen=f"{raw['editing']} inputs in cells",
        )
    rows = tuple(map(_row, raw["rows"]))
    return GridPage(
        rows=rows,
        first=raw["first"],
        last=raw["last"],
        total=raw["total"],
        more=raw["more"],
        search=raw["search"],
        columns=tuple(raw["columns"]),
        adds=raw["add"],
        filters_status=raw["filtersStatus"],
        bulk=tuple(raw["bulk"]),
        shell=shell,
    )


def _row(raw: Mapping[str, Any]) -> GridRow:
    own = {"email": "email", "contact": "mobile_phone", "address": "address", "job_title": "job_title"}
    cells = {column: raw[part] for part, column in own.items() if part in raw}
    name = raw["name"] if "name" in raw else raw["title"]
    return GridRow(raw["index"], name, raw["note"], raw["href"], {**raw["cells"], **cells}, raw["menus"])


async def read_page(tab: Tab) -> GridPage:
    """All rows of the page of the grid that is shown, by scrolling through it. Failed("pager-mismatch") when some do
    not come."""
    page = await read_view(tab)
    if len(page.rows) == page.expected:
        return page
    await read_view(tab, scroll="top")
    found: dict[int, GridRow] = {}
    patience = Patience(tab.timeouts.hook, shortest=DRAWING_SECONDS)
    while True:
        page = await read_view(tab, scroll="down")
        known = len(found)
        found |= {row.index: row for row in page.rows}
        if len(found) == page.expected:
            return GridPage(**{**page.__dict__, "rows": tuple(found[index] for index in sorted(found))})
        if len(found) > known:
            patience.renew()
        elif patience.is_over:
            raise Failed(
                "pager-mismatch",
                "The grid does not show all its rows.",
                expected=f"{page.expected} rows, as the pager says",
                seen=f"{len(found)} rows",
            )
        await patience.pause()


async def all_rows(tab: Tab, on_page: Callable[[int, int], None] | None = None) -> Sequence[GridRow]:
    """Every row of the grid as it is filtered now, page after page, from the first one on.

    ``on_page(done, total)`` reports progress in rows. Failed("pager-mismatch") when the list changes meanwhile.
    """
    rows: list[GridRow] = []
    while True:
        page = await read_page(tab)
        if page.total and page.first != len(rows) + 1:
            raise _changed(f"a page that begins with row {len(rows) + 1}", f"row {page.first}")
        rows += page.rows
        if on_page:
            on_page(len(rows), page.total)
        if not page.more:
            break
        await refetched(tab, "turning to the next page", _clicking(tab, "grid.next_page"))
    different = {row.href or row.cells.get("name", "") for row in rows}  # a group's row leads nowhere
    if len(rows) != page.total or len(different) != len(rows):
        raise _changed(f"{page.total} different rows", f"{len(different)} of {len(rows)}")
    return rows


async def search(tab: Tab, text: str) -> Sequence[GridRow]:
    """Type into the search box, which acts by itself, and read every row that is found (not capped [I])."""
    await refetched(tab, "searching", lambda: tab.act("searching the grid", lambda: tab.at("grid.search").fill(text)))
    held = (await read_view(tab)).search
    if held != text:
        raise UnknownPage(
            "control-mismatch", "The search box does not hold what was typed.", expected=text, seen=held or "nothing"
        )
    return await all_rows(tab)


async def bring_into_view(tab: Tab, row: GridRow) -> None:
    """Scroll until the row is drawn again, so that its menu can be opened. UnknownPage when another one is there."""
    scroll = "top"
    shown: set[int] = set()
    patience = Patience(tab.timeouts.hook, shortest=DRAWING_SECONDS)
    while True:
        page = await read_view(tab)
        drawn = next((item for item in page.rows if item.index == row.index), None)
        if drawn == row:
            return
        if {item.index for item in page.rows} != shown:  # a long list on a slow machine: as long as it goes on
            shown = {item.index for item in page.rows}
            patience.renew()
        if drawn is not None or patience.is_over:
            raise UnknownPage(
                "unknown-page",
                f"The row of {row.name} is not where it was.",
                expected=f"row {row.index}: {row.href}",
                seen=drawn.href if drawn is not None else "not drawn",
            )
        await read_view(tab, scroll=scroll)
        scroll = "down"
        await patience.pause()


async def show_status(tab: Tab, status: str) -> None:
    """Set the filter User Status: "active" (as the page begins), "inactive", or "" for both. Nothing is sent."""
    if not await tab.act("looking for the filters", tab.at("grid.filters").is_visible):
        await tab.act("opening More Filters", tab.at("grid.filters_open").click)
    if status:
        await refetched(tab, "filtering", lambda: choose_by_value(tab, _STATUS, status, status))
    else:
        await refetched(tab, "filtering", lambda: choose_nothing(tab, _STATUS))


def _clicking(tab: Tab, key: str) -> Callable[[], Any]:
    return lambda: tab.act(f"pressing {key}", tab.at(key).click)


def _changed(expected: str, seen: str) -> Failed:
    return Failed(
        "pager-mismatch",
        "The list changed while it was read, or does not show all its rows.",
        expected=expected,
        seen=seen,
    )
