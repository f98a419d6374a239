"""Instruments that only remember what was asked of them, in the order in which it was asked."""

from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.bert import Bert, ErrorCount
from instruments.interfaces.optical_switch import OpticalSwitch
from instruments.interfaces.power_meter import PowerMeter, PowerReading
from instruments.interfaces.tunable_laser import TunableLaser
from measurements.units import dbm_to_mw

ACCURACY = 0.01


def reading(port, dbm, *, floor_dbm=-60.0, averaging_s=0.1):
    power_mw = -1e-9 if dbm is None else float(dbm_to_mw(dbm))
    return PowerReading(port, power_mw, float(dbm_to_mw(floor_dbm)), 1311.0, averaging_s, ACCURACY)


class FakeAttenuator(Attenuator):
    channels = ("1", "2", "3", "4")
    maximum_attenuation_db = 40.0
    accuracy_db = 0.1

    def __init__(self, asked, arriving_dbm):
        self._asked, self._arriving_dbm = asked, arriving_dbm
        self.floor_dbm = -60.0
        self._set = {}

    def attenuate(self, attenuations_db, *, wavelength_nm):
        self._set |= attenuations_db
        self._asked.append(("attenuate", dict(attenuations_db)))

    def read_attenuation_db(self, channel):
        return self._set[channel]

    def open_shutters(self, channels):
        self._asked.append(("open", tuple(channels)))

    def close_shutters(self, channels):
        self._asked.append(("close", tuple(channels)))

    def read_output_powers(self, channels, *, wavelength_nm):
        return tuple(
            reading(c, self._arriving_dbm(c, self._set[c]), floor_dbm=self.floor_dbm) for c in channels
        )

    def make_safe(self):
        self._asked.append(("safe",))


class FakeBert(Bert):
    generators = ("M1.DataOut1", "M1.DataOut2", "M2.DataOut1", "M2.DataOut2")
    detectors = ("M3.DataIn", "M4.DataIn", "M5.DataIn", "M6.DataIn")

    def __init__(self, asked, errors=lambda detector: 1000):
        self._asked, self._errors = asked, errors

    def generate(self, patterns, *, symbol_rate_gbd):
        self._asked.append(("generate", dict(patterns), symbol_rate_gbd))

    def silence(self):
        self._asked.append(("silence",))

    def count_errors(self, detectors, *, pattern, seconds):
        self._asked.append(("count", tuple(detectors), pattern, seconds))
        found = {detector: self._errors(detector) for detector in detectors}
        return tuple(
            ErrorCount(d, 10**9, errors or 0, seconds, errors is not None) for d, errors in found.items()
        )


class FakeSwitch(OpticalSwitch):
    modules = {}  # noqa: RUF012  # an interface's property, not state

    def __init__(self, asked, name="switch"):
        self._asked, self._name = asked, name

    def select(self, module, position):
        self._asked.append((self._name, module, position))

    def selected(self, module):
        raise NotImplementedError


class FakeMeter(PowerMeter):
    ports = ("1", "2", "3", "4")

    def __init__(self, dbm_at):
        self._dbm_at = dbm_at

    def read_powers(self, ports, *, wavelengths_nm, averaging_s=0.1):
        return tuple(reading(port, self._dbm_at(port), averaging_s=averaging_s) for port in ports)

    def zero(self):
        raise NotImplementedError


class FakeLaser(TunableLaser):
    wavelength_range_nm = (1260.0, 1360.0)
    power_accuracy_db = 0.2

    def __init__(self, asked):
        self._asked = asked

    def emit(self, *, wavelength_nm, power_dbm):
        self._asked.append(("emit", wavelength_nm, power_dbm))

    def read_power_dbm(self):
        return 3.02

    def darken(self):
        self._asked.append(("darken",))
