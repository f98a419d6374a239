import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.quantity import Bound, Quantity
from measurements.stress_recipe import JitterTemplate, StressRecipe, check_recipe
from measurements.stressed_receiver import (
    StressError,
    StressLine,
    average_from_oma_dbm,
    oma_at_tp3,
    oma_from_average_dbm,
    oma_over_average_db,
    stressed_result,
)

DR = StressLine(-3.9, 5.3, largest_secq_db=3.4)
RECIPE = StressRecipe(target_secq_db=3.4, tolerance_db=0.1, least_isi_share=0.5)
TEMPLATE = JitterTemplate(product_ui_hz=2e5, lowest_hz=4e4, corner_hz=4e6, plateau_ui=0.05)


def dbm(value, error=None, **more):
    return Quantity(value, "dBm", error, **more)


def db(value, error=None, **more):
    return Quantity(value, "dB", error, **more)


@pytest.mark.parametrize(
    ("floor_dbm", "minus_db", "srs_dbm"),
    [
        (-3.9, 5.3, -1.9),  # 100GBASE-DR
        (-4.5, 5.9, -2.5),  # 100GBASE-FR1
        (-6.1, 7.5, -4.1),  # 100GBASE-LR1
        (-4.6, 6.0, -2.6),  # 400GBASE-FR4
        (-6.8, 8.2, -4.8),  # 400GBASE-LR4-6
    ],
)
def test_lines_of_the_clauses_meet_their_stressed_sensitivity(floor_dbm, minus_db, srs_dbm):
    """The informative line at 3.4 dB is the stressed receiver sensitivity; all have one knee."""
    line = StressLine(floor_dbm, minus_db)
    assert line.required_dbm(3.4) == pytest.approx(srs_dbm)
    assert line.knee_db == pytest.approx(1.4)
    assert line.required_dbm(1.4) == pytest.approx(floor_dbm)
    assert line.required_dbm(0.0) == floor_dbm


def test_a_flat_line_has_no_knee():
    line = StressLine(-6.8)
    assert (line.knee_db, line.required_dbm(1.8), line.standard_error_db(1.8, 0.2)) == (None, -6.8, 0.0)


@given(below=st.floats(0, 3.4), above=st.floats(0, 3.4))
def test_more_stress_never_asks_for_more_sensitivity(below, above):
    low, high = sorted((below, above))
    assert DR.required_dbm(low) <= DR.required_dbm(high) <= DR.required_dbm(low) + (high - low) + 1e-12


@pytest.mark.parametrize("secq_db", [0.9, 1.3, 1.4, 1.5, 3.0])
def test_the_error_of_secq_counts_above_the_knee(secq_db):
    drawn = np.random.default_rng(1).normal(secq_db, 0.1, 200_000)
    scatter = np.std(np.maximum(DR.floor_dbm, drawn - DR.minus_db))
    assert DR.standard_error_db(secq_db, 0.1) == pytest.approx(scatter, abs=0.0005)


def test_lines_that_cannot_be_are_refused():
    with pytest.raises(StressError, match=r"beyond the 3\.40 dB"):
        DR.required_dbm(3.6)
    with pytest.raises(StressError, match="SECQ is nan"):
        DR.required_dbm(math.nan)
    with pytest.raises(StressError, match="floor is inf"):
        StressLine(math.inf)
    with pytest.raises(StressError, match="offset is nan"):
        StressLine(-3.9, math.nan)
    with pytest.raises(StressError, match="standard error of -1"):
        DR.standard_error_db(1.0, -1.0)


