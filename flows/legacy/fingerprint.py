"""What kind of Directory this is, and what the signed-in account may do in it, from the list page [C]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent.domain.person import Capabilities, Fingerprint
from agent.errors import UnknownPage
from flows.legacy.listing import ListPage
from flows.page.shell import refuse_company
from flows.page.tab import Tab


def take_fingerprint(tab: Tab, page: ListPage, account: str) -> Fingerprint:
    """From a loaded list. UnknownPage for another language; Failed for another account or company."""
    page.shell.refuse_before_write(tab.tenant, account)
    shown = str(page.props.get("companyId", "")) or page.shell.company_id
    refuse_company(tab.tenant, shown)
    name = re.search(tab.catalogue.text("list.title"), page.shell.title)
    return Fingerprint(
        generation="legacy",
        locale=page.shell.locale,
        company_id=tab.tenant.company_id,
        company_name=name.group(1) if name else "",
        signed_in_as=page.shell.login,
        capabilities=_capabilities(page.props),
        catalogue=tab.catalogue.sha256,
        pack=tab.catalogue.pack,
        people=page.total,
    )


def _capabilities(props: Mapping[str, Any]) -> Capabilities:
    """Absent keys are an unknown page, not a missing right."""
    try:
        return Capabilities(
            can_edit_users=_truth(props["users"]["canEdit"]),
            can_invite=_truth(props["canInviteUsers"]),
            can_inactivate=_truth(props["canInactivateUsers"]),
            can_see_inactive=_truth(props["inactive_users"]["canSee"]),
            can_see_templates=_truth(props["users"]["canSeePermissionTemplateColumn"]),
        )
    except (KeyError, TypeError) as error:
        raise UnknownPage(
            "unknown-page",
            "The Directory does not say what the account may do.",
            expected="list.root: data-props with users, inactive_users, canInviteUsers, canInactivateUsers",
            seen=f"{error} missing; there are {', '.join(sorted(props)) or 'none'}",
        ) from None


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not a yes or no")
    return value
