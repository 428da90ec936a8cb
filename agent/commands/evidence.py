"""``agent evidence``: what an auditor asks for, and whether the evidence is what was sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from agent.audit.bundle import Request
from agent.audit.bundle_check import verify_bundle
from agent.audit.export import Exported, export_job, export_period
from agent.audit.findings import Findings
from agent.audit.ledger import ledger_folder
from agent.audit.ledger_source import read_source
from agent.audit.samples import ALL, DEFAULT, LONGEST_SEED, MOST
from agent.audit.trust import Anchors
from agent.audit.verify import Place, place_of, verify_all, verify_folder, verify_tenant
from agent.commands import evidence_keys, evidence_upkeep
from agent.commands.evidence_anchors import anchors_given, own_anchors, read_head, signed_first
from agent.commands.evidence_view import show_findings
from agent.commands.exit_codes import ExitCode
from agent.commands.moments import typed_day
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError, Mender, Refused
from agent.execute.wording import count
from agent.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="The evidence and its ledger: verify, export, list, tidy.")
app.add_typer(evidence_keys.keys, name="keys")
app.command("head")(evidence_keys.head)
app.command("list")(evidence_upkeep.list_runs)
app.command("index")(evidence_upkeep.index)
app.command("prune")(evidence_upkeep.prune)

Keys = Annotated[
    list[str] | None, typer.Option("--key", help="Public key you trust: the text, or a file with it. May be repeated.")
]
Heads = Annotated[
    list[Path] | None, typer.Option("--head", help="Head that you kept (agent evidence head). May be repeated.")
]


@app.command()
def verify(
    path: Annotated[Path | None, typer.Argument(help="Bundle, or folder of a job, a day, a tenant, all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The settings' whole evidence folder.")] = False,
    key: Keys = None,
    head: Heads = None,
    tsa_roots: Annotated[
        Path | None, typer.Option(help="Certificates (PEM) that outside time stamps must lead to.")
    ] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Verify that evidence is what was sealed and signed; offline, and without settings when a key is given.

    Says what is proven, what is not, and every thing that is wrong. Exit code 7 when anything is.
    """
    screen = Screen(as_json=as_json)
    try:
        if (path is None) == (not everything):
            raise _bad_usage("Name a bundle or a folder, or give --all.", "agent evidence verify PATH, or --all")
        settings = load_settings(settings_file) if everything else None
        place = settings.paths.evidence if settings is not None else path
        assert place is not None
        if place_of(place) is Place.NOTHING:
            raise _nothing_there(place)
        if key:
            anchors = anchors_given(key, head or [], tsa_roots)
        else:
            anchors = _own(settings or _settings_for_keys(settings_file), place, head or [], tsa_roots)
        found = _verified(place, anchors)
    except AgentError as error:
        stop(screen, error)
    genuine = all(not findings.problems for findings in found.values())
    if as_json:
        parts = {name: findings.document() for name, findings in found.items()}
        keys = [item.label for item in anchors.keys]
        screen.document({"genuine": genuine, "path": str(place), "trusted_keys": keys, "verified": parts})
    for name, findings in found.items():
        show_findings(screen, name, findings)
    raise typer.Exit(ExitCode.DONE if genuine else ExitCode.NOT_GENUINE)


def _verified(place: Path, anchors: Anchors) -> dict[str, Findings]:
    """By what was verified: one bundle, one folder, or each tenant."""
    match place_of(place):
        case Place.BUNDLE:
            return {place.name: verify_bundle(place, anchors)}
        case Place.JOB | Place.DAY:
            return {place.name: verify_folder(place, anchors)}
        case Place.TENANT:
            return {place.name: verify_tenant(place, anchors)}
        case Place.ALL:
            return verify_all(place, anchors)
        case Place.NOTHING:
            raise _nothing_there(place)


def _nothing_there(place: Path) -> Refused:
    said = f"There is no evidence in {place}." if place.exists() else f"There is nothing at {place}."
    return _bad_usage(said, "a bundle, or a folder with evidence")


def _own(settings: Settings, place: Path, heads: list[Path], roots: Path | None) -> Anchors:
    """With this machine's keys; an error of the keyring says how to do without it."""
    try:
        return own_anchors(settings, place, heads, roots)
    except AgentError as error:
        if error.code.startswith("keyring"):
            error.message += " With --key VKEY evidence is verified without a keyring."
        raise


