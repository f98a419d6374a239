"""The way past all instruments: what is true on the bench, and what shall go wrong on it.

It stands beside the command sets, so that no driver comes to depend on it. One JSON object a line each way:

    {"truth": "slot1.tx1"}                     power, colour and waveform of the light (or signal) at a port
    {"truth": "supply"}                        the outputs of an instrument, the state of a slot
    {"truth": null}                            all ports, instruments and faults by name
    {"fault": {"instrument": "supply", "kind": "slow", "delay_s": 2}}   a fault begins now
    {"fault": {"instrument": "supply", "kind": "slow", "clear": true}}  and ends; without `kind`, all of it
    {"fault": null}                            all faults of the bench end

A line that cannot be done is answered {"error": ...} with what would have been right.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from simulation.bench import Bench
from simulation.faults import PARAMETERS, Fault, FaultKind
from simulation.physics.emitter import LightEmitter, ModulatedEmitter
from simulation.physics.light import Beam, Light, total_power_mw
from simulation.scpi import FOREVER_NS
from simulation.transport.reactor import Hangup

_LONGEST_LINE = 1 << 16
_SAMPLES_PER_SYMBOL = 16
_STATISTICS_SYMBOLS = 8192
_WHEN = ("after_messages", "after_s")


class TruthError(Exception):
    """A line that cannot be done, and why."""


class TruthPort:
    """One connection to the truth of a bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._line = bytearray()
        self._answers = bytearray()

    def receive(self, data: bytes) -> None:
        """Take bytes; Hangup after a line that does not end."""
        self._line += data
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        for line in lines:
            if line.strip():
                self._answers += json.dumps(self._answer(bytes(line)), default=str).encode() + b"\n"
        if len(self._line) > _LONGEST_LINE:
            self._answers += b'{"error": "a line is one JSON object, of at most 65536 bytes"}\n'
            raise Hangup

    def pump(self, now_ns: int) -> bytes:  # noqa: ARG002  # as every conversation is called
        """Give the answers."""
        answers = bytes(self._answers)
        self._answers.clear()
        return answers

    @property
    def next_due_ns(self) -> int:
        """Get that nothing happens by itself."""
        return FOREVER_NS

    @property
    def saturated(self) -> bool:
        """Get that answers are given at once."""
        return False

    def close(self) -> None:
        """Forget the client; the faults stay."""

    def _answer(self, line: bytes) -> Mapping[str, object]:
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError) as error:
            return {"error": f"this is no JSON object: {error}"}
        try:
            if not isinstance(asked, dict) or len(asked.keys() & {"truth", "fault"}) != 1:
                raise TruthError('ask for {"truth": "PORT"} or give {"fault": {...}}')
            return self._truth(asked["truth"]) if "truth" in asked else self._fault(asked["fault"])
        except TruthError as error:
            return {"error": str(error)}

    # What is true.

    def _truth(self, name: object) -> Mapping[str, object]:
        bench = self._bench
        if name is None:
            faults = {one: device.faults.told() for one, device in bench.devices.items()}
            return {
                "instruments": sorted(bench.devices),
                "slots": sorted(bench.slots),
                "ports": bench.optical_ports(),
                "electrical_ports": bench.electrical_ports(),
                "faults": {one: told for one, told in faults.items() if told},
                "bench_s": bench.clock.now(),
            }
        if not isinstance(name, str):
            raise TruthError('a port is a string, such as "slot1.tx1"')
        if name in bench.devices or name in bench.slots:
            return {"name": name, **bench.safe_state().get(name, {}), **self._faults_of(name)}
        output = self._output(name)
        if output is not None:
            return {"port": name, **output}
        try:
            light = bench.light_at(name)
        except ValueError:
            light = None  # a transceiver knows its lanes, and no other
        if light is not None:
            return {"port": name, **describe_light(light)}
        known = [*bench.optical_ports(), *bench.electrical_ports(), *bench.devices, *bench.slots]
        raise TruthError(f"there is no port {name!r}{_nearest(name, known)}")

    def _faults_of(self, name: str) -> dict[str, object]:
        device = self._bench.devices.get(name)
        return {} if device is None else {"faults": device.faults.told()}

    def _output(self, name: str) -> Mapping[str, object] | None:
        """Tell the voltage of a supply's output, or the signal of an electrical port."""
        instrument, _, output = name.partition(".")
        device: Any = self._bench.devices.get(instrument)
        if hasattr(device, "output_voltage_v"):
            try:
                return {"voltage_v": device.output_voltage_v(output)}
            except (KeyError, ValueError):
                return None
        if name not in self._bench.electrical_ports():
            return None
        signal = self._bench.signal_at(name)
        return {"signal": None if signal is None else asdict(signal)}

    # What goes wrong.

    def _fault(self, wish: object) -> Mapping[str, object]:
        devices = self._bench.devices
        if wish is None:
            for device in devices.values():
                device.faults.end()
            return {"faults": {}}
        if not isinstance(wish, dict) or wish.get("instrument") not in devices:
            known = ", ".join(sorted(devices))
            raise TruthError(f"a fault names its instrument, one of: {known}")
        name = str(wish["instrument"])
        line = devices[name].faults
        if wish.get("clear"):
            line.end(_kind(wish["kind"]) if wish.get("kind") is not None else None)
        else:
            line.begin(_fault_of(name, wish))
        return {"faults": {name: line.told()}}


