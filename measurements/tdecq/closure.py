"""The computation of TDECQ, from a capture to the number or to the reason why there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError, LockedSignal, Waveform, lock
from measurements.levels import OuterLevels, outer_levels
from measurements.patterns import Symbols
from measurements.quantity import Cause, NotMeasurable
from measurements.reference_receivers import IEEE_802_3CD, ReferenceReceiver, reference_receiver
from measurements.slicer import bearable_noise, symbol_error_ratio
from measurements.tdecq.noise import RecordNoise
from measurements.tdecq.polish import search
from measurements.tdecq.result import TdecqResult
from measurements.tdecq.task import Setting, Task
from measurements.tdecq.uncertainty import standard_error_db
from measurements.tdecq.windows import Windows, balanced, best_of
from measurements.units import FloatArray, ratio_to_db

_DARKEST = -0.05
"""A zero level this far below no light, in parts of OMAouter, is no light's and no noise's."""


def tdecq(
    power_mw: NDArray[np.floating],
    pattern: Symbols,
    *,
    samples_per_symbol: float,
    symbol_rate_gbd: float,
    equalizer: ReferenceReceiver | str = IEEE_802_3CD,
    averages: int = 1,
    signal_noise_mw: float | None = None,
    scope_noise_mw: float = 0.0,
    reference_filter: bool = False,
) -> TdecqResult | NotMeasurable:
    """Compute TDECQ of whole periods of a pattern-locked capture (IEEE 802.3, 121.8.5).

    `power_mw` is one-dimensional, in milliwatt, evenly sampled, as the scope gives it behind the
    half-rate filter; `pattern` is one period of the symbols 0 to 3 at any rotation against it.
    `reference_filter` applies the filter to a record taken without it. `equalizer` is the clause's
    reference receiver, or its name: taps, their limits, thresholds, windows, target error ratio.

    Noise: a record of one acquisition (`averages=1`) is taken at its word; several periods in it
    tell their noise themselves. An averaged record has lost its noise, so `signal_noise_mw` must
    state the rms noise of one acquisition behind the filter, scope noise included. Noise that is
    not in the samples passes through the equaliser as Ceq times its rms. `scope_noise_mw` (rms
    without light) is credited only as far as such noise is in the record or stated.

    Where the target error ratio is missed before any noise is added, the result is NotMeasurable
    with Cause.EYE_CLOSED and what was seen as evidence: never a number, never an exception. No
    light, no modulation and an averaged record of unknown noise are NotMeasurable too. Raise
    CaptureError for a record that cannot be what it is said to be: not finite, clipped, not whole
    periods, another pattern, inverted, below zero.

    Left out: the feedback tap of the 802.3dj drafts.
    """
    waveform = Waveform(np.asarray(power_mw), np.asarray(pattern), samples_per_symbol, symbol_rate_gbd)
    _check_noise(averages, signal_noise_mw, scope_noise_mw)
    signal = waveform.signal(reference_filter=reference_filter)
    if averages > 1 and signal_noise_mw is None:
        return _noise_unknown(averages)
    known = max(signal_noise_mw or 0.0, scope_noise_mw) / np.sqrt(averages)
    locked = lock(signal, pattern, noise_mw=known)
    if isinstance(locked, NotMeasurable):
        return locked
    return tdecq_of(
        locked,
        equalizer=reference_receiver(equalizer) if isinstance(equalizer, str) else equalizer,
        averages=averages,
        signal_noise_mw=signal_noise_mw,
        scope_noise_mw=scope_noise_mw,
    )


def tdecq_of(
    locked: LockedSignal,
    *,
    equalizer: ReferenceReceiver = IEEE_802_3CD,
    averages: int = 1,
    signal_noise_mw: float | None = None,
    scope_noise_mw: float = 0.0,
) -> TdecqResult | NotMeasurable:
    """Compute what `tdecq` does, of a capture that was locked already."""
    _check_noise(averages, signal_noise_mw, scope_noise_mw)
    if averages > 1 and signal_noise_mw is None:
        return _noise_unknown(averages)
    _check_levels(locked)
    outer = outer_levels(locked)
    if outer.oma_mw <= 0:
        return _closed("OMAouter is not positive", oma_outer_mw=outer.oma_mw)
    _check_zero_level(outer)
    noise = RecordNoise.of(
        locked,
        equalizer,
        averages=averages,
        signal_noise_mw=signal_noise_mw,
        scope_noise_mw=scope_noise_mw,
    )
    return _measure(Task.of(locked, outer, equalizer, noise))


def _measure(task: Task) -> TdecqResult | NotMeasurable:
    candidates = search(task)
    if not candidates:
        return _closed("no equaliser opens the eye", oma_outer_mw=task.outer.oma_mw)
    setting, windows = balanced(task, best_of(task, candidates))
    wrong = windows.wrong_decisions(task, setting)
    if wrong > task.receiver.target_ser:
        return _closed("the equalised waveform itself exceeds the target error ratio", ser=wrong)
    guess, sides = task.at_slicer_mw(setting), windows.histograms
    at_slicer = bearable_noise(sides, setting.thresholds_mw, task.receiver.target_ser, guess=guess)
    if at_slicer is None:
        return _closed("the histograms bear no noise", ser=wrong)
    sigma = _sigma_mw(task, setting.taps, at_slicer)
    if sigma is None:
        return _closed(
            "the transmitter's own noise exceeds the target error ratio", noise_mw=task.noise.total_mw
        )
    return _result(task, setting, windows, at_slicer, sigma)


def _result(
    task: Task, setting: Setting, windows: Windows, at_slicer_mw: float, sigma_mw: float
) -> TdecqResult:
    error_ratios = [symbol_error_ratio(s, setting.thresholds_mw, at_slicer_mw) for s in windows.histograms]
    return TdecqResult(
        tdecq_db=_closure_db(task, sigma_mw),
        standard_error_db=standard_error_db(task, setting, windows, at_slicer_mw, sigma_mw=sigma_mw),
        ceq_db=ratio_to_db(task.enhancement(setting.taps)),
        oma_outer_mw=task.outer.oma_mw,
        average_mw=task.outer.average_mw,
        sigma_mw=sigma_mw,
        taps=_read_only(setting.taps),
        main_tap=setting.main_tap,
        phase_ui=(task.locked.centre_ui + setting.time_ui) % 1.0,
        threshold_offsets_mw=_read_only(setting.thresholds_mw - task.thresholds_mw),
        ser_left=error_ratios[0],
        ser_right=error_ratios[1],
        noise_source=task.noise.source,
        noise_mw=task.noise.total_mw,
        scope_noise_credited_mw=task.noise.credited_mw,
        partial_tdecq_db=_read_only(_partial(task, setting, windows, at_slicer_mw)),
        equalizer=task.receiver,
    )


def _sigma_mw(task: Task, taps: FloatArray, at_slicer_mw: float) -> float | None:
    """Get R, the noise at the input that may be added, the scope's credited. None when there is none left."""
    # Absent noise holds the scope's own. An averaged record is free of it, so weak light behind a lossy path
    # is no closed eye even where the scope's noise alone would be more than the eye bears.
    squared = task.added(taps, at_slicer_mw) + task.noise.credited_mw**2
    return float(np.sqrt(squared)) if squared > 0 else None


