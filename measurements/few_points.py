"""Receiver sensitivity from three or four powers around the target, and which power to count next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from measurements.ber import Coding, ber_to_q
from measurements.q_line import CLOSED_EYE, TYPICAL_SLOPE
from measurements.receiver import (
    MIN_POINTS,
    Fit,
    FitError,
    Sensitivity,
    SweepPoint,
    checked_sweep,
    counts_of,
    powers_used,
    read_off,
)
from measurements.units import FloatArray

REACH_DB = 0.5
"""How far outside its points a line may be read on PAM4.

Noise that grows with the light bends the line; from points 1 to 2 dB above the target the reading
is up to 0.24 dB too good, from half a decibel up to 0.1 dB (kept in docs/proofs). For NRZ at 1e-12,
where bracketing costs hours, a caller may reach farther and must carry the optimism: 0.2 to 0.3 dB
from 1e-9.
"""

FEW_POINTS_WINDOW_DB = 1.25
"""Points farther from the target are not fitted, for the bend; a search leaves such points behind."""

ENOUGH = 4
"""Four points test the line and can name one bad point; three only test it."""

SPREAD_DB = 0.6
"""Half the extent of the wanted powers: wide enough for a slope, too narrow for a bend."""

MOST_POINTS = 10
"""A search that has not ended by then meets a floor, a bad count, or light that is not there."""

_LONGEST_STRIDE_DB = 3.0
_BLIND_STRIDE_DB = 1.5
_CLEAR_OF_CLOSED_DB = 0.1
_SLOPE_DOUBT = 0.25
_LEAST_ERRORS_BELOW = 3.0


def few_point_sensitivity(
    points: Iterable[SweepPoint],
    *,
    target_ber: float,
    coding: Coding = Coding.PAM4,
    reach_db: float = REACH_DB,
    window_db: float = FEW_POINTS_WINDOW_DB,
    power_repeatability_db: float = 0.0,
) -> Sensitivity:
    """Fit the likeliest line through 10 log10(Q) of at least 3 powers near the target.

    The method and the figures are those of `sensitivity`; the points are fewer and nearer, and the
    target may lie up to `reach_db` outside them (`extrapolated_db` tells). Powers and result mean
    what the caller means by them, OMAouter or average. When `test.passed` is false a floor or an
    outlier is likely and named: sweep the whole curve then. Raise NotBracketed beyond the reach,
    with the power to go on at, FitError for too few powers near the target and for what is no
    rising line. A bound is never given: three points on one side do not prove one.
    """
    if not reach_db >= 0:
        raise FitError(f"a reach of {reach_db} dB is none: give 0 or more")
    sweep = checked_sweep(points, target_ber, coding)
    fit = Fit(counts_of(sweep, coding), target_ber, power_repeatability_db)
    line = fit.line(window_db)
    if powers_used(line) >= MIN_POINTS:
        return read_off(sweep, line, fit, reach_db=reach_db)
    # Should something else be wrong, the whole of the points tells it more precisely.
    found = read_off(sweep, fit.line(math.inf), fit, reach_db=reach_db)
    raise FitError(
        f"{powers_used(line)} of {len(sweep)} points lie within {window_db:g} dB of the target's"
        f" {found.power_dbm:.1f} dBm; {MIN_POINTS} powers are needed there: add some"
    )


def next_power_dbm(
    points: Iterable[SweepPoint],
    target_ber: float,
    *,
    start_dbm: float,
    coding: Coding = Coding.PAM4,
    typical_slope: float = TYPICAL_SLOPE,
    enough: int = ENOUGH,
    spread_db: float = SPREAD_DB,
    lowest_dbm: float = -math.inf,
    most_dbm: float = math.inf,
) -> float | None:
    """Get the power to count next on the way to a few-point fit; None when there is nothing to gain.

    Pure: the points so far are all it knows. Begins at `start_dbm`, takes each count as news of
    where the crossing is (slope `typical_slope` until two counts tell better), and spreads
    `enough` powers evenly over `spread_db` to both sides of it. Powers without any error, and
    receivers that guess or had no lock (report them as a count with half of the bits wrong), only
    say which way to go. Ends with None at `enough` powers around the crossing, at MOST_POINTS, or
    when the limits of the light leave no new power; the fit then tells what the points are worth.
    Raise FitError for arguments that cannot be.
    """
    _check_search(start_dbm, typical_slope, enough, spread_db, lowest_dbm, most_dbm)
    listed = list(points)
    if not listed:
        return min(max(start_dbm, lowest_dbm), most_dbm)
    if len(listed) >= MOST_POINTS:
        return None
    sweep = checked_sweep(listed, target_ber, coding)
    scene = _Scene.of(sweep, target_ber, coding, typical_slope)
    wanted = scene.next_place(enough, spread_db)
    if wanted is None:
        return None
    power_dbm = min(max(wanted, lowest_dbm), most_dbm)
    known = any(abs(power_dbm - point.power_dbm) < 0.01 for point in sweep)
    return None if known else power_dbm


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What the points say of the crossing so far: those with errors, and those that only point a way."""

    power_dbm: FloatArray
    away_db: FloatArray
    doubt_db: FloatArray
    closed_dbm: tuple[float, ...]
    clean: tuple[tuple[float, float], ...]
    slope: float

    @classmethod
    def of(cls, sweep: Sequence[SweepPoint], target_ber: float, coding: Coding, slope: float) -> _Scene:
        """Sort the points, and put those with errors on the Q scale: `away_db` above the target."""
        closed = [p for p in sweep if p.count.ber >= CLOSED_EYE * coding.value]
        clean = [p for p in sweep if p.count.errors == 0]
        telling = [p for p in sweep if p not in closed and p not in clean]
        target_q_db = 10.0 * math.log10(ber_to_q(target_ber, coding))
        away = counts_of(tuple(telling), coding).q_db() - target_q_db
        doubt = [_q_doubt_db(p, coding) for p in telling]
        # What a clean count proves is only that the crossing lies below; at most so far above it.
        beyond = [(p.power_dbm, _clean_away_db(p, target_q_db, coding)) for p in clean]
        return cls(
            np.array([p.power_dbm for p in telling]),
            away,
            np.array(doubt),
            tuple(p.power_dbm for p in closed),
            tuple(beyond),
            slope,
        )

    def next_place(self, enough: int, spread_db: float) -> float | None:
        """Get the place for the next point, None when those that are there suffice."""
        if not self.power_dbm.size:
            return self._blind()
        crossing = self._crossing()
        counted = np.concatenate([self.power_dbm, [power for power, _ in self.clean]])
        near = counted[np.abs(counted - crossing) <= 1.5 * spread_db]
        bracketed = near.size > 0 and near.min() <= crossing <= near.max()
        if bracketed and len(set(near.tolist())) >= enough:
            return None
        lowest = max(self.closed_dbm, default=-math.inf) + _CLEAR_OF_CLOSED_DB
        places = np.linspace(max(crossing - spread_db, lowest), crossing + spread_db, enough)
        return self._within_stride(_emptiest(near, crossing, places))

    def _crossing(self) -> float:
        """Fit line and slope to the points with errors, the slope held near the typical one."""
        weights = 1.0 / (self.doubt_db**2 + 0.02**2 + (0.1 * self.away_db) ** 2)
        centre = float(np.average(self.power_dbm, weights=weights))
        level = float(np.average(self.away_db, weights=weights))
        x, y = self.power_dbm - centre, self.away_db - level
        prior = _SLOPE_DOUBT**-2
        slope = (self.slope * prior + float(weights @ (x * y))) / (prior + float(weights @ x**2))
        crossing = centre - level / max(slope, 0.4 * self.slope)
        low = max(self.closed_dbm, default=-math.inf)
        high = min((power for power, _ in self.clean), default=math.inf)
        return min(max(crossing, low), high) if low < high else crossing

    def _blind(self) -> float:
        """Go towards errors that can be counted: halve what is known, or stride on."""
        if self.closed_dbm and self.clean:
            return 0.5 * (max(self.closed_dbm) + min(power for power, _ in self.clean))
        if self.closed_dbm:
            return max(self.closed_dbm) + _BLIND_STRIDE_DB * len(self.closed_dbm)
        power_dbm, away_db = min(self.clean)
        stride = max(away_db / self.slope, 0.0) + 0.5 * len(self.clean)
        return power_dbm - min(stride, _LONGEST_STRIDE_DB)

    def _within_stride(self, place_dbm: float) -> float:
        """Stop short of places that only a long way of belief leads to."""
        known = [*self.power_dbm.tolist(), *self.closed_dbm, *(power for power, _ in self.clean)]
        lowest, highest = min(known) - _LONGEST_STRIDE_DB, max(known) + _LONGEST_STRIDE_DB
        return float(min(max(place_dbm, lowest), highest))


