"""What one job has found of the flows it wrote through, or was about to: for the record of how they are."""

from __future__ import annotations

from collections.abc import Mapping

from agent.domain.person import Fingerprint
from agent.errors import AgentError, ShapeChanged, UnknownPage
from agent.execute.outcome import FlowUse
from flows import Examined
from flows.names import Flow

#: Seen on every page alike: the tenant's trouble, not a flow's.
_TENANTS = frozenset({"unknown-language", "no-server-time"})

#: A value that a field does not take, a row that is just now changed, a layer on top, a slow page: perhaps only this
#: once. The flow is quarantined when the next job meets the same.
_PERHAPS_ONCE = frozenset(
    {"control-mismatch", "person-mismatch", "unusable-control", "stubborn-overlay", "no-reaction"}
)

#: On which kind of page (a key of ``Fingerprint.generations``) a flow writes, where it is not the company's list.
_PAGE_OF: Mapping[str, str] = {
    **dict.fromkeys(("edit_user", "change_projects", "projects_tab"), "person page"),
    **dict.fromkeys(("member_add", "bulk_add", "bulk_remove", "member_invite"), "project list"),
    **dict.fromkeys(("member_edit", "member_remove"), "person page"),
    "group_edit": "project groups",
}

_WRITING = frozenset(flow.value for flow in Flow if flow.writes)
_BADNESS = {"healthy": 0, "degraded": 1, "quarantined": 2}


class FlowLog:
    """Notes of one run; :meth:`uses` sums them up."""

    def __init__(self) -> None:
        self._company = ""  # the generation of the company's list
        self._met: Mapping[str, str] = {}
        self._worst: dict[str, FlowUse] = {}
        self._wrote: set[str] = set()
        self._looked_at = ""  # the flow whose region was compared last

    def know(self, fingerprint: Fingerprint) -> None:
        """The generations of the tenant's pages, as far as this session has met them."""
        self._company, self._met = fingerprint.generation, fingerprint.generations

    @property
    def generation(self) -> str:
        """That of a person's page: it decides what a step about a person's projects is written through."""
        return self._met.get("person page", self._company)

    def begin(self) -> None:
        """A step begins: which flow it goes through shows when its first region is compared."""
        self._looked_at = ""

    @property
    def at_work(self) -> Flow | None:
        """The flow that the step under way is really in, whatever its pages were taken for; None before it is known."""
        return Flow(self._looked_at) if self._looked_at in _WRITING else None

    def examined(self, examined: Examined) -> None:
        """A region was compared with its known shape. What is dangerous comes as an error, too."""
        self._looked_at = examined.flow
        if examined.severity == "degraded":
            self._note(
                FlowUse(
                    flow=examined.flow,
                    state="degraded",
                    code="shape-degraded",
                    why=f"The part {examined.region} of the page is not quite as known; the write does not depend on "
                    "what has changed.",
                    region=examined.region,
                    findings=examined.findings,
                )
            )

    def stopped(self, flow: Flow, error: AgentError) -> None:
        """A write was not made, or its answer not understood, because of this error."""
        if not isinstance(error, UnknownPage) or error.code in _TENANTS:
            return
        perhaps_once = error.code in _PERHAPS_ONCE
        use = FlowUse(
            flow=flow.value,
            state="degraded" if perhaps_once else "quarantined",
            code=error.code,
            why=error.message,
            findings=(f"expected {error.expected}; seen {error.seen}",) if error.expected else (),
            suspicion=perhaps_once,
        )
        if isinstance(error, ShapeChanged):
            named = {"flow": error.flow, "region": error.region, "findings": error.findings}
            use = use.model_copy(update=named)
        self._note(use)

    def arrived(self, flow: Flow) -> None:
        """The write was made all the same, as was seen: only its answer was not as known."""
        found = self._worst.get(flow.value)
        if found is not None and found.state == "quarantined" and found.code != "shape-changed":
            self._worst[flow.value] = found.model_copy(update={"state": "degraded", "suspicion": True})
        self._wrote.add(flow.value)

    def wrote(self, flow: Flow) -> None:
        """A write was kept."""
        self._wrote.add(flow.value)

    def uses(self) -> tuple[FlowUse, ...]:
        """One for each flow of which something can be said, by name."""
        names = sorted({*self._worst, *self._wrote})
        return tuple(
            self._worst.get(name, FlowUse(flow=name, state="healthy")).model_copy(
                update={"wrote": name in self._wrote, "generation": self._generation_of(name)}
            )
            for name in names
        )

    def _generation_of(self, flow: str) -> str:
        page = _PAGE_OF.get(flow)
        if page is None or page == "person page":
            return self._met.get(page or "", self._company)
        return self._met.get(page, "")

    def _note(self, use: FlowUse) -> None:
        known = self._worst.get(use.flow)
        if known is None or _BADNESS[use.state] > _BADNESS[known.state]:
            self._worst[use.flow] = use
