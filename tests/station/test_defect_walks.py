"""Each shipped defect, grown from nothing to its full size, crosses its limit where a hand calculation says.

The hand calculations know a typical lane at 35 °C: 32 mW at the laser's facet, 4.2 dB coupling and 6.0 dB
modulator loss, a swing of 2.1 V into a half-wave voltage of 6.0 V, 26 dB extinction of the modulator itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from measurements.capture import Waveform
from measurements.levels import Pam4Levels, measure_levels
from measurements.patterns import pattern
from measurements.quantity import NotMeasurable
from measurements.rin import rin_oma
from measurements.spectrum import LaserLine, laser_line
from simulation.devices.monochromator import Monochromator
from simulation.physics.parameters import TransceiverParameters
from simulation.physics.scope_frontend import Sampling, ScopeFrontEnd
from station.config.files import load_files
from station.config.limits import resolved_limits
from station.config.loader import load_simulation
from station.config.sequence_source import CHECKOUT
from tests.simulation.physics_bench import LANES, PLAIN, RATE, LoopbackBench, dbm

CONFIGS = CHECKOUT / "configs"
DEFECTS = CONFIGS / "simulations/defects"
SAMPLING = Sampling("bert", RATE, 8191, RATE / 2, samples_per_symbol=8, averages=64, timebase_wobble_ps=0.0)
FLAT = Sampling("bert", RATE, 16, RATE / 2, samples_per_symbol=16, noise_mw=0.0, timebase_wobble_ps=0.0)
SWEEP_NM = np.linspace(1298.5, 1323.5, 5001)

# --- what is measured of a lane --------------------------------------------------------------------


def average_dbm(bench: LoopbackBench, lane: int) -> float:
    power_mw = bench.unit.tx_power_mw(lane)
    return dbm(power_mw) if power_mw > 0 else -math.inf


def eye(bench: LoopbackBench, lane: int) -> Pam4Levels | NotMeasurable:
    record = ScopeFrontEnd().acquire((bench.beam(lane),), SAMPLING, np.random.default_rng(1))
    return measure_levels(Waveform(record.power_mw, pattern("PRBS13Q"), 8, RATE), noise_mw=0.002)


def levels(bench: LoopbackBench, lane: int) -> Pam4Levels:
    found = eye(bench, lane)
    assert isinstance(found, Pam4Levels)
    return found


def oma_dbm(bench: LoopbackBench, lane: int) -> float:
    found = eye(bench, lane)
    return found.outer.oma_dbm if isinstance(found, Pam4Levels) else -math.inf


def extinction_db(bench: LoopbackBench, lane: int) -> float:
    return levels(bench, lane).outer.extinction_ratio_db


def rlm(bench: LoopbackBench, lane: int) -> float:
    return levels(bench, lane).rlm


def transition_ps(bench: LoopbackBench, lane: int) -> float:
    return levels(bench, lane).transition_time_ps or math.inf


def rin_db_hz(bench: LoopbackBench, lane: int) -> float:
    bench.bert.patterns = dict.fromkeys(LANES, "SQUARE")
    record = ScopeFrontEnd().acquire((bench.beam(lane),), FLAT, np.random.default_rng(1))
    order = np.argsort(record.power_mw)
    low, high = order[:80], order[-80:]
    noises_mw = [float(np.sqrt(np.mean(np.square(record.noise_mw[flat])))) for flat in (low, high)]
    oma_mw = float(record.power_mw[high].mean() - record.power_mw[low].mean())
    return rin_oma(noises_mw, oma_mw=oma_mw, symbol_rate_gbd=RATE).rin_db_per_hz


def line(bench: LoopbackBench, lane: int) -> LaserLine:
    trace = Monochromator(0.0, 1.0, 1.0).sweep(
        (bench.beam(lane),),
        SWEEP_NM,
        resolution_nm=0.05,
        noise_mw=1e-7,
        air=False,
        rng=np.random.default_rng(1),
    )
    found = laser_line(trace.wavelength_nm, trace.power_dbm, resolution_nm=0.05, symbol_rate_gbd=RATE)
    assert isinstance(found, LaserLine)
    return found


def wavelength_nm(bench: LoopbackBench, lane: int) -> float:
    return line(bench, lane).centre_nm


def smsr_db(bench: LoopbackBench, lane: int) -> float:
    return line(bench, lane).smsr_db


def sensitivity_oma_dbm(bench: LoopbackBench, lane: int) -> float:
    return bench.sensitivity_dbm(lane) + dbm(2 * depth(2.1))


def supply_a(bench: LoopbackBench, lane: int) -> float:
    return bench.unit.supply_current_a()


# --- by hand ---------------------------------------------------------------------------------------


def depth(swing_v: float) -> float:
    """OMAouter over twice the average power of a modulator at quadrature."""
    leak = 10**-2.6
    return math.sin(math.pi * swing_v / (2 * 6.0)) * (1 - leak) / (1 + leak)


def inner_share(kappa: float, sent: float) -> float:
    """Where a settled inner level lies between average and outer level, behind driver and modulator."""
    angle = math.pi * 2.1 / (2 * 6.0)
    return math.sin(angle * math.tanh(kappa * sent) / math.tanh(kappa)) / math.sin(angle)


def solved(function: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a monotonous closed form has a value."""
    for _ in range(60):
        middle = (low + high) / 2
        below = (function(middle) < target) == (function(low) < function(high))
        low, high = (middle, high) if below else (low, middle)
    return low


