"""The optical front end of a sampling scope, and the detector of a power meter.

A sampling scope takes one sample at each trigger and walks through the pattern, so that every sample has
noise of its own and averaging n records divides noise and jitter by sqrt(n). Interference between
beams and the scope's own linearity are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import period
from simulation.physics.emitter import LightEmitter, ModulatedEmitter, Waveform
from simulation.physics.filters import BESSEL_NOISE_BANDWIDTH, bessel_thomson, gaussian_jitter
from simulation.physics.light import Beam, Light, total_power_mw
from simulation.physics.prolongation import Prolongation
from simulation.physics.receiver import ELEMENTARY_CHARGE_C
from simulation.physics.waveform import Shelf

_INNER_OVERSAMPLING = 8
_RECORDS_KEPT = 8
_TIMEBASES_KEPT = 2
_RESPONSIVITY_A_PER_W = 0.7
_RATE_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a scope takes a record.

    `timebase` is the reference of its trigger and `pattern_symbols` the length of a record. Light that
    follows another reference or rate, or of whose pattern the record does not hold whole periods, is not
    locked and comes out as a smear. `noise_mw` and
    `jitter_ps` are the scope's own, rms. The reference receiver is a 4th-order Bessel-Thomson filter.
    """

    timebase: str | None
    symbol_rate_gbd: float
    pattern_symbols: int
    bandwidth_ghz: float
    samples_per_symbol: int = 16
    averages: int = 1
    noise_mw: float = 0.008
    jitter_ps: float = 0.1
    timebase_wobble_ps: float = 0.1


@dataclass(frozen=True, slots=True)
class Record:
    """One record as acquired.

    `time_ps` is where the samples were really taken, near an even grid; `noise_mw` the rms noise of a
    single sample there before averaging, jitter apart. `locked` tells whether all modulated light was.
    """

    time_ps: NDArray[np.float64]
    power_mw: Waveform
    noise_mw: Waveform
    locked: bool


@dataclass(frozen=True, slots=True)
class _Trace:
    """A noise-free waveform behind the reference receiver, mean one, and its change in a picosecond."""

    power: Waveform
    slope: Waveform


@dataclass(frozen=True, slots=True)
class _Moments:
    """When the samples of a record are taken, and how far that is from an even grid."""

    time_ps: NDArray[np.float64]
    offset_ps: Waveform

    @classmethod
    def of(cls, sampling: Sampling) -> _Moments:
        """Let the timebase stray slowly from its grid, with a period of 4 ns."""
        grid_ps = np.arange(_count(sampling), dtype=np.float64) * _step_ps(sampling)
        offset_ps = sampling.timebase_wobble_ps * np.sin(grid_ps * (2 * np.pi / 4000.0))
        grid_ps += offset_ps
        grid_ps.setflags(write=False)
        return cls(grid_ps, offset_ps.astype(np.float32))


class ScopeFrontEnd:
    """One optical channel, or several; remembers what it has filtered lately."""

    def __init__(self) -> None:
        self._shelf = Shelf(_RECORDS_KEPT)
        self._moments_of = Shelf(_TIMEBASES_KEPT)

    def acquire(self, light: Light, sampling: Sampling, rng: np.random.Generator) -> Record:
        """Sample one record of the light, averaged over `averages` records."""
        moments = self._moments(sampling)
        mean = np.zeros(moments.time_ps.size, dtype=np.float32)
        jitter = np.zeros_like(mean)
        variance = np.full_like(mean, sampling.noise_mw**2)
        for beam in light:
            power, slope = self._seen(beam, sampling, moments.offset_ps, rng)
            mean += power
            variance += np.square(power) * np.float32(_rin_share(beam, sampling))
            variance += np.maximum(power, 0.0) * np.float32(_shot_mw(sampling))
            jitter += np.square(slope) * np.float32(_jitter_ps(beam, sampling) ** 2)
        noise = rng.standard_normal(mean.size, dtype=np.float32)
        jitter += variance
        jitter *= np.float32(1.0 / sampling.averages)
        noise *= np.sqrt(jitter, out=jitter)
        mean += noise
        locked = all(
            _is_locked(b.emitter, sampling) for b in light if isinstance(b.emitter, ModulatedEmitter)
        )
        return Record(moments.time_ps, mean, np.sqrt(variance, out=variance), locked)

    def _moments(self, sampling: Sampling) -> _Moments:
        """Get when samples are taken, which is the same record after record."""
        key = (_count(sampling), _step_ps(sampling), sampling.timebase_wobble_ps)
        return self._moments_of.get(key, lambda: _Moments.of(sampling))

    def _seen(
        self, beam: Beam, sampling: Sampling, offset_ps: Waveform, rng: np.random.Generator
    ) -> tuple[Waveform, Waveform]:
        """Get the power and slope that each sample meets of one beam, noise apart."""
        level = np.float32(beam.power_mw)
        if not isinstance(beam.emitter, ModulatedEmitter):
            steady = np.full(_count(sampling), level)
            return steady, np.zeros_like(steady)
        trace = self._trace(beam, beam.emitter, sampling)
        if not _is_locked(beam.emitter, sampling):
            return _smear(trace, level, sampling, rng)
        slope = np.resize(trace.slope, offset_ps.size) * level
        power = np.resize(trace.power, offset_ps.size) * level
        power += slope * offset_ps
        return power, slope

    def _trace(self, beam: Beam, emitter: ModulatedEmitter, sampling: Sampling) -> _Trace:
        dispersion_ps_nm = round(beam.dispersion_ps_nm, 2)
        jitter_ps = _jitter_ps(beam, sampling)
        key = (
            emitter.name,
            emitter.shape_key,
            dispersion_ps_nm,
            jitter_ps,
            sampling.bandwidth_ghz,
            sampling.samples_per_symbol,
        )
        return self._shelf.get(key, lambda: _filtered(emitter, dispersion_ps_nm, jitter_ps, sampling))


