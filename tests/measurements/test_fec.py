import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.ber import Coding
from measurements.fec import (
    CFEC,
    KP4,
    KR4,
    OFEC,
    FecError,
    burst_tail,
    codeword_failure,
    expected_histogram,
    frame_loss_bound,
    margin,
    symbol_error_ratio,
)


def test_codes_are_what_they_are_called():
    assert (KR4.correctable, KP4.correctable) == (7, 15)
    assert KP4.codeword_bits == 5440


@pytest.mark.parametrize(
    ("code", "ber", "expected"),
    [
        (KP4, 1e-4, 1.4e-18),
        (KP4, 2.0e-4, 5.4e-14),
        (KP4, 2.4e-4, 8.15e-13),
        (KP4, 2.6e-4, 2.7e-12),
        (KP4, 3e-4, 2.1e-11),
        (KP4, 4e-4, 1.3e-9),
        (KR4, 1e-5, 1.4e-15),
        (KR4, 5e-5, 4.4e-10),
    ],
)
def test_published_failures(code, ber, expected):
    assert codeword_failure(code, ber) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize(("code", "ber"), [(KP4, 2.4e-4), (KP4, 1e-5), (KR4, 1e-6), (KP4, 3e-3)])
def test_failures_are_those_of_exact_arithmetic(code, ber):
    getcontext().prec = 60
    right = (1 - Decimal(ber)) ** code.bits_per_symbol
    terms = (
        math.comb(code.symbols, k) * (1 - right) ** k * right ** (code.symbols - k)
        for k in range(code.correctable + 1, code.correctable + 40)
    )
    assert codeword_failure(code, ber) == pytest.approx(float(sum(terms)), rel=1e-9)


def test_a_failure_of_next_to_nothing_is_still_a_number():
    assert 0 < codeword_failure(KP4, 1e-9) < 1e-80


def test_published_histograms():
    published = [0.271, 0.354, 0.231, 0.100, 0.0326, 8.5e-3, 1.8e-3, 3.4e-4, 5.5e-5, 7.8e-6, 1.0e-6, 1.2e-7]
    assert expected_histogram(KP4, 2.4e-4)[:12] == pytest.approx(published, rel=0.05)
    assert expected_histogram(KP4, 1e-5)[:4] == pytest.approx([0.947, 0.0515, 1.4e-3, 2.5e-5], rel=0.03)
    assert expected_histogram(KP4, 2.4e-4).sum() == pytest.approx(1.0)


def test_frame_loss_of_the_clauses():
    assert frame_loss_bound(KP4, 2.4e-4) == pytest.approx(9.2e-13, rel=0.01)
    assert frame_loss_bound(KP4, 2.4e-4, interleaved=2) == pytest.approx(1.63e-12, rel=0.01)
    with pytest.raises(FecError, match="none"):
        frame_loss_bound(KP4, 2.4e-4, interleaved=0)


def test_margins():
    at = margin(KP4, 2.4e-4)
    assert (at.q_db, at.decades) == (pytest.approx(0.0), pytest.approx(0.0))
    assert margin(KP4, 1e-6).decades == pytest.approx(math.log10(240))
    assert margin(KP4, 1e-6).q_db == pytest.approx(1.40, abs=0.02)
    assert margin(KR4, 1e-4, coding=Coding.NRZ).q_db < 0
    # The thresholds of coherent modems are error ratios that PAM4 still has a Q for.
    assert margin(CFEC, 1e-2).decades == pytest.approx(0.0969, abs=1e-4)
    assert math.isnan(margin(OFEC, 0.45).q_db)


@settings(max_examples=40)
@given(low=st.floats(1e-9, 1e-3), factor=st.floats(1.05, 5.0))
def test_more_errors_fail_more(low, factor):
    assert codeword_failure(KP4, low * factor) > codeword_failure(KP4, low)
    assert symbol_error_ratio(KP4, low) == pytest.approx(10 * low, rel=0.01)


def drawn(code, ber, codewords, seed=1):
    shares = expected_histogram(code, ber)
    folded = np.append(shares[: code.correctable + 1], shares[code.correctable + 1 :].sum())
    return np.random.default_rng(seed).multinomial(codewords, folded / folded.sum())


def test_random_errors_have_no_tail():
    found = burst_tail(KP4, drawn(KP4, 1e-4, 2_000_000_000), limit=1e-12)
    assert found.passed
    assert found.ber == pytest.approx(1e-4, rel=0.01)
    assert found.excess_bins == ()


def test_bursts_stand_out_of_random_errors():
    counts = drawn(KP4, 1e-5, 2_000_000_000)
    counts[6:12] += np.array([4000, 2500, 1500, 900, 500, 300])
    found = burst_tail(KP4, counts, limit=1e-12)
    assert not found.passed
    assert set(range(6, 12)) <= set(found.excess_bins)
    assert found.predicted_failure > 1e-9


def test_a_codeword_lost_is_a_fail_whatever_the_fit_says():
    counts = drawn(KP4, 1e-5, 2_000_000_000)
    counts[-1] = 1
    found = burst_tail(KP4, counts, limit=1e-12)
    assert found.failed == 1
    assert found.predicted_failure >= 1 / 2e9 * 0.99
    assert not found.passed


def test_too_few_codewords_decide_nothing():
    found = burst_tail(KP4, drawn(KP4, 1e-5, 1_000_000), limit=1e-12)
    assert not found.decided
    assert not found.passed


def test_no_errors_at_all_pass():
    counts = np.zeros(17, dtype=np.int64)
    counts[0] = 2 * 10**9
    found = burst_tail(KP4, counts, limit=1e-12)
    assert found.passed
    assert found.ber == 0.0


@pytest.mark.parametrize(
    "counts",
    [np.ones(16, dtype=int), np.ones(17), np.zeros(17, dtype=int), np.full(17, -1), np.ones((17, 1), int)],
)
def test_what_is_no_histogram_is_refused(counts):
    with pytest.raises(FecError):
        burst_tail(KP4, counts, limit=1e-12)


@pytest.mark.parametrize("ber", [0.0, 1.0, -1e-3, float("nan")])
def test_what_is_no_error_ratio_is_refused(ber):
    with pytest.raises(FecError):
        codeword_failure(KP4, ber)
