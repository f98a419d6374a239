from importlib.metadata import EntryPoint

import pytest
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.catalog import (
    GROUP,
    Catalog,
    ask_identity,
    installed_drivers,
    is_stream,
    open_instrument,
)
from instruments.driver import Driver
from instruments.drivers.keysight_n7744a import KeysightN7744A
from instruments.drivers.santec_tsl570 import SantecTsl570
from instruments.errors import InstrumentError, InstrumentTimeout, PhotonbenchError, WrongIdentity
from instruments.identity import Identity, fits, parse_identity
from instruments.interfaces.safe_state import SafeState
from tests.instruments.fake_wire import CHECKED, SILENCE, FakeClock, FakeWire

OURS = {
    "Keysight N7744A": "instruments.drivers.keysight_n7744a:KeysightN7744A",
    "Keysight N7745A": "instruments.drivers.keysight_n7744a:KeysightN7745A",
    "Keysight N7764A": "instruments.drivers.keysight_n7764a:KeysightN7764A",
    "Santec TSL-570": "instruments.drivers.santec_tsl570:SantecTsl570",
    "Keysight E36312A": "instruments.drivers.keysight_e36312a:KeysightE36312A",
    "Temptronic ATS-545": "instruments.drivers.temptronic_ats545:TemptronicAts545",
    "DiCon GP700": "instruments.drivers.dicon_gp700:DiconGp700",
    "Yokogawa AQ6370D": "instruments.drivers.yokogawa_aq6370d:YokogawaAq6370D",
    "Keysight N1092A": "instruments.drivers.keysight_n1092:KeysightN1092A",
    "Keysight N1092B": "instruments.drivers.keysight_n1092:KeysightN1092B",
    "Keysight N1092C": "instruments.drivers.keysight_n1092:KeysightN1092C",
    "Keysight N1092D": "instruments.drivers.keysight_n1092:KeysightN1092D",
    "Keysight N1092E": "instruments.drivers.keysight_n1092:KeysightN1092E",
    "Keysight M8040A": "instruments.drivers.keysight_m8040a:KeysightM8040A",
}
CATALOG = Catalog(EntryPoint(model, target, GROUP) for model, target in OURS.items())


class Manager:
    """Opens one fake wire, or fails."""

    def __init__(self, wire: FakeWire | None) -> None:
        self.wire = wire

    def open_resource(self, resource_name: str) -> FakeWire:
        if self.wire is None:
            raise VisaIOError(StatusCode.error_resource_not_found)
        return self.wire


@pytest.mark.parametrize("model", OURS)
def test_each_model_has_the_driver_that_says_so(model: str) -> None:
    driver = CATALOG.visa_driver(model)
    assert driver.model == model
    assert issubclass(driver, Driver)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(PhotonbenchError, match=r"no driver for 'Keysight N774A'; nearest: 'Keysight N77"):
        CATALOG.driver("Keysight N774A")


def test_a_model_like_none_says_what_to_do() -> None:
    with pytest.raises(PhotonbenchError, match="install a package"):
        CATALOG.driver("☃")


def test_what_is_no_visa_instrument_is_not_opened_as_one() -> None:
    catalog = Catalog([EntryPoint("A dictionary", "builtins:dict", GROUP)])
    with pytest.raises(PhotonbenchError, match="not a VISA instrument"):
        catalog.visa_driver("A dictionary")
    assert catalog.fitting("A,dictionary,1,1") is None


@pytest.mark.parametrize(
    ("answer", "model"),
    [
        ("Keysight Technologies,N7744A,MY1,1.0", "Keysight N7744A"),
        ("Agilent Technologies, N7744A, MY1, 1.0", "Keysight N7744A"),
        ("SANTEC,TSL-570,1,1", "Santec TSL-570"),
        ("Keysight Technologies,E36312A,MY1,1.0-1.0", "Keysight E36312A"),
        ("TEMPTRONIC CORPORATION,ATS-545-M,0,1.0", "Temptronic ATS-545"),
        ("inTEST Thermal Solutions Corp,ATS-545,0,1.0", "Temptronic ATS-545"),
        ("DICON FIBEROPTICS INC,GP700,1,1", "DiCon GP700"),
        ("YOKOGAWA,AQ6370D,1,1", "Yokogawa AQ6370D"),
        ("Keysight Technologies,N1092D,1,A.07", "Keysight N1092D"),
        ("Keysight Technologies,N1092E,1,A.07", "Keysight N1092E"),
        ("Keysight Technologies,M8070B,1,9.0", "Keysight M8040A"),
        ("Keysight Technologies,N9999Z,1,1", None),
        ("YOKOGAWA,AQ6370C,1,1", None),
        ("nonsense", None),
    ],
)
def test_an_identity_finds_the_driver_that_fits(answer: str, model: str | None) -> None:
    assert CATALOG.fitting(answer) == model


def test_only_one_driver_fits_each_of_our_models() -> None:
    for model in OURS:
        manufacturer, name = model.split()
        answers = {"Keysight": "Keysight Technologies", "DiCon": "DiCon Fiberoptics Inc"}
        identity = Identity(answers.get(manufacturer, manufacturer), name, "1", "1")
        assert [one for one in OURS if fits(CATALOG.visa_driver(one).idn_pattern, identity)] == [model]


