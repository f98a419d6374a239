import pytest

from instruments.errors import BenchDisagrees, UnsafeRequest
from measurements.agreement import compare
from measurements.quantity import Bound, Quantity
from station.config.loader import load_product, load_station
from station.paths.check import PathCheck
from station.paths.host import HostLanes
from station.paths.optics import Optics
from station.paths.power import PowerPaths
from station.paths.receiver import ReceiverPaths
from station.paths.sensitivity import ReceiverTests, Stimulus, SweepSettings
from station.wiring import NoRoute, Wiring
from tests.station.paths_kit import FakeAttenuator, FakeBert, FakeLaser, FakeMeter, FakeSwitch
from tests.station.sequence_kit import PRODUCT, STATION
from tests.station.twin_kit import Events, changed

LANES = (1, 2, 3, 4)
DAMAGE_DBM = 5.0
BEFORE_DB = 0.21 + 3.21 + 0.18 + 1.2  # lane 1: fibre, coupler, fibre, attenuator
AFTER_DB = 0.24
RELAY = "  relay: {model: DiCon GP700, address: GPIB0::15::INSTR, calibration_due: null}\n"
SHARED = (
    ("elements:\n", f"{RELAY}elements:\n"),
    (
        "- {from: slot1.host_rx1, to: bert.M3.DataIn, cable: E-005}",
        "- {from: slot1.host_rx1, to: relay.R1.1}\n    - {from: relay.R1.com, to: bert.M3.DataIn}",
    ),
    ("to: bert.M5.DataIn", "to: relay.R1.2"),
)


class Paths:
    """The shipped station, or a changed one, with instruments that remember."""

    def __init__(self, station=STATION, *, arriving_dbm=None, errors=lambda detector: 1000):
        self.asked, self.events, self.agreements = [], Events(), []
        self.product = load_product(PRODUCT).value
        self.wiring = Wiring(load_station(station).value)
        switches = {name: FakeSwitch(self.asked, name) for name in ("switch", "relay")}
        self.optics = Optics(self.wiring, "slot1", self.product, switches.__getitem__, self.events)
        self.attenuator = FakeAttenuator(self.asked, arriving_dbm or self.honest)
        self.bert = FakeBert(self.asked, errors)
        self.receivers = ReceiverPaths(
            self.optics,
            self.wiring,
            "slot1",
            {"attenuator": self.attenuator}.__getitem__,
            self.bert,
            "bert",
            DAMAGE_DBM,
            self.compared,
        )

    def compared(self, what, first, second, *, lane):
        self.agreements.append((what, first, second, lane))
        return compare(first, second)

    def honest(self, channel, attenuation_db):
        way = self.wiring.route(
            self.optics.routes([int(channel)], "attenuator")[int(channel)].source, "attenuator"
        )
        return 1.5 - way.loss_db(1311.0) - 1.2 - attenuation_db

    def did(self, *kinds):
        return [deed for deed in self.asked if deed[0] in kinds]


def light(dbm=1.5, error=0.1, bound=Bound.EXACT):
    return Quantity(dbm, "dBm", error, bound, instruments=("power_meter",))


# --- the power that reaches a receiver ---------------------------------------------------------------


def test_each_receiver_gets_the_power_that_is_asked_for_by_its_own_losses():
    paths = Paths()
    (group,) = paths.receivers.groups(LANES)
    arriving = group.illuminate(dict.fromkeys(LANES, -8.0), dict.fromkeys(LANES, light()))
    (settings,) = (deed[1] for deed in paths.did("attenuate"))
    assert settings["1"] == pytest.approx(1.5 - BEFORE_DB - AFTER_DB + 8.0)
    assert len(set(settings.values())) > 1
    for lane in LANES:
        assert arriving[lane].value == pytest.approx(-8.0, abs=1e-5)
        assert arriving[lane].instruments == ("attenuator",)
    assert arriving[1].standard_error == pytest.approx(((0.0432 / 2) ** 2 + 0.04**2) ** 0.5, rel=1e-2)
    assert [deed[0] for deed in paths.did("attenuate", "open")] == ["attenuate", "open"]


@pytest.mark.parametrize(
    ("wanted_dbm", "launched", "words"),
    [
        (4.9, light(20.0), "4.9 dBm at receiver 1 may pass its damage threshold of 5.0 dBm"),
        # 4.82 dBm + root of (2 x 0.01)² + path 0.15² + path 0.08² + attenuator 0.1² = 5.02 dBm
        (4.82, light(20.0, error=0.01), "4.8 dBm at receiver 1 may pass its damage threshold"),
        (-4.0, light(1.5, error=float("nan")), "damage threshold"),
        (float("nan"), light(), "damage threshold"),
        (-2.0, light(), "needs -1.54 dB of attenuation; attenuator gives 0 to 40 dB"),
        (-50.0, light(), "needs 46.46 dB of attenuation"),
        (-8.0, light(float("nan")), "needs nan dB"),
    ],
)
def test_what_could_hurt_a_receiver_or_cannot_be_set_is_refused_before_anything_opens(
    wanted_dbm, launched, words
):
    paths = Paths()
    (group,) = paths.receivers.groups([1])
    with pytest.raises(UnsafeRequest, match=words):
        group.illuminate({1: wanted_dbm}, {1: launched})
    assert paths.did("attenuate", "open") == []