def _closure_db(task: Task, sigma_mw: float) -> float:
    return ratio_to_db(task.ideal_noise_mw / sigma_mw)


def _partial(task: Task, setting: Setting, windows: Windows, at_slicer_mw: float) -> FloatArray:
    """Compute the closure of each eye and histogram alone, with a third of the target."""
    target = task.receiver.target_ser / 3.0
    partial = np.full((2, 3), np.nan)
    for side, histogram in enumerate(windows.histograms):
        for eye in range(3):
            threshold = setting.thresholds_mw[eye : eye + 1]
            noise = bearable_noise((histogram,), threshold, target, guess=at_slicer_mw)
            sigma = None if noise is None else _sigma_mw(task, setting.taps, noise)
            if sigma is not None:
                partial[side, eye] = _closure_db(task, sigma)
    return partial


def _check_levels(locked: LockedSignal) -> None:
    found = np.bincount(locked.symbols, minlength=4)
    if not found.all():
        raise CaptureError(
            f"the pattern holds {found.tolist()} symbols 0 to 3",
            where="pattern",
            remedy="measure TDECQ on a pattern with four levels: SSPRQ, or PRBS13Q",
        )


def _check_zero_level(outer: OuterLevels) -> None:
    if outer.p0_mw < _DARKEST * outer.oma_mw:
        raise CaptureError(
            f"the zero level is {outer.p0_mw:.3g} mW at an OMAouter of {outer.oma_mw:.3g} mW",
            where="zero level",
            remedy="repeat the scope's dark calibration",
        )


def _check_noise(averages: int, signal_noise_mw: float | None, scope_noise_mw: float) -> None:
    if averages < 1:
        raise CaptureError(f"{averages} averages", where="averages", remedy="give 1 for a single acquisition")
    for name, value in (("signal_noise_mw", signal_noise_mw), ("scope_noise_mw", scope_noise_mw)):
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise CaptureError(f"{value} mW", where=name, remedy="give an rms noise, or None if unknown")


def _noise_unknown(averages: int) -> NotMeasurable:
    return NotMeasurable(
        f"the record was averaged {averages} times and the noise of one acquisition is not known;"
        " take signal_noise_mw from the un-averaged histogram of the same capture",
        # Not the transceiver's fault: no other instrument will confirm it, so the judge calls it ERROR.
        Cause.NO_LOCK,
        {"averages": averages},
    )


def _closed(reason: str, **evidence: float) -> NotMeasurable:
    return NotMeasurable(f"no TDECQ: {reason}", Cause.EYE_CLOSED, evidence)


def _read_only(array: FloatArray) -> FloatArray:
    array.setflags(write=False)
    return array
