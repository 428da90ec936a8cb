"""Settings from ``agent.toml`` and ``AGENT_...`` variables."""

from agent.settings.audit import AuditSettings
from agent.settings.evidence import EvidenceSettings
from agent.settings.loading import (
    SETTINGS_FILE,
    BrowserSettings,
    Paths,
    Settings,
    SettingsRefused,
    Tenant,
    Timeouts,
    load_settings,
)
from agent.settings.probe import ProbeSettings, TenantProbe
from agent.settings.service import (
    ApiSettings,
    ClockSettings,
    InboxSettings,
    NotifySettings,
    QueueSettings,
    WorkerSettings,
    is_loopback,
)

__all__ = [
    "SETTINGS_FILE",
    "ApiSettings",
    "AuditSettings",
    "BrowserSettings",
    "ClockSettings",
    "EvidenceSettings",
    "InboxSettings",
    "NotifySettings",
    "Paths",
    "ProbeSettings",
    "QueueSettings",
    "Settings",
    "SettingsRefused",
    "Tenant",
    "TenantProbe",
    "Timeouts",
    "WorkerSettings",
    "is_loopback",
    "load_settings",
]
