"""Pick the flows for a generation of pages: to open the Directory of a tenant, or to look at recorded pages again."""

from __future__ import annotations

from playwright.async_api import Page

from agent.domain.person import TenantFacts
from agent.errors import Failed, Mender
from flows.catalogue import Catalogue
from flows.directory import TenantDirectory
from flows.interface import CommitGate, Directory, PageObserver, SignInCredentials
from flows.page.tab import Tab
from flows.rechecking import Rechecking
from flows.recorded import RecordedFlows
from flows.tenant import TenantAddress, Timeouts

_KNOWN = ("legacy", "mfe")


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
    observer: PageObserver | None = None,
) -> Directory:
    """The tenant's Directory through this page (one page load; plus the sign-in when the session is over).

    ``facts`` are the tenant's names where somebody has read them not long ago. With ``may_sign_in`` False a session
    that is over raises SignedOut, and nothing is typed. ``observer`` is told what is read, but not of the sign-in.

    The session in the page's context is used as it is when it is still good: that is seen on the loaded page and costs
    nothing more. Raises SignInRejected, Failed("other-account") when somebody else is signed in, and UnknownPage for a
    generation of pages or a language that these flows do not know. Keep the returned Directory as long as the session
    lives: it remembers the tenant's names.
    """
    tab = Tab(page, tenant, catalogue, timeouts or Timeouts(), observer)
    tab.template_ids = facts.template_ids if facts else {}
    await tab.prepare()
    directory = TenantDirectory(tab, gate, credentials.email, facts)
    await directory.enter(credentials if may_sign_in else None)
    await tab.shut()
    return directory


def rechecking_for(generation: str) -> Rechecking:
    """Today's flows for recorded pages, whose lists are of this generation; Failed("unknown-generation") for one they
    do not know."""
    if generation not in _KNOWN:
        raise Failed(
            "unknown-generation",
            f"This agent has no flows for the generation {generation!r} of Procore's pages.",
            expected=" or ".join(_KNOWN),
            seen=generation,
            mender=Mender.OPERATOR,
        )
    return RecordedFlows(generation)
