"""The stressed signal itself: what SECQ is made of, and the jitter that it carries.

IEEE 802.3, 121.8.9. The rest of the calibration (interferer, its frequency, the pattern) is set up
on the source and leaves no figure to check here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurements.stressed_receiver import StressError


@dataclass(frozen=True, slots=True)
class StressRecipe:
    """What a clause asks of the stressed signal itself.

    `least_isi_share` is the share of SECQ, in dB, that intersymbol interference alone must make
    (one half in 121.8.9); the rest is noise and interference.
    """

    target_secq_db: float
    tolerance_db: float
    least_isi_share: float


@dataclass(frozen=True, slots=True)
class RecipeCheck:
    """A stressed signal against its recipe; `faults` are sentences with their remedy, none when good."""

    secq_db: float
    isi_share: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JitterTemplate:
    """Sinusoidal jitter that the stressed signal carries: falling with frequency to a corner, then flat.

    `product_ui_hz` over the frequency from `lowest_hz` to `corner_hz`, `plateau_ui` above
    (2e5 / f from 40 kHz to 4 MHz, then 0.05 UI in 121.8.9).
    """

    product_ui_hz: float
    lowest_hz: float
    corner_hz: float
    plateau_ui: float

    def amplitude_ui(self, frequency_hz: float) -> float:
        """Get the peak-to-peak jitter at a frequency. Raise StressError below the template."""
        if not frequency_hz >= self.lowest_hz:
            raise StressError(
                f"the jitter template begins at {self.lowest_hz:g} Hz, not {frequency_hz:g} Hz:"
                " choose a frequency that it holds"
            )
        return self.product_ui_hz / frequency_hz if frequency_hz <= self.corner_hz else self.plateau_ui


def check_recipe(secq_db: float, isi_secq_db: float, recipe: StressRecipe) -> RecipeCheck:
    """Hold a stressed signal against its recipe: its SECQ, and the share of it that the low-pass makes.

    `isi_secq_db` is the SECQ with noise, interference and jitter off. Raise StressError for SECQs
    that are none, and for one of the low-pass alone that exceeds the whole by more than the tolerance.
    """
    for name, value in (("SECQ", secq_db), ("SECQ of the low-pass alone", isi_secq_db)):
        if not 0 < value < math.inf:
            raise StressError(f"a {name} of {value:.2f} dB is no stress: check the calibration of the scope")
    if isi_secq_db > secq_db + recipe.tolerance_db:
        raise StressError(
            f"the low-pass alone makes {isi_secq_db:.2f} dB of SECQ, the whole stress only {secq_db:.2f} dB:"
            " the two were not measured on one signal; calibrate again"
        )
    share = isi_secq_db / secq_db
    return RecipeCheck(secq_db, share, tuple(_faults(secq_db, share, recipe)))


def _faults(secq_db: float, share: float, recipe: StressRecipe) -> list[str]:
    faults = []
    off = secq_db - recipe.target_secq_db
    if abs(off) > recipe.tolerance_db:
        faults.append(
            f"SECQ is {secq_db:.2f} dB instead of {recipe.target_secq_db:.2f} +-"
            f" {recipe.tolerance_db:.2f} dB: {'less' if off > 0 else 'more'} noise or interference"
        )
    if share < recipe.least_isi_share:
        faults.append(
            f"the low-pass makes {100 * share:.0f} % of SECQ, at least {100 * recipe.least_isi_share:.0f} %"
            " is asked for: lower its bandwidth and the noise"
        )
    return faults
