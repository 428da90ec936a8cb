"""What a job needs of the settings: the sign-in of its tenant, its limits, its places on disk."""

from __future__ import annotations

from pathlib import Path

from agent.browser.session import SignIn
from agent.browser.stored_state import StoredState
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import Failed, Mender
from agent.execute.pace import Limits
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
        catalogue=Catalogue.load(settings.paths.selectors),
        timeouts=Timeouts(page=tenant.timeouts.page_s, answer=tenant.timeouts.answer_s),
        stored=StoredState(state / "sessions", name, credentials.email, store.require_safe_backend()),
        known=known,
        locale=tenant.locale,
    )


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


def traces_folder(settings: Settings) -> Path:
    """Where unredacted recordings lie while a job runs."""
    return settings.paths.state / "traces"


def resends_folder(settings: Settings) -> Path:
    """Where it stands which invitations were sent once more."""
    return settings.paths.state / "resends"
