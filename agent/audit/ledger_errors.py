"""The two ways in which a ledger can fail an agent: it cannot be written, or it is not as it was left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from agent.errors import Failed, Mender, RetrySafe


def unwritable(folder: Path, error: OSError) -> Failed:
    """Failed "ledger-unwritable"."""
    return Failed(
        "ledger-unwritable",
        f"The ledger of this tenant cannot be written, so no job of it begins: {folder}",
        expected="free space, and the right to write there (settings: paths.evidence)",
        seen=error.strerror or str(error),
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.YES,
    )


def broken(folder: Path, expected: str, seen: str) -> Failed:
    """Failed "ledger-broken": a person looks before anything is added."""
    return Failed(
        "ledger-broken",
        f"The ledger in {folder} is not as the agent left it, so nothing is added to it, and no job begins. "
        "Look with `agent evidence verify`, and put the folder back from a backup; docs/reference/errors.md says more.",
        expected=expected,
        seen=seen,
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.NO,
    )


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """While inside, what the disk refuses is Failed "ledger-unwritable"."""
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from error
