"""Two-level light whose answers are known: edges of a closed form, moved at will, and ideal noise."""

import numpy as np
from scipy.special import ndtr

from measurements.capture import Waveform
from measurements.nrz import fold
from measurements.patterns import pattern

RATE = 25.78125
EDGE_UI = 0.1
"""Rms width of the Gaussian whose integral is an edge: 20 % to 80 % takes 2 x 0.8416 of it."""


def edged(symbols, per_symbol, *, periods=1, late=0.0, edge=EDGE_UI, delay=0.0, zero=0.2, one=1.2):
    """Build whole periods of light from moved edges; `late` has a row for each period, or is one number.

    Symbol i begins at i + delay, its edge at that + late. An edge is the integral of a Gaussian,
    which far from it is 0 or 1, so each crosses the middle exactly when told.
    """
    places = np.flatnonzero(symbols != np.roll(symbols, 1))
    symbols_sent = symbols.size * periods
    length = round(symbols_sent * per_symbol)
    begins = (places + symbols.size * np.arange(periods)[:, None]).ravel()
    instants = begins + delay + np.broadcast_to(late, (periods, places.size)).ravel()
    signs = np.tile(np.where(symbols[places] == 1, 1.0, -1.0), periods)
    # A ripple of a millionth: light that stands still to the last bit is taken for a clipped scope.
    light = zero + 1e-6 * (one - zero) * np.sin(0.7 * np.arange(length))
    spacing = length / symbols_sent
    first = np.ceil((begins + delay - 1.0) * spacing).astype(int)
    samples = first[:, None] + np.arange(int(2 * spacing))
    time = samples / spacing
    hard = np.where(time >= (begins + delay)[:, None], 1.0, 0.0)
    moved = signs[:, None] * (ndtr((time - instants[:, None]) / edge) - hard)
    np.add.at(light, samples % length, (one - zero) * moved)
    sent = np.tile(symbols, periods)
    held = np.floor(np.arange(length) / spacing - delay).astype(int) % symbols_sent
    return light + (one - zero) * sent[held]


def edges_of_pattern(symbols):
    return np.count_nonzero(symbols != np.roll(symbols, 1))


def eye_of(power_mw, symbols, per_symbol=16, **options):
    return fold(Waveform(power_mw, symbols, per_symbol, RATE), **options)


def ideal(symbols, per_symbol, *, periods=1, zero=0.0, one=1.0):
    """Hold each symbol, with edges between two samples."""
    length = round(symbols.size * per_symbol) * periods
    sent = np.tile(symbols, periods)
    at = np.floor((np.arange(length) + 0.5) * sent.size / length).astype(int)
    return np.where(sent[at] == 1, one, zero).astype(float)


def filtered(symbols, per_symbol, *, cutoff=0.75, pole=None, zero=0.2, one=1.2):
    """Hold symbols and pass them through the reference receiver, and one pole where given."""
    count = symbols.size * per_symbol
    k = np.arange(count // 2 + 1)
    frequency = k / symbols.size
    p = 2.113917675j * frequency / cutoff
    respond = 105 / (105 + 105 * p + 45 * p**2 + 10 * p**3 + p**4)
    if pole is not None:
        respond = respond / (1 + 1j * frequency / pole)
    lines = np.fft.fft(symbols) / symbols.size
    lines = lines[k % symbols.size] * np.sinc(frequency) * np.exp(-1j * np.pi * frequency) * respond
    return zero + (one - zero) * np.fft.irfft(lines, count) * count


__all__ = ["EDGE_UI", "RATE", "edged", "edges_of_pattern", "eye_of", "filtered", "ideal", "pattern"]
