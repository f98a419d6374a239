"""A pattern-locked capture of a scope: checked, on an even grid, and aligned to its pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.alignment import find_pattern
from measurements.patterns import Symbols
from measurements.periodic import PeriodicSignal, bessel_thomson
from measurements.quantity import Cause, NotMeasurable

MIN_SAMPLES_PER_SYMBOL = 4.0
_LOOKED_AT = 65536
_FLAT_SHARE, _NEAR = 0.005, 0.002
"""Noise and overshoot put less of a record at its very end."""

LOCKED_CORRELATION = 0.3
"""A wrong pattern correlates at about 4/sqrt(symbols); an eye too closed for any FFE still above 0.5."""


class CaptureError(ValueError):
    """A record that cannot be what it is said to be: a fault of the bench or of the call, not of the light.

    `where` names what is wrong in the record, `remedy` what to do.
    """

    def __init__(self, message: str, *, where: str, remedy: str) -> None:
        super().__init__(f"{where}: {message}; {remedy}")
        self.where = where
        self.remedy = remedy


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Whole periods of a pattern on an even grid, as a scope gives them, with the pattern they hold.

    `pattern` is one period of symbols at any rotation against the samples. Constructing checks
    everything that can be told without the light's help and raises CaptureError.
    """

    power_mw: NDArray[np.floating]
    pattern: Symbols
    samples_per_symbol: float
    symbol_rate_gbd: float

    def __post_init__(self) -> None:
        check_pattern(self.pattern)
        check_rates(self.samples_per_symbol, self.symbol_rate_gbd)
        check_samples(self.power_mw)
        _check_length(self.power_mw.size, self.pattern.size, self.samples_per_symbol)
        _check_unclipped(self.power_mw)

    @property
    def periods(self) -> int:
        """Get the number of pattern periods in the record."""
        return round(self.power_mw.size / (self.pattern.size * self.samples_per_symbol))

    def signal(self, *, reference_filter: bool = False) -> PeriodicSignal:
        """Get one period, averaged over all, on request through the half-rate Bessel-Thomson filter."""
        record = filtered(self, 0.5 * self.symbol_rate_gbd) if reference_filter else self
        return PeriodicSignal.of(record.power_mw, symbols=self.pattern.size, periods=self.periods)


@dataclass(frozen=True, slots=True, eq=False)
class LockedSignal:
    """A waveform and its symbols in step: symbol i is centred at i + `centre_ui` from sample 0."""

    signal: PeriodicSignal
    symbols: Symbols
    centre_ui: float
    correlation: float


