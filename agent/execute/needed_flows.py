"""Which flow a step writes through, and the stop before a step whose flow is quarantined.

A quarantined flow is one whose pages were seen otherwise than known: nobody writes through it before a person has
looked. Reading goes on, and so does every job that does not need it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from agent.plan.bulk.steps import BulkRemoveFromProject
from agent.plan.correlate import NeedsPerson
from agent.plan.steps import Step
from flows.names import Flow

WRITING_FLOWS: tuple[str, ...] = tuple(flow.value for flow in Flow if flow.writes)  #: all that can be quarantined
Quarantined = Callable[[], Awaitable[Mapping[str, str]]]  #: flow -> why nobody writes through it now

#: In either generation of the company's pages.
_FLOWS: Mapping[str, Flow] = MappingProxyType(
    {
        "create_user": Flow.ADD_USER,
        "save_user": Flow.EDIT_USER,
        "add_to_project": Flow.CHANGE_PROJECTS,
        "change_project_template": Flow.CHANGE_PROJECTS,
        "remove_from_project": Flow.CHANGE_PROJECTS,
        "remove_from_all_projects": Flow.CHANGE_PROJECTS,
        "assign_projects": Flow.PROJECTS_TAB,
        "inactivate": Flow.INACTIVATE,
        "reactivate": Flow.REACTIVATE,
        "invite": Flow.INVITE,
        "bulk_add_to_project": Flow.BULK_ADD,
        "add_member": Flow.MEMBER_ADD,
        "bulk_remove_from_project": Flow.BULK_REMOVE,
        "change_member_template": Flow.MEMBER_EDIT,
        "group_create": Flow.GROUP_EDIT,
        "group_change": Flow.GROUP_EDIT,
        "group_delete": Flow.GROUP_EDIT,
    }
)
#: The new pages have no sections about projects on a person's page: the project's own Directory does it, or the tab.
_IN_NEW_PAGES: Mapping[str, Flow] = MappingProxyType(
    {
        "add_to_project": Flow.MEMBER_ADD,
        "change_project_template": Flow.MEMBER_EDIT,
        "remove_from_project": Flow.MEMBER_REMOVE,
        "remove_from_all_projects": Flow.PROJECTS_TAB,
    }
)


class FlowQuarantined(NeedsPerson):
    """The plan needs a flow that is quarantined: a person does it, or looks and releases the flow."""

    def __init__(self, flows: Mapping[str, str]) -> None:
        """``flows``: each flow that is needed, and why it is quarantined."""
        self.flows = tuple(flows)
        names = ", ".join(flows)
        super().__init__(
            "flow-quarantined",
            "This needs a part of Procore's pages that was found changed, and that is not used before somebody has "
            f"looked: {names}.",
            instructions="Do these steps by hand; or look at what was found (agent flows), release the flow, and let "
            "the agent run the job again.",
            expected="flows that are not quarantined",
            seen="; ".join(f"{flow}: {why}" for flow, why in flows.items()),
        )

    def diagnostics(self) -> dict[str, str]:
        """With the flows."""
        return {**super().diagnostics(), "flow": ", ".join(self.flows)}


async def nothing_quarantined() -> Mapping[str, str]:
    """For a run that nobody keeps a record of flows for."""
    return {}


def flow_of(step: Step, generation: str) -> Flow:
    """The flow that this step writes through, where the page of a person is of this generation."""
    if generation != "legacy" and step.kind in _IN_NEW_PAGES:
        return _IN_NEW_PAGES[step.kind]
    return _FLOWS[step.kind]


def needed_flows(steps: Iterable[Step], generation: str) -> tuple[Flow, ...]:
    """The flows that these steps write through, each once, in order."""
    return tuple(dict.fromkeys(flow for step in steps for flow in _flows_of(step, generation)))


def _flows_of(step: Step, generation: str) -> Iterator[Flow]:
    """All of them: inactive members are removed one by one, from their own pages."""
    yield flow_of(step, generation)
    if isinstance(step, BulkRemoveFromProject) and not all(member.active for member in step.people):
        yield Flow.MEMBER_REMOVE


async def refuse_quarantined(flows: Iterable[Flow], quarantined: Quarantined) -> None:
    """Raise FlowQuarantined when one of the flows is quarantined now."""
    out_of_use = await quarantined()
    needed = {flow.value: out_of_use[flow] for flow in flows if flow in out_of_use}
    if needed:
        raise FlowQuarantined(needed)
