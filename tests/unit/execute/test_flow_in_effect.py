"""What a run does where the pages are not what they were taken for: another generation, other names, no question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.domain.access import Project
from agent.domain.person import Fingerprint
from agent.domain.project import Member
from agent.errors import UnknownPage
from agent.execute.outcome import Verdict
from agent.plan.bulk.roster import Roster
from flows import Examined
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.fake import run
from tests.unit.execute.fake_directory import FakeDirectory
from tests.unit.execute.fake_tenant import CLINIC, HARBOR, FakeTenant

ANA = "ana.lindqvist@example.com"
WHY = "Two labels are swapped."


def out_of_use(*flows: str) -> dict[str, Any]:
    """Orders under which these flows are quarantined."""

    async def ask() -> Mapping[str, str]:
        return dict.fromkeys(flows, WHY)

    return {"quarantined": ask}


def leave(project: Project) -> Any:
    return job("remove_from_projects", person={"email": ANA}, projects=[project.name])


@pytest.mark.parametrize("really", ["member_remove", "change_projects"])
async def test_the_flow_that_a_write_really_goes_through_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, really: str
) -> None:
    """The list was of one generation and the person's page is of the other: the plan was about another flow."""
    known = FakeDirectory.remove_from_project

    async def through_the_project(self: FakeDirectory, user_id: str, project: Project) -> None:
        await self.gate.shape_examined(Examined(really, f"{really}.window", "same", (), {}, {}))
        await known(self, user_id, project)

    monkeypatch.setattr(FakeDirectory, "remove_from_project", through_the_project)
    tenant = FakeTenant()
    tenant.put(person(memberships=(member(HARBOR),)))
    outcome = await run(leave(HARBOR), tenant, **out_of_use("member_remove"))
    if really == "member_remove":
        assert (outcome.verdict, outcome.blocked_by, tenant.sent) == (Verdict.WAITING, ("member_remove",), [])
    else:
        assert (outcome.verdict, len(tenant.sent)) == (Verdict.DONE, 1)
        assert [(use.flow, use.wrote) for use in outcome.flows] == [("change_projects", True)]


@pytest.mark.parametrize(("times", "verdict"), [(1, Verdict.DONE), (2, Verdict.FAILED)])
async def test_names_that_have_changed_since_they_were_read_are_read_anew_once(
    monkeypatch: pytest.MonkeyPatch, times: int, verdict: Verdict
) -> None:
    """An administrator's new template takes nothing out of use; a page that contradicts fresh names does."""
    known, left = FakeDirectory.remove_from_project, [times]

    async def contradicted(self: FakeDirectory, user_id: str, project: Project) -> None:
        if left[0]:
            left[0] -= 1
            raise UnknownPage("template-mismatch", "A template bears another name.")
        await known(self, user_id, project)

    monkeypatch.setattr(FakeDirectory, "remove_from_project", contradicted)
    tenant = FakeTenant()
    tenant.put(person(memberships=(member(HARBOR),)))
    outcome = await run(leave(HARBOR), tenant)
    assert outcome.verdict is verdict
    assert [use.state for use in outcome.flows] == ["healthy" if times == 1 else "quarantined"]


async def test_a_leaver_is_out_of_all_projects_before_the_next_step_on_new_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There it is a save that is applied later; reactivation would bring back what was not taken before."""
    legacy = FakeDirectory.fingerprint

    async def new_pages(self: FakeDirectory) -> Fingerprint:
        return (await legacy(self)).model_copy(update={"generation": "mfe"})

    async def later(self: FakeDirectory, user_id: str) -> None:
        held = [item.project for item in self.tenant.people[user_id].memberships]
        await self.assign_projects(user_id, [], held)

    monkeypatch.setattr(FakeDirectory, "fingerprint", new_pages)
    monkeypatch.setattr(FakeDirectory, "remove_from_all_projects", later)
    tenant = FakeTenant()
    tenant.assign_delay = 45.0
    tenant.put(person(memberships=(member(HARBOR), member(CLINIC))))
    held: dict[str, int] = {}
    tenant.on_write = lambda operation: held.update({operation: len(tenant.by_email(ANA).memberships)})  # type: ignore[union-attr]  # the person is there all the time
    outcome = await run(job("offboard", person={"email": ANA}), tenant)
    assert (outcome.verdict, held["inactivate"]) == (Verdict.DONE, 0)


async def test_a_button_that_acts_at_once_is_not_called_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window that should ask does not come, and the person is out of the project: nobody may say "failed"."""

    async def at_once(self: FakeDirectory, user_id: str, project: Project) -> None:
        self.leave(user_id, project)
        raise UnknownPage("unusable-control", "The window did not come up.")

    monkeypatch.setattr(FakeDirectory, "remove_from_project", at_once)
    tenant = FakeTenant()
    tenant.put(person(memberships=(member(HARBOR),)))
    outcome = await run(leave(HARBOR), tenant)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.UNCERTAIN, "changed-meanwhile")


def test_two_looks_are_alike_whoevers_id_was_asked_for() -> None:
    """A list of the new generation tells ids only of some; somebody else's template is another look."""
    told, untold, other = (
        Roster(members=(Member(user_id=known, person_id="5", name="Ana", email=ANA, template=template),))
        for known, template in (("7", "Viewer"), (None, "Viewer"), ("7", "Owner"))
    )
    assert told.likeness() == untold.likeness() != other.likeness()
