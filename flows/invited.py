"""Invite and Re-Invite are one button: what it does depends on what somebody else did meanwhile."""

from __future__ import annotations

from agent.errors import Failed


def refuse_second_mail(email: str, *, again: bool | None, is_second: bool) -> None:
    """Failed("already-so") where the button would send a second mail and the first one was meant.

    ``again`` says what was decided: True, a further mail; False, the first one; None, whichever it is.
    """
    if again is False and is_second:
        raise Failed(
            "already-so",
            f"{email} was invited by somebody else since the job looked; a second mail is not sent.",
            expected="a person who was never invited",
            seen="Re-Invite in the person's row",
        )
