"""Santec TSL-570: a tunable laser with output attenuator, shutter and power monitor.

Command facts: the TSL-570's command list and drivers in public packages (PyMeasure, qmi).
`:SYSTem:COMMunicate:CODe` chooses between the legacy set, whose bare numbers are nm and THz, and the
SCPI set with m and Hz.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from simulation.devices.optical_power import OVER_RANGE, number_option
from simulation.devices.santec_sweep import SPEED_OF_LIGHT, SWEEP, Sweep, frequency, wavelength
from simulation.faults import FaultKind
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam, Light, Passage
from simulation.scpi import Boolean, Clock, Command, Number, PowerLevel, Profile, ScpiDevice, ScpiError

_COMMANDS = "TSL-570 command list"
_PYMEASURE = "PyMeasure santec TSL570"
_TUNING_NM_S = 200.0
_TUNING_SETTLE_S = 0.1
_POWER_SETTLE_S = 0.1
_DIODE_S = 5.0
"""Time from switching the diode on to stable light."""
_WAVELENGTH_ERROR_NM = 0.001
"""Standard deviation of the absolute wavelength."""
_POWER_ERROR_DB = 0.05
_POWER_NOISE_DB = 0.003
_MONITOR_ERROR_DB = 0.05
_LOWEST_DBM, _HIGHEST_DBM = -15.0, 10.0


@dataclass(frozen=True, slots=True)
class TunableLight(SteadyLight):
    """The light of a tunable laser: one line, its side modes, and amplified spontaneous emission below."""

    ase_dbc_per_nm: float = -55.0
    """Spontaneous emission per nm of bandwidth, relative to the line, beyond 1 nm from it."""


class SantecTsl570(ScpiDevice):
    """The twin of a tunable laser; light leaves at port "out".

    Options: `minimum_nm`, `maximum_nm` (1260 and 1360), `rin_db_hz` (-145), `side_mode_suppression_db` (50),
    `ase_dbc_per_nm` (-55).
    """

    model: ClassVar[str] = "Santec TSL-570"
    manufacturer: ClassVar[str] = "SANTEC"
    identity_model: ClassVar[str] = "TSL-570"
    firmware: ClassVar[str] = "0021.0021"
    profile: ClassVar[Profile] = Profile(answer_end=b"\r", real_format="+.8E")

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self.minimum_nm = number_option(options, "minimum_nm", 1260.0)
        self.maximum_nm = number_option(options, "maximum_nm", 1360.0)
        self.legacy = True
        self._unit = "dBm"
        self._diode = False
        self._lit_ns = 0
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)
        draw = self.noise("hardware")
        self._wavelength_error_nm = float(draw.normal(0.0, _WAVELENGTH_ERROR_NM))
        self._power_error_db = float(draw.normal(0.0, _POWER_ERROR_DB))
        self._monitor_error_db = float(draw.normal(0.0, _MONITOR_ERROR_DB))

    def reset(self) -> None:
        """Switch the diode off and go to the middle of the range; the command set stays."""
        super().reset()
        self._wavelength_nm = (self.minimum_nm + self.maximum_nm) / 2
        self._came_from_nm, self._tuned_ns = self._wavelength_nm, self.now_ns
        self._power_dbm = 0.0
        self._came_from_dbm, self._levelled_ns = 0.0, self.now_ns
        self._diode = False
        self._closed = False
        self._coherence = False
        self._power_control = True
        self.sweep = Sweep(self.minimum_nm, self.maximum_nm)

    # Light.

    def safe_state(self) -> Mapping[str, object]:
        """Get whether light leaves, and how much."""
        light = self.emission("out")
        return {"emitting": bool(light), "power_mw": sum(beam.power_mw for beam in light)}

    def emission(self, port: str) -> Light:
        """Give the light at "out" now."""
        self.catch_up()
        if port != "out" or self._closed or not self._lit:
            return ()
        wavelength_nm = self._true_wavelength_nm()
        return (Beam(self._emitter(wavelength_nm), wavelength_nm, 10 ** (self._true_power_dbm() / 10)),)

    def passages(self, port: str) -> tuple[Passage, ...]:  # noqa: ARG002
        """Let nothing through."""
        return ()

    @property
    def _lit(self) -> bool:
        return self._diode and self.now_ns >= self._lit_ns

    def _emitter(self, wavelength_nm: float) -> TunableLight:
        return TunableLight(
            name=f"{self.name}.out",
            wavelength_nm=wavelength_nm,
            rin_db_hz=number_option(self.options, "rin_db_hz", -145.0),
            # Coherence control broadens the line to keep interference away.
            linewidth_mhz=40.0 if self._coherence else 0.2,
            side_mode_suppression_db=number_option(self.options, "side_mode_suppression_db", 50.0),
            ase_dbc_per_nm=number_option(self.options, "ase_dbc_per_nm", -55.0),
        )

    def _nominal_wavelength_nm(self) -> float:
        if self.running("sweep"):
            return self.sweep.wavelength_nm(self.now_ns)
        way_nm = self._wavelength_nm - self._came_from_nm
        gone_nm = _TUNING_NM_S * (self.now_ns - self._tuned_ns) / 1e9
        return (
            self._wavelength_nm
            if gone_nm >= abs(way_nm)
            else self._came_from_nm + math.copysign(gone_nm, way_nm)
        )

    def _true_wavelength_nm(self) -> float:
        return self._nominal_wavelength_nm() + self._wavelength_error_nm

    def _true_power_dbm(self) -> float:
        """Follow the attenuator: it glides to a new level within its settling time."""
        share = min(1.0, (self.now_ns - self._levelled_ns) / 1e9 / _POWER_SETTLE_S)
        target_dbm = self._power_dbm if self._power_control else _HIGHEST_DBM
        return self._came_from_dbm + share * (target_dbm - self._came_from_dbm) + self._power_error_db

    # Handlers.

    def _tune(self, wavelength_nm: float) -> None:
        if self.running("sweep"):
            raise ScpiError(-221)
        self._came_from_nm, self._tuned_ns = self._nominal_wavelength_nm(), self.now_ns
        self._wavelength_nm = wavelength_nm
        travel_s = abs(wavelength_nm - self._came_from_nm) / _TUNING_NM_S
        self.begin("tuning", travel_s + _TUNING_SETTLE_S, bit=1)

    def _set_wavelength(self, wavelength_m: float) -> None:
        self._tune(wavelength_m * 1e9)

    def _set_frequency(self, frequency_hz: float) -> None:
        self._tune(SPEED_OF_LIGHT / frequency_hz * 1e9)

    def _set_power(self, power_dbm: float) -> None:
        self._came_from_dbm = self._true_power_dbm() - self._power_error_db
        self._levelled_ns, self._power_dbm = self.now_ns, power_dbm
        self.begin("levelling", _POWER_SETTLE_S)

    def _switch_diode(self, on: bool) -> None:
        if on and not self._diode:
            self._lit_ns = self.after_ns(_DIODE_S)
            self.begin("diode", _DIODE_S)
        elif not on:
            self.abort("diode")
        self._diode = on

    def _actual_power(self) -> float:
        if self.faults.active(FaultKind.OVER_RANGE) or self.faults.active(FaultKind.UNDER_RANGE):
            return OVER_RANGE
        # The monitor stands before the shutter. A dark diode reads its floor.
        noise_db = float(self.noise("monitor").normal(0.0, _POWER_NOISE_DB))
        dbm = self._true_power_dbm() + self._monitor_error_db + noise_db if self._lit else -60.0
        return self._shown_power(dbm)

    def _shown_power(self, dbm: float) -> float:
        return dbm if self._unit == "dBm" else 10 ** (dbm / 10)

    def _set_unit(self, number: int) -> None:
        self._unit = "mW" if number else "dBm"

    def _set_shutter(self, closed: bool) -> None:
        self._closed = closed

    def _set_coherence(self, on: bool) -> None:
        self._coherence = on

    def _set_code(self, number: int) -> None:
        self.legacy = number == 0

    def start_sweep(self, number: int) -> None:
        """Start a sweep, or stop where it is (0)."""
        if number == 0:
            self._wavelength_nm = self._came_from_nm = self._nominal_wavelength_nm()
            self.abort("sweep")
        else:
            self._begin_sweep(self.sweep.cycles)

    def repeat_sweep(self) -> None:
        """Sweep until stopped."""
        self._begin_sweep(None)

    def _begin_sweep(self, cycles: int | None) -> None:
        if not self._lit or self.running("sweep"):
            raise ScpiError(-221)
        sweep = self.sweep
        sweep.done, sweep.begun_ns = 0, self.now_ns
        if cycles is None or cycles > 0:
            self.begin("sweep", sweep.cycle_s, lambda: self._end_cycle(cycles), bit=3)

    def _end_cycle(self, cycles: int | None) -> None:
        sweep = self.sweep
        sweep.done += 1
        if cycles is None or sweep.done < cycles:
            self.begin("sweep", sweep.delay_s + sweep.cycle_s, lambda: self._end_cycle(cycles), bit=3)
        else:
            self._wavelength_nm = self._came_from_nm = sweep.start_nm if sweep.mode >= 2 else sweep.stop_nm

    # Numbers on the wire.

    def shown_wavelength(self, wavelength_nm: float) -> str | float:
        """Write a wavelength as the chosen command set does."""
        return f"{wavelength_nm:.4f}" if self.legacy else wavelength_nm * 1e-9

    def shown_frequency(self, wavelength_nm: float) -> str | float:
        """Write the frequency of a wavelength as the chosen command set does."""
        hertz = SPEED_OF_LIGHT / (wavelength_nm * 1e-9)
        return f"{hertz * 1e-12:.5f}" if self.legacy else hertz

    def _set_power_control(self, on: bool) -> None:
        """Let the attenuator follow the set power; without it, it stays wide open."""
        self._power_control = on
        self._levelled_ns = self.now_ns

    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            pattern="[SOURce:]WAVelength",
            action=_set_wavelength,
            query=lambda laser: laser.shown_wavelength(laser._wavelength_nm),
            parameters=(wavelength(),),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_COMMANDS}",
        ),
        Command(
            pattern="[SOURce:][WAVelength:]FREQuency",
            action=_set_frequency,
            query=lambda laser: laser.shown_frequency(laser._wavelength_nm),
            parameters=(frequency(),),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_COMMANDS}",
        ),
        Command(
            pattern="[SOURce:]POWer[:LEVel]",
            action=_set_power,
            query=lambda laser: laser._shown_power(laser._power_dbm),
            parameters=(
                PowerLevel(lambda laser: laser._unit, minimum=_LOWEST_DBM, maximum=_HIGHEST_DBM, default=0.0),
            ),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_COMMANDS}",
        ),
        Command(
            pattern="[SOURce:]POWer:ACTual[:LEVel]",
            query=_actual_power,
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_COMMANDS}",
        ),
        Command(
            pattern="[SOURce:]POWer:UNIT",
            action=_set_unit,
            query=lambda laser: 0 if laser._unit == "dBm" else 1,
            parameters=(Number(minimum=0, maximum=1, integer=True),),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_COMMANDS}",
        ),
        Command(
            pattern="[SOURce:]POWer:STATe",
            action=_switch_diode,
            query=lambda laser: laser._lit,
            parameters=(Boolean(),),
            confirmed="public driver",
            source=f"{_PYMEASURE}; drivers in public repositories poll it until the diode is on",
        ),
        Command(
            pattern="[SOURce:]POWer:SHUTter",
            action=_set_shutter,
            query=lambda laser: laser._closed,
            parameters=(Boolean(),),
            confirmed="public driver",
            source=f"{_COMMANDS}; 1 is closed in drivers in public repositories",
        ),
        Command(
            pattern="[SOURce:]POWer:ATTenuation:AUTo",
            action=_set_power_control,
            query=lambda laser: laser._power_control,
            parameters=(Boolean(),),
            source=_COMMANDS,
        ),
        Command(
            pattern="[SOURce:]COHCtrl",
            action=_set_coherence,
            query=lambda laser: laser._coherence,
            parameters=(Boolean(),),
            confirmed="public driver",
            source=_COMMANDS,
        ),
        Command(
            pattern="SYSTem:COMMunicate:CODe",
            action=_set_code,
            query=lambda laser: 0 if laser.legacy else 1,
            parameters=(Number(minimum=0, maximum=1, integer=True),),
            confirmed="public driver",
            source=_PYMEASURE,
        ),
        *SWEEP,
    )
