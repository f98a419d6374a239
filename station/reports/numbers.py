"""Numbers and words as people read them, with no more figures than are worth something."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from station.journal import Event

_DECIMALS = {"dBm": 2, "dB": 2, "dB/Hz": 1, "nm": 3, "ps": 2, "A": 3, "W": 2, "degC": 2, "V": 3}
_MOST_DECIMALS = 6
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORDS = {
    "oma": "OMA", "tdecq": "TDECQ", "tecq": "TECQ", "rlm": "RLM", "smsr": "SMSR", "rin": "RIN",
    "ber": "BER", "tx": "TX", "rx": "RX", "er": "ER", "los": "LOS",
}  # fmt: skip
# Control characters, and those that turn the direction of the text around: they could hide or fake a serial.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Write characters that nobody sees by their code."""
    return _HIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def as_number(value: object) -> float | None:
    """Get a finite number out of a record's field, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def decimals(unit: str, values: Iterable[float], limits: Iterable[float]) -> int | None:
    """Choose the decimals of a column; None asks for powers of ten.

    A value that is not equal to a limit must not look equal to it.
    """
    listed, held = list(values), list(limits)
    if all(value == int(value) for value in (*listed, *held)):
        return 0
    positive = [abs(value) for value in (*listed, *held) if value]
    if unit == "1" and max(positive) < 0.01:
        return None
    chosen = _DECIMALS.get(unit, 3)
    while chosen < _MOST_DECIMALS and _looks_equal(listed, held, chosen):
        chosen += 1
    return chosen


def number(value: float, decimals: int | None) -> str:
    """Write a number with so many decimals, or as a power of ten."""
    if decimals is None:
        return power_of_ten(value)
    text = f"{value:.{decimals}f}"
    return _minus(text if float(text) else text.removeprefix("-"))


def power_of_ten(value: float) -> str:
    """Write a number as 1.23×10⁻⁴."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.2e}".split("e")
    return _minus(f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}")


def decade(value: float) -> str:
    """Write a power of ten as 10⁻⁴."""
    return f"10{str(round(math.log10(value))).translate(_SUPERSCRIPTS)}"


def plain(value: float) -> str:
    """Write a number with up to four figures, and a power of ten where it is small or large."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return power_of_ten(value)
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:.{digits}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def exact(value: float) -> str:
    """Write a number as it was given: a limit must not be rounded."""
    if value and abs(value) < 1e-3:
        mantissa, exponent = f"{value:e}".split("e")
        return _minus(f"{float(mantissa):g}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}")
    return _minus(repr(value).removesuffix(".0"))


def unit_text(unit: object) -> str:
    """Write a unit: degC becomes °C, and "1" nothing."""
    return {"degC": "°C", "1": "", "None": ""}.get(str(unit), str(unit))


def title(name: str) -> str:
    """Write the name of a measurement as words: tx_oma_outer becomes "TX OMA outer"."""
    parts = [_WORDS.get(part, part) for part in name.split("_") if part]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def seconds_text(value: object) -> str:
    """Write a duration: 0.42 s, 12.3 s, 3 min 20 s, 1 h 02 min."""
    seconds = as_number(value)
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def time_text(value: object) -> str:
    """Write an instant of the record: 2026-11-23 18:42:55 UTC."""
    text = str(value or "")
    if len(text) >= 19 and text[10] == "T":
        zone = " UTC" if text.endswith(("+00:00", "Z")) else text[19:]
        return f"{text[:10]} {text[11:19]}{zone}"
    return text or "unknown"


def lane_text(event: Event) -> str:
    """Write which lane a measurement is of; an empty string means the whole transceiver."""
    lane = event.get("lane")
    return "" if lane is None else f"lane {lane}"


def _looks_equal(values: list[float], limits: list[float], places: int) -> bool:
    return any(
        value != limit and f"{value:.{places}f}" == f"{limit:.{places}f}"
        for value in values
        for limit in limits
    )


def _minus(text: str) -> str:
    return text.replace("-", "−")
