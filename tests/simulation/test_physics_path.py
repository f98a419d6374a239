"""Light and signals on their way through links, passages and passive elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.physics.electrical import ElectricalNetwork, ElectricalSignal
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam, Light, Passage, total_power_mw
from simulation.physics.loss import LossTable, fibre_dispersion, fixed, true_loss
from simulation.physics.network import FibreLink, LightNetwork
from simulation.physics.passive import PassiveElement, coupler
from simulation.physics.randomness import generator, truncated_normal


@dataclass
class Source:
    power_mw: float = 1.0
    wavelength_nm: float = 1310.0

    def emission(self, port: str) -> Light:
        emitter = SteadyLight(f"source.{port}", self.wavelength_nm)
        return (Beam(emitter, self.wavelength_nm, self.power_mw),) if port == "out" else ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        return ()


@dataclass
class Attenuator:
    loss_db: float = 0.0

    def emission(self, port: str) -> Light:
        return ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        return (Passage("in", lambda _: self.loss_db),) if port == "out" else ()


@dataclass
class Generator:
    signals: dict[str, ElectricalSignal] = field(default_factory=dict)

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        return self.signals.get(port)


def dbm(power_mw: float) -> float:
    return 10 * math.log10(power_mw)


def test_light_arrives_with_the_losses_of_all_it_passed() -> None:
    attenuator = Attenuator(loss_db=4.0)
    network = LightNetwork(
        {"laser": Source(power_mw=2.0), "attenuator": attenuator},
        [
            FibreLink("laser.out", "attenuator.in", fixed(0.3), fibre_dispersion(0.5)),
            FibreLink("attenuator.out", "meter.1", LossTable.of({1300.0: 0.1, 1320.0: 0.5})),
        ],
    )
    (beam,) = network.arriving("meter.1")
    assert dbm(beam.power_mw) == pytest.approx(dbm(2.0) - 0.3 - 4.0 - 0.3)
    assert beam.loss_db == pytest.approx(4.6)
    assert beam.dispersion_ps_nm == pytest.approx(fibre_dispersion(0.5)(1310.0))
    attenuator.loss_db = 14.0
    (beam,) = network.source_for("meter").arriving("1")
    assert beam.loss_db == pytest.approx(14.6)


def test_a_port_without_fibre_is_dark() -> None:
    assert LightNetwork({"laser": Source()}, []).arriving("meter.1") == ()


def test_a_blocked_way_lets_nothing_through() -> None:
    network = LightNetwork(
        {"laser": Source(), "shutter": Attenuator(math.inf)},
        [FibreLink("laser.out", "shutter.in", fixed(0.1)), FibreLink("shutter.out", "meter.1", fixed(0.1))],
    )
    assert network.arriving("meter.1") == ()


def test_ports_that_were_never_made_are_refused() -> None:
    with pytest.raises(ValueError, match="no port"):
        LightNetwork({"laser": Source()}, [FibreLink("laser.out", "meter", fixed(0.0))])
    with pytest.raises(ValueError, match="emits no light"):
        LightNetwork({"laser": Source()}, [FibreLink("lamp.out", "meter.1", fixed(0.0))])


@pytest.mark.parametrize("second", [("laser.out", "meter.2"), ("laser.aux", "meter.1")])
def test_two_fibres_cannot_share_a_port(second: tuple[str, str]) -> None:
    links = [FibreLink("laser.out", "meter.1", fixed(0.0)), FibreLink(*second, fixed(0.0))]
    with pytest.raises(ValueError, match="another one occupies"):
        LightNetwork({"laser": Source()}, links)


def test_light_in_a_ring_is_refused_with_its_way() -> None:
    ring = PassiveElement({("in", "out"): fixed(3.0)})
    network = LightNetwork({"ring": ring}, [FibreLink("ring.out", "ring.in", fixed(0.1))])
    with pytest.raises(ValueError, match=r"ring: ring\.in <- ring\.in"):
        network.arriving("ring.in")


@given(split=st.floats(0.01, 0.99), excess_db=st.floats(0.0, 6.0), second_mw=st.floats(0.0, 10.0))
def test_a_coupler_loses_its_excess_loss_and_nothing_else(
    split: float, excess_db: float, second_mw: float
) -> None:
    network = LightNetwork(
        {"a": Source(1.0), "b": Source(second_mw), "c": coupler(split=split, excess_loss_db=excess_db)},
        [
            FibreLink("a.out", "c.in1", fixed(0.0)),
            FibreLink("b.out", "c.in2", fixed(0.0)),
            FibreLink("c.out1", "meter.1", fixed(0.0)),
            FibreLink("c.out2", "meter.2", fixed(0.0)),
        ],
    )
    out = [total_power_mw(network.arriving(f"meter.{n}")) for n in (1, 2)]
    assert sum(out) == pytest.approx((1.0 + second_mw) * 10 ** (-excess_db / 10))
    assert out[0] == pytest.approx((split + (1 - split) * second_mw) * 10 ** (-excess_db / 10))


def test_a_passive_element_that_amplifies_is_refused() -> None:
    with pytest.raises(ValueError, match="a passive element cannot pass"):
        PassiveElement({("in1", "out1"): fixed(2.9), ("in1", "out2"): fixed(3.0)})
    with pytest.raises(ValueError, match="no coupler"):
        coupler(split=1.2)


@given(seed=st.integers(0, 10_000), uncertainty=st.floats(0.0, 0.5), stated=st.floats(0.0, 5.0))
def test_a_true_loss_lies_within_the_stated_uncertainty(seed: int, uncertainty: float, stated: float) -> None:
    loss = true_loss(stated, uncertainty, seed, "a->b")
    assert abs(loss - stated) <= uncertainty + 1e-12
    assert loss >= 0
    assert loss == true_loss(stated, uncertainty, seed, "a->b")


def test_true_losses_scatter_as_a_k2_uncertainty_says() -> None:
    losses = np.array([true_loss(3.0, 0.2, seed, "fibre") for seed in range(1000)])
    # a normal cut off at two sigma keeps 0.880 of its standard deviation
    assert losses.std() == pytest.approx(0.1 * 0.880, rel=0.08)
    assert losses.mean() == pytest.approx(3.0, abs=0.01)


def test_fibres_of_one_seed_err_independently() -> None:
    losses = {true_loss(3.0, 0.2, 7, f"fibre {n}") for n in range(20)}
    assert len(losses) == 20


def test_a_drawn_table_errs_alike_at_all_wavelengths() -> None:
    stated = LossTable.of({1260.0: 1.0, 1310.0: 1.5, 1360.0: 2.5})
    drawn = stated.drawn(0.2, 3, "fibre")
    errors = np.subtract(drawn.losses_db, stated.losses_db)
    assert np.ptp(errors) == pytest.approx(0.0, abs=1e-12)
    assert drawn(1335.0) == pytest.approx(2.0 + errors[0])
    assert drawn(1400.0) == pytest.approx(2.5 + errors[0])


@pytest.mark.parametrize(
    ("wavelengths", "losses"), [((), ()), ((1310.0,), (1.0, 2.0)), ((2.0, 1.0), (1.0, 1.0))]
)
def test_a_table_that_is_none_is_refused(wavelengths: tuple[float, ...], losses: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="table"):
        LossTable(wavelengths, losses)


def test_standard_fibre_has_no_dispersion_at_its_own_wavelength_and_the_slope_beside_it() -> None:
    curve = fibre_dispersion(1.0, zero_dispersion_nm=1313.0, slope_ps_nm2_km=0.092)
    assert curve(1313.0) == pytest.approx(0.0, abs=1e-12)
    assert curve(1314.0) - curve(1312.0) == pytest.approx(2 * 0.092, rel=1e-3)


def test_truncation_draws_again_instead_of_piling_up_at_the_bound() -> None:
    rng = generator(1, "truncation")
    values = np.array([truncated_normal(rng, 1.0, 1.0) for _ in range(2000)])
    assert np.abs(values).max() < 1.0
    assert truncated_normal(rng, 0.0, 1.0) == 0.0


def signal(source: str = "bert.1", *, on: bool = True) -> ElectricalSignal:
    return ElectricalSignal("PRBS13Q", 53.125, 0.8, source, "bert", on=on)


def test_a_signal_arrives_where_its_cable_ends_and_only_there() -> None:
    bert = Generator({"1": signal(), "2": signal("bert.2", on=False), "clk": signal()})
    cables = [("bert.1", "slot1.host_tx1"), ("bert.2", "slot1.host_tx2"), ("bert.3", "slot1.host_tx3")]
    source = ElectricalNetwork({"bert": bert}, cables).source_for("slot1")
    assert source.arriving("host_tx1") == signal()
    assert [source.arriving(f"host_tx{n}") for n in (2, 3, 4)] == [None, None, None]


def test_cables_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="end at one port"):
        ElectricalNetwork({"bert": Generator()}, [("bert.1", "slot1.rx"), ("bert.2", "slot1.rx")])
    with pytest.raises(ValueError, match="without electrical output"):
        ElectricalNetwork({}, [("bert.1", "slot1.rx")])
