"""The figures of a stored eye, as `photonbench eye` prints them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measurements.capture import Waveform
from measurements.eye import eye_density
from measurements.patterns import is_pam4, pattern
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
    mask: str | None = None
    equivalent_time: bool = False


def analysed(path: Path, capture: StoredCapture, asked: Asked, out: Path | None) -> dict[str, Any]:
    """Compute every figure of an eye; what cannot be measured says why. Raise CaptureError, PatternError."""
    waveform = _waveform(path, capture, asked)
    pam4 = is_pam4(asked.pattern)
    document = {
        "file": str(path),
        "run_id": capture.told.get("run_id"),
        "modulation": "pam4" if pam4 else "nrz",
        "pattern": asked.pattern,
        "symbol_rate_gbd": asked.symbol_rate_gbd,
        "samples": int(waveform.power_mw.size),
        "samples_per_symbol": waveform.samples_per_symbol,
        "periods": waveform.periods,
        "averages": asked.averages,
        **_average(waveform),
        **(_of_four_levels(waveform, asked) if pam4 else _of_two_levels(waveform, asked)),
        "picture": None,
    }
    if out is not None:
        _paint(waveform, document.get("phase_ui"), out)
        document["picture"] = str(out)
    return document


def _of_four_levels(waveform: Waveform, asked: Asked) -> dict[str, Any]:
    from station.cli.eye_pam4 import pam4_figures

    return pam4_figures(
        waveform,
        receiver=asked.reference_receiver,
        averages=asked.averages,
        signal_noise_mw=asked.signal_noise_mw,
        scope_noise_mw=asked.scope_noise_mw,
    )


def _of_two_levels(waveform: Waveform, asked: Asked) -> dict[str, Any]:
    from station.cli.eye_nrz import nrz_figures

    noise_mw = max(asked.signal_noise_mw or 0.0, asked.scope_noise_mw) / asked.averages**0.5
    return nrz_figures(waveform, noise_mw=noise_mw, mask=asked.mask, equivalent_time=asked.equivalent_time)


def _waveform(path: Path, capture: StoredCapture, asked: Asked) -> Waveform:
    symbols = pattern(asked.pattern)
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
