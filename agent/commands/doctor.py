"""``agent doctor``: checks what a job needs, from the browser to the rights in the tenant.

Each failing line says the exact next thing to do.

It signs in (once; a rejected password is not tried again) and reads, and changes nothing.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from playwright.async_api import Browser
from rich.markup import escape
from rich.table import Table

from agent.browser import find
from agent.browser.launch import closed_in_time
from agent.browser.session import Opened
from agent.commands.checked import Line, State, bad
from agent.commands.doctor_ledger import ledger_lines
from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.commands.workplace import Seat, Workplace
from agent.credentials.store import CredentialStore
from agent.domain.names import did_you_mean, find_names
from agent.domain.person import Fingerprint, TenantFacts
from agent.errors import AgentError, Failed
from agent.execute import wording
from agent.execute.attempt import unexpected
from agent.settings import Settings, SettingsRefused, load_settings

LEAST_FREE_MIB = 500
MOST_CLOCK_DIFFERENCE_S = 20  # a TOTP code lives 30 s


T = TypeVar("T")
SIGNS = {State.GOOD: "[good]✓[/]", State.BAD: "[bad]✗[/]", State.SKIPPED: "[quiet]·[/]"}


def doctor(
    tenant: Annotated[str | None, typer.Argument(help="Tenant to check; all of them when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file; else agent.toml here.")
    ] = None,
) -> None:
    """Check browser, keyring, disk, tenant, sign-in, rights, names and clock; say what to do about what fails."""
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        names = (settings.tenant(tenant)[0],) if tenant else tuple(settings.tenants)
    except SettingsRefused as error:
        screen.stop(error, ExitCode.USAGE, error.problems)
    lines: list[Line] = []

    def show(line: Line) -> None:
        lines.append(line)
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True, width=1)
        grid.add_column(no_wrap=True, width=24)
        grid.add_column(overflow="fold")
        todo = f"\n[unsure]→[/] {escape(line.next_step)}" if line.next_step else ""
        grid.add_row(SIGNS[line.state], escape(line.check), escape(line.detail) + todo)
        screen.people.print(grid)

    asyncio.run(examine(settings, names, show))
    bad = [line for line in lines if line.state is State.BAD]
    if as_json:
        screen.document({"healthy": not bad, "checks": [line.model_dump(mode="json") for line in lines]})
    elif bad:
        screen.say(f"\n[bad]{wording.count(len(bad), 'thing')} to mend.[/]")
    else:
        screen.say("\n[good]All is well.[/]")
    raise typer.Exit(ExitCode.FAILED if bad else ExitCode.DONE)


async def examine(settings: Settings, names: tuple[str, ...], show: Callable[[Line], None]) -> None:
    """Run every check for these tenants, telling each line as it is known."""
    browser = await _browser(settings)
    show(browser)
    keyring = _keyring(names)
    show(keyring)
    disks = [disk("evidence", settings.paths.evidence), disk("state", settings.paths.state)]
    for line in disks:
        show(line)
    if not names:
        show(Line(check="tenants", state=State.BAD, detail="none in the settings", next_step="Add a [tenants.NAME]."))
        return
    for name in names:
        for line in await asyncio.to_thread(ledger_lines, settings, name, CredentialStore()):
            show(line)
    if State.BAD in (browser.state, keyring.state, *(line.state for line in disks)):
        for name in names:
            show(Line(check=f"{name}: sign-in", state=State.SKIPPED, detail="needs browser, keyring and disk"))
        return
    async with Workplace(settings, names) as place:
        for name in names:
            async for line in _tenant(place, name):
                show(line)


async def _browser(settings: Settings) -> Line:
    try:
        path = find.find_browser(settings.browser.executable, headed=settings.browser.headed)
        probed = await find.probe(path)
    except Failed as error:
        return Line(check="browser", state=State.BAD, detail=error.message, next_step=f"Install it: {find.INSTALL}")
    return Line(check="browser", state=State.GOOD, detail=f"Chromium {probed.version} ({probed.executable})")


def _keyring(names: tuple[str, ...]) -> Line:
    """Whether the keyring keeps secrets and really opens; what is in it is asked tenant by tenant."""
    store = CredentialStore()
    try:
        store.require_safe_backend()
        store.get(names[0] if names else "doctor")
    except AgentError as error:
        if error.code.startswith("keyring-"):
            return bad("keyring", error, "")
    return Line(check="keyring", state=State.GOOD, detail=store.backend_name)


def disk(what: str, folder: Path) -> Line:
    """Whether a folder can be written and has room."""
    check = f"disk: {what}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_text("written by agent doctor", encoding="utf-8")
        probe.unlink()
        free = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        todo = f"Let the agent's user write there, or set paths.{what}."
        return Line(check=check, state=State.BAD, detail=f"{folder}: {error.strerror}", next_step=todo)
    if free < LEAST_FREE_MIB:
        todo = f"Make room: at least {LEAST_FREE_MIB} MiB."
        return Line(check=check, state=State.BAD, detail=f"{folder}: {free} MiB free", next_step=todo)
    return Line(check=check, state=State.GOOD, detail=f"{folder} ({free / 1024:.1f} GiB free)")


async def _tenant(place: Workplace, name: str) -> AsyncIterator[Line]:
    """The checks of one tenant; each stands on the one before."""
    try:
        seat = await asyncio.to_thread(place.seat, name)
    except AgentError as error:
        yield bad(f"{name}: credentials", error, name)
        return
    yield Line(check=f"{name}: credentials", state=State.GOOD, detail=seat.account)
    try:
        await reach(await place.browser.ready(), seat.tenant.sign_in_url)
    except AgentError as error:
        yield bad(f"{name}: reachable", error, name)
        return
    yield Line(check=f"{name}: reachable", state=State.GOOD, detail=seat.tenant.sign_in_url)
    opened, line = await _attempt(f"{name}: sign-in", name, seat.session.open)
    if opened is None:
        yield line
        return
    found, line = await _attempt(f"{name}: sign-in", name, opened.directory.fingerprint)
    if found is None:
        yield line
        return
    kind = f"{found.company_name} as {found.signed_in_as} ({found.generation} pages, {found.locale})"
    yield Line(check=f"{name}: sign-in", state=State.GOOD, detail=kind)
    yield await _clock(name, opened)
    yield rights(name, found)
    facts, line = await _attempt(f"{name}: names", name, opened.directory.facts)
    yield line if facts is None else templates(name, seat, facts)


async def reach(browser: Browser, sign_in_url: str) -> None:
    """Load the sign-in page without signing in. Failed("tenant-unreachable") says what was seen."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        answer = await page.goto(sign_in_url, wait_until="commit", timeout=20_000)
        if answer is None or answer.status >= 500:
            raise _unreachable(sign_in_url, f"status {answer.status if answer else 'none'}")
    except AgentError:
        raise
    except Exception as error:  # Playwright's own errors: refused, no such name, too slow
        raise _unreachable(sign_in_url, str(error).splitlines()[0]) from error
    finally:
        # The context, not the page: Chromium forgets the closing of a page whose document is just being committed, and
        # page.close() then never returns (playwright issue 42068).
        await closed_in_time(context.close())


