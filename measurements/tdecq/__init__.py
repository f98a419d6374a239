"""Transmitter and dispersion eye closure for PAM4: TDECQ, TECQ and SECQ are one computation.

Which of the three it is depends on what stands between transmitter and scope.
"""

from measurements.tdecq.closure import tdecq, tdecq_of
from measurements.tdecq.result import NoiseSource, TdecqResult

__all__ = ["NoiseSource", "TdecqResult", "tdecq", "tdecq_of"]
