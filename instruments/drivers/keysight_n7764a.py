"""Keysight N7764A four-channel optical attenuator with power monitors at its outputs.

Manual: 8163A/B, 8164A/B & 8166A/B Mainframes Programming Guide ("guide"), pp. 182-204, "Signal
conditioning", whose command set the N776xA shares. Which slot number a channel has is not
confirmed: the default is channel n = slot n; option `slots: [1, 3, 5, 7]` says otherwise.
Figures come from the data sheet as remembered and are not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from instruments.driver import NO_OPTIONS, Driver
from instruments.errors import RangeError
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.power_meter import PowerReading
from instruments.session import Session

_NO_VALUE = 1e36  # SCPI-99 vol. 1, 7.2.1.4: infinity is 9.9E37
_SETTLING_S = 5.0  # bound, not confirmed
_READ_BACK_DB = 0.05  # what the instrument may round a setting by, not confirmed
_MONITOR_AVERAGING_S = 0.1
_MONITOR_FLOOR_MW = 1e-5  # -50 dBm, not confirmed
_MONITOR_ACCURACY = 0.05  # not confirmed


class KeysightN7764A(Driver, Attenuator):
    """Four attenuators, each with a shutter and a monitor."""

    model = "Keysight N7764A"
    idn_pattern = r"(Agilent|Keysight) Technologies,N7764[AC]"
    option_names = frozenset({"slots"})

    def __init__(self, session: Session, *, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        super().__init__(session, options=options)
        slots = options.get("slots", (1, 2, 3, 4))
        self._slots = {str(channel): int(slot) for channel, slot in enumerate(slots, start=1)}
        self._maximum_db: float | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Get the names of the channels."""
        return tuple(self._slots)

    @property
    def maximum_attenuation_db(self) -> float:
        """Get the largest attenuation that all channels can be set to."""
        if self._maximum_db is None:
            raise self._session.error("was not opened", remedy="call open() first")
        return self._maximum_db

    @property
    def accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of a set attenuation; data sheet, not confirmed."""
        return 0.2

    def attenuate(self, attenuations_db: dict[str, float], *, wavelength_nm: float) -> None:
        """Set several channels and wait until they have settled; the shutters stay as they are.

        Guide p. 182, :INPut:ATTenuation is filter attenuation plus offset, so the offset is
        cleared; power control (guide, :OUTPut:POWer:CONTRol, not confirmed for this model) would
        change the attenuation behind our back.
        """
        for channel, attenuation_db in attenuations_db.items():
            self._require_settable(channel, attenuation_db)
        with self._session.operation("attenuate"):
            for channel, attenuation_db in attenuations_db.items():
                slot = self._slots[channel]
                self._session.set(
                    f":OUTP{slot}:POW:CONTR 0",
                    f":INP{slot}:WAV {wavelength_nm:.6f}NM",
                    f":INP{slot}:OFFS 0DB",
                    f":INP{slot}:ATT {attenuation_db:.3f}DB",
                )
            self._session.wait_complete(_SETTLING_S)
            for channel, attenuation_db in attenuations_db.items():
                self._confirm(channel, attenuation_db)

    def read_attenuation_db(self, channel: str) -> float:
        """Read back the attenuation of one channel."""
        self._require_known(channel, self.channels, "channel")
        with self._session.operation("read an attenuation"):
            return self._session.query_float(f":INP{self._slots[channel]}:ATT?")

    def open_shutters(self, channels: Sequence[str]) -> None:
        """Let light pass."""
        self._switch_shutters(channels, opened=True)

    def close_shutters(self, channels: Sequence[str]) -> None:
        """Block light."""
        self._switch_shutters(channels, opened=False)

    def read_output_powers(
        self, channels: Sequence[str], *, wavelength_nm: float
    ) -> tuple[PowerReading, ...]:
        """Read the power monitors at the outputs.

        Guide p. 92 and "SENSe subsystem"; that the monitors obey SENSe is not confirmed.
        """
        for channel in channels:
            self._require_known(channel, self.channels, "channel")
        with self._session.operation("read output powers"):
            return tuple(self._read_monitor(channel, wavelength_nm) for channel in channels)

    def make_safe(self) -> None:
        """Close all shutters and set all channels to their maximum, one even if the other fails."""
        slots = tuple(self._slots.values())
        with self._session.shielded(), self._session.operation("make safe"):
            try:
                self._session.set(*(f":OUTP{slot}:STAT 0" for slot in slots))
            finally:
                self._session.set(*(f":INP{slot}:ATT MAX" for slot in slots))
                self._session.wait_complete(_SETTLING_S)

    def _after_opening(self) -> None:
        """Read how far the channels go; guide p. 182."""
        self._maximum_db = min(
            self._session.query_float(f":INP{slot}:ATT? MAX") for slot in self._slots.values()
        )

    def _require_settable(self, channel: str, attenuation_db: float) -> None:
        self._require_known(channel, self.channels, "channel")
        if not 0.0 <= attenuation_db <= self.maximum_attenuation_db:
            raise self._session.error(
                f"cannot attenuate channel {channel} by {attenuation_db:g} dB",
                remedy=f"ask for 0 to {self.maximum_attenuation_db:g} dB",
            )

    def _confirm(self, channel: str, attenuation_db: float) -> None:
        """Read a setting back: light behind a wrong attenuation can destroy a receiver."""
        command = f":INP{self._slots[channel]}:ATT?"
        answered_db = self._session.query_float(command)
        if abs(answered_db - attenuation_db) > _READ_BACK_DB:
            raise self._session.error(
                f"was set to {attenuation_db:g} dB on channel {channel} but stands at {answered_db:g} dB",
                command=command,
                remedy="take it out of service",
            )

    def _switch_shutters(self, channels: Sequence[str], *, opened: bool) -> None:
        """Switch shutters (guide, :OUTPut:STATe) and see that they obeyed."""
        for channel in channels:
            self._require_known(channel, self.channels, "channel")
        word = "open" if opened else "close"
        with self._session.operation(f"{word} shutters"):
            self._session.set(*(f":OUTP{self._slots[one]}:STAT {opened:d}" for one in channels))
            self._session.wait_complete(_SETTLING_S)
            for channel in channels:
                command = f":OUTP{self._slots[channel]}:STAT?"
                if self._session.query_int(command) != opened:
                    raise self._session.error(
                        f"did not {word} the shutter of channel {channel}",
                        command=command,
                        remedy="take it out of service",
                    )

    def _read_monitor(self, channel: str, wavelength_nm: float) -> PowerReading:
        slot = self._slots[channel]
        self._session.set(
            f":INP{slot}:WAV {wavelength_nm:.6f}NM",
            f":SENS{slot}:POW:UNIT 1",  # watt
            f":SENS{slot}:POW:ATIM {_MONITOR_AVERAGING_S:.6f}S",
        )
        command = f":READ{slot}:POW?"
        power_w = self._session.query_float(command, operation_s=_MONITOR_AVERAGING_S)
        if abs(power_w) >= _NO_VALUE:
            raise self._session.error(
                f"reports its monitor {channel} out of range", kind=RangeError, command=command
            )
        return PowerReading(
            port=channel,
            power_mw=1e3 * power_w,
            floor_mw=_MONITOR_FLOOR_MW,
            wavelength_nm=wavelength_nm,
            averaging_s=_MONITOR_AVERAGING_S,
            relative_accuracy=_MONITOR_ACCURACY,
        )