def test_identities_may_lack_fields_and_have_commas_at_the_end() -> None:
    assert parse_identity("A , B") == Identity("A", "B", "", "")
    assert parse_identity('"A","B","C",1,2').firmware == "1,2"
    for wrong in ("", "A", "A,,C,D"):
        with pytest.raises(ValueError, match="not an identity"):
            parse_identity(wrong)


@pytest.mark.parametrize(
    ("address", "stream"),
    [
        ("TCPIP0::10.0.0.5::5025::SOCKET", True),
        ("ASRL3::INSTR", True),
        ("TCPIP0::10.0.0.5::hislip0::INSTR", False),
        ("GPIB0::20::INSTR", False),
    ],
)
def test_streams_are_known_by_their_address(address: str, stream: bool) -> None:
    assert is_stream(address) is stream


def open_meter(wire: FakeWire | None, driver: type[Driver] = KeysightN7744A, **more):
    return open_instrument(
        driver, Manager(wire), "TCPIP::host::5025::SOCKET", name="power_meter", clock=FakeClock(), **more
    )


def test_an_instrument_is_opened_and_its_identity_checked() -> None:
    wire = FakeWire(("*IDN?", "Keysight Technologies,N7744A,MY1,1.0"), CHECKED)
    meter = open_meter(wire, serial="MY1")
    assert meter.identity == Identity("Keysight Technologies", "N7744A", "MY1", "1.0")
    assert meter.session.name == "power_meter"
    meter.close()
    assert wire.closed


def test_a_wrong_instrument_is_closed_again() -> None:
    wire = FakeWire(("*IDN?", "Keysight Technologies,N7764A,MY1,1.0"))
    with pytest.raises(WrongIdentity):
        open_meter(wire)
    assert wire.closed


def test_an_address_where_nothing_answers_names_the_instrument() -> None:
    with pytest.raises(InstrumentError, match="power_meter cannot be reached at 'TCPIP::host") as caught:
        open_meter(None)
    assert "station file" in caught.value.remedy


def test_an_unknown_option_names_the_nearest() -> None:
    wire = FakeWire()
    with pytest.raises(PhotonbenchError, match="no option 'generator'; did you mean 'generators'"):
        open_meter(wire, CATALOG.visa_driver("Keysight M8040A"), options={"generator": ["M1.DataOut1"]})
    assert wire.closed


def test_a_station_may_say_another_terminator() -> None:
    wire = FakeWire(("*IDN?", "Keysight Technologies,N7744A,MY1,1.0"), CHECKED, termination="\r\n")
    open_meter(wire, termination="\r\n")
    assert wire.read_termination == "\r\n"


def test_an_option_that_cannot_be_read_says_how_to_write_it() -> None:
    wire = FakeWire()
    with pytest.raises(
        PhotonbenchError, match=r"cannot take option generators: 3; write it like generators: \('M1"
    ):
        open_meter(wire, CATALOG.visa_driver("Keysight M8040A"), options={"generators": 3})
    assert wire.closed


def test_discovery_asks_with_either_terminator() -> None:
    class OnlyCr(FakeWire):
        def write_raw(self, message: bytes) -> int:
            return super().write_raw(message) if message.endswith(b"\r") else len(message)

    wire = OnlyCr(("*IDN?", "SANTEC,TSL-570,1,1"), termination="\r")
    assert ask_identity(Manager(wire), "TCPIP::h::5000::SOCKET", clock=FakeClock()).startswith("SANTEC")
    assert wire.closed


def test_discovery_leaves_a_silent_address_after_its_patience() -> None:
    wire = FakeWire(("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout, match="GPIB0::5::INSTR"):
        ask_identity(Manager(wire), "GPIB0::5::INSTR", clock=FakeClock())
    assert wire.closed


def test_nothing_is_known_of_a_driver_that_was_not_opened() -> None:
    from instruments.session import Session

    session = Session(FakeWire(), name="laser", model="Santec TSL-570", clock=FakeClock())
    laser = SantecTsl570(session)
    with pytest.raises(InstrumentError, match=r"was not opened; call open\(\) first"):
        _ = laser.identity
    with pytest.raises(InstrumentError, match="was not opened"):
        _ = laser.wavelength_range_nm


def test_what_can_hurt_has_a_safe_state_and_a_rank() -> None:
    ranks = {
        model: CATALOG.visa_driver(model).safety_rank.name
        for model in OURS
        if issubclass(CATALOG.visa_driver(model), SafeState)
    }
    assert ranks == {
        "Keysight M8040A": "SOURCE",
        "Santec TSL-570": "SOURCE",
        "Keysight N7764A": "ATTENUATOR",
        "Keysight E36312A": "SUPPLY",
        "Temptronic ATS-545": "THERMAL_HEAD",
    }


def test_installed_drivers_are_those_of_the_group() -> None:
    assert isinstance(installed_drivers(), Catalog)
