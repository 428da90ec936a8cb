"""``agent credentials``: puts a tenant's service account and the service's own secrets into the keyring.

Values are asked for at a prompt that does not echo, or read as JSON from standard input; never from the command line,
where every process list shows them.
"""

from __future__ import annotations

import base64
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.browser.stored_state import StoredState
from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.errors import AgentError, Mender, Refused
from agent.notify.channels import MAIL, WEBHOOK
from agent.notify.webhook import SECRET_PREFIX, key_of
from agent.settings import SettingsRefused, load_settings

app = typer.Typer(
    no_args_is_help=True, help="The service account of a tenant, and the service's own secrets, kept in the keyring."
)

FIELDS = ("email", "password", "totp_secret")
TenantName = Annotated[str, typer.Argument(help="Tenant, as agent.toml calls it.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take it out instead.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="Settings file; else agent.toml here.")]


@app.command("set")
def set_credentials(tenant: TenantName, settings_file: SettingsFile = None) -> None:
    """Store e-mail, password and authenticator secret, from a prompt or as JSON from standard input.

    The JSON is {"email": ..., "password": ..., "totp_secret": ... or null}.
    """
    screen = Screen()
    try:
        account = _prompted() if sys.stdin.isatty() else _piped(sys.stdin.read())
        CredentialStore().set(tenant, account)
    except AgentError as error:
        screen.stop(error, _code_of(error))
    _forget_session(tenant, settings_file)  # it may be another account's
    screen.say(f"[good]Stored[/] {escape(account.email)} for the tenant [name]{escape(tenant)}[/].")
    if account.totp_seed is None:
        screen.say("No authenticator secret was given: the sign-in stops if Procore asks for a code.")
    _warn_unknown(screen, tenant, settings_file)


@app.command()
def check(
    tenant: TenantName,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say what is stored for a tenant, without showing it and without signing in (agent doctor signs in)."""
    screen = Screen(as_json=as_json)
    store = CredentialStore()
    try:
        account = store.get(tenant)
    except AgentError as error:
        screen.stop(error, _code_of(error))
    if as_json:
        screen.document(
            {
                "tenant": tenant,
                "email": account.email,
                "password": True,
                "totp_secret": account.totp_seed is not None,
                "keyring": store.backend_name,
            }
        )
        return
    screen.say(f"[good]✓[/] e-mail         {escape(account.email)}")
    screen.say("[good]✓[/] password       stored")
    screen.say("[good]✓[/] authenticator  stored" if account.totp_seed else "[quiet]·[/] authenticator  none")
    screen.say(f"[quiet]  keyring        {escape(store.backend_name)}[/]")


@app.command()
def remove(tenant: TenantName, settings_file: SettingsFile = None) -> None:
    """Take a tenant's account and its stored session out."""
    screen = Screen()
    try:
        removed = CredentialStore().remove(tenant)
    except AgentError as error:
        screen.stop(error, _code_of(error))
    _forget_session(tenant, settings_file)
    screen.say(f"{'Removed' if removed else 'Nothing was stored'} for the tenant [name]{escape(tenant)}[/].")


@app.command()
def webhook(
    name: Annotated[str, typer.Argument(help="Receiver, as [notify.webhooks.NAME] in agent.toml calls it.")],
    generate: Annotated[bool, typer.Option("--generate", help="Make a new secret and show it once.")] = False,
    remove_it: Remove = False,
    settings_file: SettingsFile = None,
) -> None:
    """Store the signing secret of a webhook (whsec_ and base64), from a prompt or standard input."""
    screen = Screen()
    entry = f"{WEBHOOK}{name}"
    if remove_it:
        _remove_secret(screen, entry)
        return
    secret = Secret(f"{SECRET_PREFIX}{base64.b64encode(os.urandom(32)).decode()}") if generate else _one_secret(entry)
    try:
        key_of(secret)
    except ValueError as error:
        screen.stop(_unusable(f"{SECRET_PREFIX} and base64 of at least 24 bytes", str(error)), ExitCode.USAGE)
    _store_secret(screen, entry, secret)
    if generate:
        screen.say("The receiver needs it, too; it is shown this once:")
        typer.echo(secret.reveal())
    _warn_unknown_webhook(screen, name, settings_file)


@app.command()
def mail(remove_it: Remove = False) -> None:
    """Store the password of the mail server's login ([notify.mail] user), from a prompt or standard input."""
    _service_secret(MAIL, remove_it)


@app.command()
def postgres(remove_it: Remove = False) -> None:
    """Store the password of the database's user ([queue] postgres_url), from a prompt or standard input."""
    _service_secret("postgres", remove_it)


def _service_secret(entry: str, remove_it: bool) -> None:
    screen = Screen()
    if remove_it:
        _remove_secret(screen, entry)
        return
    secret = _one_secret(entry)
    if not secret:
        screen.stop(_unusable("a password", "nothing"), ExitCode.USAGE)
    _store_secret(screen, entry, secret)


def _one_secret(entry: str) -> Secret:
    """From a prompt that does not echo, or the first line of standard input."""
    return Secret(
        getpass.getpass(f"Secret for {entry}: ") if sys.stdin.isatty() else sys.stdin.readline().strip("\r\n")
    )


def _store_secret(screen: Screen, entry: str, secret: Secret) -> None:
    try:
        CredentialStore().set_secret(entry, secret)
    except AgentError as error:
        screen.stop(error, _code_of(error))
    screen.say(f"[good]Stored[/] the secret for [name]{escape(entry)}[/].")


def _remove_secret(screen: Screen, entry: str) -> None:
    try:
        removed = CredentialStore().remove_secret(entry)
    except AgentError as error:
        screen.stop(error, _code_of(error))
    screen.say(f"{'Removed' if removed else 'Nothing was stored'} for [name]{escape(entry)}[/].")


def _warn_unknown_webhook(screen: Screen, name: str, settings_file: Path | None) -> None:
    try:
        known = load_settings(settings_file).notify.webhooks
    except SettingsRefused as error:
        screen.say(f"[unsure]Note[/] {escape(error.message)}")
        return
    if name not in known:
        section = escape(f"[notify.webhooks.{name}]")
        screen.say(f"[unsure]Note[/] The settings have no {section} yet.")


def _prompted() -> ServiceAccount:
    email = typer.prompt("E-mail address of the service account")
    password = Secret(getpass.getpass("Password: "))
    totp = Secret(getpass.getpass("Authenticator secret (empty if none): "))
    return ServiceAccount(email, password, totp if totp else None)


def _piped(text: str) -> ServiceAccount:
    """The account from JSON; errors name keys, never values."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _unusable('a JSON object {"email": ..., "password": ..., "totp_secret": ...}', "something else")
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise _unusable(f"the keys {', '.join(FIELDS)}", f"unknown keys: {', '.join(unknown)}")
    for name in ("email", "password"):
        if not isinstance(given.get(name), str):
            raise _unusable(f"a text under {name!r}", "nothing" if name not in given else "another type")
    seed = given.get("totp_secret")
    if seed is not None and not isinstance(seed, str):
        raise _unusable("a text or null under 'totp_secret'", "another type")
    return ServiceAccount(given["email"], Secret(given["password"]), Secret(seed) if seed else None)


def _unusable(expected: str, seen: str) -> Refused:
    return Refused(
        "credentials-invalid",
        "The credentials on standard input cannot be used.",
        expected=expected,
        seen=seen,
        mender=Mender.OPERATOR,
    )


def _code_of(error: AgentError) -> ExitCode:
    return ExitCode.USAGE if error.code == "credentials-invalid" else ExitCode.FAILED


def _forget_session(tenant: str, settings_file: Path | None) -> None:
    try:
        state = load_settings(settings_file).paths.state
        StoredState(state / "sessions", tenant, "", CredentialStore().require_safe_backend()).forget()
    except AgentError:
        return  # without settings there is no session either


def _warn_unknown(screen: Screen, tenant: str, settings_file: Path | None) -> None:
    try:
        load_settings(settings_file).tenant(tenant)
    except SettingsRefused as error:
        screen.say(f"[unsure]Note[/] {escape(error.message)}")
