"""Settings of the long-running agent: queue, worker, API, inbox, notifications, retention."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from agent.settings.section import Section

NoticeKind = Literal["dead", "uncertain", "waiting", "paused", "late", "expired", "flow", "probe"]
NOTICE_KINDS: tuple[NoticeKind, ...] = ("dead", "uncertain", "waiting", "paused", "late", "expired", "flow", "probe")


def is_loopback(host: str) -> bool:
    """Whether a host name can only be this machine."""
    return host in ("127.0.0.1", "::1", "localhost") or host.endswith(".localhost")


class QueueSettings(Section):
    """Where accepted jobs are kept."""

    backend: Literal["embedded", "postgres"] = Field(
        "embedded", description="embedded: one file, one agent. postgres: several hosts (extra [postgres])."
    )
    file: Path = Field(Path("var/queue/queue.db"), description="The embedded queue's file, on a local disk.")
    postgres_url: str | None = Field(
        None,
        description="postgresql://user@host:5432/database; the password is in the keyring or a pgpass file.",
        examples=["postgresql://agent@db.example.com:5432/agent"],
    )
    keep_days: int = Field(
        90, ge=1, le=3650, description="Ended jobs and their request keys are kept so long, in days."
    )
    max_attempts: int = Field(8, ge=1, le=50, description="A job is tried so often before it is dead.")
    first_retry_s: float = Field(30, gt=0, le=3600, description="Back-off after the first failure; doubles each time.")
    longest_retry_s: float = Field(3600, gt=0, le=86_400, description="The longest back-off.")

    @field_validator("postgres_url")
    @classmethod
    def _without_password(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
                raise ValueError("an address such as postgresql://agent@db.example.com:5432/agent")
            if parts.password:
                raise ValueError("an address without a password in it (agent credentials postgres)")
        return value

    @model_validator(mode="after")
    def _url_where_needed(self) -> QueueSettings:
        if self.backend == "postgres" and self.postgres_url is None:
            raise ValueError("queue.postgres_url beside backend = 'postgres'")
        return self


class WorkerSettings(Section):
    """How the queue is worked off."""

    jobs_at_once: int = Field(3, ge=1, le=16, description="Jobs at once over all tenants; 3 is best on two cores.")
    stop_limit_s: float = Field(
        60, gt=0, le=3600, description="After SIGTERM a running job may take so long to its next step boundary."
    )
    browser_max_age_s: float = Field(6 * 3600, gt=0, description="A browser older than this is replaced between jobs.")
    browser_max_jobs: int = Field(200, ge=1, description="A browser that has served so many jobs is replaced.")
    browser_max_mib: int = Field(1500, ge=200, description="Browser and driver above this (PSS, MiB) are replaced.")
    failures_before_pause: int = Field(
        5, ge=1, description="So many failures of a tenant in a row, of whatever kind, pause it."
    )
    keep_signed_in: bool = Field(
        False, description="Idle sessions are visited also when no work of their tenant is in sight."
    )
    pause_s: float = Field(900, gt=0, description="Such a pause, and one for an unreachable tenant, ends after this.")


class ApiSettings(Section):
    """The local HTTP interface, which the CLI uses while an agent owns the queue."""

    socket: Path | None = Field(Path("var/state/agent.sock"), description="Unix socket; null for none.")
    listen: str | None = Field(None, description="A loopback address instead or besides.", examples=["127.0.0.1:8765"])
    metrics_listen: str | None = Field(
        None,
        description="Where /healthz, /readyz and /metrics are served without a token; no personal data stands there.",
        examples=["127.0.0.1:9464"],
    )

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(\[[0-9a-f:]+\]|[^\s:]+):[0-9]{1,5}", value):
            raise ValueError("host:port, such as 127.0.0.1:8765")
        return value

    @field_validator("listen")
    @classmethod
    def _loopback(cls, value: str | None) -> str | None:
        if value is not None and not is_loopback(value.rsplit(":", 1)[0].strip("[]")):
            raise ValueError("a loopback address (put a proxy with TLS in front for anything else)")
        return value


class InboxSettings(Section):
    """A folder into which other systems drop job files."""

    folder: Path | None = Field(None, description="The folder; null for none.", examples=["var/inbox"])
    poll_s: float = Field(2, gt=0, le=3600, description="How often it is looked into.")


class Webhook(Section):
    """One receiver of notifications; its signing secret is in the keyring (``agent credentials webhook NAME``)."""

    url: str = Field(description="Where notifications are posted.", examples=["https://hooks.example.com/agent"])
    kinds: tuple[NoticeKind, ...] = Field(NOTICE_KINDS, description="What is told.")
    people: bool = Field(
        False, description="Whether addresses of people, and sentences that may name them, are told to this receiver."
    )

    @field_validator("url")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError("an https address (plain http only to this machine)")
        return value


class Mail(Section):
    """Notifications by e-mail."""

    host: str = Field(description="SMTP server.", examples=["smtp.example.com"])
    port: int = Field(587, ge=1, le=65_535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none only for a server on this machine."
    )
    user: str | None = Field(None, description="Login; its password is in the keyring (agent credentials mail).")
    sender: str = Field(description="From.", examples=["agent@example.com"])
    to: tuple[str, ...] = Field(min_length=1, description="To whom.", examples=[["it-desk@example.com"]])
    kinds: tuple[NoticeKind, ...] = Field(NOTICE_KINDS, description="What is told.")
    people: bool = Field(
        False, description="Whether addresses of people, and sentences that may name them, are told to this receiver."
    )

    @model_validator(mode="after")
    def _secured(self) -> Mail:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security 'starttls' or 'tls' for a server elsewhere")
        return self


class NotifySettings(Section):
    """Who is told when something needs a person."""

    webhooks: dict[str, Webhook] = Field(default_factory=dict, description="Receivers by name.")
    mail: Mail | None = Field(None, description="E-mail.")

    @field_validator("webhooks")
    @classmethod
    def _names(cls, value: dict[str, Webhook]) -> dict[str, Webhook]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
                raise ValueError(f"names of small letters, digits, - and _, not {name!r}")
        return value


class ClockSettings(Section):
    """What the agent looks after by itself while it runs."""

    scan_s: float = Field(30, gt=0, le=3600, description="How often it looks for what has become due.")
    late_leaver_minutes: float = Field(
        30, gt=0, le=10_080, description="An offboard that is due for so long and not done is told as late."
    )
    remind_hours: float = Field(
        24, gt=0, le=720, description="What waits for a person is told again after each such time."
    )
    session_s: float = Field(
        600,
        gt=0,
        le=86_400,
        description="How often sessions are looked at: one that is idle is visited if its tenant has work soon.",
    )
