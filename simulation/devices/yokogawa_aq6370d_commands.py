"""The command table of the AQ6370D."""

from __future__ import annotations

from typing import Any

from simulation.scpi import Boolean, Choice, Command, Number, Text
from simulation.scpi.commands import Confirmed, Handler
from simulation.scpi.parameters import Parameter
from simulation.scpi.units import METRE, SECOND, Unit

TRACES = ("TRA", "TRB", "TRC", "TRD", "TRE", "TRF", "TRG")
RESOLUTIONS_M = (0.02e-9, 0.05e-9, 0.1e-9, 0.2e-9, 0.5e-9, 1e-9, 2e-9)
MODES = ("SINGle", "REPeat", "AUTO", "SEGMent")
SENSITIVITY_WORDS = ("NHLD", "NAUT", "MID", "HIGH1", "HIGH2", "HIGH3", "NORMal")
ATTRIBUTES = ("WRITe", "FIX", "MAX", "MIN", "RAVG", "CALC")
MEDIA = ("AIR", "VACuum")
UNITS = ("DBM", "W")
FORMATS = ("ASCii", "REAL")

_MANUAL = "AQ6370C/D Remote Control User's Manual, as cited by PyMeasure, LabExT and others"
_LEVEL = Unit("dBm", {"DBM": 1.0})
_TRACE = Choice(TRACES)
_POINT = Number(minimum=1, maximum=50001, integer=True, optional=True)
_AXIS = Choice(("WAVelength",), numbers=((0, "WAV"),))
_LENGTH = Number(METRE, minimum=50e-9, maximum=2250e-9)


