"""The long proof that sensitivities and their standard errors are honest; `make prove` keeps the figures."""

import time

import numpy as np
import pytest
from scipy.stats import chi2

from measurements.ber import Coding, ErrorRatio, ber_to_q
from measurements.few_points import few_point_sensitivity, next_power_dbm
from measurements.q_line import Counts, fit_lines
from measurements.receiver import MIN_R_SQUARED, FitError, SweepPoint, sensitivity
from tests.measurements.receivers import TARGET, TRUE_DBM, Receiver
from tests.proofs import keep

TRIALS = 100_000
SEARCHES = 3_000
FOUR = (-0.6, -0.2, 0.2, 0.6)
THREE = (-0.5, 0.0, 0.5)
WINDOW_DB = 1.25
NRZ = Receiver(coding=Coding.NRZ, target=5e-5)

DESIGNS = {
    "PAM4 2.4e-4, four points, 1e7 bits": (Receiver(), FOUR, 10**7, 0.0),
    "PAM4 2.4e-4, four points, 1e6 bits": (Receiver(), FOUR, 10**6, 0.0),
    "PAM4 2.4e-4, four points, 3e5 bits": (Receiver(), FOUR, 300_000, 0.0),
    "PAM4 2.4e-4, four points, 1e5 bits": (Receiver(), FOUR, 10**5, 0.0),
    "PAM4 2.4e-4, three points, 1e7 bits": (Receiver(), THREE, 10**7, 0.0),
    "PAM4 2.4e-4, three points, 1e6 bits": (Receiver(), THREE, 10**6, 0.0),
    "PAM4 1.25e-2, four points, 1e6 bits": (Receiver(target=1.25e-2), FOUR, 10**6, 0.0),
    "PAM4, powers off by 0.015 dB, 1e9 bits": (Receiver(), FOUR, 10**9, 0.015),
    "PAM4, extrapolated by 0.3 dB, 1e8 bits": (Receiver(), (0.3, 0.5, 0.7, 0.9), 10**8, 0.0),
    "NRZ 5e-5, four points, 1e7 bits": (NRZ, FOUR, 10**7, 0.0),
    "NRZ 1e-12, four points, 1e14 bits": (
        Receiver(coding=Coding.NRZ, target=1e-12),
        (-0.6, -0.3, 0.0, 0.2),
        10**14,
        0.0,
    ),
}


def widened(line):
    """What `sensitivity` states: wider by the scatter that counts do not explain, when it shows."""
    freedom = line.degrees_of_freedom
    excess = np.maximum(line.chi_square / freedom, 1.0)
    return line.standard_error_db * np.sqrt(np.where(chi2.sf(line.chi_square, freedom) < 0.05, excess, 1.0))


def usable(line):
    """What `few_point_sensitivity` does not refuse."""
    return (line.r_squared >= MIN_R_SQUARED) & (line.slope > 0) & (line.degrees_of_freedom >= 1)


def population_figures(receiver, offsets, bits, power_error_db, seed):
    counts = receiver.population(
        offsets,
        bits=bits,
        trials=TRIALS,
        rng=np.random.default_rng(seed),
        power_error_db=power_error_db,
    )
    line = fit_lines(
        counts, target_ber=receiver.target, window_db=WINDOW_DB, power_repeatability_db=power_error_db
    )
    same_as_one_by_one(counts, line, receiver, power_error_db)
    accepted = usable(line)
    away, error = (line.power_dbm - TRUE_DBM)[accepted], widened(line)[accepted]
    return {
        "accepted": round(float(np.mean(accepted)), 4),
        "bias_db": round(float(away.mean()), 5),
        "scatter_db": round(float(away.std()), 5),
        "stated_db": round(float(error.mean()), 5),
        "stated_over_scatter": round(float(error.mean() / away.std()), 4),
        "coverage_95": round(float(np.mean(np.abs(away) < 1.96 * error)), 4),
        "fit_rejected_at_1_percent": round(
            float(np.mean(chi2.sf(line.chi_square, line.degrees_of_freedom)[accepted] < 0.01)), 4
        ),
    }


