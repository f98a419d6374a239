"""Values between the samples of an even grid: a low-pass kernel that treats every instant alike.

A polynomial through the nearest samples passes noise differently on the samples and between them,
so a search over time would run to where it is hidden. This kernel is flat to 2 symbol rates and
stops at 4: it keeps what a receiver of half the symbol rate lets through, and its gain for noise
is the same at every instant.
"""

from __future__ import annotations

import numpy as np

from measurements.units import FloatArray

REACH_UI = 1.37
"""Half the length of the kernel: 80 dB between pass band and stop band, 5 in 1e5 of a tone at 1.5 rates."""

_CUTOFF_RATES = 3.0
_SHAPE = 8.5
"""Exponent of the window exp(shape (sqrt(1 - x^2) - 1)), a cheap stand-in for Kaiser's Bessel function."""


def weights(offsets_ui: FloatArray, *, samples_per_symbol: int) -> FloatArray:
    """Compute what samples weigh that stand `offsets_ui` from the wanted instant."""
    inside = np.maximum(1.0 - (offsets_ui / REACH_UI) ** 2, 0.0)
    window = np.exp(_SHAPE * (np.sqrt(inside) - 1.0)) * (inside > 0)
    ideal = 2.0 * _CUTOFF_RATES / samples_per_symbol * np.sinc(2.0 * _CUTOFF_RATES * offsets_ui)
    return np.asarray(ideal * window, dtype=np.float64)


def block_weights(phases_ui: FloatArray, *, samples_per_symbol: int) -> tuple[int, FloatArray]:
    """Compute weights of samples for values at some phases, in blocks as long as a symbol.

    Gives the first sample that counts, against the one at phase 0, and an array of (blocks,
    phases, samples a block). Each phase's weights sum to 1.
    """
    first = int(np.ceil((phases_ui.min() - REACH_UI) * samples_per_symbol))
    last = int(np.floor((phases_ui.max() + REACH_UI) * samples_per_symbol))
    blocks = -(-(last - first + 1) // samples_per_symbol)
    places = (first + np.arange(blocks * samples_per_symbol)) / samples_per_symbol
    table = weights(places - phases_ui[:, None], samples_per_symbol=samples_per_symbol)
    table /= table.sum(axis=1, keepdims=True)
    return first, np.ascontiguousarray(np.moveaxis(table.reshape(phases_ui.size, blocks, -1), 1, 0))


def noise_covariance(lags_ui: FloatArray, *, samples_per_symbol: float) -> FloatArray:
    """Compute the covariance of interpolated values some time apart, for noise 1 in each sample.

    At lag 0 it is the share of the noise's variance that is kept.
    """
    fine = 64
    places = np.arange(-np.ceil(REACH_UI * fine), np.ceil(REACH_UI * fine) + 1) / fine
    kernel = weights(places, samples_per_symbol=fine)
    shifted = weights(places - np.abs(lags_ui)[..., None], samples_per_symbol=fine)
    kept = shifted @ kernel * fine / samples_per_symbol
    # A record too coarse for the stop band has all its noise in the pass band.
    return np.asarray(kept / max(1.0, float(kernel @ kernel) * fine / samples_per_symbol), dtype=np.float64)
