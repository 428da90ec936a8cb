"""Which of the service account's rights a plan needs, so that one that is missing is named before the first write.

The Directory's first page says what the account may do [C]. What a page offers once it is open (a template, a project)
is not told there; the flows find that out, each before its own write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from agent.domain.person import Capabilities
from agent.errors import Failed, Mender
from agent.plan.steps import Step

#: Field of :class:`Capabilities` -> the right in Procore's own words [D].
RIGHTS: Mapping[str, str] = MappingProxyType(
    {
        "can_edit_users": "Create and Edit Users",
        "can_invite": "Invite Users",
        "can_inactivate": "Inactivate Users",
        "can_see_inactive": "Inactive Users (to see the list)",
    }
)

#: Steps at the company. Those in a project's Directory need rights that only its own pages tell.
_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "create_user": ("can_edit_users",),
        "save_user": ("can_edit_users",),
        "add_to_project": ("can_edit_users",),
        "change_project_template": ("can_edit_users",),
        "remove_from_project": ("can_edit_users",),
        "remove_from_all_projects": ("can_edit_users",),
        "assign_projects": ("can_edit_users",),
        "inactivate": ("can_inactivate",),
        "reactivate": ("can_see_inactive", "can_edit_users"),
        "invite": ("can_invite",),
    }
)


def missing_rights(steps: Iterable[Step], held: Capabilities) -> tuple[str, ...]:
    """The rights that these steps need and the account has not, in Procore's words, each once."""
    needed = dict.fromkeys(name for step in steps for name in _NEEDED.get(step.kind, ()))
    return tuple(RIGHTS[name] for name in needed if not getattr(held, name))


def refuse_missing_rights(steps: Iterable[Step], held: Capabilities) -> None:
    """Raise Failed("missing-right"), which names them, when the account may not do all of these steps."""
    missing = missing_rights(steps, held)
    if missing:
        raise Failed(
            "missing-right",
            f"The service account has no right to do this; it lacks: {', '.join(missing)}.",
            expected=f"the right to {', '.join(missing)} in the company's Directory",
            seen="an account without it",
            mender=Mender.ADMINISTRATOR,
        )
