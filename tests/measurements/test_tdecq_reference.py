"""TDECQ of the library against a search from the definition that shares nothing with it."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from measurements.patterns import pattern
from measurements.tdecq import tdecq
from tests.measurements.tdecq_reference import Eye, noise_borne, reference
from tests.measurements.transmitters import DENSE, Transmitter, capture, drawn, light
from tests.proofs import keep

RATE = 53.125
WITHIN_DB = 0.02
SEED = 20261127
SLOW = Transmitter("pole", "PRBS13Q", "one pole", 0.5, 5.0, 1e-3, 0.0, 0.0, 0.0, 2.0, 0.0, 16)


def fast(power_mw, symbols, per_symbol, **options):
    return tdecq(power_mw, symbols, samples_per_symbol=per_symbol, symbol_rate_gbd=RATE, **options)


def noise_mw(transmitter, dense):
    return transmitter.noise * np.ptp(dense) / 1.1


@pytest.mark.parametrize("transmitter", drawn(SEED + 2, 4, ["PRBS13Q"]), ids=lambda t: t.name)
def test_the_definition_judges_what_was_found_alike(transmitter):
    symbols = pattern(transmitter.pattern)
    dense = light(transmitter, symbols)
    found = fast(capture(transmitter, symbols), symbols, transmitter.per_symbol)
    eye = Eye(dense, symbols, DENSE, searched=False)
    assert found.oma_outer_mw == pytest.approx(eye.oma, rel=1e-4), transmitter
    # The middle of the pair is known modulo one symbol, and the blind rule looks at all symbols alike.
    time = (found.phase_ui - eye.centre + 0.5) % 1.0 - 0.5
    offsets = found.threshold_offsets_mw / found.oma_outer_mw
    borne = noise_borne(eye, found.taps, found.main_tap, time, offsets, 8)
    judged = 10 * np.log10(eye.oma / (6 * 3.414 * borne))
    assert judged == pytest.approx(found.tdecq_db, abs=0.005), transmitter


def test_a_search_of_its_own_finds_the_published_value_and_ours():
    # About 10 s: two starts are polished by finite differences, from the definition.
    symbols = pattern("PRBS13Q")
    found = reference(light(SLOW, symbols), symbols, DENSE, begun=1, sharpnesses=(8, 30))
    ours = fast(capture(SLOW, symbols), symbols, SLOW.per_symbol)
    assert found.tdecq_db == pytest.approx(1.235, abs=0.01)
    assert ours.tdecq_db == pytest.approx(found.tdecq_db, abs=0.01)


def compared(transmitter):
    """Hold one transmitter against the reference; give a row for the record."""
    symbols = pattern(transmitter.pattern)
    dense = light(transmitter, symbols)
    noise = noise_mw(transmitter, dense)
    found = reference(dense, symbols, DENSE, noise_mw=noise)
    clean = capture(transmitter, symbols)
    stated = {"averages": 1000, "signal_noise_mw": noise} if noise else {}
    ours = fast(clean, symbols, transmitter.per_symbol, **stated)
    row = {
        "name": transmitter.name,
        "pattern": transmitter.pattern,
        "kind": transmitter.kind,
        "bandwidth": round(transmitter.bandwidth, 3),
        "extinction_db": round(transmitter.extinction_db, 2),
        "samples_per_symbol": transmitter.per_symbol,
        "noise_oma": round(noise / found.oma_mw, 4),
        "reference_db": round(found.tdecq_db, 4),
        "library_db": round(ours.tdecq_db, 4),
        "difference_db": round(ours.tdecq_db - found.tdecq_db, 4),
        "main_taps": [found.main, ours.main_tap],
    }
    if noise:
        noisy = capture(transmitter, symbols, np.random.default_rng(int(transmitter.name)))
        single = fast(noisy, symbols, transmitter.per_symbol)
        row["single_noisy_record_db"] = round(single.tdecq_db, 4)
        row["its_standard_error_db"] = round(single.standard_error_db, 4)
    return row


@pytest.mark.prove
@pytest.mark.timeout(3000)  # a slow search for each of 66 transmitters: about 12 minutes on two cores
def test_no_transmitter_is_off_by_more_than_the_bound():
    cases = drawn(SEED, 60, ["PRBS13Q"]) + [
        Transmitter(f"{60 + i}", "SSPRQ", *[getattr(t, f) for f in Transmitter.__slots__[2:]])
        for i, t in enumerate(drawn(SEED + 1, 6, ["SSPRQ"]))
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(compared, cases))
    worst = max(abs(row["difference_db"]) for row in rows)
    keep("tdecq-reference", __file__, {"cases": len(rows), "worst_difference_db": worst, "rows": rows})
    assert worst <= WITHIN_DB, [row for row in rows if abs(row["difference_db"]) > WITHIN_DB]
    for row in rows:
        if "single_noisy_record_db" in row:
            off = abs(row["single_noisy_record_db"] - row["reference_db"])
            assert off <= WITHIN_DB + 3 * row["its_standard_error_db"], row