AVERAGE_MW = 32.0 * 0.5 * 10**-1.02
DEPTH = depth(2.1)


def threshold_ma() -> float:
    # Of 200 mA at most, what is above threshold makes light; 32 mW take 80 mA of it, and give 1.84 dBm.
    return 200.0 - 80.0 * 10**-0.29 / AVERAGE_MW


def coupling_loss_db() -> float:
    return 4.2 + dbm(2 * DEPTH * AVERAGE_MW) + 0.8


def laser_power_mw() -> float:
    return 32.0 * 10**0.4 / AVERAGE_MW


def swing_v() -> float:
    # ER = (1 + m) / (1 - m) = 3.5 dB
    return solved(lambda volts: dbm((1 + depth(volts)) / (1 - depth(volts))), 3.5, 0.5, 2.5)


def least_swing_v() -> float:
    return solved(lambda volts: dbm(2 * depth(volts) * AVERAGE_MW), -0.8, 0.1, 2.1)


def bandwidth_ghz() -> float:
    # Edges add as squares, exactly so for Gaussian responses alone. A pole takes ln 4 / (2 pi f), the whole
    # lane with its pole at 38 GHz takes 12 ps.
    pole = math.log(4) / (2 * math.pi) * 1e3
    return pole / math.sqrt(17.0**2 - 12.0**2 + (pole / 38.0) ** 2)


def rin() -> float:
    # Noise on the outer levels is RIN (P3² + P0²) / 2 + 2 q P / R against (OMA / 2)²; the scope has 0.7 A/W.
    shot = 2 * 1.602e-19 * 1e3 / (0.7 * AVERAGE_MW)
    return dbm((10**-13.6 * DEPTH**2 - shot) / (1 + DEPTH**2))


def compression() -> float:
    # RLM = 2 - 3s once all has settled. The driver's own bandwidth comes before its compression and rounds
    # symbols off, which takes a quarter of the deficit back: 0.90 is read where settled levels give 0.867.
    return solved(lambda kappa: 2 - 3 * inner_share(kappa, 0.317), 0.867, 0.1, 2.0)


def settled_compression() -> float:
    return solved(lambda kappa: 2 - 3 * inner_share(kappa, 0.317), 0.90, 0.1, 2.0)


def inner_level() -> float:
    return solved(lambda sent: 3 * inner_share(0.25, sent), 0.90, 0.1, 0.317)


def receiver_noise() -> float:
    # PAM4 at 2.4e-4 needs Q = 3.414: OMA = 6 Q sigma / R, over a noise bandwidth of 1.05 times 34 GHz, with
    # 0.60 A/W. The light's TDECQ of 1.4 dB comes on top: it must be equalised here too.
    noise_a = 24e-12 * math.sqrt(1.05 * 34e9)
    oma_mw = 6 * 3.414 * noise_a / 0.60 * 1e3
    return 24.0 * 10 ** ((-3.9 - dbm(oma_mw) - 1.4) / 10)


def wavelength_at_35_c_nm() -> float:
    return 1317.5 + 0.09 * 10.0  # the limit holds at the room corner, 10 K below


def dsp_power_w() -> float:
    # controller, DSP with leakage, four drivers and receivers, four lasers of 92 mA at 1.7 V
    others_w = 0.35 + 0.30 + 4 * (0.28 + 0.15) + 4 * 0.092 * 1.7
    return 3.19 * 3.3 * 0.9 - others_w


# --- the walks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walk:
    """How a defect grows; `within` is the stated tolerance of the hand calculation, relative to it."""

    file: str
    parameter: str
    measured: Callable[[LoopbackBench, int], float]
    by_hand: Callable[[], float]
    within: float
    case_c: float = 35.0


