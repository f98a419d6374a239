"""The part of an opened VISA resource that sessions use; pyvisa's MessageBasedResource fits it by shape."""

from __future__ import annotations

from typing import Any, Protocol


class WireResource(Protocol):
    """One open connection. Timeouts are in milliseconds, as VISA has them."""

    timeout: Any
    read_termination: Any

    def write_raw(self, message: bytes) -> Any:
        """Send bytes as they are."""
        ...

    def read_raw(self, size: int | None = None) -> bytes:
        """Read up to the terminator or the end of the message."""
        ...

    def read_bytes(self, count: int, chunk_size: int | None = None) -> bytes:
        """Read exactly that many bytes."""
        ...

    def clear(self) -> Any:
        """Clear the device: drop what is in its input and output buffers."""
        ...

    def close(self) -> Any:
        """Close the connection."""
        ...
