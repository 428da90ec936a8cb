"""What ``agent doctor`` says of a tenant's ledger: whole at its end, signed up to its end, a key at hand."""

from __future__ import annotations

from agent.audit.keys import KeyringSigner
from agent.audit.ledger import Head, ledger_folder
from agent.audit.ledgers import Ledgers
from agent.audit.note import PublicKey
from agent.commands.checked import Line, State, bad
from agent.credentials.store import CredentialStore
from agent.errors import AgentError
from agent.settings import Settings


def ledger_lines(settings: Settings, name: str, store: CredentialStore) -> list[Line]:
    """The lines of one tenant; nothing is made or signed by looking."""
    ledger = Ledgers.of_settings(settings, store).of(name)
    try:
        head = ledger.head()
    except AgentError as error:
        return [bad(f"{name}: ledger", error, name)]
    lines = [_whole(settings, name, head)]
    if settings.audit.sign and head.size:
        lines.append(_key(name, head, store))
    return lines


def _whole(settings: Settings, name: str, head: Head) -> Line:
    check = f"{name}: ledger"
    if not head.size:
        folder = ledger_folder(settings.paths.evidence, name)
        return Line(check=check, state=State.GOOD, detail=f"none yet; the first job begins it in {folder}")
    closed = f", closed up to {head.period_end[:16].replace('T', ' ')}" if head.period_end else ""
    detail = f"{head.size:,} entries, {head.unsigned:,} of them unsigned{closed}"
    return Line(check=check, state=State.GOOD, detail=detail)


def _key(name: str, head: Head, store: CredentialStore) -> Line:
    check = f"{name}: signing key"
    try:
        kept = {key.public.vkey for key in KeyringSigner(store).keys(f"agent/{head.ledger}")}
    except AgentError as error:
        return bad(check, error, name)
    at_hand = [PublicKey.parse(vkey).label for vkey in head.keys if vkey in kept]
    if at_hand:
        return Line(check=check, state=State.GOOD, detail=", ".join(at_hand))
    if not head.keys:
        return Line(check=check, state=State.GOOD, detail="none yet; the next signing makes one")
    return Line(
        check=check,
        state=State.BAD,
        detail=f"{PublicKey.parse(head.keys[-1]).label} is not in this keyring",
        next_step="Put the keyring back from a backup. Else the next signing makes a new key: tell it to whoever "
        "checks the evidence (agent evidence keys).",
    )
