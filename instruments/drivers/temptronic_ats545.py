"""Temptronic ATS-545 ThermoStream thermal head.

Manual: ATS-545 & -645 ThermoStream Interface & Applications Manual, chapter 4, "Remote
interfaces" ("manual"). Its words are flat: no colons, no joining relied upon. Set points live in
three slots (0 hot, 1 ambient, 2 cold), which exist on the operator screen only.
"""

from __future__ import annotations

from types import MappingProxyType

from instruments.driver import Driver
from instruments.errors import RangeError
from instruments.interfaces.thermal_head import ThermalHead
from instruments.profile import EVENT_STATUS_ERRORS, ErrorRegister, Profile

# Manual, EROR?: device-specific error register; reserved bits have no word.
_DEVICE_ERRORS = MappingProxyType(
    {
        0: "overheat",
        1: "air open loop",
        3: "low flow",
        4: "low input air pressure",
        5: "air sensor open",
        7: "internal error",
        9: "flow sensor hardware error",
        10: "no line sense",
        11: "NVRAM fault",
        12: "BVRAM fault",
        14: "no DUT sensor selected",
    }
)
_OPERATOR_SCREEN = 10  # manual, WHAT?: 10 on this model, 5 on the ATS-5x5 before it
_SCREEN_CHANGE_S = 10.0
_HOT, _AMBIENT, _COLD = 0, 1, 2
_HOT_FROM_C, _COLD_UP_TO_C = 30.0, 20.0
_AMBIENT_C = 25.0
_NO_READING_C = 400.0  # manual, TEMP?: above 400 a reading is invalid
_WINDOW_C = 1.0
_FASTEST_C_PER_MIN = 9999


class TemptronicAts545(Driver, ThermalHead):
    """A head that controls the temperature of its air, not of the unit under it."""

    model = "Temptronic ATS-545"
    idn_pattern = r".*TEMPTRONIC.*,ATS-?545|inTEST.*,ATS-?545"
    profile = Profile(
        joins=False,
        errors=(
            ErrorRegister("EROR?", _DEVICE_ERRORS, clear="CLER"),
            ErrorRegister("*ESR?", EVENT_STATUS_ERRORS),
        ),
    )

    _range_c: tuple[float, float] | None = None

    @property
    def range_c(self) -> tuple[float, float]:
        """Get the coldest and hottest air temperature that may be asked for."""
        if self._range_c is None:
            raise self._session.error("was not opened", remedy="call open() first")
        return self._range_c

    def force(self, temperature_c: float) -> None:
        """Lower the head, start the flow and ask for an air temperature; return at once."""
        coldest_c, hottest_c = self.range_c
        if not coldest_c <= temperature_c <= hottest_c:
            raise self._session.error(
                f"cannot blow air of {temperature_c:g} °C",
                remedy=f"ask for {coldest_c:g} to {hottest_c:g} °C",
            )
        with self._session.operation("force a temperature"):
            self._enter_operator_screen()
            self._session.set(
                "DUTM 0",  # control the air
                f"SETN {_slot(temperature_c)}",
                f"WNDW {_WINDOW_C:.1f}",
                "SOAK 0",
                f"RAMP {_FASTEST_C_PER_MIN}",
                f"SETP {temperature_c:.1f}",
            )
            self._session.set("HEAD 1", "FLOW 1")

    def read_air_c(self) -> float:
        """Read the air temperature (manual, TMPA?)."""
        with self._session.operation("read its air temperature"):
            temperature_c = self._session.query_float("TMPA?")
            if temperature_c > _NO_READING_C:
                raise self._session.error(
                    "has no reading of its air temperature",
                    kind=RangeError,
                    command="TMPA?",
                    remedy="check its air sensor",
                )
            return temperature_c

    def release(self) -> None:
        """Return the air to ambient and stop the flow; the head stays where it is."""
        with self._session.shielded(), self._session.operation("return to ambient"):
            try:
                self._enter_operator_screen()
                self._session.set(f"SETN {_AMBIENT}", f"SETP {_AMBIENT_C:.1f}")
            finally:
                self._session.set("FLOW 0")

    def _after_opening(self) -> None:
        """Read the limits set on the instrument; manual, LLIM? and ULIM?."""
        self._range_c = (self._session.query_float("LLIM?"), self._session.query_float("ULIM?"))

    def _enter_operator_screen(self) -> None:
        """Leave program mode and the start-up screen; manual, RSTO and WHAT?."""
        if self._session.query_int("WHAT?") == _OPERATOR_SCREEN:
            return
        self._session.set("RSTO")
        self._session.poll("WHAT?", lambda answer: answer == str(_OPERATOR_SCREEN), within_s=_SCREEN_CHANGE_S)


def _slot(temperature_c: float) -> int:
    """Choose the slot that takes a temperature."""
    if temperature_c >= _HOT_FROM_C:
        return _HOT
    return _COLD if temperature_c <= _COLD_UP_TO_C else _AMBIENT
