import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.ber import Coding, ErrorRatio
from measurements.few_points import ENOUGH, MOST_POINTS, REACH_DB, few_point_sensitivity, next_power_dbm
from measurements.quantity import Bound
from measurements.receiver import FitError, NotBracketed, SweepPoint, sensitivity
from tests.measurements.receivers import TARGET, TRUE_DBM, Receiver

FOUR = TRUE_DBM + np.array([-0.6, -0.2, 0.2, 0.6])


def searched(receiver, start_dbm, *, bits=10**7, rng=None, **options):
    points = []
    while True:
        power = next_power_dbm(
            points, receiver.target, start_dbm=start_dbm, coding=receiver.coding, **options
        )
        if power is None:
            return points
        points += receiver.points([power], bits=bits, rng=rng)


def fitted(receiver, points, **options):
    return few_point_sensitivity(points, target_ber=receiver.target, coding=receiver.coding, **options)


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize(
    "receiver",
    [Receiver(), Receiver(slope=0.9), Receiver(coding=Coding.NRZ, target=5e-5), Receiver(target=1.25e-2)],
    ids=["PAM4", "flat", "NRZ", "cFEC"],
)
def test_few_points_tell_the_sensitivity(receiver, count):
    found = fitted(receiver, receiver.points(TRUE_DBM + np.linspace(-0.6, 0.6, count), bits=10**9))
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.001)
    assert found.line.slope == pytest.approx(receiver.slope, abs=0.005)
    assert (found.bound, found.extrapolated_db, len(found.used)) == (Bound.EXACT, 0.0, count)
    assert found.test.passed


def test_the_standard_error_of_the_facts():
    assert fitted(Receiver(), Receiver().points(FOUR)).standard_error_db == pytest.approx(0.0043, abs=0.0002)


def test_a_count_without_errors_brackets_too():
    points = [*Receiver().points([-7.1, -6.8], bits=10**5), SweepPoint(-5.9, ErrorRatio(10**5, 0))]
    points += Receiver().points([-6.4], bits=10**5)
    found = fitted(Receiver(), points)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=3 * found.standard_error_db)
    assert len(found.used) == 4


def test_points_far_away_are_shown_not_fitted():
    found = fitted(Receiver(), Receiver().points([-9.0, *FOUR, -3.0]))
    assert [p.power_dbm for p in found.used] == pytest.approx(FOUR.tolist())
    assert len(found.points) == 6


@pytest.mark.parametrize("side", [-1, 1])
def test_half_a_decibel_may_be_extrapolated(side):
    offsets = side * np.array([0.3, 0.5, 0.7, 0.9])
    found = fitted(Receiver(), Receiver().points(TRUE_DBM + offsets, bits=10**8))
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.02)
    assert found.extrapolated_db == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("side", [-1, 1])
def test_farther_extrapolation_is_refused_and_says_where_to_go(side):
    points = Receiver().points(TRUE_DBM + side * np.array([0.7, 0.9, 1.1]), bits=10**9)
    with pytest.raises(NotBracketed, match=r"0\.5 dB may be extrapolated") as refused:
        fitted(Receiver(), points)
    assert refused.value.crossing_dbm == pytest.approx(TRUE_DBM, abs=0.05)
    assert ("below" if side > 0 else "above") in str(refused.value)
    far = Receiver().points(TRUE_DBM + side * np.array([2.0, 2.4, 2.8]), bits=10**12)
    with pytest.raises(NotBracketed, match="do not bracket"):
        fitted(Receiver(), far)


def test_nrz_at_1e_12_may_be_reached_for_by_a_caller_who_says_so():
    """The facts: optimistic by 0.2 to 0.3 dB with noise that grows with the light, from 1e-5 to 1e-9."""
    offsets = TRUE_DBM + np.array([-2.17, -1.6, -1.1, -0.7])
    for floor, bias in ((None, 0.0), (1e-20, -0.28), (1e-16, -0.34)):
        receiver = Receiver(coding=Coding.NRZ, target=1e-12, floor=floor)
        points = receiver.points(offsets, bits=10**13)
        if floor is None:  # with a floor the line runs short, and the target seems near
            with pytest.raises(NotBracketed):
                fitted(receiver, points, window_db=3.0)
        found = fitted(receiver, points, window_db=3.0, reach_db=1.5)
        assert found.power_dbm - TRUE_DBM == pytest.approx(bias, abs=0.08)
        assert found.test.passed is (floor is None)


