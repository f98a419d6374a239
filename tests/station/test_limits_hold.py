import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.limits import Limits, Verdict, hold, worst
from measurements.quantity import Bound, Quantity

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
RANKING = ["ABORTED", "ERROR", "FAIL", "PARTIAL", "PASS"]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_the_worst_verdict_decides(verdicts):
    assert worst(verdicts) == min(verdicts, key=RANKING.index)


def test_no_measurement_is_no_pass():
    with pytest.raises(ValueError, match="no measurement"):
        worst([])


@given(FINITE, FINITE, FINITE)
def test_exact_values_pass_inside_the_limits_ends_included_and_fail_outside(value, one, other):
    lower, upper = sorted((one, other))
    judgement = hold(Quantity(value, "dB"), Limits("dB", lower, upper))
    assert judgement.verdict == ("PASS" if lower <= value <= upper else "FAIL")
    assert judgement.margin == min(value - lower, upper - value)
    assert (judgement.margin < 0) == (judgement.verdict == "FAIL")


@given(FINITE, st.none() | FINITE, st.none() | FINITE, st.sampled_from(list(Bound)), st.floats(0, 1e3))
def test_a_bound_passes_only_when_every_truth_behind_it_would(value, lower, upper, bound, beyond):
    """Whatever the truth is, a PASS or FAIL of the bound is the verdict of the truth."""
    judgement = hold(Quantity(value, "dB", bound=bound), Limits("dB", lower, upper))
    truth = {Bound.EXACT: value, Bound.UPPER: value - beyond, Bound.LOWER: value + beyond}[bound]
    if judgement.verdict is not Verdict.ERROR:
        assert judgement.verdict == hold(Quantity(truth, "dB"), Limits("dB", lower, upper)).verdict


@pytest.mark.parametrize(
    ("bound", "value", "limits", "verdict"),
    [
        ("upper", 1e-9, (None, 2.4e-4), "PASS"),
        ("upper", 1e-3, (None, 2.4e-4), "ERROR"),
        ("upper", -40.0, (-2.9, 4.0), "FAIL"),
        ("upper", 1.0, (-2.9, 4.0), "ERROR"),
        ("lower", 45.0, (30.0, None), "PASS"),
        ("lower", 25.0, (30.0, None), "ERROR"),
        ("lower", 5.0, (-2.9, 4.0), "FAIL"),
    ],
)
def test_what_a_one_sided_value_leaves_open_is_an_error(bound, value, limits, verdict):
    """Also when a sequence wrote the bound as a word."""
    for word in (bound, Bound(bound)):
        assert hold(Quantity(value, "1", bound=word), Limits("1", *limits)).verdict == verdict


NO_NUMBERS = [None, "1.0", math.nan, math.inf, -math.inf, True, 1j, Decimal(1), [1.0], np.float32("nan")]


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, 10**400, np.array([1.0]), np.bool_(True), object()], ids=lambda v: type(v).__name__
)
def test_what_is_no_number_is_an_error(value):
    for limits in (Limits("dB"), Limits("dB", -1e9, 1e9)):
        assert hold(Quantity(value, "dB"), limits).verdict == "ERROR"


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), Fraction(1)], ids=repr)
def test_every_kind_of_real_number_is_judged(value):
    assert hold(Quantity(value, "dB"), Limits("dB", 0.0, 2.0)).verdict == "PASS"


@pytest.mark.parametrize("unit", ["dBm", "DB", "", " dB", None])
def test_another_unit_is_an_error_even_without_limits(unit):
    judgement = hold(Quantity(1.0, unit), Limits("dB"))
    assert (judgement.verdict, "'dB'" in judgement.reason) == ("ERROR", True)


@pytest.mark.parametrize("limits", [(math.nan, None), (None, math.nan), (-math.inf, None), (0.0, math.inf)])
def test_limits_that_are_no_numbers_pass_nothing(limits):
    assert hold(Quantity(1.0, "dB"), Limits("dB", *limits)).verdict == "ERROR"


def test_without_limits_a_value_passes_without_margin():
    judgement = hold(Quantity(1.0, "dB"), Limits("dB"))
    assert (judgement.verdict, judgement.margin, judgement.reason) == ("PASS", None, "")
