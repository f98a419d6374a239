import math

import pytest

from station.config.plan_file import SoakBySlope, SoakByTime, Temperature
from station.temperature import CaseTemperature, TemperatureNotReached
from tests.station.core_kit import Ticks


class Head:
    """Air that is there at once, and a case that follows it with one time constant."""

    def __init__(self, clock, *, tau_s=30.0, offset_c=0.0, range_c=(-40.0, 125.0)):
        self.range_c = range_c
        self._clock, self._tau_s, self._offset_c = clock, tau_s, offset_c
        self._air_c, self._case_c, self._at = 23.0, 23.0, 0.0
        self.forced = []

    def force(self, temperature_c):
        self.read_case_c()
        self._air_c = temperature_c
        self.forced.append(temperature_c)

    def read_air_c(self):
        return self._air_c

    def read_case_c(self):
        after = self._clock.now() - self._at
        goal = self._air_c + self._offset_c
        self._case_c = goal + (self._case_c - goal) * math.exp(-after / self._tau_s)
        self._at = self._clock.now()
        return self._case_c


def rules(soak, tolerance_c=1.0):
    return Temperature(tolerance_c=tolerance_c, soak=soak)


BY_TIME = SoakByTime(method="time", seconds=60.0, timeout_s=900.0)
BY_SLOPE = SoakBySlope(method="slope", slope_c_per_min=0.5, window_s=60.0, timeout_s=900.0)


def steered(head, clock, soak, **more):
    return CaseTemperature(head, head.read_case_c, clock, rules(soak, **more))


@pytest.mark.parametrize("soak", [BY_TIME, BY_SLOPE], ids=["time", "slope"])
@pytest.mark.parametrize("target_c", [0.0, 25.0, 70.0])
@pytest.mark.parametrize(("tau_s", "self_heating_c"), [(10.0, 0.0), (40.0, 12.0), (60.0, 25.0)])
def test_the_case_comes_to_its_temperature_and_stays_for_the_window(soak, target_c, tau_s, self_heating_c):
    clock = Ticks()
    head = Head(clock, tau_s=tau_s, offset_c=self_heating_c)
    soaked = steered(head, clock, soak).bring_to(target_c)
    assert abs(soaked.case_temperature_c - target_c) <= 1.0
    assert soaked.seconds == clock.now() >= 60.0
    assert soaked.air_temperature_c == pytest.approx(target_c - self_heating_c, abs=3.0)
    if soak is BY_SLOPE:
        assert abs(soaked.slope_c_per_min) <= 0.5


def test_a_case_that_drifts_within_the_tolerance_has_soaked_by_time_and_not_by_slope():
    clock = Ticks()
    head = Head(clock)
    read = lambda: 25.0 + clock.now() / 60.0  # noqa: E731  # 1 °C a minute
    tolerant = {"tolerance_c": 5.0}
    by_time = CaseTemperature(head, read, clock, rules(BY_TIME, **tolerant)).bring_to(25.0)
    assert by_time.slope_c_per_min == pytest.approx(1.0)
    with pytest.raises(TemperatureNotReached):
        CaseTemperature(head, read, clock, rules(BY_SLOPE, **tolerant)).bring_to(25.0)


def test_one_reading_outside_the_tolerance_starts_the_window_anew():
    clock = Ticks()
    head = Head(clock)
    read = lambda: 28.0 if clock.now() == 40.0 else 25.0  # noqa: E731
    soaked = CaseTemperature(head, read, clock, rules(BY_TIME)).bring_to(25.0)
    assert soaked.seconds == 40.0 + 2.0 + 60.0


def test_a_head_that_is_too_weak_is_an_error_with_both_temperatures():
    clock = Ticks()
    head = Head(clock, offset_c=30.0, range_c=(-5.0, 60.0))
    with pytest.raises(TemperatureNotReached) as caught:
        steered(head, clock, BY_TIME).bring_to(0.0)
    assert caught.value.message.startswith("the case did not soak at 0 °C within 900 s: the module reads 25.")
    assert "air -5.0 °C" in caught.value.message
    assert "head is down" in caught.value.remedy
    assert 900.0 < clock.now() <= 904.0
    assert set(head.forced) >= {-5.0}
    assert min(head.forced) == -5.0


def test_a_sensor_that_says_nothing_useful_never_soaks():
    clock = Ticks()
    head = Head(clock)
    head.range_c = (20.0, 30.0)
    with pytest.raises(TemperatureNotReached, match="module reads nan"):
        CaseTemperature(head, lambda: math.nan, clock, rules(BY_TIME)).bring_to(25.0)


def test_without_a_window_the_tolerance_alone_decides():
    clock = Ticks()
    at_once = SoakByTime(method="time", seconds=0.0, timeout_s=60.0)
    soaked = steered(Head(clock), clock, at_once).bring_to(23.5)
    assert (soaked.seconds, soaked.slope_c_per_min) == (0.0, 0.0)
