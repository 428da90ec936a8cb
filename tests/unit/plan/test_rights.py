"""A right that the account lacks is named before anything is sent."""

from __future__ import annotations

import pytest

from agent.domain.person import Capabilities, NewUser
from agent.errors import Failed
from agent.plan.rights import RIGHTS, missing_rights, refuse_missing_rights
from agent.plan.steps import CreateUser, Inactivate, Invite

ALL = Capabilities(
    can_edit_users=True, can_invite=True, can_inactivate=True, can_see_inactive=True, can_see_templates=True
)
EMAIL = "ada.byron@example.com"
STEPS = (
    CreateUser(new=NewUser(email=EMAIL, attributes={"last_name": "Byron"})),
    Inactivate(email=EMAIL),
    Invite(email=EMAIL),
)


def test_an_account_with_all_rights_lacks_none() -> None:
    """Nothing is refused."""
    assert missing_rights(STEPS, ALL) == ()
    refuse_missing_rights(STEPS, ALL)


@pytest.mark.parametrize("name", ["can_edit_users", "can_invite", "can_inactivate"])
def test_a_right_that_a_step_needs_is_named(name: str) -> None:
    """In Procore's own words, for whoever gives it."""
    with pytest.raises(Failed) as failure:
        refuse_missing_rights(STEPS, ALL.model_copy(update={name: False}))

    assert failure.value.code == "missing-right"
    assert RIGHTS[name] in failure.value.message


def test_a_right_that_no_step_needs_is_not_asked_for() -> None:
    """An account of few rights can do what they are for."""
    assert missing_rights(STEPS[2:], ALL.model_copy(update={"can_edit_users": False, "can_inactivate": False})) == ()


def test_every_right_is_one_that_the_pages_tell() -> None:
    """A name without its field would never be missing."""
    assert set(RIGHTS) <= set(Capabilities.model_fields)
