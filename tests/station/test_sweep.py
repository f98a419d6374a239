"""How the power of a receiver is swept: to both sides of the target, with the light that there is."""

from __future__ import annotations

import math

import pytest

from measurements.ber import Coding, ErrorRatio, ber_to_q, q_to_ber
from measurements.quantity import Bound
from measurements.receiver import sensitivity
from station.paths.sweep import Sweep

TARGET = 2.4e-4
BITS = 10**10


def errors_at(power_dbm: float, sensitivity_dbm: float) -> ErrorRatio:
    """A receiver whose Q grows with the light."""
    q = ber_to_q(TARGET, Coding.PAM4) * 10 ** ((power_dbm - sensitivity_dbm) / 10)
    return ErrorRatio(BITS, round(BITS * q_to_ber(q, Coding.PAM4)))


def swept(sensitivity_dbm: float, *, most_dbm: float, locks_from_dbm: float = -math.inf) -> list[float]:
    """The powers that a sweep asks a receiver for, which must end of themselves."""
    sweep = new(most_dbm)
    asked: list[float] = []
    while (power_dbm := sweep.next_dbm) is not None:
        asked.append(power_dbm)
        assert len(asked) < 30
        locked = power_dbm >= locks_from_dbm
        sweep.take(power_dbm, errors_at(power_dbm, sensitivity_dbm) if locked else None)
    return asked


def new(most_dbm: float) -> Sweep:
    return Sweep(start_dbm=-4.5, step_db=0.5, most_dbm=most_dbm, target_ber=TARGET, stop_ber=2e-3)


def test_a_good_receiver_is_swept_downwards_past_its_target():
    asked = swept(-6.8, most_dbm=-3.0)
    assert asked == [-4.5 - 0.5 * n for n in range(len(asked))]
    assert errors_at(asked[-1], -6.8).ber > 2e-3 > errors_at(asked[-2], -6.8).ber


def test_a_receiver_that_errs_at_the_start_is_given_more_light():
    asked = swept(-4.2, most_dbm=-2.0)
    assert max(asked) > -4.2 > min(asked)
    found = sensitivity(_points(-4.2, most_dbm=-2.0), target_ber=TARGET)
    assert (found.bound, found.power_dbm) == (Bound.EXACT, pytest.approx(-4.2, abs=0.02))


def test_a_deaf_receiver_gets_all_the_light_and_no_more():
    assert max(swept(-1.0, most_dbm=-3.1)) == -3.1
    found = sensitivity(_points(-1.0, most_dbm=-3.1), target_ber=TARGET)
    assert (found.bound, found.power_dbm) == (Bound.LOWER, -3.1)


def test_weak_light_is_swept_from_where_it_is():
    assert swept(-7.5, most_dbm=-6.9)[0] == -6.9
    assert max(swept(-5.0, most_dbm=-6.9)) == -6.9


def test_a_sweep_without_lock_climbs_until_it_has_one():
    asked = swept(-4.4, most_dbm=-2.0, locks_from_dbm=-3.6)
    assert asked[:3] == [-4.5, -4.0, -3.5]
    assert swept(-4.4, most_dbm=-3.8, locks_from_dbm=-3.6) == [-4.5, -4.0, -3.8]


def _points(sensitivity_dbm: float, *, most_dbm: float) -> list:
    sweep = new(most_dbm)
    while (power_dbm := sweep.next_dbm) is not None:
        sweep.take(power_dbm, errors_at(power_dbm, sensitivity_dbm))
    return sweep.points
