"""The sentences in which a verification says what it proves, and what not: no sentence more than was checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime


def whole_ledger(signed: int, keys: Sequence[str]) -> list[str]:
    """For a ledger whose entries follow each other and are signed."""
    last = signed - 1
    return [
        f"No entry was changed, removed, added or put into another order: the entries 0 to {last} are those that were "
        f"signed with {' and '.join(keys)}.",
        "No entry claims an earlier time than one that stands before it.",
    ]


def ledger_limits(entries: int, signed: int, *, has_head: bool) -> list[str]:
    """What a ledger does not show by itself."""
    limits = []
    if entries > signed:
        which = f"Entry {signed} is" if entries - signed == 1 else f"The entries {signed} to {entries - 1} are"
        limits.append(f"{which} not signed yet: who can write to the disk could have changed that unseen.")
    if not has_head:
        limits.append(
            "That nothing was cut off at the end, together with its signatures: only a head that was kept elsewhere "
            "shows that (agent evidence head, then verify with --head)."
        )
    return limits


def reaches_head(size: int) -> str:
    """For a kept head that fits."""
    return (
        f"The ledger reaches at least the head you kept ({size} entries) and begins with exactly the entries it stands "
        "for: nothing of that was rolled back or written anew."
    )


def time_stamped(size: int, at: str, authority: str) -> str:
    """For a time stamp that fits."""
    return f"The first {size} entries existed at {at}: {authority} put its own time on them."


def periods(begin: str, end: str, empty: Iterable[tuple[str, str]]) -> list[str]:
    """For signed periods without a gap, and those of them in which nothing was accepted."""
    sentences = [
        f"From {_day(begin)} to {_day(end)} every period is signed with the numbers of its jobs, and they are those of "
        "the entries: no job was slipped in or left out later."
    ]
    runs = [_span(run) for run in _joined(empty)]
    if runs:
        sentences.append(f"Nothing was accepted {_listed(runs)}: empty periods are signed, too.")
    return sentences


def no_periods() -> str:
    """Where no period is signed yet."""
    return "That there were no jobs besides these: no period is signed yet."


def folder(name: str, files: int, seq: int) -> str:
    """For a run whose files are all as they were sealed."""
    return f"The {files} files of {name} are byte for byte what was sealed (entry {seq})."


def folders(count: int, files: int) -> str:
    """For many."""
    return f"All {files} files of {count} jobs are byte for byte what was sealed."


def folders_of_unsound(count: int) -> str:
    """Where the ledger itself is not whole."""
    what = "1 job fit its entry" if count == 1 else f"{count} jobs fit their entries"
    return f"Anything about files: those of {what}, but as long as the ledger is not genuine, that proves nothing."


def records_only(count: int) -> str:
    """Where the heavy files were not handed over."""
    what = "1 job" if count == 1 else f"{count} jobs"
    return f"Of {what} the bundle has the records only; pictures and recordings were not handed over and not checked."


def pruned(name: str, files: int, policies: Sequence[str]) -> str:
    """Where files went by a rule."""
    return f"{name}: {files} files were removed by the rule {', '.join(policies)}, which a signed entry says."


def wholly_pruned(name: str, policies: Sequence[str]) -> str:
    """Where nothing is left of a run."""
    return f"{name} was removed as a whole by the rule {', '.join(policies)}, which a signed entry says."


def running(count: int) -> str:
    """For folders under way."""
    what = "1 job that is running, or whose process died" if count == 1 else f"{count} jobs that are not sealed yet"
    return f"Anything about {what}."


def marked(name: str) -> str:
    """For a sealed folder that still has its marker."""
    return (
        f"That the run of {name} came to its end: it is sealed, and still marked as unfinished. The agent completes it "
        "at its next start."
    )


def report_not_entered(name: str) -> str:
    """For a sealed folder that still has its marker, and a report without a signed entry."""
    return f"Anything about the report of {name}: its entry is not signed yet, or not made."


def before_the_ledger(count: int, opened_at: str) -> str:
    """For folders without an entry that say they are older than the ledger."""
    what = "1 folder" if count == 1 else f"{count} folders"
    return f"Anything about {what} from before the ledger was opened ({opened_at}): no entry speaks of them."


def beside(names: Sequence[str]) -> str:
    """For files and folders that belong to no job."""
    shown = ", ".join(name.encode("unicode_escape").decode() for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    what = "1 file or folder" if len(names) == 1 else f"{len(names)} files or folders"
    return f"Anything about {what} that no entry speaks of, and that were not looked into: {shown}{more}."


def records(count: int) -> str:
    """For runs of which the bundle has the records."""
    what = "1 job that is" if count == 1 else f"{count} jobs that are"
    return f"The records of {what} not shown in full are byte for byte what was sealed."


def signed_by(keys: Sequence[str]) -> str:
    """Who signed."""
    return f"That ledger was signed with {' and '.join(keys)}."


def tables_unchecked() -> str:
    """Where something else is wrong already."""
    return "That the tables follow from the evidence: they were not compared, since the evidence itself is not whole."


def own_seed(seed: str) -> str:
    """Where the lot was drawn with a word that somebody chose."""
    return f"That nobody chose the lot: it was drawn with the word {seed!r}. Is it yours?"


def included(seq: int, size: int) -> str:
    """For an entry shown with a proof."""
    return f"Entry {seq} stands in the ledger of {size} entries that was signed, in exactly this place."


def single_job_limits() -> list[str]:
    """What a bundle of one job cannot show."""
    return [
        "Anything about other jobs, and that this bundle has all the entries about this one: that takes the whole "
        "ledger, or the bundle of a period.",
    ]


def general_limits() -> list[str]:
    """What no verification of this kind shows."""
    return [
        "That the key was the agent's alone: whoever holds it and can write to the disk can write a new history, from "
        "the last head on that was kept elsewhere.",
        "That Procore's pages told the truth, or that nobody changed something in Procore without the agent.",
    ]


def clock_limits(*, stamped: bool) -> str:
    """How far the times can be trusted."""
    if stamped:
        return "That each time is right to the minute: they are those of the agent's own clock, within the time stamps."
    return "That the times are right: they are those of the agent's own clock; nobody else's time stamp was checked."


def stamps_unchecked(count: int) -> str:
    """Where nobody said whose time stamps count."""
    what = "1 time stamp is" if count == 1 else f"{count} time stamps are"
    return f"Whose the time stamps are: {what} there, unchanged; give --tsa-roots to have them checked."


def lost_jobs(when: str, count: int) -> str:
    """Where the queue had lost what the ledger knows."""
    return f"At {when} the queue did not have {count} of the open jobs any more that the ledger knows: ask why."


def clock_set_back(count: int) -> str:
    """A note on a clock that went back."""
    what = "1 entry was" if count == 1 else f"{count} entries were"
    return f"{what} made while the machine's clock stood before the time of an earlier entry; both times are in it."


def population(text: str) -> str:
    """For a population that adds up."""
    return f"Every job accepted in the period is there and accounted for: {text}."


def tables() -> str:
    """For tables that follow from the evidence."""
    return "population.csv, changes.csv and events.ocsf.jsonl say exactly what the evidence in this bundle says."


def selection(drawn: int, always: int) -> str:
    """For samples that the rule draws."""
    return (
        f"The samples are those that the stated rule draws: {always} that are always shown and {drawn} by lot. "
        "Nobody picked them."
    )


def _day(moment: str) -> str:
    return moment.removesuffix("T00:00:00.000Z").removesuffix(":00.000Z").replace("T", " ")


def _joined(spans: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _span(span: tuple[str, str]) -> str:
    begin, end = map(datetime.fromisoformat, span)
    days = (end - begin).days
    if days == 7 and begin.weekday() == 0:
        return f"in the week of {_day(span[0])}"
    if days == 1 and span[0].endswith("T00:00:00.000Z"):
        return f"on {_day(span[0])}"
    return f"from {_day(span[0])} to {_day(span[1])}"


def _listed(texts: Sequence[str]) -> str:
    if len(texts) > 6:
        return ", ".join(texts[:5]) + f" and in {len(texts) - 5} other spans of time"
    return ", ".join(texts[:-1]) + " and " + texts[-1] if len(texts) > 1 else texts[0]
