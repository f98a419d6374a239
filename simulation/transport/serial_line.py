"""A serial line without hardware: a pseudo-terminal, whose other end opens like a serial port.

Bytes are the same as over a raw socket. There is no baud rate: a pseudo-terminal takes any and heeds none.
"""

from __future__ import annotations

import os


class SerialLine:
    """The instrument's end of the line; `path` is what a client opens.

    Raise OSError where there are no pseudo-terminals (Windows).
    """

    def __init__(self) -> None:
        if not hasattr(os, "openpty"):
            raise OSError("this system has no pseudo-terminals: leave the transport serial out")
        import tty

        self._master, self._slave = os.openpty()
        # Raw: no echo, no line editing. Held open on both ends, the line outlives its clients.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    def fileno(self) -> int:
        """Get the descriptor to wait for."""
        return self._master

    def recv(self, size: int, /) -> bytes:
        """Take what has come; raise BlockingIOError if nothing has."""
        return os.read(self._master, size)

    def send(self, data: bytes | bytearray | memoryview, /) -> int:
        """Give as much as the line takes now."""
        return os.write(self._master, data)

    def close(self) -> None:
        """Take the line down."""
        os.close(self._master)
        os.close(self._slave)
