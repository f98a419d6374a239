"""What the station needs of a twin, so that only one module has to know the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from instruments.clock import Clock
from instruments.interfaces.host_board import HostBoard


class TwinPort(Protocol):
    """The simulated side of a station: the wire, the transceiver, the time."""

    @property
    def clock(self) -> Clock:
        """Get the time of the simulated bench."""
        ...

    def resource_manager(self) -> Any:
        """Open the VISA library of the simulated bench."""
        ...

    def host_board(self, slot: int) -> HostBoard:
        """Get the board under a simulated transceiver."""
        ...

    def safe_state(self) -> Mapping[str, Mapping[str, object]]:
        """Get the truth about every output, from the simulated instruments themselves."""
        ...
