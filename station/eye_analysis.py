"""What a worker does with one lane's capture: every figure of the eye, its picture, its stored waveform."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instruments.interfaces.sampling_scope import PatternCapture
from measurements.capture import LockedSignal, Waveform, lock
from measurements.eye import eye_density
from measurements.levels import Pam4Levels, levels_of
from measurements.patterns import pattern
from measurements.quantity import Cause, NotMeasurable, Quantity, Result
from measurements.reference_receivers import reference_receiver
from measurements.rin import rin_oma
from measurements.tdecq import TdecqResult, tdecq_of
from measurements.uneven import waveform_from_xy
from measurements.units import db_to_ratio

WAVEFORMS = "waveforms"
_COLUMNS, _ROWS = 192, 150
_SYMBOLS_SHOWN = 16_384
_LINE_POINTS = 6
_FULL_SCALE = 32767


@dataclass(frozen=True, slots=True)
class EyeRequest:
    """One lane's capture with all that turns it into figures at the transceiver (TP2).

    Uncertainties are k=2. `folder` is the run's; the waveform and the picture are stored below it.
    """

    capture: PatternCapture
    path_loss_db: float
    path_uncertainty_db: float
    power_accuracy_db: float
    reference_receiver: str
    instrument: str
    folder: Path

    @property
    def gain(self) -> float:
        """Get the factor from power at the scope to power at the transceiver."""
        return float(db_to_ratio(self.path_loss_db))

    @property
    def level_error_db(self) -> float:
        """Get the standard error of a power level at the transceiver."""
        return math.hypot(self.path_uncertainty_db, self.power_accuracy_db) / 2

    def noise_mw(self, at_scope_mw: float) -> float:
        """Give an rms noise as it would be at the transceiver."""
        return at_scope_mw * self.gain


def analyse_eye(request: EyeRequest) -> Mapping[str, Result]:
    """Compute every figure of one lane's eye; what cannot be measured says why."""
    capture = request.capture
    waveform = waveform_from_xy(
        np.asarray(capture.time_s, dtype=np.float64),
        np.asarray(capture.power_mw, dtype=np.float64) * request.gain,
        pattern=pattern(capture.pattern),
        symbol_rate_gbd=capture.symbol_rate_gbd,
    )
    stored = _store_waveform(request, waveform)
    noise_mw = max(capture.signal_noise_mw or 0.0, capture.scope_noise_mw) / math.sqrt(capture.averages)
    locked = lock(waveform.signal(), waveform.pattern, noise_mw=request.noise_mw(noise_mw))
    if isinstance(locked, NotMeasurable):
        return dict.fromkeys(_NAMES, _named(locked, request))
    levels = levels_of(waveform, locked)
    result = _tdecq(request, locked)
    return {**_levels(request, levels, stored), **_penalty(request, waveform, levels, result)}


_NAMES = (
    "oma_outer",
    "extinction_ratio",
    "rlm",
    "tdecq",
    "oma_minus_tdecq",
    "transition_time",
    "rin_oma",
)


def _tdecq(request: EyeRequest, locked: LockedSignal) -> TdecqResult | NotMeasurable:
    capture = request.capture
    noise_mw = capture.signal_noise_mw
    return tdecq_of(
        locked,
        equalizer=reference_receiver(request.reference_receiver),
        averages=capture.averages,
        signal_noise_mw=None if noise_mw is None else request.noise_mw(noise_mw),
        scope_noise_mw=request.noise_mw(capture.scope_noise_mw),
    )


def _levels(request: EyeRequest, levels: Pam4Levels, stored: dict[str, object]) -> dict[str, Result]:
    outer, error = levels.outer, request.level_error_db
    settled = {
        "p3_mw": outer.p3_mw,
        "p0_mw": outer.p0_mw,
        "average_mw": outer.average_mw,
        "averages": request.capture.averages,
        "path_loss_db": request.path_loss_db,
    }
    return {
        "oma_outer": _quantity(request, outer.oma_dbm, "dBm", error, settled | stored),
        "extinction_ratio": _quantity(request, outer.extinction_ratio_db, "dB", None, settled),
        "rlm": _quantity(request, levels.rlm, "1", None, {"levels_mw": list(levels.levels_mw)}),
        "transition_time": _transition_time(request, levels),
    }


def _transition_time(request: EyeRequest, levels: Pam4Levels) -> Result:
    if levels.transition_time_ps is None:
        reason = "the pattern holds no edge between settled outer levels"
        return NotMeasurable(reason, Cause.EYE_CLOSED, instruments=(request.instrument,))
    evidence = {"rise_ps": levels.rise_time_ps, "fall_ps": levels.fall_time_ps}
    return _quantity(request, levels.transition_time_ps, "ps", None, evidence)


