"""The command table of the N1092D under FlexDCA."""

from __future__ import annotations

from typing import Any

from simulation.scpi import Boolean, Choice, Command, Number, Quoted, Text
from simulation.scpi.answers import NOT_A_NUMBER
from simulation.scpi.commands import Confirmed, Handler
from simulation.scpi.parameters import Parameter, short_form
from simulation.scpi.units import HERTZ

CHANNELS = ("1A", "2A", "3A", "4A")
LIMIT_TYPES = ("WAVeforms", "PATTerns", "SAMPles")
LONGEST_PATTERN = 2**23
CHOSEN_SAMPLES_PER_SYMBOL = 16
"""How many samples the scope takes in a symbol if it is left the choice."""

_CHANNEL_WORDS = Choice(tuple(f"CHANnel{channel}" for channel in CHANNELS))
_BANDWIDTH = Number(HERTZ, minimum=1e9, maximum=40e9)
_LENGTH = Number(minimum=1, maximum=LONGEST_PATTERN, integer=True)
_RATIO = Choice(("UNITy", *(f"SUB{ratio}" for ratio in (2, 4, 8, 16, 32, 64))))
_AVERAGES = Number(minimum=1, maximum=32768, integer=True)
_PLACE = Choice(("FRAMe", "SLOT1", "SLOT2", "SLOT3", "SLOT4"))


def _row(
    pattern: str,
    action: Handler | None = None,
    query: Handler | None = None,
    *parameters: Parameter,
    asked: tuple[Parameter, ...] = (),
    confirmed: Confirmed = "public driver",
    source: str = "FlexDCA Programmer's Guide, as cited by public drivers",
) -> Command:
    return Command(
        pattern=pattern,
        action=action,
        query=query,
        parameters=parameters,
        query_parameters=asked,
        confirmed=confirmed,
        source=source,
    )


def _part(
    part: str, name: str, pattern: str, parameter: Parameter, *, confirmed: Confirmed = "public driver"
) -> Command:
    """Give the row of a setting that is only stored: attribute `name` of the device's `part`."""
    return _row(
        pattern,
        lambda device, value: setattr(getattr(device, part), name, value),
        lambda device: getattr(getattr(device, part), name),
        parameter,
        confirmed=confirmed,
    )


def _plain(name: str, pattern: str, parameter: Parameter) -> Command:
    """Give the row of a setting of the device itself."""
    return _row(
        pattern,
        lambda device, value: setattr(device, name, value),
        lambda device: getattr(device, name),
        parameter,
    )


def _channel(
    name: str, pattern: str, parameter: Parameter, *, confirmed: Confirmed = "public driver"
) -> Command:
    """Give the row of a setting that each channel has."""
    return _row(
        f"CHANnel{{{'|'.join(CHANNELS)}}}{pattern}",
        lambda device, channel, value: setattr(device.channels[channel], name, value),
        lambda device, channel: getattr(device.channels[channel], name),
        parameter,
        confirmed=confirmed,
    )


def _rate_rows(*patterns: str) -> tuple[Command, ...]:
    def set_rate(device: Any, hertz: float) -> None:
        device.trigger_settings.symbol_rate_hz = hertz
        device.trigger_settings.find_rate = False

    rate = Number(HERTZ, minimum=50e6, maximum=1e12)
    return tuple(_row(p, set_rate, lambda d: d.trigger_settings.symbol_rate_hz, rate) for p in patterns)


def _sample_rows(*heads: str) -> tuple[Command, ...]:
    """Give the rows of samples in each bit or unit interval: a number, or the scope's own choice."""

    def set_number(device: Any, samples: int) -> None:
        device.acquisition.samples_per_symbol = samples

    def set_mode(device: Any, mode: str) -> None:
        device.acquisition.chosen_samples = mode == "AUT"
        if mode == "AUT":
            device.acquisition.samples_per_symbol = CHOSEN_SAMPLES_PER_SYMBOL

    number, mode = Number(minimum=2, maximum=1024, integer=True), Choice(("AUTomatic", "MANual"))
    rows = []
    for head in heads:
        rows.append(_row(head, set_number, lambda d: d.acquisition.samples_per_symbol, number))
        rows.append(
            _row(f"{head}:MODE", set_mode, lambda d: "AUT" if d.acquisition.chosen_samples else "MAN", mode)
        )
    return tuple(rows)


def _set_averaging(device: Any, on: bool) -> None:
    device.acquisition.smoothing = "AVER" if on else "NONE"


def _limit_row(word: str) -> Command:
    """Give the row that chooses what ends an acquisition, and how many of it."""
    kind = short_form(word)

    def set_limit(device: Any, count: int) -> None:
        device.acquisition.limit_type = kind
        device.acquisition.limits[kind] = count

    count = Number(minimum=1, maximum=1e9, integer=True)
    return _row(f"LTESt:ACQuire:CTYPe:{word}", set_limit, lambda d: d.acquisition.limits[kind], count)


def _xy_rows(*words: str) -> tuple[Command, ...]:
    """Give the rows of XY data; sources do not agree on the short form of the word."""
    rows = []
    for word in words:
        head = f"WAVeform:{word}"
        rows.append(_row(f"{head}:POINts", query=lambda d: d.points(), confirmed="no"))
        rows.append(_row(f"{head}:FLOat:POINts", query=lambda d: d.points()))
        rows.append(_row(f"{head}:FLOat:XDATa", query=lambda d: d.x_data()))
        rows.append(_row(f"{head}:FLOat:YDATa", query=lambda d: d.y_data()))
    return tuple(rows)


