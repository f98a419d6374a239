"""Keysight N1092D: a DCA-M sampling scope with four optical channels and one timebase, under FlexDCA.

What is here: average power, pattern lock to a clock, and whole-pattern records. FlexDCA's measurements on
PAM4 eyes need licences that this scope does not have (`*OPT?`): they answer 9.91E+37 with the status INV.
A scope without trigger waits: an acquisition then never ends, as on the bench.

Command facts: FlexDCA Programmer's Guide as cited by public drivers; unconfirmed rows are marked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import period
from simulation.devices.keysight_n1092_commands import (
    CHANNELS,
    COMMANDS,
    LONGEST_PATTERN,
)
from simulation.devices.keysight_n1092_settings import (
    NOISE_BANDWIDTH_HZ,
    NOISE_MW,
    Acquisition,
    Channel,
    Trigger,
)
from simulation.devices.optical_power import Photodiode
from simulation.faults import FaultKind
from simulation.physics.electrical import CLOCK, ElectricalSignal, ElectricalSource
from simulation.physics.emitter import ModulatedEmitter
from simulation.physics.light import Light, LightSource, total_power_mw
from simulation.physics.randomness import generator, truncated_normal
from simulation.physics.scope_frontend import Record, Sampling, ScopeFrontEnd, detected_power_mw
from simulation.scpi import BlockAnswer, Clock, Command, Later, Profile, Quoted, ScpiDevice, ScpiError
from simulation.scpi.answers import NOT_A_NUMBER

SAMPLE_RATE_HZ = 250e3
PATTERN_LOCK_S = 1.5
AUTOSCALE_S = 3.0
LOCK_TOLERANCE = 1e-4
POWER_SIGMA, POWER_BOUND = 0.02, 0.05
"""Calibration error of a channel: the data sheet's 5 % is never exceeded."""
MONITOR_SIGMA, MONITOR_BOUND = 0.005, 0.01
MONITOR_NOISE_MW_PER_RTHZ, MONITOR_AVERAGING_S = 1e-4, 0.05
WAVELENGTHS_NM = {"WAV1": 850.0, "WAV2": 1310.0, "WAV3": 1550.0}
"""Wavelengths of the factory calibration."""
MONITOR_LOWEST_MW = 1e-5
"""What the monitor shows at least, -50 dBm."""
LONGEST_RECORD = 2**24
_NEVER_S = 1e9


