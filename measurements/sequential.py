"""A bit error test that stops as soon as it can: Wald's sequential probability ratio with stated risks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from measurements.units import FloatArray

_GATES = 400
"""Looks at the count, in the time of the longest test, by which risks and lengths are computed."""
_SHRINK = 0.93
_TRIES = 60


class SequentialError(ValueError):
    """A test that cannot be designed, or a count that cannot be."""


class Decision(StrEnum):
    """What a count so far allows to say."""

    ACCEPT = "accept"
    REJECT = "reject"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class FixedTest:
    """The shortest test of fixed length with the same risks: so many errors in so many bits are accepted."""

    bits: float
    most_errors: int


@dataclass(frozen=True, slots=True)
class Operation:
    """How a test ends at one true BER: shares of outcomes, and the mean length in bits."""

    ber: float
    accepted: float
    rejected: float
    mean_bits: float


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """A test of Poisson errors between a good and a bad BER (Wald, 1947).

    `alpha` is the stated risk to reject at `good_ber`, `beta` that to accept at `bad_ber`. The test
    accepts when the log likelihood ratio has fallen to `accept_at` and rejects when it has risen to
    `reject_at`. After `most_bits` it ends: at most `most_errors` are accepted. Both risks hold with
    that end counted in, and wherever between two errors the count is looked at.

    It cannot shorten a claim that rests on no error at all: for that 2.996 / BER bits (95 %) are
    needed whatever the test. Errors in bursts break it; see `ber.dispersion`.
    """

    good_ber: float
    bad_ber: float
    alpha: float
    beta: float
    accept_at: float
    reject_at: float
    most_bits: float
    most_errors: int
    fixed: FixedTest

    @classmethod
    def design(
        cls,
        good_ber: float,
        bad_ber: float,
        *,
        alpha: float = 0.01,
        beta: float = 0.01,
        longest: float = 2.0,
    ) -> SequentialTest:
        """Design a test that is at most `longest` times as long as the fixed one of the same risks.

        Cutting a test off costs risk, which narrower bounds before it pay for. Raise
        SequentialError for ratios and risks that make no test.
        """
        if not 0 < good_ber < bad_ber < 1:
            raise SequentialError(
                f"BERs of {good_ber} and {bad_ber}: the good one must be less, both within 0 to 1"
            )
        if not (0 < alpha < 0.5 and 0 < beta < 0.5 and longest >= 1):
            raise SequentialError(
                f"risks of {alpha}, {beta} and a length of {longest}: below 0.5, and at least 1"
            )
        fixed = fixed_test(good_ber, bad_ber, alpha=alpha, beta=beta)
        most_bits = longest * fixed.bits
        # Where both hypotheses are as likely.
        most_errors = math.floor(most_bits * (bad_ber - good_ber) / math.log(bad_ber / good_ber))
        inner_alpha, inner_beta = alpha, beta
        for _ in range(_TRIES):
            test = cls(
                good_ber,
                bad_ber,
                alpha,
                beta,
                math.log(inner_beta / (1.0 - inner_alpha)),
                math.log((1.0 - inner_beta) / inner_alpha),
                most_bits,
                most_errors,
                fixed,
            )
            good, bad = test.operation(good_ber), test.operation(bad_ber)
            if good.rejected <= alpha and bad.accepted <= beta:
                return test
            inner_alpha *= _SHRINK if good.rejected > alpha else 1.0
            inner_beta *= _SHRINK if bad.accepted > beta else 1.0
        raise SequentialError(
            f"no test of {longest} times the fixed length keeps risks of {alpha} and {beta}"
        )

    def likelihood_ratio(self, bits: float, errors: int) -> float:
        """Compute the logarithm of the likelihood of the bad BER over that of the good one."""
        return errors * math.log(self.bad_ber / self.good_ber) - bits * (self.bad_ber - self.good_ber)

    def decide(self, bits: float, errors: int) -> Decision:
        """Decide by all that was counted so far. Raise SequentialError for what is no count."""
        if not bits >= 0 or errors < 0 or errors > bits:
            raise SequentialError(f"{errors} errors in {bits} bits is not a count")
        ratio = self.likelihood_ratio(bits, errors)
        if ratio >= self.reject_at:
            return Decision.REJECT
        if ratio <= self.accept_at:
            return Decision.ACCEPT
        if bits < self.most_bits:
            return Decision.CONTINUE
        return Decision.ACCEPT if errors <= self.most_errors else Decision.REJECT

    def bits_to_accept(self, errors: int) -> float:
        """Get how many bits, with so many errors and no more, end the test by acceptance."""
        slope = self.bad_ber - self.good_ber
        bits = (errors * math.log(self.bad_ber / self.good_ber) - self.accept_at) / slope
        return min(bits, self.most_bits) if errors <= self.most_errors else math.inf

    def operation(self, ber: float, *, gates: int = _GATES) -> Operation:
        """Compute how the test ends at a true BER when the count is looked at after equal gates.

        Exact for Poisson errors: the distribution of counts is carried from gate to gate.
        """
        gate = self.most_bits / gates
        step = _poisson(gate * ber)
        counts, accepted, rejected, length = np.ones(1), 0.0, 0.0, 0.0
        for i in range(1, gates + 1):
            counts = np.convolve(counts, step)[: self._most_counted + 1]
            length += gate * (1.0 - accepted - rejected)
            errors = np.arange(counts.size)
            ratio = errors * math.log(self.bad_ber / self.good_ber) - i * gate * (
                self.bad_ber - self.good_ber
            )
            low, high = ratio <= self.accept_at, ratio >= self.reject_at
            if i == gates:
                few = errors <= self.most_errors
                low, high = low | (~high & few), high | (~low & ~few)
            accepted += float(counts[low].sum())
            rejected = 1.0 - accepted - float(counts[~(low | high)].sum())
            counts = np.where(low | high, 0.0, counts)
        return Operation(ber, accepted, 1.0 - accepted, length)

    @property
    def _most_counted(self) -> int:
        """Get a count that rejects wherever it stands."""
        slope = (self.bad_ber - self.good_ber) / math.log(self.bad_ber / self.good_ber)
        return math.ceil(self.most_bits * slope + self.reject_at / math.log(self.bad_ber / self.good_ber)) + 1

    def saving(self, ber: float) -> float:
        """Get the mean length at a true BER in parts of the fixed test's."""
        return self.operation(ber).mean_bits / self.fixed.bits


def fixed_test(good_ber: float, bad_ber: float, *, alpha: float = 0.01, beta: float = 0.01) -> FixedTest:
    """Find the shortest test of fixed length that keeps both risks (Poisson)."""
    from scipy.special import gammainc, gammaincinv

    for errors in range(1_000_000):
        expected = float(gammaincinv(errors + 1.0, 1.0 - beta))  # at the bad BER
        if gammainc(errors + 1.0, expected * good_ber / bad_ber) <= alpha:
            return FixedTest(expected / bad_ber, errors)
    raise SequentialError(f"BERs of {good_ber} and {bad_ber} are too near to be told apart")


def _poisson(expected: float) -> FloatArray:
    """Compute the probabilities of counts as far as any matters."""
    from scipy.special import gammaln

    counts = np.arange(math.ceil(expected + 12.0 * math.sqrt(expected) + 30.0))
    return np.asarray(
        np.exp(counts * math.log(expected) - expected - gammaln(counts + 1.0)), dtype=np.float64
    )
