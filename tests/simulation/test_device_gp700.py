from __future__ import annotations

import pytest

from simulation.devices.dicon_gp700 import DiconGp700
from simulation.faults import Fault, FaultKind
from simulation.physics.light import total_power_mw
from simulation.physics.loss import fixed
from simulation.physics.network import FibreLink, LightNetwork
from tests.simulation.device_wire import Wire, make, steady, wired


class Lamp:
    def emission(self, port: str):
        return steady(1310.0, 1.0)

    def passages(self, port: str):
        return ()


def gp700(**rest):
    return wired(DiconGp700, termination="\r", **rest)


def loss_db(device: DiconGp700, port: str) -> float | None:
    passages = device.passages(port)
    return passages[0].loss_db(1310.0) if passages else None


def switched(wire: Wire, command: str) -> None:
    wire.write(command)
    wire.ask("*OPC?")


def test_a_module_is_switched_and_asked():
    with gp700() as wire:
        assert wire.ask("*IDN?") == "DiCon Fiberoptics Inc,GP700,SIM00001,2.04"
        assert wire.ask("M1?") == "0, 1"
        switched(wire, "M1 2")
        assert wire.ask("M1?") == "2, 1"
        switched(wire, "M6 4, 1")
        assert wire.ask("M6?") == "4, 1"
        assert wire.ask("err?") == "0"


def test_the_configuration_lists_the_modules_of_the_options():
    with gp700(options={"modules": {"M1": 3, "M2": 8}}) as wire:
        assert wire.ask("system:config?") == "M1 O3 I1, M2 O8 I1"


def test_the_header_path_is_not_kept_for_the_next_line():
    with gp700() as wire:
        wire.ask("system:config?")
        switched(wire, "M1 2")
        assert wire.ask("M1?") == "2, 1"


def test_switching_takes_ten_to_twenty_milliseconds_and_is_dark_meanwhile():
    with gp700() as wire:
        with wire.timed() as taken:
            wire.write("M1 2")
            assert wire.device.passages("M1.2") == ()
            wire.ask("*OPC?")
        assert 0.010 <= taken["seconds"] <= 0.020
        assert loss_db(wire.device, "M1.2") is not None


def test_the_same_channel_again_moves_nothing():
    with gp700() as wire:
        switched(wire, "M1 2")
        before = loss_db(wire.device, "M1.2")
        with wire.timed() as taken:
            switched(wire, "M1 2")
        assert taken["seconds"] == 0.0
        assert loss_db(wire.device, "M1.2") == before


def test_light_passes_both_ways_between_common_and_the_selected_port_alone():
    device = make(DiconGp700)
    with gp700() as wire:
        device = wire.device
        switched(wire, "M1 2")
        assert device.passages("M1.2")[0].entrance == "M1.com"
        assert device.passages("M1.com")[0].entrance == "M1.2"
        assert [device.passages(port) for port in ("M1.1", "M1.3", "M2.2", "M9.1")] == [(), (), (), ()]
        assert device.emission("M1.2") == ()


def test_power_through_the_switch_in_a_network():
    with gp700(options={"insertion_loss_db": 0.6}) as wire:
        fibres = (
            FibreLink("lamp.out", "switch.M1.com", fixed(0.0)),
            FibreLink("switch.M1.3", "meter.1", fixed(0.0)),
        )
        network = LightNetwork({"lamp": Lamp(), "switch": wire.device}, fibres)
        assert total_power_mw(network.arriving("meter.1")) == 0.0
        switched(wire, "M1 3")
        # Drawn within 0.1 dB of the stated loss, and repeating within 0.02 dB.
        assert total_power_mw(network.arriving("meter.1")) == pytest.approx(10**-0.06, rel=0.03)


def test_a_position_repeats_within_its_stated_figure_but_not_exactly():
    with gp700() as wire:
        losses = []
        for _ in range(30):
            switched(wire, "M1 1")
            switched(wire, "M1 2")
            losses.append(loss_db(wire.device, "M1.2"))
        assert 0.005 < max(losses) - min(losses) <= 0.04


def test_true_losses_stay_within_the_stated_uncertainty():
    for seed in range(20):
        device = make(DiconGp700, seed=seed, options={"insertion_loss_db": {"M1": 0.5, "M1.2": 0.9}})
        first, second, third = device._modules["M1"].losses_db
        assert [abs(first - 0.5), abs(second - 0.9), abs(third - 0.5)] == pytest.approx([0.0] * 3, abs=0.1)


def test_equal_seeds_give_equal_losses_and_movements():
    def run(seed: int) -> list[object]:
        with gp700(seed=seed) as wire:
            switched(wire, "M1 2")
            return [wire.clock.now_ns, loss_db(wire.device, "M1.2")]

    assert run(3) == run(3)
    assert run(3) != run(4)


@pytest.mark.parametrize(
    ("command", "text"),
    [("M1 4", "Data out of range"), ("M1 2, 2", "Data out of range"), ("M7 1", "Hardware missing")],
)
def test_an_impossible_position_is_refused_and_named_by_err(command: str, text: str):
    with gp700() as wire:
        switched(wire, "M1 1")
        wire.write(command)
        assert wire.ask("err?") == f'"{text}"'
        assert wire.ask("err?") == "0"
        assert wire.ask("M1?") == "1, 1"


def test_a_stored_setting_is_recalled():
    with gp700() as wire:
        switched(wire, "M1 3")
        wire.write("*SAV 2")
        switched(wire, "*RST")
        assert wire.ask("M1?") == "0, 1"
        switched(wire, "*RCL 2")
        assert wire.ask("M1?") == "3, 1"


def test_a_stuck_switch_stays_dark():
    with gp700(faults=(Fault("unit", FaultKind.STUCK_BUSY),)) as wire:
        wire.write("M1 2")
        wire.clock.sleep(3600.0)
        assert wire.device.passages("M1.2") == ()


def test_safe_state_tells_where_the_switches_stand():
    with gp700() as wire:
        switched(wire, "M5 4")
        assert wire.device.safe_state()["channels"] == {"M1": 0, "M2": 0, "M3": 0, "M4": 0, "M5": 4, "M6": 0}


@pytest.mark.parametrize("modules", [{"X1": 3}, {"M1": 0}, ["M1"]])
def test_modules_that_do_not_exist_are_refused(modules: object):
    with pytest.raises(ValueError, match="GP700"):
        make(DiconGp700, options={"modules": modules})