def test_oma_moves_from_the_scope_to_tp3():
    found = oma_at_tp3(
        dbm(-3.0, 0.1, instruments=("scope",)),
        loss_to_scope_db=db(1.2, 0.03, instruments=("meter",)),
        loss_to_tp3_db=db(0.7, 0.04, instruments=("meter",)),
    )
    assert (found.value, found.unit) == (pytest.approx(-2.5), "dBm")
    assert found.standard_error == pytest.approx(math.hypot(0.1, 0.05))
    assert found.instruments == ("scope", "meter")
    assert found.evidence["loss_to_tp3_db"] == 0.7


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.8, 1.0])
def test_losses_of_one_meter_err_together(correlation):
    own, first, second = 0.05, 0.08, 0.06
    found = oma_at_tp3(
        dbm(-3.0, own),
        loss_to_scope_db=db(1.0, first),
        loss_to_tp3_db=db(1.0, second),
        correlation=correlation,
    )
    covariance = [[first**2, correlation * first * second], [correlation * first * second, second**2]]
    rng = np.random.default_rng(2)
    losses = rng.multivariate_normal([1.0, 1.0], covariance, 200_000)
    drawn = rng.normal(-3.0, own, 200_000) + losses[:, 0] - losses[:, 1]
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.01)


def test_an_unknown_error_stays_unknown_and_a_bound_a_bound():
    found = oma_at_tp3(
        dbm(-3.0, None, bound=Bound.UPPER), loss_to_scope_db=db(1.0, 0.1), loss_to_tp3_db=db(1.0, 0.1)
    )
    assert (found.standard_error, found.bound) == (None, Bound.UPPER)


def test_losses_that_cannot_be_are_refused():
    good = {"loss_to_scope_db": db(1.0), "loss_to_tp3_db": db(1.0)}
    with pytest.raises(StressError, match="OMA at the scope is given in mW"):
        oma_at_tp3(Quantity(1.0, "mW"), **good)
    with pytest.raises(StressError, match="loss to TP3 is given in dBm"):
        oma_at_tp3(dbm(-3.0), loss_to_scope_db=db(1.0), loss_to_tp3_db=dbm(1.0))
    with pytest.raises(StressError, match="a gain"):
        oma_at_tp3(dbm(-3.0), loss_to_scope_db=db(-1.0), loss_to_tp3_db=db(1.0))
    with pytest.raises(StressError, match="OMA at the scope is nan"):
        oma_at_tp3(dbm(math.nan), **good)
    with pytest.raises(StressError, match=r"correlation of 1\.5"):
        oma_at_tp3(dbm(-3.0), correlation=1.5, **good)


@pytest.mark.parametrize(
    ("extinction_db", "ratio_db"), [(3.5, -1.164), (4.0, -0.650), (4.5, -0.212), (5.0, 0.166), (6.0, 0.781)]
)
def test_oma_over_average_is_that_of_the_facts(extinction_db, ratio_db):
    assert oma_over_average_db(extinction_db) == pytest.approx(ratio_db, abs=0.0005)


@given(power=st.floats(-20, 10), extinction_db=st.floats(0.5, 15))
def test_oma_and_average_convert_to_and_fro(power, extinction_db):
    there = oma_from_average_dbm(dbm(power), db(extinction_db))
    assert average_from_oma_dbm(there, db(extinction_db)).value == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize("extinction_db", [3.5, 5.0, 10.0])
def test_the_error_of_the_extinction_ratio_is_propagated(extinction_db):
    found = oma_from_average_dbm(dbm(-2.0, 0.05), db(extinction_db, 0.1))
    rng = np.random.default_rng(4)
    ratios = 10 ** (rng.normal(extinction_db, 0.1, 100_000) / 10)
    drawn = rng.normal(-2.0, 0.05, ratios.size) + 10 * np.log10(2 * (ratios - 1) / (ratios + 1))
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.01)
    assert average_from_oma_dbm(dbm(-2.0, 0.05), db(extinction_db, 0.1)).standard_error == pytest.approx(
        found.standard_error
    )
    assert oma_from_average_dbm(dbm(-2.0), db(extinction_db, 0.1)).standard_error is None


@pytest.mark.parametrize("extinction_db", [0.0, -1.0, math.inf])
def test_light_without_extinction_ratio_has_no_oma(extinction_db):
    with pytest.raises(StressError, match="extinction ratio of"):
        oma_over_average_db(extinction_db)


