"""Writes about many people as things to click, from a plan's step or from the wish alone, and what is checked after.

Words in quotation marks stand on Procore's pages. Sources [D]: "Bulk Add Users and Companies to a Project Directory",
"Remove a Batch of User Accounts from a Project Directory", "Add a Distribution Group to the Project Directory".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.domain.project import GroupMember, NewMember
from agent.handover.click import LATER, Click, template_choice
from agent.jobs.bulk import BulkAddToProject as AddJob
from agent.jobs.bulk import BulkJob, DistributionGroup
from agent.jobs.bulk import BulkRemoveFromProject as RemoveJob
from agent.jobs.parts import NONE, project_words
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkRemoveFromProject,
    BulkStep,
    ChangeGroup,
    ChangeMemberTemplate,
    CreateGroup,
    DeleteGroup,
    place_words,
)

_NO_TEMPLATE = "Do Not Apply a Template"
_BULK_ADD = (
    'In the project\'s "Directory" open "Bulk Add from Co. Directory" (newer pages: "Add" > "Bulk Add"), choose '
    'exactly these people, none of their companies, give each row this template and click "Add to Project". Whoever is '
    "a member already keeps the present template."
)
_BULK_REMOVE = (
    'In the project\'s "Directory" tick exactly these rows, then "Bulk Actions" > "Remove from Project" (newer pages: '
    '"Remove from Project" in the bar). The window lists exactly these people: click "Remove".'
)
_TEMPLATE = (
    'In the project\'s "Directory" open this member\'s page, choose under "Project Permissions Templates" and click '
    '"Save" (not a save that sends something).'
)


def click_of_bulk(step: BulkStep) -> Click:
    """What a person does instead of this step."""
    match step:
        case BulkAddToProject():
            return Click(do=_BULK_ADD, values={"Project": step.project.label, **dict(map(_row, step.people))})
        case AddMember():
            return Click(do=_BULK_ADD, values={"Project": step.project.label, **dict([_row(step.person)])})
        case BulkRemoveFromProject():
            before = {person.email: template_choice(person.template, none="no template") for person in step.people}
            return Click(do=_BULK_REMOVE, values={"Project": step.project.label, **before})
        case ChangeMemberTemplate():
            return Click(
                do=_TEMPLATE,
                values={
                    "Project": step.project.label,
                    "Email Address": step.email,
                    "Template": template_choice(step.template, none=_NO_TEMPLATE),
                    "Template so far": template_choice(step.before, none=_NO_TEMPLATE),
                },
            )
        case CreateGroup():
            values = {"Name": step.name, **_description(step.change.description), **_put_in(step.change.add)}
            do = f'In the "Directory" of {place_words(step.project)} click "Add Distribution Group" and set these.'
            return Click(do=do, values=values)
        case ChangeGroup():
            values = {**_description(step.change.description), **_taken_out(step.change.remove)}
            do = f'In the "Directory" of {place_words(step.project)}, under "Distribution Groups", open {step.name!r}.'
            return Click(do=do, values={**values, **_put_in(step.change.add)})
        case DeleteGroup():
            do = (
                f'In the "Directory" of {place_words(step.project)}, under "Distribution Groups", open {step.name!r} '
                'and click "Delete". This cannot be undone.'
            )
            return Click(do=do)


def clicks_for_bulk(job: BulkJob) -> Iterator[Click]:
    """What a person does instead of this job, whatever is there now."""
    match job:
        case AddJob():
            rows = {person.email: LATER if person.template == NONE else person.template for person in job.people}
            yield Click(do=_BULK_ADD, values={"Project": project_words(job.project), **rows})
            if job.change_templates:
                yield Click(do=f"For each of them who was a member already: {_TEMPLATE}")
        case RemoveJob():
            people = {f"Person {at}": person.email for at, person in enumerate(job.people, 1)}
            yield Click(do=_BULK_REMOVE, values={"Project": project_words(job.project), **people})
        case DistributionGroup():
            yield _group(job)


def checks_of_bulk(job: BulkJob) -> Iterator[str]:
    """The wish as statements that are true or not."""
    match job:
        case AddJob():
            for person in job.people:
                with_template = "without a template" if person.template == NONE else f"with {person.template}"
                kept = "" if job.change_templates else ", or was a member before"
                yield f"{person.email} is in {project_words(job.project)} {with_template}{kept}"
        case RemoveJob():
            for leaver in job.people:
                yield f"{leaver.email} is no member of {project_words(job.project)}"
        case DistributionGroup():
            yield from _group_checks(job)


def _group(job: DistributionGroup) -> Click:
    where = f"project {project_words(job.project)}" if job.project is not None else "the company"
    place = f'In the "Directory" of {where}, under "Distribution Groups",'
    if job.absent:
        return Click(do=f'{place} open {job.name!r} and click "Delete", if it is there. This cannot be undone.')
    values = _description(job.description)
    members = job.members
    if members is not None:
        named = members.exactly if members.exactly is not None else members.at_least
        values |= {f"In it {at}": person.email for at, person in enumerate(named or (), 1)}
        values |= {f"Not in it {at}": person.email for at, person in enumerate(members.remove or (), 1)}
        values |= {"Anybody else": "not in it"} if members.exactly is not None else {}
    do = f"{place} open {job.name!r}, or add it if it is not there, and see to it that this is so."
    return Click(do=do, values=values)


def _group_checks(job: DistributionGroup) -> Iterator[str]:
    if job.absent:
        yield f"There is no distribution group {job.name}"
        return
    yield f"There is a distribution group {job.name}"
    if job.description is not None:
        yield f"Its description is {job.description or 'empty'}"
    if job.members is None:
        return
    wanted = job.members.exactly if job.members.exactly is not None else job.members.at_least
    for person in wanted or ():
        yield f"{person.email} is in it"
    for person in job.members.remove or ():
        yield f"{person.email} is not in it"
    if job.members.exactly is not None:
        yield "Nobody else is in it"


def _row(person: NewMember) -> tuple[str, str]:
    more = [f"Project Role {person.role}"] if person.role else []
    more += ["Notify? on"] if person.notify else []
    return person.email, ", ".join([template_choice(person.template, none=LATER), *more])


def _description(text: str | None) -> dict[str, str]:
    return {} if text is None else {"Description": text or "(empty)"}


def _put_in(people: Iterable[GroupMember]) -> dict[str, str]:
    return {f"Put in {at}": person.email for at, person in enumerate(people, 1)}


def _taken_out(people: Iterable[GroupMember]) -> dict[str, str]:
    return {f"Take out {at}": person.email for at, person in enumerate(people, 1)}
