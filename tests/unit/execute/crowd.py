"""Many people at once for tests of jobs about them: who they are, the jobs, and their group."""

from __future__ import annotations

from typing import Any

from agent.domain.person import Person
from agent.domain.project import DistributionGroup, GroupMember
from agent.execute.outcome import Outcome
from agent.jobs.model import Job
from agent.policy.rules import PolicyRules
from tests.unit.execute.cases import job, person
from tests.unit.execute.fake import run, sent_twice
from tests.unit.execute.fake_tenant import ENGINEER, FakeTenant

FOREMAN = "Foreman / Superintendent - Internal"
WIDE = PolicyRules(max_people_per_job=100)


def crew(number: int, **fields: Any) -> list[Person]:
    """So many people, who are in no project."""
    return [
        person(
            f"p{at:02}@example.com", user_id=str(7_000_100 + at), attributes={"first_name": "P", "last_name": f"{at}"}
        ).model_copy(update=fields)
        for at in range(number)
    ]


def tenant_of(*people: Person) -> FakeTenant:
    """A tenant with these people."""
    tenant = FakeTenant()
    for someone in people:
        tenant.put(someone)
    return tenant


def addition(people: list[Person], template: str = ENGINEER, **fields: Any) -> Job:
    """All of them into Harbor Bridge."""
    named = [{"email": someone.email, "template": template} for someone in people]
    return job("bulk_add_to_project", **{"project": "24-017", "people": named, **fields})


def removal(people: list[Person], **fields: Any) -> Job:
    """All of them out of Harbor Bridge."""
    named = [{"email": someone.email} for someone in people]
    return job("bulk_remove_from_project", **{"project": "24-017", "people": named, **fields})


async def done(wish: Job, tenant: FakeTenant, **orders: Any) -> Outcome:
    """Run it under rules that ask for nothing; nothing is ever sent twice."""
    outcome = await run(wish, tenant, **{"rules": WIDE, **orders})
    assert sent_twice(tenant) == []
    return outcome


def group(**fields: Any) -> Job:
    """The group of the site's safety letter."""
    return job("distribution_group", **{"name": "Site safety", **fields})


def put_group(tenant: FakeTenant, *people: Person, project_id: str | None = None) -> DistributionGroup:
    """A group that is there."""
    members = tuple(GroupMember(user_id=someone.user_id, email=someone.email) for someone in people)
    found = DistributionGroup(id="300", name="Site Safety", project_id=project_id, members=members)
    tenant.groups["300"] = found
    return found


def emails(tenant: FakeTenant) -> list[str]:
    """Who is in the one group."""
    (found,) = tenant.groups.values()
    return [item.email for item in found.members]
