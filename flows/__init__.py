"""Everything that knows Procore's pages. The rest of the house uses what is named here and nothing deeper."""

from flows.catalogue import Catalogue
from flows.interface import CommitGate, Directory, SignInCredentials
from flows.opening import open_directory
from flows.tenant import TenantAddress, Timeouts

__all__ = ["Catalogue", "CommitGate", "Directory", "SignInCredentials", "TenantAddress", "Timeouts", "open_directory"]
