import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.uncertainty import Budget, Contributor, Distribution, UncertaintyError, difference

METER = Contributor("meter", 0.15, coverage_factor=2.0)
PATH = Contributor("path loss", 0.08, coverage_factor=2.0)
CONNECTOR = Contributor("connector", 0.1, Distribution.RECTANGULAR)


def test_independent_contributors_add_in_squares():
    found = Budget("dB", (METER, PATH, CONNECTOR))
    expected = math.sqrt(0.075**2 + 0.04**2 + (0.1 / math.sqrt(3)) ** 2)
    assert found.standard == pytest.approx(expected)
    assert found.coverage_factor() == pytest.approx(2.0, abs=1e-3)
    assert found.expanded() == pytest.approx(2.0 * expected, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "divisor"),
    [
        (Distribution.RECTANGULAR, math.sqrt(3)),
        (Distribution.TRIANGULAR, math.sqrt(6)),
        (Distribution.U_SHAPED, math.sqrt(2)),
    ],
)
def test_shapes_have_their_standard_deviations(shape, divisor):
    assert Contributor("one", 1.0, shape).standard == pytest.approx(1 / divisor)
    rng = np.random.default_rng(1)
    drawn = {
        Distribution.RECTANGULAR: rng.uniform(-1, 1, 200_000),
        Distribution.TRIANGULAR: rng.triangular(-1, 0, 1, 200_000),
        Distribution.U_SHAPED: np.cos(rng.uniform(0, np.pi, 200_000)),
    }[shape]
    assert drawn.std() == pytest.approx(1 / divisor, rel=0.01)


@settings(max_examples=50)
@given(first=st.floats(0.01, 5), second=st.floats(0.01, 5), correlation=st.floats(-1, 1))
def test_two_correlated_contributors_combine_as_their_covariance_says(first, second, correlation):
    found = Budget("dB", (Contributor("a", first), Contributor("b", second)), {("a", "b"): correlation})
    expected = first**2 + second**2 + 2 * correlation * first * second
    assert found.standard**2 == pytest.approx(max(expected, 0.0), abs=1e-9)


def test_what_two_results_share_cancels_in_their_difference():
    oma = Budget("dB", (PATH, Contributor("scope", 0.05)))
    average = Budget("dB", (PATH, Contributor("meter", 0.02)))
    assert difference(oma, average).standard == pytest.approx(math.hypot(0.05, 0.02))
    apart = Budget("dB", (Contributor("path loss", 0.08, coverage_factor=2.0, sensitivity=0.5),))
    assert difference(oma, apart).standard == pytest.approx(math.hypot(0.02, 0.05))


def test_effective_degrees_of_freedom_of_the_guide():
    # JCGM 100, G.4.1: relative standard uncertainties of 0.25, 0.57 and 0.82 % from 10, 5 and 15 readings.
    parts = [("x1", 0.25, 9), ("x2", 0.57, 4), ("x3", 0.82, 14)]
    found = Budget("%", tuple(Contributor(n, u, degrees_of_freedom=f) for n, u, f in parts))
    assert found.standard == pytest.approx(1.03, abs=0.01)
    assert found.degrees_of_freedom == pytest.approx(19.0, abs=0.6)
    assert found.coverage_factor(0.95) == pytest.approx(2.09, abs=0.01)


def test_the_record_shows_the_largest_share_first():
    rows = Budget("dB", (PATH, METER, CONNECTOR)).rows()
    assert [row["name"] for row in rows] == ["meter", "connector", "path loss"]
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)


def test_shares_hold_half_of_each_covariance():
    both = Budget("dB", (METER, PATH), {("meter", "path loss"): 1.0})
    shares = {row["name"]: row["share"] for row in both.rows()}
    assert shares["meter"] == pytest.approx(0.075 * 0.115 / 0.115**2)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_the_whole_budget_goes_into_the_record():
    repeated = Contributor("repeatability", 0.05, degrees_of_freedom=4)
    budget = Budget("dB", (METER, PATH, repeated), {("meter", "path loss"): 0.3})
    told = json.loads(json.dumps(budget.record(), allow_nan=False))
    assert told["standard"] == budget.standard
    assert told["expanded"] == pytest.approx(told["coverage_factor"] * told["standard"])
    assert told["correlations"] == [["meter", "path loss", 0.3]]
    assert {row["name"]: row["degrees_of_freedom"] for row in told["contributors"]} == {
        "meter": None,
        "path loss": None,
        "repeatability": 4,
    }


