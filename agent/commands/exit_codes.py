"""What the process exit codes mean; documented in ``docs/reference/exit-codes.md``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from agent.execute.outcome import Verdict


class ExitCode(IntEnum):
    """The end of a command, for scripts."""

    DONE = 0  #: everything asked for is so, also when there was nothing to do
    USAGE = 2  #: the command line, the job file or the settings cannot be used; nothing was started
    REFUSED = 3  #: the agent would not; nothing was changed
    FAILED = 4  #: it did not work; nothing was changed
    UNCERTAIN = 5  #: something was, or may have been, changed; a person decides
    WAITING = 6  #: a person has to approve or to act first; nothing was changed
    NOT_GENUINE = 7  #: evidence or ledger are not what was sealed and signed (``agent evidence``)


BY_VERDICT = {
    Verdict.DONE: ExitCode.DONE,
    Verdict.REFUSED: ExitCode.REFUSED,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.UNCERTAIN: ExitCode.UNCERTAIN,
    Verdict.WAITING: ExitCode.WAITING,
}

#: From worst to best: what a person must look at first decides for several jobs.
WORST_FIRST = (Verdict.UNCERTAIN, Verdict.FAILED, Verdict.REFUSED, Verdict.WAITING, Verdict.DONE)


def exit_code(verdicts: Iterable[Verdict]) -> ExitCode:
    """The exit code of several jobs: that of the worst one."""
    seen = set(verdicts)
    return next((BY_VERDICT[verdict] for verdict in WORST_FIRST if verdict in seen), ExitCode.DONE)
