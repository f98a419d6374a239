"""Keysight N7744A and N7745A multiport optical power meters.

Manual: Keysight N77xx Series Programming Guide ("guide"), chapter 4, pp. 114-142. Each port is one
slot (guide, p. 20): SENSe<n> is port n.
Figures come from the data sheet as remembered and are not confirmed: -80 to +10 dBm,
total uncertainty 4.5 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from instruments.driver import Driver
from instruments.errors import RangeError
from instruments.interfaces.power_meter import PowerMeter, PowerReading

# Guide, data types: floats are 32 bit; what cannot be measured is given as a huge number
# (SCPI-99 vol. 1, 7.2.1.4: infinity is 9.9E37).
_NO_VALUE = 1e36
_FLOOR_MW = 1e-8  # -80 dBm, data sheet, not confirmed
_ACCURACY = 0.045  # total uncertainty, data sheet, not confirmed
_ZEROING_S = 60.0  # bound, not confirmed: the guide gives none


class KeysightN7744A(Driver, PowerMeter):
    """A meter with four ports."""

    model = "Keysight N7744A"
    idn_pattern = r"(Agilent|Keysight) Technologies,N7744[AC]"
    port_count = 4

    @property
    def ports(self) -> tuple[str, ...]:
        """Get the names of the ports."""
        return tuple(str(number) for number in range(1, self.port_count + 1))

    def read_powers(
        self, ports: Sequence[str], *, wavelengths_nm: Sequence[float], averaging_s: float = 0.1
    ) -> tuple[PowerReading, ...]:
        """Read several ports over the same time, each corrected for its wavelength.

        Guide, pp. 114-117 and 142: INIT:CONT 0 stops the free run, so that :INIT starts one
        averaging on each port at once and FETCh gives exactly its result; the trigger input must
        be ignored for that.
        """
        for port in ports:
            self._require_known(port, self.ports, "port")
        with self._session.operation("read powers"):
            for port, wavelength_nm in zip(ports, wavelengths_nm, strict=True):
                self._prepare(port, wavelength_nm, averaging_s)
            self._session.write(*(f":INIT{port}:IMM" for port in ports))
            self._session.wait_complete(averaging_s)
            return tuple(
                PowerReading(
                    port=port,
                    power_mw=self._fetch_mw(port),
                    floor_mw=_FLOOR_MW,
                    wavelength_nm=wavelength_nm,
                    averaging_s=averaging_s,
                    relative_accuracy=_ACCURACY,
                )
                for port, wavelength_nm in zip(ports, wavelengths_nm, strict=True)
            )

    def zero(self) -> None:
        """Zero all ports; they must be dark.

        Guide, pp. 121-122: the query gives 0 for a zeroing that worked.
        """
        with self._session.operation("zero all ports"):
            self._session.write(":SENS1:CORR:COLL:ZERO:ALL")
            self._session.wait_complete(_ZEROING_S)
            for port in self.ports:
                if self._session.query_int(f":SENS{port}:CORR:COLL:ZERO?") != 0:
                    raise self._session.error(
                        f"could not zero port {port}", remedy="darken the port and zero again"
                    )

    def _prepare(self, port: str, wavelength_nm: float, averaging_s: float) -> None:
        """Set everything that a reading depends on."""
        self._session.set(
            f":TRIG{port}:INP IGN",
            f":INIT{port}:CONT 0",
            f":SENS{port}:POW:UNIT 1",  # watt
            f":SENS{port}:POW:REF:STAT 0",  # absolute
            f":SENS{port}:CORR 0DB",
            f":SENS{port}:POW:RANG:AUTO 1",
            f":SENS{port}:POW:WAV {wavelength_nm:.6f}NM",
            f":SENS{port}:POW:ATIM {averaging_s:.6f}S",
        )

    def _fetch_mw(self, port: str) -> float:
        """Fetch the reading of one port in milliwatt."""
        command = f":FETC{port}:POW?"
        power_w = self._session.query_float(command)
        if abs(power_w) >= _NO_VALUE:
            side = "over" if power_w > 0 else "under"
            raise self._session.error(
                f"reports {side}-range at port {port}",
                kind=RangeError,
                command=command,
                remedy="put the power within -80 to +10 dBm at the port",
            )
        return 1e3 * power_w


class KeysightN7745A(KeysightN7744A):
    """A meter with eight ports."""

    model = "Keysight N7745A"
    idn_pattern = r"(Agilent|Keysight) Technologies,N7745[AC]"
    port_count = 8
