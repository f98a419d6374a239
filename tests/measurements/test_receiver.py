import numpy as np
import pytest

from measurements.ber import Coding, ErrorRatio, ber_to_q, q_to_ber
from measurements.quantity import Bound
from measurements.receiver import FitError, NotBracketed, SweepPoint, sensitivity
from tests.measurements.receivers import Receiver

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
    away = np.array([r.power_dbm - TRUE_DBM for r in results])
    stated = np.array([r.standard_error_db for r in results])
    assert abs(away.mean()) < 4 * away.std() / 200**0.5
    assert stated.mean() == pytest.approx(away.std(ddof=1), rel=0.15)
    assert np.mean(np.abs(away) < 1.96 * stated) == pytest.approx(0.95, abs=0.035)


def test_points_that_tell_nothing_are_shown_not_fitted():
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


WIDE = np.arange(-9.0, -3.9, 0.5) + 0.13


@pytest.mark.parametrize("floor", [1e-10, 1e-8, 1e-6, 1e-5])
def test_a_sweep_with_a_floor_is_right_to_a_hundredth_and_says_so(floor):
    """Noise that grows with the light bends the line; near the target a squared term makes up for it."""
    found = sensitivity(Receiver(floor=floor).points(WIDE, bits=10**9), target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.01)
    assert found.test.floor_suspected
    assert found.bend_correction_db < -0.01
    assert all(abs(p.power_dbm - TRUE_DBM) < 1.3 for p in found.used)
    assert found.quantity().evidence["floor_suspected"] is True


def test_a_floor_that_no_light_takes_away_is_told_and_widens_the_error():
    receiver = Receiver(added=1e-5)
    found = sensitivity(receiver.points(WIDE, bits=10**9), target_ber=TARGET)
    truth = np.interp(-TARGET, -receiver.ber(fine := np.linspace(-7, -6, 10_001)), fine)
    assert found.test.floor_suspected
    assert abs(found.power_dbm - truth) < 0.03
    assert abs(found.power_dbm - truth) < 2 * found.standard_error_db


def test_the_corrected_standard_error_is_the_scatter():
    rng, receiver = np.random.default_rng(12), Receiver(floor=1e-6)
    found = [sensitivity(receiver.points(WIDE, rng=rng), target_ber=TARGET) for _ in range(150)]
    scatter = np.std([f.power_dbm for f in found], ddof=1)
    assert np.mean([f.standard_error_db for f in found]) == pytest.approx(scatter, rel=0.2)


def test_an_outlier_of_a_sweep_is_named():
    points = swept([-7.5, -7.1, -6.9, -6.7, -6.5, -6.3, -5.9, -5.5], bits=10**8)
    points[3] = SweepPoint(-6.7, swept([-6.55], bits=10**8)[0].count)
    found = sensitivity(points, target_ber=TARGET)
    assert found.test.outliers_dbm == (-6.7,)
    assert not found.test.passed
    assert found.bend_correction_db == 0.0


def test_overload_does_not_reach_into_the_sensitivity():
    receiver = Receiver(crushed_dbm=-3.0)
    found = sensitivity(receiver.points(np.arange(-9.0, 3.1, 0.5)), target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.01)
    assert found.test.passed


def test_a_coarse_sweep_is_fitted_whole():
    found = sensitivity(Receiver().points([-9.5, -8.9, -4.9], bits=10**9), target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.01)
    assert len(found.used) == 3


def test_points_with_few_errors_bracket_the_target():
    points = [*swept([-7.1, -6.8, -6.6], bits=10**5), SweepPoint(-6.0, ErrorRatio(10**5, 2))]
    found = sensitivity(points, target_ber=TARGET)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=3 * found.standard_error_db)
    assert len(found.used) == 4


def test_nothing_is_extrapolated_from_a_sweep():
    points = swept([-6.45, -6.2, -5.9], bits=10**6)
    points[0] = SweepPoint(-6.45, ErrorRatio(10**6, 231))
    with pytest.raises(NotBracketed, match="nothing is extrapolated") as refused:
        sensitivity(points, target_ber=TARGET)
    assert refused.value.crossing_dbm == pytest.approx(TRUE_DBM, abs=0.05)


def test_repeatability_of_the_powers_joins_the_counts():
    points = swept([-7.1, -6.7, -6.3, -5.9], bits=10**9)
    alone, joined = (
        sensitivity(points, target_ber=TARGET, power_repeatability_db=error) for error in (0.0, 0.02)
    )
    assert alone.standard_error_db < 0.001
    assert joined.standard_error_db == pytest.approx(0.01, rel=0.1)


def test_a_sweep_that_cannot_be_is_refused():
    good = swept([-7.1, -6.7, -6.3, -5.9])
    with pytest.raises(FitError, match="stands at nan dBm"):
        sensitivity([*good, SweepPoint(float("nan"), ErrorRatio(10, 1))], target_ber=TARGET)
    with pytest.raises(FitError, match=r"target BER of 0\.5 has no Q"):
        sensitivity(good, target_ber=0.5)
    with pytest.raises(FitError, match="repeatability of inf"):
        sensitivity(good, target_ber=TARGET, power_repeatability_db=float("inf"))


def test_the_refusal_of_a_line_names_what_spoils_it():
    points = swept([-7.5, -7.1, -6.7, -6.3, -5.9, -5.5])
    points[4] = SweepPoint(-5.9, ErrorRatio(10**7, 40_000))
    with pytest.raises(FitError, match=r"the point at -5\.90 dBm does not lie with the others"):
        sensitivity(points, target_ber=TARGET)
