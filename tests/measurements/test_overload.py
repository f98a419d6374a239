import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from measurements.ber import Coding, ErrorRatio
from measurements.overload import Overload, overload, two_sided
from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.receiver import FitError, SweepPoint
from tests.measurements.receivers import TARGET, TRUE_DBM, Receiver

SWEEP = np.arange(-9.0, 5.1, 0.5)


def crushed(**options):
    """A receiver that is compressed from 0 dBm on."""
    return Receiver(crushed_dbm=0.0, **options)


def right_crossing(receiver):
    return brentq(lambda p: float(receiver.ber(p)) - receiver.target, -1.0, 8.0)


def found_in(receiver, powers=SWEEP, **counting):
    return overload(receiver.points(powers, **counting), target_ber=receiver.target, coding=receiver.coding)


@pytest.mark.parametrize("coding", Coding)
def test_overload_is_where_the_errors_come_back(coding):
    receiver = crushed(coding=coding)
    found = found_in(receiver)
    assert found.power_dbm == pytest.approx(right_crossing(receiver), abs=0.02)
    assert (found.bound, found.interpolated) == (Bound.EXACT, False)
    assert found.line.slope < 0
    assert found.line.ber_at(found.power_dbm) == pytest.approx(TARGET, rel=1e-6)
    assert -2 < found.best_dbm < found.turns_up_dbm < found.power_dbm


@settings(deadline=None, max_examples=40)
@given(
    knee_dbm=st.floats(-2, 2),
    crush=st.floats(2.0, 4.0),
    phase=st.floats(0, 0.5),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_overload_is_found(knee_dbm, crush, phase, seed):
    receiver = Receiver(crushed_dbm=knee_dbm, crush=crush)
    powers = np.arange(-9.0, 12.0, 0.5) + phase
    found = found_in(receiver, powers, rng=np.random.default_rng(seed))
    truth = brentq(lambda p: float(receiver.ber(p)) - TARGET, knee_dbm, 14.0)
    assert found.power_dbm == pytest.approx(truth, abs=max(6 * found.standard_error_db, 0.02))


def test_an_overload_that_is_not_reached_is_a_lower_bound():
    found = found_in(Receiver())
    assert (found.power_dbm, found.bound, found.turns_up_dbm) == (SWEEP[-1], Bound.LOWER, None)
    assert found.quantity().bound is Bound.LOWER
    assert found.standard_error_db is None


def test_errors_that_come_back_below_the_target_are_told():
    found = found_in(Receiver(crushed_dbm=0.0, crush=2.6), np.arange(-9.0, 3.1, 0.5), bits=10**9)
    assert found.bound is Bound.LOWER
    assert found.turns_up_dbm is not None
    assert found.turns_up_dbm > found.best_dbm


def test_few_powers_on_the_flank_give_the_middle():
    receiver = crushed()
    truth = right_crossing(receiver)
    found = found_in(receiver, [-7.0, -6.0, -2.0, truth - 0.8, truth + 1.2])
    assert found.interpolated
    assert (found.bound, found.power_dbm) == (Bound.EXACT, pytest.approx(truth + 0.2))
    assert found.standard_error_db == pytest.approx(2.0 / 12**0.5)
    assert found.line is None


def test_a_lock_lost_in_strong_light_is_an_overload_too():
    points = [*Receiver().points(np.arange(-9.0, 2.0, 0.5)), SweepPoint(2.0, ErrorRatio(10**7, 5 * 10**6))]
    found = overload(points, target_ber=TARGET)
    assert found.interpolated
    assert found.power_dbm == pytest.approx(1.75)


def test_a_receiver_that_never_meets_the_target_has_no_overload():
    found = found_in(crushed(added=1e-3))
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED
    assert "the best is 1.0" in found.reason
    assert isinstance(two_sided(crushed(added=1e-3).points(SWEEP), target_ber=TARGET), NotMeasurable)


def test_a_hole_in_the_curve_is_refused():
    points = Receiver().points(SWEEP)
    points[20] = SweepPoint(points[20].power_dbm, ErrorRatio(10**7, 10**5))
    with pytest.raises(FitError, match="meets it again"):
        overload(points, target_ber=TARGET)


def test_no_points_and_no_powers_are_refused():
    with pytest.raises(FitError, match="no point"):
        overload([], target_ber=TARGET)
    with pytest.raises(FitError, match="stands at nan"):
        overload([SweepPoint(float("nan"), ErrorRatio(10, 1))], target_ber=TARGET)


def test_both_flanks_of_one_curve():
    receiver = crushed()
    both = two_sided(receiver.points(SWEEP), target_ber=TARGET)
    assert both.sensitivity.power_dbm == pytest.approx(TRUE_DBM, abs=0.01)
    assert both.overload.power_dbm == pytest.approx(right_crossing(receiver), abs=0.02)
    quantity = both.quantity()
    assert quantity.value == both.range_db == both.overload.power_dbm - both.sensitivity.power_dbm
    assert (quantity.unit, quantity.bound) == ("dB", Bound.EXACT)
    assert quantity.standard_error == pytest.approx(
        np.hypot(both.sensitivity.standard_error_db, both.overload.standard_error_db)
    )


def test_a_range_that_ends_nowhere_is_a_lower_bound():
    both = two_sided(Receiver().points(SWEEP), target_ber=TARGET)
    assert both.quantity().bound is Bound.LOWER
    assert both.quantity().standard_error is None
    both = two_sided(crushed().points(np.arange(-5.0, 5.1, 0.5)), target_ber=TARGET)
    assert both.sensitivity.bound is Bound.UPPER
    assert both.quantity().bound is Bound.LOWER


def test_overload_goes_into_the_record():
    found = found_in(crushed())
    assert isinstance(found, Overload)
    assert found.quantity().unit == "dBm"
    assert len(found.quantity().evidence["points"]) == len(SWEEP)
