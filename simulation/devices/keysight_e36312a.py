"""Keysight E36312A: a supply with three outputs, addressed by channel lists or by selection.

Command facts: E36300 Series Programming Guide. Accuracies and times are typical of the series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from simulation.faults import FaultKind
from simulation.scpi import (
    Boolean,
    ChannelList,
    Choice,
    Clock,
    Command,
    Later,
    Number,
    Profile,
    Quoted,
    Register,
    ScpiDevice,
    ScpiError,
    register_rows,
)
from simulation.scpi.units import AMPERE, VOLT

Load = Callable[[str, float], float]
"""The current in A that is drawn from an output ("1") at a voltage in V."""

_GUIDE = "E36300 Series Programming Guide"
_PYMEASURE = "PyMeasure KeysightE36312A"
_RATED = {1: (6.0, 5.0), 2: (25.0, 1.0), 3: (25.0, 1.0)}
_HEADROOM = 1.03
_SLEW_S = 0.008
"""Time constant of the output; 50 ms settle it to within 0.2 %."""
_MEASURE_S = 0.02
"""One power line cycle at 50 Hz."""
_NOT_A_NUMBER = 9.91e37
_CC, _CV = 0, 1
_CHANNELS = ChannelList(1, 3, optional=True)
_NAMES = ("P6V", "P25V", "N25V", "CH1", "CH2", "CH3")
_OUTPUT_OF = {"P6V": 1, "P25V": 2, "N25V": 3, "CH1": 1, "CH2": 2, "CH3": 3}


@dataclass(slots=True)
class Output:
    """Settings of one output and the voltage that it comes from."""

    current_limit_a: float
    protection_v: float
    voltage_v: float = 0.0
    on: bool = False
    tripped: bool = False
    start_v: float = 0.0
    start_ns: int = 0

    @property
    def target_v(self) -> float:
        """Get the voltage that the output is going to."""
        return self.voltage_v if self.on else 0.0

    def unloaded_v(self, now_ns: int) -> float:
        """Get the voltage that the regulator asks for now."""
        passed = (now_ns - self.start_ns) / 1e9 / _SLEW_S
        return self.target_v + (self.start_v - self.target_v) * math.exp(-passed)


@dataclass(frozen=True, slots=True)
class Point:
    """Where an output works now."""

    voltage_v: float
    current_a: float
    limiting: bool


def operating_point(load: Callable[[float], float], voltage_v: float, limit_a: float) -> Point:
    """Find where a load meets an output: at the voltage, or below it where the current reaches its limit."""
    current_a = load(voltage_v)
    if current_a <= limit_a:
        return Point(voltage_v, current_a, False)
    low_v, high_v = 0.0, voltage_v
    for _ in range(50):
        middle_v = (low_v + high_v) / 2
        low_v, high_v = (middle_v, high_v) if load(middle_v) <= limit_a else (low_v, middle_v)
    return Point(low_v, limit_a, True)


class KeysightE36312A(ScpiDevice):
    """The twin of a three-output supply; tell it by `connect_load` what its outputs feed."""

    model: ClassVar[str] = "Keysight E36312A"
    manufacturer: ClassVar[str] = "Keysight Technologies"
    identity_model: ClassVar[str] = "E36312A"
    firmware: ClassVar[str] = "2.1.0-1.0.4-1.12"
    profile: ClassVar[Profile] = Profile(
        real_format="+.8E", error_format='{code:+d},"{text}"', error_capacity=20
    )

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._load: Load = lambda _output, _voltage_v: 0.0
        self._outputs = {output: _fresh(output) for output in _RATED}
        self._selected = 1
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)
        instrument = Register(self.status.questionable, 13)
        self.summaries = {output: Register(instrument, output) for output in _RATED}
        self.instrument_summary = instrument
        draw = self.noise("hardware").standard_normal((4, len(_RATED)))
        # Half of 0.03 % + 3 mV and of 0.04 % + 3 mA, as one standard deviation each.
        self._set_error = {each: (1.5e-4 * draw[0, each - 1], 1.5e-3 * draw[1, each - 1]) for each in _RATED}
        self._read_error = {each: (2e-4 * draw[2, each - 1], 1.5e-3 * draw[3, each - 1]) for each in _RATED}

    def connect_load(self, load: Load) -> None:
        """Join the outputs to what they feed."""
        self._load = load

    def reset(self) -> None:
        """Switch all outputs off and select the first."""
        super().reset()
        for output, state in self._outputs.items():
            fresh = _fresh(output)
            fresh.start_v, fresh.start_ns = state.unloaded_v(self.now_ns), self.now_ns
            self._outputs[output] = fresh
        self._selected = 1

    def safe_state(self) -> Mapping[str, object]:
        """Get which outputs are on, and the voltages at their terminals."""
        self.catch_up()
        return {
            "on": tuple(str(each) for each, state in self._outputs.items() if state.on),
            "voltage_v": {str(each): self._point(each).voltage_v for each in self._outputs},
        }

    def output_voltage_v(self, output: str) -> float:
        """Get the voltage at the terminals of an output now."""
        self.catch_up()
        return self._point(int(output)).voltage_v

    # Physics.

    def _point(self, output: int) -> Point:
        state = self._outputs[output]
        gain, offset_v = self._set_error[output]
        asked_v = state.unloaded_v(self.now_ns)
        true_v = max(0.0, asked_v * (1 + gain) + (offset_v if state.on else 0.0))
        return operating_point(lambda volts: self._load(str(output), volts), true_v, state.current_limit_a)

    def _update_status(self, output: int) -> None:
        """Show constant voltage or constant current in the questionable summary."""
        on = self._outputs[output].on
        limiting = on and self._point(output).limiting
        self.summaries[output].set_bit(_CC, limiting)
        self.summaries[output].set_bit(_CV, on and not limiting)

    def summary(self, output: int) -> Register:
        """Get the status register of one output, brought up to date."""
        self._update_status(output)
        return self.summaries[output]

    # Handlers.

    def chosen(self, outputs: tuple[int, ...] | None) -> tuple[int, ...]:
        """Get the outputs of a channel list, or the selected one."""
        return outputs if outputs is not None else (self._selected,)

    def _change(self, output: int) -> Output:
        """Let an output start from where it is."""
        state = self._outputs[output]
        state.start_v, state.start_ns = state.unloaded_v(self.now_ns), self.now_ns
        return state

    def _set_voltage(self, voltage_v: float, outputs: tuple[int, ...] | None) -> None:
        for output in self.chosen(outputs):
            self._change(output).voltage_v = voltage_v
            self._protect(output)

    def _set_current(self, current_a: float, outputs: tuple[int, ...] | None) -> None:
        for output in self.chosen(outputs):
            self._outputs[output].current_limit_a = current_a

    def _set_protection(self, voltage_v: float, outputs: tuple[int, ...] | None) -> None:
        for output in self.chosen(outputs):
            self._outputs[output].protection_v = voltage_v
            self._protect(output)

    def _protect(self, output: int) -> None:
        """Switch an output off that was asked for more than its protection allows."""
        state = self._outputs[output]
        if state.on and state.voltage_v > state.protection_v:
            self._change(output).on = False
            state.tripped = True

    def _clear_protection(self, outputs: tuple[int, ...] | None) -> None:
        for output in self.chosen(outputs):
            self._outputs[output].tripped = False

    def _switch(self, on: bool, outputs: tuple[int, ...] | None) -> None:
        for output in self.chosen(outputs):
            state = self._change(output)
            state.on = on and not state.tripped
            self._protect(output)

    def _measure_voltage(self, outputs: tuple[int, ...] | None) -> Later:
        return Later(_MEASURE_S, [self._read(each, "voltage") for each in self.chosen(outputs)])

    def _measure_current(self, outputs: tuple[int, ...] | None) -> Later:
        return Later(_MEASURE_S, [self._read(each, "current") for each in self.chosen(outputs)])

    def _read(self, output: int, quantity: str) -> float:
        if self.faults.active(FaultKind.OVER_RANGE) or self.faults.active(FaultKind.UNDER_RANGE):
            return _NOT_A_NUMBER
        point, (gain, offset) = self._point(output), self._read_error[output]
        value = point.voltage_v if quantity == "voltage" else point.current_a
        noise = float(self.noise(f"{quantity} {output}").normal(0.0, 2e-4))
        return float(value * (1 + gain) + offset + noise)

    def _select(self, name: str) -> None:
        self._selected = _OUTPUT_OF[name]

    def _select_number(self, output: int) -> None:
        self._selected = output

    def _apply(self, name: str, voltage_v: float | None, current_a: float | None) -> None:
        chosen = (_OUTPUT_OF[name],)
        if voltage_v is not None and voltage_v > self._highest_v(chosen):
            raise ScpiError(-222)
        if current_a is not None and current_a > self._highest_a(chosen):
            raise ScpiError(-222)
        self._selected = chosen[0]
        if voltage_v is not None:
            self._set_voltage(voltage_v, chosen)
        if current_a is not None:
            self._set_current(current_a, chosen)

    def _applied(self, name: str | None) -> Quoted:
        state = self._outputs[_OUTPUT_OF[name] if name else self._selected]
        return Quoted(f"{state.voltage_v:+.6E},{state.current_limit_a:+.6E}")

    def listed(self, outputs: tuple[int, ...] | None, name: str) -> list[object]:
        """Get one setting of all outputs of a channel list."""
        return [getattr(self._outputs[output], name) for output in self.chosen(outputs)]

    def _highest_v(self, outputs: tuple[int, ...] | None) -> float:
        return min(_HEADROOM * _RATED[output][0] for output in self.chosen(outputs))

    def _highest_a(self, outputs: tuple[int, ...] | None) -> float:
        return min(_HEADROOM * _RATED[output][1] for output in self.chosen(outputs))

    def _highest_protection_v(self, outputs: tuple[int, ...] | None) -> float:
        return min(1.1 * _RATED[output][0] for output in self.chosen(outputs))

    commands: ClassVar[tuple[Command, ...]] = (
        Command(
            pattern="[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]",
            action=_set_voltage,
            query=lambda supply, outputs: supply.listed(outputs, "voltage_v"),
            parameters=(Number(VOLT, minimum=0.0, maximum=_highest_v, default=0.0), _CHANNELS),
            query_parameters=(_CHANNELS,),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_GUIDE}",
        ),
        Command(
            pattern="[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]",
            action=_set_current,
            query=lambda supply, outputs: supply.listed(outputs, "current_limit_a"),
            parameters=(Number(AMPERE, minimum=0.0, maximum=_highest_a, default=_highest_a), _CHANNELS),
            query_parameters=(_CHANNELS,),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_GUIDE}",
        ),
        Command(
            pattern="[SOURce:]VOLTage:PROTection[:LEVel]",
            action=_set_protection,
            query=lambda supply, outputs: supply.listed(outputs, "protection_v"),
            parameters=(
                Number(VOLT, minimum=0.0, maximum=_highest_protection_v, default=_highest_protection_v),
                _CHANNELS,
            ),
            query_parameters=(_CHANNELS,),
            source=_GUIDE,
        ),
        Command(
            pattern="[SOURce:]VOLTage:PROTection:TRIPped",
            query=lambda supply, outputs: supply.listed(outputs, "tripped"),
            query_parameters=(_CHANNELS,),
            source=_GUIDE,
        ),
        Command(
            pattern="OUTPut:PROTection:CLEar",
            action=_clear_protection,
            parameters=(_CHANNELS,),
            source=_GUIDE,
        ),
        Command(
            pattern="OUTPut[:STATe]",
            action=_switch,
            query=lambda supply, outputs: supply.listed(outputs, "on"),
            parameters=(Boolean(), _CHANNELS),
            query_parameters=(_CHANNELS,),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_GUIDE}",
        ),
        Command(
            pattern="MEASure[:SCALar]:VOLTage[:DC]",
            query=_measure_voltage,
            query_parameters=(_CHANNELS,),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_GUIDE}",
        ),
        Command(
            pattern="MEASure[:SCALar]:CURRent[:DC]",
            query=_measure_current,
            query_parameters=(_CHANNELS,),
            confirmed="public driver",
            source=f"{_PYMEASURE}; {_GUIDE}",
        ),
        Command(
            pattern="INSTrument[:SELect]",
            action=_select,
            query=lambda supply: f"CH{supply._selected}",
            parameters=(Choice(_NAMES, numbers=((1, "CH1"), (2, "CH2"), (3, "CH3"))),),
            confirmed="public driver",
            source=f"drivers in public packages send INST:SEL 1; {_GUIDE}",
        ),
        Command(
            pattern="INSTrument:NSELect",
            action=_select_number,
            query=lambda supply: supply._selected,
            parameters=(Number(minimum=1, maximum=3, integer=True),),
            confirmed="public driver",
            source=f"drivers in public packages send INST:NSEL 1; {_GUIDE}",
        ),
        Command(
            pattern="APPLy",
            action=_apply,
            query=_applied,
            parameters=(
                Choice(_NAMES),
                Number(VOLT, minimum=0.0, optional=True),
                Number(AMPERE, minimum=0.0, optional=True),
            ),
            query_parameters=(Choice(_NAMES, optional=True),),
            confirmed="manual page",
            source=f"{_GUIDE}, p. 39",
        ),
        *register_rows(
            "STATus:QUEStionable:INSTrument", lambda supply: supply.instrument_summary, source=_GUIDE
        ),
        *register_rows(
            "STATus:QUEStionable:INSTrument:ISUMmary{1:3}",
            lambda supply, output: supply.summary(output),
            source=_GUIDE,
        ),
    )


def _fresh(output: int) -> Output:
    voltage_v, current_a = _RATED[output]
    return Output(current_limit_a=current_a, protection_v=1.1 * voltage_v)
