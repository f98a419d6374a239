"""The air of a thermal head: at its nozzle, and around the transceiver under it."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

# Data sheet: -55 to +125 °C in about 10 s at full flow; the last degrees come in exponentially.
FASTEST_C_PER_S = 30.0
TIME_CONSTANT_S = 2.5


@dataclass(frozen=True, slots=True)
class Course:
    """Air on its way to a temperature: at a limited rate first, exponentially at the end."""

    since_s: float
    from_c: float
    to_c: float
    rate_c_per_s: float
    time_constant_s: float

    @property
    def _linear_s(self) -> float:
        return max(0.0, abs(self.from_c - self.to_c) / self.rate_c_per_s - self.time_constant_s)

    @property
    def _tail_c(self) -> float:
        return min(abs(self.from_c - self.to_c), self.rate_c_per_s * self.time_constant_s)

    def temperature_c(self, at_s: float) -> float:
        """Get the temperature at a moment."""
        passed_s = max(0.0, at_s - self.since_s)
        direction = math.copysign(1.0, self.from_c - self.to_c)
        if passed_s < self._linear_s:
            return self.from_c - direction * self.rate_c_per_s * passed_s
        remaining = math.exp(-(passed_s - self._linear_s) / self.time_constant_s)
        return self.to_c + direction * self._tail_c * remaining

    def arrival_s(self, window_c: float) -> float:
        """Get the moment from which the air stays within a window around the course's end."""
        away_c = abs(self.from_c - self.to_c)
        if away_c <= window_c:
            return self.since_s
        if window_c >= self._tail_c:
            return self.since_s + (away_c - window_c) / self.rate_c_per_s
        return self.since_s + self._linear_s + self.time_constant_s * math.log(self._tail_c / window_c)


class Nozzle:
    """The air at the nozzle, with its history: a transceiver's case may ask about the past."""

    def __init__(self, start_c: float) -> None:
        self._courses = [Course(0.0, start_c, start_c, FASTEST_C_PER_S, TIME_CONSTANT_S)]

    @property
    def course(self) -> Course:
        """Get the present course."""
        return self._courses[-1]

    def steer(self, to_c: float, *, now_s: float, rate_c_per_s: float, time_constant_s: float) -> None:
        """Send the air toward a temperature from now on."""
        same = (to_c, rate_c_per_s, time_constant_s)
        last = self.course
        if same != (last.to_c, last.rate_c_per_s, last.time_constant_s):
            start_c = last.temperature_c(now_s)
            self._courses.append(Course(now_s, start_c, to_c, rate_c_per_s, time_constant_s))

    def temperature_c(self, at_s: float) -> float:
        """Get the temperature at a moment, past moments included."""
        index = bisect.bisect_right(self._courses, at_s, key=lambda course: course.since_s)
        return self._courses[max(0, index - 1)].temperature_c(at_s)


class AirAtSlot:
    """The air around the transceiver: the nozzle's while the head is down and blows, else the room's."""

    def __init__(self, nozzle: Nozzle, ambient_c: float) -> None:
        self._nozzle = nozzle
        self._ambient_c = ambient_c
        self._changes: list[tuple[float, bool]] = [(0.0, False)]

    def cover(self, blown: bool, now_s: float) -> None:
        """Note from when on the head blows over the transceiver, or no longer does."""
        if blown != self._changes[-1][1]:
            self._changes.append((now_s, blown))

    def temperature_c(self, at_s: float) -> float:
        """Get the air temperature at a moment of bench time, past moments included."""
        index = bisect.bisect_right(self._changes, at_s, key=lambda change: change[0])
        blown = self._changes[max(0, index - 1)][1]
        return self._nozzle.temperature_c(at_s) if blown else self._ambient_c
