"""What a job needs of the settings: the sign-in of its tenant, its limits, its places on disk."""

from __future__ import annotations

from pathlib import Path

from agent.browser.session import SignIn
from agent.browser.stored_state import StoredState
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import Failed, Mender
from agent.evidence.keeping import Keeping
from agent.evidence.private import people_hooks
from agent.evidence.quarantine import Quarantine
from agent.execute.pace import Limits
from agent.pack.signature import checked
from agent.settings import Settings, Tenant
from flows import Catalogue, TenantAddress, Timeouts


def sign_in_of(settings: Settings, name: str, store: CredentialStore, known: KnownSecrets) -> SignIn:
    """All that is needed to get into a tenant. Raises Failed for credentials, keyring, catalogue or state folder."""
    tenant, state = settings.tenants[name], settings.paths.state
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(
            "state-unwritable",
            f"The folder for sessions cannot be made: {state}",
            expected="a folder that the agent may write (settings: paths.state)",
            seen=error.strerror or str(error),
            mender=Mender.OPERATOR,
        ) from error
    credentials = store.sign_in_credentials(name, state, known)
    return SignIn(
        tenant=name,
        address=address_of(tenant),
        credentials=credentials,
        catalogue=catalogue_of(settings),
        timeouts=Timeouts(page=tenant.timeouts.page_s, answer=tenant.timeouts.answer_s),
        stored=StoredState(state / "sessions", name, credentials.email, store.require_safe_backend()),
        known=known,
        locale=tenant.locale,
    )


def catalogue_of(settings: Settings) -> Catalogue:
    """The pack of selectors. Raises Failed when it cannot be read, is not valid, or is not signed as it must be."""
    return checked(settings.paths.selectors, settings.selectors.public_key)


def address_of(tenant: Tenant) -> TenantAddress:
    """A tenant's settings as the flows take them.

    ``allowed_hosts`` stay behind: they may be reached, but only the sign-in and the app host are given credentials.
    """
    return TenantAddress(
        sign_in_url=tenant.sign_in_url,
        app_url=tenant.app_url,
        company_id=tenant.company_id,
        locales=frozenset({"en", tenant.locale}),
    )


def limits_of(tenant: Tenant) -> Limits:
    """How long is waited in this tenant."""
    times = tenant.timeouts
    return Limits(
        answer_s=times.answer_s, settle_s=times.settle_s, verify_s=times.verify_s, projects_s=times.projects_s
    )


def keeping_of(settings: Settings) -> Keeping:
    """How evidence is kept. Raises Failed for a catalogue that is not there or does not tell where people stand."""
    evidence = settings.evidence
    quarantine = Quarantine(quarantine_folder(settings)) if evidence.quarantine_days else None
    if evidence.people == "all":
        return Keeping(quarantine)
    catalogue = catalogue_of(settings)
    try:
        return Keeping(quarantine, people_hooks(lambda key: catalogue.hooks[key].selector))
    except (KeyError, ValueError) as error:
        raise Failed(
            "people-unmaskable",
            "Other people cannot be masked: the selector catalogue does not tell plainly where they stand on pages.",
            expected="the hooks of agent.evidence.private, each with selectors of one element by tag and attributes",
            seen=str(error),
            mender=Mender.DEVELOPER,
        ) from error


def quarantine_folder(settings: Settings) -> Path:
    """Where artifacts lie in which a secret was found."""
    return settings.paths.state / "quarantine"


def traces_folder(settings: Settings) -> Path:
    """Where unredacted recordings lie while a job runs."""
    return settings.paths.state / "traces"


def locks_file(settings: Settings) -> Path:
    """Where it is seen to that a person has one job at a time, also beside ``agent run-job``."""
    return settings.paths.state / "people.lock"


def resends_folder(settings: Settings) -> Path:
    """Where it stands which invitations were sent once more."""
    return settings.paths.state / "resends"
