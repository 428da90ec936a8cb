"""The columns of a CSV file of jobs: what each sets, and for which actions; see docs/reference/job-csv.md."""

from __future__ import annotations

from dataclasses import dataclass

from agent.intake.cells import (
    Reader,
    as_boolean,
    as_clearable,
    as_emptied,
    as_hand_overs,
    as_levels,
    as_memberships,
    as_people,
    as_people_with_templates,
    as_reference,
    as_references,
    as_text,
)
from agent.jobs.model import ACTIONS
from agent.jobs.person import Attributes, PersonWithFields

ACTION = "action"
_BOOLEAN_FIELDS = ("is_employee",)
_PLAIN_FIELDS = ("last_name", "email_notification_setting")  # have no empty state


@dataclass(frozen=True)
class Column:
    """A column and the place in the job that it sets."""

    path: tuple[str, ...]
    read: Reader = as_text

    def belongs_to(self, action: str) -> bool:
        """Whether jobs of this action have that place."""
        model = ACTIONS[action]
        field = model.model_fields.get(self.path[0])
        if field is None:
            return False
        if self.path[:2] == ("person", "attributes"):
            annotation = field.annotation
            return (isinstance(annotation, type) and issubclass(annotation, PersonWithFields)) or action == "provision"
        return True


def _attribute(name: str) -> Column:
    reader = as_boolean if name in _BOOLEAN_FIELDS else as_text if name in _PLAIN_FIELDS else as_clearable
    return Column(("person", "attributes", name), reader)


COLUMNS: dict[str, Column] = {
    ACTION: Column(("action",)),
    "idempotency_key": Column(("idempotency_key",)),
    "ticket": Column(("reason", "ticket")),
    "requested_by": Column(("reason", "requested_by")),
    "approved_by": Column(("reason", "approved_by")),
    "needed_by": Column(("needed_by",)),
    "not_after": Column(("not_after",)),
    "tenant": Column(("tenant",)),
    "email": Column(("person", "email")),
    **{name: _attribute(name) for name in Attributes.model_fields},
    "attributes_mode": Column(("attributes_mode",)),
    "company": Column(("company",)),
    "company_id": Column(("company", "id")),
    "company_template": Column(("company_access", "template")),
    "company_levels": Column(("company_access", "levels"), as_levels),
    "default_project_template": Column(("default_project_template",)),
    "projects": Column(("projects",), as_memberships),
    "projects_mode": Column(("projects_mode",)),
    "add_to_new_projects": Column(("add_to_new_projects",), as_boolean),
    "invitation": Column(("invitation",), as_boolean),
    "ends_at": Column(("ends_at",)),
    "new_email": Column(("new_email",)),
    "hand_over": Column(("hand_over",), as_hand_overs),
    "resend": Column(("resend",), as_boolean),
    "project": Column(("project",), as_reference),
    "people": Column(("people",), as_people_with_templates),
    "change_templates": Column(("change_templates",), as_boolean),
    "group": Column(("name",)),
    "description": Column(("description",), as_emptied),
    "members_exactly": Column(("members", "exactly"), as_people),
    "members_at_least": Column(("members", "at_least"), as_people),
    "members_remove": Column(("members", "remove"), as_people),
    "absent": Column(("absent",), as_boolean),
}

#: Columns that are read otherwise in rows of one action.
_OTHERWISE: dict[tuple[str, str], Reader] = {
    ("projects", "remove_from_projects"): as_references,
    ("people", "bulk_remove_from_project"): as_people,
}


def reader_of(name: str, action: str) -> Reader:
    """How a cell of this column is read in a row of this action."""
    return _OTHERWISE.get((name, action), COLUMNS[name].read)


def column_of(path: str) -> str:
    """The column that a JSON path of a job speaks of; the longest that fits, else the path itself."""
    best = ""
    for name, column in COLUMNS.items():
        own = "$." + ".".join(column.path)
        fits = path == own or path.startswith((own + ".", own + "["))
        if fits and len(column.path) >= len(COLUMNS[best].path if best else ()):
            best = name
    if not best and path.startswith("$.company_access"):
        best = "company_template"
    return best or path
