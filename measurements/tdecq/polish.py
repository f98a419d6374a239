"""Search of the equaliser, decision time and thresholds that bear the most noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from measurements.slicer import largest_noise
from measurements.tdecq.freedom import Freedom
from measurements.tdecq.start import Start, starts
from measurements.tdecq.tails import SLIDE_UI, Tails
from measurements.tdecq.task import Setting, Task, through
from measurements.tdecq.valley import TwoSided, lowest
from measurements.units import FloatArray

_STARTS = 3
_POPULATION, _DRAWN = 8192, 2048
"""Symbols looked at, and tails drawn from them for each histogram.

That costs 0.002 dB against all of the pattern's; what a setting is worth is judged on all of it.
"""
_ROUNDS = 3
_BEHIND = 0.25
"""A start is given up that bears less noise power than another by this part of what an ideal one bears.

Polishing gains less than that: up to a tenth was seen where another main tap begins better.
"""
_DOUBT = 0.006
"""Difference of two settings' noise powers, in parts of it, that drawing may be wrong by."""
_LEAST = 2e-3
"""Noise, in parts of what an ideal transmitter bears, below which an eye is called closed."""
_GUESS = 0.7


def search(task: Task) -> list[Setting]:
    """Find the setting that bears the most noise over main taps, time, taps and thresholds.

    More than one where the drawn tails cannot tell which is best, none when no eye opens anywhere.
    The mean of both error ratios is what is made small: where it is smallest both are nearly equal,
    and sliding the pair until they are costs next to nothing.
    """
    begun = [_begun(task, start) for start in starts(task)[:_STARTS]]
    open_eyes = [(tails, setting) for tails, setting in begun if setting is not None]
    if not open_eyes:
        return []
    hopeful = max(setting.added for _, setting in open_eyes) - _BEHIND * task.ideal_noise_mw**2
    lowered = [_lowered(task, *start) for start in open_eyes if start[1].added >= hopeful]
    best = max(setting.added for setting in lowered)
    return [setting for setting in lowered if setting.added >= best - _DOUBT * abs(best)]


def _begun(task: Task, start: Start) -> tuple[Tails, Setting | None]:
    """Draw tails around a start, and find the noise that it bears."""
    guess = _GUESS * task.ideal_noise_mw * task.enhancement(start.taps)
    setting = Setting(start.taps, start.main_tap, start.time_ui, task.thresholds_mw, 0.0)
    tails = _drawn(task, setting, guess)
    return tails, _bearing(task, tails, setting, guess)


def _drawn(task: Task, setting: Setting, noise_mw: float) -> Tails:
    return Tails.around(task, setting, noise_mw, stretches=task.parts(_POPULATION), drawn=_DRAWN)


def _at_slicer(task: Task, setting: Setting) -> float:
    return through(setting.taps, _workable(task, setting.added))


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


def _lowered(task: Task, tails: Tails, setting: Setting) -> Setting:
    """Lower the error ratio of a setting; drawn again where it moves far in time."""
    for _ in range(_ROUNDS):
        found = _lowest_around(task, tails, setting)
        if abs(found.time_ui - tails.time.start_ui) < 0.5 * SLIDE_UI:
            return found
        noise = _at_slicer(task, found)
        tails = _drawn(task, found, noise)
        setting = _bearing(task, tails, found, noise) or setting
    return setting


def _lowest_around(task: Task, tails: Tails, setting: Setting) -> Setting:
    """Lower the error ratio at the noise of a setting, and raise the noise to the target again."""
    freedom = Freedom.of(task, setting.main_tap, tails.time.start_ui)
    covariance = _workable(task, setting.added)

    def error_ratio(free: FloatArray) -> TwoSided:
        left, right = tails.curves(*freedom.unpack(free), covariance)
        return TwoSided.of(freedom.reduced(left), freedom.reduced(right))

    free, there = lowest(error_ratio, freedom.pack(setting), freedom.least, freedom.most)
    taps, thresholds, time_ui = freedom.unpack(free)
    if int(np.argmax(np.abs(taps))) != setting.main_tap:
        return setting  # it has wandered to another main tap, which has a start of its own
    left, right = there.left, there.right  # of both, time is the last variable
    steeper = float(
        right.gradient[-1] / max(right.value, 1e-300) - left.gradient[-1] / max(left.value, 1e-300)
    )
    found = Setting(taps, setting.main_tap, time_ui, thresholds, setting.added, steeper)
    moved = found.slid(left.value, right.value)
    return _bearing(task, tails, moved, _at_slicer(task, moved)) or setting
