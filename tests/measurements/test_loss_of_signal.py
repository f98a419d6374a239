import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.loss_of_signal import FlagStep, RampError, loss_of_signal
from measurements.quantity import Bound

POWERS = np.arange(-8.0, -20.1, -0.5)


def ramped(assert_dbm, deassert_dbm, powers=POWERS):
    """A flag with hysteresis, ramped down and up again."""
    raised, steps = False, []
    for power in [*powers, *powers[-2::-1]]:
        raised = power < assert_dbm or (raised and power < deassert_dbm)
        steps.append(FlagStep(float(power), bool(raised)))
    return steps


def replaced(steps, **raised_at):
    changed = {int(key[1:]): value for key, value in raised_at.items()}
    return [FlagStep(s.power_dbm, changed.get(i, s.raised)) for i, s in enumerate(steps)]


def test_levels_lie_between_the_steps_that_saw_them():
    found = loss_of_signal(ramped(-14.1, -12.3))
    assert (found.asserted.power_dbm, found.deasserted.power_dbm) == (-14.25, -12.25)
    assert found.hysteresis_db == 2.0
    assert found.asserted.bound is found.deasserted.bound is Bound.EXACT
    assert found.asserted.standard_error_db == pytest.approx(0.5 / math.sqrt(12))
    assert not found.chatters
    quantity = found.hysteresis()
    assert (quantity.value, quantity.unit, quantity.bound) == (2.0, "dB", Bound.EXACT)
    assert quantity.standard_error == pytest.approx(0.5 / math.sqrt(6))
    assert found.asserted.quantity().unit == "dBm"


@given(assert_dbm=st.floats(-18, -12), hysteresis_db=st.floats(0, 3.5), step_db=st.floats(0.05, 1.0))
def test_truth_lies_within_half_a_step(assert_dbm, hysteresis_db, step_db):
    powers = np.arange(-8.0, -20.0, -step_db)
    found = loss_of_signal(ramped(assert_dbm, assert_dbm + hysteresis_db, powers))
    assert abs(found.asserted.power_dbm - assert_dbm) <= 0.5 * step_db + 1e-9
    assert abs(found.deasserted.power_dbm - assert_dbm - hysteresis_db) <= 0.5 * step_db + 1e-9
    assert found.hysteresis_db >= -1e-9


def test_the_stated_error_is_the_scatter_of_the_phase():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        level = rng.uniform(-15, -14)
        result = loss_of_signal(ramped(level, level + rng.uniform(1, 2)))
        found.append(result.asserted.power_dbm - level)
    assert np.std(found) == pytest.approx(0.5 / math.sqrt(12), rel=0.1)


def test_a_flag_that_is_never_raised_has_a_bound_and_no_hysteresis():
    found = loss_of_signal(ramped(-30.0, -29.0))
    assert (found.asserted.power_dbm, found.asserted.bound) == (-20.0, Bound.UPPER)
    assert found.deasserted is None
    assert found.hysteresis_db is None
    assert found.hysteresis() is None


def test_a_flag_that_is_never_dropped_has_a_bound():
    found = loss_of_signal(ramped(-14.1, 0.0))
    assert (found.deasserted.power_dbm, found.deasserted.bound) == (-8.0, Bound.LOWER)
    assert (found.hysteresis().value, found.hysteresis().bound) == (6.25, Bound.LOWER)
    assert found.hysteresis().standard_error is None


def test_a_flag_that_is_raised_from_the_start_has_a_bound():
    steps = [FlagStep(p, p < -7.5) for p in (-8.0, -9.0, -10.0, -9.0, -8.0, -7.0)]
    found = loss_of_signal(steps)
    assert (found.asserted.power_dbm, found.asserted.bound) == (-8.0, Bound.LOWER)
    assert (found.hysteresis().value, found.hysteresis().bound) == (0.5, Bound.UPPER)


def test_two_bounds_that_pull_both_ways_say_nothing():
    found = loss_of_signal([FlagStep(p, True) for p in (-8.0, -9.0, -10.0, -9.0, -8.0)])
    assert found.asserted.bound is found.deasserted.bound is Bound.LOWER
    assert found.hysteresis() is None


def test_chatter_is_noticed_and_widens_the_level():
    steps = replaced(ramped(-14.1, -12.3), _10=True)  # raised at -13.0, clear again at -13.5 and -14.0
    found = loss_of_signal(steps)
    assert found.chatters
    assert found.asserted.chatters
    assert not found.deasserted.chatters
    assert found.asserted.changes == 3
    assert found.asserted.power_dbm == pytest.approx(-13.5)
    assert found.asserted.standard_error_db == pytest.approx(2.0 / math.sqrt(12))
    assert found.hysteresis().evidence["chatters"] is True


def test_chatter_on_the_way_up():
    steps = ramped(-14.1, -12.3)
    up = next(i for i in range(len(POWERS), len(steps)) if steps[i].power_dbm == -11.0)
    found = loss_of_signal(replaced(steps, **{f"_{up}": True}))
    assert found.deasserted.chatters
    assert found.deasserted.changes == 3


def test_the_lowest_step_belongs_to_both_sides():
    steps = [FlagStep(-10.0, False), FlagStep(-12.0, True), FlagStep(-10.0, False)]
    found = loss_of_signal(steps)
    assert found.asserted.power_dbm == found.deasserted.power_dbm == -11.0


@pytest.mark.parametrize(
    ("powers", "words"),
    [
        ([], "ramp of 0 steps"),
        ([-8.0, -9.0], "ramp of 2 steps"),
        ([-8.0, -9.0, -10.0], "does not go up"),
        ([-10.0, -9.0, -8.0], "does not go down"),
        ([-8.0, -9.0, -8.5, -10.0, -9.0], "step 3 of the ramp goes from -9.00 to -8.50 dBm while"),
        ([-8.0, -10.0, -9.0, -9.5, -8.0], "should rise"),
        ([-8.0, -9.0, -9.0, -10.0, -9.0], "should fall"),
        ([-8.0, -math.inf, -9.0], "step 2 of the ramp stands at -inf dBm"),
        ([-8.0, math.nan, -9.0], "stands at nan dBm"),
    ],
)
def test_a_ramp_out_of_order_is_refused(powers, words):
    with pytest.raises(RampError, match=words):
        loss_of_signal([FlagStep(p, p < -9.2) for p in powers])


def test_an_inverted_flag_is_refused():
    steps = [FlagStep(s.power_dbm, not s.raised) for s in ramped(-14.1, -12.3)]
    with pytest.raises(RampError, match="inverted"):
        loss_of_signal(steps)


def test_a_flag_read_too_early_is_refused():
    steps = [FlagStep(-8.0, False), FlagStep(-20.0, False), FlagStep(-15.0, True), FlagStep(-8.0, False)]
    with pytest.raises(RampError, match="before it had settled"):
        loss_of_signal(steps)
