"""The figures of a stored four-level eye, as `photonbench eye` prints them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from measurements.capture import Waveform
from measurements.levels import Pam4Levels, measure_levels
from measurements.openings import Equaliser, EyeOpenings, eye_openings
from measurements.quantity import NotMeasurable
from measurements.reference_receivers import reference_receiver
from measurements.tdecq import TdecqResult, tdecq
from station.cli.lines import line, wrapped

_EYES = ("lower", "middle", "upper")


def pam4_figures(
    waveform: Waveform,
    *,
    receiver: str,
    averages: int,
    signal_noise_mw: float | None,
    scope_noise_mw: float,
) -> dict[str, Any]:
    """Compute every figure of a four-level eye; what cannot be measured says why."""
    noise_mw = max(signal_noise_mw or 0.0, scope_noise_mw) / averages**0.5
    levels = measure_levels(waveform, noise_mw=noise_mw)
    if isinstance(levels, NotMeasurable):
        return {"not_measurable": levels.reason, "tdecq_db": None, "tdecq_reason": levels.reason}
    closure = tdecq(
        waveform.power_mw,
        waveform.pattern,
        samples_per_symbol=waveform.samples_per_symbol,
        symbol_rate_gbd=waveform.symbol_rate_gbd,
        equalizer=reference_receiver(receiver),
        averages=averages,
        signal_noise_mw=signal_noise_mw,
        scope_noise_mw=scope_noise_mw,
    )
    return {**_levels(levels), **_closure(closure), **_openings(waveform, closure)}


def _levels(levels: Pam4Levels) -> dict[str, Any]:
    return {
        "oma_outer_dbm": levels.outer.oma_dbm,
        "oma_outer_mw": levels.outer.oma_mw,
        "extinction_ratio_db": levels.outer.extinction_ratio_db,
        "levels_mw": list(levels.levels_mw),
        "rlm": levels.rlm,
        "overshoot_percent": levels.overshoot_percent,
        "undershoot_percent": levels.undershoot_percent,
        "transition_time_ps": levels.transition_time_ps,
    }


def _closure(result: TdecqResult | NotMeasurable) -> dict[str, Any]:
    if isinstance(result, NotMeasurable):
        return {"tdecq_db": None, "tdecq_reason": result.reason}
    return {
        "tdecq_db": result.tdecq_db,
        "tdecq_standard_error_db": result.standard_error_db,
        "ceq_db": result.ceq_db,
        "k_db": result.k_db,
        "partial_tdecq_db": [[_number(one) for one in side] for side in result.partial_tdecq_db.tolist()],
        "taps": [float(tap) for tap in result.taps],
        "main_tap": result.main_tap,
        "phase_ui": result.phase_ui,
        "noise_source": str(result.noise_source),
        "noise_mw": result.noise_mw,
        "scope_noise_credited_mw": result.scope_noise_credited_mw,
        "reference_receiver": result.equalizer.name,
    }


def _number(value: float) -> float | None:
    """Give a number that JSON knows."""
    return value if math.isfinite(value) else None


def _openings(waveform: Waveform, result: TdecqResult | NotMeasurable) -> dict[str, Any]:
    """Measure the eyes behind the reference equaliser where there is one, else as they are."""
    from measurements.capture import lock

    locked = lock(waveform.signal(), waveform.pattern)
    if isinstance(locked, NotMeasurable):
        return {"eyes": None, "eyes_reason": locked.reason}
    behind = None if isinstance(result, NotMeasurable) else Equaliser(result.taps, result.main_tap)
    found = eye_openings(locked, equaliser=behind)
    if not isinstance(found, EyeOpenings):
        return {"eyes": None, "eyes_reason": found.reason}
    return {
        "eyes": [
            {
                "eye": name,
                "height_mw": eye.height_mw,
                "width_ui": eye.width_ui,
                "skew_ui": eye.skew_ui,
                "linearity": share,
            }
            for name, eye, share in zip(_EYES, found.eyes, found.linearity, strict=True)
        ],
        "eyes_behind_equalizer": behind is not None,
    }


def pam4_lines(found: dict[str, Any]) -> Iterator[str]:
    """Write the figures of a four-level eye, one a line."""
    edge = found["transition_time_ps"]
    yield line("OMAouter", f"{found['oma_outer_dbm']:.2f} dBm  ({found['oma_outer_mw']:.4g} mW)")
    yield line("outer ER", f"{found['extinction_ratio_db']:.2f} dB")
    yield line("levels", f"{'  '.join(f'{level:.4f}' for level in found['levels_mw'])} mW")
    yield line("RLM", f"{found['rlm']:.3f}")
    yield line(
        "overshoot", f"{found['overshoot_percent']:.1f} %, undershoot {found['undershoot_percent']:.1f} %"
    )
    edge_text = "no edge in this pattern" if edge is None else f"{edge:.2f} ps (20 to 80 %)"
    yield line("transition time", edge_text)
    yield from _closure_lines(found)
    yield from _eye_lines(found)


def _closure_lines(found: dict[str, Any]) -> Iterator[str]:
    if found["tdecq_db"] is None:
        yield from wrapped("TDECQ", f"not measurable: {found['tdecq_reason']}")
        return
    error = found["tdecq_standard_error_db"]
    yield line("TDECQ", f"{found['tdecq_db']:.2f} dB  (standard error {error:.2g} dB)")
    yield line("Ceq, K", f"{found['ceq_db']:.2f} dB, {found['k_db']:.2f} dB")
    for side, partial in zip(("left", "right"), found["partial_tdecq_db"], strict=True):
        shown = ", ".join("closed" if one is None else f"{one:.2f}" for one in partial)
        yield line(f"partial, {side}", f"{shown} dB  (lower, middle, upper eye)")
    taps = "  ".join(f"{tap:.4f}" for tap in found["taps"][:5])
    more = " ..." if len(found["taps"]) > 5 else ""
    yield line("taps", f"{taps}{more}  (main: {found['main_tap'] + 1})")
    yield line("reference", found["reference_receiver"])
    yield line("noise", f"{found['noise_mw'] * 1e3:.3g} µW: {found['noise_source']}")


def _eye_lines(found: dict[str, Any]) -> Iterator[str]:
    if found["eyes"] is None:
        yield from wrapped("eyes", f"not measurable: {found['eyes_reason']}")
        return
    where = "behind the equaliser" if found["eyes_behind_equalizer"] else "without an equaliser"
    yield line("eyes", f"{where}, no symbol seen inside")
    for eye in found["eyes"]:
        size = f"{eye['height_mw']:.4f} mW high, {eye['width_ui']:.3f} UI wide"
        yield line(f"  {eye['eye']}", f"{size}, linearity {eye['linearity']:.3f}")
