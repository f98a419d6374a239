"""A pattern-locked capture of a scope: checked, on an even grid, and aligned to its pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import Symbols
from measurements.periodic import PeriodicSignal, bessel_thomson
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray, symbol_period_s

MIN_SAMPLES_PER_SYMBOL = 4.0
LOCKED_CORRELATION = 0.3
"""A wrong pattern correlates at about 4/sqrt(symbols); an eye too closed for any FFE still above 0.5."""

_LEAD = 512
"""Samples that lead a prolonged period in and out."""

__all__ = [
    "CaptureError",
    "LockedSignal",
    "Waveform",
    "bessel_thomson",
    "filtered",
    "lock",
    "waveform_from_xy",
]


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
        _check_pattern(self.pattern)
        _check_rates(self.samples_per_symbol, self.symbol_rate_gbd)
        _check_samples(self.power_mw)
        _check_length(self.power_mw.size, self.pattern.size, self.samples_per_symbol)

    @property
    def periods(self) -> int:
        """Get the number of pattern periods in the record."""
        return round(self.power_mw.size / (self.pattern.size * self.samples_per_symbol))

    def signal(self, *, reference_filter: bool = False) -> PeriodicSignal:
        """Get the waveform as a Fourier series, on request through the half-rate Bessel-Thomson filter."""
        signal = PeriodicSignal.of(self.power_mw, symbols=self.pattern.size, periods=self.periods)
        return signal.filtered(0.5) if reference_filter else signal


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
    correlation = signal.correlate(pattern)
    best = int(np.argmax(np.abs(correlation)))
    peak = float(correlation[best])
    if abs(peak) < LOCKED_CORRELATION:
        return _without_pattern(signal, float(max(noise_mw, signal.white_noise)), abs(peak))
    if signal.mean <= 0:
        raise CaptureError(
            f"the average is {signal.mean:.3g} mW",
            where="average power",
            remedy="repeat the scope's dark calibration",
        )
    if peak < 0:
        raise CaptureError(
            f"the light carries the inverse of the pattern (correlation {peak:.2f})",
            where="polarity",
            remedy="check the polarity of lane and pattern generator, or analyse against 3 - pattern",
        )
    steps = correlation.size // pattern.size
    centre = (best + _vertex(correlation, best)) / steps
    delay = int(np.floor(centre))
    symbols = np.roll(pattern, delay)
    symbols.setflags(write=False)
    return LockedSignal(signal, symbols, centre - delay, peak)


def waveform_from_xy(
    time_s: FloatArray, power_mw: NDArray[np.floating], *, pattern: Symbols, symbol_rate_gbd: float
) -> Waveform:
    """Build a waveform from one pattern period of time and power, whose time steps may be uneven.

    Each sample is moved to the nearest place of an even grid along the smooth part of the waveform
    (harmonics up to twice the symbol rate), so it keeps its own noise; interpolating between
    neighbours would average noise away and flatter the transmitter. Steps uneven by more than half
    a step, missing points, a wrong length or rate raise CaptureError.
    """
    _check_pattern(pattern)
    _check_rates(MIN_SAMPLES_PER_SYMBOL, symbol_rate_gbd)
    _check_samples(power_mw)
    _check_times(time_s, power_mw)
    samples_per_symbol = power_mw.size / pattern.size
    step_s = symbol_period_s(symbol_rate_gbd) / samples_per_symbol
    _check_span(time_s, pattern.size, symbol_rate_gbd)
    late = (time_s - time_s[0]) / step_s - np.arange(time_s.size)
    late -= 0.5 * (late.max() + late.min())
    if np.abs(late).max() > 0.5:
        worst = int(np.argmax(np.abs(late)))
        raise CaptureError(
            f"sample {worst} stands {late[worst]:+.2f} steps off an even grid",
            where="time axis",
            remedy="points are missing or doubled: capture again",
        )
    even = _moved_to_grid(power_mw, late, pattern.size) if np.abs(late).max() > 1e-3 else power_mw
    return Waveform(even, pattern, samples_per_symbol, symbol_rate_gbd)


def _moved_to_grid(power_mw: NDArray[np.floating], late: FloatArray, symbols: int) -> FloatArray:
    """Subtract from each sample what the smooth waveform does between its place and the grid's."""
    given = np.asarray(power_mw, dtype=np.float64)
    settled = 1e-5 * float(np.ptp(given))
    steps, reach = late.astype(np.float32), _reach(late, symbols)
    # Moving the uneven record back as if it were even is wrong only by how `late` changes on the way.
    even = given + _rise(given, -steps, reach, symbols)
    for _ in range(6):  # each pass shrinks the error to `reach` of what it was
        previous, even = even, given - _rise(even, steps, reach, symbols)
        if reach * float(np.abs(even - previous).max()) <= settled:
            break
    even.setflags(write=False)
    return even


