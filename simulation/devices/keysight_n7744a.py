"""Keysight N7744A: a power meter with four ports that answers as one mainframe with four slots.

Command facts: 8163A/B, 8164A/B, 8166A/B Programming Guide (the N77xx family shares its command set).
The figures of the hardware are typical of the family; none has been held against a data sheet yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from simulation.devices.optical_power import MILLIWATT, OVER_RANGE, Photodiode, answer_dbm
from simulation.faults import FaultKind
from simulation.physics.light import LightSource
from simulation.scpi import (
    KEYSIGHT_OPTICAL,
    Boolean,
    Choice,
    Clock,
    Command,
    Later,
    Number,
    PowerLevel,
    Profile,
    ScpiDevice,
    ScpiError,
)
from simulation.scpi.units import DECIBEL, METRE, SECOND

PORTS = (1, 2, 3, 4)
_GUIDE = "8163A/B, 8164A/B, 8166A/B Programming Guide"
_NOISE_W = 2.3e-12
"""Standard deviation of a dark reading averaged over 1 s; 7 pW peak to peak are three of them."""
_OFFSET_W = 3e-12
"""Standard deviation of the dark offset that zeroing takes away."""
_ACCURACY = 0.0125
"""Standard deviation of the calibration factor; 2.5 % is two of them."""
_RELATIVE_NOISE = 1e-5
"""Fluctuation of a reading relative to its power, at 1 s."""
_ZERO_S = 4.0
_RANGES_DBM = (-30.0, -20.0, -10.0, 0.0, 10.0)
_HEADROOM = 2.0
"""A range ends at 1999.9 digits: 3 dB above its name."""


@dataclass(slots=True)
class Port:
    """Settings and hardware of one port."""

    wavelength_m: float = 1550e-9
    averaging_s: float = 0.1
    unit: str = "DBM"
    automatic: bool = True
    range_dbm: float = 10.0
    offset_db: float = 0.0
    continuous: bool = True
    reading_w: float | None = None
    photodiode: Photodiode = field(default_factory=Photodiode)


class KeysightN7744A(ScpiDevice):
    """The twin of a four-port power meter; light arrives at ports "1" to "4"."""

    model: ClassVar[str] = "Keysight N7744A"
    manufacturer: ClassVar[str] = "Agilent Technologies"
    identity_model: ClassVar[str] = "N7744A"
    firmware: ClassVar[str] = "V1.19"
    profile: ClassVar[Profile] = KEYSIGHT_OPTICAL

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._light: LightSource | None = None
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)
        draw = self.noise("hardware").standard_normal((2, len(PORTS)))
        self._gain = {port: 1 + _ACCURACY * float(draw[0, port - 1]) for port in PORTS}
        self._offset_w = {port: _OFFSET_W * float(draw[1, port - 1]) for port in PORTS}
        self._zeroed_w = dict.fromkeys(PORTS, 0.0)

    def connect_light(self, source: LightSource) -> None:
        """Join the ports to the light of the bench."""
        self._light = source

    def reset(self) -> None:
        """Bring all ports to their power-on settings; the zero stays."""
        super().reset()
        self._ports = {port: Port() for port in PORTS}

    def safe_state(self) -> Mapping[str, object]:
        """Say that a meter does no harm."""
        return {"emitting": False}

    # Physics.

    def _arriving_w(self, port: int) -> tuple[float, float]:
        """Get the power as the port reads it without noise, and the power that truly falls on its diode."""
        settings = self._ports[port]
        light = self._light.arriving(str(port)) if self._light is not None else ()
        current_a = settings.photodiode.current_a(light)
        read_w = settings.photodiode.power_w(current_a, settings.wavelength_m * 1e9)
        factor = self._gain[port] * self.reference_factor
        return read_w * factor, sum(beam.power_mw for beam in light) * MILLIWATT

    def _measure_w(self, port: int, averaging_s: float) -> float:
        """Average over a time: noise falls with its root; the offset is what zeroing left."""
        settings = self._ports[port]
        power_w, true_w = self._arriving_w(port)
        range_dbm = self._range_dbm(settings, power_w)
        if self._over(power_w, range_dbm) or self.faults.active(FaultKind.OVER_RANGE):
            return OVER_RANGE
        spread_w = math.hypot(_NOISE_W, _RELATIVE_NOISE * true_w) / math.sqrt(averaging_s)
        noise_w = float(self.noise(f"port {port}").normal(0.0, spread_w))
        dark_w = self._offset_w[port] - self._zeroed_w[port]
        return self._rounded(power_w + dark_w + noise_w, range_dbm) * 10 ** (settings.offset_db / 10)

    @staticmethod
    def _over(power_w: float, range_dbm: float) -> bool:
        return power_w > _HEADROOM * MILLIWATT * 10 ** (range_dbm / 10)

    def _range_dbm(self, settings: Port, power_w: float) -> float:
        if not settings.automatic:
            return settings.range_dbm
        fitting = [each for each in _RANGES_DBM if not self._over(power_w, each)]
        return fitting[0] if fitting else _RANGES_DBM[-1]

    @staticmethod
    def _rounded(power_w: float, range_dbm: float) -> float:
        """Round to what the converter resolves: 2**20 steps over twice the range."""
        step_w = _HEADROOM * MILLIWATT * 10 ** (range_dbm / 10) / 2**20
        return round(power_w / step_w) * step_w

    # Handlers.

    def _answer(self, port: int, reading_w: float) -> float:
        if reading_w == OVER_RANGE or self.faults.active(FaultKind.UNDER_RANGE):
            return OVER_RANGE
        return answer_dbm(reading_w) if self._ports[port].unit == "DBM" else reading_w

    def _read(self, port: int) -> Later:
        settings = self._ports[port]
        settings.reading_w = self._measure_w(port, settings.averaging_s)
        return Later(settings.averaging_s, self._answer(port, settings.reading_w))

    def _fetch(self, port: int) -> float | Later:
        settings = self._ports[port]
        if settings.continuous:
            # Free running: the last complete average; the light has been there that long already.
            settings.reading_w = self._measure_w(port, settings.averaging_s)
        if self.running(f"average {port}"):
            return Later(
                self._remaining_s(f"average {port}"), lambda: self._answer(port, settings.reading_w or 0.0)
            )
        if settings.reading_w is None:
            raise ScpiError(-230)
        return self._answer(port, settings.reading_w)

    def _remaining_s(self, name: str) -> float:
        return max(0, self.due_ns(name) - self.now_ns) / 1e9

    def _initiate(self, port: int) -> None:
        settings = self._ports[port]
        if settings.continuous:
            raise ScpiError(-213)
        settings.reading_w = self._measure_w(port, settings.averaging_s)
        self.begin(f"average {port}", settings.averaging_s)

    def _set_continuous(self, port: int, on: bool) -> None:
        self._ports[port].continuous = on

    def _set_wavelength(self, port: int, wavelength_m: float) -> None:
        self._ports[port].wavelength_m = wavelength_m

    def _set_averaging(self, port: int, averaging_s: float) -> None:
        self._ports[port].averaging_s = averaging_s

    def _set_unit(self, port: int, unit: str) -> None:
        self._ports[port].unit = unit

    def _set_automatic(self, port: int, on: bool) -> None:
        self._ports[port].automatic = on

    def _set_range(self, port: int, range_dbm: float) -> None:
        nearest = min(_RANGES_DBM, key=lambda each: abs(each - range_dbm))
        self._ports[port].range_dbm, self._ports[port].automatic = nearest, False

    def _set_offset(self, port: int, offset_db: float) -> None:
        # The guide's sign: a loss before the meter is entered as a positive correction.
        self._ports[port].offset_db = offset_db

    def _zero(self, port: int) -> None:
        self._zero_ports((port,))

    def _zero_all(self) -> None:
        self._zero_ports(PORTS)

    def _zero_ports(self, ports: tuple[int, ...]) -> None:
        """Take what is there for dark: whoever zeroes under light reads too little afterwards."""
        for port in ports:
            power_w, _ = self._arriving_w(port)
            noise_w = float(self.noise(f"zero {port}").normal(0.0, _NOISE_W / math.sqrt(_ZERO_S)))
            self._zeroed_w[port] = power_w + self._offset_w[port] + noise_w
        self.begin("zero", _ZERO_S)

    def _set_relative(self, port: int, on: bool) -> None:  # noqa: ARG002  # as the table calls it
        """Accept that readings stay absolute; the twin has no relative display."""
        if on:
            raise ScpiError(-221, "reference")

    def _set_trigger(self, port: int, mode: str) -> None:  # noqa: ARG002  # as the table calls it
        """Accept that triggers are ignored; the twin has no trigger connector."""
        if mode != "IGN":
            raise ScpiError(-221, "trigger input")

    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:WAVelength",
            action=_set_wavelength,
            query=lambda meter, port: meter._ports[port].wavelength_m,
            parameters=(Number(METRE, minimum=1250e-9, maximum=1650e-9, default=1550e-9),),
            confirmed="public driver",
            source="LabExT PowerMeterN7744A; " + _GUIDE,
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:ATIMe",
            action=_set_averaging,
            query=lambda meter, port: meter._ports[port].averaging_s,
            parameters=(Number(SECOND, minimum=1e-6, maximum=10.0, default=0.1),),
            confirmed="manual page",
            source=_GUIDE + ", p. 102",
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:RANGe[:UPPer]",
            action=_set_range,
            query=lambda meter, port: meter._ports[port].range_dbm,
            parameters=(PowerLevel(lambda *_where: "DBM", minimum=-110.0, maximum=30.0, default=10.0),),
            confirmed="manual page",
            source=_GUIDE + ", p. 102-103",
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:RANGe:AUTO",
            action=_set_automatic,
            query=lambda meter, port: meter._ports[port].automatic,
            parameters=(Boolean(),),
            confirmed="manual page",
            source=_GUIDE + ", p. 109",
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:UNIT",
            action=_set_unit,
            query=lambda meter, port: 0 if meter._ports[port].unit == "DBM" else 1,
            parameters=(Choice(("DBM", "Watt"), numbers=((0, "DBM"), (1, "W"))),),
            confirmed="public driver",
            source="LabExT PowerMeterN7744A; " + _GUIDE,
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:CORRection[:LOSS[:INPut[:MAGNitude]]]",
            action=_set_offset,
            query=lambda meter, port: meter._ports[port].offset_db,
            parameters=(Number(DECIBEL, minimum=-200.0, maximum=200.0, default=0.0),),
            confirmed="public driver",
            source="drivers in public repositories send sens1:corr 0.5DB",
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:CORRection:COLLect:ZERO",
            action=_zero,
            query=lambda _meter, _port: 0,
            confirmed="public driver",
            source="drivers in public repositories send sens1:corr:coll:zero",
        ),
        Command(
            pattern="SENSe{1}:CORRection:COLLect:ZERO:ALL",
            action=_zero_all,
            query=lambda _meter: 0,
            source=_GUIDE,
        ),
        Command(
            pattern="SENSe{1:4}[:CHANnel{1}]:POWer:REFerence:STATe",
            action=_set_relative,
            query=lambda _device, _port: False,
            parameters=(Boolean(),),
            confirmed="manual page",
            source=_GUIDE,
        ),
        Command(
            pattern="TRIGger{1:4}[:CHANnel{1}]:INPut",
            action=_set_trigger,
            query=lambda _device, _port: "IGN",
            parameters=(Choice(("IGNore", "SMEasure", "CMEasure")),),
            confirmed="public driver",
            source="LabExT PowerMeterN7744A sends trig1:inp ign",
        ),
        Command(
            pattern="INITiate{1:4}[:CHANnel{1}][:IMMediate]",
            action=_initiate,
            confirmed="public driver",
            source="LabExT PowerMeterN7744A; " + _GUIDE + ", p. 88",
        ),
        Command(
            pattern="INITiate{1:4}[:CHANnel{1}]:CONTinuous",
            action=_set_continuous,
            query=lambda meter, port: meter._ports[port].continuous,
            parameters=(Boolean(),),
            confirmed="public driver",
            source="LabExT PowerMeterN7744A; " + _GUIDE + ", p. 89",
        ),
        Command(
            pattern="READ{1:4}[:CHANnel{1}][:SCALar]:POWer[:DC]",
            query=_read,
            confirmed="manual page",
            source=_GUIDE + ", p. 90",
        ),
        Command(
            pattern="FETCh{1:4}[:CHANnel{1}][:SCALar]:POWer[:DC]",
            query=_fetch,
            confirmed="manual page",
            source=_GUIDE + ", p. 87",
        ),
    )
