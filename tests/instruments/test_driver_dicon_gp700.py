import pytest

from instruments.drivers.dicon_gp700 import DiconGp700
from instruments.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    PhotonbenchError,
)
from tests.instruments.fake_wire import SILENCE, opened

IDN = "DiCon Fiberoptics Inc,GP700,GP-0815,2.40"
NO_ERROR = ("ERR?", '"0"')


def switch(*pairs, config: str = "M1 O3 I1, M2 O3 I1, M5 O4 I1", **more):
    return opened(DiconGp700, *pairs, idn=IDN, opening=(("SYSTEM:CONFIG?", config), NO_ERROR), **more)


@pytest.mark.parametrize(
    "config",
    ["M1 O3 I1, M2 O3 I1, M5 O4 I1", '"M01 OUT3 IN1,M02 OUT3 IN1,A1 60,M05 OUT4 IN1"', "M1 3,M2 3,M5 4"],
)
def test_the_frame_lists_its_modules(config: str) -> None:
    frame, _ = switch(config=config)
    assert frame.modules == {"M1": 3, "M2": 3, "M5": 4}


def test_a_frame_without_modules_is_garbled() -> None:
    with pytest.raises(GarbledAnswer, match="a list of modules"):
        switch(config="A1 60.0")


@pytest.mark.parametrize("answer", ["2", "2, 1", "+2,1"])
def test_a_position_is_selected_waited_for_and_read_back(answer: str) -> None:
    frame, wire = switch(("M1 2", None), NO_ERROR, ("*OPC?", "1"), ("M1?", answer), NO_ERROR)
    frame.select("M1", 2)
    wire.finish()


def test_a_module_that_stands_elsewhere_is_an_error() -> None:
    frame, _ = switch(("M1 2", None), NO_ERROR, ("*OPC?", "1"), ("M1?", "0"))
    with pytest.raises(InstrumentError, match="sent to position 2 in module M1 but stands at 0"):
        frame.select("M1", 2)


def test_impossible_positions_and_modules_are_refused_before_anything_is_sent() -> None:
    frame, wire = switch()
    with pytest.raises(InstrumentError, match="ask for 1 to 3"):
        frame.select("M1", 4)
    with pytest.raises(PhotonbenchError, match="no module 'M3'"):
        frame.select("M3", 1)
    wire.finish()


def test_an_error_of_the_frame_is_a_refusal() -> None:
    frame, _ = switch(("M1 2", None), ("ERR?", '"-200"'), NO_ERROR)
    with pytest.raises(InstrumentRefused, match="-200"):
        frame.select("M1", 2)


def test_a_stuck_module_is_a_timeout() -> None:
    frame, _ = switch(("M1 2", None), NO_ERROR, ("*OPC?", SILENCE), ("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout):
        frame.select("M1", 2)


def test_a_position_is_told_over_a_serial_line_with_cr() -> None:
    frame, _ = switch(("M5?", "4"), NO_ERROR, stream=True, termination="\r")
    assert frame.selected("M5") == 4


def test_a_garbled_position_is_an_error() -> None:
    frame, _ = switch(("M5?", "M5"))
    with pytest.raises(GarbledAnswer):
        frame.selected("M5")


@pytest.mark.parametrize("missing", [{"M1": 4}, {"M6": 4}])
def test_a_frame_without_a_module_that_the_station_counts_on_is_refused(missing: dict[str, int]) -> None:
    with pytest.raises(InstrumentError, match=r"has not the module M\d with 4 positions"):
        switch(options={"modules": {"M5": 4, **missing}})
