import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.special import ndtr
from scipy.stats import binom, chi2

from measurements.ber import Coding, ber_to_q
from measurements.q_line import QLine, fit_lines
from tests.measurements.receivers import TARGET, TRUE_DBM, Receiver

FOUR = (-0.6, -0.2, 0.2, 0.6)
WINDOW_DB = 1.25


def slow_fit(counts, target):
    """Maximise the binomial likelihood in crossing and slope, by a general optimiser and its Hessian."""
    target_db = 10 * np.log10(ber_to_q(target, counts.coding))

    def loss(parameters):
        crossing, slope = parameters
        q = 10 ** ((target_db + slope * (counts.power_dbm - crossing)) / 10)
        return -np.sum(binom.logpmf(counts.errors, counts.bits, counts.coding.value * ndtr(-q)))

    found = minimize(
        loss, [TRUE_DBM + 0.2, 1.1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    step = 1e-4
    hessian = np.array(
        [
            (approx_fprime(found.x + e, loss, step) - approx_fprime(found.x - e, loss, step)) / (2 * step)
            for e in step * np.eye(2)
        ]
    )
    return found.x, np.sqrt(np.linalg.inv(hessian)[0, 0])


@pytest.mark.parametrize("bits", [30_000, 10**5, 10**7])
def test_the_line_is_the_likeliest(bits):
    rng = np.random.default_rng(bits)
    for _ in range(5):
        counts = Receiver().population(FOUR, bits=bits, trials=1, rng=rng)
        line = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB)
        alone = type(counts)(counts.power_dbm, counts.bits, counts.errors[0], counts.coding)
        (crossing, slope), error = slow_fit(alone, TARGET)
        assert line.power_dbm[0] == pytest.approx(crossing, abs=1e-4)
        assert line.slope[0] == pytest.approx(slope, abs=1e-3)
        # The expected information against the observed: they part where errors are few.
        assert line.standard_error_db[0] == pytest.approx(error, rel=0.1 if bits > 30_000 else 0.3)


def test_a_population_is_fitted_as_each_alone():
    rng = np.random.default_rng(4)
    counts = Receiver().population(FOUR, bits=10**6, trials=50, rng=rng)
    together = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB)
    for i in range(50):
        alone = type(counts)(counts.power_dbm, counts.bits, counts.errors[i], counts.coding)
        line = fit_lines(alone, target_ber=TARGET, window_db=WINDOW_DB)
        assert float(line.power_dbm) == pytest.approx(float(together.power_dbm[i]), abs=1e-8)
        assert float(line.chi_square) == pytest.approx(float(together.chi_square[i]), abs=1e-6)


@pytest.mark.parametrize(
    ("receiver", "bits"),
    [
        (Receiver(), 10**7),
        (Receiver(), 10**6),
        (Receiver(), 10**5),
        (Receiver(slope=1.3), 10**7),
        (Receiver(coding=Coding.NRZ, target=5e-5), 10**7),
        (Receiver(target=1.25e-2), 10**6),
    ],
    ids=["1e7", "1e6", "24 errors at the target", "steep", "NRZ", "cFEC"],
)
def test_value_and_standard_error_are_honest(receiver, bits):
    """The facts: 0.000 (.004) dB at 1e7 bits on PAM4."""
    counts = receiver.population(FOUR, bits=bits, trials=6000, rng=np.random.default_rng(9))
    line = fit_lines(counts, target_ber=receiver.target, window_db=WINDOW_DB)
    away, error = line.power_dbm - TRUE_DBM, line.standard_error_db
    assert abs(away.mean()) < max(0.05 * away.std(), 4 * away.std() / np.sqrt(away.size))
    assert np.mean(error) == pytest.approx(away.std(), rel=0.05)
    assert np.mean(np.abs(away) < 1.96 * error) == pytest.approx(0.95, abs=0.015)
    assert np.mean(line.chi_square > chi2.ppf(0.95, 2)) == pytest.approx(0.05, abs=0.015)
    if receiver.slope == 1.0 and bits == 10**7 and receiver.coding is Coding.PAM4:
        assert away.std() == pytest.approx(0.004, abs=0.0005)


