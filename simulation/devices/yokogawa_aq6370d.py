"""Yokogawa AQ6370D: a grating spectrum analyser with seven traces.

A sweep sees each spectral line through the monochromator's slit; wavelength and level carry the instrument's
own calibration errors. Over a raw socket it wants a login first; GPIB and VXI-11 need none. Analysis
functions, the frequency axis and trace arithmetic are left out.

Figures: AQ6370D data sheet. Commands: yokogawa_aq6370d_commands.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.devices.monochromator import Monochromator, Spectrum
from simulation.devices.yokogawa_aq6370d_commands import COMMANDS, TRACES
from simulation.faults import FaultKind
from simulation.physics.light import Light, LightSource
from simulation.physics.randomness import generator, truncated_normal
from simulation.scpi import BlockAnswer, Clock, Command, Profile, ScpiDevice, ScpiError, Step

WAVELENGTH_ERROR_NM = 0.02
"""Bound of the wavelength error after calibration with the built-in reference."""
LEVEL_SIGMA_DB, LEVEL_BOUND_DB = 0.15, 0.4
SLIT_BOUND = 0.05
REPEATABILITY_NM = 0.005
SWEEP_END_BIT = 0
SWEEP_OVERHEAD_S = 0.2
MOST_POINTS, FEWEST_POINTS = 50001, 101
# Time for 100 nm with 1001 points, and the noise floor around 1310 nm, by sensitivity.
SENSITIVITIES: Mapping[str, tuple[float, float]] = {
    "NHLD": (0.2, -60.0),
    "NAUT": (0.5, -60.0),
    "MID": (2.0, -70.0),
    "HIGH1": (5.0, -80.0),
    "HIGH2": (20.0, -85.0),
    "HIGH3": (75.0, -90.0),
    "NORM": (1.0, -65.0),
}
SATURATED_DBM = 20.0
"""The largest level that the input takes; over-range shows it everywhere."""


@dataclass(slots=True)
class SweepSettings:
    """What the next sweep will do; wavelengths in metres as on the wire."""

    start_m: float = 600e-9
    stop_m: float = 1700e-9
    resolution_m: float = 1e-9
    sensitivity: str = "NAUT"
    points: int = 1001
    automatic_points: bool = True
    speed: str = "1X"
    averages: int = 1
    interval_s: int = 0
    mode: str = "SING"
    medium: str = "VAC"

    @property
    def span_m(self) -> float:
        """Get the width of the sweep."""
        return self.stop_m - self.start_m

    @property
    def sampled_points(self) -> int:
        """Get the number of points: five in each resolution bandwidth where the instrument chooses."""
        if not self.automatic_points:
            return self.points
        wanted = round(5 * self.span_m / self.resolution_m) + 1
        return min(max(wanted, FEWEST_POINTS), MOST_POINTS)

    @property
    def seconds(self) -> float:
        """Get the time that a sweep takes."""
        base_s, _ = SENSITIVITIES[self.sensitivity]
        share = max(self.span_m / 100e-9, 0.05) * max(1.0, self.sampled_points / 1001)
        return SWEEP_OVERHEAD_S + base_s * share * self.averages / (2 if self.speed == "2X" else 1)

    def centre(self, centre_m: float, span_m: float) -> None:
        """Place the sweep around a wavelength."""
        self.start_m, self.stop_m = centre_m - span_m / 2, centre_m + span_m / 2


class YokogawaAq6370D(ScpiDevice):
    """The analyser; light arrives at "in".

    Option `login`: "socket" (default) asks for a login on raw sockets, "none" never.
    """

    model: ClassVar[str] = "Yokogawa AQ6370D"
    manufacturer: ClassVar[str] = "YOKOGAWA"
    identity_model: ClassVar[str] = "AQ6370D"
    firmware: ClassVar[str] = "02.08"
    profile: ClassVar[Profile] = Profile(answer_end=b"\r\n", real_format="+.8E")
    commands: ClassVar[tuple[Command, ...]] = COMMANDS

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self._light: LightSource | None = None
        self._login = str(options.get("login", "socket"))
        if self._login not in ("socket", "none"):
            raise ValueError(f"login of an AQ6370D is 'socket' or 'none', not {self._login!r}")
        self._optics = _draw_optics(seed, name)
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)

    def connect_light(self, source: LightSource) -> None:
        """Join the input to the light of the bench."""
        self._light = source

    def reset(self) -> None:
        """Bring settings and traces to their defaults."""
        super().reset()
        self.sweep = SweepSettings()
        self.traces: dict[str, Spectrum] = {}
        self.attributes = {trace: "WRIT" if trace == "TRA" else "FIX" for trace in TRACES}
        self.shown = {trace: trace == "TRA" for trace in TRACES}
        self.active = "TRA"
        self.format = "ASC"
        self.level_unit = "DBM"
        self.reference_level_dbm = -10.0
        self.marker: tuple[float, float] | None = None
        self.status.operation.set_bit(SWEEP_END_BIT, False)

    def safe_state(self) -> Mapping[str, object]:
        """Say that an analyser does no harm."""
        return {"emitting": False}

    # Login.

    def admit(self, step: Step) -> None:
        """Refuse everything but the login on a raw socket that has not logged in."""
        if self._login == "none" or self.exchange is None or self.exchange.strict:
            return
        if step.header != "OPEN" and not self.exchange.memory.get("logged in"):
            raise ScpiError(-200, "not logged in")

    def log_in(self, user: str) -> str:
        """Open a session. The anonymous user has no password: the line that follows is empty, or the name.

        An empty line is no message here, so its answer is given together with the first.
        """
        if user.lower() != "anonymous":
            raise ScpiError(-224, user)
        if self.exchange is not None:
            self.exchange.memory["logged in"] = True
        return "AUTHENTICATE CRAM-MD5.\r\nready"

    def log_out(self) -> None:
        """Close the session."""
        if self.exchange is not None:
            self.exchange.memory.pop("logged in", None)

    # Sweeps.

    def trigger(self) -> None:
        """Sweep once."""
        self.sweep.mode = "SING"
        self.start_sweep()

    def start_sweep(self) -> None:
        """Start a sweep; a repeating one goes on until it is aborted."""
        if self.sweep.span_m <= 0:
            raise ScpiError(-221, "no span")
        self.status.operation.set_bit(SWEEP_END_BIT, False)
        self.begin("sweep", self.sweep.seconds, self._end_sweep)

    def stop_sweep(self) -> None:
        """Abort a sweep."""
        if self.running("sweep"):
            self.abort("sweep")
            self.status.operation.set_bit(SWEEP_END_BIT, True)

    def _end_sweep(self) -> None:
        spectrum = self._measure()
        for trace, attribute in self.attributes.items():
            if attribute == "WRIT":
                self.traces[trace] = spectrum
        self.status.operation.set_bit(SWEEP_END_BIT, True)
        if self.sweep.mode == "REP":
            self.start_sweep()

    def _measure(self) -> Spectrum:
        settings = self.sweep
        shown_nm = np.linspace(settings.start_m, settings.stop_m, settings.sampled_points) * 1e9
        if self.faults.active(FaultKind.OVER_RANGE):
            return Spectrum(shown_nm, np.full(shown_nm.size, 10 ** (SATURATED_DBM / 10)))
        rng = self.noise("sweep")
        shift_nm = truncated_normal(rng, REPEATABILITY_NM / 2, REPEATABILITY_NM)
        optics = Monochromator(
            self._optics.wavelength_error_nm + shift_nm, self._optics.gain, self._optics.slit_factor
        )
        _, floor_dbm = SENSITIVITIES[settings.sensitivity]
        return optics.sweep(
            () if self.faults.active(FaultKind.UNDER_RANGE) else self._arriving(),
            shown_nm,
            resolution_nm=settings.resolution_m * 1e9,
            # The stated sensitivity is where noise reaches the signal: taken as two sigma.
            noise_mw=10 ** (floor_dbm / 10) / 2 / np.sqrt(settings.averages),
            air=settings.medium == "AIR",
            rng=rng,
        )

    def _arriving(self) -> Light:
        return self._light.arriving("in") if self._light is not None else ()

    # Traces.

    def spectrum(self, trace: str) -> Spectrum:
        """Find a trace with data in it."""
        if trace not in self.traces:
            raise ScpiError(-230, f"no data in {trace}")
        return self.traces[trace]

    def x_data(self, trace: str, first: int | None, last: int | None) -> object:
        """Give the wavelengths of a trace in metres."""
        return self._written(self.spectrum(trace).wavelength_nm * 1e-9, first, last)

    def y_data(self, trace: str, first: int | None, last: int | None) -> object:
        """Give the levels of a trace in the displayed unit."""
        spectrum = self.spectrum(trace)
        levels = spectrum.power_mw * 1e-3 if self.level_unit == "W" else spectrum.power_dbm
        return self._written(levels, first, last)

    def _written(self, values: NDArray[np.float64], first: int | None, last: int | None) -> object:
        chosen = values[(first or 1) - 1 : last]
        if self.format == "ASC":
            return ",".join(_exponent3(value) for value in chosen.tolist())
        kind = "<f4" if self.format == "REAL,32" else "<f8"
        return BlockAnswer(chosen.astype(kind).tobytes())

    def find_peak(self) -> None:
        """Put the marker on the highest point of the active trace."""
        spectrum = self.spectrum(self.active)
        at = int(np.argmax(spectrum.power_mw))
        self.marker = float(spectrum.wavelength_nm[at]) * 1e-9, float(spectrum.power_dbm[at])

    def marker_at(self, coordinate: int) -> float:
        """Get the marker's wavelength in metres (0) or its level in dBm (1)."""
        if self.marker is None:
            raise ScpiError(-230, "no marker")
        return self.marker[coordinate]


def _exponent3(value: float) -> str:
    """Write a number as this make does, with three digits of exponent."""
    mantissa, _, exponent = f"{value:+.8E}".partition("E")
    return f"{mantissa}E{exponent[0]}{int(exponent[1:]):03d}"


def _draw_optics(seed: int, name: str) -> Monochromator:
    noise = generator(seed, name, "calibration")
    error_nm = float(noise.uniform(-WAVELENGTH_ERROR_NM, WAVELENGTH_ERROR_NM))
    gain = 10 ** (truncated_normal(noise, LEVEL_SIGMA_DB, LEVEL_BOUND_DB) / 10)
    return Monochromator(error_nm, gain, 1 + truncated_normal(noise, SLIT_BOUND / 2, SLIT_BOUND))
