"""What a TDECQ carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from measurements.reference_receivers import ReferenceReceiver
from measurements.units import FloatArray


class NoiseSource(StrEnum):
    """Where the noise that a TDECQ contains came from."""

    RECORD = "single record, taken at its word"
    PERIODS = "deviation of the record's periods from their mean"
    STATED = "stated noise of one acquisition"


@dataclass(frozen=True, slots=True, eq=False)
class TdecqResult:
    """A TDECQ with all that is needed to compute or doubt it again.

    `sigma_mw` is the noise R that could be added at the receiver's input, that of the scope
    credited. `standard_error_db` covers the noise left in the record, for the taps found; not the
    scope's calibration, nor the scatter of a stated noise. `phase_ui` is the middle of the
    histogram pair after the record's first sample, modulo 1. `noise_mw` is the transmitter's noise
    of one acquisition as far as known, `scope_noise_credited_mw` the part of the scope's noise that
    was credited. `ser_left` and `ser_right` hold at `sigma_mw`.

    `partial_tdecq_db` has a row for the left and one for the right histogram and a column for the
    lower, middle and upper eye: the TDECQ if all six were like that one, each with a third of the
    target error ratio at the same taps, time and thresholds; NaN where that eye is closed.
    """

    tdecq_db: float
    standard_error_db: float
    ceq_db: float
    oma_outer_mw: float
    average_mw: float
    sigma_mw: float
    taps: FloatArray
    main_tap: int
    phase_ui: float
    threshold_offsets_mw: FloatArray
    ser_left: float
    ser_right: float
    noise_source: NoiseSource
    noise_mw: float
    scope_noise_credited_mw: float
    partial_tdecq_db: FloatArray
    equalizer: ReferenceReceiver

    @property
    def k_db(self) -> float:
        """Get K = TDECQ - 10 log10(Ceq), the closure without the equaliser's noise (IEEE 802.3, 140.7.5)."""
        return self.tdecq_db - self.ceq_db
