"""The command table of the M8040A: every command takes a location or a measurement as its first parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulation.scpi import Boolean, Choice, Command, Number, Text, WhenIdle, register_rows
from simulation.scpi.commands import Confirmed, Handler
from simulation.scpi.parameters import Parameter
from simulation.scpi.units import HERTZ, SECOND, VOLT

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 2.025e9, 64.8e9
SMALLEST_V, LARGEST_V = 0.05, 0.9
LONGEST_GATE_S = 86400.0

_EXAMPLES = "M8070B programming examples, Keysight"
_DRIVERS = "mikef5410/gpib Keysight_M8070B_64G.pm and other public drivers"
_WHERE = (Text(),)
_THRESHOLD = Number(minimum=1e-9, maximum=1e-1)
_AMPLITUDE = Number(VOLT, minimum=SMALLEST_V, maximum=LARGEST_V)


def _row(
    pattern: str,
    action: Handler | None = None,
    query: Handler | None = None,
    *parameters: Parameter,
    source: str = _DRIVERS,
    confirmed: Confirmed = "public driver",
) -> Command:
    """Give a row whose command and question both begin with a location."""
    return Command(
        pattern=pattern,
        action=action,
        query=query,
        parameters=_WHERE + parameters,
        query_parameters=_WHERE,
        confirmed=confirmed,
        source=source,
    )


def _setting(
    find: Callable[[Any, str], Any], name: str, pattern: str, parameter: Parameter, source: str = _DRIVERS
) -> Command:
    """Give the row of a setting that is only stored, on what `find` finds for the location."""
    return _row(
        pattern,
        lambda device, where, value: setattr(find(device, where), name, value),
        lambda device, where: getattr(find(device, where), name),
        parameter,
        source=source,
    )


def _output(device: Any, where: str) -> Any:
    return device.output(where)


def _detector(device: Any, where: str) -> Any:
    return device.detector(where)


def _measurement(device: Any, where: str) -> Any:
    return device.measurement(where)


def _set_global(device: Any, where: str, on: bool) -> None:
    device.check_system(where)
    device.global_on = on


def _get_global(device: Any, where: str) -> object:
    device.check_system(where)
    return device.global_on


def _get_rate(device: Any, where: str) -> object:
    device.check_clock(where)
    return device.rate_hz


def _coding(device: Any, where: str) -> object:
    return device.patterns(where)[0].coding


def _mapping(device: Any, where: str) -> object:
    device.patterns(where)
    return "GRAY"


def _loss(name: str, lost: Callable[[Any, str], bool]) -> Command:
    """Give the row of a status that is 1 while something is lost at a detector."""

    def status(device: Any, where: str) -> bool:
        device.detector(where)
        return lost(device, where)

    return _row(f"STATus:INSTrument:{name}", query=status)


def _runs(device: Any, where: str) -> bool:
    """Tell whether a generator sends, or a detector has data and clock."""
    if where in device.detectors:
        return bool(device.clocked(where))
    device.output(where)
    return device.electrical_emission(where) is not None


_GENERATORS = (
    _row(
        "[SOURce:]FREQuency[:CW]",
        lambda d, where, hertz: d.set_rate(where, hertz),
        _get_rate,
        Number(HERTZ, minimum=LOWEST_RATE_HZ, maximum=HIGHEST_RATE_HZ),
    ),
    _setting(_output, "on", "OUTPut[:STATe]", Boolean()),
    _row("OUTPut:GLOBal[:STATe]", _set_global, _get_global, Boolean()),
    _setting(_output, "amplitude_v", "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", _AMPLITUDE),
    _setting(_output, "coupling", "OUTPut:COUPling", Choice(("AC", "DC"))),
    _setting(_output, "polarity", "OUTPut:POLarity", Choice(("NORMal",))),
    _setting(_output, "divider", "OUTPut:DIVider", Choice(("DIV1", "DIV2", "DIV4", "DIV8", "DIV16"))),
)

_PATTERNS = (
    _row(
        "DATA:SEQuence:SET",
        lambda d, where, kind, text: d.set_pattern(where, kind, text),
        lambda d, where: d.pattern(where),
        Choice(("PRBS", "MEMory")),
        Text(),
        source=_EXAMPLES,
    ),
    _row(
        "DATA:LINecoding[:VALue]",
        lambda d, where, coding: d.set_coding(where, coding),
        _coding,
        Choice(("NRZ", "PAM4")),
        source=_EXAMPLES,
    ),
    _row(
        "DATA:LINecoding:PAM4:MAPPing",
        lambda d, where, _gray: _mapping(d, where) and None,
        _mapping,
        Choice(("GRAY",)),
    ),
)

_DETECTORS = (
    _setting(_detector, "clock_source", "CLOCk:SOURce", Choice(("SYS", "CLK", "CDR", "AUXClk", "ECR"))),
    _setting(_detector, "polarity", "INPut:POLarity", Choice(("NORMal",))),
    _setting(_detector, "sync_threshold", "DATA:SYNC:THReshold", _THRESHOLD),
    _setting(_detector, "align_threshold", "INPut:ALIGnment:EYE:THReshold", _THRESHOLD),
    _row("INPut:ALIGnment:EYE:AUTO", lambda d, where: d.align(where)),
    _row("INPut:ALIGnment:EYE:ABORt", lambda d, where: d.abort_alignment(where)),
    _row("INPut:ALIGnment:STATus[:VALue]", query=lambda d, where: d.detector(where).alignment),
    _loss("DLOSs", lambda d, where: d.arriving(where) is None),
    _loss("CLOSs", lambda d, where: not d.clocked(where)),
    _loss("SALoss", lambda d, where: not d.aligned(where)),
    _loss("SLOSs", lambda d, where: not d.synchronised(where)),
    _row("STATus:INSTrument:RUN", query=_runs, source=_EXAMPLES),
    Command(
        pattern="STATus:INSTrument:RUN:WAIT",
        query=lambda d, where, _timeout: WhenIdle(lambda: _runs(d, where)),
        query_parameters=(Text(), Number(SECOND, minimum=0, optional=True)),
        confirmed="public driver",
        source=_EXAMPLES,
    ),
    _row("FETCh:BCOunter", query=lambda d, where: d.running_counter(where), source="M8070A user guide"),
    _row("FETCh:IBERate", query=lambda d, where: d.instant_ratio(where)),
)

_PLUG_IN = "PLUGin:ERATio"
_ERROR_RATIO = (
    _row(f"{_PLUG_IN}:NEW", lambda d, name: d.new_measurement(name)),
    _row(f"{_PLUG_IN}:DELete", lambda d, name: d.delete_measurement(name)),
    Command(
        pattern=f"{_PLUG_IN}:CATalog",
        query=lambda d: d.catalogue(),
        confirmed="public driver",
        source=_DRIVERS,
    ),
    _row(f"{_PLUG_IN}:RESet", lambda d, name: d.reset_measurement(name)),
    _row(f"{_PLUG_IN}:STARt", lambda d, name: d.start(name)),
    _row(f"{_PLUG_IN}:STOP", lambda d, name: d.stop(name)),
    _row(f"{_PLUG_IN}:RUN[:STATe]", query=lambda d, name: d.measurement(name).started_s is not None),
    _row(
        f"{_PLUG_IN}:ACQuisition:ALOCation",
        lambda d, name, where: d.set_locations(name, where),
        lambda d, name: '"' + ",".join(d.measurement(name).locations) + '"',
        Text(),
    ),
    _setting(_measurement, "end", f"{_PLUG_IN}:ACQuisition:AEND", Choice(("FDURation",))),
    _setting(_measurement, "duration", f"{_PLUG_IN}:ACQuisition:DURation", Choice(("FTIMe", "INDefinite"))),
    _setting(
        _measurement,
        "seconds",
        f"{_PLUG_IN}:ACQuisition:TIME",
        Number(SECOND, minimum=1e-3, maximum=LONGEST_GATE_S),
    ),
    _setting(
        _measurement,
        "interval_s",
        f"{_PLUG_IN}:ACQuisition:INTerval",
        Number(SECOND, minimum=1e-3, maximum=LONGEST_GATE_S),
    ),
    _setting(
        _measurement,
        "history",
        f"{_PLUG_IN}:ACQuisition:HISTory",
        Number(minimum=1, maximum=1000, integer=True),
    ),
    _row(f"{_PLUG_IN}:FETCh[:DATA]", query=lambda d, name: d.results(name)),
)

COMMANDS = (
    *_GENERATORS,
    *_PATTERNS,
    *_DETECTORS,
    *_ERROR_RATIO,
    *register_rows("STATus:QUEStionable:INSTrument", lambda device: device.watched()),
)
