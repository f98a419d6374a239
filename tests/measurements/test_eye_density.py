import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.capture import CaptureError
from measurements.eye import eye_density


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    samples_per_symbol=st.sampled_from([4, 8, 9.5, 16]),
    columns=st.integers(1, 70),
    rows=st.integers(1, 50),
    start=st.floats(-2.0, 2.0),
)
def test_counts_are_those_of_a_plain_loop(seed, samples_per_symbol, columns, rows, start):
    power = np.random.default_rng(seed).uniform(-0.1, 1.1, 300)
    density = eye_density(
        power,
        samples_per_symbol=samples_per_symbol,
        columns=columns,
        rows=rows,
        start_ui=start,
        power_range_mw=(0.0, 1.0),
    )
    expected, outside = np.zeros((rows, columns), dtype=int), 0
    for i, value in enumerate(power):
        turn = (i / samples_per_symbol - start) / 2.0 % 1.0
        if 0.0 <= value < 1.0:
            expected[int(value * rows), int(turn * columns) % columns] += 1
        else:
            outside += 1
    assert density.outside == outside
    assert np.array_equal(density.counts, expected)


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
    "options", [{"columns": 0}, {"span_ui": 0.0}, {"power_range_mw": (1.0, 1.0)}, {"samples_per_symbol": 0}]
)
def test_an_eye_of_nothing_is_refused(options):
    with pytest.raises(CaptureError, match="eye"):
        eye_density(np.ones(10), **{"samples_per_symbol": 8, **options})
