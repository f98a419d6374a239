"""Error ratios and sensitivity of the receivers of one group of lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from instruments.errors import BenchDisagrees
from instruments.interfaces.bert import ErrorCount
from measurements.ber import ErrorRatio
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity, Result
from measurements.receiver import FitError, Sensitivity, SweepPoint, sensitivity
from station.paths.receiver import ReceiverGroup, ReceiverPaths
from station.paths.sweep import Sweep

# The Q line bends where noise grows with the light, so points far from the target are shown, not fitted.
_SPAN = 20.0
_LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class Stimulus:
    """The light of one transmitter as the receivers' stimulus.

    OMAouter at the receiver follows from the average power there, because no part of the way
    changes their ratio; it is None for light without modulation. The TDECQ (TECQ where measured
    back-to-back) goes with every figure, None where the eye has none.
    """

    average: Quantity
    oma_over_average_db: float | None
    tdecq_db: float | None

    @classmethod
    def of(cls, average: Quantity, oma: Quantity | None, tdecq: Quantity | None) -> Stimulus:
        """Take what was measured of a transmitter."""
        ratio_db = None if oma is None else oma.value - average.value
        return cls(average, ratio_db, None if tdecq is None else tdecq.value)

    @property
    def lit(self) -> bool:
        """Get whether there is light at all."""
        return self.average.bound == Bound.EXACT

    @property
    def above_average_db(self) -> float:
        """Get what to add to average power for OMAouter; light without modulation is told by its average."""
        return self.oma_over_average_db or 0.0

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
    """One group of lanes with the light that each gets; a lane of unknown light has no entry in `lights`."""

    group: ReceiverGroup
    lights: Mapping[int, Stimulus]
    settings: SweepSettings

    def error_ratios(self) -> dict[int, Result]:
        """Count errors of each lane at the nominal power, or at all the light there is if that is less."""
        nominal_dbm = self.settings.nominal_oma_dbm
        counted = self._count({lane: min(nominal_dbm, most) for lane, most in self._most_dbm().items()})
        return self._with_dark({lane: self._ratio(lane, *found) for lane, found in counted.items()})

    def sensitivities(self) -> dict[int, Result]:
        """Change each lane's power step by step to both sides of the target, then fit.

        Lanes that are done stay at their last power while the others go on.
        """
        settings = self.settings
        sweeps = {
            lane: Sweep(
                settings.start_oma_dbm, settings.step_db, most, settings.target_ber, settings.stop_ber
            )
            for lane, most in self._most_dbm().items()
        }
        for _ in range(settings.most_points):
            counted = self._count(
                {lane: dbm for lane, sweep in sweeps.items() if (dbm := sweep.next_dbm) is not None}
            )
            for lane, (oma_dbm, count) in counted.items():
                sweeps[lane].take(oma_dbm, ErrorRatio(count.bits, count.errors) if count.locked else None)
        return self._with_dark({lane: self._fitted(lane, sweep) for lane, sweep in sweeps.items()})

    def _most_dbm(self) -> dict[int, float]:
        """Get the largest OMAouter that each lit lane can be given."""
        lit = {lane: light for lane, light in self.lights.items() if light.lit}
        most_dbm = self.group.most_dbm({lane: light.average for lane, light in lit.items()})
        return {lane: most_dbm[lane] + light.above_average_db for lane, light in lit.items()}

    def _count(self, oma_dbm: Mapping[int, float]) -> dict[int, tuple[float, ErrorCount]]:
        """Count errors of lanes, each at its OMAouter; the monitors say what it was in truth."""
        if not oma_dbm:
            return {}
        above_db = {lane: self.lights[lane].above_average_db for lane in oma_dbm}
        average_dbm = {lane: dbm - above_db[lane] for lane, dbm in oma_dbm.items()}
        launched = {lane: self.lights[lane].average for lane in oma_dbm}
        arriving = self.group.illuminate(average_dbm, launched)
        settings = self.settings
        counts = self.group.count(list(oma_dbm), pattern=settings.pattern, seconds=settings.gate_s)
        for lane, count in counts.items():
            self._check_lock(lane, count)
        return {lane: (arriving[lane].value + above_db[lane], counts[lane]) for lane in oma_dbm}

    def _check_lock(self, lane: int, count: ErrorCount) -> None:
        if count.locked and self.lights[lane].oma_over_average_db is None:
            raise BenchDisagrees(
                f"bench disagrees with itself: {count.detector} finds {self.settings.pattern} in the light "
                f"of lane {lane}, in which the scope found no modulation",
                remedy="check the scope's channel of the lane and its fibre",
            )

    def _ratio(self, lane: int, oma_dbm: float, count: ErrorCount) -> Result:
        names, light = self.group.instruments, self.lights[lane]
        if not count.locked:
            return NotMeasurable(f"{count.detector} found no lock", Cause.NO_LOCK, instruments=names)
        found = ErrorRatio(count.bits, count.errors).quantity()
        bound = found.bound
        if self._most_dbm()[lane] < self.settings.nominal_oma_dbm:
            if found.value > self.settings.target_ber:
                return self._too_weak(lane, f"a BER of {found.value:.1e} there tells nothing")
            bound = Bound.UPPER  # more light makes fewer errors
        told = {"seconds": count.seconds, "oma_tp3_dbm": oma_dbm}
        evidence = {**found.evidence, **light.evidence(), **told}
        return Quantity(found.value, found.unit, found.standard_error, bound, evidence, names)

    def _fitted(self, lane: int, sweep: Sweep) -> Result:
        names, settings = self.group.instruments, self.settings
        if not sweep.points:
            return NotMeasurable("no lock at any power of the sweep", Cause.NO_LOCK, instruments=names)
        try:
            found = sensitivity(_near(sweep.points, settings.target_ber), target_ber=settings.target_ber)
        except FitError as error:
            return NotMeasurable(str(error), Cause.EYE_CLOSED, instruments=names)
        if found.bound is Bound.LOWER and sweep.most_dbm < settings.nominal_oma_dbm:
            return self._too_weak(lane, f"its BER stays above {settings.target_ber:g}")
        evidence = {
            **found.quantity().evidence,
            **self.lights[lane].evidence(),
            "points": [
                {"power_dbm": p.power_dbm, "bits": p.count.bits, "errors": p.count.errors}
                for p in sweep.points
            ],
            "fit": _curve(found),
            "target_ber": settings.target_ber,
        }
        return Quantity(found.power_dbm, "dBm", found.standard_error_db, found.bound, evidence, names)

    def _too_weak(self, lane: int, then: str) -> NotMeasurable:
        most, nominal = self._most_dbm()[lane], self.settings.nominal_oma_dbm
        reason = f"its transmitter gives {most:.1f} dBm of the {nominal:.1f} dBm that are wanted; {then}"
        return NotMeasurable(reason, Cause.DARK, instruments=self.group.instruments)

    def _with_dark(self, results: dict[int, Result]) -> dict[int, Result]:
        """Add the lanes that were not tested; who saw them dark is the power meter, not the detector."""
        reason = "its transmitter gives no light to test it with"
        untested = {
            lane: NotMeasurable(
                reason,
                Cause.DARK,
                instruments=self.lights[lane].average.instruments if lane in self.lights else (),
            )
            for lane in self.group.lanes
            if lane not in results
        }
        return {**results, **untested}


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
        self._open: ReceiverGroup | None = None

    def groups(self, lanes: Sequence[int]) -> Iterator[ReceiverTest]:
        """Open the ways, one group of lanes after the other; each is dark again when the next begins."""
        for group in self._paths.groups(lanes):
            self._open = group
            yield ReceiverTest(group, self._stimuli(group.lanes), self._settings)
            self.darken()

    def darken(self) -> None:
        """Close the shutters of the group that was opened last, unless they are closed."""
        if self._open is not None:
            self._open.darken()
            self._open = None


def _near(points: Sequence[SweepPoint], target_ber: float) -> Sequence[SweepPoint]:
    """Keep the points around the target, where there are enough of them."""
    near = [point for point in points if target_ber / _SPAN <= point.count.ber <= target_ber * _SPAN]
    return near if len(near) >= _LEAST_POINTS else points


def _curve(found: Sensitivity) -> list[list[float]]:
    """Draw the fitted line over the powers of the sweep, for the waterfall picture."""
    if found.line is None:
        return []
    powers = [point.power_dbm for point in found.points]
    low, high = min(powers), max(powers)
    steps = [low + (high - low) * n / 40 for n in range(41)]
    return [[round(dbm, 4), found.line.ber_at(dbm)] for dbm in steps]
