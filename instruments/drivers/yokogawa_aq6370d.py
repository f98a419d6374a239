"""Yokogawa AQ6370D optical spectrum analyser.

Manual: AQ6370D Remote Control User's Manual, IM AQ6370D-17EN ("manual"). Over a raw socket (port
10001) the analyser wants a login before anything else (manual, chapter 3); messages end with CRLF
there. Accuracies are data-sheet values as remembered, not confirmed.
"""

from __future__ import annotations

from instruments.driver import Driver
from instruments.errors import GarbledAnswer, RangeError
from instruments.interfaces.spectrum_analyser import Spectrum, SpectrumAnalyser
from instruments.profile import Profile

_RESOLUTIONS_NM = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # manual, :SENSe:BANDwidth
_SWEEP_S_PER_100_NM = 5.0  # sensitivity MID, data sheet, not confirmed
_SWEEP_ENDED = 1  # manual, operation status register, bit 0
_READ_BACK = 1e-3
_TOP_DBM = 20.0  # highest input, data sheet, not confirmed


class YokogawaAq6370D(Driver, SpectrumAnalyser):
    """An analyser for 600 to 1700 nm.

    Options: `user` and `password` of the socket login, `wavelength_accuracy_nm` where a
    calibration says better than the data sheet does for the whole range.
    """

    model = "Yokogawa AQ6370D"
    idn_pattern = r"YOKOGAWA,AQ6370D"
    option_names = frozenset({"user", "password", "wavelength_accuracy_nm"})
    # Manual, "Setting the timeout time": an automatic offset adjustment holds every answer up for
    # about 30 s each 10 minutes.
    profile = Profile(termination="\n", stream_termination="\r\n", margin_s=35.0)

    def sweep(self, *, start_nm: float, stop_nm: float, resolution_nm: float) -> Spectrum:
        """Sweep once and return the whole trace."""
        if resolution_nm not in _RESOLUTIONS_NM:
            known = ", ".join(f"{one:g}" for one in _RESOLUTIONS_NM)
            raise self._session.error(f"has no resolution {resolution_nm:g} nm", remedy=f"ask for {known}")
        with self._session.operation("sweep"):
            self._prepare(start_nm, stop_nm, resolution_nm)
            actual_nm = self._read_resolution_nm(resolution_nm)
            self._run(start_nm, stop_nm)
            return self._fetch(actual_nm)

    def _login(self) -> None:
        """Log in over a raw socket; manual, 3.3: OPEN, then a line with the password."""
        if not self._session.stream:
            return
        user = self._option("user", "anonymous", str)
        password = self._option("password", "anonymous", str)
        for command, shown, expected in (
            (f'OPEN "{user}"', None, "AUTHENTICATE CRAM-MD5."),
            (password, "(password)", "READY"),
        ):
            answer = self._session.query(command, shown=shown)
            if answer.upper() != expected:
                raise self._session.error(
                    f"does not let user {user!r} in: it says {answer!r}",
                    kind=GarbledAnswer,
                    remedy="correct user and password in the station file",
                )

    def _prepare(self, start_nm: float, stop_nm: float, resolution_nm: float) -> None:
        """Set everything that a trace depends on."""
        self._session.set(
            ":UNIT:X WAV",
            ":DISP:TRAC:Y1:SPAC LOG",
            ":DISP:TRAC:Y1:UNIT DBM",
            f":SENS:WAV:STAR {start_nm:.3f}NM",
            f":SENS:WAV:STOP {stop_nm:.3f}NM",
            f":SENS:BAND:RES {resolution_nm:.3f}NM",
            ":SENS:SENS MID",
            ":SENS:AVER:COUN 1",
            ":SENS:SWE:POIN:AUTO 1",
            ":TRAC:ACT TRA",
            ":TRAC:ATTR:TRA WRIT",
            ":INIT:SMOD SING",
            ":FORM:DATA REAL,64",
        )

    def _read_resolution_nm(self, asked_nm: float) -> float:
        """Read the resolution that the analyser took."""
        command = ":SENS:BAND:RES?"
        actual_nm = self._session.query_float(command) * 1e9
        if abs(actual_nm - asked_nm) > _READ_BACK:
            raise self._session.error(f"took {actual_nm:g} nm instead of {asked_nm:g} nm", command=command)
        return actual_nm

    def _run(self, start_nm: float, stop_nm: float) -> None:
        """Sweep once; manual, :INITiate is overlapped and ends with bit 0 of the event register.

        *CLS empties that register, and the error queue, which `set` has just read.
        """
        self._session.write("*CLS", ":INIT")
        self._session.poll(
            ":STAT:OPER:EVEN?",
            self._swept,
            within_s=30.0 + _SWEEP_S_PER_100_NM * max(1.0, (stop_nm - start_nm) / 100.0),
        )

    def _swept(self, answer: str) -> bool:
        if not answer.lstrip("+").isdigit():
            raise self._session.garbled(":STAT:OPER:EVEN?", answer, "a register")
        return bool(int(answer) & _SWEEP_ENDED)

    def _fetch(self, resolution_nm: float) -> Spectrum:
        """Fetch both axes; manual, :TRACe:X? in metre, little-endian IEEE 754 of 64 bits."""
        wavelength_nm = self._session.query_block(":TRAC:X? TRA", "<f8") * 1e9
        power_dbm = self._session.query_block(":TRAC:Y? TRA", "<f8")
        if wavelength_nm.size != power_dbm.size or wavelength_nm.size == 0:
            sizes = f"{wavelength_nm.size} wavelengths and {power_dbm.size} powers"
            raise self._session.garbled(":TRAC:Y? TRA", sizes, "as many powers as wavelengths")
        if power_dbm.max() >= _TOP_DBM:
            raise self._session.error(
                f"shows {power_dbm.max():.1f} dBm, the top of its range",
                kind=RangeError,
                command=":TRAC:Y? TRA",
                remedy="put an attenuator before its input",
            )
        wavelength_nm.flags.writeable = False
        return Spectrum(
            wavelength_nm=wavelength_nm,
            power_dbm=power_dbm,
            resolution_nm=resolution_nm,
            wavelength_accuracy_nm=self._option("wavelength_accuracy_nm", 0.1, float),
        )
