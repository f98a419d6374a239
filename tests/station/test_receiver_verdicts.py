"""What is said of a receiver whose own transmitter, the only light that there is, is weak, steady or dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from instruments.errors import BenchDisagrees
from instruments.interfaces.bert import ErrorCount
from measurements.ber import Coding, ber_to_q, q_to_ber
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity
from station.paths.sensitivity import ReceiverTest, Stimulus, SweepSettings

LOSS_DB = 5.0
TARGET = 2.4e-4
LANE = 2


class Group:
    """One lane behind 5 dB of loss: a receiver of a given sensitivity, a detector that may find no lock."""

    lanes = (LANE,)
    instruments = ("bert", "attenuator")

    def __init__(self, sensitivity_dbm: float = -6.8, *, locks: bool = True) -> None:
        self.sensitivity_dbm, self.locks = sensitivity_dbm, locks
        self.arriving_dbm = 0.0

    def most_dbm(self, launched: Mapping[int, Quantity]) -> dict[int, float]:
        return {lane: light.value - LOSS_DB for lane, light in launched.items()}

    def illuminate(
        self, average_dbm: Mapping[int, float], launched: Mapping[int, Quantity]
    ) -> dict[int, Quantity]:
        (self.arriving_dbm,) = average_dbm.values()
        assert self.arriving_dbm <= launched[LANE].value - LOSS_DB + 1e-9
        return {LANE: Quantity(self.arriving_dbm, "dBm", 0.1)}

    def count(self, lanes: Sequence[int], *, pattern: str, seconds: float) -> dict[int, ErrorCount]:
        q = ber_to_q(TARGET, Coding.PAM4) * 10 ** ((self.arriving_dbm - self.sensitivity_dbm) / 10)
        bits = 10**9
        errors = round(bits * q_to_ber(q, Coding.PAM4))
        return {LANE: ErrorCount("M4.DataIn", bits, errors, seconds, self.locks)}


def light(average_dbm: float, *, bound: Bound = Bound.EXACT, oma: bool = True) -> Stimulus:
    average = Quantity(average_dbm, "dBm", 0.1, bound, instruments=("power_meter",))
    return Stimulus(average, 0.0 if oma else None, 1.4 if oma else None)


def figures(group: Group, stimulus: Stimulus | None) -> tuple:
    lights = {} if stimulus is None else {LANE: stimulus}
    test = ReceiverTest(group, lights, SweepSettings())  # type: ignore[arg-type]
    return test.error_ratios()[LANE], test.sensitivities()[LANE]


def test_strong_light_tells_both_figures():
    ratio, sensitivity = figures(Group(), light(1.5))
    assert ratio.value < TARGET
    assert sensitivity.value == pytest.approx(-6.8, abs=0.02)
    assert sensitivity.bound is Bound.EXACT


def test_fewer_errors_than_allowed_with_too_little_light_bound_the_ratio():
    ratio, sensitivity = figures(Group(), light(-0.5))
    assert ratio.evidence["oma_tp3_dbm"] == pytest.approx(-5.5)
    assert (ratio.bound, ratio.value < TARGET) == (Bound.UPPER, True)
    assert sensitivity.value == pytest.approx(-6.8, abs=0.02)


def test_errors_with_too_little_light_are_blamed_on_the_light():
    for found in figures(Group(), light(-3.0)):
        assert isinstance(found, NotMeasurable)
        assert (found.cause, found.instruments) == (Cause.DARK, ("bert", "attenuator"))
        assert "-8.0 dBm of the -4.0 dBm" in found.reason


def test_errors_with_enough_light_are_blamed_on_the_receiver():
    ratio, sensitivity = figures(Group(-2.0), light(1.5))
    assert (ratio.bound, ratio.value > TARGET) == (Bound.EXACT, True)
    assert (sensitivity.bound, sensitivity.value) == (Bound.LOWER, pytest.approx(-3.5))


def test_an_eye_without_tdecq_is_light_all_the_same():
    average = Quantity(1.5, "dBm", 0.1, instruments=("power_meter",))
    stimulus = Stimulus.of(average, Quantity(1.6, "dBm", 0.1), None)
    ratio, _ = figures(Group(), stimulus)
    assert ratio.evidence["stimulus_tdecq_db"] is None


def test_steady_light_is_confirmed_by_a_detector_without_lock():
    for found in figures(Group(locks=False), light(1.5, oma=False)):
        assert (found.cause, found.instruments) == (Cause.NO_LOCK, ("bert", "attenuator"))


def test_lock_to_light_that_the_scope_calls_steady_is_an_error_of_the_bench():
    with pytest.raises(BenchDisagrees, match=r"M4\.DataIn finds PRBS31Q .* lane 2"):
        figures(Group(), light(1.5, oma=False))


def test_a_dark_lane_is_told_by_who_saw_it_dark():
    for found in figures(Group(), light(-75.0, bound=Bound.UPPER)):
        assert (found.cause, found.instruments) == (Cause.DARK, ("power_meter",))


def test_a_lane_of_unknown_light_has_no_witness():
    for found in figures(Group(), None):
        assert (found.cause, found.instruments) == (Cause.DARK, ())