@pytest.mark.parametrize(
    ("powers", "bits", "words"),
    [
        ([], 10**7, "no point"),
        ([-6.7, -6.3], 10**7, "3 powers are needed"),
        ([-6.7, -6.7, -6.3], 10**7, "3 powers are needed"),
        ([-6.7, -6.5, -6.3], 100, "count longer"),
        ([-8.5, -8.2, -4.9], 10**9, "within 1.25 dB"),
        ([-8.0, -6.5, -4.9], 10**9, "1 of 3 points lie within 1.25 dB"),
        ([float("nan"), -6.5, -6.3], None, "stands at nan dBm"),
        ([float("inf"), -6.5, -6.3], None, "stands at inf dBm"),
    ],
)
def test_points_that_tell_nothing_are_refused(powers, bits, words):
    points = (
        [SweepPoint(p, ErrorRatio(10**6, 240)) for p in powers]
        if bits is None
        else Receiver().points(powers, bits=bits)
    )
    with pytest.raises(FitError, match=words):
        fitted(Receiver(), points)


def test_a_line_that_explains_little_is_refused():
    rng = np.random.default_rng(3)
    points = [SweepPoint(p, ErrorRatio(10**7, int(2400 * rng.uniform(0.4, 2.5)))) for p in FOUR]
    with pytest.raises(FitError, match="a line explains"):
        fitted(Receiver(), points)


def test_a_receiver_that_meets_nothing_is_no_line():
    with pytest.raises(FitError, match="a line explains"):
        fitted(Receiver(), [SweepPoint(p, ErrorRatio(10**7, 24000)) for p in FOUR])


def test_arguments_that_cannot_be_are_refused():
    points = Receiver().points(FOUR)
    for target in (0.0, 0.4, float("nan")):
        with pytest.raises(FitError, match="target BER"):
            few_point_sensitivity(points, target_ber=target)
    with pytest.raises(FitError, match="reach of -1"):
        few_point_sensitivity(points, target_ber=TARGET, reach_db=-1)
    with pytest.raises(FitError, match=r"repeatability of -0\.1"):
        few_point_sensitivity(points, target_ber=TARGET, power_repeatability_db=-0.1)


# The search for the powers.


@pytest.mark.parametrize("enough", [3, 4])
@pytest.mark.parametrize("off_db", [-0.8, -0.3, 0.0, 0.4, 0.8])
def test_a_fair_guess_needs_no_more_points_than_are_wanted(off_db, enough):
    points = searched(Receiver(), TRUE_DBM + off_db, rng=np.random.default_rng(5), enough=enough)
    assert len(points) == enough
    found = fitted(Receiver(), points)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=4 * found.standard_error_db)
    assert (found.extrapolated_db, len(found.used)) == (0.0, enough)


@pytest.mark.parametrize("off_db", [-3.0, -1.5, 1.5, 3.0])
def test_a_poor_guess_costs_two_points_at_most(off_db):
    points = searched(Receiver(), TRUE_DBM + off_db, rng=np.random.default_rng(5))
    assert len(points) <= ENOUGH + 2
    assert fitted(Receiver(), points).power_dbm == pytest.approx(TRUE_DBM, abs=0.02)


@settings(deadline=None, max_examples=60)
@given(
    off_db=st.floats(-6, 6),
    slope=st.floats(0.75, 1.35),
    bits=st.sampled_from([10**6, 10**7, 10**9]),
    nrz=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_search_ends_around_the_target(off_db, slope, bits, nrz, seed):
    receiver = Receiver(slope=slope, coding=Coding.NRZ if nrz else Coding.PAM4)
    points = searched(receiver, TRUE_DBM + off_db, bits=bits, rng=np.random.default_rng(seed))
    assert len(points) <= MOST_POINTS
    found = fitted(receiver, points)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=max(6 * found.standard_error_db, 0.003))


