"""An account of few rights: the job ends before its first write, with the right's name in the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.person import Capabilities, Fingerprint
from agent.execute.outcome import Verdict
from flows import Directory
from flows.directory import TenantDirectory
from tests.browser.flows.conftest import options_of
from tests.browser.jobs.conftest import Desk, job, provision

VARIANTS: list[dict[str, Any]] = [{}, {"company_directory": "mfe"}, {"projects_tab": "new", "language": "en-GB"}]


@pytest.mark.parametrize("options", VARIANTS, ids=["legacy", "new company", "british"])
@pytest.mark.parametrize(
    ("lacking", "words", "wish"),
    [
        ("can_edit_users", "Create and Edit Users", provision()),
        ("can_inactivate", "Inactivate Users", job("offboard", person={"email": "ann.lee@example.com"})),
    ],
)
async def test_a_missing_right_is_named_before_anything_is_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], lacking: str, words: str, wish: Any
) -> None:
    """As the Directory's own first page tells it; planted here, since the sandbox's operators have these rights."""
    truly = TenantDirectory.fingerprint

    async def poorer(self: Directory) -> Fingerprint:
        found = await truly(self)  # type: ignore[arg-type]  # it is one
        held = Capabilities(**{**found.capabilities.model_dump(), lacking: False})
        return found.model_copy(update={"capabilities": held})

    monkeypatch.setattr(TenantDirectory, "fingerprint", poorer)
    with options_of(desk.sandbox, **options):
        ran = await desk.run(wish)

    assert ran.outcome.verdict is not Verdict.DONE
    assert (ran.outcome.error or {})["code"] == "missing-right"
    assert words in (ran.outcome.error or {})["message"]
    assert desk.writes() == []
