"""Transmitter and dispersion eye closure for PAM4: TDECQ, TECQ and SECQ are one computation.

Which of the three it is depends on what stands between transmitter and scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError, LockedSignal, Waveform, lock
from measurements.equalizer import equalise
from measurements.levels import outer_levels
from measurements.patterns import Symbols
from measurements.periodic import PeriodicSignal
from measurements.quantity import Cause, NotMeasurable
from measurements.record_noise import RecordNoise, explained_residual
from measurements.reference_receivers import IEEE_802_3CD, ReferenceReceiver
from measurements.slicer import bearable_noise, pam4_margin, symbol_error_ratio
from measurements.tdecq_search import Neighbourhood, Setting, Task, search
from measurements.tdecq_uncertainty import standard_error_db
from measurements.units import FloatArray, ratio_to_db


class NoiseSource(StrEnum):
    """Where the noise that a TDECQ contains came from."""

    RECORD = "single record, taken at its word"
    PERIODS = "deviation of the record's periods from their mean"
    STATED = "stated noise of one acquisition"


@dataclass(frozen=True, slots=True, eq=False)
class TdecqResult:
    """A TDECQ with all that is needed to compute or doubt it again.

    `sigma_mw` is the noise R that could be added at the receiver's input, that of the scope
    credited. `standard_error_db` covers the noise left in the record, for the taps found; not the
    scope's calibration, nor the scatter of a stated noise. `phase_ui` is the middle of the
    histogram pair after the record's first sample, modulo 1. `noise_mw` is the transmitter's noise
    of one acquisition as far as known, `scope_noise_credited_mw` the part of the scope's noise that
    was credited. `ser_left` and `ser_right` hold at `sigma_mw`.
    """

    tdecq_db: float
    standard_error_db: float
    ceq_db: float
    oma_outer_mw: float
    average_mw: float
    sigma_mw: float
    taps: FloatArray
    main_tap: int
    phase_ui: float
    threshold_offsets_mw: FloatArray
    ser_left: float
    ser_right: float
    noise_source: NoiseSource
    noise_mw: float
    scope_noise_credited_mw: float
    equalizer: ReferenceReceiver


def tdecq(
    power_mw: NDArray[np.floating],
    pattern: Symbols,
    *,
    samples_per_symbol: float,
    symbol_rate_gbd: float,
    equalizer: ReferenceReceiver = IEEE_802_3CD,
    averages: int = 1,
    signal_noise_mw: float | None = None,
    scope_noise_mw: float = 0.0,
    reference_filter: bool = False,
) -> TdecqResult | NotMeasurable:
    """Compute TDECQ of whole periods of a pattern-locked capture (IEEE 802.3, 121.8.5).

    `power_mw` is as the scope gives it behind the half-rate filter, `pattern` one period of the
    symbols 0 to 3 at any rotation against it; `reference_filter` applies the filter to a record
    taken without it. Noise: a record of one acquisition (`averages=1`) is taken at its word, a
    record of several periods tells its noise itself, and an averaged one has lost it, so
    `signal_noise_mw` must state the rms noise of one acquisition behind the filter, scope noise
    included. Noise that is not in the record passes through the equaliser as Ceq times its rms,
    never as samples. `scope_noise_mw` (rms without light) is credited only as far as such noise
    is in the record or stated.

    NotMeasurable: no light, no modulation, noise of an averaged record unknown, or the target
    error ratio missed before any noise is added (eye closed). CaptureError: the record cannot be
    what it is said to be, or holds another pattern.

    Left out: the feedback tap and the bounds on single taps of the 802.3dj drafts.
    """
    waveform = Waveform(power_mw, pattern, samples_per_symbol, symbol_rate_gbd)
    _check_noise(averages, signal_noise_mw, scope_noise_mw)
    signal = waveform.signal(reference_filter=reference_filter)
    if averages > 1 and signal_noise_mw is None and signal.spread is None:
        return _noise_unknown(averages)
    known = max(signal_noise_mw or 0.0, scope_noise_mw) / np.sqrt(averages)
    locked = lock(signal, pattern, noise_mw=known)
    if isinstance(locked, NotMeasurable):
        return locked
    return tdecq_of(
        locked,
        equalizer=equalizer,
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
    if averages > 1 and signal_noise_mw is None and locked.signal.spread is None:
        return _noise_unknown(averages)
    return _measure(locked, equalizer, _noise_of(locked, averages, signal_noise_mw, scope_noise_mw))


def _measure(
    locked: LockedSignal, receiver: ReferenceReceiver, noise: tuple[NoiseSource, RecordNoise]
) -> TdecqResult | NotMeasurable:
    source, recorded = noise
    outer = outer_levels(locked)
    if outer.oma_mw <= 0:
        return _closed("OMAouter is not positive", oma_outer_mw=outer.oma_mw)
    task = Task.of(locked, outer, receiver)
    found = search(task)
    if found is None:
        return _closed("no equaliser opens the eye", oma_outer_mw=outer.oma_mw)
    setting, near = found
    wrong = _wrong_decisions(task, setting, near)
    if wrong > receiver.target_ser:
        return _closed("the equalised waveform itself exceeds the target error ratio", ser=wrong)
    enhancement = task.enhancement(setting.taps)
    sides = near.windows(task, setting.taps, setting.main_tap, setting.time_ui)
    guess = setting.noise_mw * enhancement
    at_slicer = bearable_noise(sides, setting.thresholds_mw, receiver.target_ser, guess=guess)
    if at_slicer is None:
        return _closed("the histograms bear no noise", ser=wrong)
    borne = at_slicer / enhancement
    # Absent noise holds the scope's own. An averaged record is free of it, so weak light behind a lossy path
    # is no closed eye even where the scope's noise alone would be more than the eye bears.
    sigma_squared = borne**2 - recorded.absent_mw**2 + recorded.credited_mw**2
    if sigma_squared <= 0:
        return _closed(
            "the transmitter's own noise exceeds the target error ratio", noise_mw=recorded.total_mw
        )
    sigma = float(np.sqrt(sigma_squared))
    error_ratios = [symbol_error_ratio(side, setting.thresholds_mw, at_slicer) for side in sides]
    return TdecqResult(
        tdecq_db=ratio_to_db(outer.oma_mw / (6.0 * pam4_margin(receiver.target_ser) * sigma)),
        standard_error_db=standard_error_db(
            task, setting, near, at_slicer, left_mw=recorded.left_mw, sigma_mw=sigma
        ),
        ceq_db=ratio_to_db(enhancement),
        oma_outer_mw=outer.oma_mw,
        average_mw=outer.average_mw,
        sigma_mw=sigma,
        taps=_read_only(setting.taps),
        main_tap=setting.main_tap,
        phase_ui=(locked.centre_ui + setting.time_ui) % 1.0,
        threshold_offsets_mw=_read_only(setting.thresholds_mw - task.thresholds_mw),
        ser_left=error_ratios[0],
        ser_right=error_ratios[1],
        noise_source=source,
        noise_mw=recorded.total_mw,
        scope_noise_credited_mw=recorded.credited_mw,
        equalizer=receiver,
    )


def _noise_of(
    locked: LockedSignal, averages: int, signal_noise_mw: float | None, scope_noise_mw: float
) -> tuple[NoiseSource, RecordNoise]:
    signal = locked.signal
    if signal.spread is not None and averages == 1:
        return NoiseSource.PERIODS, RecordNoise.averaged(signal, signal.spread, scope_noise_mw)
    if averages > 1:
        single = signal_noise_mw if signal_noise_mw is not None else _undone(signal, averages)
        source = NoiseSource.STATED if signal_noise_mw is not None else NoiseSource.PERIODS
        return source, RecordNoise.averaged(signal, single, scope_noise_mw, averages=averages)
    residual = explained_residual(locked) if scope_noise_mw > 0 else signal.white_noise
    if signal_noise_mw is not None:
        residual = min(residual, signal_noise_mw)
    return NoiseSource.RECORD, RecordNoise.single(signal, residual, scope_noise_mw)


def _undone(signal: PeriodicSignal, averages: int) -> float:
    """Judge the noise of one acquisition by how averaged periods differ from each other."""
    return (signal.spread or 0.0) * float(np.sqrt(averages))


def _wrong_decisions(task: Task, setting: Setting, near: Neighbourhood) -> float:
    """Count how often the equalised waveform falls on the wrong side, against the symbols sent.

    The blind rule cannot see this: it calls a closed eye a quiet one.
    """
    shares = []
    for side in (-task.half_spacing_ui, task.half_spacing_ui):
        values = equalise(near.at(setting.time_ui + side), setting.taps, setting.main_tap)
        decided = np.searchsorted(setting.thresholds_mw, values)
        shares.append(float(np.mean(decided != task.locked.symbols)))
    return max(shares)


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
