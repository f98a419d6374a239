"""Captures that were stored as files: read, and told where they are wrong.

- .npy with one dimension: power in mW on an even grid;
- .npy of 16-bit numbers: a waveform of a run, scaled as the run's record says;
- .npy or .csv with two columns: time in s and power in mW, steps may be uneven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.errors import PhotonbenchError
from measurements.units import FloatArray

_UNITS = ("s", "mw")
_UNIT = re.compile(r"[\[(]\s*([^\])\s]+)\s*[\])]")


class CaptureFileError(PhotonbenchError):
    """A file that is no capture; the message begins with its place."""


@dataclass(frozen=True, slots=True)
class StoredCapture:
    """What a file holds; `time_s` is None on an even grid, `told` what a run's record says of it."""

    power_mw: NDArray[np.floating]
    time_s: FloatArray | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


def read_capture(path: Path, *, scale_mw: float | None = None, offset_mw: float = 0.0) -> StoredCapture:
    """Read a capture; raise CaptureFileError with place and remedy, OSError when it cannot be opened."""
    if path.suffix.lower() == ".csv":
        return _columns(path, np.array(list(_rows(path)), dtype=np.float64).reshape(-1, 2), "line")
    if path.suffix.lower() == ".npy":
        return _array(path, _load(path), scale_mw, offset_mw)
    raise CaptureFileError(
        f"{path}: {path.suffix or 'no ending'} is no kind of capture",
        remedy="give an .npy, or a .csv with two columns: time in s, power in mW",
    )