def _filtered(
    emitter: ModulatedEmitter, dispersion_ps_nm: float, jitter_ps: float, sampling: Sampling
) -> _Trace:
    """Send a waveform through the reference receiver; jitter takes its part of the mean's fast changes."""
    power = emitter.waveform(_INNER_OVERSAMPLING, None, dispersion_ps_nm)
    fast = Prolongation.of(power.size // _INNER_OVERSAMPLING)
    spectrum = np.fft.rfft(fast.prolong(power, _INNER_OVERSAMPLING))
    grid_ghz = np.arange(spectrum.size, dtype=np.float64) * (emitter.symbol_rate_gbd / fast.length)
    response = bessel_thomson(grid_ghz, sampling.bandwidth_ghz) * gaussian_jitter(grid_ghz, jitter_ps)
    spectrum = spectrum * response.astype(np.complex64)
    scale = np.float32(sampling.samples_per_symbol / _INNER_OVERSAMPLING / emitter.power_mw)
    received = np.fft.irfft(spectrum, fast.length * sampling.samples_per_symbol)
    filtered = fast.cut(received, sampling.samples_per_symbol) * scale
    step_ps = 1e3 / (emitter.symbol_rate_gbd * sampling.samples_per_symbol)
    slope = (np.roll(filtered, -1) - np.roll(filtered, 1)) * np.float32(0.5 / step_ps)
    return _Trace(filtered.astype(np.float32), slope.astype(np.float32))


def _smear(
    trace: _Trace, level: np.float32, sampling: Sampling, rng: np.random.Generator
) -> tuple[Waveform, Waveform]:
    """Sample a waveform at moments that have nothing to do with its symbols."""
    count = _count(sampling)
    if sampling.averages == 1:
        place = rng.integers(0, trace.power.size, count)
        return trace.power[place] * level, trace.slope[place] * level
    spread = trace.power.std() / np.sqrt(sampling.averages)
    mean = 1.0 + rng.standard_normal(count, dtype=np.float32) * np.float32(spread)
    return mean * level, np.zeros(count, dtype=np.float32)


def _is_locked(emitter: ModulatedEmitter, sampling: Sampling) -> bool:
    """Tell whether the trigger follows the light's own reference, rate and pattern length."""
    same_clock = emitter.timebase == sampling.timebase
    # a locked timebase runs at its trigger's own rate; the setting only has to find the pattern
    same_rate = abs(emitter.symbol_rate_gbd / sampling.symbol_rate_gbd - 1.0) < _RATE_TOLERANCE
    whole_periods = sampling.pattern_symbols % period(emitter.pattern) == 0
    return same_clock and same_rate and whole_periods


def _count(sampling: Sampling) -> int:
    return sampling.pattern_symbols * sampling.samples_per_symbol


def _step_ps(sampling: Sampling) -> float:
    return 1e3 / (sampling.symbol_rate_gbd * sampling.samples_per_symbol)


def _noise_bandwidth_hz(sampling: Sampling) -> float:
    return BESSEL_NOISE_BANDWIDTH * sampling.bandwidth_ghz * 1e9


def _jitter_ps(beam: Beam, sampling: Sampling) -> float:
    own = beam.emitter.jitter_ps if isinstance(beam.emitter, ModulatedEmitter) else 0.0
    return float(np.hypot(own, sampling.jitter_ps))


def _rin_share(beam: Beam, sampling: Sampling) -> float:
    """Get the variance of the relative intensity within the receiver's bandwidth."""
    if not isinstance(beam.emitter, LightEmitter):
        return 0.0
    return float(10 ** (beam.emitter.rin_db_hz / 10) * _noise_bandwidth_hz(sampling))


def _shot_mw(sampling: Sampling) -> float:
    """Get the variance of shot noise in mW² for each mW of light."""
    return 2 * ELEMENTARY_CHARGE_C / _RESPONSIVITY_A_PER_W * _noise_bandwidth_hz(sampling) * 1e3


def detected_power_mw(
    light: Light, rng: np.random.Generator, *, averaging_s: float, noise_mw_per_rthz: float
) -> float:
    """Get the reading of an averaging detector: all light, and white noise narrowed by averaging.

    Averaging over t seconds passes a noise bandwidth of 1 / (2 t). A reading near zero may be negative.
    """
    sigma_mw = noise_mw_per_rthz / (2.0 * averaging_s) ** 0.5
    noise_mw: float = sigma_mw * rng.standard_normal()
    return total_power_mw(light) + noise_mw
