"""The waveform of a lane: symbols through driver, modulator and fibre to optical power over time.

All is periodic in the pattern, so filters act on Fourier coefficients. Single precision, which
leaves errors a million times smaller than the eye. Symbol k of the pattern leaves the DSP from k to k + 1
unit intervals, later by the lane's skew and the delay of its filters.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import LONGEST_WHOLE_ORDER, pattern, period, stretch
from simulation.physics import modulator
from simulation.physics.emitter import Waveform
from simulation.physics.filters import bessel_thomson, dispersion_phase_per_ghz2, one_pole, one_zero
from simulation.physics.parameters import LaneParameters
from simulation.physics.prolongation import Prolongation

SECTION_SYMBOLS = 32768
"""What stands for a pattern too long to be held, such as PRBS31Q."""

# Lanes are decorrelated by at least 31 unit intervals (IEEE 802.3, 150.8 as for all multi-lane clauses).
NEIGHBOUR_DELAY_UI = 67

Spectrum = NDArray[np.complex64]
Symbols = NDArray[np.uint8]
Item = TypeVar("Item")


class Shelf:
    """A bounded cache that forgets what has not been used for longest."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._items: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Item]) -> Item:
        """Get the item of this key, made on the spot if it is not there."""
        if key not in self._items:
            self._items[key] = make()
            while len(self._items) > self._places:
                self._items.popitem(last=False)
        self._items.move_to_end(key)
        return self._items[key]  # type: ignore[return-value]  # a key always holds what its maker makes


@dataclass(frozen=True, slots=True)
class Shape:
    """All that the shape of a lane's waveform depends on.

    `neighbours` are the distances, in lanes, to those that send the same pattern and couple into this one.
    """

    lane: LaneParameters
    case_c: float
    pattern: str
    symbol_rate_gbd: float
    neighbours: tuple[int, ...] = ()


def pattern_symbols(name: str, count: int | None = None) -> Symbols:
    """Get one period of a pattern, a section of one that is too long, or its first `count` symbols."""
    if count is not None:
        return stretch(name, count)
    if period(name) >= 2**LONGEST_WHOLE_ORDER:
        return stretch(name, SECTION_SYMBOLS)
    return pattern(name)


def normalised_power(
    shape: Shape, symbols: Symbols, samples_per_symbol: int, *, dispersion_ps_nm: float, wavelength_nm: float
) -> Waveform:
    """Compute the optical power over one period of the symbols, with a mean of one."""
    fast = Prolongation.of(symbols.size)
    skewed = np.roll(symbols, math.floor(shape.lane.skew_ui))
    power = _transmit(shape, fast.prolong(skewed), samples_per_symbol)
    if dispersion_ps_nm != 0:
        phase = dispersion_phase_per_ghz2(dispersion_ps_nm, wavelength_nm)
        sample_rate_ghz = shape.symbol_rate_gbd * samples_per_symbol
        power = disperse(power, sample_rate_ghz, shape.lane.chirp_alpha, phase)
    whole = fast.cut(power, samples_per_symbol)
    normalised: Waveform = whole / whole.mean()
    normalised.setflags(write=False)
    return normalised


def disperse(power: Waveform, sample_rate_ghz: float, alpha: float, phase_per_ghz2: float) -> Waveform:
    """Send light of this power and chirp through a fibre, as a complex field.

    The modulator turns the phase by alpha/2 with each e-fold of the power.
    """
    field = np.sqrt(power).astype(np.complex64)
    if alpha != 0:
        field *= np.exp((0.5j * alpha) * np.log(power)).astype(np.complex64)
    offsets_ghz = np.fft.fftfreq(power.size, 1.0 / sample_rate_ghz)
    spectrum = np.fft.fft(field) * np.exp(1j * phase_per_ghz2 * offsets_ghz**2).astype(np.complex64)
    arrived = np.fft.ifft(spectrum)
    return (arrived.real**2 + arrived.imag**2).astype(np.float32)


def held_spectrum(levels: NDArray[np.float64], samples_per_symbol: int, delay_ui: float) -> Spectrum:
    """Get the Fourier coefficients of levels that are each held for one unit interval.

    Exact, without the images that sampling the steps would fold back. Scaled for numpy's irfft.
    """
    index = np.arange(levels.size * samples_per_symbol // 2 + 1)
    relative = index / levels.size
    held = np.resize(np.fft.fft(levels), index.size) * (samples_per_symbol * np.sinc(relative))
    held *= np.exp(-2j * np.pi * (0.5 + delay_ui) * relative)
    return held.astype(np.complex64)


def _transmit(shape: Shape, symbols: Symbols, samples_per_symbol: int) -> Waveform:
    lane, count = shape.lane, symbols.size * samples_per_symbol
    grid_ghz = _grid_ghz(symbols.size, samples_per_symbol, shape.symbol_rate_gbd)
    spectrum = held_spectrum(modulator.drive_levels(lane)[symbols], samples_per_symbol, lane.skew_ui % 1.0)
    spectrum *= _driver_response(shape, grid_ghz)
    driven = modulator.drive_v(lane, np.fft.irfft(spectrum, count))
    bandwidth_ghz = modulator.bandwidth_ghz(lane, lane.modulator_bandwidth_ghz, shape.case_c)
    modulated = np.fft.rfft(driven) * one_pole(grid_ghz, bandwidth_ghz).astype(np.complex64)
    voltage = np.fft.irfft(modulated, count)
    return modulator.transmission(lane, voltage, shape.case_c).astype(np.float32)


def _driver_response(shape: Shape, grid_ghz: NDArray[np.float64]) -> Spectrum:
    lane = shape.lane
    bandwidth_ghz = modulator.bandwidth_ghz(lane, lane.driver_bandwidth_ghz, shape.case_c)
    response = bessel_thomson(grid_ghz, bandwidth_ghz)
    if shape.neighbours:
        response *= 1.0 + _crosstalk(shape, grid_ghz)
    return response.astype(np.complex64)


def _crosstalk(shape: Shape, grid_ghz: NDArray[np.float64]) -> NDArray[np.complex128]:
    # Same pattern, other delay: a neighbour is an echo. Coupling between traces grows with frequency.
    amplitude = 10 ** (shape.lane.crosstalk_db / 20)
    turns = grid_ghz * (NEIGHBOUR_DELAY_UI / shape.symbol_rate_gbd)
    echoes = sum(np.exp(-2j * np.pi * turns * distance) for distance in shape.neighbours)
    coupled: NDArray[np.complex128] = amplitude * one_zero(grid_ghz, shape.symbol_rate_gbd) * echoes
    return coupled


def _grid_ghz(symbols: int, samples_per_symbol: int, symbol_rate_gbd: float) -> NDArray[np.float64]:
    return np.arange(symbols * samples_per_symbol // 2 + 1, dtype=np.float64) * (symbol_rate_gbd / symbols)
