"""Which pages may be given a credential."""

from __future__ import annotations

import pytest

from flows.tenant import TenantAddress

TENANT = TenantAddress(
    sign_in_url="https://login.procore.test",
    app_url="https://us02.procore.test",
    company_id="562949953421312",
    allowed_hosts=frozenset({"idp.example.test"}),
)


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://login.procore.test/?redirect=x", True),
        ("https://us02.procore.test/1/company", True),
        ("https://IDP.example.test/", True),
        ("http://login.procore.test/", False),  # in clear text
        ("https://login.procore.test.evil.test/", False),
        ("https://evil.test/login.procore.test", False),
        ("https://login.procore.test@evil.test/", False),
        ("https://sub.login.procore.test/", False),
        ("chrome-error://chromewebdata/", False),
        ("", False),
    ],
)
def test_credentials_go_to_known_hosts_only(address: str, may: bool) -> None:
    """Host names are compared whole, and nothing secret travels in clear text."""
    assert TENANT.may_receive_credentials(address) is may


@pytest.mark.parametrize("url", ["http://login.sandbox.localhost:8123", "http://127.0.0.1:8123"])
def test_loopback_needs_no_encryption(url: str) -> None:
    """The sandbox lives on loopback, where nothing leaves the machine."""
    assert TenantAddress(url, url, "1").may_receive_credentials(url + "/x")


@pytest.mark.parametrize("company_id", ["", "12a", "1/../2", "１２"])
def test_a_company_id_is_a_number(company_id: str) -> None:
    """It becomes part of addresses and selectors."""
    with pytest.raises(ValueError, match="digits"):
        TenantAddress("https://a.test", "https://b.test", company_id)