def test_conversions_check_their_units():
    with pytest.raises(StressError, match="power is given in dB:"):
        oma_from_average_dbm(db(1.0), db(4.0))
    with pytest.raises(StressError, match="extinction ratio is given in 1"):
        average_from_oma_dbm(dbm(1.0), Quantity(2.5, "1"))


def test_a_receiver_is_held_against_the_line_at_its_own_stress():
    found = stressed_result(dbm(-3.1, 0.06), db(3.3, 0.08), DR)
    assert found.required_dbm == pytest.approx(-2.0)
    assert found.margin_db == pytest.approx(1.1)
    assert found.standard_error_db == pytest.approx(0.1)
    assert found.quantity().unit == "dB"
    assert found.quantity().evidence["secq_db"] == 3.3


def test_below_the_knee_only_the_power_counts():
    assert stressed_result(dbm(-5.0, 0.06), db(0.9, 0.05), DR).standard_error_db == pytest.approx(0.06)


def test_errors_of_one_scope_are_combined_with_their_covariance():
    found = stressed_result(dbm(-3.1, 0.06), db(3.3, 0.08), DR, correlation=-0.7)
    assert found.standard_error_db == pytest.approx(math.sqrt(0.06**2 + 0.08**2 + 2 * 0.7 * 0.06 * 0.08))


def test_a_bound_of_the_sensitivity_is_the_opposite_bound_of_the_margin():
    found = stressed_result(dbm(-3.1, None, bound=Bound.UPPER), db(3.3, 0.1), DR)
    assert (found.quantity().bound, found.standard_error_db) == (Bound.LOWER, None)
    assert stressed_result(dbm(-1.0, None, bound=Bound.LOWER), db(3.3), DR).bound is Bound.UPPER


def test_results_that_cannot_be_are_refused():
    with pytest.raises(StressError, match="only a bound"):
        stressed_result(dbm(-3.1), db(3.3, bound=Bound.LOWER), DR)
    with pytest.raises(StressError, match="SECQ is given in dBm"):
        stressed_result(dbm(-3.1), dbm(3.3), DR)
    with pytest.raises(StressError, match="stressed sensitivity is given in dB:"):
        stressed_result(db(-3.1), db(3.3), DR)
    with pytest.raises(StressError, match="correlation of 2"):
        stressed_result(dbm(-3.1), db(3.3), DR, correlation=2.0)


def test_a_good_stress_has_no_fault():
    found = check_recipe(3.42, 2.1, RECIPE)
    assert found.faults == ()
    assert found.isi_share == pytest.approx(2.1 / 3.42)


def test_too_little_intersymbol_interference_is_a_fault():
    found = check_recipe(3.42, 1.6, RECIPE)
    assert len(found.faults) == 1
    assert "47 % of SECQ" in found.faults[0]


@pytest.mark.parametrize(("secq_db", "word"), [(3.6, "less"), (3.2, "more")])
def test_a_stress_off_its_target_is_a_fault(secq_db, word):
    assert f"{word} noise" in check_recipe(secq_db, 2.0, RECIPE).faults[0]


def test_a_stress_that_cannot_be_is_refused():
    for secq_db, isi_db in ((0.0, 1.0), (3.4, -1.0), (math.nan, 1.0), (3.4, math.inf)):
        with pytest.raises(StressError, match="is no stress"):
            check_recipe(secq_db, isi_db, RECIPE)
    with pytest.raises(StressError, match="not measured on one signal"):
        check_recipe(3.0, 3.4, RECIPE)


def test_jitter_falls_to_its_plateau():
    assert TEMPLATE.amplitude_ui(4e4) == pytest.approx(5.0)
    assert TEMPLATE.amplitude_ui(1e6) == pytest.approx(0.2)
    assert TEMPLATE.amplitude_ui(4e6) == pytest.approx(0.05)
    assert TEMPLATE.amplitude_ui(1e8) == 0.05
    for frequency in (1e4, math.nan):
        with pytest.raises(StressError, match="template begins at 40000 Hz"):
            TEMPLATE.amplitude_ui(frequency)