def _reach(late: FloatArray, symbols: int) -> float:
    """Get the turn, in radians, of a component at 1.5 symbol rates within the greatest lateness."""
    return 3.0 * np.pi * symbols / late.size * float(np.abs(late).max())


def _rise(even: FloatArray, late: NDArray[np.float32], reach: float, symbols: int) -> NDArray[np.float32]:
    """Predict by a Taylor series how far the smooth waveform moves within `late` steps.

    Single precision: what it predicts is a small part of the waveform.
    """
    from scipy import fft

    size = fft.next_fast_len(even.size + 2 * _LEAD, real=True)
    spectrum = fft.rfft(_faded(even, size))
    spectrum[int(2.0 * symbols * size / even.size) + 1 :] = 0.0
    slope = (2j * np.pi / size * np.arange(spectrum.size)).astype(np.complex64)
    factor, rise = late.copy(), np.zeros_like(late)
    # The term that a component at 1.5 symbol rates would still contribute decides when to stop.
    term = 1.0
    for order in range(1, 8):
        spectrum *= slope
        moved = fft.irfft(spectrum, size)[_LEAD : _LEAD + even.size]
        rise += factor * moved.astype(np.float32, copy=False)
        term *= reach / order
        if term < 1e-4:
            break
        factor *= late
        factor *= np.float32(1.0 / (order + 1))
    return rise


def _faded(even: FloatArray, size: int) -> NDArray[np.float32]:
    """Prolong a period by its repetition, which fades at both ends, to a length that transforms fast.

    Pattern lengths have large prime factors, which make a transform five times slower.
    """
    centred = (even - even.mean()).astype(np.float32)
    prolonged = np.pad(centred, (_LEAD, size - even.size - _LEAD), mode="wrap")
    fade = np.sin(np.linspace(0.0, 0.5 * np.pi, _LEAD, dtype=np.float32)) ** 2
    prolonged[:_LEAD] *= fade
    prolonged[-_LEAD:] *= fade[::-1]
    return prolonged


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


def _vertex(values: FloatArray, best: int) -> float:
    """Find the top of the parabola through a peak and its neighbours, in steps from the peak."""
    left, top, right = (float(values[(best + i) % values.size]) for i in (-1, 0, 1))
    bend = left - 2.0 * top + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0


def _check_pattern(pattern: Symbols) -> None:
    if pattern.ndim != 1 or pattern.size < 16 or int(pattern.max()) > 3:
        raise CaptureError(
            f"{pattern.size} symbols up to {pattern.max(initial=0)}",
            where="pattern",
            remedy="give one period of at least 16 symbols 0 to 3",
        )


def _check_rates(samples_per_symbol: float, symbol_rate_gbd: float) -> None:
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


def _check_samples(power_mw: NDArray[np.floating]) -> None:
    if power_mw.ndim != 1 or not np.issubdtype(power_mw.dtype, np.floating):
        raise CaptureError(
            f"an array of shape {power_mw.shape} of {power_mw.dtype}",
            where="power",
            remedy="give one dimension of float32 or float64 in milliwatt",
        )
    bad = np.flatnonzero(~np.isfinite(power_mw))
    if bad.size:
        raise CaptureError(
            f"{bad.size} samples are not finite, first at {bad[0]}",
            where="power",
            remedy="the scope marks holes in a record so: capture again",
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


def _check_times(time_s: FloatArray, power_mw: NDArray[np.floating]) -> None:
    if time_s.shape != power_mw.shape:
        raise CaptureError(
            f"{time_s.size:,} times for {power_mw.size:,} powers",
            where="time axis",
            remedy="ask the scope for X and Y of the same record",
        )
    if not np.isfinite(time_s).all():
        raise CaptureError("a time is not finite", where="time axis", remedy="capture again")
    back = np.flatnonzero(np.diff(time_s) <= 0)
    if back.size:
        raise CaptureError(
            f"time stands still or runs back after sample {back[0]}",
            where="time axis",
            remedy="check that the record is a pattern waveform, not an eye diagram",
        )


def _check_span(time_s: FloatArray, symbols: int, symbol_rate_gbd: float) -> None:
    """Hold the time that the record spans against one period, to half a sample."""
    count = time_s.size
    spanned = float(time_s[-1] - time_s[0]) * count / (count - 1) / symbol_period_s(symbol_rate_gbd)
    if abs(spanned - symbols) > max(1.0 * symbols / count, 1e-5 * symbols):
        raise CaptureError(
            f"the record spans {spanned:,.2f} symbols at {symbol_rate_gbd:g} GBd, not {symbols:,}",
            where="record length",
            remedy="check symbol rate and pattern length set on the scope",
        )
    if count < MIN_SAMPLES_PER_SYMBOL * symbols:
        _check_rates(count / symbols, symbol_rate_gbd)
