import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.capture import CaptureError
from measurements.eye import eye_density


def by_numpy(power, samples_per_symbol, columns, rows, span, start, power_range):
    """Count by numpy's own two-dimensional histogram over the folded times."""
    times = (np.arange(power.size) / samples_per_symbol - start) % span
    return np.histogram2d(power, times, bins=[rows, columns], range=[power_range, (0.0, span)])[0]


def compared(power, samples_per_symbol, columns, rows, span, start, power_range):
    density = eye_density(
        power,
        samples_per_symbol=samples_per_symbol,
        columns=columns,
        rows=rows,
        span_ui=span,
        start_ui=start,
        power_range_mw=power_range,
    )
    expected = by_numpy(power, samples_per_symbol, columns, rows, span, start, power_range)
    assert np.array_equal(density.counts, expected)
    assert density.outside == power.size - expected.sum()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    samples_per_symbol=st.sampled_from([4, 8, 9.5, 16, 64, 10.667, 8191 / 511]),
    columns=st.integers(1, 300),
    rows=st.integers(1, 300),
    span=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    start=st.floats(-2.0, 2.0),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_counts_are_those_of_numpy(seed, samples_per_symbol, columns, rows, span, start, dtype):
    power = np.random.default_rng(seed).uniform(-0.1, 1.1, 3000).astype(dtype)
    compared(power, samples_per_symbol, columns, rows, span, start, (0.0, 1.0))


@settings(max_examples=30, deadline=None)
@given(
    low=st.floats(-1e3, 1e3),
    width=st.floats(1e-3, 1e3),
    rows=st.integers(1, 200),
    seed=st.integers(0, 99),
)
def test_values_on_edges_are_counted_as_numpy_does(low, width, rows, seed):
    edges = np.linspace(low, low + width, rows + 1)
    rng = np.random.default_rng(seed)
    near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    power = rng.choice(np.concatenate([near, [low - width, low + 2 * width]]), 2000)
    compared(power, 8, 16, rows, 2.0, 0.0, (low, low + width))


@pytest.mark.parametrize("samples_per_symbol", [16, 10.667])
def test_a_long_record_is_counted_in_blocks_without_drift(samples_per_symbol):
    power = np.random.default_rng(1).normal(1.0, 0.2, 700_001)
    compared(power, samples_per_symbol, 256, 192, 2.0, 0.3, (0.4, 1.6))


def test_samples_on_the_columns_edges_are_rounded_as_numpy_does():
    # 0.4 UI is an edge of 115 columns; rounding puts it now before and now behind it.
    compared(np.random.default_rng(2).uniform(0.0, 1.0, 3000), 4, 115, 3, 1.0, 1.1, (0.0, 1.0))


def test_a_density_may_be_finer_than_a_screen():
    power = np.random.default_rng(1).normal(1.0, 0.2, 50_000)
    compared(power, 16, 2000, 1500, 2.0, 0.0, (0.0, 2.0))


def test_every_sample_is_shown_by_default():
    power = np.random.default_rng(0).normal(1.0, 0.1, 10_000).astype(np.float32)
    density = eye_density(power, samples_per_symbol=16)
    assert (density.outside, density.counts.sum()) == (0, 10_000)
    assert density.counts.shape == (192, 256)
    assert (density.time_edges_ui.size, density.power_edges_mw.size) == (257, 193)
    assert not density.counts.flags.writeable


def test_the_start_shifts_the_eye():
    power = np.tile([0.0, 1.0, 0.0, 0.0], 8)
    density = eye_density(power, samples_per_symbol=4, columns=4, rows=2, span_ui=1.0, start_ui=0.25)
    assert density.counts[1].tolist() == [8, 0, 0, 0]


def test_constant_light_is_one_line():
    density = eye_density(np.full(100, 0.5), samples_per_symbol=8)
    assert np.count_nonzero(density.counts.sum(axis=1)) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"columns": 0},
        {"span_ui": 0.0},
        {"power_range_mw": (1.0, 1.0)},
        {"samples_per_symbol": 0},
        {"start_ui": float("nan")},
        {"samples_per_symbol": float("inf")},
    ],
)
def test_an_eye_of_nothing_is_refused(options):
    with pytest.raises(CaptureError, match="eye"):
        eye_density(np.ones(10), **{"samples_per_symbol": 8, **options})


@pytest.mark.parametrize(
    "power",
    [np.array([1.0, np.nan]), np.array([np.inf]), np.ones((2, 2)), np.ones(4, dtype=int), np.empty(0)],
)
def test_what_is_no_record_is_refused(power):
    with pytest.raises(CaptureError) as caught:
        eye_density(power, samples_per_symbol=8)
    assert caught.value.where == "eye"
