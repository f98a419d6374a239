from __future__ import annotations

import base64
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from measurements.ber import ErrorRatio
from station.journal import Event
from station.reports import evidence, eyes, spectra, waterfalls
from station.reports.axes import decades, q_decibels, ticks
from station.reports.bars import Bars
from station.reports.colours import density_palette, paint
from station.reports.evidence import Missing
from station.reports.numbers import decimals, exact, number, plain, seconds_text, title, visible
from station.reports.png import encode

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def decode(png: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a palette picture back, by the standard alone: pixels and palette."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + size]
        (check,) = struct.unpack(">I", png[place + 8 + size : place + 12 + size])
        assert check == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + size
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, method, filters, interlace) == (8, 3, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


# --- PNG and colours -------------------------------------------------------------------------------


def test_a_png_gives_back_its_pixels_and_colours() -> None:
    pixels = np.arange(7 * 5, dtype=np.uint8).reshape(7, 5)
    palette = np.random.default_rng(1).integers(0, 256, (40, 3)).astype(np.uint8)
    read, colours = decode(encode(pixels, palette))
    assert np.array_equal(read, pixels)
    assert np.array_equal(colours, palette)


@pytest.mark.parametrize(
    ("pixels", "palette"),
    [
        (np.zeros((0, 4), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((4, 4), np.float64), np.zeros((2, 3), np.uint8)),
        (np.full((4, 4), 2, np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((257, 3), np.uint8)),
    ],
)
def test_what_is_no_picture_is_refused(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"is no|beyond"):
        encode(pixels, palette)


def test_each_colour_is_darker_than_the_one_before() -> None:
    linear = (density_palette().astype(float) / 255) ** 2.2
    assert (np.diff(linear @ LUMINANCE) <= 1e-3).all()
    assert density_palette()[0].tolist() == [255, 255, 255]


def test_a_single_count_is_seen_beside_a_million() -> None:
    painted = paint(np.array([[0.0, 1.0, 1e6]]))
    assert painted[0, 0] == 0
    assert painted[0, 1] >= 1
    assert painted[0, 2] == 255


# --- eyes ------------------------------------------------------------------------------------------


def eye_event(file: object, **more: object) -> Event:
    eye = {"file": file, "time_ui": [-0.5, 1.5], "power_mw": [0.0, 2.0]}
    return {"name": "tx_tdecq", "evidence": {"eye": eye, **more}}


def picture_of(text: str) -> NDArray[np.uint8]:
    start = text.index("base64,") + 7
    return decode(base64.b64decode(text[start : text.index('"', start)]))[0]


def test_high_power_is_drawn_at_the_top(tmp_path: Path) -> None:
    counts = np.zeros((160, 256), np.uint16)
    counts[-1, 10] = 900
    np.save(tmp_path / "eye.npy", counts)
    pixels = picture_of(eyes.draw(eye_event("eye.npy"), tmp_path, "an eye").text)
    assert pixels.shape == (160, 256)
    assert pixels[0, 10] == 255
    assert np.count_nonzero(pixels) == 1


def test_gaps_between_the_instants_of_a_scope_are_closed(tmp_path: Path) -> None:
    counts = np.zeros((20, 240), np.uint16)
    counts[5, ::8] = 400
    np.save(tmp_path / "eye.npy", counts)
    pixels = picture_of(eyes.draw(eye_event("eye.npy"), tmp_path, "an eye").text)
    assert (pixels[14] == 255).all()
    assert np.count_nonzero(pixels) == 240


def test_levels_thresholds_and_both_windows_of_each_symbol_are_marked(tmp_path: Path) -> None:
    np.save(tmp_path / "eye.npy", np.ones((4, 4)))
    marks = {"levels_mw": [0.2, 0.7, 1.2, 1.7], "thresholds_mw": [0.5, 1.0, 1.5], "phase_ui": 0.25}
    text = eyes.draw(eye_event("eye.npy", **marks), tmp_path, "an eye").text
    assert text.count('class="level"') == 8
    assert text.count('class="threshold"') == 3
    windows = [float(part.split('x="')[1].split('"')[0]) for part in text.split("<rect") if "window" in part]
    step = (292.0 - 48.0) / 2  # the picture shows two symbols
    first = 48.0 + (0.25 - -0.5) * step  # the decision at phase_ui
    for x in (first - 0.07 * step, first + 0.03 * step, first + 0.93 * step):
        assert any(abs(x - window) < 0.1 for window in windows)


def test_eyes_without_a_decision_keep_the_time_of_the_record(tmp_path: Path) -> None:
    np.save(tmp_path / "eye.npy", np.ones((4, 4)))
    text = eyes.draw(eye_event("eye.npy"), tmp_path, "an eye").text
    assert "time (UI)" in text
    assert 'class="window"' not in text
    assert (
        "time from the decision (UI)"
        in eyes.draw(eye_event("eye.npy", phase_ui=0.5), tmp_path, "an eye").text
    )


def test_a_large_picture_is_joined_and_loses_no_count(tmp_path: Path) -> None:
    counts = np.ones((900, 1201), np.uint32)
    np.save(tmp_path / "eye.npy", counts)
    joined = evidence.density(tmp_path, "eye.npy")
    assert max(joined.shape) <= 400 + 1
    assert joined.sum() == counts.sum()


def _spoil(folder: Path, name: str) -> object:
    """Leave a broken picture in the folder and give the name that the record has for it."""
    if name == "garbage.npy":
        (folder / name).write_bytes(b"\x93NUMPY no")
    if name == "empty.npy":
        (folder / name).write_bytes(b"")
    if name == "flat.npy":
        np.save(folder / name, np.ones(9))
    if name == "nan.npy":
        np.save(folder / name, np.full((3, 3), np.nan))
    if name == "objects.npy":
        np.save(folder / name, np.array([[{}]], dtype=object), allow_pickle=True)
    if name == "../outside.npy":
        np.save(folder / name, np.ones((3, 3)))
    return {"number": 7, "none": None}.get(name, name)


@pytest.mark.parametrize(
    "name",
    [
        "absent.npy",
        "garbage.npy",
        "empty.npy",
        "flat.npy",
        "nan.npy",
        "objects.npy",
        "../outside.npy",
        "/",
        "a\0b",
        "number",
        "none",
    ],
)
def test_a_broken_picture_says_what_is_missing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    file = _spoil(folder, name)
    with pytest.raises(Missing):
        eyes.draw(eye_event(file), folder, "an eye")


@pytest.mark.parametrize("axis", [None, [1.0, 1.0], [2.0, 1.0], ["0", "1"], [0.0], "01"])
def test_an_eye_without_axes_is_not_drawn(tmp_path: Path, axis: object) -> None:
    np.save(tmp_path / "eye.npy", np.ones((4, 4)))
    event = eye_event("eye.npy")
    event["evidence"]["eye"]["time_ui"] = axis
    with pytest.raises(Missing, match="time axis"):
        eyes.draw(event, tmp_path, "an eye")


# --- waterfalls and spectra ------------------------------------------------------------------------


def sweep(points: object) -> Event:
    found = {"points": points, "fit": [[-7.0, 1e-3], [-6.0, 1e-5]], "target_ber": 2.4e-4}
    return {"value": -6.6, "upper": -3.9, "lower": None, "evidence": found}


def test_points_without_errors_are_arrows_and_others_have_bars() -> None:
    points = [
        {"power_dbm": -7.0, "bits": 1e9, "errors": 1_000_000},
        {"power_dbm": -6.5, "bits": 1e9, "errors": 90_000},
        {"power_dbm": -4.0, "bits": 1e9, "errors": 0},
    ]
    text = waterfalls.draw(sweep(points), "a waterfall").text
    assert text.count("<circle") == 2
    assert text.count("<polygon") == 2  # the arrow and the diamond of the sensitivity
    assert text.count('class="fit"') == 1
    assert text.count('class="limit"') == 1
    assert "target 2.4×10⁻⁴" in text


def test_points_may_be_plain_triples() -> None:
    assert "<circle" in waterfalls.draw(sweep([[-7.0, 1e9, 1000], [-6.0, 1e9, 10]]), "a waterfall").text


@pytest.mark.parametrize(
    "points", [None, [], [[1.0, 2.0]], [{"power_dbm": -7}], [[-7.0, 100, 200]], [[-7.0, 0, 0]], ["x"]]
)
def test_a_sweep_that_is_none_is_not_drawn(points: object) -> None:
    with pytest.raises(Missing):
        waterfalls.draw(sweep(points), "a waterfall")


def test_zero_errors_are_drawn_at_the_bound_of_the_statistics() -> None:
    bound = waterfalls.Count(-4.0, 1e9, 0).ber
    assert bound == pytest.approx(ErrorRatio(10**9, 0).upper_bound(0.95), rel=1e-6)


@pytest.mark.parametrize("errors", [20, 300, 10_000])
def test_error_bars_agree_with_the_exact_interval(errors: int) -> None:
    shown = waterfalls.Count(-4.0, 1e9, errors).interval
    width = 2 * 1.96 * math.sqrt(errors) / 1e9
    for mine, theirs in zip(shown, ErrorRatio(10**9, errors).interval(0.95), strict=True):
        assert mine == pytest.approx(theirs, abs=0.07 * width)


def test_gaussian_noise_over_decibels_is_a_straight_line() -> None:
    ratios = [0.5 * math.erfc(10 ** (q_db / 10) / math.sqrt(2)) for q_db in (3.0, 5.0, 7.0)]
    assert [q_decibels(ber) for ber in ratios] == pytest.approx([-3.0, -5.0, -7.0], abs=1e-6)


def test_a_spectrum_keeps_its_peak_when_thinned() -> None:
    grid = np.linspace(1300, 1320, 20_001)
    power = np.full(grid.size, -60.0)
    power[12_345], power[777] = 1.5, -64.0
    event = {"evidence": {"trace": {"wavelength_nm": grid.tolist(), "power_dbm": power.tolist()}}}
    text = spectra.draw(event, "a spectrum").text
    points = text.split('points="')[1].split('"')[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(points) < 700
    assert sum(height < min(heights) + 1 for height in heights) == 1
    assert sum(height > max(heights) - 1 for height in heights) == 1


def test_a_dip_to_nothing_does_not_flatten_a_spectrum() -> None:
    grid = np.linspace(1300, 1320, 201)
    power = np.full(grid.size, -70.0)
    power[100], power[30] = 0.0, -210.0
    event = {"evidence": {"trace": {"wavelength_nm": grid.tolist(), "power_dbm": power.tolist()}}}
    assert "−100" not in spectra.draw(event, "a spectrum").text


@pytest.mark.parametrize(
    "trace", [None, {}, {"wavelength_nm": [1.0, 2.0], "power_dbm": [1.0]}, {"wavelength_nm": 3}]
)
def test_a_trace_that_is_none_is_not_drawn(trace: object) -> None:
    with pytest.raises(Missing):
        spectra.draw({"evidence": {"trace": trace}}, "a spectrum")


# --- bars and numbers ------------------------------------------------------------------------------


def held(value: object, **more: object) -> Event:
    return {"value": value, "lower": -2.9, "upper": 4.0, "verdict": "PASS", **more}


def test_a_bar_shows_the_value_between_what_is_forbidden() -> None:
    event = held(1.5, standard_error=0.1)
    bars = Bars.over([event])
    assert bars is not None
    drawing = bars.draw(event)
    assert drawing is not None
    assert drawing.text.count('class="forbidden"') == 2
    assert 'class="mark good"' in drawing.text
    at = bars.scale.at
    assert at(-2.9) < at(1.5) < at(4.0)


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        (held(9.0, verdict="FAIL"), 'class="cross"'),
        (held(1.0, verdict="PENDING"), 'class="mark open"'),
        (held(1.0, bound="upper"), "<polygon"),
    ],
)
def test_what_does_not_pass_or_is_a_bound_has_another_shape(event: Event, shape: str) -> None:
    bars = Bars.over([event])
    assert bars is not None
    drawing = bars.draw(event)
    assert drawing is not None
    assert shape in drawing.text


def test_bit_error_ratios_are_drawn_by_decades() -> None:
    event = {"value": 3e-9, "lower": None, "upper": 2.4e-4, "verdict": "PASS"}
    bars = Bars.over([event])
    assert bars is not None
    assert bars.logarithmic
    assert "10⁻⁶" in bars.axis().text


@pytest.mark.parametrize("value", [None, "nan", "inf", True])
def test_without_a_value_there_is_no_bar(value: object) -> None:
    assert Bars.over([held(value)]) is None


def test_decimals_grow_until_a_missed_limit_is_seen() -> None:
    assert decimals("dB", [1.43], [3.4]) == 2
    assert decimals("dB", [3.40004], [3.4]) == 5
    assert decimals("1", [1.0, 4.0], [1.0]) == 0
    assert decimals("1", [3e-9], [2.4e-4]) is None
    assert decimals("dB", [], []) == 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number(-0.001, 2), "0.00"),
        (number(-2.904, 2), "−2.90"),
        (number(0.000123, None), "1.23×10⁻⁴"),
        (exact(1304.5), "1304.5"),
        (exact(2.4e-4), "2.4×10⁻⁴"),
        (exact(-3.0), "−3"),
        (plain(1_062_500_000.0), "1.06×10⁹"),
        (plain(0.0), "0"),
        (plain(16.0), "16"),
        (seconds_text(0.4), "0.40 s"),
        (seconds_text(59.99), "60.0 s"),
        (seconds_text(3700), "1 h 01 min"),
        (seconds_text("soon"), "unknown"),
        (title("tx_oma_minus_tdecq"), "TX OMA minus TDECQ"),
        (visible("PB\u202e4\x1b[0m"), "PB\\u202e4\\u001b[0m"),
    ],
)
def test_numbers_and_words_are_written_as_people_read_them(written: str, expected: str) -> None:
    assert written == expected


def test_ticks_are_round_and_within() -> None:
    assert ticks(-0.3, 2.1, 5) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert decades(1e-9, 1e-3, 7)[0] == pytest.approx(1e-9)
    assert len(decades(1e-18, 0.4, 7)) <= 7