def _penalty(
    request: EyeRequest, waveform: Waveform, levels: Pam4Levels, result: TdecqResult | NotMeasurable
) -> dict[str, Result]:
    rin = _rin(request, levels)
    if isinstance(result, NotMeasurable):
        closed = _named(result, request)
        return {"tdecq": closed, "oma_minus_tdecq": closed, "rin_oma": rin}
    thresholds = levels.outer.average_mw + levels.outer.oma_mw / 3 * np.array([-1.0, 0.0, 1.0])
    evidence = {
        "ceq_db": result.ceq_db,
        "partial_tdecq_db": [
            [one if math.isfinite(one) else None for one in side] for side in result.partial_tdecq_db.tolist()
        ],
        "sigma_mw": result.sigma_mw,
        "taps": [round(float(tap), 6) for tap in result.taps],
        "main_tap": result.main_tap,
        "phase_ui": result.phase_ui,
        "thresholds_mw": [float(t) for t in thresholds + result.threshold_offsets_mw],
        "levels_mw": list(levels.levels_mw),
        "ser": [result.ser_left, result.ser_right],
        "noise_source": str(result.noise_source),
        "noise_mw": result.noise_mw,
        "scope_noise_mw": request.noise_mw(request.capture.scope_noise_mw),
        "reference_receiver": result.equalizer.name,
        "averages": request.capture.averages,
        "sampling": request.capture.sampling,
        "bandwidth_hz": request.capture.bandwidth_hz,
        "instrument_tdecq_db": request.capture.instrument_tdecq_db,
        "eye": _picture(request, waveform, result.phase_ui),
    }
    error = math.hypot(result.standard_error_db, request.level_error_db)
    difference = levels.outer.oma_dbm - result.tdecq_db
    return {
        "tdecq": _quantity(request, result.tdecq_db, "dB", result.standard_error_db, evidence),
        "oma_minus_tdecq": _quantity(request, difference, "dBm", error, {}),
        "rin_oma": rin,
    }


def _rin(request: EyeRequest, levels: Pam4Levels) -> Result:
    capture = request.capture
    if capture.signal_noise_mw is None:
        reason = "the noise of one acquisition is not known"
        return NotMeasurable(reason, Cause.NO_MODULATION, instruments=(request.instrument,))
    rin = rin_oma(
        [request.noise_mw(capture.signal_noise_mw)],
        oma_mw=levels.outer.oma_mw,
        symbol_rate_gbd=capture.symbol_rate_gbd,
        scope_noise_mw=request.noise_mw(capture.scope_noise_mw),
    )
    evidence = {"noise_mw": rin.noise_mw, "bandwidth_hz": rin.bandwidth_hz}
    return Quantity(rin.rin_db_per_hz, "dB/Hz", None, rin.bound, evidence, (request.instrument,))


def _quantity(
    request: EyeRequest, value: float, unit: str, error: float | None, evidence: Mapping[str, object]
) -> Quantity:
    return Quantity(float(value), unit, error, evidence=evidence, instruments=(request.instrument,))


def _named(result: NotMeasurable, request: EyeRequest) -> NotMeasurable:
    return NotMeasurable(result.reason, result.cause, result.evidence, (request.instrument,))


def _store_waveform(request: EyeRequest, waveform: Waveform) -> dict[str, object]:
    """Store the waveform as 16-bit numbers under the digest of its content."""
    power_mw = np.asarray(waveform.power_mw)
    low, high = float(power_mw.min()), float(power_mw.max())
    scale = (high - low) / (2 * _FULL_SCALE) or 1.0
    data = np.round((power_mw - (low + high) / 2) / scale).astype("<i2")
    name = _save(request.folder, data, ".npy")
    return {
        "waveform": {
            "file": name,
            "scale_mw": scale,
            "offset_mw": (low + high) / 2,
            "pattern": request.capture.pattern,
            "samples_per_symbol": waveform.samples_per_symbol,
            "symbol_rate_gbd": waveform.symbol_rate_gbd,
        }
    }


def _picture(request: EyeRequest, waveform: Waveform, phase_ui: float) -> dict[str, object]:
    """Store the density of the eye, one unit interval to either side of the decision instant.

    A stretch of the record is drawn, with straight lines between its samples as a scope draws them.
    """
    shown = min(waveform.pattern.size, _SYMBOLS_SHOWN) * waveform.samples_per_symbol
    density = eye_density(
        _joined(np.asarray(waveform.power_mw[: int(shown)], dtype=np.float32), _LINE_POINTS),
        samples_per_symbol=waveform.samples_per_symbol * _LINE_POINTS,
        columns=_COLUMNS,
        rows=_ROWS,
        start_ui=phase_ui - 1.0,
    )
    counts = np.minimum(density.counts, 65535).astype("<u2")
    return {
        "file": _save(request.folder, counts, ".eye.npy"),
        "time_ui": [phase_ui - 1.0, phase_ui + 1.0],
        "power_mw": [float(density.power_edges_mw[0]), float(density.power_edges_mw[-1])],
    }


def _joined(samples: NDArray[np.float32], points: int) -> NDArray[np.float32]:
    """Draw straight lines between samples, each of so many points; the last one ends at the first."""
    steps = np.arange(points, dtype=np.float32) / np.float32(points)
    rise = np.roll(samples, -1) - samples
    return (samples[:, None] + rise[:, None] * steps).ravel()


def _save(folder: Path, data: np.ndarray[tuple[int, ...], np.dtype[np.generic]], ending: str) -> str:
    digest = hashlib.sha256(data.tobytes()).hexdigest()
    place = folder / WAVEFORMS
    place.mkdir(exist_ok=True)
    with (place / f"{digest}{ending}").open("wb") as file:
        np.save(file, data)
    return f"{WAVEFORMS}/{digest}{ending}"
