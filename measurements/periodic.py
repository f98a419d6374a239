"""One period of a repetitive waveform on an even grid, and its value at every instant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from measurements.interpolation import block_weights, noise_covariance
from measurements.units import FloatArray

Samples = NDArray[np.float32]

EDGE = 24
"""Symbols by which a grid is prolonged at both ends: the reach of 15 taps and of the kernel."""

RESAMPLED_TO = 16
"""Samples a symbol of a grid made from a record whose own does not fit whole symbols, or is too coarse."""

_COARSEST = 8


def bessel_thomson(frequency: FloatArray, bandwidth: float) -> NDArray[np.complex128]:
    """Compute the response of the 4th-order Bessel-Thomson filter with the given -3 dB bandwidth.

    `frequency` and `bandwidth` in one unit. IEEE 802.3, 121.8.5.1 puts it at half the symbol rate.
    """
    p = 2.113917675j * frequency / bandwidth
    return np.asarray(105.0 / (p**4 + 10 * p**3 + 45 * p**2 + 105 * p + 105), dtype=np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class PeriodicSignal:
    """One period of a waveform, its average taken off, a row of samples for each symbol.

    `grid` is prolonged by `EDGE` rows of its repetition at both ends. Times are in unit intervals
    from the first sample of the period. Values between samples hold what lies below 2 symbol
    rates; the reference receiver leaves 1e-6 of a PAM4 signal's power beyond. `white_noise` is the
    rms of the noise in the record that is independent from sample to sample (0 when the record is
    too coarse to tell), `white_kept` the share of its variance that values between samples keep.
    `recorded_per_symbol` is the record's own samples a symbol, before it was put on another grid.
    `spread` is the rms deviation of single periods from their mean, None for one period.
    """

    symbols: int
    mean: float
    rms: float
    grid: Samples
    white_noise: float
    white_kept: float
    recorded_per_symbol: float
    periods: int = 1
    spread: float | None = None

    @classmethod
    def of(cls, samples: NDArray[np.floating], *, symbols: int, periods: int = 1) -> PeriodicSignal:
        """Take evenly spaced samples of whole periods; several periods are averaged."""
        per_symbol = samples.size / (symbols * periods)
        kept = float(noise_covariance(np.zeros(1), samples_per_symbol=per_symbol)[0])
        if per_symbol >= _COARSEST and samples.size % (symbols * periods) == 0:
            period, spread = _mean_period(samples, periods)
            signal = cls._of_grid(period.reshape(symbols, -1), kept, per_symbol, periods, spread)
            return replace(signal, white_noise=signal._white_floor())
        period, spread, noise = _resampled(samples, symbols, periods)
        signal = cls._of_grid(period.reshape(symbols, RESAMPLED_TO), kept, per_symbol, periods, spread)
        return replace(signal, white_noise=noise)

    @classmethod
    def _of_grid(
        cls, even: NDArray[np.floating], kept: float, recorded: float, periods: int, spread: float | None
    ) -> PeriodicSignal:
        mean = float(even.mean(dtype=np.float64))
        grid = _prolonged(even, mean)
        rms = float(np.sqrt(_power(grid[EDGE : EDGE + len(even)].reshape(-1))))
        return cls(len(even), mean, rms, grid, 0.0, kept, recorded, periods, spread)

    def _white_floor(self) -> float:
        """Judge the white noise by how samples differ from what their neighbours and they interpolate to."""
        places = np.array([0, self.samples_per_symbol // 4])
        between = self.between(places / self.samples_per_symbol)
        apart = between.rows(0, self.symbols)
        for row, place in zip(apart, places, strict=True):
            row -= self.block(0, self.symbols)[:, place]
        own = np.moveaxis(between.table.astype(np.float64), 0, 1).reshape(places.size, -1)
        own[np.arange(places.size), places - between.first] -= 1.0
        return float(np.sqrt(_power(apart.reshape(-1)) / np.mean(np.sum(own**2, axis=1))))

    @property
    def white_error(self) -> float:
        """Get the relative standard error of the white noise's variance: two samples a symbol tell it."""
        return float(np.sqrt(1.2 / self.symbols))

    @property
    def samples_per_symbol(self) -> int:
        """Get the number of samples in a row of the grid."""
        return int(self.grid.shape[1])

    def block(self, first: int, count: int) -> Samples:
        """Get `count` rows of the grid from symbol `first` on; a view, within `EDGE` of the period."""
        return self.grid[EDGE + first : EDGE + first + count]

    def at(self, phase_ui: float) -> FloatArray:
        """Get the values at phase, phase + 1, ... unit intervals, one a symbol."""
        row: FloatArray = self.rows(np.array([phase_ui]))[0].astype(np.float64)
        return row + self.mean

    def rows(self, phases_ui: FloatArray) -> Samples:
        """Get one value a symbol for each of some phases near each other, less the average."""
        whole = int(np.floor(phases_ui.min()))
        rows = self.between(phases_ui - whole).rows(0, self.symbols)
        return np.roll(rows, -whole, axis=1) if whole % self.symbols else rows

    def between(self, phases_ui: FloatArray) -> Between:
        """Prepare values at some phases within a few symbols of 0."""
        first, table = block_weights(phases_ui, samples_per_symbol=self.samples_per_symbol)
        return Between(self, first, table.astype(np.float32))

    def block_from(self, start: int, sample: int, count: int) -> Samples:
        """Get rows as `block` does, each begun so many samples later (negative: earlier); a view."""
        per_symbol = self.samples_per_symbol
        begin = (EDGE + start) * per_symbol + sample
        return self.grid.reshape(-1)[begin : begin + count * per_symbol].reshape(count, per_symbol)

    def means(self, centres: NDArray[np.intp], phase_ui: float, width_ui: float) -> FloatArray:
        """Average over a window around some instants: symbols `centres`, each plus the same phase.

        Samples count by the part of their interval that lies in the window.
        """
        per_symbol = self.samples_per_symbol
        begin, end = ((phase_ui + side * width_ui) * per_symbol for side in (-0.5, 0.5))
        places = np.arange(np.floor(begin), np.ceil(end) + 1)
        shares = np.clip(np.minimum(places + 0.5, end) - np.maximum(places - 0.5, begin), 0.0, None)
        flat = self.block(0, self.symbols).reshape(-1)
        wanted = flat[(centres[:, None] * per_symbol + places.astype(np.intp)) % flat.size]
        return np.asarray(wanted @ (shares / shares.sum()) + self.mean, dtype=np.float64)

    def kept_covariance(self, lags_ui: FloatArray) -> FloatArray:
        """Get the covariance of values some time apart, for noise 1 in each sample of the record."""
        shape = noise_covariance(lags_ui, samples_per_symbol=1.0)
        return np.asarray(self.white_kept * shape, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Values of a waveform at some phases, less the average: weights of its samples from `first` on."""

    signal: PeriodicSignal
    first: int
    table: Samples

    def rows(self, start: int, count: int) -> Samples:
        """Get the values of `count` symbols from `start` on, a row for each phase."""
        total: Samples = self.table[0] @ self.signal.block_from(start, self.first, count).T
        for i in range(1, len(self.table)):
            total += self.table[i] @ self.signal.block_from(start + i, self.first, count).T
        return total


def _prolonged(even: NDArray[np.floating], mean: float) -> Samples:
    """Take the average off, and repeat the period at both ends."""
    symbols, per_symbol = even.shape
    grid = np.empty((symbols + 2 * EDGE, per_symbol), dtype=np.float32)
    inside = grid[EDGE : EDGE + symbols]
    inside[:] = even
    inside -= np.float32(mean)
    grid[:EDGE] = inside[np.arange(-EDGE, 0) % symbols]
    grid[EDGE + symbols :] = inside[np.arange(EDGE) % symbols]
    grid.setflags(write=False)
    return grid


def _mean_period(samples: NDArray[np.floating], periods: int) -> tuple[NDArray[np.floating], float | None]:
    """Average whole periods; give how single ones deviate from the mean."""
    if periods == 1:
        return samples, None
    folded = samples.reshape(periods, -1)
    mean = folded.mean(axis=0, dtype=np.float64)
    squared = sum(_power(row - mean) for row in folded) / (periods - 1)
    return mean, float(np.sqrt(squared))


def _resampled(
    samples: NDArray[np.floating], symbols: int, periods: int
) -> tuple[FloatArray, float | None, float]:
    """Put whole periods on another grid by their Fourier series, exact for what the record holds."""
    lines = np.fft.rfft(np.asarray(samples, dtype=np.float64)) / samples.size
    spread = None
    if periods > 1:
        total = 2.0 * float(np.sum(np.abs(lines) ** 2))
        lines = lines[::periods].copy()
        # What does not repeat from period to period stands between the lines.
        between = max(0.0, total - 2.0 * float(np.sum(np.abs(lines) ** 2)))
        spread = float(np.sqrt(between * periods / (periods - 1)))
    wanted = np.zeros(RESAMPLED_TO * symbols // 2 + 1, dtype=np.complex128)
    kept = min(wanted.size, lines.size)
    wanted[:kept] = lines[:kept]
    beyond = lines[int(2.5 * symbols) + 1 :]
    floor = float(np.median(np.abs(beyond) ** 2)) / np.log(2.0) if beyond.size >= 100 else 0.0
    noise = float(np.sqrt(2.0 * lines.size * floor))
    count = RESAMPLED_TO * symbols
    return np.fft.irfft(wanted, count) * count, spread, noise


def _power(values: NDArray[np.floating]) -> float:
    """Compute the mean square, in double precision."""
    rows = values[: values.size // 256 * 256].reshape(-1, 256)
    rest = values[rows.size :].astype(np.float64)
    partial = np.einsum("ij,ij->i", rows, rows)
    return float((partial.sum(dtype=np.float64) + rest @ rest) / values.size)