def _power_rows(tree: str) -> tuple[Command, ...]:
    head = f"MEASure:{tree}:APOWer"
    return (
        _row(head, lambda _d: None, lambda d: d.power()),
        _row(f"{head}:MEAN", query=lambda d: d.power()),
        _plain("measured", f"{head}:SOURce{{1}}", _CHANNEL_WORDS),
        _plain("power_unit", f"{head}:UNITs", Choice(("WATT", "DBM"))),
        _row(f"{head}:STATus", query=lambda d: d.power_status()),
        _row(f"{head}:STATus:REASon", query=lambda d: d.power_reason()),
    )


def _unlicensed_rows(*names: str) -> tuple[Command, ...]:
    """Give the rows of measurements whose licence this scope does not have."""
    rows = []
    for name in names:
        head = f"MEASure:EYE:{name}"
        rows.append(_row(head, lambda _d: None, lambda _d: NOT_A_NUMBER))
        rows.append(_row(f"{head}:SOURce{{1}}", lambda _d, _source: None, None, Text(words_too=True)))
        rows.append(_row(f"{head}:STATus", query=lambda _d: "INV"))
        rows.append(_row(f"{head}:STATus:REASon", query=lambda _d: Quoted("License not installed")))
    return tuple(rows)


COMMANDS = (
    _plain("mode", "SYSTem:MODE", Choice(("EYE", "OSCilloscope"))),
    _plain("byte_order", "SYSTem:BORDer", Choice(("LENDian", "BENDian"))),
    _row("SYSTem:DEFault", lambda d: d.reset()),
    _row("SYSTem:AUToscale", lambda d: d.autoscale()),
    _row("SYSTem:GTLocal", lambda _d: None),
    _row("MODel", query=lambda d, place: d.model_of(place), asked=(_PLACE,)),
    _channel("displayed", ":DISPlay", Boolean()),
    _channel("wavelength", ":WAVelength", Choice(("WAVelength1", "WAVelength2", "WAVelength3"))),
    _channel("signal_type", ":SIGNal:TYPE", Choice(("AUTO", "NRZ", "PAM4")), confirmed="no"),
    _channel("filtered", ":SIRC[:STATe]", Boolean()),
    _channel("bandwidth_hz", ":SIRC:FBANdwidth", _BANDWIDTH),
    _part("trigger_settings", "source", "TRIGger:SOURce", Choice(("FPANel", "FRUN"))),
    _part("trigger_settings", "mode", "TRIGger:MODe", Choice(("CLOCk",))),
    _row("TRIGger:PLOCk", lambda d, on: d.set_lock(on), lambda d: d.trigger_settings.locked, Boolean()),
    *_rate_rows("TRIGger:SRATe", "TRIGger:BRATe", "TIMebase:SRATe", "TIMebase:BRATe"),
    _part("trigger_settings", "find_rate", "TRIGger:SRATe:AUTodetect", Boolean()),
    _part("trigger_settings", "find_rate", "TRIGger:BRATe:AUTodetect", Boolean()),
    _row(
        "TRIGger:PLENgth",
        lambda d, symbols: d.set_length(symbols),
        lambda d: d.trigger_settings.pattern_length,
        _LENGTH,
    ),
    _part("trigger_settings", "find_length", "TRIGger:PLENgth:AUTodetect", Boolean()),
    _row("TRIGger:DCDRatio", lambda d, word: d.set_ratio(word), lambda d: d.ratio(), _RATIO),
    _part("trigger_settings", "find_ratio", "TRIGger:DCDRatio:AUTodetect", Boolean()),
    _plain("time_unit", "TIMebase:UNITs", Choice(("SECond", "UINTerval"))),
    _plain("ui_range", "TIMebase:UIRange", Number(minimum=1, maximum=2**31)),
    _row("ACQuire:RUN", lambda d: d.run()),
    _row("ACQuire:SINGle", lambda d: d.single()),
    _row("ACQuire:STOP", lambda d: d.stop()),
    _row("ACQuire:CDISplay", lambda d: d.clear_display()),
    _part("acquisition", "whole_pattern", "ACQuire:EPATtern", Boolean()),
    _part("acquisition", "smoothing", "ACQuire:SMOothing", Choice(("NONE", "AVERage"))),
    _part("acquisition", "count", "ACQuire:ECOunt", _AVERAGES),
    # What an 86100C called the same; FlexDCA drivers still send it.
    _row("ACQuire:AVERage", _set_averaging, lambda d: d.acquisition.smoothing == "AVER", Boolean()),
    _part("acquisition", "count", "ACQuire:COUNt", _AVERAGES),
    *_sample_rows("ACQuire:SPBit", "ACQuire:SPUI"),
    _part("acquisition", "limited", "LTESt:ACQuire:STATe", Boolean()),
    _part("acquisition", "limit_type", "LTESt:ACQuire:CTYPe", Choice(LIMIT_TYPES)),
    *(_limit_row(word) for word in LIMIT_TYPES),
    _plain("source", "WAVeform:SOURce", _CHANNEL_WORDS),
    _row("WAVeform:STATus", query=lambda d: d.waveform_status(), confirmed="no"),
    _row("WAVeform:PATTern:COMPlete", query=lambda d: d.complete()),
    *_xy_rows("XYFormat", "XYFOR"),
    *(row for tree in ("EYE", "OSCilloscope") for row in _power_rows(tree)),
    *_unlicensed_rows("TDEQ", "OOMA", "OER", "PAM:LINearity"),
)