def _settings_for_keys(settings_file: Path | None) -> Settings:
    """The settings, which lead to the keyring; without them a key has to be given."""
    try:
        return load_settings(settings_file)
    except AgentError as error:
        raise _bad_usage(
            "Which public key do you trust? Give it with --key; who runs the agent shows it with `agent evidence keys "
            "show`. A key that came together with the evidence proves nothing.",
            "--key, or settings of the agent that made the evidence",
        ) from error


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle (zip) to write.")],
    job: Annotated[
        str | None, typer.Option(help="One job: the id of its evidence, or its number in the queue.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="First day of a period (UTC), such as 2026-10-01.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of the period, included.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Needed where the settings have several.")] = None,
    samples: Annotated[str, typer.Option(help="How many jobs by lot with all their files, or all.")] = str(DEFAULT),
    seed: Annotated[str, typer.Option(help="A word of the auditor's own for the lot; else the signed root.")] = "",
    head: Heads = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Write a bundle for auditors: one job, or every job that was accepted in a period.

    It is verified right after it was written; exit code 7 when its evidence is not genuine or does not add up.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        name = only_tenant(settings, tenant)
        folder = ledger_folder(settings.paths.evidence, name).parent
        kept = [read_head(path) for path in head or []]
        signed_first(settings, name)
        source = read_source(folder)
        if job is not None and begin is None and end is None:
            written = export_job(source, out, job, kept)
        elif job is None and begin is not None and end is not None:
            first, last = typed_day(begin), typed_day(end, last=True)
            written = export_period(source, out, Request(first, last, _number(samples), _word(seed)))
        else:
            raise _bad_usage("Name a job or a period.", "--job ID, or --from DAY --to DAY")
    except AgentError as error:
        stop(screen, error)
    findings = Findings()
    try:
        findings = verify_bundle(out, own_anchors(settings, out, head or [], None))
    except AgentError as error:  # the bundle is there all the same, and others have the key
        findings.open.append(f"Anything: this machine could not verify it. {error.message}")
    if as_json:
        screen.document(_document(written, findings))
    _show_export(screen, written, findings)
    raise typer.Exit(ExitCode.NOT_GENUINE if findings.problems else ExitCode.DONE)


def only_tenant(settings: Settings, named: str | None) -> str:
    """The tenant that was named, or the only one. Refused "bad-usage", "unknown-tenant"."""
    if named is None:
        if len(settings.tenants) != 1:
            raise _bad_usage("Which tenant?", f"--tenant, one of {', '.join(sorted(settings.tenants))}")
        return next(iter(settings.tenants))
    if named not in settings.tenants:
        known = ", ".join(sorted(settings.tenants))
        raise Refused("unknown-tenant", f"The settings have no tenant {named!r}.", expected=known, seen=named)
    return named


def _number(samples: str) -> int:
    if samples == "all":
        return ALL
    if samples.isascii() and samples.isdecimal() and len(samples) < 10 and int(samples) <= MOST:
        return int(samples)
    raise _bad_usage(
        f"--samples is a number up to {MOST}, or the word all, not {samples!r}.", "--samples 25, or --samples all"
    )


def _word(seed: str) -> str:
    if len(seed) <= LONGEST_SEED and (seed.isprintable() or not seed):
        return seed
    raise _bad_usage(
        f"--seed is a word or a sentence of at most {LONGEST_SEED} plain characters.", "--seed 'the audit of May'"
    )


def _document(written: Exported, findings: Findings) -> dict[str, Any]:
    index = written.derived.index
    return {
        "file": str(written.file),
        "bytes": written.bytes,
        "kind": index.kind,
        "tenant": index.tenant,
        "from": index.begin,
        "to": index.end,
        "population": index.population.model_dump(mode="json"),
        "runs": [run.model_dump(mode="json") for run in index.runs],
        "left_out_unsigned_entries": written.unsigned,
        "verified": findings.document(),
    }


def _show_export(screen: Screen, written: Exported, findings: Findings) -> None:
    index = written.derived.index
    if index.kind == "period":
        screen.say(f"[bold]Population[/]  {escape(index.population.equation)}")
        for sentence in index.population.mismatches:
            screen.say(f"[bad]It does not add up:[/] {escape(sentence)}")
    full = sum(run.level == "full" for run in index.runs)
    screen.say(f"[bold]Evidence[/]    {count(full, 'run')} in full, {len(index.runs) - full} as records")
    if written.unsigned:
        screen.say(f"[unsure]Left out:[/] the last {written.unsigned} entries of the ledger, which are not signed yet.")
    screen.path("Bundle", written.file)
    if findings.problems or not findings.proven:
        show_findings(screen, written.file.name, findings)
    else:
        screen.say(
            "[good]Verified[/] with this machine's key. Send the public key another way: agent evidence keys show"
        )


def _bad_usage(message: str, expected: str) -> Refused:
    return Refused("bad-usage", message, expected=expected, mender=Mender.REQUESTER)
