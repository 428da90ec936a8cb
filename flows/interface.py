"""What the agent can do in a Directory, whatever the generation of its pages.

Reading methods may be repeated freely. Each *writing* method makes exactly one write and ends in one of four ways:

* it returns: the page answered as for a saved change (which is **not** success: only a later read says that);
* :class:`~agent.errors.SaveRejected`: the page refused with a message, nothing of this write was kept;
* :class:`~agent.errors.Failed` (``UnknownPage``, ``SignedOut`` ...): nothing was sent, or the sign-in form answered;
* :class:`~agent.errors.AnswerLost`: it was sent and no usable answer came.

Every write goes through the :class:`CommitGate`, once, right before the click that sends it. Whatever is read, and
every control that is used, is told to a :class:`PageObserver`, so that a job can be gone through again later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from playwright.async_api import Page

from agent.domain.access import Project, Vendor
from agent.domain.person import (
    ChangeRecord,
    Correlation,
    Fingerprint,
    Listing,
    NewUser,
    Person,
    Sighting,
    TenantFacts,
    UserChange,
)
from agent.domain.project import DistributionGroup, GroupChange, Member, NewMember
from agent.domain.touch import Target
from flows.catalogue import Catalogue


class CommitGate(Protocol):
    """Asked before each write, told after it; a gate that raises stops the write (dry run, lost lease, budget)."""

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """``intent`` says in words what the next click sends; the form is filled and checked at this moment. ``target``
        is the control that will be clicked, for outlining it in a picture."""

    async def after(self, page: Page, intent: str) -> None:
        """The answer of that write is on the page (not called when it was lost)."""


@dataclass(frozen=True)
class Use:
    """One look-up in the selector catalogue: the key, and what was put into its placeholders."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A selector as it was handed to the browser, and where it came from; the second use lies inside the first."""

    selector: str
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class PageReading:
    """One look at a page: what was asked, and what the page answered. Nothing in it may be changed.

    ``given`` are the script's arguments, with selectors as the keys they came from; ``found`` says for each catalogue
    key how many elements it led to, over all its look-ups; ``places`` are selectors that were made since the last
    telling. ``began`` is in seconds of the epoch, ``took`` in seconds.
    """

    reading: str
    script: str
    script_sha256: str
    catalogue: Catalogue
    url: str
    given: Mapping[str, Any]
    layers: tuple[tuple[str, str], ...]
    ready: bool
    problems: Sequence[Mapping[str, str]]
    found: Mapping[str, int]
    shell: Mapping[str, Any]
    data: Any
    began: float
    took: float
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class ControlUse:
    """A control was used: in what words, when, and whether it could be. Times as in :class:`PageReading`."""

    what: str
    url: str
    began: float
    took: float
    failed: bool = False
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Examined:
    """A region was compared with its known shape before a write.

    ``severity``: "same", "degraded" (told, and gone on) or "dangerous" (nothing was written). ``findings`` are texts,
    the worst first. ``seen`` and ``known`` are structure and words of the interface, nobody's data; ``rows`` put them
    side by side: what is known, what was seen, and what that means ("", "degraded" or "dangerous").
    """

    flow: str
    region: str
    severity: Literal["same", "degraded", "dangerous"]
    findings: tuple[str, ...]
    seen: Mapping[str, Any]
    known: Mapping[str, Any]
    rows: tuple[tuple[str, str, str], ...] = ()


@runtime_checkable
class ShapeObserver(Protocol):
    """An observer that wants to know how regions compare with their known shapes, too."""

    async def shape_examined(self, examined: Examined) -> None:
        """A region was compared, whatever came of it."""


@dataclass(frozen=True)
class HeldRequest:
    """A request that could have written, and was stopped before it left: no write had been let through the gate.

    ``by_touch``: it went to the tenant's own site after a control was used, and the page does not send its like
    unasked. ``at_app``: it went to the app host itself, where the pages come from.
    """

    method: str
    host: str
    path: str
    by_touch: bool
    at_app: bool = True

    @property
    def words(self) -> str:
        """Method, host and path; never what was in it."""
        return f"{self.method} {self.host}{self.path}"


@runtime_checkable
class HoldObserver(Protocol):
    """An observer that wants to know what was held back in the network, too."""

    def request_held(self, held: HeldRequest) -> None:
        """A request was held back. Must not raise."""


class PageObserver(Protocol):
    """Is told what is read and used, right after it. What it raises stops the flow, so it should not."""

    async def page_read(self, reading: PageReading) -> None:
        """A page was read, well or not."""

    async def control_used(self, use: ControlUse) -> None:
        """A control was used, well or not."""


class Attendant(CommitGate, PageObserver, Protocol):
    """Goes along with a session: is asked before each write and told of each reading."""


class SignInCredentials(Protocol):
    """What a sign-in needs, made on demand; values are never kept by flows."""

    @property
    def email(self) -> str:
        """The service account's address."""

    def password(self) -> str:
        """The password, in clear, for one use."""

    def totp(self) -> str | None:
        """A fresh six-digit code that has not been used before, or None when the account has no authenticator."""


