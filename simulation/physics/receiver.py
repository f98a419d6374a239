"""The receive side of a lane: photodiode, transimpedance amplifier, equaliser, and the errors they make.

Semi-analytic: the received waveform is computed without noise and equalised; each symbol then errs
with the Gaussian probability that noise at the slicer carries it past the next threshold. Taps minimise
the mean square error and thresholds follow levels and noise, as the DSP's own adaptation does. Decisions
are taken symbol by symbol and Gray coding makes an error cost one bit. Overload is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.physics.emitter import ModulatedEmitter
from simulation.physics.filters import BESSEL_NOISE_BANDWIDTH, bessel_thomson
from simulation.physics.laser import REFERENCE_C
from simulation.physics.light import Beam, Light, total_power_mw
from simulation.physics.parameters import LaneParameters

ELEMENTARY_CHARGE_C = 1.602176634e-19
_SYMBOLS = 8192
_OVERSAMPLING = 4
_BITS_PER_SYMBOL = 2
Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One lane's light at the decision instants, relative to its average power, before equalisation.

    `windows` has a row for each symbol: the samples that the equaliser sees; `levels` are the symbols sent.
    `correlation` is the noise's from sample to sample; `slope` the rms change for each unit interval.
    """

    windows: Samples
    levels: NDArray[np.uint8]
    correlation: Samples
    slope: float
    sorted: SortedEye = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sorted", SortedEye.of(self.windows, self.levels))

    @property
    def swing(self) -> float:
        """Get the mean distance from level 0 to level 3."""
        return self.sorted.swing


