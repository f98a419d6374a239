"""Levels of two-level light: modulation amplitude, extinction ratio, average power, crossing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.nrz.folding import NrzEye, alike, central_windows, error_of_sum, windows
from measurements.patterns import runs_of
from measurements.units import FloatArray, mw_to_dbm, ratio_to_db

SETTLED_RUN = 5
"""Equal bits after which the light counts as settled; a square wave for OMA has 4 to 11
(IEEE 802.3, 52.9.5 [M])."""

SETTLED_SHARE = 0.2
"""Middle part of a run that is averaged (IEEE 802.3, 52.9.5: the central 20 % [M])."""

DB_PER_RELATIVE = 10.0 / math.log(10.0)


@dataclass(frozen=True, slots=True)
class SettledLevels:
    """Powers that long runs of equal bits settle to; OMA is their difference.

    `one_error_mw`, `zero_error_mw`: standard errors, None where one run of one period stands alone.
    """

    one_mw: float
    zero_mw: float
    one_error_mw: float | None
    zero_error_mw: float | None
    runs_of_ones: int
    runs_of_zeros: int
    shortest_run: int

    @property
    def oma_mw(self) -> float:
        """Get the optical modulation amplitude (IEEE 802.3, 52.9.5)."""
        return self.one_mw - self.zero_mw

    @property
    def oma_error_mw(self) -> float | None:
        """Get the standard error of the amplitude."""
        if self.one_error_mw is None or self.zero_error_mw is None:
            return None
        return math.hypot(self.one_error_mw, self.zero_error_mw)

    @property
    def oma_dbm(self) -> float:
        """Get the amplitude in dBm."""
        return mw_to_dbm(self.oma_mw)

    @property
    def standard_error_db(self) -> float | None:
        """Get the standard error of the amplitude in dB."""
        return None if self.oma_error_mw is None else DB_PER_RELATIVE * self.oma_error_mw / self.oma_mw


@dataclass(frozen=True, slots=True)
class EyeLevels:
    """Levels in the central 20 % of the eye, and what follows from them.

    `one_mw` and `zero_mw` are histogram means, `one_spread_mw` and `zero_spread_mw` rms widths with
    noise and interference together. `dark_mw` is what the scope showed without light: it is taken
    off before the extinction ratio and the average. `crossing_percent` is where the edges cross,
    0 at the zero and 100 at the one level. `samples` counts symbols, each with its window.
    """

    one_mw: float
    zero_mw: float
    one_error_mw: float
    zero_error_mw: float
    one_spread_mw: float
    zero_spread_mw: float
    average_mw: float
    average_error_mw: float
    dark_mw: float
    crossing_percent: float
    samples: int

    @property
    def oma_mw(self) -> float:
        """Get OMA from eye levels, below that of settled runs by what interference closes on average."""
        return self.one_mw - self.zero_mw

    @property
    def oma_dbm(self) -> float:
        """Get OMA from eye levels in dBm."""
        return mw_to_dbm(self.oma_mw)

    @property
    def average_dbm(self) -> float:
        """Get the average power in dBm."""
        return mw_to_dbm(self.average_mw)

    @property
    def extinction_ratio_db(self) -> float:
        """Get one over zero level, the dark level off both (IEEE 802.3, 52.9.4 [M]).

        Raise CaptureError for a zero level that no light can have.
        """
        if self.zero_mw <= self.dark_mw:
            raise CaptureError(
                f"the zero level {self.zero_mw:.3g} mW is not above the dark level {self.dark_mw:.3g} mW",
                where="extinction ratio",
                remedy="repeat the scope's dark calibration",
            )
        return ratio_to_db((self.one_mw - self.dark_mw) / (self.zero_mw - self.dark_mw))

    @property
    def extinction_ratio_error_db(self) -> float:
        """Get the standard error of the extinction ratio by noise; the dark level's own is not in it."""
        one = self.one_error_mw / (self.one_mw - self.dark_mw)
        zero = self.zero_error_mw / (self.zero_mw - self.dark_mw)
        return DB_PER_RELATIVE * math.hypot(one, zero)


def settled_levels(eye: NrzEye, *, least_run: int = SETTLED_RUN) -> SettledLevels:
    """Average the central 20 % of every run of `least_run` or more equal bits, each run alike.

    IEEE 802.3, 52.9.5 does so in a square wave of 4 to 11 equal bits [M]; any pattern with long
    runs gives the same for a transmitter that settles within 2 bits. Raise CaptureError for a
    pattern without such runs.
    """
    ones, zeros = (_runs(eye, symbol, least_run) for symbol in (1, 0))
    one, zero = (_settled(eye, runs) for runs in (ones, zeros))
    return SettledLevels(
        one_mw=one[0],
        zero_mw=zero[0],
        one_error_mw=one[1],
        zero_error_mw=zero[1],
        runs_of_ones=sum(starts.size for starts in ones.values()),
        runs_of_zeros=sum(starts.size for starts in zeros.values()),
        shortest_run=min(*ones, *zeros),
    )