def test_the_standard_error_holds_power_repeatability():
    counts = Receiver().population(
        FOUR, bits=10**9, trials=4000, rng=np.random.default_rng(6), power_error_db=0.015
    )
    line = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB, power_repeatability_db=0.015)
    away = line.power_dbm - TRUE_DBM
    assert np.mean(line.standard_error_db) == pytest.approx(away.std(), rel=0.05)
    assert np.mean(np.abs(away) < 1.96 * line.standard_error_db) == pytest.approx(0.95, abs=0.015)


def test_few_errors_are_worth_more_fitted_than_dropped():
    """Dropping points of fewer than ten errors, and weighting the rest by what they showed, is biased."""
    counts = Receiver().population(FOUR, bits=10**5, trials=4000, rng=np.random.default_rng(2))
    likeliest = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB).power_dbm - TRUE_DBM
    target_db = 10 * np.log10(ber_to_q(TARGET, Coding.PAM4))
    kept = np.where(counts.errors >= 10, counts.errors, 0.0)
    x, y = counts.power_dbm, counts.q_db()
    total = kept.sum(axis=1)
    centre, level = (kept * x).sum(axis=1) / total, (kept * y).sum(axis=1) / total
    away = x - centre[:, None]
    slope = (kept * away * y).sum(axis=1) / (kept * away**2).sum(axis=1)
    dropped = (centre + (target_db - level) / slope - TRUE_DBM)[np.count_nonzero(kept, axis=1) >= 3]
    assert abs(np.median(likeliest)) < 0.004 < abs(np.median(dropped))
    assert likeliest.std() < dropped.std()
    assert dropped.size < 0.95 * likeliest.size


def test_a_relative_noise_floor_bends_the_line_as_the_facts_say():
    """The facts: +.014 dB on the Q scale with a floor of 1e-8; the squared term tells it."""
    counts = Receiver(floor=1e-8).population(FOUR, bits=10**7, trials=2000, rng=np.random.default_rng(8))
    line = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB)
    bias = np.mean(line.power_dbm) - TRUE_DBM
    _, significance, shift_db = line.bend()
    assert bias == pytest.approx(0.0145, abs=0.001)
    assert np.mean(shift_db) == pytest.approx(-bias, abs=0.001)
    assert np.mean(significance) < -2.0


def test_points_that_can_tell_nothing_are_left_out():
    receiver = Receiver()
    powers = TRUE_DBM + np.array([-3.0, -0.6, -0.2, 0.2, 0.6, 5.0])
    errors = np.rint(1e7 * receiver.ber(powers))
    counts = receiver.population(powers - TRUE_DBM, bits=1e7, trials=1, rng=np.random.default_rng(1))
    counts = type(counts)(powers, counts.bits, errors, counts.coding)
    near = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB)
    assert near.used.tolist() == [False, True, True, True, True, False]
    assert fit_lines(counts, target_ber=TARGET, window_db=np.inf).used.tolist() == [True] * 5 + [False]


def test_a_line_draws_the_waterfall():
    line = QLine(TRUE_DBM, 10 * np.log10(ber_to_q(TARGET, Coding.PAM4)), 1.0, Coding.PAM4)
    assert line.ber_at(TRUE_DBM) == pytest.approx(TARGET, rel=1e-9)
    assert line.ber_at(-6.0) == pytest.approx(float(Receiver().ber(-6.0)), rel=1e-9)


@pytest.mark.parametrize(
    ("coding", "target", "decades"),
    [
        (Coding.PAM4, 2.4e-4, 1.25),
        (Coding.PAM4, 1e-6, 2.30),
        (Coding.PAM4, 1e-8, 3.19),
        (Coding.NRZ, 1e-12, 5.05),
        (Coding.NRZ, 5e-5, 1.60),
    ],
)
def test_the_waterfall_is_as_steep_as_the_facts_say(coding, target, decades):
    line = QLine(0.0, 10 * np.log10(ber_to_q(target, coding)), 1.0, coding)
    slope = (np.log10(line.ber_at(-0.01)) - np.log10(line.ber_at(0.01))) / 0.02
    assert slope == pytest.approx(decades, abs=0.02)
