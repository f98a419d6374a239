"""Santec TSL-570 tunable laser.

Manual: TSL-570 Operation Manual, "Operation by communication" ("manual"). Its commands mean other
units in each of its two command sets, so the SCPI set (metre, exponential answers) is chosen on
opening and before each setting. On TCP messages end with CR.
"""

from __future__ import annotations

from instruments.driver import Driver
from instruments.errors import RangeError
from instruments.interfaces.tunable_laser import TunableLaser
from instruments.profile import Profile

_TUNING_S = 30.0  # bound of tuning and of the laser diode's start, not confirmed
_READ_BACK_NM = 0.001
# What cannot be measured is given as a huge number (SCPI-99 vol. 1, 7.2.1.4 and 7.2.1.5).
_NO_VALUE = 1e36


class SantecTsl570(Driver, TunableLaser):
    """A laser whose range depends on its variant and is read from it."""

    model = "Santec TSL-570"
    idn_pattern = r"SANTEC,\s*TSL-?570"
    # That it takes joined commands is not confirmed: they are sent one by one.
    profile = Profile(termination="\n", stream_termination="\r", joins=False)

    _range_nm: tuple[float, float] | None = None

    @property
    def wavelength_range_nm(self) -> tuple[float, float]:
        """Get the shortest and longest wavelength."""
        if self._range_nm is None:
            raise self._session.error("was not opened", remedy="call open() first")
        return self._range_nm

    @property
    def power_accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of the output power; data sheet, not confirmed."""
        return 0.5

    def emit(self, *, wavelength_nm: float, power_dbm: float) -> None:
        """Set wavelength and power, switch light on and wait until both are reached.

        The shutter is closed meanwhile: nobody downstream sees the laser tune.
        """
        shortest_nm, longest_nm = self.wavelength_range_nm
        if not shortest_nm <= wavelength_nm <= longest_nm:
            raise self._session.error(
                f"cannot emit at {wavelength_nm:g} nm",
                remedy=f"ask for {shortest_nm:g} to {longest_nm:g} nm",
            )
        with self._session.operation("emit"):
            self._session.set(
                ":SYST:COMM:COD 1",
                ":POW:SHUT 1",  # 1 closes
                ":POW:UNIT 0",  # dBm
                ":POW:ATT:AUT 1",  # the attenuator follows the power asked for
                ":COHC 0",  # no line broadening
                f":WAV {wavelength_nm * 1e-9:.7E}",
                f":POW {power_dbm:.2f}",
                ":POW:STAT 1",
            )
            self._session.wait_complete(_TUNING_S)
            self._confirm_wavelength(wavelength_nm)
            self._session.set(":POW:SHUT 0")
            self._session.wait_complete(_TUNING_S)
            self._confirm_emission(True)

    def read_power_dbm(self) -> float:
        """Read the power that the laser's own monitor sees (manual, :POWer:ACTual?)."""
        with self._session.operation("read its power"):
            self._session.set(":POW:UNIT 0")
            power_dbm = self._session.query_float(":POW:ACT?")
            if abs(power_dbm) > _NO_VALUE:
                raise self._session.error(
                    "has no reading of its own power",
                    kind=RangeError,
                    command=":POW:ACT?",
                    remedy="check that its laser diode is on and its power within range",
                )
            return power_dbm

    def darken(self) -> None:
        """Switch light off: close the shutter, then stop the laser diode."""
        with self._session.shielded(), self._session.operation("switch light off"):
            try:
                self._session.set(":POW:SHUT 1")
            finally:
                self._session.set(":POW:STAT 0")
            self._session.wait_complete(_TUNING_S)
            self._confirm_emission(False)

    def _after_opening(self) -> None:
        """Choose the command set and read the range; manual, :WAVelength? MINimum|MAXimum."""
        self._session.set(":SYST:COMM:COD 1")
        shortest_m = self._session.query_float(":WAV? MIN")
        longest_m = self._session.query_float(":WAV? MAX")
        self._range_nm = (round(shortest_m * 1e9, 4), round(longest_m * 1e9, 4))

    def _confirm_wavelength(self, wavelength_nm: float) -> None:
        answered_nm = self._session.query_float(":WAV?") * 1e9
        if abs(answered_nm - wavelength_nm) > _READ_BACK_NM:
            raise self._session.error(
                f"was tuned to {wavelength_nm:g} nm but stands at {answered_nm:.4f} nm", command=":WAV?"
            )

    def _confirm_emission(self, on: bool) -> None:
        if self._session.query_int(":POW:STAT?") != on:
            word = "on" if on else "off"
            raise self._session.error(
                f"did not switch its light {word}",
                command=":POW:STAT?",
                remedy="check its key and remote interlock" if on else "switch it off at its key",
            )
