"""Bit error ratios with what they are worth: bounds, combination, and the Q scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from measurements.quantity import Bound, Quantity

BURST_P_VALUE = 1e-3
"""Chance scatters independent errors so much once in a thousand series."""

MIN_INTERVALS = 5


class Coding(Enum):
    """How decisions turn into bit errors; the value is the BER per Q at a threshold.

    Gray-coded PAM4 has six inner level sides among four levels (1.5 Q a symbol) and one wrong bit
    of two in a wrong symbol.
    """

    NRZ = 1.0
    PAM4 = 0.75


@dataclass(frozen=True, slots=True)
class ErrorRatio:
    """Counted bits and bit errors. Raise ValueError for counts that cannot be."""

    bits: int
    errors: int

    def __post_init__(self) -> None:
        if self.bits <= 0 or not 0 <= self.errors <= self.bits:
            raise ValueError(f"{self.errors} errors in {self.bits} bits is not a count")

    @property
    def ber(self) -> float:
        """Get errors over bits; 0 here means only that none was counted."""
        return self.errors / self.bits

    @property
    def standard_error(self) -> float | None:
        """Get the binomial standard error, None without errors: it is not known then."""
        if self.errors == 0:
            return None
        return math.sqrt(self.errors * (1.0 - self.ber)) / self.bits

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Get the two-sided Clopper-Pearson interval of the true ratio."""
        side = 0.5 * (1.0 - _checked(confidence))
        return self.lower_bound(1.0 - side), self.upper_bound(1.0 - side)

    def upper_bound(self, confidence: float = 0.95) -> float:
        """Get the one-sided Clopper-Pearson bound: the truth is below it at this confidence."""
        if self.errors == self.bits:
            return 1.0
        return _beta_quantile(self.errors + 1, self.bits - self.errors, _checked(confidence))

    def lower_bound(self, confidence: float = 0.95) -> float:
        """Get the one-sided Clopper-Pearson bound: the truth is above it at this confidence."""
        if self.errors == 0:
            return 0.0
        return _beta_quantile(self.errors, self.bits - self.errors + 1, 1.0 - _checked(confidence))

    def quantity(self, confidence: float = 0.95) -> Quantity:
        """Get the ratio for the record: zero errors are an upper bound, not zero."""
        evidence = {"bits": self.bits, "errors": self.errors, "confidence": confidence}
        if self.errors == 0:
            return Quantity(self.upper_bound(confidence), "1", None, Bound.UPPER, evidence)
        return Quantity(self.ber, "1", self.standard_error, Bound.EXACT, evidence)


def combined(counts: Iterable[ErrorRatio]) -> ErrorRatio:
    """Add counts of one condition up; ratios of unequal gates must not be averaged."""
    listed = list(counts)
    if not listed:
        raise ValueError("no counts to combine")
    return ErrorRatio(sum(count.bits for count in listed), sum(count.errors for count in listed))


def expected_errors_bound(errors: int, confidence: float = 0.95) -> float:
    """Get the Poisson upper bound of the expected number of errors when so many were counted.

    2.996 for none at 95 %. Bursts break it: judge codewords then.
    """
    from scipy.special import gammaincinv

    return float(gammaincinv(errors + 1.0, _checked(confidence)))


def poisson_interval(errors: int, confidence: float = 0.95) -> tuple[float, float]:
    """Get the two-sided Poisson interval of the expected number of errors when so many were counted.

    In parts of the count: 0.48 to 1.84 for 10 at 95 %, 0.81 to 1.22 for 100 (Garwood, 1936).
    """
    from scipy.special import gammaincinv

    side = 0.5 * (1.0 - _checked(confidence))
    low = 0.0 if errors == 0 else float(gammaincinv(float(errors), side))
    return low, float(gammaincinv(errors + 1.0, 1.0 - side))


def seconds_needed(
    limit_ber: float, bit_rate_gbps: float, *, errors: int = 0, confidence: float = 0.95
) -> float:
    """Get how long to count until at most so many errors prove a BER below the limit.

    28 s for 1e-12 at 106.25 Gb/s without an error; no test shortens that (2.996 / BER bits at 95 %).
    """
    if not bit_rate_gbps > 0:
        raise ValueError(f"a bit rate of {bit_rate_gbps} Gb/s brings no bits")
    return bits_needed(limit_ber, errors=errors, confidence=confidence) / (bit_rate_gbps * 1e9)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Whether counts of equal intervals scatter as independent errors do.

    `index` is their variance over their mean, 1 for Poisson errors; `p_value` is the chance that
    Poisson errors scatter as much.
    """

    index: float
    p_value: float
    intervals: int

    @property
    def bursts(self) -> bool:
        """Get whether errors come in bursts: then no bound and no confidence of this module holds."""
        return self.p_value < BURST_P_VALUE


def dispersion(counts: Sequence[int]) -> Dispersion:
    """Test counts of equal intervals for overdispersion (Fisher's index, chi-square).

    Count codewords or blocks instead of bits where `bursts` is true. Raise ValueError for fewer
    than 5 intervals and for none with an error.
    """
    from scipy.special import gammaincc

    if len(counts) < MIN_INTERVALS or min(counts) < 0 or sum(counts) == 0:
        raise ValueError(
            f"{len(counts)} intervals with {sum(counts)} errors do not tell bursts from chance;"
            f" give at least {MIN_INTERVALS}, and errors in them"
        )
    mean = sum(counts) / len(counts)
    squared = sum((count - mean) ** 2 for count in counts)
    freedom = len(counts) - 1
    return Dispersion(
        squared / freedom / mean, float(gammaincc(0.5 * freedom, 0.5 * squared / mean)), len(counts)
    )


def bits_needed(limit_ber: float, *, errors: int = 0, confidence: float = 0.95) -> int:
    """Get how many bits with at most so many errors prove a BER below the limit."""
    if not 0 < limit_ber < 1:
        raise ValueError(f"a limit of {limit_ber} is no bit error ratio")
    return math.ceil(expected_errors_bound(errors, confidence) / limit_ber)


def q_to_ber(q: float, coding: Coding) -> float:
    """Get the BER of Gaussian noise when each level stands q rms from its threshold."""
    from scipy.special import ndtr

    return coding.value * float(ndtr(-q))


def ber_to_q(ber: float, coding: Coding) -> float:
    """Get the distance from level to threshold, in rms noise, that makes a BER."""
    from scipy.special import ndtri

    if not 0 < ber < 0.5 * coding.value:
        raise ValueError(f"a BER of {ber} has no Q: it must lie between 0 and {0.5 * coding.value:g}")
    return -float(ndtri(ber / coding.value))


def _beta_quantile(a: int, b: int, probability: float) -> float:
    """Invert the incomplete beta function.

    For rare errors by Wise's form of the Poisson limit, good to a part in 1e7 below a ratio of
    1e-3: scipy's inverse (1.17) is twofold wrong for a thousand errors in 1e9 bits.
    """
    from scipy.special import betaincinv, gammaincinv

    few = float(gammaincinv(a, probability))
    rare = few / (b + 0.5 * (a - 1 + few))
    return rare if rare < 1e-3 and b > 1000 else float(betaincinv(a, b, probability))


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} must lie between 0 and 1")
    return confidence
