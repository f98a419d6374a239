import numpy as np
import pytest

from measurements.ber import Coding, ErrorRatio, ber_to_q, q_to_ber
from measurements.quantity import Bound
from measurements.receiver import FitError, SweepPoint, sensitivity

TARGET = 2.4e-4
TRUE_DBM = -6.5


def true_ber(power_dbm, coding=Coding.PAM4, target=TARGET):
    """Thermal noise alone: Q is proportional to the optical power."""
    return q_to_ber(ber_to_q(target, coding) * 10 ** ((power_dbm - TRUE_DBM) / 10), coding)


def swept(powers, *, bits=10**7, rng=None, ber=true_ber):
    points = []
    for power in powers:
        expected = bits * ber(power)
        errors = round(expected) if rng is None else int(rng.poisson(expected))
        points.append(SweepPoint(power, ErrorRatio(bits, errors)))
    return points


def test_a_thermal_receiver_is_found_exactly():
    found = sensitivity(swept([-7.1, -6.7, -6.3, -5.9]), target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.002)
    assert found.bound is Bound.EXACT
    assert found.line.slope == pytest.approx(1.0, abs=0.01)
    assert found.line.ber_at(TRUE_DBM) == pytest.approx(TARGET, rel=0.01)
    assert found.r_squared > 0.999


def test_nrz_has_its_own_scale():
    points = swept([-7.0, -6.5, -6.0], ber=lambda p: true_ber(p, Coding.NRZ, 5e-5))
    assert sensitivity(points, target_ber=5e-5, coding=Coding.NRZ).power_dbm == pytest.approx(
        TRUE_DBM, abs=0.01
    )


def test_the_standard_error_is_the_scatter():
    rng = np.random.default_rng(3)
    results = [
        sensitivity(swept([-7.1, -6.7, -6.3, -5.9], bits=10**6, rng=rng), target_ber=TARGET)
        for _ in range(200)
    ]
    scatter = np.std([r.power_dbm for r in results], ddof=1)
    assert np.mean([r.power_dbm for r in results]) == pytest.approx(TRUE_DBM, abs=4 * scatter / 200**0.5)
    # A scatter beyond counting widens the error, so the mean stands a little above.
    assert 0.9 * scatter < np.mean([r.standard_error_db for r in results]) < 1.35 * scatter


def test_points_without_enough_errors_are_shown_not_fitted():
    points = [*swept([-7.1, -6.7, -6.3, -5.9]), SweepPoint(0.0, ErrorRatio(10**7, 0))]
    found = sensitivity(points, target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.002)
    assert len(found.points) == 5
    assert len(found.quantity().evidence["points"]) == 5
    assert found.quantity().unit == "dBm"


def test_a_receiver_that_never_reaches_the_target_gets_a_lower_bound():
    found = sensitivity(swept([-10.0, -9.0, -8.0]), target_ber=TARGET)
    assert (found.power_dbm, found.bound, found.line) == (-8.0, Bound.LOWER, None)
    assert found.quantity().bound is Bound.LOWER


def test_a_receiver_that_never_misses_it_gets_an_upper_bound():
    found = sensitivity(swept([-5.0, -4.0, -3.0]), target_ber=TARGET)
    assert (found.power_dbm, found.bound) == (-5.0, Bound.UPPER)


def test_a_floor_spoils_the_line():
    points = swept([-8.0, -7.0, -6.0, -5.0, -4.0, -3.0], ber=lambda p: true_ber(p) + 2.0e-4)
    with pytest.raises(FitError, match="floor"):
        sensitivity(points, target_ber=TARGET)


def test_a_falling_line_is_refused():
    points = swept([-7.1, -6.7, -6.3, -5.9], ber=lambda p: true_ber(2 * TRUE_DBM - p))
    with pytest.raises(FitError, match="slope of -"):
        sensitivity(points, target_ber=TARGET)


@pytest.mark.parametrize(
    ("powers", "bits", "words"),
    [
        ([], 10**7, "no point"),
        ([-6.7, -6.3], 10**7, "3 powers are needed"),
        ([-6.7, -6.5, -6.3], 1000, "count longer"),
        ([-6.5005, -6.0, -5.5], 10**7, "bracket"),
    ],
)
def test_a_sweep_that_tells_nothing_is_refused(powers, bits, words):
    def ber(power):
        return true_ber(power + 0.01) if words == "bracket" else true_ber(power)

    with pytest.raises(FitError, match=words):
        sensitivity(swept(powers, bits=bits, ber=ber), target_ber=TARGET)
