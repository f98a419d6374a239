from pathlib import Path

import pytest

from station.config.fields import Port
from station.config.loader import load_station
from station.wiring import NoRoute, Wiring, grouped

STATION = """\
schema: photonbench/station/1
name: small
visa: '@py'
ambient_c: 23.0
policies: {calibration_overdue: block}
path_calibration: {calibrated: 2026-05-04, calibration_due: 2027-05-04}
instruments:
  meter: {model: Keysight N7744A, address: GPIB0::1::INSTR, calibration_due: null}
  scope: {model: Keysight N1092D, address: GPIB0::2::INSTR, calibration_due: null}
  bert: {model: Keysight M8040A, address: GPIB0::3::INSTR, calibration_due: null}
  supply: {model: Keysight E36312A, address: GPIB0::4::INSTR, calibration_due: null}
  voa:
    {model: Keysight N7764A, address: GPIB0::5::INSTR, calibration_due: null,
     through: {loss_db: 1.2, uncertainty_db: 0.3}}
  switch:
    {model: DiCon GP700, address: GPIB0::6::INSTR, calibration_due: null,
     through: {loss_db: 0.7, uncertainty_db: 0.4}}
  relay: {model: DiCon GP700, address: GPIB0::7::INSTR, calibration_due: null}
elements:
  split:
    kind: coupler
    ways:
      - {from: in, to: out1, loss_db: 3.0, uncertainty_db: 0.0}
      - {from: in, to: out2, loss_db: 3.5, uncertainty_db: 0.0}
slots:
  - {number: 1, lanes: 4, supply: supply.1, host_board: {model: Linux i2c-dev, address: /dev/i2c-1}}
wiring:
  optical:
    - {from: slot1.tx1, to: split.in, loss_db: {1304: 0.2, 1318: 0.4}, uncertainty_db: 0.0, cable: F-1}
    - {from: split.out1, to: voa.1.in, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: voa.1.out, to: slot1.rx1, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: split.out2, to: switch.M1.com, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: switch.M1.1, to: meter.1, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: switch.M1.2, to: switch.M2.1, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: slot1.tx2, to: switch.M3.com, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: switch.M3.1, to: meter.2, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: switch.M3.2, to: switch.M2.2, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: switch.M2.com, to: scope.1A, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: slot1.tx3, to: meter.3, loss_db: 0.1, uncertainty_db: 0.0}
    - {from: slot1.tx4, to: meter.4, loss_db: 0.1, uncertainty_db: 0.0}
  electrical:
    - {from: bert.M1.DataOut1, to: slot1.host_tx1, cable: E-1}
    - {from: slot1.host_rx1, to: relay.R1.1}
    - {from: slot1.host_rx2, to: relay.R1.2}
    - {from: relay.R1.com, to: bert.M3.DataIn}
    - {from: slot1.host_rx3, to: bert.M4.DataIn}
  clocks:
    - {from: bert.M1.ClkOut, to: scope.clock}
"""


@pytest.fixture
def wired(tmp_path):
    def build(*changes):
        text = STATION
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = Path(tmp_path / "station.yaml")
        path.write_text(text)
        return Wiring(load_station(path).value)

    return build


def tx(lane):
    return Port("slot1", f"tx{lane}")


def test_a_way_adds_up_its_losses_at_the_wavelength_and_its_uncertainties_by_squares(wired):
    route = wired().route(tx(1), "slot1", "rx1")
    assert [hop.name for hop in route.hops] == [
        "F-1", "split", "split.out1 to voa.1.in", "voa", "voa.1.out to slot1.rx1",
    ]  # fmt: skip
    assert route.loss_db(1311.0) == pytest.approx(0.3 + 3.0 + 0.1 + 1.2 + 0.1)
    assert route.loss_db(1304.0) == pytest.approx(0.2 + 3.0 + 0.1 + 1.2 + 0.1)
    assert route.uncertainty_db == pytest.approx(0.3)
    assert route.attenuators == (("voa", "1"),)
    assert route.switches == {}


