"""Two-level light: levels, edges, Q, jitter, eye mask and closure, each from one folded capture.

`fold` puts a capture and its pattern in step; every measurement takes the eye that it gives.
"""

from measurements.nrz.closure import EyeOpening, QFactor, Vecp, eye_opening, q_factor, vecp
from measurements.nrz.crossings import Crossings, find_crossings
from measurements.nrz.dual_dirac import DualDirac, ThinTails
from measurements.nrz.edges import EdgeTimes, edge_times
from measurements.nrz.equivalent_time import find_sampled_crossings
from measurements.nrz.folding import NrzEye, fold
from measurements.nrz.jitter import (
    DataDependentJitter,
    JitterWidth,
    TotalJitter,
    data_dependent_jitter,
    jitter_width,
    separate_jitter,
    total_jitter,
)
from measurements.nrz.levels import EyeLevels, SettledLevels, eye_levels, settled_levels
from measurements.nrz.mask import (
    CWDM4_MASK,
    LR4_MASK,
    EyeMask,
    MaskError,
    MaskHits,
    MaskMargin,
    mask_margin,
    mask_test,
)

__all__ = [
    "CWDM4_MASK",
    "LR4_MASK",
    "Crossings",
    "DataDependentJitter",
    "DualDirac",
    "EdgeTimes",
    "EyeLevels",
    "EyeMask",
    "EyeOpening",
    "JitterWidth",
    "MaskError",
    "MaskHits",
    "MaskMargin",
    "NrzEye",
    "QFactor",
    "SettledLevels",
    "ThinTails",
    "TotalJitter",
    "Vecp",
    "data_dependent_jitter",
    "edge_times",
    "eye_levels",
    "eye_opening",
    "find_crossings",
    "find_sampled_crossings",
    "fold",
    "jitter_width",
    "mask_margin",
    "mask_test",
    "q_factor",
    "separate_jitter",
    "settled_levels",
    "total_jitter",
    "vecp",
]
