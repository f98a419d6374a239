"""Draw the figures of the explanations with the code they explain: `python docs/figures.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measurements.capture import Waveform, filtered
from measurements.eye import eye_density
from measurements.patterns import pattern
from measurements.slicer import bearable_noise, histogram
from measurements.tdecq import TdecqResult, tdecq
from measurements.units import FloatArray
from station.reports.colours import density_palette, paint
from station.reports.png import data_uri, encode

EXPLANATION = Path(__file__).parent / "explanation"
_PER_SYMBOL, _RATE_GBD = 64, 53.125
_QT = 3.414
_COLOURS = {"line": "#333", "window": "#c2410c", "threshold": "#0369a1", "curve": "#7c3aed"}


def write() -> None:
    """Write all figures."""
    (EXPLANATION / "tdecq.svg").write_text(closure_figure(), encoding="utf-8")


def closure_figure() -> str:
    """Draw a slow transmitter before and after the equaliser, a window's histogram, and the blind rule."""
    symbols, power_mw = pattern("PRBS13Q"), _slow_transmitter()
    found = tdecq(power_mw, symbols, samples_per_symbol=_PER_SYMBOL, symbol_rate_gbd=_RATE_GBD)
    if not isinstance(found, TdecqResult):
        raise RuntimeError(f"the figure's own transmitter has no TDECQ: {found.reason}")
    equalised = sum(
        tap * np.roll(power_mw, -_PER_SYMBOL * (found.main_tap - i)) for i, tap in enumerate(found.taps)
    )
    average = float(power_mw.mean())
    thresholds = average + found.oma_outer_mw / 3 * np.array([-1, 0, 1]) + found.threshold_offsets_mw
    panels = [
        _eye(20, "behind the half-rate receiver", power_mw, found, None),
        _eye(
            300,
            f"behind the equaliser: TDECQ {found.tdecq_db:.2f} dB",
            np.asarray(equalised),
            found,
            thresholds,
        ),
        _window(580, np.asarray(equalised), found, thresholds),
        _blind_rule(20, 270),
        _noise_budget(440, 270, found),
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg"'
        ' viewBox="0 0 860 510" font-size="11" font-family="sans-serif">'
        '<rect width="860" height="510" fill="white"/>' + "".join(panels) + "</svg>\n"
    )


def _slow_transmitter() -> FloatArray:
    symbols = pattern("PRBS13Q")
    held = 0.3 + np.repeat(symbols / 3.0, _PER_SYMBOL)
    options = (symbols, _PER_SYMBOL, _RATE_GBD)
    slow = filtered(Waveform(held, *options), 0.45 * _RATE_GBD)
    noise = np.random.default_rng(1).normal(0.0, 0.006, held.size)
    return np.asarray(filtered(Waveform(slow.power_mw, *options), 0.5 * _RATE_GBD).power_mw + noise)


def _eye(x: int, title: str, power_mw: FloatArray, found: TdecqResult, thresholds: FloatArray | None) -> str:
    """Draw one and a half unit intervals around the decision, with the two windows and the thresholds."""
    low, high = -0.05, 1.65
    density = eye_density(
        power_mw,
        samples_per_symbol=_PER_SYMBOL,
        columns=96,
        rows=160,
        span_ui=1.5,
        start_ui=found.phase_ui - 0.75,
        power_range_mw=(low, high),
    )
    picture = encode(np.ascontiguousarray(paint(density.counts.astype(float))[::-1]), density_palette())
    parts = [
        _text(x, 30, title),
        f'<image x="{x}" y="40" width="240" height="180" preserveAspectRatio="none"'
        f' href="{data_uri(picture)}"/>',
        _box(x, 40, 240, 180),
        _text(x + 120, 236, "time from the middle of the pair, -0.75 to 0.75 UI", "middle"),
    ]
    for side in (-0.05, 0.05):
        middle = x + 120 + side * 160
        place = f'x="{middle - 3.2:.1f}" y="40" width="6.4" height="180"'
        parts.append(f'<rect {place} fill="none" stroke="{_COLOURS["window"]}"/>')
    for threshold in () if thresholds is None else thresholds:
        y = 220 - 180 * (threshold - low) / (high - low)
        parts.append(_line(x, y, x + 240, y, "threshold"))
    return "".join(parts)