def test_a_way_tells_what_must_be_switched_and_where_to(wired):
    route = wired().route(tx(1), "scope")
    assert route.switches == {("switch", "M1"): 2, ("switch", "M2"): 1}
    assert (str(route.source), str(route.destination)) == ("slot1.tx1", "scope.1A")
    assert route.uncertainty_db == pytest.approx((2 * 0.4**2) ** 0.5)
    assert route.hops[-1].calibrated == "2026-05-04"


def test_the_least_lossy_of_several_ways_is_taken(wired):
    shorter = "    - {from: switch.M1.3, to: meter.5, loss_db: 0.05, uncertainty_db: 0.0}\n"
    wiring = wired(("    - {from: slot1.tx2,", f"{shorter}    - {{from: slot1.tx2,"))
    assert str(wiring.route(tx(1), "meter").destination) == "meter.5"
    assert str(wiring.route(tx(1), "meter", "1").destination) == "meter.1"
    assert [str(route.destination) for route in wiring.routes(tx(1), "meter")] == ["meter.5", "meter.1"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (tx(3), ("scope",), "no way leads from slot1.tx3 to scope"),
        (tx(1), ("meter", "9"), "no way leads from slot1.tx1 to meter.9"),
        (Port("slot1", "tx9"), ("meter",), "no way leads from slot1.tx9 to meter"),
        (tx(1), ("nothing",), "no way leads from slot1.tx1 to nothing"),
    ],
)
def test_undoable_wiring_is_told_with_its_ends(wired, source, target, words):
    with pytest.raises(NoRoute, match=words) as caught:
        wired().route(source, *target)
    assert "wiring of the station file" in caught.value.remedy


def test_light_goes_round_no_loop_for_ever(wired):
    loop = "    - {from: switch.M9.com, to: switch.M9.1, loss_db: 0.1, uncertainty_db: 0.0}\n"
    wiring = wired(("    - {from: slot1.tx3, to: meter.3", f"{loop}    - {{from: slot1.tx3, to: switch.M9.1"))
    with pytest.raises(NoRoute):
        wiring.route(tx(3), "meter")


def test_ports_that_do_not_pair_lead_nowhere(wired):
    """A switch joins its common port to numbered ports: not two numbers, not another module, no words."""
    wiring = wired()
    for source, port in (("M1.1", "2"), ("M3.2", "1"), ("M2.1", "1")):
        with pytest.raises(NoRoute):
            wiring.route(Port("switch", source), "meter", port)
    named = wired(("switch.M3.com", "switch.M3.monitor"))
    with pytest.raises(NoRoute):
        named.route(tx(2), "meter")


def test_cables_lead_back_to_what_feeds_them(wired):
    wiring = wired()
    assert str(wiring.cable_to(Port("slot1", "host_tx1"))) == "bert.M1.DataOut1"
    assert str(wiring.cable_to(Port("scope", "clock"))) == "bert.M1.ClkOut"
    with pytest.raises(NoRoute, match=r"no cable leads to slot1\.host_tx2") as caught:
        wiring.cable_to(Port("slot1", "host_tx2"))
    assert "wiring.electrical" in caught.value.remedy


def test_a_switch_between_cables_is_a_way_like_one_between_fibres(wired):
    route = wired().route(Port("slot1", "host_rx2"), "bert")
    assert (route.switches, str(route.destination)) == ({("relay", "R1"): 2}, "bert.M3.DataIn")
    assert (route.loss_db(1311.0), route.uncertainty_db) == (0.0, 0.0)


def test_lanes_that_need_one_switch_in_two_positions_or_one_port_take_turns(wired):
    wiring = wired()
    to_meter = {lane: wiring.route(tx(lane), "meter") for lane in (1, 2, 3, 4)}
    assert grouped(to_meter) == ((1, 2, 3, 4),)
    to_scope = {lane: wiring.route(tx(lane), "scope") for lane in (1, 2)}
    assert grouped(to_scope) == ((1,), (2,))
    mixed = {1: to_scope[1], 2: to_meter[2], 3: to_meter[1], 4: to_meter[4]}
    assert grouped(mixed) == ((1, 2, 4), (3,))
    detectors = {lane: wiring.route(Port("slot1", f"host_rx{lane}"), "bert") for lane in (1, 2, 3)}
    assert grouped(detectors) == ((1, 3), (2,))
    assert grouped({}) == ()