def same_as_one_by_one(counts, line, receiver, power_error_db):
    """The population is computed at once; the public function must say the same of each."""
    for i in range(0, TRIALS, TRIALS // 50):
        points = [
            SweepPoint(p, ErrorRatio(int(n), int(k)))
            for p, n, k in zip(counts.power_dbm, counts.bits, counts.errors[i], strict=True)
        ]
        try:
            one = few_point_sensitivity(
                points,
                target_ber=receiver.target,
                coding=receiver.coding,
                power_repeatability_db=power_error_db,
            )
        except FitError:
            assert (
                line.r_squared[i] < MIN_R_SQUARED or not line.slope[i] > 0 or line.degrees_of_freedom[i] < 1
            )
            continue
        assert one.power_dbm == pytest.approx(line.power_dbm[i], abs=1e-7)
        assert one.standard_error_db == pytest.approx(widened(line)[i], rel=1e-6)


def biases_of_floors():
    """Estimate less truth without counting noise, for the ways to place and fit the points."""
    places = {
        "bracketing +-0.2/0.6": FOUR,
        "reaching 0.1 dB": (0.1, 0.3, 0.5, 0.7),
        "reaching 0.5 dB": (0.5, 0.7, 0.9, 1.1),
        "reaching 1 to 2 dB": (1.0, 1.33, 1.67, 2.0),
    }
    found = {}
    for floor in (None, 5e-16, 1e-8, 1.4e-8, 1e-6, 1e-5):
        receiver = Receiver(floor=floor)
        for name, offsets in places.items():
            powers = TRUE_DBM + np.array(offsets)
            counts = Counts(powers, np.full(4, 1e15), 1e15 * receiver.ber(powers), Coding.PAM4)
            line = fit_lines(counts, target_ber=TARGET, window_db=9.0)
            found.setdefault(name, {})[str(floor)] = round(float(line.power_dbm) - TRUE_DBM, 4)
        sweep = sensitivity(receiver.points(np.arange(-9.0, -3.9, 0.5) + 0.1, bits=10**10), target_ber=TARGET)
        found.setdefault("sweep, bend corrected", {})[str(floor)] = round(sweep.power_dbm - TRUE_DBM, 4)
    return found


def dropping_figures():
    """What fitting the errors as they are gains over dropping points of fewer than ten."""
    target_db = 10 * np.log10(ber_to_q(TARGET, Coding.PAM4))
    found = {}
    for bits in (10**5, 300_000, 10**6):
        counts = Receiver().population(FOUR, bits=bits, trials=TRIALS, rng=np.random.default_rng(2))
        likeliest = fit_lines(counts, target_ber=TARGET, window_db=WINDOW_DB).power_dbm - TRUE_DBM
        kept = np.where(counts.errors >= 10, counts.errors, 0.0)
        x, y = counts.power_dbm, counts.q_db()
        total = kept.sum(axis=1)
        centre, level = (kept * x).sum(axis=1) / total, (kept * y).sum(axis=1) / total
        away = x - centre[:, None]
        slope = (kept * away * y).sum(axis=1) / (kept * away**2).sum(axis=1)
        three = np.count_nonzero(kept, axis=1) >= 3
        dropped = (centre + (target_db - level) / slope - TRUE_DBM)[three]
        found[f"{bits:g} bits"] = {
            "likelihood_bias_scatter_db": [
                round(float(likeliest.mean()), 5),
                round(float(likeliest.std()), 5),
            ],
            "dropping_bias_scatter_db": [round(float(dropped.mean()), 5), round(float(dropped.std()), 5)],
            "dropping_refuses": round(float(np.mean(~three)), 4),
        }
    return found


def search_figures(receiver, off_db, rng, enough):
    """Search and fit as a station does, from a guess off by a normal error."""
    counted, away, error, failed = [], [], [], 0
    for _ in range(SEARCHES):
        start_dbm, points = TRUE_DBM + rng.normal(0.0, off_db), []
        while (
            power := next_power_dbm(
                points, receiver.target, start_dbm=start_dbm, coding=receiver.coding, enough=enough
            )
        ) is not None:
            points += receiver.points([power], rng=rng)
        counted.append(len(points))
        found = few_point_sensitivity(points, target_ber=receiver.target, coding=receiver.coding)
        away.append(found.power_dbm - TRUE_DBM)
        error.append(found.standard_error_db)
        failed += not found.test.passed
    away, error = np.array(away), np.array(error)
    return {
        "points_mean": round(float(np.mean(counted)), 3),
        "points_most": int(np.max(counted)),
        "bias_db": round(float(away.mean()), 5),
        "scatter_db": round(float(away.std()), 5),
        "stated_over_scatter": round(float(error.mean() / away.std()), 4),
        "coverage_95": round(float(np.mean(np.abs(away) < 1.96 * error)), 4),
        "test_failed": round(failed / SEARCHES, 4),
    }


def sweep_figures(receiver, rng):
    away, error, suspected = [], [], 0
    for _ in range(SEARCHES):
        powers = np.arange(-9.0, -3.9, 0.5) + rng.uniform(0.0, 0.5)
        found = sensitivity(
            receiver.points(powers, rng=rng), target_ber=receiver.target, coding=receiver.coding
        )
        away.append(found.power_dbm - TRUE_DBM)
        error.append(found.standard_error_db)
        suspected += found.test.floor_suspected
    away, error = np.array(away), np.array(error)
    return {
        "bias_db": round(float(away.mean()), 5),
        "scatter_db": round(float(away.std()), 5),
        "stated_over_scatter": round(float(error.mean() / away.std()), 4),
        "coverage_95": round(float(np.mean(np.abs(away) < 1.96 * error)), 4),
        "floor_suspected": round(suspected / SEARCHES, 4),
    }


@pytest.mark.prove
def test_sensitivity_is_honest_over_populations():
    started = time.perf_counter()
    populations = {
        name: population_figures(*design, seed) for seed, (name, design) in enumerate(DESIGNS.items())
    }
    rng = np.random.default_rng(77)
    searches = {
        "PAM4, four points, guess off by 0.5 dB": search_figures(Receiver(), 0.5, rng, 4),
        "PAM4, four points, guess off by 2 dB": search_figures(Receiver(), 2.0, rng, 4),
        "PAM4, three points, guess off by 0.5 dB": search_figures(Receiver(), 0.5, rng, 3),
        "NRZ 5e-5, four points, guess off by 1 dB": search_figures(NRZ, 1.0, rng, 4),
    }
    sweeps = {
        "PAM4": sweep_figures(Receiver(), rng),
        "PAM4, floor 1e-8": sweep_figures(Receiver(floor=1e-8), rng),
        "PAM4, floor 1e-6": sweep_figures(Receiver(floor=1e-6), rng),
        "NRZ 5e-5": sweep_figures(NRZ, rng),
    }
    keep(
        "sensitivity-coverage",
        __file__,
        {
            "trials": TRIALS,
            "populations": populations,
            "searches_and_sweeps": SEARCHES,
            "searches": searches,
            "sweeps": sweeps,
            "bias_db_by_floor": biases_of_floors(),
            "few_errors": dropping_figures(),
            "seconds": round(time.perf_counter() - started, 1),
        },
    )
    for name, figures in {**populations, **searches, **sweeps}.items():
        assert 0.85 < figures["stated_over_scatter"] < 1.15, name
        assert 0.93 < figures["coverage_95"] < 0.97, name
    for name, figures in populations.items():
        assert abs(figures["bias_db"]) < 0.1 * figures["scatter_db"], name
        assert figures["fit_rejected_at_1_percent"] < 0.015, name
