"""Everything that knows Procore's pages. The rest of the house uses what is named here and nothing deeper."""

from flows.catalogue import Catalogue
from flows.interface import (
    Attendant,
    CommitGate,
    ControlUse,
    Directory,
    PageObserver,
    PageReading,
    Place,
    SignInCredentials,
    Use,
)
from flows.opening import open_directory, rechecking_for
from flows.rechecking import Asked, Rechecking, RecordedPages, Reread
from flows.tenant import TenantAddress, Timeouts

__all__ = [
    "Asked",
    "Attendant",
    "Catalogue",
    "CommitGate",
    "ControlUse",
    "Directory",
    "PageObserver",
    "PageReading",
    "Place",
    "Rechecking",
    "RecordedPages",
    "Reread",
    "SignInCredentials",
    "TenantAddress",
    "Timeouts",
    "Use",
    "open_directory",
    "rechecking_for",
]
