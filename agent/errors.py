"""What can end a job other than done.

::

    AgentError
    ├── Refused      we would not do it; nothing was changed
    ├── Failed       it did not work; nothing was changed
    └── Uncertain    something was, or may have been, changed; a person decides

Every error carries a stable ``code`` (documented in ``docs/reference/errors.md``), what was expected, what was seen,
who can mend it, and whether the same job may be run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any


class Mender(StrEnum):
    """Who can do something about an error."""

    REQUESTER = "requester"  #: who wrote the job: a name is wrong, a decision is missing
    OPERATOR = "operator"  #: who runs the agent: settings, credentials, rights, browser
    ADMINISTRATOR = "administrator"  #: a Procore Company Admin, in Procore itself
    DEVELOPER = "developer"  #: who keeps flows and selectors: the page is not as known


class RetrySafe(StrEnum):
    """Whether running the same job again can do harm."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class AgentError(Exception):
    """Base of all errors that end a job; never raised itself."""

    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.UNKNOWN

    def __init__(
        self,
        code: str,
        message: str,
        *,
        expected: str = "",
        seen: str = "",
        mender: Mender | None = None,
        retry_safe: RetrySafe | None = None,
    ) -> None:
        """``code`` is kebab-case and stable; ``message`` is one sentence that a help-desk person understands."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected
        self.seen = seen
        self.mender = mender or self.default_mender
        self.retry_safe = retry_safe or self.default_retry

    def diagnostics(self) -> dict[str, str]:
        """The error as flat text fields, for evidence and logs; holds no secret by construction of its callers."""
        return {
            "kind": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "seen": self.seen,
            "mender": self.mender.value,
            "retry_safe": self.retry_safe.value,
        }


class Refused(AgentError):
    """The agent would not: policy, ambiguity, a missing decision, a name that does not exist. Nothing was changed."""

    default_mender = Mender.REQUESTER
    default_retry = RetrySafe.YES


class Failed(AgentError):
    """It did not work and nothing was changed: page or service broken, sign-in rejected, an unknown screen."""

    default_retry = RetrySafe.YES


class SignedOut(Failed):
    """The page shows the sign-in form: the session is over, and what was just posted was not saved [I].

    Recovered once, by re-observing.
    """

    def __init__(self, message: str = "The session ended: Procore shows its sign-in form.") -> None:
        super().__init__("signed-out", message, expected="a page for a signed-in account", seen="the sign-in form")


class SignInRejected(Failed):
    """Password or code was rejected, or the account is locked.

    Never tried again without a person: Procore locks at three [D].
    """

    default_retry = RetrySafe.NO


class UnknownPage(Failed):
    """The screen is not one the flows know (generation, form field, dialog, language): nothing more is written."""

    default_mender = Mender.DEVELOPER
    default_retry = RetrySafe.NO


class ShapeChanged(UnknownPage):
    """A region that a flow was about to write from has changed so that the write could mean something else.

    Nothing was sent. ``flow`` and ``region`` are names (``flows.names.Flow``, a key of the pack's shapes); ``findings``
    are texts, the worst first; ``shape`` is what was seen, structure alone, and ``known`` what the pack knows.
    """

    def __init__(
        self,
        flow: str,
        region: str,
        findings: Sequence[str],
        *,
        expected: str = "",
        shape: Mapping[str, Any] | None = None,
        known: Mapping[str, Any] | None = None,
    ) -> None:
        self.flow = flow
        self.region = region
        self.findings = tuple(findings)
        self.shape = dict(shape or {})
        self.known = dict(known or {})
        super().__init__(
            "shape-changed",
            f"The part {region} of the page is not as this agent knows it, so a click there could mean something else.",
            expected=expected or f"the known shape of {region}",
            seen="; ".join(self.findings),
        )

    def diagnostics(self) -> dict[str, str]:
        """With the flow and the region."""
        return {**super().diagnostics(), "flow": self.flow, "region": self.region}


class WriteBeforeGate(UnknownPage):
    """A control that should only ask was used, and the page went to send something: held back, so nothing was sent."""

    def __init__(self, held: str, *, seen: str = "") -> None:
        """``held`` is the request, by method, host and path; ``seen`` what the flow met instead of what it expected."""
        super().__init__(
            "write-before-gate",
            "A control of the page acted at once where it should only have asked. It was stopped in the network, and "
            "nothing was sent.",
            expected="nothing that could write before the gate has let the change through",
            seen=f"{held}; then: {seen}" if seen else held,
        )


class SaveRejected(Failed):
    """Procore answered a save with an error message (in ``seen``). Nothing of that save was kept.

    ``by_flash``: the message was a flash, which is kept per session: where several jobs share one, it may be another's.
    """

    default_mender = Mender.REQUESTER
    default_retry = RetrySafe.YES
    by_flash = False


class Uncertain(AgentError):
    """Something was, or may have been, changed and reading back does not (fully) confirm what was wanted."""

    default_mender = Mender.ADMINISTRATOR
    default_retry = RetrySafe.UNKNOWN


class AnswerLost(Uncertain):
    """A write was sent and no usable answer came.

    Only a fresh observation may settle it; it is never sent again blindly.
    """


class StoppedMidway(Uncertain):
    """Some steps are done, then something stopped the job; running it again does the rest. ``cause``: its code."""

    default_retry = RetrySafe.YES

    def __init__(self, cause: AgentError, message: str) -> None:
        super().__init__(
            "stopped-midway",
            message,
            expected=cause.expected,
            seen=f"{cause.code}: {cause.seen or cause.message}",
            mender=cause.mender,
        )
        self.cause = cause.code

    def diagnostics(self) -> dict[str, str]:
        """With the code of the cause."""
        return {**super().diagnostics(), "cause": self.cause}