def rights(name: str, found: Fingerprint) -> Line:
    """Whether the account may do what jobs need."""
    may = {
        "edit users": found.capabilities.can_edit_users,
        "invite": found.capabilities.can_invite,
        "inactivate": found.capabilities.can_inactivate,
        "see inactive people": found.capabilities.can_see_inactive,
        "see permission templates": found.capabilities.can_see_templates,
    }
    lacking = [what for what, allowed in may.items() if not allowed]
    if lacking:
        todo = f"A Company Admin gives {found.signed_in_as} Admin on the company's Directory tool."
        return Line(check=f"{name}: rights", state=State.BAD, detail=f"may not {', '.join(lacking)}", next_step=todo)
    return Line(check=f"{name}: rights", state=State.GOOD, detail=", ".join(may))


def templates(name: str, seat: Seat, facts: TenantFacts) -> Line:
    """Whether the templates that the settings speak of exist: a misspelt forbidden template forbids nothing."""
    check, policy = f"{name}: names", seat.tenant.policy
    company, project = facts.company_templates, facts.project_templates
    specific = [known for names in facts.project_specific_templates.values() for known in names]
    wrong = [
        f"{key}: no template '{wanted}'{did_you_mean(wanted, offered)}"
        for key, names, offered in (
            ("admin_templates", policy.admin_templates, company),
            ("forbidden_templates", policy.forbidden_templates, (*company, *project, *specific)),
        )
        for wanted in names
        if not find_names(wanted, offered)
    ]
    if wrong:
        todo = f"Correct [tenants.{name}.policy] in the settings."
        return Line(check=check, state=State.BAD, detail="; ".join(wrong), next_step=todo)
    counted = f"{wording.count(len(company), 'company template')}, {wording.count(len(project), 'project template')}, "
    return Line(check=check, state=State.GOOD, detail=counted + wording.count(len(facts.projects), "project"))


async def _clock(name: str, opened: Opened) -> Line:
    check = f"{name}: clock"
    theirs, line = await _attempt(check, name, opened.directory.server_time)
    if theirs is None:
        return line
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart > MOST_CLOCK_DIFFERENCE_S:
        todo = "Set this machine's clock (NTP): sign-in codes depend on it."
        return Line(check=check, state=State.BAD, detail=f"{apart:.0f} s from the tenant's", next_step=todo)
    return Line(check=check, state=State.GOOD, detail=f"within {MOST_CLOCK_DIFFERENCE_S} s of the tenant's")


async def _attempt(check: str, name: str, read: Callable[[], Awaitable[T]]) -> tuple[T | None, Line]:
    """What was read, or the line that says why not."""
    try:
        return await read(), Line(check=check, state=State.GOOD, detail="")
    except AgentError as error:
        return None, bad(check, error, name)
    except Exception as error:  # a mistake in the agent must not hide the lines that are known already
        return None, bad(check, unexpected(error), name)


def _unreachable(sign_in_url: str, seen: str) -> Failed:
    return Failed(
        "tenant-unreachable",
        f"{sign_in_url} does not answer.",
        expected="the sign-in page",
        seen=seen,
    )
