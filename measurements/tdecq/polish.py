"""Search of the equaliser, decision time and thresholds that bear the most noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from measurements.slicer import largest_noise
from measurements.tdecq.freedom import Freedom
from measurements.tdecq.start import Start, starts
from measurements.tdecq.tails import SLIDE_UI, Curve, Tails
from measurements.tdecq.task import Setting, Task
from measurements.tdecq.valley import Valley, lowest
from measurements.units import FloatArray

_STARTS = 2
_FEW, _MANY = 1024, 4096
"""Tails drawn to choose between starts, and to polish the best.

They cost 0.002 dB against all of the pattern's; what a setting is worth is judged on all of it.
"""
_ROUNDS = 3
_BLUNT, _SHARP = 1.0, 12.0
"""Exponents of the mean that stands for the larger of two error ratios, so that it has a slope.

A blunt one is a wide valley that Newton's method walks down in a few steps; a sharp one is nearly
the larger ratio.
"""
_BEHIND = 0.07
"""A start is given up that bears less noise power than another by this part of what an ideal one bears.

Polishing gains less than that.
"""
_LEAST = 2e-3
"""Noise, in parts of what an ideal transmitter bears, below which an eye is called closed."""
_GUESS = 0.7


def search(task: Task) -> Setting | None:
    """Find the setting that bears the most noise over main taps, time, taps and thresholds.

    None when no eye opens anywhere.
    """
    begun = [_begun(task, start) for start in starts(task)[:_STARTS]]
    open_eyes = [(tails, setting) for tails, setting in begun if setting is not None]
    if not open_eyes:
        return None
    hopeful = max(setting.added for _, setting in open_eyes) - _BEHIND * task.ideal_noise_mw**2
    rough = [_lowered(task, *start, _BLUNT) for start in open_eyes if start[1].added >= hopeful]
    return _refined(task, max(rough, key=lambda setting: setting.added))


def _begun(task: Task, start: Start) -> tuple[Tails, Setting | None]:
    """Draw a few tails around a start, and find the noise that it bears."""
    guess = _GUESS * task.ideal_noise_mw * task.enhancement(start.taps)
    setting = Setting(start.taps, start.main_tap, start.time_ui, task.thresholds_mw, 0.0)
    tails = Tails(task, setting, guess, stretches=task.parts(8 * _FEW), drawn=_FEW)
    return tails, _bearing(task, tails, setting, guess)


def _refined(task: Task, setting: Setting) -> Setting:
    """Draw many tails and polish with them, again when it moves far in time."""
    for _ in range(_ROUNDS):
        noise = _at_slicer(task, setting)
        tails = Tails(task, setting, noise, stretches=task.parts(4 * _MANY), drawn=_MANY)
        tails = tails.calibrated(setting, noise)
        begun = _bearing(task, tails, setting, noise)
        if begun is None:
            break
        setting = _lowered(task, tails, begun, _SHARP)
        if abs(setting.time_ui - tails.start_ui) < 0.5 * SLIDE_UI:
            break
    return setting


def _at_slicer(task: Task, setting: Setting) -> float:
    return float(np.sqrt(setting.taps @ _workable(task, setting.added) @ setting.taps))


def _workable(task: Task, added: float) -> FloatArray:
    """Get the covariance of noise that is not in the samples, enough of it to leave every equaliser some.

    Where the record's own noise is more than the eye bears, what is added is negative.
    """
    covariance = task.total_covariance(added)
    missing = _LEAST * task.ideal_noise_mw**2 - float(np.linalg.eigvalsh(covariance)[0])
    return covariance if missing <= 0 else task.total_covariance(added + 2.0 * missing)


def _bearing(task: Task, tails: Tails, setting: Setting, guess_mw: float) -> Setting | None:
    """Put the noise into a setting that the drawn tails say it bears. None when the eye is closed."""
    at_slicer = largest_noise(
        tails.ratio_at(setting),
        task.receiver.target_ser,
        least=_LEAST * task.ideal_noise_mw,
        guess=guess_mw,
    )
    return None if at_slicer is None else replace(setting, added=task.added(setting.taps, at_slicer))


def _lowered(task: Task, tails: Tails, setting: Setting, sharpness: float) -> Setting:
    """Lower the error ratio at the noise of a setting, and raise the noise to the target again."""
    freedom = Freedom.of(task, setting.main_tap, tails.start_ui)
    covariance = _workable(task, setting.added)

    def worse_side(free: FloatArray) -> Valley:
        curves = tails.curves(*freedom.unpack(free), covariance)
        return _worst([freedom.reduced(curve) for curve in curves], sharpness)

    free = lowest(worse_side, freedom.pack(setting), freedom.least, freedom.most)
    taps, thresholds, time_ui = freedom.unpack(free)
    if int(np.argmax(np.abs(taps))) != setting.main_tap:
        return setting  # it has wandered to another main tap, which has a start of its own
    moved = Setting(taps, setting.main_tap, time_ui, thresholds, setting.added)
    better = _bearing(task, tails, moved, _at_slicer(task, moved))
    return setting if better is None or better.added <= setting.added else better


def _worst(sides: list[Curve], sharpness: float) -> Valley:
    """Take the logarithm of the larger error ratio, by a mean of high power so that it has a slope."""
    ratios = np.array([max(side.ratio, 1e-300) for side in sides])
    gradients = [side.gradient / ratio for side, ratio in zip(sides, ratios, strict=True)]
    powers = (ratios / ratios.max()) ** sharpness
    shares = powers / powers.sum()
    gradient = sum(share * g for share, g in zip(shares, gradients, strict=True))
    bend = sum(
        share * (side.hessian / ratio + (sharpness - 1.0) * np.outer(g, g))
        for share, side, ratio, g in zip(shares, sides, ratios, gradients, strict=True)
    )
    value = float(np.log(ratios.max()) + np.log(powers.mean()) / sharpness)
    return Valley(value, np.asarray(gradient), np.asarray(bend - sharpness * np.outer(gradient, gradient)))
