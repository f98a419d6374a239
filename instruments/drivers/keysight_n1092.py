"""Keysight N1092A to N1092E sampling oscilloscopes (DCA-M) under FlexDCA.

Manual: FlexDCA Programmer's Guide (FlexDCA-PG), one page a command. Confirmed there: :SYSTem:MODE,
:CHANnel:FILTer and :SIRC:FBANdwidth, :TRIGger:PLOCk, :LTESt:ACQuire, :SYSTem:BORDER,
:WAVeform:XYFormat:FLOat, :MEASure:…:STATus?. Not confirmed, known from public drivers alone: the
wavelength words, :ACQuire:SMOothing, :ECOunt, :SPUI and :EPATtern, :TRIGger:BRATe as a setting,
:TIMebase:UNITs and :UIRange, :MEASure:OSCilloscope:APOWer, the form of :WAVeform:STATus?.
FlexDCA runs on a PC and may give its own name (N1010A); the scope then stands in slot 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import NO_OPTIONS, Driver, names
from instruments.drivers.pattern_capture import RawPattern, settled_noise_mw
from instruments.errors import WrongIdentity
from instruments.interfaces.sampling_scope import PatternCapture, SamplingScope
from instruments.session import Session

# Symbols per period: PRBS13Q, IEEE 802.3 clause 120.5.11.2.1; SSPRQ, clause 120.5.11.2.3.
# PRBS31Q is too long for a pattern lock.
_PATTERN_SYMBOLS = {"PRBS13Q": 8191, "SSPRQ": 65535}
_WAVELENGTH_WORDS = {850.0: "WAVelength1", 1310.0: "WAVelength2", 1550.0: "WAVelength3"}  # not confirmed
_WAVELENGTH_REACH_NM = 60.0  # how far a calibration wavelength may stand from the light
_SAMPLES_PER_S = 250e3  # data sheet, not confirmed: it sets timeouts alone
# Under pattern lock the first periods leave holes; public driver iqreaddca.m: 12 fill them all.
_WHOLE_PERIODS = 12
_LOCK_S = 30.0
_SETTING_S = 10.0
_BANDWIDTH_TOLERANCE = 0.02
_LIGHT_SIGMAS = 6.0


class KeysightN1092D(Driver, SamplingScope):
    """Four optical channels. `instrument_tdecq: true` asks for the scope's own TDECQ as well."""

    model = "Keysight N1092D"
    idn_pattern = r"Keysight Technologies,N1092D|Keysight Technologies,N1010A"
    option_names = frozenset({"channels", "instrument_tdecq"})
    module = "N1092D"
    optical_channels: tuple[str, ...] = ("1A", "2A", "3A", "4A")

    def __init__(self, session: Session, *, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        super().__init__(session, options=options)
        self._channels = self._option("channels", self.optical_channels, names)
        self._dark_noises_mw: dict[tuple[str, float], float] = {}

    @property
    def channels(self) -> tuple[str, ...]:
        """Get the names of the optical channels."""
        return self._channels

    @property
    def power_accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of the average power of a channel; not confirmed."""
        return 0.3

    def capture(
        self,
        channels: Sequence[str],
        *,
        pattern: str,
        symbol_rate_gbd: float,
        wavelength_nm: float,
        samples_per_symbol: int,
        averages: int,
    ) -> tuple[PatternCapture, ...]:
        """Lock to the pattern and take one period on all channels in one acquisition.

        Averaging deletes noise, so an averaged capture is followed by a single one, and the
        noise of a single one is found where the waveform has settled.
        """
        self._require_known(pattern, _PATTERN_SYMBOLS, "lock to pattern")
        for channel in channels:
            self._require_known(channel, self._channels, "channel")
            self._require_dark_noise(channel, symbol_rate_gbd)
        with self._session.operation("capture a pattern"):
            self._prepare(channels, pattern, symbol_rate_gbd, wavelength_nm, samples_per_symbol)
            points = _PATTERN_SYMBOLS[pattern] * samples_per_symbol
            averaged = self._acquire(channels, points, averages)
            singles = self._acquire(channels, points, 1) if averages > 1 else None
            return tuple(
                PatternCapture(
                    channel=channel,
                    time_s=averaged[channel].time_s,
                    power_mw=averaged[channel].power_mw,
                    symbol_rate_gbd=symbol_rate_gbd,
                    pattern=pattern,
                    averages=averages,
                    signal_noise_mw=settled_noise_mw(
                        averaged[channel], singles[channel], averages, samples_per_symbol
                    )
                    if singles
                    else None,
                    scope_noise_mw=self._dark_noises_mw[channel, symbol_rate_gbd],
                    bandwidth_hz=self._read_bandwidth_hz(channel, symbol_rate_gbd),
                    wavelength_nm=wavelength_nm,
                    average_power_mw=self._read_average_power_mw(channel),
                    sampling="equivalent time, pattern lock",
                    instrument_tdecq_db=self._read_tdecq_db(channel),
                )
                for channel in channels
            )

    def read_average_powers_mw(self, channels: Sequence[str], *, wavelength_nm: float) -> tuple[float, ...]:
        """Read the average power monitors of the channels."""
        for channel in channels:
            self._require_known(channel, self._channels, "channel")
        with self._session.operation("read average powers"):
            self._session.set(":SYST:MODE OSC")
            for channel in channels:
                self._session.set(
                    f":CHAN{channel}:DISP ON", f":CHAN{channel}:WAV {self._wavelength_word(wavelength_nm)}"
                )
            self._session.set(":ACQ:RUN")
            return tuple(self._read_average_power_mw(channel) for channel in channels)

    def knows_dark_noise(self, channel: str, *, symbol_rate_gbd: float) -> bool:
        """Tell whether the noise of a channel without light was measured since the scope was opened."""
        return (channel, symbol_rate_gbd) in self._dark_noises_mw

    def read_dark_noises_mw(
        self, channels: Sequence[str], *, symbol_rate_gbd: float, wavelength_nm: float
    ) -> tuple[float, ...]:
        """Measure and keep the rms noise of dark channels through the reference receiver.

        An un-averaged period of the shortest pattern is taken: the reference receiver
        needs a pattern lock (FlexDCA-PG, :CHANnel:SIRC), which needs no light, only the clock.
        """
        for channel in channels:
            self._require_known(channel, self._channels, "channel")
        with self._session.operation("measure its dark noise"):
            self._prepare(channels, "PRBS13Q", symbol_rate_gbd, wavelength_nm, 16)
            singles = self._acquire(channels, 16 * _PATTERN_SYMBOLS["PRBS13Q"], 1)
            for channel, single in singles.items():
                noise_mw = float(np.std(single.power_mw, dtype=np.float64))
                mean_mw = float(np.mean(single.power_mw, dtype=np.float64))
                if abs(mean_mw) > _LIGHT_SIGMAS * noise_mw:
                    raise self._session.error(
                        f"sees {mean_mw:.4g} mW on channel {channel}, which should be dark",
                        remedy="switch the light away from it and measure its noise again",
                    )
                self._dark_noises_mw[channel, symbol_rate_gbd] = noise_mw
        return tuple(self._dark_noises_mw[channel, symbol_rate_gbd] for channel in channels)

    def _after_opening(self) -> None:
        """See that the right module hangs on FlexDCA; :SYSTem:MODel? SLOT1 is not confirmed."""
        if "N1010A" not in self.identity.model:
            return
        answer = self._session.query(":SYST:MOD? SLOT1").strip('"')
        if not answer.upper().startswith(self.module):
            raise self._session.error(
                f"is expected in slot 1 of FlexDCA, but {answer!r} is there",
                kind=WrongIdentity,
                remedy="correct the model in the station file",
            )

    def _require_dark_noise(self, channel: str, symbol_rate_gbd: float) -> None:
        if not self.knows_dark_noise(channel, symbol_rate_gbd=symbol_rate_gbd):
            raise self._session.error(
                f"does not know the noise of channel {channel} at {symbol_rate_gbd:g} GBd",
                remedy="darken the channel and call read_dark_noises_mw first",
            )

    def _prepare(
        self,
        channels: Sequence[str],
        pattern: str,
        symbol_rate_gbd: float,
        wavelength_nm: float,
        samples_per_symbol: int,
    ) -> None:
        """Set everything that a capture depends on, and lock to the pattern.

        The reference receiver comes last: it is accepted under pattern lock alone.
        """
        self._session.set(":ACQ:STOP", ":SYST:MODE OSC", ":SYST:BORD LEND")
        for channel in self._channels:
            self._session.set(f":CHAN{channel}:DISP {'ON' if channel in channels else 'OFF'}")
        for channel in channels:
            self._session.set(
                f":CHAN{channel}:WAV {self._wavelength_word(wavelength_nm)}",
                f":CHAN{channel}:SIGN:TYPE PAM4",
            )
        self._lock(pattern, symbol_rate_gbd)
        for channel in channels:
            self._session.set(
                f":CHAN{channel}:SIRC ON", f":CHAN{channel}:SIRC:FBAN {0.5e9 * symbol_rate_gbd:.6E}"
            )
        self._session.set(
            ":TIM:UNIT UINT",  # only what the screen shows is transferred: the whole period
            f":TIM:UIR {_PATTERN_SYMBOLS[pattern]}",
            ":ACQ:EPAT ON",
            ":ACQ:SPUI:MODE MAN",
            f":ACQ:SPUI {samples_per_symbol}",
        )
        self._session.wait_complete(_SETTING_S)

    def _lock(self, pattern: str, symbol_rate_gbd: float) -> None:
        """Lock to the pattern; FlexDCA-PG, :TRIGger:PLOCk and :SLOT:TRIGger:SRATe:AUTodetect."""
        self._session.set(
            ":TRIG:PLOC OFF",
            ":TRIG:SOUR FPAN",
            ":TRIG:BRAT:AUT OFF",
            f":TRIG:BRAT {1e9 * symbol_rate_gbd:.6E}",
            ":TRIG:PLEN:AUT OFF",
            f":TRIG:PLEN {_PATTERN_SYMBOLS[pattern]}",
            ":TRIG:DCDR:AUT ON",
        )
        self._session.write(":TRIG:PLOC ON")
        self._session.wait_complete(_LOCK_S)
        if self._session.query_int(":TRIG:PLOC?") != 1:
            raise self._session.error(
                f"finds no lock to {pattern} at {symbol_rate_gbd:g} GBd",
                command=":TRIG:PLOC ON",
                remedy="check the clock at its trigger input",
            )

    def _acquire(self, channels: Sequence[str], points: int, averages: int) -> dict[str, RawPattern]:
        """Take so many periods on all channels, but enough to leave no holes, and fetch them.

        With an acquisition limit *OPC? answers when the limit is reached (FlexDCA-PG,
        :LTESt:ACQuire).
        """
        periods = max(averages, _WHOLE_PERIODS)
        averaging = (":ACQ:SMO AVER", f":ACQ:ECO {averages}") if averages > 1 else (":ACQ:SMO NONE",)
        self._session.set(
            *averaging,
            ":LTES:ACQ:CTYP PATT",
            f":LTES:ACQ:CTYP:PATT {periods}",
            ":LTES:ACQ:STAT ON",
            ":ACQ:CDIS",
        )
        self._session.write(":ACQ:RUN")
        self._session.wait_complete(_SETTING_S + 2.0 * periods * points / _SAMPLES_PER_S)
        self._session.set(":ACQ:STOP", ":LTES:ACQ:STAT OFF")
        return {channel: self._fetch(channel, points) for channel in channels}

    def _fetch(self, channel: str, points: int) -> RawPattern:
        """Fetch one waveform; FlexDCA-PG, :WAVeform:XYFormat: float32, unequal time steps, watt."""
        self._session.set(f":WAV:SOUR CHAN{channel}")
        status = self._session.query(":WAV:STAT?")
        if status.upper().startswith("INV") or status == "0":
            raise self._session.error(f"has no waveform on channel {channel}", command=":WAV:STAT?")
        time_s = self._session.query_block(":WAV:XYF:FLO:XDAT?", "<f4")
        power_w = self._session.query_block(":WAV:XYF:FLO:YDAT?", "<f4")
        if not time_s.size == power_w.size == points:
            sizes = f"{time_s.size} times and {power_w.size} powers"
            raise self._session.garbled(":WAV:XYF:FLO:YDAT?", sizes, f"{points} of each")
        self._require_whole(time_s, power_w, channel)
        return RawPattern.from_scope(time_s, power_w)

    def _require_whole(self, time_s: NDArray[Any], power_w: NDArray[Any], channel: str) -> None:
        """Refuse holes and times that run back."""
        if not np.all(np.isfinite(power_w)) or np.any(np.abs(power_w) > 1e30):
            raise self._session.garbled(":WAV:XYF:FLO:YDAT?", f"holes on channel {channel}", "powers")
        if np.any(np.diff(time_s) < 0.0):
            raise self._session.garbled(":WAV:XYF:FLO:XDAT?", "times that run back", "rising times")

    def _read_bandwidth_hz(self, channel: str, symbol_rate_gbd: float) -> float:
        """Read the bandwidth that the channel has taken; half the symbol rate was asked for."""
        command = f":CHAN{channel}:SIRC:FBAN?"
        bandwidth_hz = self._session.query_float(command)
        if abs(bandwidth_hz / (0.5e9 * symbol_rate_gbd) - 1.0) > _BANDWIDTH_TOLERANCE:
            raise self._session.error(
                f"has {bandwidth_hz / 1e9:.4g} GHz on channel {channel} instead of half the symbol rate",
                command=command,
                remedy="check that the scope has its impulse response option",
            )
        return bandwidth_hz

    def _read_average_power_mw(self, channel: str) -> float:
        """Read the average power monitor of a channel in milliwatt."""
        measurement = ":MEAS:OSC:APOW"
        self._session.set(f"{measurement}:SOUR CHAN{channel}", f"{measurement}:UNIT WATT", measurement)
        return 1e3 * self._read_measurement(measurement)

    def _read_tdecq_db(self, channel: str) -> float | None:
        """Read the scope's own TDECQ where the station file asks for it.

        FlexDCA-PG, :MEASure:EYE:TDEQ on the output of the TDECQ equaliser.
        """
        if not self._options.get("instrument_tdecq", False):
            return None
        measurement = ":MEAS:EYE:TDEQ"
        self._session.set(
            ":SYST:MODE EYE",
            ":FUNC1:FOP TEQ",
            f":FUNC1:OPER1 CHAN{channel}",
            ":FUNC1:DISP ON",
            f"{measurement}:SOUR1 FUNC1",
            measurement,
            ":ACQ:RUN",
        )
        tdecq_db = self._read_measurement(measurement)
        self._session.set(":ACQ:STOP", ":FUNC1:DISP OFF", ":SYST:MODE OSC")
        return tdecq_db

    def _read_measurement(self, measurement: str) -> float:
        """Read a measurement once its status says that it is correct."""
        self._session.poll(
            f"{measurement}:STAT?", lambda status: status.upper() == "CORR", within_s=_SETTING_S
        )
        return self._session.query_float(f"{measurement}?")

    def _wavelength_word(self, wavelength_nm: float) -> str:
        """Choose the calibration wavelength nearest to the light."""
        nearest_nm = min(_WAVELENGTH_WORDS, key=lambda one: abs(one - wavelength_nm))
        if abs(nearest_nm - wavelength_nm) > _WAVELENGTH_REACH_NM:
            raise self._session.error(
                f"is not calibrated at {wavelength_nm:g} nm", remedy="use 850, 1310 or 1550 nm light"
            )
        return _WAVELENGTH_WORDS[nearest_nm]


class KeysightN1092A(KeysightN1092D):
    """One optical channel."""

    model = "Keysight N1092A"
    idn_pattern = r"Keysight Technologies,N1092A"
    module = "N1092A"
    optical_channels = ("1A",)


class KeysightN1092B(KeysightN1092D):
    """Two optical channels."""

    model = "Keysight N1092B"
    idn_pattern = r"Keysight Technologies,N1092B"
    module = "N1092B"
    optical_channels = ("1A", "2A")


class KeysightN1092C(KeysightN1092D):
    """One optical channel beside two electrical ones."""

    model = "Keysight N1092C"
    idn_pattern = r"Keysight Technologies,N1092C"
    module = "N1092C"
    optical_channels = ("1A",)


class KeysightN1092E(KeysightN1092D):
    """Two optical channels beside two electrical ones."""

    model = "Keysight N1092E"
    idn_pattern = r"Keysight Technologies,N1092E"
    module = "N1092E"
    optical_channels = ("1A", "2A")
