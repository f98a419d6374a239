"""The sweeps of the Santec tunable lasers: how the wavelength moves, and the commands that set it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulation.scpi import Command, Number
from simulation.scpi.commands import Confirmed
from simulation.scpi.units import HERTZ, METRE, SECOND

SPEED_OF_LIGHT = 299_792_458.0
_STEP_SETTLE_S = 0.1
_SPEEDS_NM_S = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
_CONFIRMED: Confirmed = "public driver"
_SOURCE = "PyMeasure santec TSL500Series and TSL570; TSL-570 command list"


@dataclass(slots=True)
class Sweep:
    """Settings of a sweep, and where it is."""

    start_nm: float
    stop_nm: float
    step_nm: float = 0.1
    step_hz: float = 20e9
    speed_nm_s: float = 50.0
    mode: int = 1
    dwell_s: float = 0.0
    delay_s: float = 0.0
    cycles: int = 1
    done: int = 0
    begun_ns: int = 0

    @property
    def continuous(self) -> bool:
        """Get whether the wavelength glides rather than steps."""
        return self.mode % 2 == 1

    @property
    def points(self) -> int:
        """Get the number of wavelengths of a stepped sweep."""
        return math.floor(abs(self.stop_nm - self.start_nm) / self.step_nm + 1e-9) + 1

    @property
    def step_s(self) -> float:
        """Get the time from one wavelength of a stepped sweep to the next."""
        return self.dwell_s + _STEP_SETTLE_S

    @property
    def one_way_s(self) -> float:
        """Get the duration of one way."""
        if self.continuous:
            return abs(self.stop_nm - self.start_nm) / self.speed_nm_s
        return self.points * self.step_s

    @property
    def cycle_s(self) -> float:
        """Get the duration of one cycle, there or there and back."""
        return self.one_way_s * (2 if self.mode >= 2 else 1)

    def wavelength_nm(self, now_ns: int) -> float:
        """Get the wavelength at a moment of a running sweep."""
        since_s = (now_ns - self.begun_ns) / 1e9 % (self.cycle_s + self.delay_s)
        if self.mode >= 2 and since_s > self.one_way_s:
            since_s = max(0.0, self.cycle_s - since_s)
        if self.continuous:
            way_nm = self.speed_nm_s * min(since_s, self.one_way_s)
        else:
            way_nm = self.step_nm * min(self.points - 1, int(since_s / self.step_s))
        return self.start_nm + math.copysign(way_nm, self.stop_nm - self.start_nm)


def wavelength() -> Number:
    """Give a wavelength within the laser's range; a bare number is in nm or m."""
    return Number(
        METRE,
        minimum=lambda laser, *_: laser.minimum_nm * 1e-9,
        maximum=lambda laser, *_: laser.maximum_nm * 1e-9,
        bare=lambda laser, *_: 1e-9 if laser.legacy else 1.0,
    )


def frequency() -> Number:
    """Give an optical frequency within the laser's range; a bare number is in THz or Hz."""
    return Number(
        HERTZ,
        minimum=lambda laser, *_: SPEED_OF_LIGHT / (laser.maximum_nm * 1e-9),
        maximum=lambda laser, *_: SPEED_OF_LIGHT / (laser.minimum_nm * 1e-9),
        bare=lambda laser, *_: 1e12 if laser.legacy else 1.0,
    )


def _put(field: str, scale: float = 1.0) -> Callable[..., None]:
    return lambda laser, value: setattr(laser.sweep, field, value * scale)


def _put_frequency(field: str) -> Callable[..., None]:
    return lambda laser, hertz: setattr(laser.sweep, field, SPEED_OF_LIGHT / hertz * 1e9)


def _row(pattern: str, **row: Any) -> Command:
    return Command(pattern=f"[SOURce:]{pattern}", confirmed=_CONFIRMED, source=_SOURCE, **row)


def _edges(word: str, field: str) -> tuple[Command, ...]:
    """Give the rows of one end of the sweep, by wavelength and by frequency."""
    return (
        _row(
            f"WAVelength:SWEep:{word}",
            action=_put(field, 1e9),
            query=lambda laser: laser.shown_wavelength(getattr(laser.sweep, field)),
            parameters=(wavelength(),),
        ),
        _row(
            f"[WAVelength:]FREQuency:SWEep:{word}",
            action=_put_frequency(field),
            query=lambda laser: laser.shown_frequency(getattr(laser.sweep, field)),
            parameters=(frequency(),),
        ),
    )


def _plain(word: str, field: str, parameter: Number) -> Command:
    return _row(
        f"WAVelength:SWEep:{word}",
        action=_put(field),
        query=lambda laser: getattr(laser.sweep, field),
        parameters=(parameter,),
    )


SWEEP: tuple[Command, ...] = (
    *_edges("STARt", "start_nm"),
    *_edges("STOP", "stop_nm"),
    _row(
        "WAVelength:SWEep:STEP[:WIDTh]",
        action=_put("step_nm", 1e9),
        query=lambda laser: laser.shown_wavelength(laser.sweep.step_nm),
        parameters=(Number(METRE, minimum=0.1e-12, bare=lambda laser: 1e-9 if laser.legacy else 1.0),),
    ),
    _row(
        "[WAVelength:]FREQuency:SWEep:STEP[:WIDTh]",
        action=_put("step_hz"),
        query=lambda laser: f"{laser.sweep.step_hz * 1e-12:.5f}" if laser.legacy else laser.sweep.step_hz,
        parameters=(Number(HERTZ, minimum=1e6, bare=lambda laser: 1e12 if laser.legacy else 1.0),),
    ),
    _row("WAVelength:SWEep:RANGe:MINimum", query=lambda laser: laser.shown_wavelength(laser.minimum_nm)),
    _row("WAVelength:SWEep:RANGe:MAXimum", query=lambda laser: laser.shown_wavelength(laser.maximum_nm)),
    _row(
        "[WAVelength:]FREQuency:SWEep:RANGe:MINimum",
        query=lambda laser: laser.shown_frequency(laser.maximum_nm),
    ),
    _row(
        "[WAVelength:]FREQuency:SWEep:RANGe:MAXimum",
        query=lambda laser: laser.shown_frequency(laser.minimum_nm),
    ),
    _plain("MODe", "mode", Number(minimum=0, maximum=3, integer=True)),
    _plain("SPEed", "speed_nm_s", Number(choices=_SPEEDS_NM_S)),
    _plain("DWELl", "dwell_s", Number(SECOND, minimum=0.0, maximum=999.9)),
    _plain("DELay", "delay_s", Number(SECOND, minimum=0.0, maximum=999.9)),
    _plain("CYCLes", "cycles", Number(minimum=0, maximum=999, integer=True)),
    _row("WAVelength:SWEep:COUNt", query=lambda laser: laser.sweep.done),
    _row(
        "WAVelength:SWEep[:STATe]",
        action=lambda laser, number: laser.start_sweep(number),
        query=lambda laser: 1 if laser.running("sweep") else 0,
        parameters=(Number(minimum=0, maximum=1, integer=True),),
    ),
    _row("WAVelength:SWEep[:STATe]:REPeat", action=lambda laser: laser.repeat_sweep()),
)
