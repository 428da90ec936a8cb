"""Where a tenant's pages are, and how long to wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class TenantAddress:
    """One tenant: its two origins, its company id, and the only hosts that may ever be given a credential.

    ``allowed_hosts`` are host names without scheme and port, compared exactly. A credential is typed only on one of
    them, and only over https (or on loopback, where the sandbox lives).
    """

    sign_in_url: str
    app_url: str
    company_id: str
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)
    locales: frozenset[str] = frozenset({"en", "en-US"})

    def __post_init__(self) -> None:
        """Company ids are numbers in text form; anything else would end up in an address or a selector."""
        if not self.company_id.isascii() or not self.company_id.isdigit():
            raise ValueError(f"company id {self.company_id!r}: expected digits only")

    def knows_language(self, locale: str) -> bool:
        """Whether pages in this language may be written to: the tenant's own, and English of any country. The words
        that the flows read are the same in all of it; where a country has its own, the catalogue has both."""
        return locale in self.locales or locale.split("-", 1)[0] == "en"

    @property
    def directory_path(self) -> str:
        """Path of the company Directory on the app host [C]."""
        return f"/{self.company_id}/company/directory"

    def url(self, path: str) -> str:
        """The full address of a path on the app host."""
        return self.app_url.rstrip("/") + path

    def is_at_sign_in(self, address: str) -> bool:
        """Whether ``address`` is of the sign-in host, where that is another one than the app host."""
        sign_in = _origin(self.sign_in_url)
        return sign_in != _origin(self.app_url) and _origin(address) == sign_in

    def is_at_app(self, address: str) -> bool:
        """Whether ``address`` is of the app host."""
        return _origin(address) == _origin(self.app_url)

    def is_of_own_site(self, address: str) -> bool:
        """Whether ``address`` is one of the app host, or of another host of its site, such as the one of its API: a
        host name with the same last two parts. Others' are counters, guides and the like."""
        return _site(address) == _site(self.app_url) and not self.is_at_sign_in(address)

    def may_receive_credentials(self, address: str) -> bool:
        """Whether a page at ``address`` may be given the account's secrets: known host, and not in clear text."""
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        known = {name.lower() for name in self.allowed_hosts}
        known |= {(urlsplit(url).hostname or "").lower() for url in (self.sign_in_url, self.app_url)}
        if host not in known:
            return False
        return parts.scheme == "https" or host in LOOPBACK or host.endswith(".localhost")


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _site(address: str) -> str:
    host = (urlsplit(address).hostname or "").lower()
    is_number = host.replace(".", "").isdigit() or ":" in host
    return host if is_number else ".".join(host.split(".")[-2:])


@dataclass(frozen=True)
class Timeouts:
    """Upper limits in seconds. Reaching one ends the step with an error; nothing waits for ever."""

    page: float = 30.0  #: a page to load; SYNC saw selectors appear only after 30 s [C]
    answer: float = 30.0  #: the answer to a write
    hook: float = 10.0  #: a page that has loaded to show what we look for (slow hydration)
    control: float = 5.0  #: a control to take a click or a text, a select to show an option
    submit: float = 5.0  #: a click on a submit button to cause a request
    margin: float = 5.0  #: more than a browser call's own limit before the browser counts as hung
