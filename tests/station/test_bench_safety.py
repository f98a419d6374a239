import pytest

from instruments.catalog import installed_drivers
from instruments.errors import InstrumentError, PhotonbenchError, WrongIdentity
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.power_meter import PowerMeter
from instruments.interfaces.power_supply import PowerSupply
from instruments.interfaces.sampling_scope import SamplingScope
from station.bench import Bench
from station.twin import open_twin
from tests.station.sequence_kit import GOOD, STATION
from tests.station.twin_kit import changed, loaded


@pytest.fixture
def bench_of(tmp_path):
    """Open instruments of the twin of a changed station."""

    def build(*names, station=(), simulation=()):
        files = loaded(
            station=changed(tmp_path, STATION, *station), simulation=changed(tmp_path, GOOD, *simulation)
        )
        twin = open_twin(files, serial="PB26-0001", seed=1)
        bench = Bench(files.station.value, twin.resource_manager(), installed_drivers(), twin.clock)
        for name in names:
            bench.open(name)
        return bench

    return build


def broken(instrument, kind):
    return [
        ("faults: []", f"faults: [{{instrument: {instrument}, kind: {kind}}}]"),
        ("verdict: PASS", "verdict: ERROR"),
    ]


def test_instruments_are_given_by_name_and_by_kind(bench_of):
    bench = bench_of("power_meter", "attenuator")
    assert bench.get("power_meter", PowerMeter) is bench.only(PowerMeter)[1]
    assert bench.only(Attenuator)[0] == "attenuator"
    assert [name for name, _ in bench.of(PowerMeter)] == ["power_meter"]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("power_meter", PowerSupply, "power_meter is no power supply of this station"),
        ("scope", SamplingScope, "scope is no sampling scope of this station"),  # not opened
        ("nothing", PowerMeter, "nothing is no power meter of this station"),
    ],
)
def test_an_instrument_of_the_wrong_kind_is_told_in_the_words_of_the_bench(bench_of, name, kind, words):
    with pytest.raises(PhotonbenchError, match=words):
        bench_of("power_meter").get(name, kind)


def test_the_one_instrument_of_a_kind_must_be_one(bench_of):
    with pytest.raises(PhotonbenchError, match="this needs one power supply; the station has none"):
        bench_of("power_meter").only(PowerSupply)
    another = "  spare: {model: Keysight N7744A, address: GPIB0::30::INSTR, calibration_due: 2027-03-02}\n"
    bench = bench_of("power_meter", "spare", station=[("elements:\n", f"{another}elements:\n")])
    with pytest.raises(
        PhotonbenchError, match="this needs one power meter; the station has power_meter, spare"
    ):
        bench.only(PowerMeter)


def test_another_instrument_at_an_address_is_refused_and_not_kept(bench_of):
    bench = bench_of(simulation=broken("power_meter", "wrong_identity"))
    with pytest.raises(WrongIdentity, match="power_meter"):
        bench.open("power_meter")
    with pytest.raises(PhotonbenchError):
        bench.get("power_meter", PowerMeter)


def test_another_serial_number_at_an_address_is_refused(bench_of):
    address = "address: TCPIP0::192.168.10.11::inst0::INSTR"
    swapped = [(address, f"{address}\n    serial: 'MY1'")]
    assert bench_of("power_meter", station=swapped).get("power_meter", PowerMeter).identity.serial == "MY1"
    files_say = bench_of(station=swapped)
    files_say.station.instruments["power_meter"].__dict__["serial"] = "MY2"
    with pytest.raises(WrongIdentity, match="MY2"):
        files_say.open("power_meter")


def test_what_was_opened_before_one_fails_can_still_be_made_safe(bench_of):
    bench = bench_of("cw_source", "attenuator", simulation=broken("supply", "silent"))
    with pytest.raises(InstrumentError, match="supply"):
        bench.open("supply")
    steps = {step.name: step.done for step in bench.make_safe(None, None)}
    assert steps["cw_source"]
    assert steps["attenuator"]
    assert not steps["supply"]
