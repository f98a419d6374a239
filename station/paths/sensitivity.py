"""Error ratios and sensitivity of the receivers of one group of lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from instruments.interfaces.bert import ErrorCount
from measurements.ber import ErrorRatio
from measurements.quantity import Cause, NotMeasurable, Quantity, Result
from measurements.receiver import Sensitivity, SweepPoint, sensitivity
from station.paths.receiver import ReceiverGroup, ReceiverPaths

# The Q line bends where noise grows with the light, so points far from the target are shown, not fitted.
_SPAN = 20.0
_LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class Stimulus:
    """The light of one transmitter as the receivers' stimulus.

    OMAouter at the receiver follows from the average power there, because no part of the way
    changes their ratio. The TDECQ (TECQ where measured back-to-back) goes with every figure.
    """

    average: Quantity
    oma_over_average_db: float
    tdecq_db: float

    def evidence(self) -> dict[str, object]:
        """Get what the record says of the light."""
        return {"stimulus_oma_over_average_db": self.oma_over_average_db, "stimulus_tdecq_db": self.tdecq_db}


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """How a sweep is made; powers are OMAouter at the receiver (TP3)."""

    pattern: str = "PRBS31Q"
    gate_s: float = 0.1
    nominal_oma_dbm: float = -4.0
    start_oma_dbm: float = -4.5
    step_db: float = 0.5
    most_points: int = 12
    target_ber: float = 2.4e-4
    stop_ber: float = 2e-3


@dataclass(frozen=True, slots=True)
class ReceiverTest:
    """One group of lanes with the light that each gets; a lane without light has no entry in `lights`."""

    group: ReceiverGroup
    lights: Mapping[int, Stimulus]
    settings: SweepSettings

    def error_ratios(self) -> dict[int, Result]:
        """Count errors of each lane at one nominal power."""
        if not self.lights:
            return self._with_dark({})
        wanted = dict.fromkeys(self.lights, self.settings.nominal_oma_dbm)
        counted = _count(self.group, wanted, self.lights, self.settings)
        return self._with_dark(
            {lane: _ratio(self.group, self.lights[lane], *found) for lane, found in counted.items()}
        )

    def sensitivities(self) -> dict[int, Result]:
        """Lower each lane's power step by step until its errors are many, then fit.

        Lanes that are done stay at their last power while the others go on.
        """
        points: dict[int, list[SweepPoint]] = {lane: [] for lane in self.lights}
        going = dict.fromkeys(self.lights, self.settings.start_oma_dbm)
        for _ in range(self.settings.most_points):
            if not going:
                break
            counted = _count(self.group, going, self.lights, self.settings)
            for lane, (arriving, count) in counted.items():
                more = count.locked and self._add(points[lane], lane, arriving, count)
                if more:
                    going[lane] -= self.settings.step_db
                else:
                    del going[lane]
        return self._with_dark(
            {
                lane: _fitted(self.group, self.lights[lane], points[lane], self.settings)
                for lane in self.lights
            }
        )

    def _add(self, points: list[SweepPoint], lane: int, arriving: Quantity, count: ErrorCount) -> bool:
        """Add a point to a lane's sweep and tell whether the lane wants more."""
        ratio = ErrorRatio(count.bits, count.errors)
        points.append(SweepPoint(arriving.value + self.lights[lane].oma_over_average_db, ratio))
        return ratio.ber <= self.settings.stop_ber

    def _with_dark(self, results: dict[int, Result]) -> dict[int, Result]:
        names = self.group.instruments
        dark = NotMeasurable("its transmitter gives no light to test it with", Cause.DARK, instruments=names)
        return {lane: results.get(lane, dark) for lane in self.group.lanes}


class ReceiverTests:
    """The receivers of a slot, lit by their own transmitters."""

    def __init__(
        self,
        paths: ReceiverPaths,
        stimuli: Callable[[Sequence[int]], Mapping[int, Stimulus]],
        settings: SweepSettings,
    ) -> None:
        self._paths = paths
        self._stimuli = stimuli
        self._settings = settings

    def groups(self, lanes: Sequence[int]) -> Iterator[ReceiverTest]:
        """Open the ways, one group of lanes after the other; each is dark again when the next begins."""
        for group in self._paths.groups(lanes):
            try:
                yield ReceiverTest(group, self._stimuli(group.lanes), self._settings)
            finally:
                group.darken()


def _count(
    group: ReceiverGroup,
    oma_dbm: Mapping[int, float],
    lights: Mapping[int, Stimulus],
    settings: SweepSettings,
) -> dict[int, tuple[Quantity, ErrorCount]]:
    average_dbm = {lane: dbm - lights[lane].oma_over_average_db for lane, dbm in oma_dbm.items()}
    launched = {lane: lights[lane].average for lane in oma_dbm}
    arriving = group.illuminate(average_dbm, launched)
    counts = group.count(list(oma_dbm), pattern=settings.pattern, seconds=settings.gate_s)
    return {lane: (arriving[lane], counts[lane]) for lane in oma_dbm}


def _ratio(group: ReceiverGroup, light: Stimulus, arriving: Quantity, count: ErrorCount) -> Result:
    names = group.instruments
    if not count.locked:
        return NotMeasurable(f"{count.detector} found no lock", Cause.NO_LOCK, instruments=names)
    found = ErrorRatio(count.bits, count.errors).quantity()
    evidence = {
        **found.evidence,
        **light.evidence(),
        "seconds": count.seconds,
        "oma_tp3_dbm": arriving.value + light.oma_over_average_db,
    }
    return Quantity(found.value, found.unit, found.standard_error, found.bound, evidence, names)


def _fitted(
    group: ReceiverGroup, light: Stimulus, points: list[SweepPoint], settings: SweepSettings
) -> Result:
    names = group.instruments
    if not points:
        return NotMeasurable("no lock at any power of the sweep", Cause.NO_LOCK, instruments=names)
    near = [p for p in points if settings.target_ber / _SPAN <= p.count.ber <= settings.target_ber * _SPAN]
    found = sensitivity(near if len(near) >= _LEAST_POINTS else points, target_ber=settings.target_ber)
    evidence = {
        **found.quantity().evidence,
        **light.evidence(),
        "points": [
            {"power_dbm": p.power_dbm, "bits": p.count.bits, "errors": p.count.errors} for p in points
        ],
        "fit": _curve(found),
        "target_ber": settings.target_ber,
    }
    return Quantity(found.power_dbm, "dBm", found.standard_error_db, found.bound, evidence, names)


def _curve(found: Sensitivity) -> list[list[float]]:
    """Draw the fitted line over the powers of the sweep, for the waterfall picture."""
    if found.line is None:
        return []
    powers = [point.power_dbm for point in found.points]
    low, high = min(powers), max(powers)
    steps = [low + (high - low) * n / 40 for n in range(41)]
    return [[round(dbm, 4), found.line.ber_at(dbm)] for dbm in steps]
