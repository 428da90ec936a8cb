"""The pure middle of a job, fed with what was read: whom it is about, what is wanted, which steps lead there."""

from __future__ import annotations

from agent.domain.access import Vendor
from agent.domain.person import Person, TenantFacts
from agent.errors import Failed, Refused
from agent.execute.work import Seen, Work
from agent.jobs.bulk import BulkJob, BulkRemoveFromProject
from agent.plan.bulk.planner import plan_many
from agent.plan.bulk.resolve import resolve_many
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.taken_off import taken_off
from agent.plan.bulk.wanted import WantedOfMany
from agent.plan.bulk.wanted import unsatisfied as unsatisfied_of_many
from agent.plan.correlate import company_to_find
from agent.plan.difference import Difference
from agent.plan.planner import plan_job
from agent.plan.resolve import resolve
from agent.plan.steps import Plan
from agent.plan.wanted import Wanted, unsatisfied

NEW = "mfe"  #: the new generation of pages, by the name that fingerprints have for it


class Thinking:
    """Plans and plans again; names are resolved against the same vendors and facts throughout a job."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._vendors: dict[str, tuple[Vendor, ...]] = {}  # by the name that was looked up
        self._asked_again = False
        self.wanted: Wanted | None = None
        self.many: WantedOfMany | None = None  # for a job about many people

    async def plan(self, seen: Seen) -> Plan:
        """The plan for what was seen. Raises Refused with every problem of the job at once.

        The session remembers the tenant's names: before one of the job's is called unknown, they are read anew.
        """
        try:
            return await self._plan(seen)
        except Refused as error:
            if error.code != "unresolved-names" or self._asked_again:
                raise
        self._asked_again = True
        self._vendors.clear()
        await self._work.know_facts(refresh=True)
        return await self._plan(seen)

    async def _plan(self, seen: Seen) -> Plan:
        work = self._work
        if work.facts is None:
            raise Failed("no-facts", "The tenant's names were not read.")
        if isinstance(work.job, BulkJob):
            return self._plan_many(work.job, seen.roster or Roster(), work.facts)
        name = company_to_find(work.job, seen.person)
        if name is not None and name not in self._vendors:
            self._vendors[name] = await work.reading(lambda directory: directory.find_vendors(name))
        found = () if name is None else self._vendors[name]
        self.wanted = resolve(work.job, seen.person, work.facts, found)
        return plan_job(seen.person, self.wanted, work.facts, new_pages=work.flow_log.generation == NEW)

    def _plan_many(self, job: BulkJob, roster: Roster, facts: TenantFacts) -> Plan:
        """Who is meant is settled by the first look: later ones do not look up again who is no member any more."""
        if self.many is None:
            work = self._work
            if not isinstance(job, BulkRemoveFromProject):  # who is taken off twice is off
                work.taken_off = taken_off(roster.project, facts, work.removals)
            self.many = resolve_many(job, roster, facts, work.offboarded, work.taken_off)
        return plan_many(roster, self.many, facts)

    def left_of_many(self, roster: Roster) -> tuple[Difference, ...]:
        """The same for a job about many people."""
        if self.many is None:
            raise RuntimeError("nothing was planned yet")
        return unsatisfied_of_many(self.many, roster)

    def left(self, person: Person) -> tuple[Difference, ...]:
        """What is not as wanted in this person, by the wish as it was resolved last."""
        if self.wanted is None:
            raise RuntimeError("nothing was planned yet")
        return unsatisfied(self.wanted, person)
