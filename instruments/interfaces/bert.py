"""Bit error ratio testers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from instruments.interfaces.safe_state import SafeState, SafetyRank


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """What one error detector counted over one gate.

    `locked` is False when the detector lost clock or pattern at any time of the gate; bits and
    errors then mean nothing.
    """

    detector: str
    bits: int
    errors: int
    seconds: float
    locked: bool


class Bert(SafeState):
    """Pattern generators and error detectors, named by the instrument's own location words."""

    safety_rank = SafetyRank.SOURCE

    @property
    @abstractmethod
    def generators(self) -> tuple[str, ...]:
        """Get the names of the data outputs."""

    @property
    @abstractmethod
    def detectors(self) -> tuple[str, ...]:
        """Get the names of the data inputs."""

    @abstractmethod
    def generate(self, patterns: dict[str, str], *, symbol_rate_gbd: float) -> None:
        """Send a pattern ("PRBS13Q", "PRBS31Q", "SSPRQ") as PAM4 on each named output; others go silent."""

    @abstractmethod
    def silence(self) -> None:
        """Switch all outputs off."""

    @abstractmethod
    def count_errors(
        self, detectors: Sequence[str], *, pattern: str, seconds: float
    ) -> tuple[ErrorCount, ...]:
        """Align each detector to its signal, then count over one gate common to all."""

    def make_safe(self) -> None:
        """Switch all outputs off."""
        self.silence()