def _short(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("".join(char for char in word if not char.islower()) for word in words)


def _numbered(words: tuple[str, ...], first: int) -> Choice:
    """Take a word or its number, as this make does."""
    return Choice(words, numbers=tuple((n, word) for n, word in enumerate(_short(words), start=first)))


def _row(
    pattern: str,
    action: Handler | None = None,
    query: Handler | None = None,
    *parameters: Parameter,
    asked: tuple[Parameter, ...] = (),
    confirmed: Confirmed = "public driver",
) -> Command:
    return Command(
        pattern=pattern,
        action=action,
        query=query,
        parameters=parameters,
        query_parameters=asked,
        confirmed=confirmed,
        source=_MANUAL,
    )


def _sweep(name: str, pattern: str, parameter: Parameter, confirmed: Confirmed = "public driver") -> Command:
    """Give the row of a setting of the sweep."""
    return _row(
        pattern,
        lambda device, value: setattr(device.sweep, name, value),
        lambda device: getattr(device.sweep, name),
        parameter,
        confirmed=confirmed,
    )


def _sweep_word(
    name: str, pattern: str, words: tuple[str, ...], first: int, confirmed: Confirmed = "public driver"
) -> Command:
    """Give the row of a setting that is a word, and answered by its number."""
    return _row(
        pattern,
        lambda device, word: setattr(device.sweep, name, word),
        lambda device: _short(words).index(getattr(device.sweep, name)) + first,
        _numbered(words, first),
        confirmed=confirmed,
    )


def _set_start(device: Any, metres: float) -> None:
    device.sweep.start_m = metres
    device.sweep.stop_m = max(device.sweep.stop_m, metres)


def _set_stop(device: Any, metres: float) -> None:
    device.sweep.stop_m = metres
    device.sweep.start_m = min(device.sweep.start_m, metres)


def _centre(device: Any) -> float:
    return float(device.sweep.start_m + device.sweep.stop_m) / 2


def _set_points(device: Any, points: int) -> None:
    device.sweep.points = points
    device.sweep.automatic_points = False


def _set_format(device: Any, word: str, bits: int) -> None:
    device.format = "ASC" if word == "ASC" else f"REAL,{bits}"


def _format(device: Any) -> str:
    return "ASCII" if device.format == "ASC" else str(device.format)


def _copy(device: Any, source: str, target: str) -> None:
    device.traces[target] = device.spectrum(source)


def _attribute_rows(trace: str) -> tuple[Command, Command]:
    def set_attribute(device: Any, word: str) -> None:
        device.attributes[trace] = word

    def set_shown(device: Any, on: bool) -> None:
        device.shown[trace] = on

    return (
        _row(
            f"TRACe:ATTRibute:{trace}",
            set_attribute,
            lambda d: _short(ATTRIBUTES).index(d.attributes[trace]),
            _numbered(ATTRIBUTES[:2], 0),
        ),
        _row(f"TRACe:STATe:{trace}", set_shown, lambda d: d.shown[trace], Boolean()),
    )


COMMANDS = (
    _row("OPEN", lambda d, user: d.log_in(user), None, Text()),
    # The answer to the anonymous user's second line was given with the first, see log_in.
    _row("ANONymous", lambda _d: None),
    _row("CLOSE", lambda d: d.log_out(), confirmed="no"),
    _row("UNIT:X", lambda _d, _axis: None, lambda _d: 0, _AXIS, confirmed="no"),
    _row("[SENSe:]WAVelength:STARt", _set_start, lambda d: d.sweep.start_m, _LENGTH),
    _row("[SENSe:]WAVelength:STOP", _set_stop, lambda d: d.sweep.stop_m, _LENGTH),
    _row(
        "[SENSe:]WAVelength:CENTer",
        lambda d, metres: d.sweep.centre(metres, d.sweep.span_m),
        _centre,
        Number(METRE, minimum=600e-9, maximum=1700e-9),
    ),
    _row(
        "[SENSe:]WAVelength:SPAN",
        lambda d, metres: d.sweep.centre(_centre(d), metres),
        lambda d: d.sweep.span_m,
        Number(METRE, minimum=0, maximum=1100e-9),
    ),
    _row(
        "[SENSe:]BANDwidth[:RESolution]",
        lambda d, metres: setattr(d.sweep, "resolution_m", _nearest(metres)),
        lambda d: d.sweep.resolution_m,
        Number(METRE, minimum=RESOLUTIONS_M[0], maximum=RESOLUTIONS_M[-1]),
    ),
    _row(
        "[SENSe:]BWIDth[:RESolution]",
        lambda d, metres: setattr(d.sweep, "resolution_m", _nearest(metres)),
        lambda d: d.sweep.resolution_m,
        Number(METRE, minimum=RESOLUTIONS_M[0], maximum=RESOLUTIONS_M[-1]),
    ),
    _sweep_word("sensitivity", "SENSe:SENSe", SENSITIVITY_WORDS, 0),
    _row(
        "[SENSe:]SWEep:POINts",
        _set_points,
        lambda d: d.sweep.sampled_points,
        Number(minimum=101, maximum=50001, integer=True),
    ),
    _sweep("automatic_points", "[SENSe:]SWEep:POINts:AUTO", Boolean()),
    _sweep_word("speed", "[SENSe:]SWEep:SPEed", ("1X", "2X"), 0),
    _sweep(
        "interval_s", "[SENSe:]SWEep:TIME:INTerval", Number(SECOND, minimum=0, maximum=99999, integer=True)
    ),
    _sweep("averages", "[SENSe:]AVERage:COUNt", Number(minimum=1, maximum=999, integer=True), "no"),
    _sweep_word("medium", "[SENSe:]CORRection:RVELocity:MEDium", MEDIA, 0, confirmed="no"),
    _sweep_word("mode", "INITiate:SMODe", MODES[:2], 1),
    _row("INITiate[:IMMediate]", lambda d: d.start_sweep()),
    _row("ABORt", lambda d: d.stop_sweep()),
    _row("TRACe:ACTive", lambda d, trace: setattr(d, "active", trace), lambda d: d.active, _TRACE),
    *(row for trace in TRACES for row in _attribute_rows(trace)),
    _row("TRACe[:DATA]:X", None, lambda d, *where: d.x_data(*where), asked=(_TRACE, _POINT, _POINT)),
    _row("TRACe[:DATA]:Y", None, lambda d, *where: d.y_data(*where), asked=(_TRACE, _POINT, _POINT)),
    _row("TRACe[:DATA]:SNUMber", None, lambda d, trace: d.spectrum(trace).power_mw.size, asked=(_TRACE,)),
    _row("TRACe:COPY", _copy, None, _TRACE, _TRACE),
    _row("TRACe:DELete", lambda d, trace: d.traces.pop(trace, None) and None, None, _TRACE),
    _row("TRACe:DELete:ALL", lambda d: d.traces.clear()),
    _row(
        "FORMat[:DATA]",
        _set_format,
        _format,
        Choice(FORMATS),
        Number(choices=(32, 64), integer=True, optional=True, missing=64),
    ),
    _row(
        "DISPlay[:WINDow]:TRACe:Y1[:SCALe]:SPACing",
        lambda _d, _scale: None,
        lambda _d: 0,
        Choice(("LOGarithmic",), numbers=((0, "LOG"),)),
        confirmed="no",
    ),
    _row(
        "DISPlay[:WINDow]:TRACe:Y1[:SCALe]:UNIT",
        lambda d, unit: setattr(d, "level_unit", unit),
        lambda d: UNITS.index(d.level_unit),
        _numbered(UNITS, 0),
        confirmed="no",
    ),
    _row(
        "DISPlay[:WINDow]:TRACe:Y1[:SCALe]:RLEVel",
        lambda d, level: setattr(d, "reference_level_dbm", level),
        lambda d: d.reference_level_dbm,
        Number(_LEVEL, minimum=-90, maximum=30),
    ),
    _row("CALCulate:MARKer:MAXimum", lambda d: d.find_peak(), confirmed="no"),
    _row(
        "CALCulate:MARKer:X",
        None,
        lambda d, _marker: d.marker_at(0),
        asked=(Number(minimum=0, maximum=0, integer=True),),
        confirmed="no",
    ),
    _row(
        "CALCulate:MARKer:Y",
        None,
        lambda d, _marker: d.marker_at(1),
        asked=(Number(minimum=0, maximum=0, integer=True),),
        confirmed="no",
    ),
)


def _nearest(metres: float) -> float:
    """Choose the nearest of the slits that there are."""
    return min(RESOLUTIONS_M, key=lambda choice: abs(choice - metres))