WALKS = (
    Walk("dark-lane", "laser_threshold_ma", average_dbm, threshold_ma, 0.01),
    Walk("low-power", "coupling_loss_db", oma_dbm, coupling_loss_db, 0.01),
    Walk("high-power", "laser_power_mw", average_dbm, laser_power_mw, 0.002),
    Walk("low-extinction-ratio", "drive_swing_v", extinction_db, swing_v, 0.01),
    Walk("unmodulated-lane", "drive_swing_v", oma_dbm, least_swing_v, 0.02),
    Walk("slow-modulator", "modulator_bandwidth_ghz", transition_ps, bandwidth_ghz, 0.10),
    Walk("high-rin", "rin_db_hz", rin_db_hz, rin, 0.001),
    Walk("compressed-levels", "driver_compression", rlm, compression, 0.05),
    Walk("skewed-levels", "inner_level", rlm, inner_level, 0.03),
    Walk("noisy-receiver", "tia_noise_pa_per_rthz", sensitivity_oma_dbm, receiver_noise, 0.10),
    Walk("wrong-wavelength", "wavelength_nm", wavelength_nm, wavelength_at_35_c_nm, 2e-5, case_c=25.0),
    Walk("weak-side-mode-suppression", "side_mode_suppression_db", smsr_db, lambda: 30.0, 0.02),
    Walk("high-supply-current", "dsp_power_w", supply_a, dsp_power_w, 0.005),
)
STEPS, HALVINGS = 5, 6
# A swap is there or it is not: it has no size to walk.
SIZELESS = {"swapped-lanes"}


@dataclass(frozen=True)
class Growth:
    """A defect of any size in the lane that the shipped file names, held against the product's limit."""

    walk: Walk
    lane: int | None
    full: float
    lower: float
    upper: float

    @classmethod
    def of(cls, walk: Walk) -> Growth:
        simulation = load_simulation(DEFECTS / f"{walk.file}.yaml").value
        assert simulation.expect is not None
        assert simulation.expect.primary is not None
        name, lane = simulation.expect.primary
        unit = simulation.unit
        full = (unit.transceiver if lane is None else unit.lanes[lane])[walk.parameter]
        lower, upper = limits(name)
        return cls(walk, lane, float(full), lower, upper)

    @property
    def nothing(self) -> float:
        return float(getattr(PLAIN if self.lane is None else PLAIN.lanes[self.lane - 1], self.walk.parameter))

    def fails(self, size: float, **beside: float) -> bool:
        bench = LoopbackBench(self._parameters({**beside, self.walk.parameter: size}))
        bench.settle(self.walk.case_c)
        return not self.lower <= self.walk.measured(bench, self.lane or 1) <= self.upper

    def crossing(self, **beside: float) -> float:
        """Walk from nothing to full, then halve the step in which the verdict changes."""
        sizes = np.linspace(self.nothing, self.full, STEPS + 1)
        verdicts = [self.fails(float(size), **beside) for size in sizes]
        assert verdicts == sorted(verdicts), "a defect that grows must not pass again"
        assert (verdicts[0], verdicts[-1]) == (False, True)
        first = verdicts.index(True)
        passing, failing = float(sizes[first - 1]), float(sizes[first])
        for _ in range(HALVINGS):
            middle = (passing + failing) / 2
            passing, failing = (passing, middle) if self.fails(middle, **beside) else (middle, failing)
        return (passing + failing) / 2

    def _parameters(self, changes: dict[str, float]) -> TransceiverParameters:
        return replace(PLAIN, **changes) if self.lane is None else PLAIN.with_lane(self.lane, **changes)


def limits(name: str) -> tuple[float, float]:
    """The limits of the shipped product; the receiver's is its fixed part, which a TDECQ of 1.4 dB leaves."""
    product = load_files(
        station=CONFIGS / "stations/dr4-bench.yaml", plan=CONFIGS / "plans/dr4-final.yaml"
    ).product.value
    row = resolved_limits(product, date(2026, 6, 15))[name]
    lower, upper = (
        None if bound is None else bound.expression.evaluate({"tx_tdecq": 1.4})
        for bound in (row.lower, row.upper)
    )
    return -math.inf if lower is None else lower, math.inf if upper is None else upper


@pytest.mark.parametrize("walk", WALKS, ids=[walk.file for walk in WALKS])
def test_a_growing_defect_crosses_its_limit_where_a_hand_calculation_says(walk: Walk) -> None:
    assert Growth.of(walk).crossing() == pytest.approx(walk.by_hand(), rel=walk.within)


def test_settled_levels_cross_where_the_closed_form_says() -> None:
    # the same walk without the filters that keep symbols from settling
    (walk,) = (walk for walk in WALKS if walk.file == "compressed-levels")
    crossing = Growth.of(walk).crossing(driver_bandwidth_ghz=400.0, modulator_bandwidth_ghz=400.0)
    assert crossing == pytest.approx(settled_compression(), rel=0.03)


def test_every_shipped_defect_with_a_size_is_walked() -> None:
    assert {path.stem for path in DEFECTS.glob("*.yaml")} == {walk.file for walk in WALKS} | SIZELESS
