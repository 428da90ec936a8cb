"""Everything that knows Procore's pages. The rest of the house uses what is named here and nothing deeper."""

from flows.catalogue import Catalogue
from flows.interface import (
    Attendant,
    CommitGate,
    ControlUse,
    Directory,
    Examined,
    HeldRequest,
    PageObserver,
    PageReading,
    Place,
    ShapeObserver,
    SignInCredentials,
    Use,
)
from flows.known_shapes import KnownControl, KnownShape
from flows.opening import open_directory, rechecking_for
from flows.rechecking import Asked, Rechecking, RecordedPages, Reread
from flows.structure import NotTaken, RawNode, RawPage, StructureWalk
from flows.structure_places import NAMES as RECORDED_PLACES
from flows.tenant import TenantAddress, Timeouts

__all__ = [
    "RECORDED_PLACES",
    "Asked",
    "Attendant",
    "Catalogue",
    "CommitGate",
    "ControlUse",
    "Directory",
    "Examined",
    "HeldRequest",
    "KnownControl",
    "KnownShape",
    "NotTaken",
    "PageObserver",
    "PageReading",
    "Place",
    "RawNode",
    "RawPage",
    "Rechecking",
    "RecordedPages",
    "Reread",
    "ShapeObserver",
    "SignInCredentials",
    "StructureWalk",
    "TenantAddress",
    "Timeouts",
    "Use",
    "open_directory",
    "rechecking_for",
]
