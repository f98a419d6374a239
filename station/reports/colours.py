"""The colours of an eye: from white to near black, each step equally darker to the eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.units import FloatArray

_LIGHTNESS = (0.97, 0.20)
_HUE_DEG = (95.0, 300.0)  # sand, green, blue, violet
_CHROMA = 0.13
_FULL = 0.995

# OKLab (Björn Ottosson, 2020): to the cone responses, and from these to linear sRGB.
_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def density_palette(colours: int = 256) -> NDArray[np.uint8]:
    """Make the palette of a density: the first colour is white, for nothing at all."""
    way = np.linspace(0.0, 1.0, colours - 1)
    lightness = _LIGHTNESS[0] + (_LIGHTNESS[1] - _LIGHTNESS[0]) * way
    hue = np.radians(_HUE_DEG[0] + (_HUE_DEG[1] - _HUE_DEG[0]) * way)
    # Little chroma at both ends: light and dark colours of full chroma do not exist in sRGB.
    chroma = _CHROMA * np.sin(np.pi * (0.12 + 0.76 * way))
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    return np.concatenate([np.full((1, 3), 255, np.uint8), _to_srgb(lab)])


def paint(counts: FloatArray, colours: int = 256) -> NDArray[np.uint8]:
    """Give each count its colour on a square-root scale; a single count is never white.

    The fullest bins share the last colour, so that one of them does not pale all others.
    """
    found = counts[counts > 0]
    if found.size == 0:
        return np.zeros(counts.shape, np.uint8)
    most = float(np.quantile(found, _FULL))
    index = 1.0 + (colours - 2) * np.sqrt(np.minimum(counts / most, 1.0))
    return np.where(counts > 0, np.round(index), 0.0).astype(np.uint8)


def _to_srgb(lab: FloatArray) -> NDArray[np.uint8]:
    linear = np.clip((lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T, 0.0, 1.0)
    # IEC 61966-2-1, the transfer curve of sRGB
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.round(255.0 * encoded).astype(np.uint8)
    return rounded
