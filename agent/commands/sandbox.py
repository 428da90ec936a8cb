"""``agent sandbox``: starts the stand-in tenant, a program of its own that the agent meets over HTTP only."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer

from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.errors import Failed

MODULE = "fixtures.sandbox"


def sandbox(context: typer.Context) -> None:
    """Start the sandbox tenant, a stand-in for Procore's sign-in and company Directory.

    All options go to the sandbox itself: `agent sandbox --help` lists them.
    """
    if importlib.util.find_spec("fixtures") is None or importlib.util.find_spec(MODULE) is None:
        Screen().stop(
            Failed(
                "sandbox-missing",
                "The sandbox is not part of this installation. It comes with the project's source: get that, and type "
                "`agent sandbox` (or `make demo`) in its folder.",
                expected="the package fixtures.sandbox",
                seen="an installation without it (the container's, for one)",
            ),
            ExitCode.FAILED,
        )
    missing = [name for name in ("starlette", "uvicorn", "multipart") if importlib.util.find_spec(name) is None]
    if missing:
        Screen().stop(
            Failed(
                "sandbox-missing",
                "The sandbox needs more packages. Type: pip install 'procore-directory-agent[sandbox]'",
                expected="starlette, uvicorn, python-multipart",
                seen=f"without {', '.join(missing)}",
            ),
            ExitCode.FAILED,
        )
    # S606: replaces this process by our own interpreter, no shell; the arguments are the person's own
    os.execv(sys.executable, [sys.executable, "-m", MODULE, *context.args])  # noqa: S606
