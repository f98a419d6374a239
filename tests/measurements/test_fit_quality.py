import numpy as np
import pytest

from measurements.ber import Coding, ErrorRatio
from measurements.few_points import few_point_sensitivity
from measurements.fit_quality import FALSE_ALARM
from measurements.receiver import FitError, SweepPoint, sensitivity
from tests.measurements.receivers import TARGET, TRUE_DBM, Receiver

FOUR = TRUE_DBM + np.array([-0.6, -0.2, 0.2, 0.6])
EIGHT = TRUE_DBM + np.linspace(-1.1, 1.1, 8)


def few(points, **options):
    return few_point_sensitivity(points, target_ber=TARGET, **options)


def moved(points, index, decibels):
    """Count one point as if its power had been off."""
    points = list(points)
    shown = points[index]
    count = Receiver().points([shown.power_dbm + decibels], bits=shown.count.bits)[0].count
    points[index] = SweepPoint(shown.power_dbm, count)
    return points


def test_a_line_passes():
    test = few(Receiver().points(FOUR)).test
    assert test.passed
    assert test.complaint is None
    assert (test.p_value > 0.99, test.degrees_of_freedom, test.outliers_dbm) == (True, 2, ())
    assert abs(test.bend_significance) < 0.1
    assert np.abs(test.residuals).max() < 0.1
    assert len(test.residuals) == 4


def test_a_perfect_receiver_is_seldom_complained_of():
    rng = np.random.default_rng(11)
    tests = [few(Receiver().points(FOUR, rng=rng)).test for _ in range(400)]
    failed = np.mean([not test.passed for test in tests])
    named = np.mean([bool(test.outliers_dbm) for test in tests])
    assert failed < 4 * FALSE_ALARM  # two tests, and the luck of 400 trials
    assert named < 3 * FALSE_ALARM


@pytest.mark.parametrize("floor", [1e-6, 1e-5])
@pytest.mark.parametrize("bits", [10**8, 10**9])
def test_a_floor_is_suspected_in_four_points(floor, bits):
    test = few(Receiver(floor=floor).points(FOUR, bits=bits)).test
    assert test.floor_suspected
    assert not test.passed
    assert test.bend_db_per_db2 < 0
    assert test.bend_shift_db < -0.02
    assert "error floor or overload" in test.complaint
    assert "sweep the whole curve" in test.complaint


def test_a_floor_is_suspected_in_three_points():
    three = TRUE_DBM + np.array([-0.5, 0.0, 0.5])
    test = few(Receiver(floor=1e-6).points(three, bits=10**9)).test
    assert test.floor_suspected
    assert test.outliers_dbm == ()


@pytest.mark.parametrize("index", range(8))
@pytest.mark.parametrize("decibels", [-0.15, 0.15])
def test_one_outlier_among_many_is_named(index, decibels):
    test = few(moved(Receiver().points(EIGHT, bits=10**9), index, decibels)).test
    assert test.outliers_dbm == (EIGHT[index],)
    assert not test.passed
    assert f"{EIGHT[index]:.2f} dBm does not lie with the others" in test.complaint


def test_two_outliers_among_eight_are_named():
    points = moved(moved(Receiver().points(EIGHT), 1, 0.2), 5, 0.2)
    assert few(points).test.outliers_dbm == (EIGHT[1], EIGHT[5])


def test_an_outlier_among_four_is_named_though_a_bend_may_be_too():
    test = few(moved(Receiver().points(FOUR), 1, -0.1)).test
    assert FOUR[1] in test.outliers_dbm
    assert not test.passed


def test_three_points_cannot_name_one():
    three = TRUE_DBM + np.array([-0.5, 0.0, 0.5])
    test = few(moved(Receiver().points(three), 1, -0.1)).test
    assert not test.passed
    assert test.outliers_dbm == ()


def test_scatter_of_the_powers_is_told_and_widens_the_error():
    points = Receiver().points(EIGHT)
    shaken = [moved(points, i, 0.08 * (-1) ** (i // 2))[i] for i in range(8)]
    found = few(shaken)
    assert not found.test.passed
    assert "settle longer" in found.test.complaint
    assert found.test.excess > 4
    assert found.standard_error_db > 2 * few(points).standard_error_db
    told = few(shaken, power_repeatability_db=0.08)
    assert told.test.passed


def test_the_record_gets_the_figures():
    evidence = few(Receiver(floor=1e-6).points(FOUR, bits=10**8)).quantity().evidence
    assert evidence["floor_suspected"] is True
    assert evidence["fit_p_value"] < 0.01
    assert evidence["outliers_dbm"] == [] or len(evidence["outliers_dbm"]) == 1


def test_nrz_is_tested_on_its_own_scale():
    receiver = Receiver(coding=Coding.NRZ, target=5e-5)
    assert sensitivity(receiver.points(FOUR), target_ber=5e-5, coding=Coding.NRZ).test.passed


def test_a_count_that_lost_its_errors_is_refused_by_name():
    points = Receiver().points(EIGHT)
    points[3] = SweepPoint(EIGHT[3], ErrorRatio(10**7, 0))
    with pytest.raises(FitError, match=r"the point at -6\.66 dBm does not lie with the others"):
        few(points)
