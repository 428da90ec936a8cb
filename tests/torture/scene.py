"""A sandbox, an agent, and the jobs that were handed in: set up in one place, and judged from outside at the end."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fixtures.running import RunningSandbox
from tests.torture import counting
from tests.torture.agent_process import TENANT, AgentProcess
from tests.torture.counting import Counts, LedgerRows
from tests.torture.ledger_counts import count_ledger_wrong
from tests.torture.wishes import Case, Wanted

LIMIT = 3  # jobs of the tenant at once
LONG_S = 300.0  # for several jobs to be seen through, on a busy machine
OPTIONS = {"mfa": "off", "assignment_delay": 0.2}
"""No second factor: a code is good for one sign-in in half a minute. The asynchronous saves take their time."""


class Scene:
    """One sandbox and one agent's folder. Everything that was accepted is remembered here, outside of the agent."""

    def __init__(self, sandbox: RunningSandbox, agent: AgentProcess) -> None:
        self.sandbox = sandbox
        self.agent = agent
        self.accepted: dict[int, Case] = {}
        self.wanted: dict[str, Wanted] = {}  # by the first address of the person; the last job's wish counts
        self._places: dict[str, int] = {}  # numbers of projects in addresses
        self.counts = Counts()  # what was seen while it ran
        self._verdict: Counts | None = None

    def put(self, *cases: Case) -> None:
        """Let the people be as their cases start."""
        starts = [start for case in cases for start in case.starts]
        if starts:
            self.sandbox.post("/people", starts)

    def submit(self, *cases: Case, **query: Any) -> list[int]:
        """Hand in the cases' jobs."""
        ids = self.agent.submit([case.job for case in cases], **query)
        self.remember(ids, cases)
        return ids

    def remember(self, ids: Sequence[int], cases: Sequence[Case]) -> None:
        """These were accepted: from now on they must not get lost."""
        for job_id, case in zip(ids, cases, strict=True):
            self.accepted[job_id] = case
            self.wanted |= case.wishes

    def person(self, email: str) -> Mapping[str, Any]:
        """The truth about an address."""
        told: Mapping[str, Any] = self.sandbox.get(f"/state?person={email}")
        return told

    def place_of(self, project: str) -> str:
        """What stands in the address of every page and request of a project."""
        if not self._places:
            self._places = {each["number"]: each["project_id"] for each in self._company()["projects"]}
        return f"/{self._places[project]}/"

    def groups(self, name: str) -> list[dict[str, Any]]:
        """The truth about the distribution groups of this name; members by address, the project by number."""
        company = self._company()
        addresses = {user["user_id"]: user["email_address"] for user in company["users"]}
        numbers = {project["project_id"]: project["number"] for project in company["projects"]}
        return [
            {
                "project": numbers.get(group["project_id"]),
                "description": group["description"],
                "members": {addresses[user_id] for user_id in group["user_ids"]},
            }
            for group in company["groups"]
            if group["name"] == name
        ]

    def _company(self) -> dict[str, Any]:
        told: dict[str, Any] = self.sandbox.get("/state")["companies"][0]
        return told

    def wait_settled(self, job_id: int, patience: float = 90.0) -> dict[str, Any]:
        """Until the job is over or waits for a person; gives it."""
        deadline = time.monotonic() + patience
        while not self.is_settled(job_id):
            assert time.monotonic() < deadline, f"job {job_id} does not end: {self.agent.log[-3000:]}"
            time.sleep(0.05)
        return self.agent.job(job_id)

    def wait_quiet_beside_a_person(self, patience: float) -> int:
        """Until nothing is to be done any more, with a person who has every uncertain job tried again, once.

        Such a job holds the later ones of its person. Returns how many there were.
        """
        asked: set[int] = set()
        deadline = time.monotonic() + patience
        while True:
            is_quiet = self.agent.quiet()
            held = self.agent.ask("GET", "/v1/jobs", state=["queued"], held=True)["jobs"]
            unsure = {job["id"] for job in held if job["hold"] == "uncertain"} - asked
            if is_quiet and not unsure:
                break
            for job_id in unsure:
                self.agent.ask("POST", f"/v1/jobs/{job_id}/retry")
            asked |= unsure
            assert time.monotonic() < deadline, f"still at work after {patience:.0f} s: {self.agent.log[-3000:]}"
            time.sleep(0.1)
        return len(asked)

    def conclude(self) -> Counts:
        """Judge now: what is counted now is the verdict, whatever becomes of the agent's folders."""
        self._verdict = self.judge()
        return self._verdict

    def judge(self) -> Counts:
        """Stop the agent and count everything that went wrong since the beginning."""
        if self._verdict is not None:
            return self._verdict
        if self.agent.is_running:
            self.agent.stop()
        counts = Counts()
        counts.add(self.counts)
        rows = LedgerRows.read(self.agent.queue_file)
        counting.count_lost(rows, self.accepted, counts)
        counting.count_overlaps(rows, counts)
        counting.count_over_limit(rows, {TENANT: LIMIT}, counts)
        counting.count_order_breaks(rows, counts)
        counting.count_ended_twice(self.agent.evidence, counts)
        counting.count_unproven(rows, self.agent.evidence, counts)
        is_complete = self.agent.code == 0  # stopped, so that it has entered the last ends
        count_ledger_wrong(rows, self.agent.evidence / TENANT, self.agent.store, counts, is_complete=is_complete)
        counting.count_doubles(self.sandbox.get("/events"), counts)
        self._count_wrong(rows, counts)
        return counts

    def _count_wrong(self, rows: LedgerRows, counts: Counts) -> None:
        unsure = {
            address
            for job_id, case in self.accepted.items()
            for address in case.wishes
            if (job := rows.jobs.get(job_id)) is not None and job.hold == "uncertain"
        }
        for address, wanted in self.wanted.items():
            for difference in wanted.differences(self.person, may_lack_mail=address in unsure):
                counts.note("wrong", difference)
        for group in {case.group for case in self.accepted.values() if case.group is not None}:
            for difference in group.differences(self.groups(group.name)):
                counts.note("wrong", difference)
        for job_id in self.accepted:
            job = rows.jobs.get(job_id)
            if job is not None and job.state == "dead":
                counts.note("wrong", f"job {job_id} is dead: {job.error_code}")

    def is_settled(self, job_id: int) -> bool:
        """Whether the job is over or waits for a person; False while the agent does not answer."""
        answer = self.agent.try_ask("GET", f"/v1/jobs/{job_id}")
        if answer is None or answer.status != 200:
            return False
        job = answer.json()
        return job["state"] not in ("queued", "running") or job["hold"] is not None


@contextlib.contextmanager
def opened(people: int = 40, **settings: Any) -> Iterator[Scene]:
    """A scene whose agent is not started yet."""
    # A short path: the agent's socket lies in it, and such a path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        state = str(folder / "tenant.json")
        with RunningSandbox(people, 7, "--no-delays", "--state", state, stderr=folder / "sandbox.err") as sandbox:
            sandbox.post("/options", OPTIONS)
            agent = AgentProcess(folder / "agent", sandbox, **settings)
            try:
                yield Scene(sandbox, agent)
            finally:
                agent.end_everything()
