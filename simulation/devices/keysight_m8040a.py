"""Keysight M8040A: a bit error ratio tester whose modules are addressed by location words under M8070B.

Each M8045A has two data outputs, the first also the system clock; each M8046A has one data input. A detector
counts only while its input is there, clocked, aligned and in step with its pattern. The line coding of both
outputs of a module changes together; the instrument itself wants both commands in one message.
Jitter, de-emphasis, error insertion and symbol mappings other than Gray are left out.

Command facts: M8000 Series programming examples and public drivers; rows without either are marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from simulation.devices.error_counter import Counts, count
from simulation.devices.keysight_m8040a_commands import COMMANDS
from simulation.devices.keysight_m8040a_settings import (
    Detector,
    ErrorRatioMeasurement,
    Output,
    PatternSetting,
    check_pattern,
    listed,
)
from simulation.faults import FaultKind
from simulation.physics.electrical import CLOCK, ElectricalSignal, ElectricalSource
from simulation.scpi import Clock, Command, Profile, Quoted, Register, ScpiDevice, ScpiError

DEFAULT_MODULES: Mapping[str, str] = MappingProxyType(
    {"M1": "M8045A", "M2": "M8045A", "M3": "M8046A", "M4": "M8046A", "M5": "M8046A", "M6": "M8046A"}
)
SENSITIVITY_V = 0.05
RELOCK_S, LOAD_S, ALIGN_S, FIRST_RESULT_S = 0.5, 0.3, 4.0, 0.1
ALIGNED_WITHIN = 0.2
"""How far the amplitude may move, relatively, before the decision levels no longer fit."""
CAPTURE_RANGE = 1e-4
SYNC_LOSS_BIT, CLOCK_LOSS_BIT, INSTRUMENT_BIT = 2, 3, 13


class KeysightM8040A(ScpiDevice):
    """The tester. Ports are locations: outputs "M1.DataOut1", clock "M1.ClkOut", inputs "M3.DataIn".

    Option `modules`: the model in each slot.
    """

    model: ClassVar[str] = "Keysight M8040A"
    manufacturer: ClassVar[str] = "Keysight Technologies"
    identity_model: ClassVar[str] = "M8040A"
    firmware: ClassVar[str] = "9.0.220.0"
    profile: ClassVar[Profile] = Profile(real_format=".9E", error_details=True)
    commands: ClassVar[tuple[Command, ...]] = COMMANDS

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._electrical: ElectricalSource | None = None
        self._modules = _modules(options)
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)

    def connect_electrical(self, source: ElectricalSource) -> None:
        """Join the data inputs to the signals of the bench."""
        self._electrical = source

    def reset(self) -> None:
        """Switch all outputs off and forget patterns and measurements."""
        super().reset()
        self.outputs: dict[str, Output] = {}
        self.detectors: dict[str, Detector] = {}
        for module, model in self._modules.items():
            if model == "M8045A":
                self.outputs |= {f"{module}.{port}": Output() for port in ("DataOut1", "DataOut2", "ClkOut")}
            else:
                self.detectors[f"{module}.DataIn"] = Detector(running_since_s=self.now_s)
        self.global_on = False
        self.rate_hz = 10e9
        self._settled_ns = 0
        self.measurements: dict[str, ErrorRatioMeasurement] = {}
        self.losses = Register(self.status.questionable, INSTRUMENT_BIT)

    def installed_options(self) -> str:
        """List the modules."""
        return ",".join(f"({name}-{model},{self.serial}-{name})" for name, model in self._modules.items())

    def safe_state(self) -> Mapping[str, object]:
        """Get which outputs truly send."""
        self.catch_up()
        sending = [port for port in self.outputs if self.electrical_emission(port) is not None]
        return {"sending": sending, "emitting": bool(sending)}

    # Generators.

    @property
    def timebase(self) -> str:
        """Get the name of the reference that all outputs follow."""
        return f"{self.name}.{self._clock_module}.ClkGen"

    @property
    def _clock_module(self) -> str:
        return next(module for module, model in self._modules.items() if model == "M8045A")

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        """Get the signal that leaves an output now, None while it is off or settles."""
        self.catch_up()
        output = self.outputs.get(port)
        if output is None or not (output.on and self.global_on) or self.clock.now_ns < self._settled_ns:
            return None
        clock = port.endswith("ClkOut")
        divider = int(output.divider.removeprefix("DIV")) if clock else 1
        return ElectricalSignal(
            pattern=CLOCK if clock else output.pattern.name,
            symbol_rate_gbd=self.rate_hz * 1e-9 / divider,
            # Settings are single-ended; lanes and clock inputs are differential.
            amplitude_v=2 * output.amplitude_v,
            source=f"{self.name}.{port}",
            timebase=self.timebase,
        )

    def settle(self, seconds: float) -> None:
        """Let clock and patterns settle; until then nothing is sent."""
        self._settled_ns = max(self._settled_ns, self.after_ns(seconds))
        self.begin("settle", max(0.0, (self._settled_ns - self.now_ns) / 1e9))

    def set_rate(self, location: str, hertz: float) -> None:
        """Change the rate of all generators, in symbols a second."""
        self.check_clock(location)
        if hertz != self.rate_hz:
            self.rate_hz = hertz
            self.settle(RELOCK_S)

    def check_clock(self, location: str) -> None:
        """Refuse a location other than the system clock's."""
        if location != f"{self._clock_module}.ClkGen":
            raise ScpiError(-224, f"'{location}'")

    def check_system(self, location: str) -> None:
        """Refuse a location other than the system's."""
        if location != f"{self._clock_module}.System":
            raise ScpiError(-224, f"'{location}'")

    def output(self, location: str) -> Output:
        """Find an output."""
        if location not in self.outputs:
            raise ScpiError(-224, f"'{location}'")
        return self.outputs[location]

    def detector(self, location: str) -> Detector:
        """Find a data input."""
        if location not in self.detectors:
            raise ScpiError(-224, f"'{location}'")
        return self.detectors[location]

    # Patterns.

    def patterns(self, location: str) -> tuple[PatternSetting, ...]:
        """Get the pattern settings that a location stands for; "Generator" and "Analyzer" stand for all."""
        sent = {port: out.pattern for port, out in self.outputs.items() if not port.endswith("ClkOut")}
        expected = {port: detector.pattern for port, detector in self.detectors.items()}
        groups = {"Generator": tuple(sent.values()), "Analyzer": tuple(expected.values())}
        if location in groups:
            return groups[location]
        single = (sent | expected).get(location)
        if single is None:
            raise ScpiError(-224, f"'{location}'")
        return (single,)

    def set_pattern(self, location: str, kind: str, text: str) -> None:
        """Load a pattern; the outputs pause meanwhile."""
        check_pattern(kind, text)
        settings = self.patterns(location)
        if kind == "MEM" and not all(setting.pam4 for setting in settings):
            raise ScpiError(-221, "this pattern needs PAM4 line coding")
        for setting in settings:
            setting.kind, setting.text = kind, text
        if location == "Generator" or location in self.outputs:
            self.settle(LOAD_S)

    def pattern(self, location: str) -> list[object]:
        """Give a pattern as it was set."""
        setting = self.patterns(location)[0]
        return ["PRBS" if setting.kind == "PRBS" else "MEM", Quoted(setting.text)]

    def set_coding(self, location: str, coding: str) -> None:
        """Set the line coding, for both outputs of a module alike."""
        self.patterns(location)
        module = location.partition(".")[0]
        group = [port for port in self.outputs if port.startswith(f"{module}.DataOut")] or [location]
        settings = [self.patterns(port)[0] for port in (group if location in self.outputs else [location])]
        if coding == "NRZ" and any(setting.kind == "MEM" for setting in settings):
            raise ScpiError(-221, "the loaded pattern needs PAM4 line coding")
        for setting in settings:
            setting.coding = coding
        if location in self.outputs:
            self.settle(LOAD_S)

    # Detectors.

    def arriving(self, location: str) -> ElectricalSignal | None:
        """Get what falls on a data input, None below its sensitivity."""
        if self._electrical is None or self.faults.active(FaultKind.UNDER_RANGE):
            return None
        signal = self._electrical.arriving(location)
        return signal if signal is not None and signal.amplitude_v >= SENSITIVITY_V else None

    def clocked(self, location: str) -> bool:
        """Tell whether a detector has the clock of its data."""
        signal, source = self.arriving(location), self.detector(location).clock_source
        if signal is None or source not in ("SYS", "CDR"):
            return False
        near = abs(signal.symbol_rate_gbd * 1e9 / self.rate_hz - 1) < CAPTURE_RANGE
        return near and (source == "CDR" or signal.timebase == self.timebase)

    def aligned(self, location: str) -> bool:
        """Tell whether the decision levels fit the signal."""
        signal, aligned_v = self.arriving(location), self.detector(location).aligned_v
        return (
            signal is not None
            and aligned_v is not None
            and abs(signal.amplitude_v / aligned_v - 1) <= ALIGNED_WITHIN
        )

    def synchronised(self, location: str) -> bool:
        """Tell whether a detector is in step with its pattern."""
        signal, detector = self.arriving(location), self.detector(location)
        if signal is None or not self.clocked(location) or not self.aligned(location):
            return False
        over = self.faults.active(FaultKind.OVER_RANGE)
        same = signal.pattern == detector.pattern.name and not over
        return same and signal.error_ratio <= detector.sync_threshold

    def watched(self) -> Register:
        """Look at all detectors and get the register of what they have lost since it was last read."""
        for location, detector in self.detectors.items():
            in_step, clocked = self.synchronised(location), self.clocked(location)
            if detector.was_in_step and not in_step:
                self.losses.latch(SYNC_LOSS_BIT)
            if detector.was_clocked and not clocked:
                self.losses.latch(CLOCK_LOSS_BIT)
            detector.was_in_step, detector.was_clocked = in_step, clocked
        return self.losses

    def align(self, location: str) -> None:
        """Search decision levels and sampling point for a signal."""
        detector = self.detector(location)
        detector.alignment = "INPROGRESS"
        self.begin(f"align {location}", ALIGN_S, lambda: self._end_alignment(location))

    def _end_alignment(self, location: str) -> None:
        signal, detector = self.arriving(location), self.detector(location)
        open_eye = signal is not None and signal.error_ratio <= detector.align_threshold
        found = open_eye and self.clocked(location)
        detector.aligned_v = signal.amplitude_v if signal is not None and found else None
        detector.alignment = "SUCCESS" if found else "FAILED"

    def abort_alignment(self, location: str) -> None:
        """Give up an alignment that is under way."""
        if self.running(f"align {location}"):
            self.abort(f"align {location}")
            self.detector(location).alignment = "ABORTED"

    def _count(self, location: str, seconds: float) -> Counts:
        """Count for some time that has just passed; nothing is compared out of step."""
        signal = self.arriving(location)
        if signal is None or not self.synchronised(location):
            return Counts(seconds=seconds)
        return count(
            symbol_rate_gbd=signal.symbol_rate_gbd,
            pam4=self.detector(location).pattern.pam4,
            error_ratio=signal.error_ratio,
            seconds=seconds,
            rng=self.noise(f"errors {location}"),
        )

    def running_counter(self, location: str) -> str:
        """Give the counter that never stops."""
        detector = self.detector(location)
        passed_s = self.now_s - detector.running_since_s
        detector.running_since_s = self.now_s
        detector.running_counts = detector.running_counts.plus(self._count(location, passed_s))
        return f'({self.now_s:.9E},"{location}",{listed(detector.running_counts)})'

    def instant_ratio(self, location: str) -> str:
        """Give what the front panel shows: the ratio over the last tenth of a second."""
        counts = self._count(location, FIRST_RESULT_S)
        ratio = f"{counts.ratio:.6E}" if counts.bits else "NaN"
        return f'({self.now_s:.9E},"{location}",{ratio})'

    # The error-ratio plug-in.

    def measurement(self, name: str) -> ErrorRatioMeasurement:
        """Find a measurement of the plug-in."""
        if name not in self.measurements:
            raise ScpiError(-224, f"no measurement '{name}'")
        return self.measurements[name]

    def new_measurement(self, name: str) -> None:
        """Create a measurement."""
        if not name or name in self.measurements:
            raise ScpiError(-224, f"measurement '{name}' exists")
        self.measurements[name] = ErrorRatioMeasurement()

    def delete_measurement(self, name: str) -> None:
        """Delete a measurement, running or not."""
        self.measurement(name)
        self.abort(f"error ratio {name}")
        del self.measurements[name]

    def set_locations(self, name: str, locations: str) -> None:
        """Choose the detectors that a measurement counts on, in one gate."""
        chosen = tuple(part.strip() for part in locations.split(","))
        for location in chosen:
            self.detector(location)
        self.measurement(name).locations = chosen

    def start(self, name: str) -> None:
        """Open the gate."""
        measurement = self.measurement(name)
        if not measurement.locations:
            raise ScpiError(-221, f"measurement '{name}' has no location")
        if self.running(f"error ratio {name}"):
            raise ScpiError(-213)
        measurement.results, measurement.started_s = {}, self.now_s
        measurement.in_step = tuple(self.synchronised(location) for location in measurement.locations)
        self.watched()
        if measurement.duration == "FTIM":
            self.begin(f"error ratio {name}", measurement.seconds, lambda: self._close_gate(measurement))

    def stop(self, name: str) -> None:
        """Close the gate before its time."""
        measurement = self.measurement(name)
        self.abort(f"error ratio {name}")
        if measurement.started_s is not None:
            self._close_gate(measurement)

    def _close_gate(self, measurement: ErrorRatioMeasurement) -> None:
        seconds = self.now_s - (measurement.started_s if measurement.started_s is not None else self.now_s)
        measurement.started_s = None
        self.watched()
        for location, in_step in zip(measurement.locations, measurement.in_step, strict=True):
            counts = self._count(location, seconds)
            # Who was out of step when the gate opened has compared nothing reliably.
            measurement.results[location] = counts if in_step else Counts(seconds=seconds)

    def reset_measurement(self, name: str) -> None:
        """Forget the results of a measurement."""
        self.measurement(name).results = {}

    def results(self, name: str) -> str:
        """Give the counts of a measurement, location by location."""
        results = self.measurement(name).results
        return ",".join(
            f'("{location}",{counts.seconds:.9E},{listed(counts)})' for location, counts in results.items()
        )

    def catalogue(self) -> list[object]:
        """List the measurements."""
        return [Quoted(name) for name in self.measurements] or [Quoted("")]


def _modules(options: Mapping[str, object]) -> dict[str, str]:
    given = options.get("modules", DEFAULT_MODULES)
    if not isinstance(given, Mapping) or "M8045A" not in given.values():
        raise ValueError(f"modules of an M8040A are a mapping with an M8045A in it, not {given!r}")
    unknown = {str(model) for model in given.values()} - {"M8045A", "M8046A"}
    if unknown:
        raise ValueError(f"an M8040A takes M8045A and M8046A modules, not {', '.join(sorted(unknown))}")
    return {str(name): str(model) for name, model in given.items()}
