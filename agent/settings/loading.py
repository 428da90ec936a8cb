"""Settings from ``agent.toml`` and ``AGENT_...`` variables: which tenants, which hosts, which limits, which folders.

Environment variables win over the file: ``AGENT_PATHS__EVIDENCE=/data/evidence`` is ``[paths] evidence``;
``AGENT_BROWSER`` alone names the browser's executable. Secrets are never settings: they live in the keyring.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from agent.domain.names import did_you_mean
from agent.errors import Mender, Refused
from agent.policy.rules import PolicyRules
from agent.settings.audit import AuditSettings
from agent.settings.evidence import EvidenceSettings
from agent.settings.probe import ProbeSettings, TenantProbe
from agent.settings.section import Section
from agent.settings.selectors import SelectorsSettings
from agent.settings.service import (
    ApiSettings,
    ClockSettings,
    InboxSettings,
    NotifySettings,
    QueueSettings,
    WorkerSettings,
    is_loopback,
)

SETTINGS_FILE = "agent.toml"
SectionT = TypeVar("SectionT", bound=Section)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class SettingsRefused(Refused):
    """The settings cannot be used; ``problems`` has one line per key that is wrong."""

    default_mender = Mender.OPERATOR

    def __init__(self, code: str, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(code, message, expected="settings as in docs/reference/settings.md", seen="; ".join(problems))
        self.problems = problems


class Paths(Section):
    """Where the agent keeps what it keeps. Relative paths start at the settings file's folder."""

    evidence: Path = Field(Path("var/evidence"), description="Evidence folders, one per job.")
    state: Path = Field(Path("var/state"), description="Sealed sessions, traces while a job runs.")
    selectors: Path | None = Field(None, description="A selector catalogue to use in place of the one that is shipped.")


class BrowserSettings(Section):
    """The browser that is driven."""

    executable: str | None = Field(None, description="Path of a Chromium; found by itself when left out.")
    headed: bool = Field(False, description="Show the window (needs a full Chromium and a display).")
    slow_ms: int = Field(0, ge=0, le=10_000, description="Pause after each browser action, in milliseconds.")


class Timeouts(Section):
    """How long is waited, in seconds."""

    page_s: float = Field(30, gt=0, le=600, description="For a page to load.")
    answer_s: float = Field(30, gt=0, le=600, description="For the answer to a save.")
    settle_s: float = Field(60, gt=0, le=3600, description="For the trace of a save whose answer was lost.")
    verify_s: float = Field(60, gt=0, le=3600, description="For the pages to agree with what was wanted.")
    projects_s: float = Field(300, gt=0, le=7200, description="For an asynchronous save of the Projects tab.")


class Tenant(Section):
    """One company account in Procore."""

    sign_in_url: str = Field(description="Address of the sign-in page.", examples=["https://login.procore.com/"])
    app_url: str = Field(
        description="Address of the web app in the tenant's zone.", examples=["https://us02.procore.com/"]
    )
    company_id: str = Field(description="The company's number, as in the app's addresses.", pattern=r"^[0-9]{1,20}$")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Further hosts the browser may reach; those of the two addresses always are."
    )
    locale: str = Field(
        "en-US", description="Language asked for; flows know English only.", pattern=r"^en(-[A-Z]{2})?$"
    )
    policy: PolicyRules = Field(default_factory=PolicyRules, description="What jobs may do without asking a person.")
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long is waited.")
    probe: TenantProbe = Field(default_factory=TenantProbe, description="Whom and what the nightly probe looks at.")
    max_running: int = Field(2, ge=1, le=16, description="Jobs of this tenant at once in the long-running agent.")

    @field_validator("company_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("sign_in_url", "app_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        host = parts.hostname or ""
        if parts.scheme not in ("https", "http") or not host:
            raise ValueError("an address such as https://login.procore.com/")
        if parts.scheme == "http" and not is_loopback(host):
            raise ValueError("https (plain http only for this machine: localhost, *.localhost, 127.0.0.1)")
        if parts.username or parts.password:
            raise ValueError("an address without a user name or password in it")
        return value if parts.path else value + "/"

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host.lower()):
                raise ValueError(f"host names such as us02.procore.com or *.procore.com, not {host!r}")
        return tuple(host.lower() for host in value)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that this tenant's pages may come from."""
        own = (urlsplit(self.sign_in_url).hostname or "", urlsplit(self.app_url).hostname or "")
        return tuple(dict.fromkeys([*own, *self.allowed_hosts]))


