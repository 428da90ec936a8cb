"""Words and figures of the pages for people: verdicts, actions, events, times and sizes in plain English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from agent.evidence.record import Record


@dataclass(frozen=True)
class VerdictWords:
    """How a verdict is told: its headline, what it means for the person, the colour class."""

    headline: str
    meaning: str
    tone: str


VERDICTS = {
    "done": VerdictWords("Done and confirmed", "The change was made and read back from Procore afterwards.", "good"),
    "refused": VerdictWords("Refused", "The agent would not do this. Nothing was changed.", "stop"),
    "failed": VerdictWords("Failed", "It did not work. Nothing was changed.", "stop"),
    "uncertain": VerdictWords(
        "Uncertain", "Something was, or may have been, changed and could not be confirmed. A person decides.", "alert"
    ),
    "waiting": VerdictWords(
        "Waiting for a person", "A person has to approve or act first. Nothing was changed.", "wait"
    ),
    "interrupted": VerdictWords(
        "Interrupted", "The program ended in the middle of this job. What follows was true until then.", "alert"
    ),
}
NOTHING_TO_DO = VerdictWords("Nothing to do", "Everything was already as requested. Nothing was changed.", "good")
DRY_RUN = VerdictWords("Dry run", "Only looked at and planned. Nothing was changed.", "wait")
READ = VerdictWords("Read", "Only looked at. Nothing was changed.", "good")
CHECKED = VerdictWords(
    "Checked: as requested", "Somebody did this by hand. The agent looked and found everything as requested.", "good"
)
NOT_YET = VerdictWords(
    "Checked: not yet as requested", "The agent looked, changed nothing, and found something left to do.", "wait"
)

ACTIONS = {
    "provision": "Provision a user",
    "update": "Update a user",
    "change_email": "Change a user's e-mail address",
    "offboard": "Offboard a user",
    "reactivate": "Reactivate a user",
    "add_to_projects": "Add a user to projects",
    "remove_from_projects": "Remove a user from projects",
    "invite": "Invite a user",
    "read": "Read a user",
    "snapshot": "Snapshot of the Directory",
    "bulk_add_to_project": "Add many users to a project",
    "bulk_remove_from_project": "Remove many users from a project",
    "distribution_group": "Set up a distribution group",
}

MENDERS = {
    "requester": "whoever wrote the request",
    "operator": "whoever runs the agent",
    "administrator": "a Procore Company Admin, in Procore",
    "developer": "whoever keeps the agent's knowledge of Procore's pages",
}
RETRIES = {"yes": "yes", "no": "no", "unknown": "not known: look first"}

EVENTS = {
    "job-started": "Job started",
    "session-ready": "Signed in",
    "observed": "Person read",
    "planned": "Planned",
    "step-started": "Step started",
    "write-sending": "Form filled and checked, now sent",
    "write-answered": "Procore answered",
    "shape-differs": "Page not quite as known",
    "step-ended": "Step ended",
    "verified": "Read back and compared",
    "note": "Note",
    "log": "Note",
    "picture": "Picture taken",
    "picture-missing": "Picture missing",
    "trace-missing": "Recording missing",
    "trace-kept": "Recording stored",
    "trace-withheld": "Recording withheld",
    "interrupted": "Program ended unexpectedly",
    "job-ended": "Job ended",
}


def verdict_words(record: Record) -> VerdictWords:
    """How this job ended, in words."""
    if record.verdict == "done":
        if record.check_since is not None:
            return CHECKED
        if record.request.get("dry_run"):
            return DRY_RUN
        if record.action in {"read", "snapshot"}:
            return READ
        if record.outcome.get("nothing_to_do"):
            return NOTHING_TO_DO
    if record.verdict == "waiting" and record.check_since is not None:
        return NOT_YET
    return VERDICTS.get(record.verdict, VerdictWords(record.verdict.capitalize(), "", "alert"))


def action_words(action: str) -> str:
    """An action of a job file in words; one that is not known as it is written."""
    return ACTIONS.get(action, action or "Job")


def moment(at: datetime | None) -> str:
    """Date and time to the second, in UTC."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC" if at else "not known"


def clock(text: str) -> str:
    """The time of day of a log line."""
    return text[11:23] if len(text) >= 23 else text


def seconds(milliseconds: float | None) -> str:
    """A duration; nothing for one that is not known."""
    if milliseconds is None:
        return ""
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    whole = round(milliseconds / 1000)
    for unit, name, rest, below in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // rest} {below}"
    return f"{whole} s"


def size(count: int) -> str:
    """A size of a file."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 step``, ``3 steps``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
