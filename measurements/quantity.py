"""What a measurement gives: a value with its unit, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Real


class Bound(StrEnum):
    """How the value stands to the truth."""

    EXACT = "exact"
    UPPER = "upper"
    """The truth is at most the value: zero counted errors, a reading below the meter's range."""
    LOWER = "lower"
    """The truth is at least the value."""


class Cause(StrEnum):
    """Why a transceiver, not the bench, may be the reason that nothing could be measured."""

    DARK = "dark"
    NO_MODULATION = "no modulation"
    NO_LOCK = "no lock"
    EYE_CLOSED = "eye closed"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value with unit, standard error and the raw figures behind it.

    `unit` is written as the limits write it: "dBm", "dB", "nm", "A", "W", "degC", "1".
    `standard_error` is in `unit`; None means that it is not known, never that it is zero.
    `evidence` holds what an auditor needs to compute the value again (counts, acquisitions,
    waveform ids), as JSON-ready values; `instruments` names those that gave it.
    """

    value: float
    unit: str
    standard_error: float | None = None
    bound: Bound = Bound.EXACT
    evidence: Mapping[str, object] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()

    @property
    def finite(self) -> bool:
        """Get whether the value can be held against a limit at all."""
        # A sequence may hand over text, None, or the answer to a yes-or-no question: no numbers.
        if not isinstance(self.value, Real) or isinstance(self.value, bool):
            return False
        try:
            return math.isfinite(self.value)
        except OverflowError:  # an integer beyond all floats
            return False


@dataclass(frozen=True, slots=True)
class NotMeasurable:
    """A measurement that has no value although the instruments answered cleanly.

    It counts against the transceiver only when another instrument agrees; the judge looks for
    that witness in the record. `cause` says what the witness must confirm.
    """

    reason: str
    cause: Cause
    evidence: Mapping[str, object] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()


Result = Quantity | NotMeasurable
