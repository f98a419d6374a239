"""A pattern period as a Fourier series: exact at every instant, whatever the samples a symbol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.units import FloatArray

KEPT_RATES = 2
"""Harmonics are kept up to this many symbol rates.

Behind the half-rate Bessel-Thomson filter less than 1e-6 of the power of a PAM4 signal lies beyond
it; the white noise of a sampler does, and is measured there.
"""


def bessel_thomson(frequency: FloatArray, bandwidth: float) -> NDArray[np.complex128]:
    """Compute the response of the 4th-order Bessel-Thomson filter with the given -3 dB bandwidth.

    `frequency` and `bandwidth` in one unit. IEEE 802.3, 121.8.5.1 puts it at half the symbol rate.
    """
    p = 2.113917675j * frequency / bandwidth
    return np.asarray(105.0 / (p**4 + 10 * p**3 + 45 * p**2 + 105 * p + 105), dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class PeriodicSignal:
    """One period of a repetitive waveform, one complex harmonic for each cycle a period.

    Times are in unit intervals from the first sample. `white_noise` is the rms of the noise in the
    record that is independent from sample to sample, judged beyond 2.5 symbol rates (0 when the
    record is too coarse to tell); the share `white_removed` of its variance is no longer in the
    series. `spread` is the rms deviation of single periods from their mean, None for one period.
    """

    symbols: int
    harmonics: NDArray[np.complex128]
    white_noise: float
    white_removed: float
    spread: float | None = None

    @classmethod
    def of(cls, samples: NDArray[np.floating], *, symbols: int, periods: int = 1) -> PeriodicSignal:
        """Take evenly spaced samples of whole periods; several periods are averaged."""
        count = samples.size
        spectrum = np.fft.rfft(np.asarray(samples, dtype=np.float64)) / count
        spread = None
        if periods > 1:
            lines = spectrum[::periods].copy()
            spectrum[::periods] = 0.0  # what is left does not repeat from period to period
            spread = float(np.sqrt(_power(spectrum, count) * periods / (periods - 1)))
            spectrum = lines
        harmonics = np.zeros(KEPT_RATES * symbols, dtype=np.complex128)
        kept = min(harmonics.size, spectrum.size)
        harmonics[:kept] = spectrum[:kept]
        return cls(
            symbols=symbols,
            harmonics=_read_only(harmonics),
            white_noise=_white_noise(spectrum, symbols),
            white_removed=1.0 - kept / max(kept, count // periods // 2 + 1),
            spread=spread,
        )

    @property
    def mean(self) -> float:
        """Get the average over the period."""
        return float(self.harmonics[0].real)

    @property
    def rms(self) -> float:
        """Get the rms deviation from the average."""
        return float(np.sqrt(2.0 * np.sum(np.abs(self.harmonics[1:]) ** 2)))

    def at(self, phase_ui: float) -> FloatArray:
        """Get the values at phase, phase + 1, ... unit intervals, one a symbol."""
        return np.fft.irfft(self._folded(phase_ui), self.symbols) * self.symbols

    def at_in_single(self, phase_ui: float) -> NDArray[np.float32]:
        """Get what `at` gives in single precision, true to 1e-6 of the rms, at half the time."""
        folded = self._folded(phase_ui).astype(np.complex64)
        return np.asarray(np.fft.irfft(folded, self.symbols, norm="forward"), dtype=np.float32)

    def _folded(self, phase_ui: float) -> NDArray[np.complex128]:
        """Turn the harmonics to a phase and add up those that one sample a symbol cannot tell apart."""
        turned = (self.harmonics * _ramp(self.harmonics.size, phase_ui / self.symbols)).reshape(
            KEPT_RATES, self.symbols
        )
        folded = turned.sum(axis=0)
        folded[0] -= 0.5 * turned[0, 0]  # the average has no mirror image
        half: NDArray[np.complex128] = folded[: self.symbols // 2 + 1].copy()
        half[0] += np.conj(folded[0])
        half[1:] += np.conj(folded[: -half.size : -1])
        return half

    def averaged(self, width_ui: float) -> PeriodicSignal:
        """Average over a sliding window."""
        cycles = np.arange(self.harmonics.size) / self.symbols
        return self._with(self.harmonics * np.sinc(cycles * width_ui))

    def filtered(self, bandwidth: float) -> PeriodicSignal:
        """Pass through a Bessel-Thomson filter; its bandwidth in symbol rates."""
        cycles = np.arange(self.harmonics.size) / self.symbols
        return self._with(self.harmonics * bessel_thomson(cycles, bandwidth))

    def correlate(self, symbols: NDArray[np.uint8]) -> FloatArray:
        """Correlate with the symbols as impulses, at 4 delays a unit interval, normalised to +-1."""
        reference = np.fft.fft(symbols - symbols.mean())
        turned = self.harmonics * np.conj(np.tile(reference, KEPT_RATES))
        turned[0] = 0.0
        steps = 2 * KEPT_RATES * self.symbols
        product = np.fft.irfft(np.append(turned, 0.0), steps) * steps
        scale = self.rms * float(np.std(symbols)) * self.symbols
        # Rounding leaves 1e-16 of the average as a ripple: that is no modulation.
        return product / scale if self.rms > 1e-9 * abs(self.mean) else np.zeros(steps)

    def _with(self, harmonics: NDArray[np.complex128]) -> PeriodicSignal:
        # Noise that was averaged or filtered is no longer white: nothing is claimed of it.
        return PeriodicSignal(self.symbols, _read_only(harmonics), 0.0, 0.0)


def _ramp(size: int, turns: float) -> NDArray[np.complex128]:
    """Compute exp(2 pi j turns k) for k < size as an outer product, ten times cheaper than exp of each."""
    block = 512
    fine = np.exp(2j * np.pi * turns * np.arange(block))
    coarse = np.exp(2j * np.pi * turns * block * np.arange(-(-size // block)))
    return np.asarray(np.multiply.outer(coarse, fine).reshape(-1)[:size], dtype=np.complex128)


def _white_noise(spectrum: NDArray[np.complex128], symbols: int) -> float:
    """Judge the white floor by the median bin beyond 2.5 symbol rates, where lines of a signal are rare."""
    beyond = spectrum[int(2.5 * symbols) + 1 :]
    if beyond.size < 100:
        return 0.0
    per_bin = float(np.median(np.abs(beyond) ** 2)) / np.log(2.0)
    return float(np.sqrt(per_bin * 2.0 * (spectrum.size - 1)))


def _power(spectrum: NDArray[np.complex128], count: int) -> float:
    squared = np.abs(spectrum) ** 2
    nyquist = squared[-1] if count % 2 == 0 else 0.0
    return float(2.0 * np.sum(squared) - squared[0] - nyquist)


def _read_only(array: NDArray[np.complex128]) -> NDArray[np.complex128]:
    array.setflags(write=False)
    return array
