"""Jobs about many people: members of a project."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.person import Listing, Sighting
from agent.execute.events import Observed, Planned
from agent.execute.outcome import Verdict
from agent.execute.run import Orders
from agent.execute.trail import Trail
from agent.policy.rules import PolicyRules
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.crowd import FOREMAN, WIDE, addition, crew, done, removal, tenant_of
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import ENGINEER, HARBOR, OTHER, OWN


async def test_many_people_come_into_a_project_by_one_write() -> None:
    """Forty people, one write; nobody's page is opened to find out who is there, and each history is heard."""
    people = crew(40)
    tenant = tenant_of(*people)
    outcome = await done(addition(people), tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    assert len(tenant.sent) == 1
    assert "read_person" not in tenant.loads
    assert tenant.loads.count("history") == 40
    assert all(tenant.people[someone.user_id].membership(HARBOR.id) == member(HARBOR) for someone in people)
    page, history = outcome.witnesses
    assert (page.agrees, history.agrees) == (True, True)
    assert history.findings[0].startswith("40 of 40 changes, of 40 people, stand there")


async def test_members_keep_their_template_unless_the_job_says_otherwise() -> None:
    """Procore's own Bulk Add leaves members as they are; so does the job, and says so."""
    present, new = crew(2)
    present = present.model_copy(update={"memberships": (member(HARBOR),)})
    tenant = tenant_of(present, new)
    listener = Listener()
    outcome = await done(addition([present, new], FOREMAN), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE
    assert tenant.people[present.user_id].memberships == (member(HARBOR),)
    assert tenant.people[new.user_id].memberships == (member(HARBOR, FOREMAN),)
    assert listener.of(Planned)[0].plan.notes == (
        f"Members already, who keep their template: {present.email} ({ENGINEER}).",
    )
    assert listener.of(Planned)[0].plan.blast.people == 1


@pytest.mark.parametrize("without_ids", [False, True])
async def test_templates_of_members_are_changed_where_the_job_asks_for_it(without_ids: bool) -> None:
    """Then a member gets the job's template, by a write of its own, before anybody is added."""
    present, new = crew(2)
    tenant = tenant_of(present.model_copy(update={"memberships": (member(HARBOR),)}), new)
    tenant.lists_without_ids = without_ids
    outcome = await done(addition([present, new], FOREMAN, change_templates=True), tenant)
    assert outcome.verdict is Verdict.DONE
    assert {someone.memberships for someone in tenant.people.values()} == {(member(HARBOR, FOREMAN),)}
    assert tenant.sent[0].startswith("template of")


async def test_role_and_notice_go_with_bulk_add() -> None:
    """Only Bulk Add asks for them, so one person goes that way, too."""
    (someone,) = crew(1)
    tenant = tenant_of(someone)
    named = [{"email": someone.email, "template": "none", "role": "Site Engineer", "notify": True}]
    wish = job("bulk_add_to_project", project="24-017", people=named)
    assert (await done(wish, tenant)).verdict is Verdict.DONE
    assert tenant.roles == {(someone.user_id, HARBOR.id): "Site Engineer"}
    assert tenant.notified == [someone.email]
    assert tenant.people[someone.user_id].memberships == (member(HARBOR, None),)


@pytest.mark.parametrize("without_ids", [False, True])
async def test_many_people_leave_a_project_by_one_write(without_ids: bool) -> None:
    """Inactive ones, too, each by themselves: dormant access goes as well. Who is not in the project needs nothing.

    Also where the list tells user ids only of those who are asked for.
    """
    people = crew(4, memberships=(member(HARBOR),))
    people[1] = people[1].model_copy(update={"active": False})
    people[2] = people[2].model_copy(update={"memberships": ()})
    tenant = tenant_of(*people)
    tenant.lists_without_ids = without_ids
    outcome = await done(removal(people), tenant)
    assert outcome.verdict is Verdict.DONE, outcome
    assert tenant.sent == [
        f"remove member {people[1].user_id} {HARBOR.id}",
        f"bulk remove {','.join(people[at].user_id for at in (0, 3))} {HARBOR.id}",
    ]
    assert not any(someone.memberships for someone in tenant.people.values())


@pytest.mark.parametrize("wish", [addition, removal])
async def test_a_second_run_finds_nothing_to_do(wish: Any) -> None:
    """Desired state: the same job again is done without a write."""
    people = crew(3, memberships=(member(HARBOR),)) if wish is removal else crew(3)
    tenant = tenant_of(*people)
    assert (await done(wish(people), tenant)).verdict is Verdict.DONE
    sent = list(tenant.sent)
    outcome = await done(wish(people), tenant)
    assert (outcome.verdict, outcome.nothing_to_do, tenant.sent) == (Verdict.DONE, True, sent)


async def test_every_problem_of_every_person_is_told_at_once() -> None:
    """With its JSON path and the nearest that exists; nothing is written for anybody."""
    good, inactive = crew(2)
    tenant = tenant_of(good, inactive.model_copy(update={"active": False}), person("ana.lindqvist@example.com"))
    tenant.contacts.append(
        Sighting(listing=Listing.CONTACTS, user_id=None, person_id="9", name="Con Tact", email="con@example.com")
    )
    named = [
        {"email": good.email, "template": "Project Enginer - Internal"},
        {"email": inactive.email, "template": ENGINEER},
        {"email": "con@example.com", "template": ENGINEER},
        {"email": "ana.lindquist@example.com", "template": ENGINEER},
    ]
    outcome = await done(job("bulk_add_to_project", project="24-017", people=named), tenant)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.REFUSED, "unresolved-names")
    for part in (
        f"$.people[0].template: no template 'Project Enginer - Internal'; expected a project permissions template; "
        f"did you mean '{ENGINEER}'",
        f"$.people[1].email: {inactive.email} is inactive",
        "$.people[2].email: con@example.com belongs to a contact",
        "$.people[3].email: nobody in the Directory has the address ana.lindquist@example.com",
    ):
        assert part in outcome.summary
    assert tenant.sent == []


async def test_a_mistyped_address_is_not_taken_for_somebody_who_is_gone() -> None:
    """A removal of nobody is refused, with the address of a member that is near."""
    tenant = tenant_of(*crew(1, memberships=(member(HARBOR),)))
    outcome = await done(removal([person("po0@example.com")]), tenant)
    assert outcome.verdict is Verdict.REFUSED
    assert "did you mean 'p00@example.com'?" in outcome.summary


async def test_an_unknown_project_is_refused_after_the_names_were_read_anew() -> None:
    """The session's memory of names may be old."""
    tenant = tenant_of(*crew(1))
    outcome = await done(addition(crew(1), project="24-018"), tenant)
    assert (outcome.error or {})["code"] == "unresolved-names"
    assert "$.project: there is no project '24-018'; did you mean '24-017'?" in outcome.summary
    assert tenant.loads.count("facts") == 2


@pytest.mark.parametrize(("rules", "own", "code"), [
    (PolicyRules(protected_people=("p00@example.com",), max_people_per_job=9), False, "protected-person"),
    (PolicyRules(max_people_per_job=9), True, "own-account"),
])  # fmt: skip
async def test_the_protected_are_protected_in_a_crowd(rules: PolicyRules, own: bool, code: str) -> None:
    """One of them among many is enough to refuse the job."""
    people = crew(3)
    if own:
        people[0] = people[0].model_copy(update={"email": OWN})
    tenant = tenant_of(*people)
    outcome = await done(addition(people), tenant, rules=rules)
    assert ((outcome.error or {})["code"], tenant.sent) == (code, [])


async def test_the_number_of_people_asks_for_an_approval() -> None:
    """People count: more than the rules allow wait, and a forbidden template is refused whatever somebody approves."""
    people = crew(3)
    tenant = tenant_of(*people)
    outcome = await run(addition(people), tenant)
    assert [item.code for item in outcome.approvals] == ["too-many-people"]
    assert tenant.sent == []
    refused = await run(addition(people), tenant, rules=PolicyRules(forbidden_templates=(ENGINEER,)), approved=True)
    assert (refused.error or {})["code"] == "forbidden-template"


async def test_whoever_is_offboarded_later_is_left_out_and_named() -> None:
    """Neither added nor removed, whatever the list shows of them."""
    people = crew(3)
    tenant = tenant_of(*people)
    outcome = await done(addition(people), tenant, offboarded={people[1].email: 12})
    assert outcome.verdict is Verdict.DONE
    assert tenant.people[people[1].user_id].memberships == ()
    assert f"Left out, since a later job offboards them: {people[1].email} (job 12)." in outcome.summary


# --- trouble ---


@pytest.mark.parametrize("effect", ["lose the answer", "lose the answer and lag", "lag", "browser lost", "stale token"])
async def test_trouble_that_a_look_settles(effect: str) -> None:
    """A bulk write whose answer is lost, or which shows late, is looked for and never sent a second time."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.fault("bulk_add", effect)
    outcome = await run(addition(people), tenant, rules=WIDE)
    assert outcome.verdict is Verdict.DONE, outcome
    assert len(tenant.applied) == 1
    assert [name for name, _ in tenant.records].count(people[0].user_id) == 1


async def test_a_lost_write_is_uncertain() -> None:
    """Nothing shows until the deadline: a person decides."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.fault("bulk_add", "lose before applying")
    outcome = await done(addition(people), tenant)
    assert (outcome.verdict, outcome.steps[0].state) == (Verdict.UNCERTAIN, "unknown")


async def test_a_half_seen_write_names_those_who_are_unclear() -> None:
    """The answer was lost and some are in: uncertain is only who is not seen."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.lost_in_bulk = {people[2].user_id}
    tenant.fault("bulk_add", "lose the answer")
    outcome = await done(addition(people), tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    (step,) = outcome.steps
    assert f"for {people[2].email} (but for {people[0].email}, {people[1].email} it was)" in step.detail
    assert len(tenant.sent) == 1


async def test_somebody_left_out_silently_is_found_by_both_witnesses() -> None:
    """The page says saved and one of them is not in: not confirmed, and named."""
    people = crew(3)
    tenant = tenant_of(*people)
    tenant.lost_in_bulk = {people[2].user_id}
    outcome = await done(addition(people), tenant)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.UNCERTAIN, "not-confirmed")
    page, history = outcome.witnesses
    assert page.findings == (f"{people[2].email}: not a member, should be: member with '{ENGINEER}'",)
    assert history.findings[1].startswith(f"Missing for {people[2].email}")


async def test_an_addition_by_somebody_else_is_no_witness_for_ours() -> None:
    """The list shows all; the history tells that one was added by another account, and the job is not confirmed."""
    people = crew(2)
    tenant = tenant_of(*people)

    def meddle(operation: str) -> None:
        tenant.lost_in_bulk = {people[1].user_id}
        tenant.people[people[1].user_id] = people[1].model_copy(update={"memberships": (member(HARBOR),)})
        tenant.record(people[1].user_id, "Project Assignment", "", HARBOR.label, actor=OTHER)

    tenant.on_write = meddle
    outcome = await done(addition(people), tenant)
    assert [witness.agrees for witness in outcome.witnesses] == [True, False]


async def test_a_refused_write_changes_nothing() -> None:
    """What Procore refuses is told with its words."""
    tenant = tenant_of(*crew(3))
    tenant.fault("bulk_add", "refuse")
    outcome = await done(addition(crew(3)), tenant)
    assert (outcome.verdict, (outcome.error or {})["code"]) == (Verdict.FAILED, "save-rejected")


async def test_a_run_after_a_crash_does_not_send_again() -> None:
    """The trail of the dead run is settled by the list; only those who are not in are added."""
    people = crew(4)
    tenant = tenant_of(*people)
    trails: list[Trail] = []

    class Dying:
        async def at_step(self, trail: Trail) -> None: ...

        async def at_write(self, trail: Trail) -> None:
            trails.append(trail)

        async def settled(self, trail: Trail) -> None: ...

    await done(addition(people), tenant, boundary=Dying())
    trail = Trail.parse(trails[-1].data())
    assert trail.under_way is not None
    outcome = await done(addition(people), tenant, trail=trail)
    assert (outcome.verdict, len(tenant.sent)) == (Verdict.DONE, 1)
    assert outcome.steps[0].state == "settled by observation"


# --- looking only ---


async def test_a_dry_run_writes_nothing() -> None:
    """It plans and judges as a real one."""
    people = crew(3)
    tenant = tenant_of(*people)
    outcome = await run(addition(people), tenant, rules=WIDE, dry_run=True)
    assert (outcome.verdict, tenant.sent) == (Verdict.DONE, [])
    assert outcome.summary.startswith("Dry run: 1 step")


async def test_the_evidence_is_told_of_nobody_else() -> None:
    """What is told of a look holds the job's people, and how many there are in all."""
    people = crew(3, memberships=(member(HARBOR),))
    tenant = tenant_of(*people)
    listener = Listener()
    await done(removal(people[:1]), tenant, listener=listener)
    for event in listener.of(Observed):
        assert {item.email for item in event.roster.members} <= {people[0].email}
        assert event.roster.total in (3, 2)


def test_orders_leave_nobody_out_by_themselves() -> None:
    """The default is nobody."""
    assert Orders(rules=WIDE).offboarded == {}