@dataclass(frozen=True, slots=True, eq=False)
class SortedEye:
    """What an eye's error ratio takes from it at any noise: its symbols by level, and their moments.

    Rows of level k are `starts[k]` and the `counts[k]` from there. `light` is the power at the main
    sample, `normal` and `towards` the moments of the least mean square fit.
    """

    centred: Samples
    light: Samples
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]
    normal: Samples
    towards: Samples
    mean_square: float
    swing: float

    @classmethod
    def of(cls, windows: Samples, levels: NDArray[np.uint8]) -> SortedEye:
        """Sort the symbols of an eye by their level."""
        order = np.argsort(levels, kind="stable")
        counts = np.bincount(levels, minlength=4)
        main = windows[order, windows.shape[1] // 2]
        centred = windows[order] - windows.mean()
        target = (levels[order] - levels.mean()) / 3.0
        return cls(
            centred=centred,
            light=np.maximum(main, 0.0),
            starts=np.cumsum(counts) - counts,
            counts=counts,
            normal=centred.T @ centred / target.size,
            towards=centred.T @ target / target.size,
            mean_square=float(np.mean(windows[:, 0] ** 2)),
            swing=float(main[-counts[3] :].mean() - main[: counts[0]].mean()),
        )

    def means(self, values: Samples) -> Samples:
        """Get the mean of each level."""
        return np.asarray(np.add.reduceat(values, self.starts) / self.counts)


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise at the decision instants as variances relative to (average photocurrent)²; RIN times level²."""

    steady: float
    shot: float
    rin: float
    white: float


def strongest(light: Light) -> tuple[Beam, ModulatedEmitter] | None:
    """Find the strongest modulated beam, which is the one that a receiver locks to."""
    found = [(beam, beam.emitter) for beam in light if isinstance(beam.emitter, ModulatedEmitter)]
    return max(found, key=lambda pair: pair[0].power_mw, default=None)


def received_eye(emitter: ModulatedEmitter, dispersion_ps_nm: float, bandwidth_ghz: float, taps: int) -> Eye:
    """Compute the noise-free eye of a transmitter behind this receiver's bandwidth."""
    rate_gbd = emitter.symbol_rate_gbd
    power = emitter.waveform(_OVERSAMPLING, _SYMBOLS, dispersion_ps_nm).astype(np.float64)
    spectrum = np.fft.rfft(power / power.mean())
    grid_ghz = np.arange(spectrum.size, dtype=np.float64) * (rate_gbd / _SYMBOLS)
    spectrum = spectrum * bessel_thomson(grid_ghz, bandwidth_ghz)
    filtered = np.fft.irfft(spectrum, power.size)
    sampled = filtered.reshape(_SYMBOLS, _OVERSAMPLING)
    levels = emitter.symbols(_SYMBOLS)
    phase, shift = _lock(sampled, levels)
    slope = np.roll(filtered, -1) - np.roll(filtered, 1)
    reach = np.arange(taps) - taps // 2
    aligned = np.roll(sampled[:, phase], -shift)
    windows = np.stack([np.roll(aligned, -offset) for offset in reach], axis=1)
    correlation = _noise_correlation(bandwidth_ghz / rate_gbd, taps)
    rms_slope = float(slope[phase::_OVERSAMPLING].std()) * _OVERSAMPLING / 2
    return Eye(windows, levels, correlation, rms_slope)


def _lock(sampled: Samples, levels: NDArray[np.uint8]) -> tuple[int, int]:
    """Find the sampling phase and the shift in symbols at which samples follow the levels sent best."""
    reference = np.conj(np.fft.rfft(levels - levels.mean()))[:, None]
    centred = sampled - sampled.mean(axis=0)
    match = np.fft.irfft(np.fft.rfft(centred, axis=0) * reference, sampled.shape[0], axis=0)
    match /= np.linalg.norm(centred, axis=0)
    shift, phase = np.unravel_index(int(np.argmax(match)), match.shape)
    return int(phase), int(shift)


def _noise_correlation(relative_bandwidth: float, taps: int) -> Samples:
    """Get the correlation matrix, one unit interval a step, of white noise behind the receiver's filter."""
    grid = np.linspace(0.0, 8.0 * relative_bandwidth, 2001)
    density = np.abs(bessel_thomson(grid, relative_bandwidth)) ** 2
    lags = np.arange(taps)[:, None]
    rho = (np.cos(2 * np.pi * lags * grid) * density).sum(axis=1) / density.sum()
    return np.asarray(rho[np.abs(np.subtract.outer(np.arange(taps), np.arange(taps)))])


def receiver_noise(
    lane: LaneParameters,
    case_c: float,
    *,
    signal_mw: float,
    light_mw: float,
    crosstalk_mw: float,
    emitter: ModulatedEmitter,
    eye: Eye,
) -> Noise:
    """Add up what disturbs the decision, relative to the signal's average photocurrent."""
    bandwidth_hz = BESSEL_NOISE_BANDWIDTH * lane.receiver_bandwidth_ghz * 1e9
    current_a = lane.responsivity_a_per_w * signal_mw * 1e-3
    drift = 1.0 + lane.tia_noise_drift_per_k * (case_c - REFERENCE_C)
    thermal_a = lane.tia_noise_pa_per_rthz * 1e-12 * drift * math.sqrt(bandwidth_hz)
    jitter = eye.slope * emitter.jitter_ps * 1e-3 * emitter.symbol_rate_gbd
    background = 2 * ELEMENTARY_CHARGE_C * lane.responsivity_a_per_w * (light_mw - signal_mw) * 1e-3
    steady = (thermal_a**2 + background * bandwidth_hz) / current_a**2
    return Noise(
        steady=steady + jitter**2 + (crosstalk_mw / signal_mw) ** 2,
        shot=2 * ELEMENTARY_CHARGE_C * bandwidth_hz / current_a,
        rin=10 ** (emitter.rin_db_hz / 10) * bandwidth_hz,
        white=(lane.converter_noise * eye.swing) ** 2,
    )


def symbol_error_ratio(eye: Eye, noise: Noise) -> float:
    """Compute how often the equalised signal crosses a threshold."""
    equalised, spread = _equalise(eye, noise)
    means, sigmas = eye.sorted.means(equalised), eye.sorted.means(spread)
    edges = (means[:-1] * sigmas[1:] + means[1:] * sigmas[:-1]) / (sigmas[:-1] + sigmas[1:])
    # Level 0 has no threshold below it and level 3 none above.
    second, last, counts = eye.sorted.starts[1], eye.sorted.starts[3], eye.sorted.counts
    falls = (equalised[second:] - np.repeat(edges, counts[1:])) / spread[second:]
    rises = (np.repeat(edges, counts[:-1]) - equalised[:last]) / spread[:last]
    return float(_tail(falls).sum() + _tail(rises).sum()) / equalised.size


def _equalise(eye: Eye, noise: Noise) -> tuple[Samples, Samples]:
    """Equalise for least mean square error; give the signal and the noise's sigma for each symbol.

    Symbols come sorted by level.
    """
    own = eye.sorted
    filtered = noise.steady + noise.shot + noise.rin * own.mean_square
    disturbance = filtered * eye.correlation + noise.white * np.eye(eye.correlation.shape[0])
    taps = np.linalg.solve(own.normal + disturbance, own.towards)
    gain = float(taps @ eye.correlation @ taps)
    variance = (noise.rin * own.light + noise.shot) * own.light + noise.steady
    variance *= gain
    variance += noise.white * float(taps @ taps)
    return own.centred @ taps, np.sqrt(variance, out=variance)


def _tail(distance: Samples) -> Samples:
    """Get the probability that a Gaussian goes beyond so many sigma."""
    from scipy.special import erfc  # imported here: scipy costs start-up time

    return np.asarray(0.5 * erfc(distance / math.sqrt(2.0)), dtype=np.float64)


def crosstalk_rms_mw(lane: LaneParameters, neighbours: tuple[Light, ...]) -> float:
    """Get the rms power that other lanes' light leaks into this lane, taken as noise.

    An equiprobable PAM4 signal swings by sqrt(5)/3 of half its OMA, which is near its average power.
    """
    leaked = 10 ** (lane.receiver_crosstalk_db / 10)
    powers = [total_power_mw(light) * leaked for light in neighbours]
    return math.sqrt(5) / 3 * 0.5 * math.hypot(*powers) if powers else 0.0


def bit_error_ratio(eye: Eye, noise: Noise, floor: float) -> float:
    """Compute the ratio of wrong bits before error correction."""
    ratio = symbol_error_ratio(eye, noise) / _BITS_PER_SYMBOL + floor
    return min(0.5, ratio)
