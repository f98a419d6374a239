"""What can go wrong between us and the hardware.

PhotonbenchError
  BenchError                the bench broke: the unit must be tested again
    InstrumentError         an instrument refused, answered nonsense, or not at all
      InstrumentTimeout     no answer within the bound
      InstrumentRefused     its error queue was not empty after a command
      WrongIdentity         another instrument answers at this address
      GarbledAnswer         an answer that is not what the command gives
      RangeError            a reading outside the instrument's range
    ManagementError         the transceiver's management interface
      NoAcknowledge         the transceiver did not acknowledge its address
      WrongTransceiver      vendor data differ from what was scanned
      StateNotReached       a module or data path state did not come within its bound
    BenchDisagrees          two instruments contradict each other beyond their uncertainty
    UnsafeRequest           a request that could damage something; nothing was done
"""

from __future__ import annotations


class PhotonbenchError(Exception):
    """An error that finishes the reader's sentence: who, what, and what to do."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class BenchError(PhotonbenchError):
    """The bench broke; nothing is said about the transceiver."""


class InstrumentError(BenchError):
    """An instrument refused, answered nonsense, or did not answer.

    `instrument` is its name in the station file, `command` what was sent (or ""), `transcript`
    the last exchanges with it as lines ready to print.
    """

    def __init__(
        self,
        message: str,
        *,
        instrument: str = "",
        command: str = "",
        transcript: tuple[str, ...] = (),
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.instrument = instrument
        self.command = command
        self.transcript = transcript


class InstrumentTimeout(InstrumentError):
    """No answer came within the bound."""


class InstrumentRefused(InstrumentError):
    """The error queue was not empty after a command."""


class WrongIdentity(InstrumentError):
    """Another instrument than the station file's answers at this address."""


class GarbledAnswer(InstrumentError):
    """An answer came that is not what the command gives."""


class RangeError(InstrumentError):
    """The instrument says that a reading lies outside its range."""


class ManagementError(BenchError):
    """The transceiver's management interface did not do what the standard says."""


class NoAcknowledge(ManagementError):
    """The transceiver did not acknowledge its address on the two-wire bus."""


class WrongTransceiver(ManagementError):
    """The transceiver in the slot is not the one that was scanned or planned."""


class StateNotReached(ManagementError):
    """A state did not come within its bound."""


class BenchDisagrees(BenchError):
    """Two instruments contradict each other beyond their uncertainty."""


class UnsafeRequest(BenchError):
    """A request that could damage an instrument or the transceiver; nothing was done."""