class _Environment(EnvSettingsSource):
    """``AGENT_BROWSER`` is the browser's path (also in find.py), not the section as JSON."""

    def __call__(self) -> dict[str, Any]:
        given = super().__call__()
        if isinstance(given.get("browser"), str):
            given["browser"] = {"executable": given["browser"]}
        return given


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(env_prefix="AGENT_", env_nested_delimiter="__", extra="forbid", frozen=True)

    paths: Paths = Field(default_factory=Paths)
    browser: Annotated[BrowserSettings, NoDecode] = Field(default_factory=BrowserSettings)
    queue: QueueSettings = Field(default_factory=QueueSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    inbox: InboxSettings = Field(default_factory=InboxSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    clock: ClockSettings = Field(default_factory=ClockSettings)
    probe: ProbeSettings = Field(default_factory=ProbeSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    evidence: EvidenceSettings = Field(default_factory=EvidenceSettings)
    selectors: SelectorsSettings = Field(default_factory=SelectorsSettings)
    tenants: dict[str, Tenant] = Field(default_factory=dict, description="Tenants by the name that jobs use.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; no ``.env``, no secrets folder."""
        return _Environment(settings_cls), init_settings

    @field_validator("tenants")
    @classmethod
    def _tenant_names(cls, value: dict[str, Tenant]) -> dict[str, Tenant]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
                raise ValueError(f"tenant names of small letters, digits, - and _ (they become folders), not {name!r}")
        return value

    def tenant(self, name: str | None) -> tuple[str, Tenant]:
        """The tenant of that name, or the only one. Refused("unknown-tenant") lists those that exist."""
        if name is None and len(self.tenants) == 1:
            return next(iter(self.tenants.items()))
        if name is None:
            raise SettingsRefused(
                "unknown-tenant",
                f"Which tenant? The settings have {_listed(self.tenants)}: name one in the job or with --tenant.",
            )
        if name not in self.tenants:
            near = did_you_mean(name, self.tenants)
            raise SettingsRefused(
                "unknown-tenant", f"No tenant {name!r} in the settings, which have {_listed(self.tenants)}{near}."
            )
        return name, self.tenants[name]


def load_settings(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from this file, else ``AGENT_SETTINGS``, else ``agent.toml`` here.

    Raises SettingsRefused: "no-settings" when there is no file, "bad-settings" with every wrong key at once.
    """
    path = file or Path(environment.get("AGENT_SETTINGS") or SETTINGS_FILE)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsRefused(
            "no-settings",
            f"There is no settings file {path}. Write one with `agent init`, or name one with --settings.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused("no-settings", f"The settings file {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused("bad-settings", f"{path} is not TOML: {error}") from error
    try:
        settings = Settings(**data)
    except SettingsError as error:
        raise SettingsRefused("bad-settings", f"An AGENT_... variable cannot be used: {error}") from error
    except ValidationError as error:
        problems = tuple(_problem(item, data) for item in error.errors())
        count = "1 key" if len(problems) == 1 else f"{len(problems)} keys"
        raise SettingsRefused("bad-settings", f"{path} cannot be used: {count} to mend.", problems) from None
    return _anchored(settings, path.resolve().parent)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """The settings with every relative path starting at this folder."""

    def at(path: Path | None) -> Path | None:
        return folder / path if path is not None else None

    def anchored(section: SectionT, **paths: Path | None) -> SectionT:
        return section.model_copy(update={name: at(path) for name, path in paths.items()})

    paths, queue, api, inbox = settings.paths, settings.queue, settings.api, settings.inbox
    audit = settings.audit
    return settings.model_copy(
        update={
            "paths": anchored(paths, evidence=paths.evidence, state=paths.state, selectors=paths.selectors),
            "queue": anchored(queue, file=queue.file),
            "api": anchored(api, socket=api.socket),
            "inbox": anchored(inbox, folder=inbox.folder),
            "audit": anchored(audit, heads=audit.heads, tsa_roots=audit.tsa_roots),
        }
    )


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none yet"


def _problem(item: Any, data: Mapping[str, Any]) -> str:
    """One line for one wrong key: the key, what was expected, what was seen, what to do."""
    key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
    last = str(item["loc"][-1]) if item["loc"] else ""
    match item["type"]:
        case "extra_forbidden":
            return f"{key}: there is no such key{did_you_mean(last, _siblings(item['loc']))} Remove or rename it."
        case "missing":
            return f"{key}: is missing. Add it; docs/reference/settings.md says what it means."
        case "value_error":
            return f"{key}: expected {item['ctx']['error']}; seen {item['input']!r}."
        case _:
            return f"{key}: {item['msg']}; seen {item['input']!r}."


def _siblings(where: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that exist at the place of a key that does not."""
    model: type[BaseModel] | None = Settings
    for part in where[:-1]:
        if model is None:
            break
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # the name of a tenant
        annotation = Tenant if part == "tenants" else field.annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return tuple(model.model_fields) if model else ()