def test_what_cancels_altogether_leaves_no_uncertainty():
    one = Contributor("a", 0.1, degrees_of_freedom=3)
    found = Budget("dB", (one, Contributor("b", 0.1)), {("a", "b"): -1.0})
    assert (found.standard, found.degrees_of_freedom, found.expanded()) == (0.0, 3, 0.0)
    nearly = Budget("dB", (one, Contributor("b", 0.1, degrees_of_freedom=3)), {("a", "b"): -0.9})
    assert nearly.degrees_of_freedom == 3
    same = difference(Budget("dB", (one,)), Budget("dB", (one,)))
    assert (same.standard, same.degrees_of_freedom, same.expanded()) == (0.0, math.inf, 0.0)
    assert same.rows()[0]["share"] == 0.0


def test_a_difference_is_that_of_drawn_results():
    """The path is shared, the scope follows the meter: no root sum of squares tells this."""
    oma = Budget("dB", (PATH, Contributor("scope", 0.05)))
    average = Budget("dB", (PATH, Contributor("meter", 0.02)), {("path loss", "meter"): 0.5})
    rng = np.random.default_rng(3)
    spread = np.array([[0.04**2, 0.5 * 0.04 * 0.02], [0.5 * 0.04 * 0.02, 0.02**2]])
    path, meter = rng.multivariate_normal([0, 0], spread, 200_000).T
    drawn = (path + rng.normal(0, 0.05, path.size)) - (path + meter)
    assert difference(oma, average).standard == pytest.approx(drawn.std(), rel=0.01)
    half = Budget("dB", (replace(PATH, sensitivity=0.5), Contributor("meter", 0.02)), average.correlations)
    drawn = (path + rng.normal(0, 0.05, path.size)) - (0.5 * path + meter)
    assert difference(oma, half).standard == pytest.approx(drawn.std(), rel=0.01)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Contributor("bad", -1.0),
        lambda: Contributor("bad", math.nan),
        lambda: Contributor("bad", 1.0, coverage_factor=0.0),
        lambda: Contributor("bad", 1.0, coverage_factor=math.inf),
        lambda: Contributor("bad", 1.0, degrees_of_freedom=math.nan),
        lambda: Contributor("bad", 1.0, sensitivity=math.inf),
        lambda: Contributor("bad", 1.0, Distribution.RECTANGULAR, coverage_factor=2.0),
        lambda: Budget("dB", (METER, PATH), {("meter", "path loss"): math.nan}),
        lambda: Budget("dB", (METER, PATH), {("meter", "path loss"): 0.5, ("path loss", "meter"): 0.4}),
        lambda: Budget("dB", ()),
        lambda: Budget("dB", (METER, METER)),
        lambda: Budget("dB", (METER, PATH), {("meter", "nobody"): 0.5}),
        lambda: Budget("dB", (METER, PATH), {("meter", "path loss"): 1.5}),
        lambda: Budget(
            "dB",
            (METER, PATH, CONNECTOR),
            {("meter", "path loss"): 0.9, ("meter", "connector"): 0.9, ("path loss", "connector"): -0.9},
        ),
        lambda: Budget("dB", (METER,)).coverage_factor(1.5),
        lambda: difference(Budget("dB", (METER,)), Budget("dBm", (PATH,))),
        lambda: difference(Budget("dB", (METER,)), Budget("dB", (Contributor("meter", 0.3),))),
        lambda: difference(Budget("dB", (METER,)), Budget("dB", (replace(METER, degrees_of_freedom=3),))),
        lambda: difference(
            Budget("dB", (METER, PATH), {("meter", "path loss"): 0.5}),
            Budget("dB", (METER, PATH), {("meter", "path loss"): 0.4}),
        ),
    ],
)
def test_budgets_that_cannot_be_are_refused(build):
    with pytest.raises(UncertaintyError):
        build()
