"""The steps of a plan as things to click, one for one.

Words in quotation marks stand on Procore's pages. Sources [D]: "Add a User Account to the Company Directory", "Edit a
User Account in the Company Directory", "Deactivate User Accounts in the Company Directory", "Reactivate a User in the
Company Directory".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.domain.access import CompanyAccess, Membership
from agent.domain.attributes import BY_NAME
from agent.domain.person import UserChange
from agent.handover.bulk import click_of_bulk
from agent.handover.click import LATER, NO_TEMPLATE, Click, template_choice
from agent.plan.bulk.steps import BulkStep
from agent.plan.difference import attribute_words, tools_of, vendor_words, yes_no
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Invite,
    Reactivate,
    RemoveFromAllProjects,
    RemoveFromProject,
    SaveUser,
    Step,
)

CLEAR = "(empty)"


def click_of(step: Step) -> Click:
    """What a person does instead of this step."""
    if isinstance(step, BulkStep):
        return click_of_bulk(step)
    match step:
        case CreateUser():
            return _create(step)
        case SaveUser():
            return Click(
                do='On the person\'s Edit page set these and click "Save" (not the save that sends an invitation).',
                values=dict(change_values(step.change)),
            )
        case AddToProject():
            return Click(
                do='On the Edit page, under "Projects … Does Not Belong To", click "Add" beside this project, with '
                "this template.",
                values={"Project": step.project.label, "Template": template_choice(step.template, none=LATER)},
            )
        case ChangeProjectTemplate():
            return Click(
                do='On the Edit page, under "Current Project Settings", click "Change Template" beside this project, '
                'choose the template (without ticking "Apply this template to all projects") and click "Apply".',
                values={
                    "Project": step.project.label,
                    "Template": template_choice(step.template),
                    "Template so far": template_choice(step.before),
                },
            )
        case RemoveFromProject():
            return Click(
                do='On the Edit page, under "Current Project Settings", click the red X beside this project, then '
                '"OK".',
                values={"Project": step.project.label, "Template so far": template_choice(step.before)},
            )
        case RemoveFromAllProjects():
            return Click(
                do='On the Edit page, under "Current Project Settings", click "Remove All" and confirm. These go:',
                values=_memberships(step.before),
            )
        case AssignProjects():
            return _assign(step)
        case Inactivate():
            return Click(
                do='In "Users" tick this one row, then "Bulk Actions" > "Inactivate". The window lists exactly this '
                'person: click "Inactivate".',
                values={"Email Address": step.email},
            )
        case Reactivate():
            return Click(
                do='In "Inactive Users" find the row and click "Reactivate". Whatever access is left there comes back.',
                values={"Email Address": step.email},
            )
        case Invite():
            return Click(
                do=f'In "Users" click "{"Re-Invite" if step.again else "Invite"}" in the person\'s row, once. This '
                "sends an e-mail.",
                values={"Email Address": step.email},
            )


def change_values(change: UserChange) -> Iterator[tuple[str, str]]:
    """What one Save sets, by the labels of the Edit page."""
    yield from field_values(change.attributes)
    if change.email is not None:
        yield "Email Address", change.email
    if change.company is not None:
        yield "Company Name", vendor_words(change.company) if change.company.id else CLEAR
    if change.company_access is not None:
        yield from access_values(change.company_access)
    if change.default_project_template is not None:
        yield "Select Default Template", template_choice(change.default_project_template or None, none="none")
    if change.add_to_new_projects is not None:
        yield "Add to All New Projects", "on" if change.add_to_new_projects else "off"


def field_values(attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Fields of a person by their labels."""
    for name, text in attributes.items():
        known = BY_NAME.get(name)
        if known is None:
            yield name, text or CLEAR
        elif known.kind == "yes_no":
            yield known.label, yes_no(text == "yes")
        else:
            yield known.label, attribute_words(name, text).strip("'") if text else CLEAR


def access_values(access: CompanyAccess) -> Iterator[tuple[str, str]]:
    """Company access: the template, or none with a level for each tool."""
    yield "Company Permissions Templates", template_choice(access.template)
    if access.template is None:
        for tool in tools_of(access):
            yield f"  {tool}", access.levels[tool].label
        yield "  every other tool", "None"


def _create(step: CreateUser) -> Click:
    new = step.new
    values = {
        **dict(field_values(new.attributes)),
        "Email Address": new.email,
        "Project Permissions Template (Default)": template_choice(new.default_project_template, none=LATER),
        "Company Permissions Template": template_choice(new.company_template, none=LATER),
    }
    if new.company is not None:
        values["Company"] = vendor_words(new.company)
    return Click(do='In "Users" click "Add User", fill in the form and click "Create" (or "Add").', values=values)


def _assign(step: AssignProjects) -> Click:
    if step.add:
        return Click(
            do='On the person\'s tab "Projects" click "Edit Projects", add these projects and save. They get the '
            "person's default template.",
            values={project.label: template_choice(step.template, none="none") for project in step.add},
        )
    return Click(
        do='On the person\'s tab "Projects" click "Edit Projects", remove these projects and save.',
        values=_memberships(step.remove),
    )


def _memberships(items: tuple[Membership, ...]) -> dict[str, str]:
    return {item.project.label: template_choice(item.template, none=NO_TEMPLATE) for item in items}
