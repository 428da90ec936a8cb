"""Records a tenant's structure: signs in, walks, reduces each page as it comes, and proves the whole clean.

While it walks nothing that could write leaves the browser for a host of the tenant: the network guard of dry runs
aborts it. Raw pages never touch a disk, are in no trace and in no log; they end with the process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

from playwright.async_api import Browser, BrowserContext
from playwright.async_api import Error as PlaywrightError

import agent
from agent.browser.launch import closed_in_time
from agent.browser.read_only import read_only
from agent.browser.session import CALL_LIMIT_S, SignIn, fresh_context, lost, remember_session
from agent.credentials.known import KnownSecrets
from agent.errors import AgentError, Failed
from agent.structure.proof import TenantWords, require_clean
from agent.structure.recording import Head, Page, Recording
from agent.structure.reduce import reduced_page
from agent.structure.vocabulary import Vocabulary
from flows import Catalogue, NotTaken, RawPage, StructureWalk


@dataclass(frozen=True)
class Recorded:
    """A recording that was proven clean, its text, and what the network guard held back."""

    recording: Recording
    text: str
    looked_for: int  # how many things of the tenant's were looked for in it
    held_back: tuple[str, ...] = ()


@dataclass
class Recorder:
    """Takes raw pages one by one, keeps what is left of each, and what must not come out."""

    catalogue: Catalogue
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = Vocabulary.of(self.catalogue)
        self._seen = TenantWords(names=self.names)
        self._pages: list[Page] = []
        self._missing: dict[str, str] = {}
        self._addresses: dict[str, str] = {}

    def take(self, taken: RawPage | NotTaken) -> Page | str:
        """The page as it will be kept, or why there is none. A page that another place led to, too, is kept once."""
        if isinstance(taken, NotTaken):
            self._missing[taken.place] = taken.why
            return taken.why
        self._seen.see(taken)
        first = self._addresses.get(taken.url) if taken.as_opened else None
        if first is not None:
            self._missing[taken.place] = f"same-page-as {first}"
            return self._missing[taken.place]
        if taken.as_opened:
            self._addresses[taken.url] = taken.place
        page = reduced_page(taken, self._known)
        self._pages.append(page)
        return page

    def finish(self, on: date, *, tenant: str | None = None) -> Recorded:
        """The recording. Refused("recording-not-clean") when anything of the tenant's stands in it."""
        if not self._pages:
            raise Failed(
                "nothing-recorded",
                "No page of the tenant could be taken.",
                expected="at least one page",
                seen=", ".join(sorted(set(self._missing.values()))) or "no page asked for",
            )
        head = Head(
            agent=agent.__version__,
            catalogue=self.catalogue.sha256,
            date=on.isoformat(),
            locale=Counter(page.language for page in self._pages).most_common(1)[0][0],
            generations={page.place: page.generation for page in self._pages},
            tenant=tenant,
        )
        recording = Recording(head=head, pages=tuple(self._pages), missing=self._missing)
        text = recording.text()
        self._seen.secrets = tuple(self.secrets)
        require_clean(recording, text, self._seen, self._known)
        return Recorded(recording, text, len(self._seen))


async def record_tenant(
    browser: Browser,
    sign_in: SignIn,
    wanted: Collection[str],
    on: date,
    told: Callable[[str, Page | str], None],
    *,
    name_tenant: bool = False,
) -> Recorded:
    """Walk the wanted places (none: all of them) and make the recording; ``told`` hears of each place as it is taken.

    Raises what a sign-in raises, SignedOut when the session ends on the way, Failed("browser-lost"), and
    Refused("recording-not-clean").
    """
    names = {"the service account": sign_in.credentials.email, "the company's id": sign_in.address.company_id}
    if not name_tenant:
        names["the tenant's name"] = sign_in.tenant
    recorder = Recorder(sign_in.catalogue, sign_in.known, names)
    async with _walk(browser, sign_in) as (context, walk), read_only(context) as held:
        async for taken in walk.pages(wanted):
            told(taken.place, await asyncio.to_thread(recorder.take, taken))
    finished = await asyncio.to_thread(recorder.finish, on, tenant=sign_in.tenant if name_tenant else None)
    return Recorded(finished.recording, finished.text, finished.looked_for, tuple(held))


@asynccontextmanager
async def _walk(browser: Browser, sign_in: SignIn) -> AsyncIterator[tuple[BrowserContext, StructureWalk]]:
    """Signed in, in a context of its own; the session is kept for who comes next."""
    state = await asyncio.to_thread(sign_in.stored.load)
    if state is None:
        await sign_in.credentials.code_ready()
    context = await fresh_context(browser, sign_in, state)
    try:
        page = await asyncio.wait_for(context.new_page(), CALL_LIMIT_S)
        walk = StructureWalk(
            page, sign_in.address, sign_in.catalogue, sign_in.timeouts, own_address=sign_in.credentials.email
        )
        await walk.enter(sign_in.credentials)
        await remember_session(context, sign_in)
        yield context, walk
    except AgentError:
        raise
    except (PlaywrightError, TimeoutError) as error:
        raise lost(error) from error
    finally:
        await closed_in_time(context.close())
