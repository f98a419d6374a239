"""Keysight N7764A four-channel optical attenuator with power monitors at its outputs.

Manual: Keysight N77xx Series Programming Guide ("guide"), chapter 4, "Signal conditioning", pp.
99-113. Each attenuator occupies two slots and answers to either (guide, pp. 20-21, "Slot and
channel numbers"): channels 1 to 4 are slots 1, 3, 5 and 7.
Figures come from the data sheet as remembered and are not confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from instruments.driver import Driver
from instruments.errors import RangeError
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.power_meter import PowerReading

_SLOTS = MappingProxyType({"1": 1, "2": 3, "3": 5, "4": 7})
_NO_VALUE = 1e36  # SCPI-99 vol. 1, 7.2.1.4: infinity is 9.9E37
_SETTLING_S = 5.0  # bound, not confirmed
_READ_BACK_DB = 0.05  # what the instrument may round a setting by, not confirmed
_MONITOR_AVERAGING_S = 0.1
_MONITOR_FLOOR_MW = 1e-5  # -50 dBm, not confirmed
_MONITOR_ACCURACY = 0.05  # not confirmed


class KeysightN7764A(Driver, Attenuator):
    """Four attenuators, each with a shutter and a monitor."""

    model = "Keysight N7764A"
    idn_pattern = r"(Agilent|Keysight) Technologies,N7764A"

    _maximum_db: float | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Get the names of the channels."""
        return tuple(_SLOTS)

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

        Guide, pp. 99-105: :INPut:ATTenuation is filter attenuation plus offset, so the offset is
        cleared; power control would change the attenuation behind our back; a slow transition, which
        is kept over a power cycle, would take minutes.
        """
        for channel, attenuation_db in attenuations_db.items():
            self._require_settable(channel, attenuation_db)
        with self._session.operation("attenuate"):
            for channel, attenuation_db in attenuations_db.items():
                slot = _SLOTS[channel]
                self._session.set(
                    f":OUTP{slot}:POW:CONTR 0",
                    f":INP{slot}:WAV {wavelength_nm:.6f}NM",
                    f":INP{slot}:OFFS 0DB",
                    f":INP{slot}:ATT:SPE MAX",
                    f":INP{slot}:ATT {attenuation_db:.3f}DB",
                )
            self._session.wait_complete(_SETTLING_S)
            for channel, attenuation_db in attenuations_db.items():
                self._confirm(channel, attenuation_db)

    def read_attenuation_db(self, channel: str) -> float:
        """Read back the attenuation of one channel."""
        self._require_known(channel, self.channels, "channel")
        with self._session.operation("read an attenuation"):
            return self._session.query_float(f":INP{_SLOTS[channel]}:ATT?")

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

        Guide, pp. 104-118: unit, averaging time and offsets of a monitor belong to :OUTPut, the
        table of offsets by wavelength to :CONFigure. The monitors always run freely (guide, p.
        142) and :READ gives the last average that was finished (p. 118): two averaging times must
        pass until that is one which began after the settings.
        """
        for channel in channels:
            self._require_known(channel, self.channels, "channel")
        with self._session.operation("read output powers"):
            for channel in channels:
                self._prepare_monitor(_SLOTS[channel], wavelength_nm)
            self._session.clock.sleep(2.0 * _MONITOR_AVERAGING_S)
            return tuple(
                PowerReading(
                    port=channel,
                    power_mw=self._read_monitor_mw(channel),
                    floor_mw=_MONITOR_FLOOR_MW,
                    wavelength_nm=wavelength_nm,
                    averaging_s=_MONITOR_AVERAGING_S,
                    relative_accuracy=_MONITOR_ACCURACY,
                )
                for channel in channels
            )

    def make_safe(self) -> None:
        """Close all shutters and set all channels to their maximum, one even if the other fails."""
        slots = tuple(_SLOTS.values())
        with self._session.shielded(), self._session.operation("make safe"):
            try:
                self._session.set(*(f":OUTP{slot}:STAT 0" for slot in slots))
            finally:
                self._session.set(*(f":INP{slot}:ATT MAX" for slot in slots))
                self._session.wait_complete(_SETTLING_S)

    def _after_opening(self) -> None:
        """Read how far the channels go; guide, p. 99."""
        self._maximum_db = min(self._session.query_float(f":INP{slot}:ATT? MAX") for slot in _SLOTS.values())

    def _require_settable(self, channel: str, attenuation_db: float) -> None:
        self._require_known(channel, self.channels, "channel")
        if not 0.0 <= attenuation_db <= self.maximum_attenuation_db:
            raise self._session.error(
                f"cannot attenuate channel {channel} by {attenuation_db:g} dB",
                remedy=f"ask for 0 to {self.maximum_attenuation_db:g} dB",
            )

    def _confirm(self, channel: str, attenuation_db: float) -> None:
        """Read a setting back: light behind a wrong attenuation can destroy a receiver."""
        command = f":INP{_SLOTS[channel]}:ATT?"
        answered_db = self._session.query_float(command)
        if abs(answered_db - attenuation_db) > _READ_BACK_DB:
            raise self._session.error(
                f"was set to {attenuation_db:g} dB on channel {channel} but stands at {answered_db:g} dB",
                command=command,
                remedy="take it out of service",
            )

    def _switch_shutters(self, channels: Sequence[str], *, opened: bool) -> None:
        """Switch shutters (guide, p. 106) and see that they obeyed."""
        for channel in channels:
            self._require_known(channel, self.channels, "channel")
        word = "open" if opened else "close"
        with self._session.operation(f"{word} shutters"):
            self._session.set(*(f":OUTP{_SLOTS[one]}:STAT {opened:d}" for one in channels))
            self._session.wait_complete(_SETTLING_S)
            for channel in channels:
                command = f":OUTP{_SLOTS[channel]}:STAT?"
                if self._session.query_int(command) != opened:
                    raise self._session.error(
                        f"did not {word} the shutter of channel {channel}",
                        command=command,
                        remedy="take it out of service",
                    )

    def _prepare_monitor(self, slot: int, wavelength_nm: float) -> None:
        """Set everything that a monitor depends on."""
        self._session.set(
            f":INP{slot}:WAV {wavelength_nm:.6f}NM",
            f":CONF{slot}:OFFS:WAV:STAT 0",
            f":OUTP{slot}:POW:OFFS 0DB",
            f":OUTP{slot}:POW:UN 1",  # watt
            f":OUTP{slot}:ATIM {_MONITOR_AVERAGING_S:.6f}S",
        )

    def _read_monitor_mw(self, channel: str) -> float:
        """Read one monitor in milliwatt."""
        command = f":READ{_SLOTS[channel]}:POW?"
        power_w = self._session.query_float(command, operation_s=_MONITOR_AVERAGING_S)
        if abs(power_w) >= _NO_VALUE:
            raise self._session.error(
                f"reports its monitor {channel} out of range", kind=RangeError, command=command
            )
        return 1e3 * power_w
