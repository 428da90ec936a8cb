"""Open the Directory of a tenant: sign in where that is needed, and pick the flows for the generation of its pages."""

from __future__ import annotations

from playwright.async_api import Page

from agent.domain.person import TenantFacts
from flows.catalogue import Catalogue
from flows.interface import CommitGate, Directory, SignInCredentials
from flows.legacy.directory import LegacyDirectory
from flows.legacy.tab import Tab
from flows.tenant import TenantAddress, Timeouts


async def open_directory(
    page: Page,
    tenant: TenantAddress,
    gate: CommitGate,
    credentials: SignInCredentials,
    catalogue: Catalogue,
    timeouts: Timeouts | None = None,
    *,
    facts: TenantFacts | None = None,
    may_sign_in: bool = True,
) -> Directory:
    """The tenant's Directory through this page (one page load; plus the sign-in when the session is over).

    ``facts`` are the tenant's names where somebody has read them not long ago. With ``may_sign_in`` False a session
    that is over raises SignedOut, and nothing is typed.

    The session in the page's context is used as it is when it is still good: that is seen on the loaded page and costs
    nothing more. Raises SignInRejected, Failed("other-account") when somebody else is signed in, and UnknownPage for a
    generation of pages or a language that these flows do not know. Keep the returned Directory as long as the session
    lives: it remembers the tenant's names.
    """
    tab = Tab(page, tenant, catalogue, timeouts or Timeouts())
    await tab.prepare()
    directory = LegacyDirectory(tab, gate, account=credentials.email, facts=facts)
    await directory.enter(credentials if may_sign_in else None)
    return directory
