"""Pictures with a palette, written as PNG by zlib alone."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BITS, _PALETTE = 8, 3
_COLOURS = 256


def encode(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Write a picture, top row first, whose pixels are rows of a palette of up to 256 RGB colours.

    Raise ValueError for shapes that are no picture or no palette, and for pixels beyond the palette.
    """
    if indices.ndim != 2 or indices.size == 0 or indices.dtype != np.uint8:
        raise ValueError(f"{indices.shape} {indices.dtype} is no picture of 8-bit pixels")
    if palette.ndim != 2 or palette.shape[1] != 3 or not 1 <= len(palette) <= _COLOURS:
        raise ValueError(f"{palette.shape} is no palette of RGB colours")
    if int(indices.max()) >= len(palette):
        raise ValueError(f"pixel {int(indices.max())} is beyond a palette of {len(palette)} colours")
    height, width = indices.shape
    header = struct.pack(">IIBBBBB", width, height, _EIGHT_BITS, _PALETTE, 0, 0, 0)
    rows = np.zeros((height, width + 1), np.uint8)  # the first byte of each row: no filter
    rows[:, 1:] = indices
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def data_uri(png: bytes) -> str:
    """Write a picture so that a page carries it in itself."""
    return "data:image/png;base64," + b64encode(png).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