@settings(deadline=None, max_examples=40)
@given(
    phase=st.floats(0, 0.5),
    off_db=st.floats(-2, 2),
    floor=st.sampled_from([None, 1e-10, 1e-8]),
    coding=st.sampled_from(Coding),
    seed=st.integers(0, 2**32 - 1),
)
def test_sweep_and_few_points_agree(phase, off_db, floor, coding, seed):
    """Within their errors and what a floor bends, of which few points say that they need a sweep."""
    rng = np.random.default_rng(seed)
    receiver = Receiver(floor=floor, coding=coding)
    sweep = sensitivity(
        receiver.points(np.arange(-9.0, -4.0, 0.5) + phase, rng=rng), target_ber=TARGET, coding=coding
    )
    few = fitted(receiver, searched(receiver, TRUE_DBM + off_db, rng=rng))
    error = np.hypot(sweep.standard_error_db, few.standard_error_db)
    assert abs(sweep.power_dbm - few.power_dbm) < 5 * error + (0.0 if floor is None else 0.035)


def test_saturated_and_clean_powers_show_the_way():
    assert next_power_dbm([], TARGET, start_dbm=-4.0) == -4.0
    closed = [SweepPoint(-9.0, ErrorRatio(1000, 500))]
    assert next_power_dbm(closed, TARGET, start_dbm=-9.0) > -9.0
    clean = [SweepPoint(-2.0, ErrorRatio(10**7, 0))]
    assert next_power_dbm(clean, TARGET, start_dbm=-2.0) < -2.0
    assert next_power_dbm([*closed, *clean], TARGET, start_dbm=-2.0) == -5.5


def test_the_search_stays_clear_of_a_lost_lock():
    receiver = Receiver(locks_dbm=-7.0)
    points = searched(receiver, TRUE_DBM + 0.5, rng=np.random.default_rng(1))
    found = fitted(receiver, points)
    assert found.power_dbm == pytest.approx(TRUE_DBM, abs=0.02)
    assert sum(p.count.ber > 0.4 for p in points) <= 3


def test_the_search_keeps_to_the_light_there_is():
    points = searched(Receiver(), -4.0, most_dbm=-6.9, lowest_dbm=-8.0)
    assert max(p.power_dbm for p in points) == -6.9
    assert min(p.power_dbm for p in points) >= -8.0
    deaf = searched(Receiver(added=1e-3), -6.0, most_dbm=-4.0)
    assert len(deaf) <= MOST_POINTS
    assert max(p.power_dbm for p in deaf) <= -4.0
    assert sensitivity(deaf, target_ber=TARGET).bound is Bound.LOWER


def test_a_search_that_cannot_be_is_refused():
    with pytest.raises(FitError, match="begin at nan"):
        next_power_dbm([], TARGET, start_dbm=float("nan"))
    with pytest.raises(FitError, match="cannot be"):
        next_power_dbm([], TARGET, start_dbm=-4.0, enough=2)
    with pytest.raises(FitError, match="cannot be"):
        next_power_dbm([], TARGET, start_dbm=-4.0, typical_slope=0.0)
    with pytest.raises(FitError, match="swap the limits"):
        next_power_dbm([], TARGET, start_dbm=-4.0, lowest_dbm=-3.0, most_dbm=-5.0)


def test_the_reach_is_what_a_bend_allows():
    """With a floor of 1.4e-8 the facts lose 0.24 dB from 1 to 2 dB above; within reach it is a quarter."""
    receiver = Receiver(floor=1.4e-8)
    near = fitted(
        receiver,
        receiver.points(TRUE_DBM + REACH_DB + np.array([0.0, 0.2, 0.4, 0.6]), bits=10**9),
        reach_db=0.6,
    )
    assert near.power_dbm - TRUE_DBM == pytest.approx(-0.06, abs=0.01)
    far = fitted(
        receiver, receiver.points(TRUE_DBM + np.linspace(1, 2, 4), bits=10**12), window_db=9, reach_db=9
    )
    assert far.power_dbm - TRUE_DBM == pytest.approx(-0.24, abs=0.01)
