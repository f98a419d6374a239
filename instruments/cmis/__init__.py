"""The host's side of the module management interface (OIF CMIS 5.x)."""

from instruments.cmis.bus import ManagedBus
from instruments.cmis.identity import Identity
from instruments.cmis.management import ModuleManagement

__all__ = ["Identity", "ManagedBus", "ModuleManagement"]