def _window(x: int, equalised: FloatArray, found: TdecqResult, thresholds: FloatArray) -> str:
    """Draw the left window's histogram, and what the noise that it bears makes of it."""
    first = round((found.phase_ui - 0.05) * _PER_SYMBOL) % _PER_SYMBOL
    counted = histogram(equalised[first::_PER_SYMBOL])
    noise = found.sigma_mw * 10 ** (found.ceq_db / 10)
    grid = np.linspace(-0.05, 1.65, 340)
    bare = np.histogram(equalised[first::_PER_SYMBOL], bins=grid)[0].astype(float)
    kernel = np.exp(-0.5 * ((grid[:, None] - counted.places) / noise) ** 2)
    noisy = kernel @ counted.shares
    curves = [
        _trace(x, 220, 240, 170, bare / bare.max(), "line"),
        _trace(x, 220, 240, 170, noisy / noisy.max(), "curve"),
    ]
    marks = [
        _line(place, 40, place, 220, "threshold")
        for place in (x + 240 * (threshold + 0.05) / 1.7 for threshold in thresholds)
    ]
    label = "left window: values, and with the noise they bear"
    return (
        _text(x, 30, label)
        + _box(x, 40, 240, 180)
        + "".join(marks + curves)
        + _text(x + 120, 236, "power", "middle")
    )


def _blind_rule(x: int, y: int) -> str:
    """Draw the closure of a noisy transmitter as the blind rule counts it and as errors would."""
    shares = np.linspace(0.0, 0.95, 39)
    blind, counted = (np.array([one(share) for share in shares]) for one in (_blind_db, _counted_db))
    top = 4.5
    parts = [
        _text(x, y + 20, "what transmitter noise costs (dB): counted errors above, the blind rule below")
    ]
    parts += [_box(x, y + 30, 360, 180)]
    parts += [_trace(x, y + 210, 360, 180, np.minimum(counted / top, 1.0), "line")]
    parts += [_trace(x, y + 210, 360, 180, np.minimum(blind / top, 1.0), "curve")]
    parts += [_text(x + 180, y + 226, "noise, 0 to 0.95 of what an ideal eye bears", "middle")]
    edge = x + 360 * 0.7 / 0.95
    parts += [_line(edge, y + 30, edge, y + 210, "threshold"), _text(edge - 4, y + 44, "0.7", "end")]
    difference = counted[36] - blind[36]
    parts += [_text(x + 4, y + 44, f"{top:g} dB"), _text(x + 4, y + 206, "0")]
    parts += [_text(x + 60, y + 60, f"at {shares[36]:.2f} the blind rule is {difference:.2f} dB kinder")]
    return "".join(parts)


def _blind_db(share: float) -> float:
    """Hold ideal levels with Gaussian noise against all thresholds, whatever was sent."""
    from scipy.special import ndtri

    levels = np.arange(4) / 3.0
    noise = share / (6 * _QT) * ndtri((np.arange(20_000) + 0.5) / 20_000)
    values = (levels[:, None] + noise).ravel()
    borne = bearable_noise((histogram(values),), np.array([1, 3, 5]) / 6.0, 4.8e-4)
    return float("nan") if borne is None else float(-10 * np.log10(6 * _QT * borne))


def _counted_db(share: float) -> float:
    return float(-5 * np.log10(1 - share**2))


def _noise_budget(x: int, y: int, found: TdecqResult) -> str:
    """Draw where the closure comes from: eye by eye and side by side, and the equaliser's noise."""
    parts = [_text(x, y + 20, "the same transmitter, in dB")]
    names = ["lower", "middle", "upper"]
    rows = [("TDECQ", found.tdecq_db, "line"), ("10 log10(Ceq)", found.ceq_db, "threshold")]
    rows += [("K = TDECQ - 10 log10(Ceq)", found.k_db, "threshold")]
    rows += [
        (f"{name} eye, {side} window", float(found.partial_tdecq_db[i, k]), "curve")
        for k, name in enumerate(names)
        for i, side in enumerate(("left", "right"))
    ]
    for i, (name, value, colour) in enumerate(rows):
        top = y + 34 + 20 * i
        width = 200 * value / 2.5
        parts.append(_text(x + 150, top + 11, name, "end"))
        parts.append(
            f'<rect x="{x + 158}" y="{top}" width="{width:.1f}" height="14" fill="{_COLOURS[colour]}"/>'
        )
        parts.append(_text(x + 162 + width, top + 11, f"{value:.2f}"))
    return "".join(parts)


def _trace(x: int, base: int, width: int, height: int, shares: NDArray[np.floating], colour: str) -> str:
    places = x + np.linspace(0, width, shares.size)
    points = " ".join(
        f"{place:.1f},{base - height * share:.1f}" for place, share in zip(places, shares, strict=True)
    )
    return f'<polyline points="{points}" fill="none" stroke="{_COLOURS[colour]}" stroke-width="1.5"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_COLOURS[colour]}"'
        ' stroke-dasharray="4 3"/>'
    )


def _box(x: int, y: int, width: int, height: int) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="{_COLOURS["line"]}"/>'
    )


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    write()