def _load(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:
        raise CaptureFileError(
            f"{path}: is no .npy array that can be read: {error}", remedy="save it again with numpy.save"
        ) from error


def _array(path: Path, data: NDArray[Any], scale_mw: float | None, offset_mw: float) -> StoredCapture:
    if data.ndim == 1 and data.dtype.kind in "iu":
        return _scaled(path, data, scale_mw, offset_mw)
    if data.dtype.kind != "f":
        raise CaptureFileError(
            f"{path}: holds {data.dtype} of shape {data.shape}",
            remedy="save one dimension of float in mW, or two columns of time in s and power in mW",
        )
    if scale_mw is not None:
        raise CaptureFileError(f"{path}: holds powers already", remedy="leave --scale-mw away")
    if data.ndim == 1:
        _require_finite(path, data, "sample")
        return StoredCapture(data if data.dtype.itemsize >= 4 else data.astype(np.float32))
    if data.ndim == 2 and data.shape[1] == 2:
        return _columns(path, data.astype(np.float64), "row")
    turned = "; transpose it" if data.ndim == 2 and data.shape[0] == 2 else ""
    raise CaptureFileError(
        f"{path}: has the shape {data.shape}",
        remedy=f"save one dimension of power in mW, or two columns of time in s and power in mW{turned}",
    )


def _scaled(path: Path, data: NDArray[Any], scale_mw: float | None, offset_mw: float) -> StoredCapture:
    told: Mapping[str, Any] = {} if scale_mw is not None else told_by_run(path)
    scale = scale_mw if scale_mw is not None else told.get("scale_mw")
    offset = offset_mw if scale_mw is not None else told.get("offset_mw", 0.0)
    if scale is None:
        raise CaptureFileError(
            f"{path}: holds scaled numbers ({data.dtype}), and no record of a run beside it says their scale",
            remedy="leave it in the folder of its run, or give --scale-mw and --offset-mw",
        )
    return StoredCapture(data * float(scale) + float(offset), told=told)


def told_by_run(path: Path) -> Mapping[str, Any]:
    """Find what the record of the run around a waveform says of it and of its noise; {} without one."""
    from station import record
    from station.journal import FILE_NAME

    folder = path.absolute().parent.parent
    if not (folder / FILE_NAME).is_file():
        return {}
    run = record.load(folder)
    name = f"{path.parent.name}/{path.name}"
    for event in run.measurements:
        waveform = (event.get("evidence") or {}).get("waveform")
        if isinstance(waveform, Mapping) and waveform.get("file") == name:
            beside = (event.get("lane"), event.get("corner"))
            return {**waveform, **_noise_of(run.measurements, beside), "run_id": run.run_id}
    return {}


def _noise_of(measurements: list[dict[str, Any]], beside: tuple[object, object]) -> dict[str, Any]:
    """Take averages, noises and reference receiver from the TDECQ of the same lane and corner."""
    for event in measurements:
        evidence = event.get("evidence") or {}
        if (event.get("lane"), event.get("corner")) == beside and "reference_receiver" in evidence:
            wanted = ("averages", "noise_mw", "scope_noise_mw", "reference_receiver")
            return {name: evidence[name] for name in wanted if name in evidence}
    return {}


def _rows(path: Path) -> Iterator[tuple[float, float]]:
    """Read two numbers a line; the first line may be a header, blank lines are skipped."""
    delimiter = None
    with path.open(encoding="utf-8-sig", newline=None) as file:
        for number, line in enumerate(_decoded(path, file), start=1):
            if not line.strip():
                continue
            first = delimiter is None
            delimiter = delimiter or next((one for one in ",;\t" if one in line), ",")
            words = line.rstrip("\r\n").split(delimiter)
            if len(words) != 2:
                raise CaptureFileError(
                    f"{path}:{number}: {len(words)} columns instead of two",
                    remedy="keep two columns: time in s, power in mW",
                )
            try:
                yield float(words[0]), float(words[1])
            except ValueError as error:
                if not first or any(_is_number(word) for word in words):
                    raise CaptureFileError(
                        f"{path}:{number}: {line.strip()[:60]!r} is not two numbers",
                        remedy="write time in s and power in mW, with decimal points",
                    ) from error
                _check_header(path, number, words)


def _decoded(path: Path, file: Any) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        what = f"{path}: is no text: {error.reason}"
        raise CaptureFileError(what, remedy="export it as CSV again") from error


def _check_header(path: Path, number: int, words: list[str]) -> None:
    """Refuse a header that names other units: a waveform in W would be wrong by 30 dB."""
    for word, wanted in zip(words, _UNITS, strict=True):
        unit = _UNIT.search(word)
        if unit is not None and unit[1].lower() != wanted:
            raise CaptureFileError(
                f"{path}:{number}: {word.strip()!r} is in {unit[1]}",
                remedy="export time in s and power in mW",
            )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _columns(path: Path, data: FloatArray, what: str) -> StoredCapture:
    if len(data) < 2:
        raise CaptureFileError(f"{path}: holds {len(data)} samples", remedy="capture a whole pattern period")
    bad = np.flatnonzero(~np.isfinite(data).all(axis=1))
    if bad.size and what == "line":
        raise _not_finite(f"{path}:{_line_of(path, int(bad[0]))}", bad.size)
    if bad.size:
        raise _not_finite(f"{path}: {what} {bad[0]}", bad.size)
    return StoredCapture(np.ascontiguousarray(data[:, 1]), np.ascontiguousarray(data[:, 0]))


def _line_of(path: Path, index: int) -> int:
    """Find the line of a data row by its index."""
    seen = -1
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            seen += all(map(_is_number, re.split("[,;\t]", line.strip())))
            if seen == index:
                return number
    return 0


def _require_finite(path: Path, power_mw: NDArray[np.floating], what: str) -> None:
    bad = np.flatnonzero(~np.isfinite(power_mw))
    if bad.size:
        raise _not_finite(f"{path}: {what} {bad[0]}", bad.size)


def _not_finite(place: str, count: int) -> CaptureFileError:
    rest = f", and {count - 1} more" if count > 1 else ""
    return CaptureFileError(
        f"{place}: is not finite{rest}", remedy="the scope marks holes in a record so: capture again"
    )
