"""``agent selectors``: what pack of selectors this is, whether it is the one that was signed, and signing one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from agent.audit.keys import KeyringSigner
from agent.audit.note import KeyMalformed, PublicKey
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Failed, Mender, Refused
from agent.pack.signature import SIGNATURE, folder_of, pack_sha256, signed, verify
from agent.settings import load_settings
from flows import Catalogue

app = typer.Typer(no_args_is_help=True, help="The pack of selectors: where things are on Procore's pages.")

Folder = Annotated[Path | None, typer.Argument(help="A pack; left out, the one of the settings.")]
Key = Annotated[str | None, typer.Option("--key", help="Public key (name+id+base64); left out, the settings' one.")]


@app.command("show")
def show(folder: Folder = None, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Show name, version, hashes and contents of a pack."""
    screen = Screen(as_json=as_json)
    try:
        catalogue = Catalogue.load(_place(folder, settings_file))
    except AgentError as error:
        stop(screen, error)
    told = _about(catalogue)
    if as_json:
        screen.document(told)
        return
    screen.say(f"[bold]{escape(told['pack'] or 'a pack without a name')}[/]  {told['released']}")
    screen.say(f"  pack       {told['pack_sha256']}")
    screen.say(f"  catalogue  {told['sha256']}  [quiet](stands in every evidence record)[/]")
    for kind, marks in told["entries"].items():
        counted = ", ".join(f"{count} {mark}" for mark, count in marks.items())
        screen.say(f"  {kind:9}  {counted}  [quiet](D documented, C captured, I inferred)[/]")
    for name, digest in told["files"].items():
        screen.say(f"  {escape(name)}  [quiet]{digest}[/]")


@app.command("verify")
def verify_pack(
    folder: Folder = None, key: Key = None, as_json: AsJson = False, settings_file: SettingsFile = None
) -> None:
    """Check that a pack is the one that was signed; as the agent does itself before anything starts."""
    screen = Screen(as_json=as_json)
    try:
        place = _place(folder, settings_file)
        trusted = _key(key, settings_file)
        catalogue = Catalogue.load(place)
        verify(catalogue, folder_of(place) / SIGNATURE, trusted)
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"pack": catalogue.pack, "pack_sha256": pack_sha256(catalogue), "signed_by": trusted.label})
        return
    screen.say(f"{escape(catalogue.pack)} is the pack that {escape(trusted.label)} has signed.")


@app.command("sign")
def sign(
    folder: Annotated[Path, typer.Argument(help="The pack to sign.")],
    name: Annotated[str, typer.Option(help="Name of the signing key in the keyring; made when first needed.")],
    as_json: AsJson = False,
) -> None:
    """Sign a pack with a key in this machine's keyring, and write the signature beside it."""
    screen = Screen(as_json=as_json)
    try:
        catalogue = Catalogue.load(folder)
        signer, origin = KeyringSigner(CredentialStore()), f"selectors-{name}"
        if " " in name or "+" in name or "/" in name:
            raise Refused("bad-usage", "A key's name has no spaces, no plus and no slash.", seen=name)
        key = (signer.keys(origin) or (signer.make(origin),))[-1]
        place = folder_of(folder) / SIGNATURE
        _write(place, signed(catalogue, key))
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"signature": str(place), "public_key": key.public.vkey, "pack": catalogue.pack})
        return
    screen.path("Signature", place)
    screen.say(
        "For [selectors] public_key in the settings of those who are to use this pack alone:".replace("[", "\\[")
    )
    screen.people.print(f"  {escape(key.public.vkey)}", soft_wrap=True)


def _place(folder: Path | None, settings_file: Path | None) -> Path | None:
    return folder if folder is not None else load_settings(settings_file).paths.selectors


def _key(given: str | None, settings_file: Path | None) -> PublicKey:
    text = given or load_settings(settings_file).selectors.public_key
    if text is None:
        expected = "--key, or selectors.public_key in the settings"
        raise Refused("bad-usage", "Whose signature?", expected=expected, mender=Mender.OPERATOR)
    try:
        return PublicKey.parse(text)
    except KeyMalformed as error:
        raise Refused("bad-usage", f"This is no public key: {error}.", expected="name+id+base64", seen=text) from error


def _about(catalogue: Catalogue) -> dict[str, Any]:
    marks: dict[str, list[str]] = {
        "hooks": [entry.mark for entry in catalogue.hooks.values()],
        "texts": [entry.mark for entry in catalogue.texts.values()],
        "shapes": [entry.mark for entry in catalogue.shapes.values()],
    }
    return {
        "pack": catalogue.pack,
        "released": catalogue.about.released.isoformat() if catalogue.about else "",
        "pack_sha256": pack_sha256(catalogue),
        "sha256": catalogue.sha256,
        "entries": {kind: {mark: found.count(mark) for mark in "DCI"} for kind, found in marks.items()},
        "files": dict(catalogue.files),
    }


def _write(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(
            "output-unwritable",
            f"{place} cannot be written.",
            seen=error.strerror or str(error),
            mender=Mender.OPERATOR,
        ) from error