class Directory(Protocol):
    """The company Directory of one tenant, through one signed-in browser context."""

    async def fingerprint(self) -> Fingerprint:
        """Open the list and say what kind of Directory it is; UnknownPage when it is none that we know."""

    async def server_time(self) -> datetime:
        """The tenant's clock (UTC), from the last answer's Date header; our own clock is no witness."""

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        """Names and rules of the tenant; kept for the session, read again on ``refresh``."""

    @property
    def known_facts(self) -> TenantFacts | None:
        """What is known of :meth:`facts` by now. Loads no page, so it may be asked in the middle of a flow."""

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        """Everybody with this address in all four lists; with ``full_name``, also near hits (same name, other address;
        the same company where ``company`` is given)."""

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        """Active companies of exactly this (normalised) name; several when names are double."""

    async def read_person(self, user_id: str) -> Person:
        """The person from a freshly opened Edit page, all memberships included."""

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        """Change History rows at or after ``since``, oldest first, from a freshly opened page."""

    async def list_people(
        self, listing: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        """Every row of a list, page after page; ``on_page(done, total)`` reports progress in rows. Raises when the rows
        read are not as many as the pager says."""

    # --- writes ---

    async def create_user(self, new: NewUser) -> str:
        """Add User; returns the new user id. Does not invite."""

    async def save_user(self, user_id: str, change: UserChange) -> None:
        """One Save of the Edit page."""

    async def add_to_project(self, user_id: str, project: Project, template: str | None) -> None:
        """Add one project with an explicit template (None: "Apply a Permission Template Later")."""

    async def change_project_template(self, user_id: str, project: Project, template: str | None) -> None:
        """Change the template of one membership."""

    async def remove_from_project(self, user_id: str, project: Project) -> None:
        """Remove one membership."""

    async def remove_from_all_projects(self, user_id: str) -> None:
        """Remove All."""

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        """Projects tab: one asynchronous save for many projects. Added ones get the person's default template [I].
        Returning means accepted, not applied: poll :meth:`read_person`."""

    async def inactivate(self, user_id: str, email: str) -> None:
        """Bulk Actions > Inactivate with exactly this one person."""

    async def reactivate(self, user_id: str, email: str) -> None:
        """Reactivate from the Inactive Users list. Brings back whatever access is dormant [D]."""

    async def invite(self, user_id: str, email: str, *, again: bool | None = None) -> None:
        """Invite or Re-Invite: sends one e-mail, cannot be undone or observed in the mailbox. With ``again`` False a
        person who was invited meanwhile gets no second one: Failed("already-so")."""

    # --- other Directories of the tenant ---

    def project(self, project: Project) -> ProjectDirectory:
        """The Directory of one project; loads nothing yet."""

    def groups(self) -> Groups:
        """The distribution groups of the company; loads nothing yet."""


class Groups(Protocol):
    """The distribution groups of a company or of a project. The writing methods are as those of the Directory."""

    async def list_groups(self) -> Sequence[DistributionGroup]:
        """Every group that is shown, without members where the list does not tell them."""

    async def read_group(self, group_id: str) -> DistributionGroup:
        """One group with its description and all its members, from a freshly opened page."""

    async def create_group(self, name: str, change: GroupChange) -> str:
        """Add a group of this name; returns its id. Where the pages save the rest apart, only the name is written:
        read the group and save what is missing."""

    async def save_group(self, group_id: str, change: GroupChange) -> None:
        """Make the change, as few writes as the pages allow. Where a page saves each part at once, this is several
        writes, each through the gate; what is there already is not written again."""

    async def delete_group(self, group_id: str, name: str) -> None:
        """Delete the group; refused unless its page shows this name."""


class ProjectDirectory(Protocol):
    """The Directory of one project. What is said of writing methods at the top holds here, too."""

    async def find_member(self, email: str) -> Member | None:
        """The user of this address in the project, active or not; None when there is none. Contacts do not count."""

    async def list_members(
        self, on_page: Callable[[int, int], None] | None = None, *, ids_of: Collection[str] = ()
    ) -> Sequence[Member]:
        """Everybody in the project, inactive people and contacts, too; as many as the page says there are.

        Users with an address in ``ids_of`` come with their user id, others only where the list tells it: the new
        generation's does not, and costs a page load for each of these addresses.
        """

    async def add_member(self, new: NewMember) -> None:
        """Add User with a person whom the company has already. Never creates a person."""

    async def change_member_template(self, user_id: str, email: str, template: str | None) -> None:
        """Change the template that the member has on this project; None: "Do Not Apply a Template"."""

    async def remove_member(self, user_id: str, email: str) -> None:
        """Remove from Project, this one person."""

    async def bulk_add(self, new: Sequence[NewMember]) -> None:
        """Bulk Add from Co. Directory: one write for all of them. Refused (Failed "already-member") when one is a
        member already, whose template would stay as it is."""

    async def bulk_remove(self, members: Sequence[Member]) -> None:
        """Bulk Actions > Remove from Project with exactly these people: one write."""

    async def invite_member(self, user_id: str, email: str) -> None:
        """Invite or Re-Invite from the project's list: one e-mail, as :meth:`Directory.invite`."""

    def groups(self) -> Groups:
        """The distribution groups of the project; loads nothing yet."""
