"""A 400GBASE-DR4 transceiver as matter: light, currents and heat, steered by its firmware.

Optical ports tx1..tx4 and rx1..rx4, electrical ports host_tx1..host_tx4 and host_rx1..host_rx4. Lanes are
media lanes unless a name says host. Nothing here has registers.
"""

from __future__ import annotations

from typing import Final

from measurements.patterns import is_pam4
from simulation.clock import VirtualClock
from simulation.physics import laser
from simulation.physics.consumption import consumed_w
from simulation.physics.electrical import CLOCK, ElectricalSignal, ElectricalSource
from simulation.physics.emitter import ModulatedEmitter
from simulation.physics.light import Beam, Light, LightSource, Passage, total_power_mw
from simulation.physics.parameters import LANES, LaneParameters, TransceiverParameters
from simulation.physics.receiver import (
    Eye,
    bit_error_ratio,
    crosstalk_rms_mw,
    received_eye,
    receiver_noise,
    strongest,
)
from simulation.physics.thermal import AMBIENT_C, Air, Case, StillAir
from simulation.physics.transmitter import Transmitter
from simulation.physics.waveform import Shelf

_EYES_KEPT = 32
_RATIOS_KEPT = 16
_LANES: Final = tuple(range(1, LANES + 1))


class Transceiver:
    """One unit in its slot. It starts cold, without supply, with all lanes allowed to emit.

    The bench joins it to light, host signals and air; its supply is whatever `set_supply_voltage` said
    last. Chips run between undervoltage and overvoltage; outside they stop and fall back to low power.
    """

    def __init__(
        self, name: str, parameters: TransceiverParameters, clock: VirtualClock, ambient_c: float = AMBIENT_C
    ) -> None:
        self.name = name
        self.parameters = parameters
        self._clock = clock
        self._air: Air = StillAir(ambient_c)
        self._light: LightSource | None = None
        self._host: ElectricalSource | None = None
        self._case = Case(parameters.case_time_constant_s, parameters.case_rise_k_per_w, ambient_c)
        self._transmitter = Transmitter(name, parameters)
        self._eyes = Shelf(_EYES_KEPT)
        self._ratios = Shelf(_RATIOS_KEPT)
        self._supply_v = 0.0
        self._high_power = False
        self._enabled = [True] * LANES

    # the bench's side

    def connect_light(self, source: LightSource) -> None:
        """Join the receive ports to the light path."""
        self._light = source

    def connect_electrical(self, source: ElectricalSource) -> None:
        """Join the host's transmit lanes to the signals of the bench."""
        self._host = source

    def connect_air(self, air: Air) -> None:
        """Put the transceiver under a thermal head."""
        self._catch_up()
        self._air = air

    def set_supply_voltage(self, voltage_v: float) -> None:
        """Apply a voltage to the rail from now on."""
        self._catch_up()
        self._supply_v = voltage_v
        if not self.powered():
            self._high_power = False

    def supply_current_a(self, voltage_v: float | None = None) -> float:
        """Get the current that the unit draws now, at the applied voltage or at another one."""
        at_v = self._supply_v if voltage_v is None else voltage_v
        if not self._runs_at(at_v):
            return 0.0
        return self._power_w(self.case_temperature_c()) / at_v

    # the firmware's side

    def set_high_power(self, on: bool) -> None:
        """Start or stop DSP, drivers and lasers; without supply nothing starts."""
        self._catch_up()
        self._high_power = on and self.powered()

    def set_lane_enabled(self, lane: int, enabled: bool) -> None:
        """Let a media lane's laser emit, or not."""
        _check_lane(lane)
        self._catch_up()
        self._enabled[lane - 1] = enabled

    def powered(self) -> bool:
        """Tell whether the supply lets the chips run."""
        return self._runs_at(self._supply_v)

    def high_power(self) -> bool:
        """Tell whether DSP and drivers run."""
        return self._high_power

    def lane_enabled(self, lane: int) -> bool:
        """Tell whether a media lane may emit."""
        _check_lane(lane)
        return self._enabled[lane - 1]

    def case_temperature_c(self) -> float:
        """Get the temperature of the case now."""
        self._catch_up()
        return self._case.temperature_c

    def supply_v(self) -> float:
        """Get the voltage on the rail."""
        return self._supply_v

    def tx_power_mw(self, lane: int) -> float:
        """Get the average power that a lane emits now, zero when dark."""
        return total_power_mw(self._emitted(lane))

    def bias_ma(self, lane: int) -> float:
        """Get the laser's bias current, zero when off."""
        lit = self._lasers_on()[lane - 1]
        return laser.bias_ma(self.parameters.lanes[lane - 1], self.case_temperature_c()) if lit else 0.0

    def rx_power_mw(self, lane: int) -> float:
        """Get the average power that falls on a receiver now."""
        return total_power_mw(self._received(lane))

    def host_signal(self, host_lane: int) -> ElectricalSignal | None:
        """Get the host's signal on a lane if the DSP can lock to it, else None."""
        _check_lane(host_lane)
        if self._host is None or not self._high_power:
            return None
        signal = self._host.arriving(f"host_tx{host_lane}")
        return signal if signal is not None and self._can_retime(signal) else None

    def pre_fec_error_ratio(self, lane: int) -> float | None:
        """Get the true bit error ratio of a receiver, None if it has no lock."""
        received = self._decided(lane)
        return None if received is None else received.error_ratio

    # ports

    def emission(self, port: str) -> Light:
        """Get the light that leaves a transmit port now; receive ports reflect none."""
        lane = _lane_of(port, "tx")
        return () if lane is None else self._emitted(lane)

    def passages(self, port: str) -> tuple[Passage, ...]:  # noqa: ARG002  the protocol asks by port
        """Get the ways through: none, light ends in the receivers."""
        return ()

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        """Get what a host receive lane carries now, None while its receiver has no lock."""
        host_lane = _lane_of(port, "host_rx")
        return None if host_lane is None else self._decided(self.parameters.rx_lane_map[host_lane - 1])

    # inside

    def _emitted(self, lane: int) -> Light:
        _check_lane(lane)
        if not self._lasers_on()[lane - 1]:
            return ()
        beam = self._transmitter.beam(lane, self.case_temperature_c(), self._media_signals(near=lane))
        return () if beam is None else (beam,)

    def _media_signals(self, near: int) -> tuple[ElectricalSignal | None, ...]:
        """Get the host signals by media lane, those of a lane and its neighbours: no others couple."""
        hosts = {media: host for host, media in enumerate(self.parameters.tx_lane_map, start=1)}
        return tuple(self.host_signal(hosts[lane]) if abs(lane - near) <= 1 else None for lane in _LANES)

    def _received(self, lane: int) -> Light:
        _check_lane(lane)
        return () if self._light is None else self._light.arriving(f"rx{lane}")

    def _decided(self, lane: int) -> ElectricalSignal | None:
        light = self._received(lane)
        found = strongest(light) if self._high_power else None
        if found is None or not self._rate_fits(found[1].symbol_rate_gbd):
            return None
        beam, emitter = found
        error_ratio = self._error_ratio(lane, light, beam, emitter)
        if error_ratio > self.parameters.lock_error_ratio:
            return None
        return ElectricalSignal(
            pattern=emitter.pattern,
            symbol_rate_gbd=emitter.symbol_rate_gbd,
            amplitude_v=self.parameters.host_output_v,
            source=emitter.source,
            timebase=emitter.timebase,
            error_ratio=min(0.5, error_ratio + emitter.error_ratio),
        )

    def _error_ratio(self, lane: int, light: Light, beam: Beam, emitter: ModulatedEmitter) -> float:
        own = self.parameters.lanes[lane - 1]
        eye = self._eye(own, beam.dispersion_ps_nm, emitter)
        others = tuple(self._received(other) for other in (lane - 1, lane + 1) if other in _LANES)
        noise = receiver_noise(
            own,
            self.case_temperature_c(),
            signal_mw=beam.power_mw,
            light_mw=total_power_mw(light),
            crosstalk_mw=crosstalk_rms_mw(own, others),
            emitter=emitter,
            eye=eye,
        )
        # Instruments look several times at one moment.
        key = (eye, noise, own.error_floor)
        return self._ratios.get(key, lambda: bit_error_ratio(eye, noise, own.error_floor))

    def _eye(self, own: LaneParameters, dispersion_ps_nm: float, emitter: ModulatedEmitter) -> Eye:
        rounded_ps_nm = round(dispersion_ps_nm, 2)
        taps = self.parameters.equaliser_taps
        return self._eyes.get(
            (emitter.shape_key, rounded_ps_nm, own.receiver_bandwidth_ghz),
            lambda: received_eye(emitter, rounded_ps_nm, own.receiver_bandwidth_ghz, taps),
        )

    def _lasers_on(self) -> tuple[bool, ...]:
        return tuple(self._high_power and enabled for enabled in self._enabled)

    def _can_retime(self, signal: ElectricalSignal) -> bool:
        strong = signal.amplitude_v >= self.parameters.host_sensitivity_v
        pam4 = signal.pattern != CLOCK and is_pam4(signal.pattern)
        return strong and pam4 and self._rate_fits(signal.symbol_rate_gbd)

    def _rate_fits(self, symbol_rate_gbd: float) -> bool:
        offset = symbol_rate_gbd / self.parameters.symbol_rate_gbd - 1.0
        return abs(offset) * 1e6 <= self.parameters.rate_tolerance_ppm

    def _runs_at(self, voltage_v: float) -> bool:
        return self.parameters.undervoltage_v <= voltage_v <= self.parameters.overvoltage_v

    def _power_w(self, case_c: float) -> float:
        if not self.powered():
            return 0.0
        return consumed_w(self.parameters, case_c, high_power=self._high_power, lanes_on=tuple(self._enabled))

    def _catch_up(self) -> None:
        self._case.catch_up(self._clock.now(), self._air, self._power_w)


def _lane_of(port: str, kind: str) -> int | None:
    """Read the lane from a port such as tx2; None if the port is of another kind."""
    number = port.removeprefix(kind)
    if number == port or not number.isdecimal():
        return None
    _check_lane(int(number))
    return int(number)


def _check_lane(lane: int) -> None:
    if lane not in _LANES:
        raise ValueError(f"there is no lane {lane}: lanes are numbered from 1 to {LANES}")
