"""Settings: strict, and every error names its key and what to do."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agent.commands.init import example
from agent.settings import Settings, SettingsRefused, Tenant, load_settings
from agent.settings.service import Mail, Webhook

TENANT = """
[tenants.acme]
sign_in_url = "https://login.procore.com/"
app_url = "https://us02.procore.com/"
company_id = "562949953421312"
"""


def write(folder: Path, text: str) -> Path:
    """A settings file."""
    file = folder / "agent.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> tuple[str, ...]:
    """What is wrong with these settings."""
    with pytest.raises(SettingsRefused) as caught:
        load_settings(write(folder, text))
    assert caught.value.code == "bad-settings"
    return caught.value.problems


def test_the_shipped_example_is_valid_and_has_every_key(tmp_path: Path) -> None:
    """`agent init` writes a file that loads as it stands, and leaves no key to be guessed."""
    settings = load_settings(write(tmp_path, example()))
    tenant = settings.tenant(None)[1]
    assert tenant.policy.admin_templates == ("Company Admin",)
    sections: list[type[BaseModel]] = [
        type(getattr(settings, name)) for name in Settings.model_fields if name not in ("tenants", "notify")
    ]
    sections += [Tenant, type(tenant.policy), type(tenant.timeouts), Webhook, Mail]
    for model in sections:
        for key in model.model_fields:
            assert key in example() or key == "selectors", f"{key} is not in the example"


def test_relative_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    """Evidence does not land wherever the command happened to be started."""
    settings = load_settings(write(tmp_path, TENANT))
    assert settings.paths.evidence == tmp_path / "var/evidence"
    absolute = load_settings(write(tmp_path, '[paths]\nevidence = "/data/evidence"\n' + TENANT))
    assert absolute.paths.evidence == Path("/data/evidence")


def test_an_unknown_key_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    """A typing error must not silently mean the default."""
    assert "tenants.acme.polcy" in problems(tmp_path, TENANT + "[tenants.acme.polcy]\n")[0]
    found = problems(tmp_path, TENANT + "[tenants.acme.timeouts]\npage = 3\n")
    assert "tenants.acme.timeouts.page" in found[0]
    assert "'page_s'" in found[0]


def test_every_wrong_key_is_told_at_once(tmp_path: Path) -> None:
    """Two mistakes, two lines, each with its key."""
    text = '[tenants.acme]\nsign_in_url = "http://login.procore.com/"\napp_url = "https://us02.procore.com/"\n'
    found = problems(tmp_path, text)
    assert len(found) == 2
    assert any(line.startswith("tenants.acme.company_id: is missing") for line in found)
    assert any(line.startswith("tenants.acme.sign_in_url: expected https") for line in found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sign_in_url", '"login.procore.com"'),
        ("sign_in_url", '"ftp://login.procore.com/"'),
        ("sign_in_url", '"https://user:secret@login.example.com/"'),
        ("company_id", '"12a"'),
        ("allowed_hosts", '["https://x.example"]'),
        ("allowed_hosts", '["x.example, EXCLUDE *"]'),
        ("locale", '"de"'),
    ],
)
def test_values_that_could_not_work_or_would_be_unsafe_are_refused(tmp_path: Path, key: str, value: str) -> None:
    """Among them a host name that would smuggle a rule into the browser's allow-list."""
    lines = [line for line in TENANT.splitlines() if not line.startswith(key)]
    assert problems(tmp_path, "\n".join([*lines, f"{key} = {value}"]))


def test_plain_http_is_for_this_machine_only(tmp_path: Path) -> None:
    """The sandbox may; a real tenant may not."""
    local = TENANT.replace("https://login.procore.com", "http://login.sandbox.localhost:8600")
    assert load_settings(write(tmp_path, local)).tenant("acme")[1].sign_in_url.startswith("http://")