def filtered(waveform: Waveform, bandwidth_ghz: float) -> Waveform:
    """Pass a capture through a 4th-order Bessel-Thomson filter, without end effects: the pattern repeats."""
    samples = np.asarray(waveform.power_mw, dtype=np.float64)
    sample_rate = waveform.samples_per_symbol * waveform.symbol_rate_gbd
    frequency_ghz = np.arange(samples.size // 2 + 1, dtype=np.float64) * (sample_rate / samples.size)
    spectrum = np.multiply(np.fft.rfft(samples), bessel_thomson(frequency_ghz, bandwidth_ghz))
    power_mw = np.fft.irfft(spectrum, samples.size)
    power_mw.setflags(write=False)
    return Waveform(power_mw, waveform.pattern, waveform.samples_per_symbol, waveform.symbol_rate_gbd)


def lock(signal: PeriodicSignal, pattern: Symbols, *, noise_mw: float = 0.0) -> LockedSignal | NotMeasurable:
    """Find the pattern in a waveform.

    `noise_mw` is the rms noise expected in the record, as far as it is known. Without light or
    modulation the result is NotMeasurable. Modulated light that is not this pattern, or its
    inverse, raises CaptureError: then wiring, pattern setting or trigger are wrong.
    """
    place = find_pattern(signal, pattern, sure=LOCKED_CORRELATION)
    if abs(place.correlation) < LOCKED_CORRELATION:
        return _without_pattern(signal, float(max(noise_mw, signal.white_noise)), abs(place.correlation))
    if signal.mean <= 0:
        raise CaptureError(
            f"the average is {signal.mean:.3g} mW",
            where="average power",
            remedy="repeat the scope's dark calibration",
        )
    if place.correlation < 0:
        raise CaptureError(
            f"the light carries the inverse of the pattern (correlation {place.correlation:.2f})",
            where="polarity",
            remedy="check the polarity of lane and pattern generator, or analyse against the inverse",
        )
    delay = int(np.floor(place.delay_ui))
    symbols = np.roll(pattern, delay)
    symbols.setflags(write=False)
    return LockedSignal(signal, symbols, place.delay_ui - delay, place.correlation)


def _without_pattern(signal: PeriodicSignal, noise_mw: float, correlation: float) -> NotMeasurable:
    """Tell a record without light, light that does not move, and light that carries something else."""
    rms, mean = signal.rms, signal.mean
    evidence = {"average_mw": mean, "rms_mw": rms, "noise_mw": noise_mw, "correlation": correlation}
    if rms > max(3.0 * noise_mw, 1e-6 * abs(mean)):
        raise CaptureError(
            f"the light is modulated, but not with this pattern (best correlation {correlation:.3f})",
            where="pattern",
            remedy="check the generator's pattern, the lane order and the scope's pattern lock",
        )
    if abs(mean) <= 3.0 * noise_mw:
        return NotMeasurable("no light: the average is within the noise", Cause.DARK, evidence)
    return NotMeasurable("the light is not modulated beyond its noise", Cause.NO_MODULATION, evidence)


def check_pattern(pattern: Symbols) -> None:
    """Refuse what is not one period of PAM4 or NRZ symbols. Raise CaptureError."""
    whole = np.issubdtype(pattern.dtype, np.integer)
    if pattern.ndim != 1 or pattern.size < 16 or not whole or pattern.max() > 3 or pattern.min() < 0:
        raise CaptureError(
            f"{pattern.size} symbols ({pattern.dtype}) up to {pattern.max(initial=0)}",
            where="pattern",
            remedy="give one period of at least 16 symbols 0 to 3, as whole numbers",
        )


def check_rates(samples_per_symbol: float, symbol_rate_gbd: float) -> None:
    """Refuse rates that are no numbers, and records too coarse to tell an eye. Raise CaptureError."""
    if not (np.isfinite(symbol_rate_gbd) and symbol_rate_gbd > 0):
        raise CaptureError(
            f"{symbol_rate_gbd} GBd", where="symbol rate", remedy="give a positive rate in gigabaud"
        )
    if not (np.isfinite(samples_per_symbol) and samples_per_symbol >= MIN_SAMPLES_PER_SYMBOL):
        raise CaptureError(
            f"{samples_per_symbol:g} samples per symbol",
            where="record length",
            remedy=f"capture at least {MIN_SAMPLES_PER_SYMBOL:g} samples per symbol",
        )


def check_samples(power_mw: NDArray[np.floating]) -> None:
    """Refuse powers that are no one-dimensional array of finite floats. Raise CaptureError."""
    if power_mw.ndim != 1 or not np.issubdtype(power_mw.dtype, np.floating):
        raise CaptureError(
            f"an array of shape {power_mw.shape} of {power_mw.dtype}",
            where="power",
            remedy="give one dimension of float32 or float64 in milliwatt",
        )
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(power_mw.sum()):
            return
    bad = np.flatnonzero(~np.isfinite(power_mw))
    if bad.size:
        raise CaptureError(
            f"{bad.size} samples are not finite, first at {bad[0]}",
            where="power",
            remedy="the scope marks holes in a record so: capture again",
        )


def _check_unclipped(power_mw: NDArray[np.floating]) -> None:
    """Refuse a record that stands flat at one of its ends: the scope's converter was full."""
    looked_at = power_mw[:_LOOKED_AT]
    for end, furthest in (("top", looked_at.max()), ("bottom", looked_at.min())):
        flat = looked_at == furthest
        count = int(np.count_nonzero(flat))
        if count < _FLAT_SHARE * looked_at.size or count == looked_at.size:
            continue
        away = np.abs(looked_at[~flat] - furthest) / np.ptp(looked_at)
        # Light that settles comes near its last value often, a clipped record falls away from it at once.
        settles = np.count_nonzero(away < _NEAR) > 0.25 * count
        # What was computed, and what a coarse converter gives, repeats all its values, not the last alone.
        distinct = np.unique(np.round(away[: _LOOKED_AT // 8], 9)).size
        if not settles and distinct > 0.2 * min(away.size, _LOOKED_AT // 8):
            raise CaptureError(
                f"{100.0 * count / looked_at.size:.1f} % of the samples stand at {furthest:.4g} mW exactly",
                where=f"{end} of the scope's range",
                remedy="the record is clipped: give the channel more range, or attenuate, and capture again",
            )


def _check_length(samples: int, symbols: int, samples_per_symbol: float) -> None:
    periods = samples / (symbols * samples_per_symbol)
    if round(periods) < 1 or abs(periods - round(periods)) * symbols * samples_per_symbol > 0.5:
        raise CaptureError(
            f"{samples:,} samples at {samples_per_symbol:g} per symbol are {periods:.5f} periods"
            f" of {symbols:,} symbols",
            where="record length",
            remedy="capture whole pattern periods; check pattern length and samples per symbol",
        )
