"""The transmit side: which light each lane sends now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.physics import laser, modulator
from simulation.physics.electrical import ElectricalSignal
from simulation.physics.emitter import SpectralLine, SteadyLight, Waveform, laser_lines
from simulation.physics.light import Beam
from simulation.physics.parameters import LaneParameters, Squelch, TransceiverParameters
from simulation.physics.waveform import Shape, Shelf, normalised_power, pattern_symbols

# Waveforms are computed anew for each whole degree of the case, where bandwidths have moved by 0.1 %.
_SHAPE_STEP_C = 1.0
_SHAPE_STEP_PS_NM = 0.01
_WAVEFORMS_KEPT = 16
_POWERS_KEPT = 8


@dataclass(frozen=True, slots=True)
class LaneLight:
    """The modulated light of one lane at this moment; a ModulatedEmitter."""

    name: str
    power_mw: float
    wavelength_nm: float
    shape: Shape
    timebase: str
    source: str
    error_ratio: float
    shelf: Shelf

    @property
    def pattern(self) -> str:
        """Get the name of the pattern."""
        return self.shape.pattern

    @property
    def symbol_rate_gbd(self) -> float:
        """Get the symbol rate."""
        return self.shape.symbol_rate_gbd

    @property
    def rin_db_hz(self) -> float:
        """Get the relative intensity noise of the laser."""
        return self.shape.lane.rin_db_hz

    @property
    def jitter_ps(self) -> float:
        """Get the random jitter of the DSP's clock, rms."""
        return self.shape.lane.jitter_ps

    @property
    def shape_key(self) -> tuple[object, ...]:
        """Get what the shape of the waveform depends on."""
        return (self.shape,)

    def symbols(self, count: int | None = None) -> NDArray[np.uint8]:
        """Get the levels sent, 0 to 3: one pattern period, or its first `count` symbols."""
        return self.shelf.get((self.pattern, count), lambda: pattern_symbols(self.pattern, count))

    def waveform(
        self, samples_per_symbol: int, symbols: int | None = None, dispersion_ps_nm: float = 0.0
    ) -> Waveform:
        """Get the noise-free power in mW where the light leaves, dispersed as after a fibre."""
        rounded_ps_nm = round(dispersion_ps_nm / _SHAPE_STEP_PS_NM) * _SHAPE_STEP_PS_NM
        key = (self.shape, samples_per_symbol, symbols, rounded_ps_nm)
        shape = self.shelf.get(
            key,
            lambda: normalised_power(
                self.shape,
                self.symbols(symbols),
                samples_per_symbol,
                dispersion_ps_nm=rounded_ps_nm,
                wavelength_nm=self.wavelength_nm,
            ),
        )
        return shape * np.float32(self.power_mw)

    def spectral_lines(self) -> tuple[SpectralLine, ...]:
        """Get the carrier, the pedestal of the modulation and the side modes."""
        return laser_lines(
            self.wavelength_nm,
            linewidth_mhz=self.shape.lane.linewidth_mhz,
            suppression_db=self.shape.lane.side_mode_suppression_db,
            spacing_nm=self.shape.lane.side_mode_spacing_nm,
            sideband_share=modulator.sideband_share(self.shape.lane, self.shape.case_c),
            symbol_rate_gbd=self.symbol_rate_gbd,
        )


def fibre_power_mw(lane: LaneParameters, case_c: float) -> float:
    """Get the average power of a lane in its fibre.

    The bias control holds the average, so it is that of equally frequent levels whatever the pattern.
    """
    loss_db = lane.coupling_loss_db + lane.modulator_loss_db
    loss_db += lane.coupling_drift_db_per_k * (case_c - laser.REFERENCE_C)
    return laser.power_mw(lane, case_c) * modulator.mean_transmission(lane, case_c) * 10 ** (-loss_db / 10)


class Transmitter:
    """The four lanes' way from host signal to light."""

    def __init__(self, name: str, parameters: TransceiverParameters) -> None:
        self._name = name
        self._parameters = parameters
        self._shelf = Shelf(_WAVEFORMS_KEPT)
        self._powers = Shelf(_POWERS_KEPT)

    def beam(self, lane: int, case_c: float, signals: tuple[ElectricalSignal | None, ...]) -> Beam | None:
        """Get the light of an enabled lane, None if it is dark.

        `signals` are the retimable host signals of all enabled media lanes.
        """
        parameters = self._parameters.lanes[lane - 1]
        # Several instruments look at one moment.
        power_mw = self._powers.get((lane, case_c), lambda: fibre_power_mw(parameters, case_c))
        signal = signals[lane - 1]
        dark = signal is None and self._parameters.squelch is Squelch.DARK
        if power_mw <= 0 or dark:
            return None
        wavelength_nm = laser.wavelength_nm(parameters, case_c)
        if signal is None or parameters.drive_swing_v == 0.0:  # a dead driver leaves steady light
            return Beam(self._steady(lane, parameters, wavelength_nm), wavelength_nm, power_mw)
        shape = self._shape(lane, case_c, signal, signals)
        light = LaneLight(
            name=f"{self._name}.tx{lane}",
            power_mw=power_mw,
            wavelength_nm=wavelength_nm,
            shape=shape,
            timebase=signal.timebase,
            source=signal.source,
            error_ratio=signal.error_ratio,
            shelf=self._shelf,
        )
        return Beam(light, wavelength_nm, power_mw)

    def _steady(self, lane: int, parameters: LaneParameters, wavelength_nm: float) -> SteadyLight:
        return SteadyLight(
            name=f"{self._name}.tx{lane}",
            wavelength_nm=wavelength_nm,
            rin_db_hz=parameters.rin_db_hz,
            linewidth_mhz=parameters.linewidth_mhz,
            side_mode_suppression_db=parameters.side_mode_suppression_db,
            side_mode_spacing_nm=parameters.side_mode_spacing_nm,
        )

    def _shape(
        self, lane: int, case_c: float, signal: ElectricalSignal, signals: tuple[ElectricalSignal | None, ...]
    ) -> Shape:
        neighbours = tuple(
            other - lane
            for other in (lane - 1, lane + 1)
            if 1 <= other <= len(signals) and _same_pattern(signals[other - 1], signal)
        )
        rounded_c = round(case_c / _SHAPE_STEP_C) * _SHAPE_STEP_C
        rate_gbd = signal.symbol_rate_gbd
        return Shape(self._parameters.lanes[lane - 1], rounded_c, signal.pattern, rate_gbd, neighbours)


def _same_pattern(other: ElectricalSignal | None, signal: ElectricalSignal) -> bool:
    """Tell whether a neighbour repeats with this lane; if not it averages out of any locked record."""
    if other is None:
        return False
    return (other.pattern, other.timebase) == (signal.pattern, signal.timebase)
