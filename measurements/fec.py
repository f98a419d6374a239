"""Forward error correction: what a pre-FEC error ratio comes to, and whether errors are random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.ber import Coding, ber_to_q
from measurements.units import FloatArray

LEAST_CODEWORDS = 10**9
"""A histogram of fewer codewords does not tell a tail of 1e-12: 51 s at 106.25 Gb/s."""

_MOST_OVER_RANDOM = 10.0
_LEAST_IN_BIN = 10
_BINS_IN_FIT, _LEAST_IN_FIT = 4, 5


class FecError(ValueError):
    """A histogram or an error ratio that cannot be."""


@dataclass(frozen=True, slots=True)
class ReedSolomon:
    """A Reed-Solomon code RS(n, k) of symbols of so many bits, which corrects `correctable` of them.

    `threshold_ber` is the pre-FEC bit error ratio that the clauses allow, "confidence" as in
    `reference_receivers`.
    """

    name: str
    symbols: int
    data_symbols: int
    bits_per_symbol: int
    threshold_ber: float
    source: str
    confidence: str

    @property
    def correctable(self) -> int:
        """Get t, how many wrong symbols of a codeword are corrected."""
        return (self.symbols - self.data_symbols) // 2

    @property
    def codeword_bits(self) -> int:
        """Get the bits of a codeword."""
        return self.symbols * self.bits_per_symbol


@dataclass(frozen=True, slots=True)
class Threshold:
    """A code of which only the pre-FEC bit error ratio that it bears is used."""

    name: str
    threshold_ber: float
    source: str
    confidence: str


KR4 = ReedSolomon("KR4 RS(528,514)", 528, 514, 10, 5e-5, "IEEE 802.3, Clause 91", "M")
KP4 = ReedSolomon("KP4 RS(544,514)", 544, 514, 10, 2.4e-4, "IEEE 802.3, Clauses 91 and 119", "M")
CFEC = Threshold("cFEC", 1.25e-2, "OIF 400ZR, staircase with a Hamming code inside", "S")
OFEC = Threshold("oFEC", 2.0e-2, "OpenZR+ MSA", "S")


def symbol_error_ratio(code: ReedSolomon, ber: float) -> float:
    """Compute the share of code symbols with at least one wrong bit, for random errors."""
    _check_ber(ber)
    return -math.expm1(code.bits_per_symbol * math.log1p(-ber))


def expected_histogram(code: ReedSolomon, ber: float) -> FloatArray:
    """Compute the shares of codewords with 0, 1, ... n wrong symbols, for random errors (binomial)."""
    return np.asarray(np.exp(_log_shares(code, ber)), dtype=np.float64)


def codeword_failure(code: ReedSolomon, ber: float) -> float:
    """Compute the share of codewords with more wrong symbols than are corrected, for random errors.

    Right to the smallest number that a float holds: summed from its logarithms.
    """
    logs = _log_shares(code, ber)[code.correctable + 1 :]
    largest = float(logs.max())
    return math.exp(largest) * float(np.exp(logs - largest).sum())


def frame_loss_bound(code: ReedSolomon, ber: float, *, interleaved: int = 1) -> float:
    """Bound the frame loss ratio of 64-octet frames, for random errors.

    With one codeword at a time a failed one takes 1.125 times its share of frames with it; where
    `interleaved` codewords are sent through each other, a frame is lost when any of them fails.
    """
    if interleaved < 1:
        raise FecError(f"{interleaved} interleaved codewords are none")
    failure = codeword_failure(code, ber)
    return 1.125 * failure if interleaved == 1 else interleaved * failure


@dataclass(frozen=True, slots=True)
class FecMargin:
    """How far a pre-FEC error ratio stays from the threshold: in dB of Q (optical) and in decades of BER."""

    q_db: float
    decades: float


def margin(code: ReedSolomon | Threshold, ber: float, *, coding: Coding = Coding.PAM4) -> FecMargin:
    """Compute the margin to the threshold; negative beyond it.

    The threshold of coherent codes lies beyond what PAM4 has a Q for: they have decades alone (NaN dB).
    """
    _check_ber(ber)
    decades = math.log10(code.threshold_ber / ber)
    if max(ber, code.threshold_ber) >= 0.5 * coding.value:
        return FecMargin(math.nan, decades)
    return FecMargin(10.0 * math.log10(ber_to_q(ber, coding) / ber_to_q(code.threshold_ber, coding)), decades)


@dataclass(frozen=True, slots=True)
class BurstTail:
    """Whether the tail of a symbol-error histogram is that of random errors.

    `predicted_failure` extrapolates the measured tail to one wrong symbol more than is corrected;
    `failed` codewords were beyond it already. `excess_bins` hold ten times more codewords than
    random errors of the same ratio would put there. `decided` is False while too few codewords were
    seen to tell.
    """

    codewords: int
    failed: int
    ber: float
    predicted_failure: float
    limit: float
    excess_bins: tuple[int, ...]
    decided: bool

    @property
    def passed(self) -> bool:
        """Get whether the tail is known to keep the limit, and nowhere stands out of random errors."""
        kept = self.failed == 0 and self.predicted_failure <= self.limit
        return self.decided and kept and not self.excess_bins


def burst_tail(code: ReedSolomon, counts: NDArray[np.integer], *, limit: float) -> BurstTail:
    """Test a histogram of codewords by their wrong symbols: counts[k] had k, the last bin all beyond.

    The logarithm of the last four bins beyond the mean that hold at least five codewords is fitted
    by a line, weighted by what they hold, and read off at t + 1. Raise FecError for what is no
    histogram of the code.
    """
    bins = np.asarray(counts)
    if bins.ndim != 1 or bins.size != code.correctable + 2 or not np.issubdtype(bins.dtype, np.integer):
        raise FecError(
            f"{bins.shape} {bins.dtype} is no histogram of {code.name}: give whole numbers for 0 to"
            f" {code.correctable} wrong symbols and, last, for uncorrected codewords"
        )
    if (bins < 0).any() or bins.sum() == 0:
        raise FecError("a histogram needs codewords, and no negative count")
    total, failed = int(bins.sum()), int(bins[-1])
    wrong = np.arange(bins.size - 1)
    mean = float(wrong @ bins[:-1]) / total
    ber = -math.expm1(math.log1p(-min(mean / code.symbols, 1.0 - 1e-12)) / code.bits_per_symbol)
    expected = total * expected_histogram(code, ber)[: bins.size - 1] if ber > 0 else np.zeros(bins.size - 1)
    crowded = (bins[:-1] >= _LEAST_IN_BIN) & (bins[:-1] > _MOST_OVER_RANDOM * expected)
    crowded &= wrong > mean
    return BurstTail(
        total,
        failed,
        ber,
        max(_extrapolated(bins, mean, total), failed / total),
        limit,
        tuple(int(k) for k in np.flatnonzero(crowded)),
        total >= LEAST_CODEWORDS,
    )


def _extrapolated(bins: NDArray[np.integer], mean: float, total: int) -> float:
    """Read a line through the logarithms of the last populated bins off at the first failure.

    The tail of random errors falls ever faster, so a line from its end errs towards failure; one
    from its beginning would hide what bursts put at its end.
    """
    places = np.flatnonzero(bins[:-1] >= _LEAST_IN_FIT)
    places = places[places > mean][-_BINS_IN_FIT:]
    if places.size < 2:
        return 0.0
    weights = np.sqrt(bins[places].astype(np.float64))  # the error of a logarithm is 1 / sqrt(count)
    slope, level = np.polyfit(places, np.log10(bins[places] / total), 1, w=weights)
    return float(min(10.0 ** (level + slope * (bins.size - 1)), 1.0))


def _log_shares(code: ReedSolomon, ber: float) -> FloatArray:
    from scipy.special import gammaln

    ratio = symbol_error_ratio(code, ber)
    wrong = np.arange(code.symbols + 1.0)
    ways = gammaln(code.symbols + 1.0) - gammaln(wrong + 1.0) - gammaln(code.symbols - wrong + 1.0)
    logs = ways + wrong * math.log(ratio) + (code.symbols - wrong) * code.bits_per_symbol * math.log1p(-ber)
    return np.asarray(logs, dtype=np.float64)


def _check_ber(ber: float) -> None:
    if not 0 < ber < 1:
        raise FecError(f"a bit error ratio of {ber} must lie between 0 and 1")
