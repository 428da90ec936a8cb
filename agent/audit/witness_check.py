"""Time stamps of somebody outside (RFC 3161): are they there, are they genuine, and do the entries' times agree?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cryptography.x509 import Certificate

from agent.audit import promises
from agent.audit.entries import Entry, Witnessed
from agent.audit.findings import Findings
from agent.audit.reading import TIMESTAMPS
from agent.audit.sources import Files, Unreadable
from agent.audit.tampering import EntryBackdated, WitnessWrong
from agent.audit.timestamping import TimeStampRejected, check_time_stamp
from agent.audit.trust import SignedHead
from agent.evidence.folder import timestamp

#: An entry may be made between the signing of a checkpoint and its stamping, and two clocks never agree.
TOLERANCE = timedelta(minutes=10)


def check_witnesses(
    files: Files,
    entries: Sequence[Entry],
    heads: Sequence[SignedHead],
    roots: Sequence[Certificate],
    findings: Findings,
) -> None:
    """Put down what is wrong with the time stamps, and what they prove.

    ``heads`` are checkpoints whose signatures were verified. Without ``roots`` nobody can tell whose stamps they are:
    then only their bytes are compared with what the ledger has of them.
    """
    notes = {head.checkpoint.size: head.text for head in heads}
    found = [(entry, entry.data) for entry in entries if isinstance(entry.data, Witnessed)]
    latest: tuple[datetime, Witnessed] | None = None
    for entry, witnessed in found:
        with findings.collecting():
            answer = _answer(files, entry, witnessed)
            if roots:
                at = _stamped(answer, entry, witnessed, notes, roots)
                latest = max(latest, (at, witnessed), key=lambda pair: pair[0]) if latest else (at, witnessed)
                _require_later(entries, witnessed, at)
    if latest is not None:
        at, witnessed = latest
        findings.proven.append(promises.time_stamped(witnessed.size, timestamp(at), witnessed.tsa))
    elif found and not roots:
        findings.open.append(promises.stamps_unchecked(len(found)))
    findings.open.append(promises.clock_limits(stamped=latest is not None))


def _answer(files: Files, entry: Entry, witnessed: Witnessed) -> bytes:
    name = f"{TIMESTAMPS}/{witnessed.size}.tsr"
    try:
        answer = files.read(name)
    except (KeyError, Unreadable) as error:
        raise WitnessWrong(name, f"The time stamp that entry {entry.seq} is about is missing.") from error
    seen = hashlib.sha256(answer).hexdigest()
    if seen != witnessed.sha256:
        raise WitnessWrong(
            name, f"The time stamp that entry {entry.seq} is about was changed.", expected=witnessed.sha256, seen=seen
        )
    return answer


def _stamped(
    answer: bytes, entry: Entry, witnessed: Witnessed, notes: Mapping[int, str], roots: Sequence[Certificate]
) -> datetime:
    name = f"{TIMESTAMPS}/{witnessed.size}.tsr"
    if witnessed.size not in notes:
        raise WitnessWrong(name, f"The checkpoint of {witnessed.size} entries that entry {entry.seq} names is missing.")
    try:
        return check_time_stamp(answer, notes[witnessed.size], roots)
    except TimeStampRejected as error:
        raise WitnessWrong(
            name, f"The time stamp of the checkpoint of {witnessed.size} entries cannot be relied on.", seen=error.seen
        ) from error


def _require_later(entries: Sequence[Entry], witnessed: Witnessed, at: datetime) -> None:
    """Raise EntryBackdated for an entry that came after the stamped checkpoint and claims to be from long before it."""
    later = entries[witnessed.size : witnessed.size + 1]  # entries' times never go back: the first one decides
    if later and later[0].time < at - TOLERANCE:
        number = later[0].seq
        raise EntryBackdated(
            f"entry {number}",
            f"Entry {number} claims to be of {later[0].at}, but was not there when the ledger was time-stamped, later.",
            expected=f"no earlier than {timestamp(at - TOLERANCE)}",
            seen=later[0].at,
        )
