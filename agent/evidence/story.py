"""The course of a job in chapters, as a person would tell it, and where its time went; both from the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from agent.evidence.record import PICTURES, PictureRow, Record
from agent.evidence.wording import counted

_MOST_SENTENCES = 60  # of one chapter; the log has them all


@dataclass
class Chapter:
    """One part of the story: what it is about, how it ended, what there is to say and to see."""

    title: str
    at: str = ""  # time of the log line it begins with
    state: str = ""
    milliseconds: int | None = None
    sentences: list[str] = field(default_factory=list)
    pictures: list[PictureRow] = field(default_factory=list)
    number: str = ""  # of the step

    def say(self, sentence: str) -> None:
        """Add a sentence, unless it is empty or was just said."""
        if sentence and sentence not in self.sentences[-1:]:
            self.sentences.append(sentence)

    @property
    def unsaid(self) -> int:
        """How many sentences are left to the log."""
        return max(0, len(self.sentences) - _MOST_SENTENCES)

    @property
    def told(self) -> list[str]:
        """The sentences that the page shows."""
        return self.sentences[:_MOST_SENTENCES]


def chapters(record: Record) -> list[Chapter]:
    """The story. Lines of another order than usual only make it read oddly; nothing is left out but plain marks."""
    telling = _Telling(record)
    for line in record.lines:
        telling.hear(line)
    return telling.chapters


class _Telling:
    def __init__(self, record: Record) -> None:
        self._record = record
        self.chapters: list[Chapter] = []

    def _open(self, title: str, line: Mapping[str, Any], number: str = "") -> Chapter:
        if not self.chapters or self.chapters[-1].title != title or number:
            self.chapters.append(Chapter(title, str(line.get("at", "")), number=number))
        return self.chapters[-1]

    def _here(self, line: Mapping[str, Any]) -> Chapter:
        return self.chapters[-1] if self.chapters else self._open("The beginning", line)

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take one line of the log in."""
        event = line.get("event")
        if event in PICTURES:
            row = PictureRow.of(line)
            if PurePosixPath(row.file).stem.endswith("-verified"):
                self._open("Reading everything back", line)
            self._here(line).pictures.append(row)
            return
        match event:
            case "job-started":
                self._open("The request", line).say(self._request())
            case "session-ready":
                who = str(line.get("signed_in_as", ""))
                again = "Signed in again, since the session had ended" if line.get("again") else "Signed in to Procore"
                self._open("Signing in", line).say(f"{again}{f' as {who}' if who else ''}.")
            case "observed":
                self._observed(line)
            case "planned":
                chapter = self._open("Planning again" if line.get("replanned") else "Planning", line)
                self._planned(chapter, line)
            case "step-started":
                self._open(str(line.get("title", "")), line, number=str(line.get("step", "")))
            case "write-sending":
                self._here(line).say(f"The form was filled in and checked, then sent: {line.get('intent', '')}.")
            case "write-answered":
                self._here(line).say("Procore answered.")
            case "step-ended":
                self._step_ended(line)
            case "verified":
                self._open("Reading everything back", line)
            case "job-ended":
                self._open("The end", line).say(str(line.get("summary", "")))
            case "interrupted":
                self._open("The program ended here", line).say(str(line.get("text", "")))
            case "trace-missing" | "trace-withheld":
                self._here(line).say(f"There is no recording of the pages: {line.get('why') or 'it was not kept'}.")
            case "note" | "log":
                self._noted(line)

    def _request(self) -> str:
        record, reason = self._record, self._record.reason
        asked = f"{reason.get('requested_by') or 'Somebody'} asked for this"
        ticket = f" under the ticket {reason['ticket']}" if reason.get("ticket") else ""
        approved = f"; the request says that {reason['approved_by']} approved it" if reason.get("approved_by") else ""
        end = ""
        if record.check_since is not None:
            end = " The agent was only to look whether somebody has done it by hand."
        elif record.request.get("dry_run"):
            end = " It was a dry run: nothing was to be changed."
        return f"{asked}{ticket}{approved}.{end}"

    def _observed(self, line: Mapping[str, Any]) -> None:
        titles = {"before": "Looking first", "after": "Looking afterwards", "recovery": "Looking after trouble"}
        moment = str(line.get("moment", ""))
        chapter = self._open(titles.get(moment, f"Looking: {moment}"), line)
        if line.get("many"):
            chapter.say(f"The list was opened and read: {self._record.subject}.")
        elif line.get("found"):
            who = self._record.person.get("email") or "the person"
            chapter.say(f"The page of {who} was opened and read.")
        else:
            chapter.say("All lists of the Directory were searched: nobody has this address.")

    def _planned(self, chapter: Chapter, line: Mapping[str, Any]) -> None:
        steps = int(line.get("steps") or 0)
        name = str(line.get("file", "plan.json"))
        position = 0 if name == "plan.json" else int(name.removeprefix("plan-").removesuffix(".json") or 1) - 1
        plan = self._record.plans[position] if position < len(self._record.plans) else {}
        if not steps:
            chapter.say("There is nothing to do.")
        else:
            blast = plan.get("blast") or {}
            reach = [
                counted(int(blast[name]), one, many)
                for name, one, many in (("people", "person", "people"), ("projects", "project", "projects"))
                if blast.get(name)
            ]
            touching = f", touching {' and '.join(reach)}" if reach else ""
            found = "left to do" if self._record.check_since is not None else "planned"
            chapter.say(f"{counted(steps, 'step')} {found}{touching}.")
        for note in plan.get("notes", []):
            chapter.say(str(note))

    def _step_ended(self, line: Mapping[str, Any]) -> None:
        chapter = self._here(line)
        chapter.state = str(line.get("state", ""))
        chapter.milliseconds = line.get("milliseconds")
        chapter.say(str(line.get("detail", "")))

    def _noted(self, line: Mapping[str, Any]) -> None:
        data = line.get("data") or {}
        if "queue_job" in data:
            by = f", handed in by {data['handed_in_by']}" if data.get("handed_in_by") else ""
            approved = f", approved in the queue by {data['approved_by']}" if data.get("approved_by") else ""
            attempt = f", attempt {data['attempt']}" if data.get("attempt") not in (None, "", "1") else ""
            self._here(line).say(f"Job {data['queue_job']} of the queue{by}{approved}{attempt}.")
        else:
            self._here(line).say(str(line.get("text", "")))