def _emptiest(near: FloatArray, crossing: float, places: FloatArray) -> float:
    """Get the place that lies farthest from all points, on a side without any; in doubt, the lower."""
    if not near.size:
        return float(places[0])  # below the crossing errors are many, so the next guess is good
    missing = places
    if near.min() > crossing:
        missing = places[places < crossing]
    elif near.max() < crossing:
        missing = places[places > crossing]
    missing = missing if missing.size else places
    distance = np.min(np.abs(missing[:, None] - near), axis=1)
    return float(missing[np.argmax(np.round(distance, 3))])


def _q_doubt_db(point: SweepPoint, coding: Coding) -> float:
    """Propagate the counting error to 10 log10(Q)."""
    count = point.count
    q = ber_to_q(min((count.errors + 0.5) / (count.bits + 1.0), 0.49 * coding.value), coding)
    density = math.exp(-0.5 * q * q) / math.sqrt(2.0 * math.pi)
    error = math.sqrt(count.errors + 0.5) / count.bits
    return 10.0 / math.log(10.0) * error / (coding.value * density * q)


def _clean_away_db(point: SweepPoint, target_q_db: float, coding: Coding) -> float:
    """Get how far above the target a count without errors is at least, on the Q scale."""
    ratio = min(_LEAST_ERRORS_BELOW / point.count.bits, CLOSED_EYE * coding.value)
    return 10.0 * math.log10(ber_to_q(ratio, coding)) - target_q_db


def _check_search(
    start_dbm: float, typical_slope: float, enough: int, spread_db: float, lowest_dbm: float, most_dbm: float
) -> None:
    if not math.isfinite(start_dbm):
        raise FitError(f"a search cannot begin at {start_dbm} dBm: give the power expected")
    if not (typical_slope > 0 and spread_db > 0 and enough >= MIN_POINTS):
        raise FitError(
            f"a search for {enough} powers over {spread_db} dB at a slope of {typical_slope} cannot be:"
            f" give {MIN_POINTS} powers or more, and a positive spread and slope"
        )
    if not lowest_dbm < most_dbm:
        raise FitError(f"no light lies between {lowest_dbm} and {most_dbm} dBm: swap the limits")
