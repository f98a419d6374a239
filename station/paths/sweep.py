"""The sweep of one receiver's power: which power comes next, and when the sweep is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from measurements.ber import ErrorRatio
from measurements.receiver import SweepPoint

# Upwards, a sweep ends with errors well below the target, so that the fit has a point on each side.
_CLEARLY_BELOW = 4.0


@dataclass(slots=True)
class Sweep:
    """One lane's sweep; powers are OMAouter at the receiver (TP3).

    It goes down from its start until errors are many. When they were too many at the start
    already, it then climbs from there, at most to `most_dbm`, which is all the light there is.
    """

    start_dbm: float
    step_db: float
    most_dbm: float
    target_ber: float
    stop_ber: float
    points: list[SweepPoint] = field(default_factory=list)
    _next_dbm: float | None = None
    _climbs: bool = False

    def __post_init__(self) -> None:
        self.start_dbm = min(self.start_dbm, self.most_dbm)
        self._next_dbm = self.start_dbm

    @property
    def next_dbm(self) -> float | None:
        """Get the power that is to be counted next, None when the sweep is done."""
        return self._next_dbm

    def take(self, power_dbm: float, count: ErrorRatio | None) -> None:
        """Add what was counted at the power asked for (None: no lock) and choose the next power."""
        if count is not None:
            self.points.append(SweepPoint(power_dbm, count))
        ber = 1.0 if count is None else count.ber
        asked_dbm = self.start_dbm if self._next_dbm is None else self._next_dbm
        if not self._climbs and ber <= self.stop_ber:
            self._next_dbm = asked_dbm - self.step_db
            return
        if not self._climbs and self._missed_at_the_start:
            self._climbs = True
            asked_dbm, ber = self.start_dbm, 1.0
        done = not self._climbs or ber < self.target_ber / _CLEARLY_BELOW or asked_dbm >= self.most_dbm
        self._next_dbm = None if done else min(asked_dbm + self.step_db, self.most_dbm)

    @property
    def _missed_at_the_start(self) -> bool:
        """Get whether even the start, the highest power so far, had more errors than the target."""
        return not self.points or max(self.points, key=lambda p: p.power_dbm).count.ber > self.target_ber
