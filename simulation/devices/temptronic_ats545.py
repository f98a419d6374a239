"""Temptronic ATS-545: a thermal head that blows tempered air over one transceiver.

It speaks flat words, not SCPI: no colons, no error queue to ask, device errors as bits of EROR?. What it
cannot carry out sets the execution-error bit of *ESR? and changes nothing. Cycling, stored set-ups and
control by a sensor in the DUT are left out: this head has none, so DUT mode only raises error bit 14.

Command facts: ATS-545 & -645 Interface & Applications Manual, rev. B, as far as public drivers cite it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from simulation.devices.tempered_air import FASTEST_C_PER_S, TIME_CONSTANT_S, AirAtSlot, Nozzle
from simulation.faults import FaultKind
from simulation.physics.randomness import generator, truncated_normal
from simulation.physics.thermal import AMBIENT_C
from simulation.scpi import Boolean, Clock, Command, Number, Profile, ScpiDevice, ScpiError, Step
from simulation.scpi.commands import Confirmed, Handler
from simulation.scpi.parameters import Parameter

LOWEST_C, HIGHEST_C = -75.0, 225.0
"""What the air can reach, whatever limits are set (data sheet)."""
NOMINAL_FLOW_SCFM = 12.0
LITRES_PER_SECOND_PER_SCFM = 0.4719
STILL_AIR_TIME_CONSTANT_S = 60.0
FASTEST_RAMP_C_PER_MIN = 9999.0
INVALID_C = 999.9
"""What a sensor that is not there reads; the manual calls anything above 400 invalid."""
SENSOR_SIGMA_C, SENSOR_BOUND_C = 0.2, 0.5
OPERATOR_SCREEN, POWERED_UP = 10, 63
_DRIVER = "ATS-545/645 manual, rev. B, as cited by PyMeasure's driver"
_FAMILY = "ThermoStream family; check on hardware"
HOT, AMBIENT, COLD = 0, 1, 2


@dataclass(slots=True)
class SetPoint:
    """One of the set points of the operator screen."""

    temperature_c: float
    window_c: float = 1.0
    soak_s: float = 30.0


def _row(
    pattern: str,
    action: Handler | None = None,
    query: Handler | None = None,
    *,
    parameter: Parameter | None = None,
    confirmed: Confirmed = "public driver",
) -> Command:
    return Command(
        pattern=pattern,
        action=action,
        query=query,
        parameters=() if parameter is None else (parameter,),
        confirmed=confirmed,
        source=_DRIVER if confirmed == "public driver" else _FAMILY,
    )


class TemptronicAts545(ScpiDevice):
    """The head. Options: `ambient_c`, the temperature of the room."""

    model = "Temptronic ATS-545"
    manufacturer = "TEMPTRONIC"
    identity_model = "ATS-545-M"
    firmware = "2.14"
    profile = Profile(real_format=".1f")

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self.ambient_c = float(str(options.get("ambient_c", AMBIENT_C)))
        self._sensor_error_c = truncated_normal(
            generator(seed, name, "air sensor"), SENSOR_SIGMA_C, SENSOR_BOUND_C
        )
        self._nozzle = Nozzle(self.ambient_c)
        self._air = AirAtSlot(self._nozzle, self.ambient_c)
        self._head_down = False
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)

    @property
    def air(self) -> AirAtSlot:
        """Get the air around the transceiver, as simulation.physics.thermal.Case wants it."""
        self.catch_up()
        return self._air

    def air_temperature_c(self) -> float | None:
        """Get the true temperature of the air blown over the transceiver, None if there is none."""
        self.catch_up()
        return self._nozzle.temperature_c(self.clock.now_ns / 1e9) if self._blown else None

    def safe_state(self) -> Mapping[str, object]:
        """Get whether the head blows, and how warm."""
        self.catch_up()
        now_s = self.clock.now_ns / 1e9
        return {
            "flow": self._flow,
            "head_down": self._head_down,
            "set_point_c": self._point.temperature_c,
            "air_c": round(self._air.temperature_c(now_s), 2),
        }

    def reset(self) -> None:
        """Bring all settings to their defaults; the head stays where it is."""
        super().reset()
        self._points = {HOT: SetPoint(125.0), AMBIENT: SetPoint(25.0), COLD: SetPoint(-55.0)}
        self._selected = AMBIENT
        self._flow = False
        self._flow_scfm = NOMINAL_FLOW_SCFM
        self._ramp_c_per_min = FASTEST_RAMP_C_PER_MIN
        self._low_limit_c, self._high_limit_c = LOWEST_C, HIGHEST_C
        self._air_to_dut_c = 50.0
        self._dut_mode, self._dut_sensor, self._dut_constant = False, 0, 100
        self._longest_s = 9999.0
        self._compressor = True
        self._learning = False
        self._screen = POWERED_UP
        self._events_read_s = -math.inf
        self._steer()

    def translate(self, message: bytes) -> bytes:
        """Turn `%RM`, `%GL` and `%LL` into words."""
        return message.replace(b"%", b"PCT_")

    def admit(self, step: Step) -> None:
        """Refuse SCPI: this instrument has no error queue that could be asked."""
        if step.header.startswith(("SYST", "STAT", ":SYST", ":STAT")):
            raise ScpiError(-113, step.header)

    # Air.

    @property
    def _point(self) -> SetPoint:
        return self._points[self._selected]

    @property
    def _blown(self) -> bool:
        return self._flow and self._head_down

    def _steer(self) -> None:
        now_s = self.now_s
        self._air.cover(self._blown, now_s)
        if not self._flow:
            self._nozzle.steer(
                self.ambient_c,
                now_s=now_s,
                rate_c_per_s=FASTEST_C_PER_S,
                time_constant_s=STILL_AIR_TIME_CONSTANT_S,
            )
            return
        flow = self._flow_scfm / NOMINAL_FLOW_SCFM
        coldest_c = LOWEST_C if self._compressor else self.ambient_c
        self._nozzle.steer(
            min(max(self._point.temperature_c, coldest_c), HIGHEST_C),
            now_s=now_s,
            rate_c_per_s=min(FASTEST_C_PER_S * flow, max(self._ramp_c_per_min, 0.1) / 60.0),
            time_constant_s=TIME_CONSTANT_S / flow,
        )

    def _air_reading_c(self) -> float:
        if self.faults.active(FaultKind.OVER_RANGE):
            return INVALID_C
        if self.faults.active(FaultKind.UNDER_RANGE):
            return -INVALID_C
        return self._nozzle.temperature_c(self.now_s) + self._sensor_error_c

    def _reading_c(self) -> float:
        # The DUT's sensor decides in DUT mode, and this head has none.
        return INVALID_C if self._dut_mode else self._air_reading_c()

    def _arrival_s(self) -> float:
        """Get when the air will have been within the window for the soak time; never, if it is not to be."""
        point, course = self._point, self._nozzle.course
        missed_c = abs(course.to_c - point.temperature_c)
        if not self._flow or self._dut_mode or missed_c > point.window_c:
            return math.inf
        return course.arrival_s(point.window_c - missed_c) + point.soak_s

    def _condition(self) -> int:
        if not self._flow:
            return 0
        return 0x01 if self.now_s >= self._arrival_s() else 0x02

    def _take_events(self) -> int:
        since_s, self._events_read_s = self._events_read_s, self.now_s
        arrived = since_s < self._arrival_s() <= self.now_s
        left = self._flow and since_s < self._nozzle.course.since_s <= self.now_s
        return (0x01 if arrived else 0) | (0x02 if left else 0)

    def _auxiliary(self) -> int:
        bits = {
            2: not self._head_down,
            3: not self._compressor,
            4: self._dut_mode,
            5: self._flow,
            6: True,
            8: self._screen == OPERATOR_SCREEN,
            9: self._ramp_c_per_min < FASTEST_RAMP_C_PER_MIN,
        }
        return sum(1 << bit for bit, on in bits.items() if on)

    def _errors_word(self) -> int:
        over, under = self.faults.active(FaultKind.OVER_RANGE), self.faults.active(FaultKind.UNDER_RANGE)
        return (1 << 14 if self._dut_mode else 0) | (1 << 5 if over or under else 0)

    # Settings.

    def _set_temperature(self, temperature_c: float) -> None:
        self._point.temperature_c = round(temperature_c, 1)
        self._steer()

    def _select(self, number: int) -> None:
        self._selected = number
        self._steer()

    def _set_window(self, window_c: float) -> None:
        self._point.window_c = window_c

    def _set_soak(self, soak_s: float) -> None:
        self._point.soak_s = soak_s

    def _move_head(self, down: bool) -> None:
        self._head_down = down
        self._steer()

    def _set_flow(self, on: bool) -> None:
        self._flow = on
        self._steer()

    def _set_flow_rate(self, scfm: float) -> None:
        self._flow_scfm = scfm
        self._steer()

    def _set_ramp(self, c_per_min: float) -> None:
        self._ramp_c_per_min = c_per_min
        self._steer()

    def _set_compressor(self, on: bool) -> None:
        self._compressor = on
        self._steer()

    def _set_low_limit(self, limit_c: float) -> None:
        self._low_limit_c = limit_c

    def _set_high_limit(self, limit_c: float) -> None:
        self._high_limit_c = limit_c

    def _set_air_to_dut(self, limit_c: float) -> None:
        self._air_to_dut_c = limit_c

    def _set_dut_mode(self, on: bool) -> None:
        self._dut_mode = on

    def _set_dut_sensor(self, kind: int) -> None:
        self._dut_sensor = kind

    def _set_dut_constant(self, constant: int) -> None:
        self._dut_constant = constant

    def _set_longest(self, seconds: float) -> None:
        self._longest_s = seconds

    def _set_learning(self, on: bool) -> None:
        self._learning = on

    def _operator_screen(self) -> None:
        self._screen = OPERATOR_SCREEN

    def _no_change(self) -> None:
        """Take a word about the front panel, which this head does not have."""

    commands = (
        _row("HEAD", _move_head, lambda d: d._head_down, parameter=Boolean()),
        _row("FLOW", _set_flow, lambda d: d._flow, parameter=Boolean()),
        _row(
            "FLSE",
            _set_flow_rate,
            lambda d: d._flow_scfm,
            parameter=Number(minimum=4, maximum=18),
            confirmed="no",
        ),
        _row("FLWR", query=lambda d: d._flow_scfm if d._flow else 0.0),
        _row("FLRL", query=lambda d: d._flow_scfm * LITRES_PER_SECOND_PER_SCFM if d._flow else 0.0),
        _row(
            "SETP",
            _set_temperature,
            lambda d: d._point.temperature_c,
            parameter=Number(minimum=lambda d: d._low_limit_c, maximum=lambda d: d._high_limit_c),
        ),
        _row("SETD", query=lambda d: d._nozzle.course.to_c),
        _row("SETN", _select, lambda d: d._selected, parameter=Number(minimum=0, maximum=2, integer=True)),
        _row("WNDW", _set_window, lambda d: d._point.window_c, parameter=Number(minimum=0.1, maximum=9.9)),
        _row("SOAK", _set_soak, lambda d: round(d._point.soak_s), parameter=Number(minimum=0, maximum=9999)),
        _row("RAMP", _set_ramp, lambda d: d._ramp_c_per_min, parameter=Number(minimum=0, maximum=9999)),
        _row("LLIM", _set_low_limit, lambda d: d._low_limit_c, parameter=Number(minimum=-99, maximum=25)),
        _row("ULIM", _set_high_limit, lambda d: d._high_limit_c, parameter=Number(minimum=25, maximum=225)),
        _row(
            "ADMD",
            _set_air_to_dut,
            lambda d: round(d._air_to_dut_c),
            parameter=Number(minimum=10, maximum=300),
        ),
        _row("DUTM", _set_dut_mode, lambda d: d._dut_mode, parameter=Boolean()),
        _row(
            "DSNS",
            _set_dut_sensor,
            lambda d: d._dut_sensor,
            parameter=Number(minimum=0, maximum=4, integer=True),
        ),
        _row(
            "DUTC",
            _set_dut_constant,
            lambda d: d._dut_constant,
            parameter=Number(minimum=20, maximum=500, integer=True),
        ),
        _row("TTIM", _set_longest, lambda d: round(d._longest_s), parameter=Number(minimum=0, maximum=9999)),
        _row("COOL", _set_compressor, lambda d: d._compressor, parameter=Boolean()),
        _row("LRNM", _set_learning, lambda d: d._learning, parameter=Boolean()),
        _row("TEMP", query=_reading_c),
        _row("TMPA", query=_air_reading_c),
        _row("TMPD", query=lambda _d: INVALID_C),
        _row("TECR", query=_condition),
        _row("TESR", query=_take_events),
        _row("AUXC", query=_auxiliary),
        _row("EROR", query=_errors_word),
        _row("CLER", _no_change),
        _row("WHAT", query=lambda d: d._screen),
        _row("RSTO", _operator_screen),
        _row("PCT_RM", _no_change),
        _row("PCT_GL", _no_change),
        _row("PCT_LL", _no_change),
    )