def _kind(word: object) -> FaultKind:
    if word not in set(FaultKind):
        raise TruthError(f"there is no fault {word!r}; there are: {', '.join(FaultKind)}")
    return FaultKind(str(word))


def _fault_of(name: str, wish: Mapping[str, object]) -> Fault:
    kind = _kind(wish.get("kind"))
    allowed = {*PARAMETERS.get(kind, ()), *_WHEN}
    given: dict[str, Any] = {
        key: value for key, value in wish.items() if key not in ("instrument", "kind", "clear")
    }
    for key, value in given.items():
        if key not in allowed:
            raise TruthError(f"{kind} has no {key!r}; it takes {', '.join(sorted(allowed))}")
        if key == "identity":
            fits = isinstance(value, str)
        else:
            fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not fits:
            raise TruthError(f"{key} cannot be {value!r}")
    return Fault(name, kind, **given)


def describe_light(light: Light) -> dict[str, object]:
    """Describe light: its power, that of each beam, and the waveform of the strongest modulated one.

    Powers in mW and dBm (None in the dark), wavelengths in nm; levels, OMAouter and noise in mW at the port.
    """
    power_mw = total_power_mw(light)
    strongest = max(light, key=lambda beam: beam.power_mw, default=None)
    modulated = [beam for beam in light if isinstance(beam.emitter, ModulatedEmitter)]
    shown = max(modulated, key=lambda beam: beam.power_mw, default=None)
    return {
        "power_mw": power_mw,
        "power_dbm": 10 * math.log10(power_mw) if power_mw > 0 else None,
        "wavelength_nm": None if strongest is None else strongest.wavelength_nm,
        "beams": [
            {
                "emitter": beam.emitter.name,
                "wavelength_nm": beam.wavelength_nm,
                "power_mw": beam.power_mw,
                "loss_db": beam.loss_db,
                "dispersion_ps_nm": beam.dispersion_ps_nm,
                "rin_db_hz": beam.emitter.rin_db_hz if isinstance(beam.emitter, LightEmitter) else None,
            }
            for beam in light
        ],
        "waveform": None if shown is None else waveform_statistics(shown),
    }


def waveform_statistics(beam: Beam) -> dict[str, object]:
    """Describe the noise-free waveform of a modulated beam where it is, before any receiver.

    A level is the mean of the middle quarter of all its symbols within 8,192; OMAouter and outer extinction
    ratio come from levels 3 and 0 so taken. They hold all neighbours of a symbol, so they lie a little
    inside what runs of equal symbols reach (IEEE 802.3, 121.8.4 takes the runs of the pattern).
    """
    emitter = beam.emitter
    if not isinstance(emitter, ModulatedEmitter):
        raise TypeError(f"the light of {emitter.name} is not modulated")
    symbols = emitter.symbols(_STATISTICS_SYMBOLS)
    power_mw = emitter.waveform(_SAMPLES_PER_SYMBOL, _STATISTICS_SYMBOLS, beam.dispersion_ps_nm)
    at_port = np.asarray(power_mw, dtype=np.float64)
    at_port *= beam.power_mw / emitter.power_mw
    levels, delay_ui = _levels(at_port.reshape(symbols.size, _SAMPLES_PER_SYMBOL), symbols)
    noise_mw = beam.power_mw * math.sqrt(10 ** (emitter.rin_db_hz / 10) * emitter.symbol_rate_gbd * 0.5e9)
    return {
        "emitter": emitter.name,
        "pattern": emitter.pattern,
        "symbol_rate_gbd": emitter.symbol_rate_gbd,
        "average_power_mw": beam.power_mw,
        "levels_mw": levels,
        "oma_outer_mw": levels[3] - levels[0],
        "extinction_ratio_db": 10 * math.log10(levels[3] / levels[0]) if levels[0] > 0 else None,
        "minimum_mw": float(at_port.min()),
        "maximum_mw": float(at_port.max()),
        "rms_mw": float(at_port.std()),
        "delay_ui": delay_ui,
        "jitter_ps": emitter.jitter_ps,
        "rin_noise_mw": noise_mw,
        "error_ratio": emitter.error_ratio,
    }


def _levels(table: np.ndarray[Any, Any], symbols: np.ndarray[Any, Any]) -> tuple[list[float], float]:
    """Find the delay at which the levels are farthest apart, and the mean of each level there."""
    flat, per = table.ravel(), table.shape[1]
    means = []
    for shift in range(4 * per):
        at = np.roll(flat, -shift).reshape(table.shape)[:, per // 2 - 2 : per // 2 + 2].mean(axis=1)
        means.append([float(at[symbols == level].mean()) for level in range(4)])
    best = max(range(len(means)), key=lambda shift: means[shift][3] - means[shift][0])
    return means[best], best / per


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, tuple(known), 3, 0.5)
    return f"; did you mean {' or '.join(near)}?" if near else '; {"truth": null} lists all'
