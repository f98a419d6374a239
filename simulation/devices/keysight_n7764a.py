"""Keysight N7764A: four variable optical attenuators, each with shutter and power monitor at its output.

Command facts: 8163A/B, 8164A/B, 8166A/B Programming Guide; N77xx Series Programming Guide. The figures
of the hardware are typical of the family; none has been held against a data sheet yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from simulation.devices.optical_power import OVER_RANGE, Photodiode, answer_dbm, number_option
from simulation.faults import FaultKind
from simulation.physics.light import Light, LightSource, Passage
from simulation.scpi import (
    KEYSIGHT_OPTICAL,
    Boolean,
    Choice,
    Clock,
    Command,
    Later,
    Number,
    Profile,
    ScpiDevice,
    ScpiError,
)
from simulation.scpi.units import DECIBEL, METRE, SECOND

CHANNELS = (1, 2, 3, 4)
_N77_GUIDE = "Keysight N77xx Series Programming Guide"
_GUIDE = "8163A/B, 8164A/B, 8166A/B Programming Guide"
_MAXIMUM_DB = 45.0
_INSERTION_DB = 1.8
_SHUTTER_DB = 100.0
_ACCURACY_DB = 0.1
"""Stated accuracy of a set attenuation: two standard deviations of what is drawn below."""
_REPEATABILITY_DB = 0.01
"""Standard deviation of an attenuation that is set again."""
_WAVELENGTH_ERROR = 2e-4
"""Relative error of an attenuation per nm between the light and the wavelength that was set."""
_SETTLE_S = 0.1
_SHUTTER_S = 0.05
_SPEED_DB_S = 1000.0
_MONITOR_ACCURACY = 0.02
_MONITOR_NOISE_W = 1e-9
"""Standard deviation of a dark monitor reading averaged over 1 s."""
_ZERO_S = 1.0


@dataclass(slots=True)
class Channel:
    """Settings of one channel, and where its filter wheel is going."""

    attenuation_db: float = 0.0
    offset_db: float = 0.0
    wavelength_m: float = 1550e-9
    speed_db_s: float = _SPEED_DB_S
    averaging_s: float = 0.1
    unit: str = "DBM"
    open: bool = False
    opened_ns: int = 0
    start_db: float = 0.0
    start_ns: int = 0
    target_db: float = 0.0
    repeat_db: float = 0.0
    monitor_offset_db: float = 0.0
    stuck_db: float | None = None
    photodiode: Photodiode = field(default_factory=Photodiode)

    def filter_db(self, now_ns: int) -> float:
        """Get the nominal attenuation of the filter on its way to the target."""
        way_db = self.target_db - self.start_db
        gone_db = self.speed_db_s * max(0, now_ns - self.start_ns) / 1e9
        return self.target_db if gone_db >= abs(way_db) else self.start_db + math.copysign(gone_db, way_db)


def _attenuator_of(slot: int) -> int:
    """Get the attenuator in a slot: each takes two slots and answers to either (N77xx guide, pp. 20-21)."""
    return (slot + 1) // 2


def _by_slot(handler: Callable[..., object] | None) -> Callable[..., object] | None:
    """Make a handler of an attenuator one of its slots."""
    if handler is None:
        return None

    def handle(device: KeysightN7764A, slot: int, *values: object) -> object:
        return handler(device, _attenuator_of(slot), *values)

    return handle


def _answering_by_slot(command: Command) -> Command:
    """Make a row of the table, written for attenuators, one for slots."""
    action, query = _by_slot(command.action), _by_slot(command.query)
    return replace(command, action=action, query=query)


class KeysightN7764A(ScpiDevice):
    """The twin of a four-channel attenuator; light passes from "1.in" to "1.out", and so on.

    Options: `insertion_loss_db` (1.8) and `insertion_loss_uncertainty_db` (0), the spread (k=2) of the
    channels' true insertion losses around it.
    """

    model: ClassVar[str] = "Keysight N7764A"
    manufacturer: ClassVar[str] = "Agilent Technologies"
    identity_model: ClassVar[str] = "N7764A"
    firmware: ClassVar[str] = "V1.19"
    profile: ClassVar[Profile] = KEYSIGHT_OPTICAL

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._light: LightSource | None = None
        self._channels = {channel: Channel() for channel in CHANNELS}
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)
        draw = self.noise("hardware")
        # Half the accuracy is a slope over the range, half a ripple of the filter's density.
        spread_db = _ACCURACY_DB / 2 / math.sqrt(2)
        self._slope = {each: float(draw.normal(0.0, spread_db)) / _MAXIMUM_DB for each in CHANNELS}
        self._ripple_db = {each: float(draw.normal(0.0, spread_db)) for each in CHANNELS}
        self._phase = {each: float(draw.uniform(0.0, 2 * math.pi)) for each in CHANNELS}
        insertion_db = number_option(options, "insertion_loss_db", _INSERTION_DB)
        spread_db = number_option(options, "insertion_loss_uncertainty_db", 0.0) / 2
        self._insertion_db = {each: insertion_db + float(draw.normal(0.0, spread_db)) for each in CHANNELS}
        self._gain = {each: 1 + _MONITOR_ACCURACY / 2 * float(draw.normal()) for each in CHANNELS}
        self._dark_w = {each: 5e-10 * float(draw.normal()) for each in CHANNELS}
        self._zeroed_w = dict.fromkeys(CHANNELS, 0.0)

    def connect_light(self, source: LightSource) -> None:
        """Join the inputs to the light of the bench; the monitors need it."""
        self._light = source

    def reset(self) -> None:
        """Close the shutters and set all channels to their power-on settings."""
        super().reset()
        for channel, state in self._channels.items():
            self._filter_db(channel)
            fresh = Channel(
                start_db=state.filter_db(self.now_ns), start_ns=self.now_ns, stuck_db=state.stuck_db
            )
            self._channels[channel] = fresh

    def safe_state(self) -> Mapping[str, object]:
        """Get which channels let light pass, and by how much they attenuate."""
        self.catch_up()
        return {
            "open": tuple(str(each) for each, state in self._channels.items() if state.open),
            "attenuation_db": {
                str(each): state.filter_db(self.now_ns) for each, state in self._channels.items()
            },
            "at_maximum": all(
                state.filter_db(self.now_ns) >= _MAXIMUM_DB for state in self._channels.values()
            ),
        }

    # Light.

    def emission(self, port: str) -> Light:  # noqa: ARG002
        """Emit nothing."""
        return ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        """Give the way through the channel that ends at this port."""
        number, _, end = port.partition(".")
        if end != "out" or not number.isdecimal() or int(number) not in self._channels:
            return ()
        self.catch_up()
        return (Passage(f"{number}.in", self._loss(int(number))),)

    def _filter_db(self, channel: int) -> float:
        """Get where the filter truly stands; a stuck one stays where it was when the fault began."""
        state = self._channels[channel]
        nominal_db = state.filter_db(self.now_ns)
        if not self.faults.active(FaultKind.STUCK_ATTENUATOR):
            state.stuck_db = None
            return nominal_db
        if state.stuck_db is None:
            state.stuck_db = nominal_db
        return state.stuck_db

    def _loss(self, channel: int) -> Callable[[float], float]:
        """Get the true loss now, by wavelength in nm."""
        state, now_ns = self._channels[channel], self.now_ns
        nominal_db = self._filter_db(channel)
        ripple_db = self._ripple_db[channel] * math.sin(self._phase[channel] + nominal_db)
        # A filter at its zero stop has neither slope nor ripple.
        error_db = nominal_db * self._slope[channel] + (ripple_db + state.repeat_db) * min(1.0, nominal_db)
        shut_db = 0.0 if state.open and now_ns >= state.opened_ns else _SHUTTER_DB
        set_nm, insertion_db = state.wavelength_m * 1e9, self._insertion_db[channel]

        def loss_db(wavelength_nm: float) -> float:
            colour_db = nominal_db * _WAVELENGTH_ERROR * (wavelength_nm - set_nm)
            return max(0.0, insertion_db + nominal_db + error_db + colour_db) + shut_db

        return loss_db

    def _monitored_w(self, channel: int) -> float:
        """Get the power at the output as the monitor sees it, without noise."""
        state, loss_db = self._channels[channel], self._loss(channel)
        arriving = self._light.arriving(f"{channel}.in") if self._light is not None else ()
        leaving = tuple(beam.after(loss_db(beam.wavelength_nm)) for beam in arriving)
        current_a = state.photodiode.current_a(leaving)
        return state.photodiode.power_w(current_a, state.wavelength_m * 1e9) * (
            self._gain[channel] * self.reference_factor
        )

    # Handlers.

    def _move(self, channel: int, target_db: float) -> None:
        state = self._channels[channel]
        self._filter_db(channel)
        state.start_db, state.start_ns = state.filter_db(self.now_ns), self.now_ns
        state.target_db = target_db
        state.repeat_db = float(self.noise(f"repeat {channel}").normal(0.0, _REPEATABILITY_DB))
        travel_s = abs(target_db - state.start_db) / state.speed_db_s
        self.begin(f"filter {channel}", travel_s + _SETTLE_S, bit=1)

    def _set_attenuation(self, channel: int, attenuation_db: float) -> None:
        state = self._channels[channel]
        state.attenuation_db = attenuation_db
        self._move(channel, attenuation_db - state.offset_db)

    def _set_offset(self, channel: int, offset_db: float) -> None:
        """Change what is shown, not what the filter does."""
        state = self._channels[channel]
        state.attenuation_db += offset_db - state.offset_db
        state.offset_db = offset_db

    def _set_wavelength(self, channel: int, wavelength_m: float) -> None:
        state = self._channels[channel]
        state.wavelength_m = wavelength_m
        self._move(channel, state.target_db)

    def _set_speed(self, channel: int, speed_db_s: float) -> None:
        self._channels[channel].speed_db_s = speed_db_s

    def _set_averaging(self, channel: int, averaging_s: float) -> None:
        self._channels[channel].averaging_s = averaging_s

    def _set_unit(self, channel: int, unit: str) -> None:
        self._channels[channel].unit = unit

    def _set_power_control(self, channel: int, on: bool) -> None:  # noqa: ARG002  # as the table calls it
        """Accept that power control stays off; the twin has no control loop."""
        if on:
            raise ScpiError(-221, "power control")

    def _set_offset_table(self, channel: int, on: bool) -> None:  # noqa: ARG002  # as the table calls it
        """Accept that the table of offsets by wavelength stays off; the twin's is empty."""
        if on:
            raise ScpiError(-221, "offset table")

    def _set_monitor_offset(self, channel: int, offset_db: float) -> None:
        self._channels[channel].monitor_offset_db = offset_db

    def _set_open(self, channel: int, on: bool) -> None:
        state = self._channels[channel]
        if on and not state.open:
            state.opened_ns = self.now_ns + round(_SHUTTER_S * 1e9)
        state.open = on
        self.begin(f"shutter {channel}", _SHUTTER_S)

    def _read(self, channel: int) -> Later:
        return Later(self._channels[channel].averaging_s, self._reading(channel))

    def _reading(self, channel: int) -> float:
        if self.faults.active(FaultKind.OVER_RANGE) or self.faults.active(FaultKind.UNDER_RANGE):
            return OVER_RANGE
        state = self._channels[channel]
        spread_w = _MONITOR_NOISE_W / math.sqrt(state.averaging_s)
        noise_w = float(self.noise(f"monitor {channel}").normal(0.0, spread_w))
        power_w = self._monitored_w(channel) + self._dark_w[channel] - self._zeroed_w[channel] + noise_w
        power_w *= 10 ** (state.monitor_offset_db / 10)
        return answer_dbm(power_w) if state.unit == "DBM" else power_w

    def _zero(self, channel: int) -> None:
        self._zero_channels((channel,))

    def _zero_all(self) -> None:
        self._zero_channels(CHANNELS)

    def _zero_channels(self, channels: tuple[int, ...]) -> None:
        for channel in channels:
            self._zeroed_w[channel] = self._monitored_w(channel) + self._dark_w[channel]
        self.begin("zero", _ZERO_S)

    # Bounds are asked by slot, as the table's headers say it.

    def _lowest_db(self, slot: int) -> float:
        return self._channels[_attenuator_of(slot)].offset_db

    def _highest_db(self, slot: int) -> float:
        return self._lowest_db(slot) + _MAXIMUM_DB

    _by_attenuator: ClassVar[tuple[Command, ...]] = (
        Command(
            pattern="INPut{1:8}[:CHANnel{1}]:ATTenuation",
            action=_set_attenuation,
            query=lambda device, channel: device._channels[channel].attenuation_db,
            parameters=(Number(DECIBEL, minimum=_lowest_db, maximum=_highest_db, default=_lowest_db),),
            confirmed="manual page",
            source=_GUIDE + ", p. 182",
        ),
        Command(
            pattern="INPut{1:8}[:CHANnel{1}]:ATTenuation:SPEed",
            action=_set_speed,
            query=lambda device, channel: device._channels[channel].speed_db_s,
            parameters=(Number(minimum=0.1, maximum=1000.0, default=1000.0),),
            source=_GUIDE,
        ),
        Command(
            pattern="INPut{1:8}[:CHANnel{1}]:OFFSet",
            action=_set_offset,
            query=lambda device, channel: device._channels[channel].offset_db,
            parameters=(Number(DECIBEL, minimum=-200.0, maximum=200.0, default=0.0),),
            confirmed="manual page",
            source=_GUIDE + ", p. 166",
        ),
        Command(
            pattern="INPut{1:8}[:CHANnel{1}]:WAVelength",
            action=_set_wavelength,
            query=lambda device, channel: device._channels[channel].wavelength_m,
            parameters=(Number(METRE, minimum=1260e-9, maximum=1640e-9, default=1550e-9),),
            confirmed="manual page",
            source=_GUIDE + ", p. 166",
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}][:STATe]",
            action=_set_open,
            query=lambda device, channel: device._channels[channel].open,
            parameters=(Boolean(),),
            confirmed="public driver",
            source="python-ivi agilent8156A sends output:state 1; " + _GUIDE,
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}]:ATIMe",
            action=_set_averaging,
            query=lambda device, channel: device._channels[channel].averaging_s,
            parameters=(Number(SECOND, minimum=2e-3, maximum=1.0, default=0.1),),
            source=_GUIDE,
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}]:POWer:UNit",
            action=_set_unit,
            query=lambda device, channel: 0 if device._channels[channel].unit == "DBM" else 1,
            parameters=(Choice(("DBM", "Watt"), numbers=((0, "DBM"), (1, "W"))),),
            source=_GUIDE,
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}]:CORRection:COLLect:ZERO",
            action=_zero,
            query=lambda _device, _channel: 0,
            confirmed="public driver",
            source="drivers in public repositories send OUTP1:CORR:COLL:ZERO",
        ),
        Command(
            pattern="OUTPut{1:8}:CORRection:COLLect:ZERO:ALL",
            action=lambda device, _channel: device._zero_all(),
            source=_GUIDE,
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}]:POWer:CONTRol",
            action=_set_power_control,
            query=lambda _device, _channel: False,
            parameters=(Boolean(),),
            confirmed="manual page",
            source=_N77_GUIDE + ", pp. 104-118",
        ),
        Command(
            pattern="OUTPut{1:8}[:CHANnel{1}]:POWer:OFFSet",
            action=_set_monitor_offset,
            query=lambda device, channel: device._channels[channel].monitor_offset_db,
            parameters=(Number(DECIBEL, minimum=-200.0, maximum=200.0, default=0.0),),
            confirmed="manual page",
            source=_N77_GUIDE + ", pp. 104-118",
        ),
        Command(
            pattern="CONFigure{1:8}[:CHANnel{1}]:OFFSet:WAVelength:STATe",
            action=_set_offset_table,
            query=lambda _device, _channel: False,
            parameters=(Boolean(),),
            confirmed="manual page",
            source=_N77_GUIDE + ", pp. 104-118",
        ),
        Command(
            pattern="READ{1:8}[:CHANnel{1}][:SCALar]:POWer[:DC]",
            query=_read,
            confirmed="public driver",
            source="drivers in public repositories send READ1:POW?; " + _GUIDE + ", p. 90",
        ),
        Command(
            pattern="FETCh{1:8}[:CHANnel{1}][:SCALar]:POWer[:DC]",
            query=_reading,
            confirmed="manual page",
            source=_GUIDE + ", p. 87",
        ),
    )
    commands: ClassVar[tuple[Command, ...]] = tuple(map(_answering_by_slot, _by_attenuator))