def test_one_unsafe_lane_keeps_the_others_closed_too():
    paths = Paths()
    (group,) = paths.receivers.groups(LANES)
    with pytest.raises(UnsafeRequest, match="receiver 3"):
        group.illuminate({1: -8.0, 2: -8.0, 3: 5.0, 4: -8.0}, dict.fromkeys(LANES, light()))
    assert paths.did("attenuate", "open") == []


@pytest.mark.parametrize(
    ("monitor_dbm", "agrees"), [(-7.76, True), (-7.40, True), (-7.1, False), (-8.5, False), (None, False)]
)
def test_a_monitor_that_contradicts_launch_loss_and_attenuation_is_an_error(monitor_dbm, agrees):
    """Bound: 1.5 x root of (2 x 0.1)² + path 0.151² + attenuator 0.1² + monitor 0.043² = 0.41 dB."""
    paths = Paths(arriving_dbm=lambda channel, attenuation_db: monitor_dbm)
    (group,) = paths.receivers.groups([1])
    if agrees:
        assert group.illuminate({1: -8.0}, {1: light()})[1].value == pytest.approx(monitor_dbm - AFTER_DB)
    else:
        with pytest.raises(BenchDisagrees, match="lane 1: the monitor of attenuator reads") as told:
            group.illuminate({1: -8.0}, {1: light()})
        assert "clean the connectors" in told.value.remedy
    # It stands in the record either way.
    ((what, expected, monitor, lane),) = paths.agreements
    assert (what, lane) == ("power behind the attenuator", 1)
    assert expected.value == pytest.approx(-8.0 + AFTER_DB)
    assert monitor.value == pytest.approx(-60.0 if monitor_dbm is None else monitor_dbm)
    assert (expected.instruments, monitor.instruments) == (("power_meter",), ("attenuator",))
    assert compare(expected, monitor).allowed == pytest.approx(0.41, abs=0.005)


def test_a_dark_monitor_agrees_with_less_light_than_it_can_see():
    paths = Paths(arriving_dbm=lambda channel, attenuation_db: None)
    (group,) = paths.receivers.groups([1])
    paths.attenuator.floor_dbm = -30.0
    arriving = group.illuminate({1: -35.0}, {1: light()})
    assert arriving[1].bound is Bound.UPPER
    assert arriving[1].value == pytest.approx(-30.0 - AFTER_DB)
    with pytest.raises(BenchDisagrees):
        group.illuminate({1: -25.0}, {1: light()})


# --- groups ------------------------------------------------------------------------------------------


def test_all_lanes_with_a_detector_of_their_own_are_tested_at_once():
    (group,) = Paths().receivers.groups(LANES)
    assert group.lanes == LANES
    assert [member.detector for member in group.members] == list(FakeBert.detectors)


def test_lanes_that_share_a_detector_through_a_switch_take_turns(tmp_path):
    paths = Paths(changed(tmp_path, STATION, *SHARED))
    seen = [(group.lanes, paths.did("relay")[-1]) for group in paths.receivers.groups(LANES)]
    assert seen == [((1, 2, 4), ("relay", "R1", 1)), ((3,), ("relay", "R1", 2))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("from: attenuator.1.out, to: slot1.rx1,", "from: attenuator.1.out, to: slot1.rx9,"),
            "slot1.tx1 to slot1",
        ),
        (
            ("{from: slot1.host_rx1, to: bert.M3.DataIn,", "{from: slot1.host_rx1, to: scope.clock,"),
            "host_rx1 to bert",
        ),
        (("to: attenuator.1.in,", "to: slot1.rx1,"), "the way from tx1 to rx1 passes 0 attenuators"),
    ],
    ids=["no way to the receiver", "no cable to the detector", "no attenuator"],
)
def test_wiring_by_which_no_receiver_can_be_tested_is_told(tmp_path, change, words):
    paths = Paths(changed(tmp_path, STATION, change))
    with pytest.raises(NoRoute, match=words):
        next(paths.receivers.groups(LANES))
    assert paths.did("open") == []


