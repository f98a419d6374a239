"""Bring the case of a transceiver to a temperature and wait until it has soaked.

Corners are case temperatures. The transceiver's own sensor is what is steered; the head's air runs
ahead of it as far as needed. Both are recorded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from instruments.clock import Clock
from instruments.errors import BenchError
from instruments.interfaces.thermal_head import ThermalHead
from station.config.plan_file import SoakBySlope, Temperature

_PERIOD_S = 2.0
# Gains for a case that follows the air with a time constant of some ten seconds to a minute.
_LEAD = 1.5  # °C of air per °C of error
_TRIM_PER_S = 0.04  # °C of air per °C of error and second
_TRIM_WITHIN_C = 6.0  # farther away the trim would only wind up, unless the case has come to a stand
_STANDING_C_PER_S = 0.05


class TemperatureNotReached(BenchError):
    """The case did not come to its temperature within its bound."""


@dataclass(frozen=True, slots=True)
class SoakedCase:
    """A case at its temperature: what the module's sensor and the head's air read, and how long it took."""

    case_temperature_c: float
    air_temperature_c: float
    seconds: float
    slope_c_per_min: float


class CaseTemperature:
    """Steers one thermal head by the case sensor of the transceiver under it."""

    def __init__(
        self, head: ThermalHead, read_case_c: Callable[[], float], clock: Clock, rules: Temperature
    ) -> None:
        self._head = head
        self._read_case_c = read_case_c
        self._clock = clock
        self._rules = rules

    def bring_to(self, target_c: float) -> SoakedCase:
        """Bring the case to a temperature and soak it; raise TemperatureNotReached past the bound."""
        started, trim_c = self._clock.now(), 0.0
        samples: deque[tuple[float, float]] = deque()
        while True:
            now, case_c = self._clock.now(), self._read_case_c()
            self._remember(samples, now, case_c)
            if self._soaked(samples, target_c):
                air_c = self._head.read_air_c()
                return SoakedCase(case_c, air_c, now - started, _slope_c_per_min(samples))
            if now - started > self._rules.soak.timeout_s:
                raise self._late(target_c, case_c)
            error_c = target_c - case_c
            if abs(error_c) < _TRIM_WITHIN_C or _stands(samples):
                trim_c += _TRIM_PER_S * _PERIOD_S * error_c
            self._head.force(self._clamped(target_c + trim_c + _LEAD * error_c))
            self._clock.sleep(_PERIOD_S)

    @property
    def _window_s(self) -> float:
        soak = self._rules.soak
        return soak.window_s if isinstance(soak, SoakBySlope) else soak.seconds

    def _remember(self, samples: deque[tuple[float, float]], now: float, case_c: float) -> None:
        samples.append((now, case_c))
        while len(samples) > 2 and samples[1][0] <= now - self._window_s:
            samples.popleft()

    def _soaked(self, samples: deque[tuple[float, float]], target_c: float) -> bool:
        if samples[-1][0] - samples[0][0] < self._window_s:
            return False
        if not all(abs(case_c - target_c) <= self._rules.tolerance_c for _, case_c in samples):
            return False
        soak = self._rules.soak
        return not isinstance(soak, SoakBySlope) or abs(_slope_c_per_min(samples)) <= soak.slope_c_per_min

    def _clamped(self, air_c: float) -> float:
        low, high = self._head.range_c
        return min(max(air_c, low), high)

    def _late(self, target_c: float, case_c: float) -> TemperatureNotReached:
        return TemperatureNotReached(
            f"the case did not soak at {target_c:g} °C within {self._rules.soak.timeout_s:g} s: "
            f"the module reads {case_c:.1f} °C, the air {self._head.read_air_c():.1f} °C",
            remedy="check that the head is down and sealed, and the soak rules of the plan",
        )


def _stands(samples: deque[tuple[float, float]]) -> bool:
    """Tell whether the case hardly moves: its own heat holds it far from the air."""
    if len(samples) < 2:
        return False
    (before, case_before_c), (now, case_c) = samples[-2], samples[-1]
    return abs(case_c - case_before_c) < _STANDING_C_PER_S * (now - before)


def _slope_c_per_min(samples: deque[tuple[float, float]]) -> float:
    """Fit a line through the samples; one sample has no slope."""
    if len(samples) < 2:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_c = sum(c for _, c in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 60.0 * sum((t - mean_t) * (c - mean_c) for t, c in samples) / spread if spread else 0.0
