"""The figures of a stored eye, as `photonbench eye` prints them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measurements.capture import Waveform
from measurements.eye import eye_density
from measurements.levels import Pam4Levels, measure_levels
from measurements.patterns import is_pam4, pattern
from measurements.quantity import NotMeasurable
from measurements.reference_receivers import reference_receiver
from measurements.tdecq import TdecqResult, tdecq
from measurements.uneven import waveform_from_xy
from measurements.units import mw_to_dbm
from station.cli.captures import StoredCapture
from station.cli.output import CommandError
from station.reports.colours import density_palette, paint
from station.reports.png import encode

_INSTANTS, _PIXELS, _ROWS = 120, 2, 240  # instants of one unit interval, pixels of one instant


@dataclass(frozen=True, slots=True)
class Asked:
    """What must be known of a capture beyond its samples."""

    symbol_rate_gbd: float
    pattern: str
    reference_receiver: str
    samples_per_symbol: float | None
    averages: int
    signal_noise_mw: float | None
    scope_noise_mw: float


def analysed(path: Path, capture: StoredCapture, asked: Asked, out: Path | None) -> dict[str, Any]:
    """Compute every figure of an eye; what cannot be measured says why. Raise CaptureError, PatternError."""
    waveform = _waveform(path, capture, asked)
    noise_mw = max(asked.signal_noise_mw or 0.0, asked.scope_noise_mw) / asked.averages**0.5
    levels = measure_levels(waveform, noise_mw=noise_mw)
    closure: TdecqResult | NotMeasurable = (
        levels
        if isinstance(levels, NotMeasurable)
        else tdecq(
            waveform.power_mw,
            waveform.pattern,
            samples_per_symbol=waveform.samples_per_symbol,
            symbol_rate_gbd=waveform.symbol_rate_gbd,
            equalizer=reference_receiver(asked.reference_receiver),
            averages=asked.averages,
            signal_noise_mw=asked.signal_noise_mw,
            scope_noise_mw=asked.scope_noise_mw,
        )
    )
    document = {
        "file": str(path),
        "run_id": capture.told.get("run_id"),
        "pattern": asked.pattern,
        "symbol_rate_gbd": asked.symbol_rate_gbd,
        "samples": int(waveform.power_mw.size),
        "samples_per_symbol": waveform.samples_per_symbol,
        "periods": waveform.periods,
        "averages": asked.averages,
        **_average(waveform),
        **_levels(levels),
        **_closure(closure),
        "picture": None,
    }
    if out is not None:
        _paint(waveform, document.get("phase_ui"), out)
        document["picture"] = str(out)
    return document


def _waveform(path: Path, capture: StoredCapture, asked: Asked) -> Waveform:
    symbols = pattern(asked.pattern)
    if not is_pam4(asked.pattern):
        raise CommandError(f"{asked.pattern} has two levels", remedy="name a PAM4 pattern, for example SSPRQ")
    if capture.time_s is None:
        per_symbol = asked.samples_per_symbol or _of_one_period(path, capture, asked.pattern, symbols.size)
        return Waveform(capture.power_mw, symbols, per_symbol, asked.symbol_rate_gbd)
    if asked.samples_per_symbol is not None:
        raise CommandError(
            f"{path}: its time column says how many samples a symbol has",
            remedy="leave --samples-per-symbol away",
        )
    rate = asked.symbol_rate_gbd
    return waveform_from_xy(capture.time_s, capture.power_mw, pattern=symbols, symbol_rate_gbd=rate)


def _of_one_period(path: Path, capture: StoredCapture, name: str, symbols: int) -> float:
    """Take the record for one period; refuse one of another length, which would be some rate as well."""
    samples = capture.power_mw.size
    if samples % symbols:
        raise CommandError(
            f"{path}: {samples:,} samples are not one period of {name} ({symbols:,} symbols) with a whole "
            "number of samples a symbol",
            remedy="check --pattern, or give --samples-per-symbol",
        )
    return samples / symbols


def _average(waveform: Waveform) -> dict[str, Any]:
    average = float(np.mean(waveform.power_mw, dtype=np.float64))
    return {"average_mw": average, "average_dbm": mw_to_dbm(average) if average > 0 else None}


def _levels(levels: Pam4Levels | NotMeasurable) -> dict[str, Any]:
    if isinstance(levels, NotMeasurable):
        return {"not_measurable": levels.reason}
    return {
        "oma_outer_dbm": levels.outer.oma_dbm,
        "oma_outer_mw": levels.outer.oma_mw,
        "extinction_ratio_db": levels.outer.extinction_ratio_db,
        "levels_mw": list(levels.levels_mw),
        "rlm": levels.rlm,
        "transition_time_ps": levels.transition_time_ps,
    }


def _closure(result: TdecqResult | NotMeasurable) -> dict[str, Any]:
    if isinstance(result, NotMeasurable):
        return {"tdecq_db": None, "tdecq_reason": result.reason}
    return {
        "tdecq_db": result.tdecq_db,
        "tdecq_standard_error_db": result.standard_error_db,
        "ceq_db": result.ceq_db,
        "taps": [float(tap) for tap in result.taps],
        "main_tap": result.main_tap,
        "phase_ui": result.phase_ui,
        "noise_source": str(result.noise_source),
        "noise_mw": result.noise_mw,
        "scope_noise_credited_mw": result.scope_noise_credited_mw,
        "reference_receiver": result.equalizer.name,
    }


def _paint(waveform: Waveform, phase_ui: float | None, out: Path) -> None:
    """Write two unit intervals of the eye, the decision instant in the middle where it is known.

    The waveform is drawn through its samples, so few of them a symbol leave no gaps.
    """
    signal = waveform.signal()
    instants = signal.rows(np.arange(_INSTANTS) / _INSTANTS) + np.float32(signal.mean)
    density = eye_density(
        instants.T.reshape(-1),
        samples_per_symbol=_INSTANTS,
        columns=2 * _INSTANTS,
        rows=_ROWS,
        start_ui=(phase_ui or 0.0) - 1.0,
    )
    top_first = np.repeat(paint(density.counts.astype(np.float64))[::-1], _PIXELS, axis=1)
    out.write_bytes(encode(np.ascontiguousarray(top_first), density_palette()))
