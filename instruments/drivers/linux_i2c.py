"""A host board on a two-wire bus of this computer, through Linux's i2c-dev.

The bus alone is driven here. Power, ResetL, LPMode and ModPrsL are GPIO lines that differ from
board to board, and of the libraries that drive them none is among our dependencies. So each line
is either strapped on the board, and the station file says to what, or it is not there, and a call
that needs it says so. A transceiver without these lines is reset and held in low power by its own
registers: cmis.ModuleManagement.reset and request_low_power.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from instruments.errors import ManagementError, NoAcknowledge, PhotonbenchError
from instruments.interfaces.host_board import HostBoard

if TYPE_CHECKING:
    from smbus2 import i2c_msg

_MODULE_ADDRESS: Final = 0x50
_MEMORY_START: Final = b"\x00"  # the identifier, which no read clears

# The kernel's fault codes (Documentation/i2c/fault-codes): ENXIO is a missing acknowledge of the
# address; older adapter drivers say EREMOTEIO, a code that only Linux's errno module knows.
_EREMOTEIO: Final = 121
_NOT_ACKNOWLEDGED: Final = (errno.ENXIO, _EREMOTEIO)
_STUCK: Final = (errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN)


class Strap(StrEnum):
    """A line that the board ties to one level, as the station file names it."""

    POWER_ON = "power_on"
    RESET_RELEASED = "reset_released"
    FULL_POWER = "full_power"
    """LPMode is tied low."""
    PRESENT = "present"
    """The transceiver is soldered or screwed in."""


class I2cBus(Protocol):
    """What is used of smbus2.SMBus."""

    def i2c_rdwr(self, *messages: i2c_msg) -> None:
        """Do one transfer of messages joined by repeated starts."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


class LinuxI2cHostBoard(HostBoard):
    """A transceiver on a bus such as /dev/i2c-3.

    Options: `strapped`, a list of lines that the board ties ("power_on", "reset_released",
    "full_power", "present"). A slot whose supply is an instrument of the station is "power_on".
    """

    model = "Linux i2c-dev"
    drives_power = False
    drives_reset = False
    drives_low_power = False

    def __init__(
        self,
        address: str,
        *,
        options: Mapping[str, object] | None = None,
        open_bus: Callable[[str], I2cBus] | None = None,
    ) -> None:
        self.address = address
        self._straps = _straps(options or {})
        self._bus = _open(address, open_bus or _smbus)

    def __enter__(self) -> LinuxI2cHostBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the device back to the system."""
        self._bus.close()

    def present(self) -> bool:
        """Read whether a transceiver is there: strapped, or because it acknowledges.

        Without ModPrsL a missing transceiver cannot be told from one without power; that raises.
        """
        if Strap.PRESENT in self._straps:
            return True
        try:
            self.transfer(_MODULE_ADDRESS, _MEMORY_START, 1)
        except NoAcknowledge as error:
            raise ManagementError(
                f"the board at {self.address} has no ModPrsL line, and nothing acknowledges on its bus: "
                "the slot is empty, or the transceiver is without power or in reset",
                remedy="plug it in and power it",
            ) from error
        return True

    def switch_power(self, on: bool) -> None:
        """Accept the level that the power switch is strapped to, and refuse the other."""
        self._accept(on, Strap.POWER_ON, "power switch", "let a supply of the station feed the slot")

    def hold_reset(self, held: bool) -> None:
        """Accept the level that ResetL is strapped to, and refuse the other."""
        self._accept(not held, Strap.RESET_RELEASED, "ResetL", "reset the transceiver by its register")

    def request_low_power(self, low_power: bool) -> None:
        """Accept the level that LPMode is strapped to, and refuse the other."""
        self._accept(not low_power, Strap.FULL_POWER, "LPMode", "request low power by register")

    def transfer(self, address: int, write: bytes, read_count: int) -> bytes:
        """Write, then read after a repeated start, in one transfer at a 7-bit address."""
        from smbus2 import i2c_msg

        messages = [i2c_msg.write(address, list(write))] if write else []
        answer = i2c_msg.read(address, read_count) if read_count else None
        if answer is not None:
            messages.append(answer)
        try:
            self._bus.i2c_rdwr(*messages)
        except OSError as error:
            raise self._failure(address, error) from error
        return b"" if answer is None else bytes(answer)

    def _accept(self, as_strapped: bool, strap: Strap, line: str, remedy: str) -> None:
        if strap not in self._straps:
            raise ManagementError(
                f"the board at {self.address} has no {line} line configured",
                remedy=f"if the board ties it, list '{strap}' under strapped; else {remedy}",
            )
        if not as_strapped:
            raise ManagementError(f"the board at {self.address} ties {line} to '{strap}'", remedy=remedy)

    def _failure(self, address: int, error: OSError) -> ManagementError:
        if error.errno in _NOT_ACKNOWLEDGED:
            return NoAcknowledge(f"nothing acknowledged address {address:02X}h on {self.address}")
        if error.errno in _STUCK:
            return ManagementError(
                f"the two-wire bus {self.address} is stuck or taken ({error.strerror})",
                remedy="check for a module without supply that holds SCL or SDA, and for another master",
            )
        return ManagementError(
            f"a transfer on {self.address} failed ({error.strerror})",
            remedy="check the adapter and its kernel driver; it must support plain i2c transfers",
        )


def _straps(options: Mapping[str, object]) -> frozenset[Strap]:
    unknown = sorted(set(options) - {"strapped"})
    if unknown:
        raise PhotonbenchError(
            f"'{LinuxI2cHostBoard.model}' does not know the option '{unknown[0]}'",
            remedy="its only option is strapped; it drives no GPIO line",
        )
    names = options.get("strapped", ())
    if not isinstance(names, list | tuple):
        raise PhotonbenchError(
            f"option strapped of '{LinuxI2cHostBoard.model}' must be a list, not {names!r}"
        )
    return frozenset(_strap(name) for name in names)


def _strap(name: object) -> Strap:
    try:
        return Strap(str(name))
    except ValueError:
        known = ", ".join(Strap)
        raise PhotonbenchError(f"'{name}' is no line that can be strapped", remedy=f"use {known}") from None


def _open(address: str, open_bus: Callable[[str], I2cBus]) -> I2cBus:
    try:
        return open_bus(address)
    except OSError as error:
        raise ManagementError(
            f"cannot open the two-wire bus {address} ({error.strerror})",
            remedy="load the kernel module i2c-dev and let this user read and write the device",
        ) from error


def _smbus(address: str) -> I2cBus:
    try:
        from smbus2 import SMBus
    except ImportError as error:  # on Windows too, for smbus2 needs fcntl
        raise PhotonbenchError(
            f"'{LinuxI2cHostBoard.model}' needs the package smbus2 and Linux",
            remedy="install it with: pip install -e '.[i2c]'",
        ) from error
    return SMBus(address)