class KeysightN1092D(ScpiDevice):
    """The scope. Light arrives at "1A" to "4A", the symbols' clock at "clock".

    Options: `noise_uw`, dark noise rms at 26.5625 GHz; `jitter_ps`, of its own timebase, rms.
    """

    model: ClassVar[str] = "Keysight N1092D"
    manufacturer: ClassVar[str] = "Keysight Technologies"
    identity_model: ClassVar[str] = "N1092D"
    firmware: ClassVar[str] = "A.07.60.50"
    profile: ClassVar[Profile] = Profile(real_format=".6E", error_details=True)
    commands: ClassVar[tuple[Command, ...]] = COMMANDS

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._light: LightSource | None = None
        self._electrical: ElectricalSource | None = None
        self._front_end = ScopeFrontEnd()
        self._photodiode = Photodiode()
        self._noise_mw = float(str(options.get("noise_uw", NOISE_MW * 1e3))) * 1e-3
        self._jitter_ps = float(str(options.get("jitter_ps", 0.1)))
        self._errors_drawn = {channel: _draw_gains(seed, name, channel) for channel in CHANNELS}
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)

    def connect_light(self, source: LightSource) -> None:
        """Join the optical channels to the light of the bench."""
        self._light = source

    def connect_electrical(self, source: ElectricalSource) -> None:
        """Join the clock input to the signals of the bench."""
        self._electrical = source

    def reset(self) -> None:
        """Bring all settings to their defaults (*RST, :SYSTem:DEFault)."""
        super().reset()
        self.channels = {channel: Channel(*gains) for channel, gains in self._errors_drawn.items()}
        self.channels[CHANNELS[0]].displayed = True
        self.trigger_settings = Trigger()
        self.acquisition = Acquisition()
        self.mode = "EYE"
        self.byte_order = "LEND"
        self.time_unit = "SEC"
        self.ui_range = 10.0
        self.power_unit = "DBM"
        self.source = f"CHAN{CHANNELS[0]}"
        self.measured = f"CHAN{CHANNELS[0]}"
        self._running_since_s: float | None = 0.0
        self._records: dict[str, Record] = {}

    def installed_options(self) -> str:
        """Name the licences: pattern lock and impulse response correction, no PAM4 analysis."""
        return "PLK,IRC"

    def safe_state(self) -> Mapping[str, object]:
        """Say that a scope does no harm."""
        return {"emitting": False}

    # Trigger.

    def clock_signal(self) -> ElectricalSignal | None:
        """Get the clock at the trigger input, None if there is none."""
        signal = self._electrical.arriving("clock") if self._electrical is not None else None
        usable = signal is not None and signal.pattern == CLOCK and self.trigger_settings.source == "FPAN"
        return signal if usable else None

    def set_lock(self, on: bool) -> None:
        """Look for the pattern, or let go of it."""
        self.trigger_settings.locked = False
        self.abort("pattern lock")
        if on:
            self.begin("pattern lock", PATTERN_LOCK_S, self._lock)

    def _lock(self) -> None:
        """Find the pattern; what stands in the way goes into the error queue."""
        try:
            self._detect()
            self._check_rate()
        except ScpiError as error:
            self.report_error(error)
        else:
            self.trigger_settings.locked = True

    def _detect(self) -> None:
        """Take rate and length from the light of the displayed channels where they shall be found."""
        settings = self.trigger_settings
        if not (settings.find_rate or settings.find_length):
            return
        seen = self._modulation()
        if seen is None:
            raise ScpiError(-300, "no data on any displayed channel", text="Pattern lock failed")
        if settings.find_rate:
            settings.symbol_rate_hz = seen.symbol_rate_gbd * 1e9
        if settings.find_length:
            settings.pattern_length = _lockable(period(seen.pattern))

    def _modulation(self) -> ModulatedEmitter | None:
        for name, channel in self.channels.items():
            for beam in self._arriving(name) if channel.displayed else ():
                if isinstance(beam.emitter, ModulatedEmitter):
                    return beam.emitter
        return None

    def _check_rate(self) -> None:
        clock, settings = self.clock_signal(), self.trigger_settings
        if clock is None:
            raise ScpiError(-300, "no clock at the trigger input", text="Pattern lock failed")
        ratio = settings.symbol_rate_hz / (clock.symbol_rate_gbd * 1e9)
        if settings.find_ratio:
            settings.divide_ratio = max(1, round(ratio))
        if abs(ratio / settings.divide_ratio - 1) > LOCK_TOLERANCE:
            raise ScpiError(-300, "clock rate and symbol rate do not fit", text="Pattern lock failed")

    def set_length(self, symbols: int) -> None:
        """Set the pattern length, which is then no longer looked for."""
        self.trigger_settings.pattern_length = symbols
        self.trigger_settings.find_length = False

    def set_ratio(self, word: str) -> None:
        """Set by how much the clock is slower than the symbols."""
        self.trigger_settings.divide_ratio = 1 if word == "UNIT" else int(word.removeprefix("SUB"))
        self.trigger_settings.find_ratio = False

    def ratio(self) -> str:
        """Get by how much the clock is slower than the symbols."""
        ratio = self.trigger_settings.divide_ratio
        return "UNIT" if ratio == 1 else f"SUB{ratio}"

    # Acquisition.

    def autoscale(self) -> None:
        """Fit the display to the signal, which changes nothing in a record."""
        self.begin("autoscale", AUTOSCALE_S)

    @property
    def _record_samples(self) -> int:
        per_symbol = self.acquisition.samples_per_symbol
        if self.acquisition.whole_pattern:
            return self.trigger_settings.pattern_length * per_symbol
        return math.ceil(self.ui_range * per_symbol)

    def _limit(self) -> int:
        """Get the number of records after which a limit test ends."""
        count = self.acquisition.limits[self.acquisition.limit_type]
        return math.ceil(count / self._record_samples) if self.acquisition.limit_type == "SAMP" else count

    def clear_display(self) -> None:
        """Forget what was acquired."""
        self._records = {}

    def run(self) -> None:
        """Acquire, until a limit is reached if limits are on."""
        self.clear_display()
        self._running_since_s = self.now_s
        if self.acquisition.limited:
            self._take(self._limit())

    def single(self) -> None:
        """Acquire one record."""
        self.clear_display()
        self._take(1)

    def _take(self, records: int) -> None:
        self._check_record()
        seconds = records * self._record_samples / SAMPLE_RATE_HZ
        # Without trigger no sample is ever taken; STOP ends the wait.
        waiting = self.clock_signal() is None and self.trigger_settings.source != "FRUN"
        self.begin("acquisition", _NEVER_S if waiting else seconds, lambda: self._finish(records))

    def _check_record(self) -> None:
        if self.acquisition.whole_pattern and not self.trigger_settings.locked:
            raise ScpiError(-221, "entire pattern needs pattern lock")
        if self._record_samples > LONGEST_RECORD:
            raise ScpiError(-221, "record too long")

    def _finish(self, records: int) -> None:
        averages = min(records, self.acquisition.count) if self.acquisition.smoothing == "AVER" else 1
        self._running_since_s = None
        for name, channel in self.channels.items():
            if channel.displayed:
                self._records[f"CHAN{name}"] = self._acquire(name, channel, averages)

    def stop(self) -> None:
        """Stop; what a free-running scope has gathered stays."""
        since_s, limited = self._running_since_s, self.running("acquisition")
        self.abort("acquisition")
        self._running_since_s = None
        if since_s is None or limited or self.clock_signal() is None:
            return
        taken = int((self.now_s - since_s) * SAMPLE_RATE_HZ // self._record_samples)
        if (
            taken
            and not self._records
            and (self.trigger_settings.locked or not self.acquisition.whole_pattern)
        ):
            self._finish(taken)

    def _acquire(self, name: str, channel: Channel, averages: int) -> Record:
        clock, settings = self.clock_signal(), self.trigger_settings
        light = self._arriving(name)
        sampling = Sampling(
            timebase=clock.timebase if clock is not None and settings.locked else None,
            symbol_rate_gbd=settings.symbol_rate_hz * 1e-9,
            pattern_symbols=settings.pattern_length,
            bandwidth_ghz=channel.receiver_hz * 1e-9,
            samples_per_symbol=self.acquisition.samples_per_symbol,
            averages=averages,
            noise_mw=self._noise_mw * math.sqrt(channel.receiver_hz / NOISE_BANDWIDTH_HZ),
            jitter_ps=self._jitter_ps,
        )
        record = self._front_end.acquire(light, sampling, self.noise(f"samples {name}"))
        scale = np.float32(self.reference_factor * channel.gain * self._responsivity(channel, light))
        return replace(record, power_mw=record.power_mw * scale)

    def _arriving(self, name: str) -> Light:
        return self._light.arriving(name) if self._light is not None else ()

    def _responsivity(self, channel: Channel, light: Light) -> float:
        """Get how much more the diode gives at the light's wavelength than at the one that was set."""
        power_mw = total_power_mw(light)
        if power_mw <= 0:
            return 1.0
        set_nm = WAVELENGTHS_NM[channel.wavelength]
        current_ma = self._photodiode.current_a(light) * 1e3
        return current_ma / self._photodiode.responsivity_a_w(set_nm) / power_mw

    # Waveforms.

    def _record(self) -> Record:
        if self.mode != "OSC":
            raise ScpiError(-221, "XY data need oscilloscope mode")
        record = self._records.get(self.source)
        if record is None:
            raise ScpiError(-230, f"no record of {self.source}")
        return record

    def points(self) -> int:
        """Get the number of points of the chosen record."""
        return min(self._record_samples, self._record().time_ps.size)

    def x_data(self) -> BlockAnswer:
        """Give the times of the samples in seconds."""
        return self._block(self._record().time_ps[: self.points()] * 1e-12)

    def y_data(self) -> BlockAnswer:
        """Give the powers of the samples in watts."""
        return self._block(self._record().power_mw[: self.points()] * 1e-3)

    def _block(self, values: NDArray[np.floating]) -> BlockAnswer:
        return BlockAnswer(values.astype("<f4" if self.byte_order == "LEND" else ">f4").tobytes())

    def waveform_status(self) -> str:
        """Tell whether there is a record of the chosen source."""
        return "CORR" if self.source in self._records else "INV"

    def complete(self) -> bool:
        """Tell whether the record of the chosen source covers the whole pattern."""
        return self.acquisition.whole_pattern and self.source in self._records

    # Average power.

    def power(self) -> Later:
        """Read the average power of the chosen channel, in the chosen unit."""
        return Later(MONITOR_AVERAGING_S, self._power)

    def _power(self) -> object:
        power_w = self._monitor_w()
        if power_w is None:
            return NOT_A_NUMBER
        return power_w if self.power_unit == "WATT" else 10 * math.log10(power_w * 1e3)

    def _monitor_w(self) -> float | None:
        """Read the average power monitor, which needs no trigger; None without a reading."""
        if self.power_status() == "INV":
            return None
        name = self.measured.removeprefix("CHAN")
        light, channel = self._arriving(name), self.channels[name]
        reading_mw = detected_power_mw(
            light,
            self.noise(f"monitor {name}"),
            averaging_s=MONITOR_AVERAGING_S,
            noise_mw_per_rthz=MONITOR_NOISE_MW_PER_RTHZ,
        )
        gain = channel.gain * channel.monitor_gain * self._responsivity(channel, light)
        gain *= self.reference_factor
        return max(reading_mw * gain, MONITOR_LOWEST_MW) * 1e-3

    def power_status(self) -> str:
        """Tell whether the average power is a reading at all."""
        faults = self.faults
        invalid = faults.active(FaultKind.OVER_RANGE) or faults.active(FaultKind.UNDER_RANGE)
        return "INV" if invalid else "CORR"

    def power_reason(self) -> object:
        """Say why it is none."""
        return Quoted("" if self.power_status() == "CORR" else "Signal out of range")

    def model_of(self, place: str) -> str:
        """Name what stands in a slot."""
        return self.identity_model if place in ("FRAM", "SLOT1") else "Not Present"


def _lockable(symbols: int) -> int:
    if symbols > LONGEST_PATTERN:
        raise ScpiError(-300, "pattern too long", text="Pattern lock failed")
    return symbols


def _draw_gains(seed: int, name: str, channel: str) -> tuple[float, float]:
    """Draw the calibration errors of a channel and of its power monitor."""
    noise = generator(seed, name, "calibration", channel)
    gain = 1 + truncated_normal(noise, POWER_SIGMA, POWER_BOUND)
    return gain, 1 + truncated_normal(noise, MONITOR_SIGMA, MONITOR_BOUND)