def test_a_tenant_name_becomes_a_folder_and_is_checked(tmp_path: Path) -> None:
    """No path leaves the evidence folder by way of a name."""
    assert problems(tmp_path, TENANT.replace("tenants.acme", 'tenants."../up"'))


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key by AGENT_SECTION__KEY; the browser by its path alone."""
    monkeypatch.setenv("AGENT_PATHS__EVIDENCE", "/elsewhere")
    monkeypatch.setenv("AGENT_BROWSER", "/opt/chromium")
    settings = load_settings(write(tmp_path, TENANT))
    assert settings.paths.evidence == Path("/elsewhere")
    assert settings.browser.executable == "/opt/chromium"


def test_the_browser_section_and_its_variable_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AGENT_BROWSER names the executable and leaves the rest of the section alone."""
    monkeypatch.setenv("AGENT_BROWSER", "/opt/chromium")
    settings = load_settings(write(tmp_path, "[browser]\nslow_ms = 20\n" + TENANT))
    assert (settings.browser.executable, settings.browser.slow_ms) == ("/opt/chromium", 20)


def test_other_variables_of_the_agent_are_not_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring's own variables share the prefix and must not be refused as unknown keys."""
    monkeypatch.setenv("AGENT_KEYRING_FILE", "/x")
    monkeypatch.setenv("AGENT_SETTINGS", str(write(tmp_path, TENANT)))
    assert load_settings().tenant("acme")[0] == "acme"


def test_no_file_says_what_to_type(tmp_path: Path) -> None:
    """The first thing that everybody meets."""
    with pytest.raises(SettingsRefused, match="agent init"):
        load_settings(tmp_path / "none.toml")


def test_broken_toml_says_where(tmp_path: Path) -> None:
    """Line and column, once."""
    file = tmp_path / "agent.toml"
    file.write_text("[paths\n", encoding="utf-8")
    with pytest.raises(SettingsRefused, match="line 1") as refused:
        load_settings(file)
    assert refused.value.problems == ()


def test_a_tenant_is_found_by_name_or_by_being_the_only_one(tmp_path: Path) -> None:
    """A wrong name is answered with the nearest, an ambiguous wish with the list."""
    one = load_settings(write(tmp_path, TENANT))
    assert one.tenant(None)[0] == "acme"
    with pytest.raises(SettingsRefused, match="did you mean 'acme'"):
        one.tenant("acne")
    two = load_settings(write(tmp_path, TENANT + TENANT.replace("acme", "other")))
    with pytest.raises(SettingsRefused, match="acme, other"):
        two.tenant(None)


def test_settings_hold_no_secret_fields() -> None:
    """Nobody is invited to write a password into a file."""
    names = set(_names(Settings.model_json_schema()))
    assert {"postgres_url", "sender"} <= names
    assert [name for name in names if re.search("password|passwd|secret|token|pin$|(?<!public_)key$", name)] == []


def _names(schema: Any) -> Iterator[str]:
    """Every key that the settings may have; what descriptions say about passwords is welcome."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for value in schema.values():
            yield from _names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names(value)


def test_the_hosts_of_a_tenant_are_its_addresses_and_what_it_allows() -> None:
    """Each once."""
    tenant = Tenant(
        sign_in_url="https://login.procore.com/",
        app_url="https://us02.procore.com/",
        company_id="1",
        allowed_hosts=("*.procore.com", "login.procore.com"),
    )
    assert tenant.hosts == ("login.procore.com", "us02.procore.com", "*.procore.com")


def test_init_writes_once_and_never_overwrites(tmp_path: Path) -> None:
    """Somebody's settings are somebody's work."""
    from typer.testing import CliRunner

    from agent.commands.app import app

    file = tmp_path / "agent.toml"
    assert CliRunner().invoke(app, ["init", str(file)]).exit_code == 0
    assert stat.S_ISREG(file.stat().st_mode)
    file.write_text("mine", encoding="utf-8")
    assert CliRunner().invoke(app, ["init", str(file)]).exit_code == 3
    assert file.read_text(encoding="utf-8") == "mine"