def eye_levels(eye: NrzEye, *, dark_mw: float = 0.0) -> EyeLevels:
    """Measure levels by histogram means in the central 20 % of the eye, and the average power.

    IEEE 802.3, 52.9.4, 58.7.4 [M]. Samples belong to the bit that was sent, not to the half of the
    histogram they fall in, which is the same unless bits are wrong. Windows are weighted by time.
    Raise CaptureError for a dark level that is no number.
    """
    if not math.isfinite(dark_mw):
        raise CaptureError(
            f"{dark_mw} mW", where="dark level", remedy="give the scope's reading without light"
        )
    central, sent, groups = central_windows(eye), eye.sent, alike(eye)
    means = central.means
    one, zero = (_level(means, sent == symbol, groups) for symbol in (1, 0))
    spread = np.sqrt(spreads(central.squares(np.where(sent == 1, one[0], zero[0])), sent))
    return EyeLevels(
        one_mw=one[0],
        zero_mw=zero[0],
        one_error_mw=one[1],
        zero_error_mw=zero[1],
        one_spread_mw=float(spread[1]),
        zero_spread_mw=float(spread[0]),
        average_mw=eye.locked.signal.mean - dark_mw,
        average_error_mw=error_of_sum(_shares_of_average(eye), groups),
        dark_mw=dark_mw,
        crossing_percent=100.0 * (eye.crossing_mw - zero[0]) / (one[0] - zero[0]),
        samples=sent.size,
    )


def level_means(eye: NrzEye) -> tuple[float, float]:
    """Get the zero and the one level of `eye_levels`, and nothing else."""
    means, sent = central_windows(eye).means, eye.sent
    return float(means[sent == 0].mean()), float(means[sent == 1].mean())


def spreads(squares: FloatArray, sent: NDArray[np.uint8]) -> FloatArray:
    """Get the mean square around the zero and the one level, in this order."""
    return np.array([squares[sent == symbol].mean() for symbol in (0, 1)])


def has_settled_runs(eye: NrzEye, least_run: int = SETTLED_RUN) -> bool:
    """Tell whether the pattern holds runs long enough for `settled_levels`."""
    return all(_runs_of_value(eye, symbol, least_run) for symbol in (0, 1))


def _level(means: FloatArray, own: NDArray[np.bool_], groups: NDArray[np.intp]) -> tuple[float, float]:
    """Get the mean over some symbols and its standard error."""
    values = means[own]
    return float(values.mean()), error_of_sum(values / values.size, groups[own])


def _shares_of_average(eye: NrzEye) -> FloatArray:
    """Get what each symbol's samples add to the average of the record."""
    power_mw = eye.waveform.power_mw
    starts = np.arange(eye.symbols.size * eye.periods) * eye.samples_per_symbol
    sums = np.add.reduceat(power_mw - eye.locked.signal.mean, np.ceil(starts).astype(np.intp))
    # They are cut where the record begins, not where symbols do: noise does not mind.
    return np.asarray(np.roll(sums, -int(np.floor(eye.crossing_ui))) / power_mw.size, dtype=np.float64)


def _runs(eye: NrzEye, symbol: int, least: int) -> dict[int, NDArray[np.intp]]:
    runs = _runs_of_value(eye, symbol, least)
    if not runs:
        raise CaptureError(
            f"no run of {least} or more symbols {symbol}",
            where="pattern",
            remedy="measure OMA on a square wave of 8 equal bits, PRBS9 or longer; or from eye levels",
        )
    return runs


def _runs_of_value(eye: NrzEye, symbol: int, least: int) -> dict[int, NDArray[np.intp]]:
    """Find runs by their length: where each begins in the period."""
    others = np.flatnonzero(eye.symbols != symbol)
    gaps = np.diff(others, append=others[0] + eye.symbols.size) - 1
    lengths = np.unique(gaps[gaps >= max(1, least)]).tolist()
    return {length: runs_of(eye.symbols, symbol, length) for length in lengths}


def _settled(eye: NrzEye, runs: dict[int, NDArray[np.intp]]) -> tuple[float, float | None]:
    """Average the middle of runs; the error is by scatter between periods, or else between runs."""
    means = np.concatenate([_run_means(eye, starts, length) for length, starts in runs.items()], axis=1)
    positions = np.broadcast_to(np.arange(means.shape[1]), means.shape)
    groups = positions if eye.periods > 1 else np.zeros_like(positions)
    error = error_of_sum(means.ravel() / means.size, groups.ravel()) if means.size > 1 else None
    return float(means.mean()), error


def _run_means(eye: NrzEye, starts: NDArray[np.intp], length: int) -> FloatArray:
    """Get the mean over the middle of each run, a row for each period."""
    turns = eye.symbols.size * np.arange(eye.periods)[:, None]
    centres = np.asarray(eye.crossing_ui + 0.5 * length + starts + turns, dtype=np.float64)
    return windows(eye, centres.ravel(), SETTLED_SHARE * length).means.reshape(centres.shape)
