"""``agent record``: records the structure of a tenant's pages, shows a recording, compares one with the catalogue."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.browser.find import find_browser
from agent.commands.exit_codes import ExitCode
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.record_view import comparison, tree
from agent.commands.screen import Screen
from agent.commands.workplace import Workplace
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Mender, Refused
from agent.settings import Settings, load_settings
from agent.structure.compare import Verdict, compare
from agent.structure.recorder import Recorded, record_tenant
from agent.structure.recording import Page, Recording, load, save
from agent.worker.equipment import sign_in_of
from flows import RECORDED_PLACES, Catalogue

_SHOW = "show"


def record(
    tenant: Annotated[
        str | None,
        typer.Argument(help="Tenant to record; or the word show, and FILE after it.", metavar="[TENANT | show]"),
    ] = None,
    file: Annotated[Path | None, typer.Argument(help="With show: the recording.", metavar="[FILE]")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the recording goes; never written over.", metavar="FILE")
    ] = None,
    pages: Annotated[
        str, typer.Option(help="Only these places, with commas between; else all of them.", metavar="PLACES")
    ] = "",
    name_tenant: Annotated[
        bool, typer.Option("--name-tenant", help="Say in the recording whose it is, by the name in the settings.")
    ] = False,
    diff: Annotated[
        Path | None, typer.Option(help="Compare this recording with the selector catalogue.", metavar="FILE")
    ] = None,
    selectors: Annotated[
        Path | None, typer.Option(help="With --diff: a catalogue in place of the one in use.", metavar="DIR")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --diff: entries that agree, too.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Record the structure of a tenant's pages, read-only and without anybody in it; show it; compare it.

    Nothing is written in the tenant, and the recording holds no text, no person, no number: it can be read before it
    is sent to anybody.
    """
    screen = Screen(as_json=as_json)
    try:
        if diff is not None:
            _compare(screen, diff, _catalogue(selectors, settings_file), settings_file, everything=everything)
        elif tenant == _SHOW:
            _show(screen, _named(file), pages)
        else:
            _record(screen, tenant, out, _places(pages), settings_file, name_tenant=name_tenant)
    except AgentError as error:
        stop(screen, error)


def _record(
    screen: Screen,
    tenant: str | None,
    out: Path | None,
    wanted: frozenset[str],
    settings_file: Path | None,
    *,
    name_tenant: bool,
) -> None:
    settings = load_settings(settings_file)
    name = settings.tenant(tenant)[0]
    now = datetime.now(UTC)
    path = out or Path(f"structure-{now:%Y%m%d-%H%M%S}.json")
    if path.exists():
        save("", path)  # says that it is there, before half an hour of walking
    recorded = asyncio.run(_walk(screen, settings, name, wanted, now, name_tenant=name_tenant))
    sha256 = save(recorded.text, path)
    _sum_up(screen, recorded, path, sha256)


async def _walk(
    screen: Screen, settings: Settings, name: str, wanted: frozenset[str], now: datetime, *, name_tenant: bool
) -> Recorded:
    def told(place: str, taken: Page | str) -> None:
        if isinstance(taken, str):
            screen.line("[quiet]·[/]", f"{escape(place)}  [quiet]{escape(taken)}[/]")
        else:
            kind = f"{taken.generation} pages, " if taken.generation else ""
            screen.line("[good]✓[/]", f"{escape(place)}  [quiet]{kind}{taken.root.count} elements[/]")

    async with Workplace(settings, (name,)) as place:
        sign_in = await asyncio.to_thread(sign_in_of, settings, name, CredentialStore(), place.known)
        browser = await place.browser.ready()
        return await record_tenant(browser, sign_in, wanted, now.date(), told, name_tenant=name_tenant)


def _sum_up(screen: Screen, recorded: Recorded, path: Path, sha256: str) -> None:
    missing, held = recorded.recording.missing, recorded.held_back
    if screen.as_json:
        screen.document(
            {
                "file": str(path),
                "sha256": sha256,
                "pages": {page.place: page.generation for page in recorded.recording.pages},
                "missing": dict(missing),
                "looked_for": recorded.looked_for,
                "held_back": list(held),
            }
        )
    words = f"{len(recorded.recording.pages)} pages, {len(missing)} not come to. Nothing was written in the tenant"
    screen.say(f"[good]✓[/] {words}{f'; {len(held)} requests were held back' if held else ''}.")
    screen.say(
        f"[quiet]{recorded.looked_for} things seen on its pages were looked for in the recording: none is in it. "
        "Read it before you send it:[/] agent record show FILE"
    )
    screen.path("Recording", path)


def _show(screen: Screen, path: Path, pages: str) -> None:
    recording = load(path)
    wanted = _places(pages)
    if screen.as_json:
        screen.document(recording.model_dump(mode="json", by_alias=True))
        return
    for part in tree(recording, wanted):
        screen.people.print(part)


def _compare(screen: Screen, path: Path, catalogue: Catalogue, settings_file: Path | None, *, everything: bool) -> None:
    recording: Recording = load(path)
    browser = find_browser(_settings(settings_file).browser.executable if _has_settings(settings_file) else None)
    found = asyncio.run(compare(recording, catalogue, browser))
    contradicted = [item for item in found if item.verdict is Verdict.CONTRADICTED]
    if screen.as_json:
        screen.document(
            {
                "recording": recording.head.model_dump(mode="json"),
                "catalogue": catalogue.sha256,
                "entries": [item.document() for item in found],
            }
        )
    for part in comparison(found, recording, catalogue, everything=everything):
        screen.people.print(part)
    raise typer.Exit(ExitCode.FAILED if contradicted else ExitCode.DONE)


def _catalogue(selectors: Path | None, settings_file: Path | None) -> Catalogue:
    if selectors is not None or not _has_settings(settings_file):
        return Catalogue.load(selectors)
    return Catalogue.load(_settings(settings_file).paths.selectors)


def _has_settings(settings_file: Path | None) -> bool:
    """A recording that somebody has sent is compared where there is no tenant."""
    return settings_file is not None or Path("agent.toml").is_file()


def _settings(settings_file: Path | None) -> Settings:
    return load_settings(settings_file)


def _named(file: Path | None) -> Path:
    if file is None:
        raise _misused("Name the recording to show.", "agent record show FILE")
    return file


def _places(pages: str) -> frozenset[str]:
    wanted = frozenset(place.strip() for place in pages.split(",") if place.strip())
    unknown = sorted(wanted - set(RECORDED_PLACES))
    if unknown:
        raise _misused(f"There is no place {', '.join(unknown)}.", ", ".join(RECORDED_PLACES))
    return wanted


def _misused(message: str, expected: str) -> Refused:
    return Refused("bad-usage", message, expected=expected, mender=Mender.OPERATOR)
