"""Policy, with the one question that it cannot answer by itself: is there another Company Admin?"""

from __future__ import annotations

from agent.domain.names import normal_email
from agent.domain.person import Listing, Person
from agent.errors import Failed, Refused
from agent.execute.work import Work
from agent.plan.difference import is_company_admin
from agent.plan.steps import Plan
from agent.policy.check import Decision, check
from agent.policy.rules import PolicyRules


async def judge(work: Work, plan: Plan, present: Person | None, rules: PolicyRules) -> Decision:
    """What policy says of the plan; raises Refused for what is never done.

    Only a plan that takes a Company Admin away costs further readings: the protected people of the settings are looked
    at until one of them is found to be an active Company Admin. The agent's own account does not count: a tenant whose
    only admin is a machine is locked out.
    """
    if work.facts is None:
        raise Failed("no-facts", "The tenant's names were not read.")
    now = work.clock.now()
    try:
        return check(plan, work.job, present, work.facts, rules, now=now)
    except Refused as error:
        if error.code != "last-admin" or present is None or not await _another_admin(work, present, rules):
            raise
    return check(plan, work.job, present, work.facts, rules, other_admins_known=1, now=now)


async def _another_admin(work: Work, present: Person, rules: PolicyRules) -> bool:
    own = work.facts.own_login if work.facts else ""
    nobody = {normal_email(present.email), normal_email(own)}
    for email in rules.protected_people:
        if normal_email(email) in nobody:
            continue
        person = await _user(work, email)
        if person is not None and person.active and _is_admin(person, rules):
            return True
    return False


async def _user(work: Work, email: str) -> Person | None:
    correlation = await work.reading(lambda directory: directory.find(email))
    users = [hit.user_id for hit in correlation.matches if hit.listing is Listing.USERS and hit.user_id]
    return await work.read(users[0], None) if len(users) == 1 else None


def _is_admin(person: Person, rules: PolicyRules) -> bool:
    access = person.company_access
    return is_company_admin(access) or (access.template is not None and rules.makes_admin(access.template))