@dataclass(frozen=True)
class Span:
    """A part of the job's time, in milliseconds since its beginning."""

    what: str
    begin: int
    end: int

    @property
    def took(self) -> int:
        """How long."""
        return self.end - self.begin


def spans(record: Record) -> list[Span]:
    """Where the time went, from the first line of the log to the last, without gaps.

    Ends where the clock goes back: what follows was written by another process, or after the clock was set.
    """
    found: list[Span] = []
    marked = last = 0
    looked = False
    for line in record.lines:
        now = line.get("ms")
        if not isinstance(now, int) or now < last:
            break
        what, last = _span_title(line, looked=looked), now
        looked = looked or line.get("event") == "observed"
        if what:
            found.append(Span(what, marked, now))
            marked = now
    if last > marked:
        found.append(Span("What was under way at the end", marked, last))
    return found


def _span_title(line: Mapping[str, Any], *, looked: bool) -> str:
    match line.get("event"):
        case "session-ready":
            return "Signing in again" if line.get("again") else "Opening Procore and signing in"
        case "observed":
            return "Reading the person again" if looked else "Finding and reading the person"
        case "planned":
            return "Planning again" if line.get("replanned") else "Checking rules and planning"
        case "step-ended":
            return f"Step {line.get('step')}: {line.get('title')}"
        case "verified":
            return "Reading everything back"
        case "note" if "rows" in (line.get("data") or {}):
            return f"Reading the list {line.get('text')}"
        case "job-ended":
            return "Deciding, last pictures and putting the recording away"
        case _:
            return ""
