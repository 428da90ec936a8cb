"""``agent evidence keys`` and ``agent evidence head``: what an outsider needs, to be given to him another way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.audit.ledger import AuditLedger, Head
from agent.audit.ledgers import Ledgers
from agent.audit.note import PublicKey
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Failed, Mender, Refused
from agent.settings import Settings, load_settings

keys = typer.Typer(no_args_is_help=True, help="The public keys with which the ledgers are signed.")

Tenant = Annotated[str | None, typer.Option(help="Only this tenant.")]


@keys.command("show")
def show(tenant: Tenant = None, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Show the public keys in force. Give them to auditors another way than the evidence: by letter, on the phone."""
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        found = {name: ledger.head() for name, ledger in _ledgers(settings, tenant)}
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"keys": {name: list(head.keys) for name, head in found.items()}})
        return
    for name, head in found.items():
        _show_keys(screen, name, head)


@keys.command("rotate")
def rotate(
    tenant: Tenant = None,
    why: Annotated[str, typer.Option(help="Why, for the ledger.")] = "rotated by hand",
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Make a new signing key. The old one announces it and signs beside it until audit.overlap_days are over."""
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        made: dict[str, PublicKey] = {}
        for name, ledger in _ledgers(settings, tenant):
            made[name] = ledger.rotate(why)
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"added": {name: key.vkey for name, key in made.items()}})
        return
    for name, key in made.items():
        screen.say(
            f"[bold]{escape(name)}[/]  a new key signs beside the old one for {settings.audit.overlap_days:g} days:"
        )
        screen.people.print(f"  {escape(key.vkey)}", soft_wrap=True)
    screen.say("Who trusts the old key comes to trust the new one by itself; give the new one to whoever is new.")


def head(
    tenant: Tenant = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write it to, to be kept elsewhere.")] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Print the signed head of a tenant's ledger, to be kept where nobody who runs the agent can change it.

    It covers everything up to now. Verify later with --head: a ledger that was rolled back or rewritten is found out.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        found = list(_ledgers(settings, tenant))
        if len(found) != 1:
            names = ", ".join(name for name, _ in found)
            raise Refused("bad-usage", "Which tenant?", expected=f"--tenant, one of {names}", mender=Mender.REQUESTER)
        name, ledger = found[0]
        note = _signed(ledger)
        at = ledger.head()
        if out is not None:
            _write(out, note)
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"tenant": name, "ledger": at.ledger, "size": at.signed, "root": at.root, "note": note})
    elif out is not None:
        screen.say(f"The head of {escape(name)} over {at.signed} entries. Keep it elsewhere.")
        screen.path("Head", out)
    else:
        sys.stdout.write(note)


def _signed(ledger: AuditLedger) -> str:
    if not ledger.head().size:
        raise Refused("no-ledger", f"The tenant {ledger.tenant} has no ledger yet: no job was accepted.")
    note = ledger.sign() if ledger.can_sign else ledger.latest_note()
    if note is None:
        raise Failed(
            "ledger-unsigned",
            "The head cannot be signed, so it would prove nothing.",
            expected="audit.sign = true and a keyring that opens",
            seen=ledger.signing_trouble or "signing is off",
            mender=Mender.OPERATOR,
        )
    return note


def _write(path: Path, note: str) -> None:
    try:
        path.write_text(note, "utf-8")
    except OSError as error:
        raise Failed(
            "output-unwritable", f"{path} cannot be written.", seen=error.strerror or str(error), mender=Mender.OPERATOR
        ) from error


def _ledgers(settings: Settings, tenant: str | None) -> list[tuple[str, AuditLedger]]:
    if tenant is not None and tenant not in settings.tenants:
        known = ", ".join(sorted(settings.tenants))
        raise Refused("unknown-tenant", f"The settings have no tenant {tenant!r}.", expected=known, seen=tenant)
    ledgers = Ledgers.of_settings(settings, CredentialStore())
    return [(name, ledgers.of(name)) for name in sorted(settings.tenants) if tenant in (None, name)]


def _show_keys(screen: Screen, name: str, head: Head) -> None:
    screen.say(f"[bold]{escape(name)}[/]")
    for vkey in head.keys:
        screen.people.print(f"  {escape(vkey)}", soft_wrap=True)
    if not head.keys:
        screen.say("  [quiet]No key yet: one is made when the first job is accepted.[/]")
