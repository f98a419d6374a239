"""What the tests of the station's core share: limits, a clock, a run with its journal."""

from datetime import UTC, datetime, timedelta

from measurements.quantity import Quantity
from station.abort import AbortRequest
from station.config.expressions import parse
from station.config.limits import Bound, ResolvedLimit
from station.expected import Key
from station.journal import Journal, read
from station.run import Run


class Ticks:
    """A clock that stands still unless somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds

    def utc(self):
        return datetime(2026, 6, 15, tzinfo=UTC) + timedelta(seconds=self.seconds)


def row(name="tx_power", unit="dBm", lower=None, upper=None, per="lane"):
    bounds = {
        side: None if value is None else Bound(parse(value), "standard", "a clause", "S", None, ())
        for side, value in (("lower", lower), ("upper", upper))
    }
    return ResolvedLimit(name, unit, per, bounds["lower"], bounds["upper"], "standard", "a clause", "S", None)


def rows(*given):
    return {one.name: one for one in given}


POWER = row("tx_power", "dBm", -2.9, 4.0)
TDECQ = row("tx_tdecq", "dB", None, 3.4)
SENSITIVITY = row("rx_sensitivity", "dBm", None, "max(-3.9, tx_tdecq - 5.3)")
CURRENT = row("supply_current", "A", None, 3.0, per="transceiver")
LIMITS = rows(POWER, TDECQ, SENSITIVITY, CURRENT)

GOOD = {"tx_power": (1.0, "dBm"), "tx_tdecq": (1.5, "dB"), "rx_sensitivity": (-6.0, "dBm")}


def quantity(value, unit="dBm", **more):
    return Quantity(value, unit, **more)


def good(name, **more):
    return Quantity(*GOOD[name], **more)


ONE = (Key("tx_power", 1, "room"),)


def a_run(tmp_path, expected=ONE, limits=LIMITS):
    clock = Ticks()
    journal = Journal(tmp_path / "run", clock.utc)
    return Run(journal, clock, limits, expected, AbortRequest())


def concluded(run):
    """Give verdict, reasons and all events of a run that is over."""
    verdict, reasons = run.conclude()
    run.close(verdict, reasons)
    return verdict, reasons, list(read(run.journal.folder))


def of(events, kind):
    return [event for event in events if event["event"] == kind]
