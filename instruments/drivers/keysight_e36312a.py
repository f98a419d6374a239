"""Keysight E36312A triple-output supply.

Manual: E36300 Series Programming Guide, E36311-90008 ("guide").
"""

from __future__ import annotations

from instruments.driver import Driver
from instruments.interfaces.power_supply import PowerSupply

_SETTLING_S = 2.0
_SETTLED_FRACTION = 0.02
_POLL_S = 0.05
# Guide, "The Questionable Instrument Summary register": bit 0 constant current, bit 1 constant
# voltage, both on a failure, none when the output is off (as in the E364xA guide; for this
# model not confirmed).
_CONSTANT_CURRENT = 1
_FAILURE = 3


class KeysightE36312A(Driver, PowerSupply):
    """Output 1 gives 6 V and 5 A, outputs 2 and 3 give 25 V and 1 A."""

    model = "Keysight E36312A"
    idn_pattern = r"Keysight Technologies,E36312A"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Get the names of the outputs."""
        return ("1", "2", "3")

    def voltage_accuracy_v(self, voltage_v: float) -> float:
        """Get the readback accuracy, 0.04 % + 5 mV; data sheet as remembered, not confirmed."""
        return 4e-4 * abs(voltage_v) + 5e-3

    def current_accuracy_a(self, current_a: float) -> float:
        """Get the readback accuracy, 0.04 % + 3 mA; data sheet as remembered, not confirmed."""
        return 4e-4 * abs(current_a) + 3e-3

    def supply(self, output: str, *, voltage_v: float, current_limit_a: float) -> None:
        """Set voltage and current limit, switch the output on and wait until it has settled.

        Returns also when the output stays in its current limit: `limiting` tells.
        """
        self._require_known(output, self.outputs, "output")
        with self._session.operation("supply"):
            self._session.set(
                f":VOLT {voltage_v:.4f},(@{output})",
                f":CURR {current_limit_a:.4f},(@{output})",
            )
            self._session.set(f":OUTP 1,(@{output})")
            self._session.wait_complete(_SETTLING_S)
            self._wait_settled(output, voltage_v)

    def read_voltage_v(self, output: str) -> float:
        """Measure the voltage at the sense terminals."""
        return self._measure(":MEAS:VOLT?", output)

    def read_current_a(self, output: str) -> float:
        """Measure the output current."""
        return self._measure(":MEAS:CURR?", output)

    def limiting(self, output: str) -> bool:
        """Read whether the output has left constant voltage for its current limit."""
        self._require_known(output, self.outputs, "output")
        with self._session.operation("tell its regulation"):
            return self._limiting(output)

    def switch_off(self, output: str) -> None:
        """Switch one output off and see that it is."""
        self._require_known(output, self.outputs, "output")
        with self._session.shielded(), self._session.operation("switch off"):
            self._session.set(f":OUTP 0,(@{output})")
            if self._session.query_int(f":OUTP? (@{output})") != 0:
                raise self._session.error(
                    f"did not switch output {output} off", remedy="switch it off at its front panel"
                )

    def _measure(self, query: str, output: str) -> float:
        self._require_known(output, self.outputs, "output")
        with self._session.operation("measure"):
            return self._session.query_float(f"{query} (@{output})")

    def _limiting(self, output: str) -> bool:
        command = f":STAT:QUES:INST:ISUM{output}:COND?"
        regulation = self._session.query_int(command) & _FAILURE
        if regulation == _FAILURE:
            raise self._session.error(
                f"reports a failure of output {output}", command=command, remedy="have it repaired"
            )
        return regulation == _CONSTANT_CURRENT

    def _wait_settled(self, output: str, voltage_v: float) -> None:
        """Wait until the measured voltage is there, or the output limits for the whole bound."""
        until_s = self._session.clock.now() + _SETTLING_S
        tolerance_v = max(_SETTLED_FRACTION * voltage_v, 0.01)
        while abs(self._measure(":MEAS:VOLT?", output) - voltage_v) > tolerance_v:
            if self._session.clock.now() >= until_s:
                if self._limiting(output):
                    return
                raise self._session.error(
                    f"does not reach {voltage_v:g} V on output {output}",
                    remedy="check its sense wires and protection",
                )
            self._session.clock.sleep(_POLL_S)
