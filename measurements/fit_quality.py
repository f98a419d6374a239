"""Whether a line on the Q scale is what the counts follow, and if not, what they look like instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurements.q_line import BoolArray, LineFit, fit_lines

FALSE_ALARM = 0.01
"""How often a perfect receiver is called bent, or scattered, or given an outlier, each."""

_LEAST_TO_NAME_OUTLIERS = 4  # of three points any one explains the other two


@dataclass(frozen=True, slots=True)
class FitTest:
    """What the residuals of a Q line say of it; made of counting errors and power repeatability.

    `p_value` is the chance that a true line leaves a larger `chi_square`. `bend_db_per_db2` is the
    squared term that would serve the points best, `bend_significance` its size in standard errors
    (negative: Q falls behind the light, as it does towards an error floor and into overload) and
    `bend_shift_db` what it would move the sensitivity by: a bend can be certain and harmless.
    `outliers_dbm` are the powers without which the others are a line; three points cannot name
    any. `residuals` are those of the used points, each in standard errors from the line through
    the others. A bend and an outlier of few points look alike: then both are named.
    `bent_excess` is `excess` with the squared term taken in, 1 where the counts explain the rest.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float
    bend_db_per_db2: float
    bend_significance: float
    bend_shift_db: float
    bent_excess: float
    floor_suspected: bool
    outliers_dbm: tuple[float, ...]
    residuals: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """Get whether nothing speaks against the line."""
        return self.p_value >= FALSE_ALARM and not self.floor_suspected

    @property
    def excess(self) -> float:
        """Get how many times wider than stated the points scatter, as a ratio of variances."""
        return self.chi_square / self.degrees_of_freedom

    @property
    def complaint(self) -> str | None:
        """Get what is wrong in a sentence with its remedy, None when nothing is."""
        if self.passed:
            return None
        bend = (
            f"Q falls behind the light ({self.bend_db_per_db2:.2f} dB/dB²,"
            f" {-self.bend_significance:.1f} standard errors), as towards an error floor or overload:"
            f" that moves the result by {self.bend_shift_db:+.3f} dB; sweep the whole curve"
        )
        causes = [bend] if self.floor_suspected else []
        causes += [
            f"the point at {power_dbm:.2f} dBm does not lie with the others: measure it again"
            for power_dbm in self.outliers_dbm
        ]
        return "; ".join(causes) or (
            f"the points scatter {self.excess**0.5:.1f} times wider than their counts and powers allow:"
            " settle longer, or state the power repeatability"
        )

    def evidence(self) -> dict[str, object]:
        """Get the figures for the record."""
        return {
            "fit_chi_square": self.chi_square,
            "fit_degrees_of_freedom": self.degrees_of_freedom,
            "fit_p_value": self.p_value,
            "fit_bend_shift_db": self.bend_shift_db,
            "floor_suspected": self.floor_suspected,
            "outliers_dbm": list(self.outliers_dbm),
        }


def judge_fit(line: LineFit, *, target_ber: float, power_repeatability_db: float = 0.0) -> FitTest:
    """Test one line against the counts that it was drawn through.

    Pearson's chi-square, a score test for a squared term, and left-out residuals with Bonferroni's
    limit. Takes a fit of one set of counts with at least three powers used.
    """
    chi_square, freedom = float(line.chi_square), int(line.degrees_of_freedom)
    term, significance, shift_db = (float(figure) for figure in line.bend())
    outliers = _outliers(line, target_ber, power_repeatability_db)
    bent = significance < _standard_errors(FALSE_ALARM)
    rest = max(chi_square - significance**2, 0.0)
    suffices = _tail(rest, freedom - 1) >= FALSE_ALARM
    return FitTest(
        chi_square=chi_square,
        degrees_of_freedom=freedom,
        p_value=_tail(chi_square, freedom),
        bend_db_per_db2=term,
        bend_significance=significance,
        bend_shift_db=shift_db,
        bent_excess=1.0 if suffices else rest / (freedom - 1),
        floor_suspected=bent and (suffices or not outliers),
        outliers_dbm=outliers,
        residuals=tuple(line.left_out_residuals[line.used].tolist()),
    )


def _outliers(line: LineFit, target_ber: float, power_repeatability_db: float) -> tuple[float, ...]:
    """Take out the worst point, at most each fourth, until the others are a line; none if they never are."""
    points = int(np.count_nonzero(line.used))
    most = points // _LEAST_TO_NAME_OUTLIERS
    candidates, out = line.used, np.zeros_like(line.used)
    while _is_no_line(line):
        worst = _worst(line, points)
        if worst is None or np.count_nonzero(out) == most:
            return ()
        out[worst] = True
        line = fit_lines(
            line.counts,
            target_ber=target_ber,
            window_db=np.inf,
            power_repeatability_db=power_repeatability_db,
            without=out | ~candidates,
        )
    return tuple(line.counts.power_dbm[out].tolist())


def _is_no_line(line: LineFit) -> BoolArray:
    return np.asarray(_tail(float(line.chi_square), int(line.degrees_of_freedom)) < FALSE_ALARM)


def _worst(line: LineFit, points: int) -> int | None:
    sizes = np.where(line.used, np.abs(line.left_out_residuals), 0.0)
    worst = int(np.argmax(sizes))
    return worst if sizes[worst] > -_standard_errors(0.5 * FALSE_ALARM / points) else None


def _tail(chi_square: float, freedom: int) -> float:
    """Get the chance of a larger chi-square; one where nothing is left to be tested."""
    from scipy.special import chdtrc

    return float(chdtrc(freedom, max(chi_square, 0.0))) if freedom > 0 else 1.0


def _standard_errors(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))
