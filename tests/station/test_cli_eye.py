"""The eye command over captures with a known answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from measurements.capture import Waveform, filtered
from measurements.patterns import pattern
from station.cli.captures import read_capture
from station.cli.group import photonbench
from station.journal import Journal, wall_utc

PRODUCT = Path(__file__).parents[2] / "configs/products/400gbase-dr4.yaml"
RATE_GBD, PER_SYMBOL = 53.125, 8
BY_HAND = ("--symbol-rate-gbd", RATE_GBD, "--modulation", "pam4", "--pattern", "PRBS13Q")
FOR_PRODUCT = ("--product", PRODUCT, "--pattern", "PRBS13Q")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(photonbench, [str(word) for word in arguments], prog_name="photonbench")


@pytest.fixture(scope="module")
def power_mw() -> np.ndarray:
    """PAM4 levels of 1, 2, 3 and 4 mW behind the half-rate filter, with noise of 5 µW."""
    symbols = pattern("PRBS13Q")
    held = np.repeat(1.0 + symbols, PER_SYMBOL).astype(np.float64)
    clean = filtered(Waveform(held, symbols, PER_SYMBOL, RATE_GBD), 0.5 * RATE_GBD).power_mw
    return clean + np.random.default_rng(3).normal(0.0, 0.005, clean.size)


@pytest.fixture(scope="module")
def time_s(power_mw: np.ndarray) -> np.ndarray:
    return np.arange(power_mw.size) / (PER_SYMBOL * RATE_GBD * 1e9)


def analysed(*arguments: object) -> dict[str, Any]:
    done = invoke("eye", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def refused(*arguments: object) -> str:
    """Give what is said of a capture that is refused; JSON says the same."""
    done = invoke("eye", *arguments, "--json")
    assert done.exit_code == 2, done.output
    assert json.loads(done.stdout)["error"] in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory, power_mw: np.ndarray) -> dict[str, Any]:
    """Analyse the capture on its even grid, with a picture."""
    folder = tmp_path_factory.mktemp("even")
    np.save(folder / "c.npy", power_mw)
    return analysed(folder / "c.npy", *FOR_PRODUCT, "--out", folder / "eye.png")


def test_levels_and_tdecq_of_a_known_waveform(power_mw: np.ndarray, even: dict[str, Any]) -> None:
    assert even["oma_outer_mw"] == pytest.approx(3.0, rel=0.01)
    assert even["extinction_ratio_db"] == pytest.approx(10 * np.log10(4.0), abs=0.05)
    assert even["rlm"] == pytest.approx(1.0, abs=0.01)
    assert even["average_mw"] == pytest.approx(float(power_mw.mean()))
    # Levels held by a filter of half the symbol rate alone: little closure, and little noise.
    assert 0.0 < even["tdecq_db"] < 1.0
    assert sum(even["taps"]) == pytest.approx(1.0)
    assert (even["samples_per_symbol"], even["periods"], even["averages"]) == (8.0, 1, 1)
    assert Path(even["picture"]).read_bytes().startswith(b"\x89PNG\r\n")


def test_text_names_each_figure_in_80_columns(tmp_path: Path, power_mw: np.ndarray) -> None:
    np.save(tmp_path / "c.npy", power_mw.astype(np.float32))
    lines = invoke("eye", tmp_path / "c.npy", *BY_HAND).stdout.splitlines()
    names = [line[2:18].strip() for line in lines[2:]]
    assert names == [
        *("average power", "OMAouter", "outer ER", "levels", "RLM", "overshoot", "transition time"),
        *("TDECQ", "Ceq, K", "partial, left", "partial, right", "taps", "reference", "noise"),
        *("eyes", "lower", "middle", "upper"),
    ]
    assert max(map(len, lines[1:])) <= 80


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "time (s)|power (mW)\n", "X|Y\n"])
def test_a_csv_gives_the_numbers_that_were_written(tmp_path: Path, separator: str, header: str) -> None:
    rows = [(1e-12, 0.5), (3.4e-12, -2.5e-3), (5e-12, 7.0)]
    text = header.replace("|", separator) + "\n".join(f"{t!r}{separator}{p!r}" for t, p in rows) + "\n\n"
    (tmp_path / "c.csv").write_text(text)
    read = read_capture(tmp_path / "c.csv")
    assert read.time_s is not None
    assert list(zip(read.time_s.tolist(), read.power_mw.tolist(), strict=True)) == rows


def test_two_columns_give_what_the_even_grid_gives(
    tmp_path: Path, power_mw: np.ndarray, time_s: np.ndarray, even: dict[str, Any]
) -> None:
    np.save(tmp_path / "c.npy", np.stack([time_s, power_mw], axis=1))
    found = analysed(tmp_path / "c.npy", *BY_HAND)
    assert found["oma_outer_mw"] == pytest.approx(even["oma_outer_mw"], rel=1e-4)
    assert found["tdecq_db"] == pytest.approx(even["tdecq_db"], abs=0.01)


def test_an_averaged_record_needs_the_noise_of_one_acquisition(
    tmp_path: Path, power_mw: np.ndarray, even: dict[str, Any]
) -> None:
    np.save(tmp_path / "c.npy", power_mw)
    silent = invoke("eye", tmp_path / "c.npy", *BY_HAND, "--averages", 16)
    assert silent.exit_code == 0
    assert "not measurable: the record was averaged 16 times" in silent.stdout
    noisy = (tmp_path / "c.npy", *BY_HAND, "--averages", 16, "--signal-noise-uw", 100)
    much, credited = analysed(*noisy)["tdecq_db"], analysed(*noisy, "--scope-noise-uw", 90)["tdecq_db"]
    assert much > even["tdecq_db"] + 0.2
    assert credited < much - 0.1


def scaled_waveform(folder: Path, power_mw: np.ndarray) -> tuple[Path, float, float]:
    """Store a waveform as a run does, without its record."""
    offset = float(power_mw.max() + power_mw.min()) / 2
    scale = float(np.ptp(power_mw)) / 65534
    (folder / "waveforms").mkdir()
    path = folder / "waveforms" / "abc.npy"
    np.save(path, np.round((power_mw - offset) / scale).astype("<i2"))
    return path, scale, offset


def test_a_waveform_of_a_run_takes_all_else_from_its_record(tmp_path: Path, power_mw: np.ndarray) -> None:
    path, scale, offset = scaled_waveform(tmp_path, power_mw)
    waveform = {"file": "waveforms/abc.npy", "scale_mw": scale, "offset_mw": offset, "pattern": "PRBS13Q"}
    waveform |= {"samples_per_symbol": 8.0, "symbol_rate_gbd": RATE_GBD}
    noise = {"averages": 4, "noise_mw": 0.05, "scope_noise_mw": 0.0, "reference_receiver": "IEEE 802.3bs"}
    journal = Journal(tmp_path, wall_utc)
    journal.append("head", run_id="run-1", serial="DEMO-0001")
    for lane, evidence in ((2, {}), (1, noise)):
        journal.append("measurement", name="tx_tdecq", lane=lane, corner="room", evidence=evidence)
    told = {"waveform": waveform}
    journal.append("measurement", name="tx_oma_outer", lane=1, corner="room", evidence=told)
    journal.close()
    found = analysed(path)
    assert found["oma_outer_mw"] == pytest.approx(3.0, rel=0.01)
    assert (found["averages"], found["noise_mw"], found["reference_receiver"]) == (4, 0.05, "IEEE 802.3bs")
    assert found["run_id"] == "run-1"
    assert "was taken at 53.125 GBd" in refused(path, "--symbol-rate-gbd", 26.5625, "--modulation", "pam4")


def test_a_scaled_waveform_without_its_record_needs_its_scale(tmp_path: Path, power_mw: np.ndarray) -> None:
    path, scale, offset = scaled_waveform(tmp_path, power_mw)
    assert "--scale-mw" in refused(path, *BY_HAND)
    read = read_capture(path, scale_mw=scale, offset_mw=offset).power_mw
    assert np.abs(read - power_mw).max() <= 0.51 * scale


def test_a_dark_capture_has_an_average_and_a_reason_but_no_figure(tmp_path: Path) -> None:
    np.save(tmp_path / "dark.npy", np.random.default_rng(1).normal(0.0, 0.005, 8191 * 8))
    found = analysed(tmp_path / "dark.npy", *BY_HAND)
    assert "no light" in found["not_measurable"]
    assert found["tdecq_db"] is None
    assert "oma_outer_dbm" not in found


NRZ = ("--symbol-rate-gbd", 25.78125, "--modulation", "nrz", "--pattern", "PRBS9")


@pytest.fixture(scope="module")
def nrz_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of 0.2 and 1.2 mW behind the 0.75-rate filter, 40 periods of PRBS9 with noise of 10 µW."""
    symbols, periods = pattern("PRBS9"), 40
    held = np.repeat(np.tile(0.2 + symbols, periods), 16).astype(np.float64)
    cycles = np.arange(held.size // 2 + 1) / (symbols.size * periods)
    p = 2.113917675j * cycles / 0.75
    light = np.fft.irfft(np.fft.rfft(held) * 105 / (p**4 + 10 * p**3 + 45 * p**2 + 105 * p + 105), held.size)
    path = tmp_path_factory.mktemp("nrz") / "nrz.npy"
    np.save(path, light + np.random.default_rng(1).normal(0.0, 0.01, held.size))
    return path


def test_a_two_level_eye_is_measured_with_its_mask(tmp_path: Path, nrz_file: Path) -> None:
    found = analysed(
        nrz_file, *NRZ, "--samples-per-symbol", 16, "--mask", "100GBASE-LR4", "--out", tmp_path / "eye.png"
    )
    assert found["modulation"] == "nrz"
    assert found["periods"] == 40
    assert found["oma_mw"] == pytest.approx(1.0, abs=0.02)
    assert found["extinction_ratio_db"] == pytest.approx(10 * np.log10(6.0), abs=0.3)
    assert found["crossing_percent"] == pytest.approx(50.0, abs=2.0)
    assert found["mask_hits"] == 0
    assert found["mask_margin_percent"] > 20
    assert 0.0 < found["jitter_rms_ui"] < 0.02
    assert (tmp_path / "eye.png").exists()


def test_a_two_level_eye_reads_in_80_columns(nrz_file: Path) -> None:
    done = invoke("eye", nrz_file, *NRZ, "--samples-per-symbol", 16, "--mask", "100G CWDM4")
    lines = done.stdout.splitlines()
    names = [line[2:18].strip() for line in lines[2:]]
    assert names[:9] == [
        *("average power", "OMA", "ER", "levels", "crossing", "Q", "rise, fall", "eye", "VECP")
    ]
    assert names[-1] == "mask"
    assert "hits" in lines[-1]
    assert max(map(len, lines[1:])) <= 80


def test_a_record_of_a_sampling_scope_has_its_own_jitter(nrz_file: Path) -> None:
    found = analysed(nrz_file, *NRZ, "--samples-per-symbol", 16, "--equivalent-time")
    assert found["jitter_rms_ui"] is None or found["jitter_rms_ui"] < 0.05


def test_two_levels_need_a_pattern_of_two(tmp_path: Path, nrz_file: Path) -> None:
    rate = ("--symbol-rate-gbd", 25.78125)
    assert "pattern is not known" in refused(nrz_file, *rate, "--modulation", "nrz")
    assert "four levels" in refused(nrz_file, *rate, "--modulation", "nrz", "--pattern", "PRBS9Q")
    assert "two levels" in refused(nrz_file, *rate, "--modulation", "pam4", "--pattern", "PRBS9")
    product = tmp_path / "nrz.yaml"
    product.write_text(PRODUCT.read_text().replace("modulation: pam4", "modulation: nrz"))
    assert "pattern is not known" in refused(nrz_file, "--product", product)


def test_two_levels_that_are_not_there_say_why(tmp_path: Path) -> None:
    np.save(tmp_path / "dark.npy", np.random.default_rng(1).normal(0.0, 0.005, 511 * 16))
    done = invoke("eye", tmp_path / "dark.npy", *NRZ)
    assert done.exit_code == 0
    assert "not measurable  no light" in done.stdout


CSV = {
    "three columns": ("1e-12,1.0,7\n2e-12,1.0,7\n", "c.csv:1: 3 columns instead of two"),
    "one column": ("time,power\n1e-12\n", "c.csv:2: 1 columns instead of two"),
    "word": ("time,power\n1e-12,1.0\n2e-12,high\n", "c.csv:3: '2e-12,high' is not two numbers"),
    "decimal comma": ("1e-12;1,0\n", "c.csv:1: '1e-12;1,0' is not two numbers"),
    "nan": ("time,power\n1e-12,1.0\n\n2e-12,nan\n3e-12,nan\n", "c.csv:4: is not finite, and 1 more"),
    "picoseconds": ("time (ps),power (mW)\n1,1.0\n2,1.0\n", "c.csv:1: 'time (ps)' is in ps"),
    "watt": ("time [s],power [W]\n1,1.0\n2,1.0\n", "c.csv:1: 'power [W]' is in W"),
    "empty": ("", "c.csv: holds 0 samples"),
    "too few": ("1e-12,1.0\n2e-12,1.0\n", "record length"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_csv_that_is_no_capture_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, said = CSV[case]
    (tmp_path / "c.csv").write_text(text)
    assert said in refused(tmp_path / "c.csv", *BY_HAND)


def test_arrays_that_are_no_capture_are_refused(tmp_path: Path, power_mw: np.ndarray) -> None:
    holed = power_mw.copy()
    holed[17] = np.nan
    cases: dict[str, tuple[object, str]] = {
        "holed": (holed, "sample 17: is not finite"),
        "three": (np.ones((50, 3)), "has the shape (50, 3)"),
        "lying": (np.ones((2, 50)), "transpose it"),
        "complex": (np.ones(50, dtype=complex), "holds complex128"),
        "short": (power_mw[:-100], "are not one period of PRBS13Q"),
        "objects": (np.array([{}], dtype=object), "is no .npy array"),
    }
    for name, (data, said) in cases.items():
        path = tmp_path / f"{name}.npy"
        np.save(path, data, allow_pickle=True)
        assert said in refused(path, *BY_HAND), name
    (tmp_path / "text.npy").write_text("not an array")
    assert "is no .npy array" in refused(tmp_path / "text.npy", *BY_HAND)


def test_wrong_rate_length_and_pattern_are_refused(
    tmp_path: Path, power_mw: np.ndarray, time_s: np.ndarray
) -> None:
    np.save(tmp_path / "c.npy", power_mw)
    np.save(tmp_path / "xy.npy", np.stack([time_s, power_mw], axis=1))
    slow = ("--symbol-rate-gbd", 26.5625, "--modulation", "pam4", "--pattern", "PRBS13Q")
    assert "the record spans" in refused(tmp_path / "xy.npy", *slow)
    assert "whole pattern periods" in refused(tmp_path / "c.npy", *BY_HAND, "--samples-per-symbol", 7)
    assert "time column" in refused(tmp_path / "xy.npy", *BY_HAND, "--samples-per-symbol", 8)
    assert "SSPRQ" in refused(tmp_path / "c.npy", "--product", PRODUCT)
    shuffled = np.random.default_rng(5).permutation(power_mw.reshape(-1, PER_SYMBOL)).ravel()
    np.save(tmp_path / "other.npy", shuffled)
    assert "not with this pattern" in refused(tmp_path / "other.npy", *BY_HAND)
    assert "unknown pattern" in refused(tmp_path / "c.npy", "--product", PRODUCT, "--pattern", "PRBS14Q")
    assert "has two levels" in refused(tmp_path / "c.npy", "--product", PRODUCT, "--pattern", "PRBS13")


def test_what_is_not_known_is_asked_for(tmp_path: Path, power_mw: np.ndarray) -> None:
    np.save(tmp_path / "c.npy", power_mw)
    assert "--product" in refused(tmp_path / "c.npy")
    assert "--modulation" in refused(tmp_path / "c.npy", "--symbol-rate-gbd", RATE_GBD)
    assert "already" in refused(tmp_path / "c.npy", *FOR_PRODUCT, "--symbol-rate-gbd", RATE_GBD)
    (tmp_path / "c.dat").write_text("")
    assert ".dat is no kind of capture" in refused(tmp_path / "c.dat", *BY_HAND)


def test_a_picture_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    np.save(tmp_path / "dark.npy", np.random.default_rng(1).normal(0.0, 0.005, 8191 * 8))
    assert "eye.png" in refused(tmp_path / "dark.npy", *BY_HAND, "--out", tmp_path / "none" / "eye.png")


def test_text_goes_to_stdout_and_errors_to_stderr_alone(tmp_path: Path) -> None:
    failed = invoke("eye", tmp_path / "none.npy", *BY_HAND)
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert failed.stderr == f"{tmp_path}/none.npy: No such file or directory\n"
