"""``agent evidence list``, ``index`` and ``prune``: look over the evidence, and remove what was kept long enough."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.audit.entries import Sealed
from agent.audit.ledger import ledger_folder
from agent.audit.ledgers import Ledgers
from agent.audit.reading import ENTRIES, ChainBroken, read_entries
from agent.commands.exit_codes import ExitCode
from agent.commands.moments import typed_day
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Failed, Mender, Refused
from agent.evidence.index import write_index
from agent.execute.wording import count
from agent.settings import Settings, load_settings
from agent.worker.upkeep import tidy_evidence

Tenant = Annotated[str | None, typer.Option(help="Only this tenant.")]
_MIB = 2**20


def list_runs(
    tenant: Tenant = None,
    day: Annotated[str | None, typer.Option(help="Only runs begun on this day (UTC).")] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """List the sealed runs that the ledgers know, the newest last."""
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        begin = typed_day(day)[:10] if day is not None else ""
        runs = [
            (name, seq, run)
            for name in _tenants(settings, tenant)
            for seq, run in _sealed(settings, name)
            if run.folder.startswith(begin)
        ]
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document(
            {"runs": [{"tenant": name, "entry": seq, **run.model_dump(mode="json")} for name, seq, run in runs]}
        )
        return
    if not runs:
        screen.say("[quiet]No such run.[/]")
        return
    for tenant_name, group in groupby(runs, key=lambda item: item[0]):
        screen.say(f"[bold]{escape(tenant_name)}[/]")
        for _, seq, run in group:
            screen.say(f"  {escape(run.folder)}  {run.verdict}{'' if run.changed else ', nothing changed'}")
            queue = f" · job {run.queue} of the queue" if run.queue is not None else ""
            screen.say(f"    [quiet]{escape(run.action)} {escape(run.person)} · entry {seq}{queue}[/]")


def index(
    begin: Annotated[str, typer.Option("--from", help="First day (UTC), such as 2026-10-01.")],
    end: Annotated[str, typer.Option("--to", help="Last day, included.")],
    tenant: Tenant = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File or folder to write to; else beside the evidence.")
    ] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Write one page per tenant over a period: every job, what became of it, and a link to its report."""
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        first, last = (datetime.fromisoformat(moment) for moment in (typed_day(begin), typed_day(end, last=True)))
        names = _tenants(settings, tenant)
        if out is not None and not out.is_dir() and len(names) > 1:
            expected = "--tenant, or a folder for --out"
            raise Refused("bad-usage", "One file cannot hold several tenants.", expected=expected)
        written = [_written(settings, name, first, last, out) for name in names]
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"files": [str(path) for path in written]})
        return
    for path in written:
        screen.path("Index", path)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Remove what was kept long enough (settings: evidence.heavy_days, records_years); the running agent does it, too.

    Each removal stands in the ledger before it happens, so that a later verification knows of it.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        tidied = tidy_evidence(settings, Ledgers.of_settings(settings, CredentialStore()), dry_run=dry_run)
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document(
            {
                "dry_run": dry_run,
                "removals": [
                    {
                        "tenant": item.tenant,
                        "job_id": item.job_id,
                        "files": [file["path"] for file in item.files],
                        "bytes": item.bytes,
                        "policy": item.policy,
                        "whole": item.whole,
                    }
                    for item in tidied.removals
                ],
                "shared_bodies": tidied.objects,
                "bytes": tidied.bytes,
                "troubles": tidied.troubles,
            }
        )
    else:
        verb = "Would remove" if dry_run else "Removed"
        for item in tidied.removals:
            what = "the whole folder" if item.whole else count(len(item.files), "file")
            screen.say(f"{verb} {what} of [name]{escape(item.job_id)}[/] [quiet]{escape(item.policy)}[/]")
        screen.say(f"{verb} {tidied.bytes / _MIB:.1f} MiB of {count(len(tidied.removals), 'job')}.")
    for trouble in tidied.troubles:
        screen.say(f"[bad]Kept:[/] {escape(trouble)}")
    if tidied.troubles:
        raise typer.Exit(ExitCode.FAILED)


def _tenants(settings: Settings, tenant: str | None) -> list[str]:
    if tenant is not None and tenant not in settings.tenants:
        known = ", ".join(sorted(settings.tenants))
        raise Refused("unknown-tenant", f"The settings have no tenant {tenant!r}.", expected=known, seen=tenant)
    return [name for name in sorted(settings.tenants) if tenant in (None, name)]


def _sealed(settings: Settings, tenant: str) -> Iterator[tuple[int, Sealed]]:
    folder = ledger_folder(settings.paths.evidence, tenant)
    if not (folder / ENTRIES).is_file():
        return
    try:
        for entry in read_entries(folder):
            if isinstance(entry.data, Sealed):
                yield entry.seq, entry.data
    except (OSError, ChainBroken) as error:
        raise _broken(folder, error) from error


def _written(settings: Settings, tenant: str, begin: datetime, end: datetime, out: Path | None) -> Path:
    evidence = settings.paths.evidence
    home = ledger_folder(evidence, tenant).parent
    try:
        return write_index(evidence, tenant, begin, end, out or home, now=datetime.now(UTC))
    except ChainBroken as error:
        raise _broken(home, error) from error
    except OSError as error:
        raise Failed(
            "output-unwritable",
            f"The index of {tenant} cannot be written to {out or home}.",
            seen=error.strerror or str(error),
            mender=Mender.OPERATOR,
        ) from error
    except ValueError as error:
        raise Refused("bad-usage", f"This is no period: {error}.", expected="--from a day --to a later one") from error


def _broken(folder: Path, error: Exception) -> Failed:
    return Failed(
        "ledger-broken",
        f"The ledger in {folder} cannot be read: {error} Look with `agent evidence verify`.",
        expected="a ledger whose entries follow each other",
        seen=str(error),
        mender=Mender.OPERATOR,
    )
