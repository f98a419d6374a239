import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.optical_grid import (
    GridError,
    dwdm_frequency_thz,
    flexible_slot,
    frequency_error,
    frequency_error_ghz,
    on_cwdm_grid,
    on_dwdm_grid,
    on_flexible_grid,
)
from measurements.quantity import Bound
from measurements.spectrum import LaserLine


@pytest.mark.parametrize(
    ("channel", "spacing", "thz"),
    [(0, 100.0, 193.1), (28, 100.0, 195.9), (-13, 100.0, 191.8), (1, 12.5, 193.1125), (-3, 50.0, 192.95)],
)
def test_channels_of_the_recommendation(channel, spacing, thz):
    assert dwdm_frequency_thz(channel, spacing) == pytest.approx(thz)


def test_a_frequency_is_held_against_its_nearest_channel():
    found = on_dwdm_grid(193.4018, 100.0)
    assert (found.channel, found.nominal_thz) == (3, pytest.approx(193.4))
    assert found.error_ghz == pytest.approx(1.8, abs=1e-6)
    assert found.nominal_nm == pytest.approx(1550.116, abs=1e-3)


def test_a_wavelength_is_held_against_a_frequency():
    assert frequency_error_ghz(1552.524, 193.1) == pytest.approx(0.02, abs=0.2)
    # 1 pm is 0.124 GHz there.
    moved = frequency_error_ghz(1552.525, 193.1) - frequency_error_ghz(1552.524, 193.1)
    assert moved == pytest.approx(-0.1244, abs=1e-3)


@given(channel=st.integers(-60, 60), spacing=st.sampled_from([12.5, 25.0, 50.0, 100.0, 300.0]))
def test_every_channel_finds_itself(channel, spacing):
    found = on_dwdm_grid(dwdm_frequency_thz(channel, spacing), spacing)
    assert found.channel == channel
    assert found.error_ghz == pytest.approx(0.0, abs=1e-6)


def test_the_flexible_grid_has_finer_middles():
    found = on_flexible_grid(193.0512)
    assert (found.channel, found.nominal_thz) == (-8, pytest.approx(193.05))
    assert found.error_ghz == pytest.approx(1.2, abs=1e-6)
    low, high = flexible_slot(found.channel, 4)
    assert found.nominal_thz == pytest.approx(0.5 * (low + high))


def test_a_laser_line_s_error_goes_over_into_frequency():
    line = LaserLine(1552.60, 0.004, 1552.6, 0.0, 40.0, Bound.EXACT, 1553.0)
    found = frequency_error(line, 193.1)
    assert found.unit == "GHz"
    assert found.value == pytest.approx(frequency_error_ghz(1552.60, 193.1))
    assert found.value == pytest.approx(-9.4, abs=0.2)
    assert found.standard_error == pytest.approx(0.004 * 124.4, rel=1e-3)
    assert found.evidence == {"centre_nm": 1552.60, "nominal_thz": 193.1}


def test_flexible_slots():
    assert flexible_slot(0, 4) == pytest.approx((193.075, 193.125))
    assert flexible_slot(-8, 6) == pytest.approx((193.0125, 193.0875))


def test_cwdm_channels():
    found = on_cwdm_grid(1309.2)
    assert (found.channel, found.nominal_nm) == (3, 1311.0)
    assert found.error_nm == pytest.approx(-1.8)
    assert on_cwdm_grid(1611.0).channel == 18


@pytest.mark.parametrize(
    "call",
    [
        lambda: on_dwdm_grid(193.1, 33.0),
        lambda: on_dwdm_grid(193100.0, 100.0),
        lambda: on_dwdm_grid(float("nan"), 100.0),
        lambda: frequency_error_ghz(-1.0, 193.1),
        lambda: flexible_slot(0, 0),
        lambda: on_flexible_grid(float("nan")),
        lambda: frequency_error_ghz(1552.5, 1931.0),
        lambda: on_cwdm_grid(1655.0),
        lambda: on_cwdm_grid(float("inf")),
    ],
)
def test_what_no_grid_has_is_refused(call):
    with pytest.raises(GridError):
        call()
