"""Two pictures side by side for each difference: the element then, and what would be taken now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from playwright.async_api import Error as BrowserError

from agent.replay.findings import Finding, Replay
from agent.replay.pages import FrozenJob

PAGE = "index.html"
MOST_PICTURED = 40
_SHOWN = 60  # elements that are outlined at most in one picture
_THEN, _NOW = "#1d4ed8", "#b91c1c"

# What has no box of its own (a hidden input) is shown by the nearest thing around it that has one, dashed.
_OUTLINE = """([paths, look, colour, most]) => {
  const at = (path) => {
    let el = document.documentElement;
    for (const number of path === "" ? [] : path.split("/")) el = el && el.children[Number(number)];
    return el || null;
  };
  const shown = (el) => el && el.getClientRects().length > 0 && el.getBoundingClientRect().width > 0;
  let first = null;
  for (const path of paths.slice(0, most)) {
    const meant = at(path);
    let el = meant;
    while (el && !shown(el)) el = el.parentElement;
    if (!el) continue;
    el.style.setProperty("outline", `3px ${el === meant ? "solid" : "dashed"} ${colour}`, "important");
    el.style.setProperty("outline-offset", "2px", "important");
    first = first || el;
  }
  let place = first || at(look);
  while (place && !shown(place)) place = place.parentElement;
  if (place) place.scrollIntoView({ block: "center" });
}"""


@dataclass(frozen=True)
class Pictured:
    """One kind of difference with its pictures; empty names where none could be taken."""

    finding: Finding
    times: int
    steps: tuple[int, ...]
    then: str = ""
    now: str = ""


@dataclass
class Album:
    """The page of differences of several jobs, in a folder."""

    folder: Path
    jobs: list[tuple[Replay, list[Pictured]]] = field(default_factory=list)

    async def add(self, replay: Replay, frozen: FrozenJob) -> None:
        """Take the pictures of one job; its pages are still open. OSError when the folder cannot be written."""
        pictured = []
        for number, (finding, same) in enumerate(replay.groups(), 1):
            then = now = ""
            if (finding.paths_then or finding.paths_now) and number <= MOST_PICTURED:
                stem = f"{replay.name}-{number:02d}"
                look = next(iter(finding.paths_then or finding.paths_now), "")
                then = await self._picture(frozen, finding, finding.paths_then, look, _THEN, f"{stem}-then.png")
                now = await self._picture(frozen, finding, finding.paths_now, look, _NOW, f"{stem}-now.png")
            steps = tuple(sorted({item.step for item in same}))
            pictured.append(Pictured(finding, len(same), steps, then, now))
        self.jobs.append((replay, pictured))

    async def _picture(
        self, frozen: FrozenJob, finding: Finding, paths: Sequence[str], look: str, colour: str, name: str
    ) -> str:
        if finding.seen is None:
            return ""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            page = await frozen.show(finding.seen, afresh=True)
            await page.evaluate(_OUTLINE, [list(paths), look, colour, _SHOWN])
            await page.screenshot(path=self.folder / name, animations="disabled")
        except BrowserError:
            return ""  # the table says in words what the picture would have shown
        return name

    def write(self) -> Path:
        """Write the page; returns where it is."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        templates = Environment(loader=PackageLoader("agent.replay"), autoescape=True, undefined=StrictUndefined)
        page = self.folder / PAGE
        page.write_text(templates.get_template("album.html.j2").render(jobs=self.jobs), encoding="utf-8")
        return page