def test_shutters_close_between_groups_and_at_the_end_of_a_step(tmp_path):
    paths = Paths(changed(tmp_path, STATION, *SHARED))
    lights = {lane: Stimulus(light(), 0.5, 1.5) for lane in LANES}
    tests = ReceiverTests(
        paths.receivers, lambda lanes: {lane: lights[lane] for lane in lanes}, SweepSettings()
    )
    groups = tests.groups(LANES)
    for _ in range(2):
        next(groups).error_ratios()
    assert paths.did("open", "close") == [
        ("open", ("1", "2", "4")),
        ("close", ("1", "2", "4")),
        ("open", ("3",)),
    ]
    tests.darken()
    tests.darken()
    assert paths.did("open", "close")[3:] == [("close", ("3",))]


# --- the other ways ----------------------------------------------------------------------------------


def test_average_power_is_corrected_to_the_transceiver_and_darkness_is_a_bound():
    paths = Paths()
    meter = FakeMeter(lambda port: None if port == "2" else -5.0)
    (group,) = PowerPaths(paths.optics, meter, "power_meter").groups(LANES)
    powers = group.read(averaging_s=0.2)
    loss_db = 0.21 + 3.28 + 0.20 + 0.7 + 0.22
    assert powers[1].value == pytest.approx(-5.0 + loss_db)
    assert (powers[1].bound, powers[2].bound) == (Bound.EXACT, Bound.UPPER)
    assert powers[2].value < -50.0
    path_u = (0.08**2 + 0.06**2 + 0.05**2 + 0.06**2 + 0.05**2) ** 0.5
    assert powers[1].standard_error == pytest.approx(((path_u / 2) ** 2 + (0.0432 / 2) ** 2) ** 0.5, rel=1e-2)
    assert powers[1].evidence["averaging_s"] == 0.2
    assert [deed[1:] for deed in paths.did("switch")] == [(f"M{lane}", 2) for lane in LANES]
    assert [event["destination"] for event in paths.events.of("path")] == [
        f"power_meter.{lane}" for lane in LANES
    ]


def test_one_spectrum_analyser_sees_the_lanes_in_turn():
    paths = Paths()
    turns = [
        (group.lanes, paths.did("switch")[-2:]) for group in paths.optics.groups(LANES, "spectrum_analyser")
    ]
    assert [lanes for lanes, _ in turns] == [(1,), (2,), (3,), (4,)]
    assert turns[2][1] == [("switch", "M3", 3), ("switch", "M6", 3)]


def test_a_way_is_darkened_by_its_last_switch():
    paths = Paths()
    routes = paths.optics.routes(LANES, "scope")
    paths.optics.close(routes[1])
    paths.optics.close(paths.optics.routes(LANES, "power_meter")[2])
    assert paths.did("switch") == [("switch", "M1", 2), ("switch", "M2", 1)]
    with pytest.raises(NoRoute, match="no switch on the way from slot1"):
        paths.optics.close(paths.optics.routes([1], "attenuator")[1])


def test_the_path_check_expects_what_was_launched_less_the_loss():
    paths = Paths()
    check = PathCheck(
        paths.wiring,
        paths.optics,
        ("cw_source", FakeLaser(paths.asked)),
        ("power_meter", FakeMeter(lambda port: -2.0)),
    )
    lights = list(check.through(LANES))
    assert [seen.lane for seen in lights] == list(LANES)
    loss_db = 0.17 + 0.7 + 0.22 + 3.25 + 0.20 + 0.7 + 0.22
    assert lights[0].expected.value == pytest.approx(3.02 - loss_db)
    assert lights[0].read.value == pytest.approx(-2.0)
    assert lights[0].expected.standard_error > lights[0].read.standard_error > 0
    assert paths.did("switch")[:2] == [("switch", "M5", 1), ("switch", "M1", 2)]
    assert paths.did("emit") == [("emit", 1311.0, 3.0)] * 4
    check.darken()
    assert paths.asked[-1] == ("darken",)


def test_host_lanes_are_named_by_the_media_lane_that_they_feed():
    paths = Paths()
    host = HostLanes(paths.wiring, "slot1", paths.product, paths.bert)
    host.send({3: "PRBS13Q"})
    host.send_everywhere("SSPRQ")
    assert paths.did("generate") == [
        ("generate", {"M2.DataOut1": "PRBS13Q"}, 53.125),
        ("generate", dict.fromkeys(FakeBert.generators, "SSPRQ"), 53.125),
    ]


def test_a_host_lane_that_nothing_feeds_is_told(tmp_path):
    paths = Paths(changed(tmp_path, STATION, ("to: slot1.host_tx2,", "to: slot1.host_tx9,")))
    with pytest.raises(NoRoute, match=r"no cable leads to slot1\.host_tx2"):
        HostLanes(paths.wiring, "slot1", paths.product, paths.bert)
