"""Messages and answers that IEEE 488.2 and SCPI-99 prescribe, on an instrument made for the purpose."""

from __future__ import annotations

import pytest

from simulation.clock import VirtualClock
from simulation.scpi import (
    FOREVER_NS,
    Block,
    BlockAnswer,
    Boolean,
    ChannelList,
    Choice,
    Command,
    Exchange,
    Later,
    Number,
    PowerLevel,
    Profile,
    Quoted,
    ScpiDevice,
    Text,
)
from simulation.scpi.units import DECIBEL, HERTZ, METRE, SECOND, VOLT

_LIST = ChannelList(1, 8, optional=True)


class Reference(ScpiDevice):
    model = "Reference"
    manufacturer = "Photonbench"
    identity_model = "Reference"
    firmware = "1.0"
    profile = Profile(error_details=False, error_capacity=5, real_format=".4E", input_buffer_bytes=200)

    def reset(self) -> None:
        super().reset()
        self.values: dict[str, object] = {"wav": 1310e-9, "volt": 0.0, "on": False, "mode": "AUTO"}

    def put(self, name: str, value: object) -> None:
        self.values[name] = value

    def sweep(self) -> None:
        self.begin("sweep", 3.0, lambda: self.put("swept", True), bit=3)

    commands = (
        Command(
            pattern="SENSe{1:4}:POWer:WAVelength",
            action=lambda d, _n, value: d.put("wav", value),
            query=lambda d, _n: d.values["wav"],
            parameters=(Number(METRE, minimum=1250e-9, maximum=1650e-9, default=1550e-9),),
        ),
        Command(
            pattern="SENSe{1:4}:POWer:ATIMe",
            action=lambda d, _n, value: d.put("time", value),
            query=lambda d, _n: d.values["time"],
            parameters=(Number(SECOND, minimum=1e-6, maximum=10.0),),
        ),
        Command(
            pattern="SENSe{1:4}:POWer:RANGe[:UPPer]",
            action=lambda d, _n, value: d.put("range", value),
            query=lambda d, _n: d.values["range"],
            parameters=(PowerLevel(lambda _d, _n: "dBm", minimum=-30.0, maximum=10.0),),
        ),
        Command(pattern="SENSe{1:4}:NUMBer", query=lambda _d, n: n),
        Command(
            pattern="[SOURce:]VOLTage[:LEVel][:IMMediate]",
            action=lambda d, value, _list: d.put("volt", value),
            query=lambda d, _list: d.values["volt"],
            parameters=(
                Number(VOLT, minimum=0.0, maximum=lambda _d, chosen: 6.0 if chosen == (1,) else 25.0),
                _LIST,
            ),
            query_parameters=(_LIST,),
        ),
        Command(
            pattern="SOURce:FREQuency",
            action=lambda d, value: d.put("freq", value),
            query=lambda d: d.values["freq"],
            parameters=(Number(HERTZ),),
        ),
        Command(
            pattern="INPut:ATTenuation",
            action=lambda d, value: d.put("att", value),
            query=lambda d: d.values["att"],
            parameters=(Number(DECIBEL, minimum=0, maximum=45),),
        ),
        Command(
            pattern="COUNt",
            action=lambda d, value: d.put("count", value),
            query=lambda d: d.values["count"],
            parameters=(Number(integer=True, minimum=0, maximum=70000),),
        ),
        Command(
            pattern="SPEed",
            action=lambda d, value: d.put("speed", value),
            query=lambda d: d.values["speed"],
            parameters=(Number(choices=(1.0, 2.0, 5.0), special=True),),
        ),
        Command(
            pattern="OUTPut[:STATe]",
            action=lambda d, value: d.put("on", value),
            query=lambda d: d.values["on"],
            parameters=(Boolean(),),
        ),
        Command(
            pattern="MODE",
            action=lambda d, value: d.put("mode", value),
            query=lambda d: d.values["mode"],
            parameters=(Choice(("AUTO", "MANual"), numbers=((0, "AUTO"),)),),
        ),
        Command(
            pattern="DISPlay:TEXT",
            action=lambda d, value: d.put("text", value),
            query=lambda d: Quoted(str(d.values["text"])),
            parameters=(Text(),),
        ),
        Command(
            pattern="ROUTe:SCAN",
            action=lambda d, value: d.put("scan", value),
            query=lambda d: list(d.values["scan"]),
            parameters=(ChannelList(1, 8),),
        ),
        Command(
            pattern="DATA",
            action=lambda d, value: d.put("data", value),
            query=lambda d: BlockAnswer(d.values["data"]),
            parameters=(Block(),),
        ),
        Command(
            pattern="DATA:STReam",
            query=lambda d: BlockAnswer(d.values["data"], indefinite=True),
            indefinite=True,
        ),
        Command(pattern="CHANnel{1A|2A}:POWer", query=lambda _d, channel: channel),
        Command(pattern="INITiate[:IMMediate]", action=sweep),
        Command(pattern="READ", query=lambda _d: Later(0.5, 1.25)),
        Command(pattern="LONG", query=lambda _d: "x" * 70000),
        Command(pattern="PING", action=lambda _d: "PONG"),
        Command(pattern="NAN", query=lambda _d: [float("nan"), float("inf"), float("-inf")]),
    )


class Talk:
    """One controller on the bus, with the clock in its hand."""

    def __init__(self, device_class: type[ScpiDevice] = Reference, *, strict: bool = True) -> None:
        self.clock = VirtualClock()
        self.device = device_class("reference", serial="SIM1", options={}, clock=self.clock, seed=1)
        self.exchange = Exchange(self.device, strict=strict)

    def write(self, message: str) -> None:
        self.exchange.receive(message.encode("latin-1"), end=True)

    def read(self) -> str | None:
        while not self.exchange.outputs:
            due_ns = self.exchange.next_due_ns
            if due_ns >= FOREVER_NS:
                return None
            self.clock.sleep_until(due_ns)
            self.exchange.pump(self.clock.now_ns)
        return self.exchange.take(1 << 20)[0].decode("latin-1")

    def ask(self, message: str) -> str | None:
        self.write(message)
        return self.read()

    def errors(self) -> list[int]:
        codes = []
        while (answer := self.ask("SYST:ERR?")) is not None and not answer.startswith("0,"):
            codes.append(int(answer.split(",")[0]))
        return codes


@pytest.fixture
def talk() -> Talk:
    return Talk()


ANSWERS = {
    # headers
    "SENS1:POW:WAV 1310NM;WAV?": "1.3100E-06",
    "sense1:power:wavelength 1310nm;wavelength?": "1.3100E-06",
    ":SeNs:PoW:wAv 1550 nm;WAV?": "1.5500E-06",
    "SENS3:NUMB?": "3",
    "SENS:NUMB?": "1",
    "SENS04:NUMBER?": "4",
    "SOUR:VOLT:LEV:IMM 1.5;:VOLT?": "1.5000E+00",
    "VOLT:LEV 2;:SOURCE:VOLTAGE:IMM?": "2.0000E+00",
    "CHAN2A:POW?": "2A",
    "chan1a:pow?": "1A",
    "CHAN:POW?": "1A",
    # paths: relative to the last header, common commands leave it alone, a colon starts anew
    "SENS1:POW:WAV 1400NM;*CLS;WAV?": "1.4000E-06",
    "SENS1:POW:WAV 1400NM;ATIM 1S;:SENS1:POW:WAV?;ATIM?": "1.4000E-06;1.0000E+00",
    "SENS2:NUMB?;:SENS3:NUMB?": "2;3",
    "*IDN?": "Photonbench,Reference,SIM1,1.0",
    ";;SENS:NUMB?; ;": "1",
    # numbers and units
    "VOLT 1.5E0;VOLT?": "1.5000E+00",
    "VOLT +.5;VOLT?": "5.0000E-01",
    "VOLT 1 E 1;VOLT?": "1.0000E+01",
    "VOLT 500mV;VOLT?": "5.0000E-01",
    "VOLT 0.5V ;VOLT?": "5.0000E-01",
    "VOLT #HA;VOLT?": "1.0000E+01",
    "VOLT #Q17;VOLT?": "1.5000E+01",
    "VOLT #B101;VOLT?": "5.0000E+00",
    "VOLT MAX;VOLT?": "2.5000E+01",
    "VOLT MINimum;VOLT?": "0.0000E+00",
    "VOLT? MAX": "2.5000E+01",
    "VOLT? MAX, (@1)": "6.0000E+00",
    "VOLT 3.3, (@1);:VOLT? (@1)": "3.3000E+00",
    "SENS:POW:WAV DEF;WAV?": "1.5500E-06",
    "SENS2:POW:WAV? MIN": "1.2500E-06",
    "SENS:POW:WAV 1310.000000 nm;WAV?": "1.3100E-06",
    "SENS:POW:WAV 1.31UM;WAV?": "1.3100E-06",
    "SENS:POW:ATIM 10MS;ATIM?": "1.0000E-02",
    "SENS:POW:ATIM 0.010000 s;ATIM?": "1.0000E-02",
    "INP:ATT 7.5DB;ATT?": "7.5000E+00",
    "INP:ATT 7500 mdb;ATT?": "7.5000E+00",
    "SOUR:FREQ 1MHZ;FREQ?": "1.0000E+06",
    "SOUR:FREQ 193.1THZ;FREQ?": "1.9310E+14",
    "SENS:POW:RANG -20DBM;RANG?": "-2.0000E+01",
    "SENS:POW:RANG:UPP 1MW;UPP?": "0.0000E+00",
    "SENS:POW:RANG -10;RANG?": "-1.0000E+01",
    "COUN 2.5;COUN?": "3",
    "COUN 1E3;COUN?": "1000",
    "SPE 5;SPE?": "5.0000E+00",
    "SPE INF;SPE?": "9.9E+37",
    "NAN?": "9.91E+37,9.9E+37,-9.9E+37",
    # booleans, words, strings, lists, blocks
    "OUTP ON;OUTP?": "1",
    "OUTP:STAT 0.4;STAT?": "0",
    "OUTP 7;OUTP?": "1",
    "MODE MANUAL;MODE?": "MAN",
    "MODE 0;MODE?": "AUTO",
    "DISP:TEXT 'it''s';TEXT?": '"it\'s"',
    'DISP:TEXT "say ""a;b,c""";TEXT?': '"say ""a;b,c"""',
    "ROUT:SCAN (@1,3:5);SCAN?": "1,3,4,5",
    "ROUT:SCAN (@ 8 : 6 );SCAN?": "8,7,6",
    "DATA #15a;b\nc;DATA?": "#15a;b\nc",
    "DATA #0a,b;c": None,
    "PING": "PONG",
    # system
    "SYST:ERR?": '0,"No error"',
    "SYST:ERR:NEXT?": '0,"No error"',
    "SYSTEM:ERROR:COUNT?": "0",
    "SYST:VERS?": "1999.0",
    "*TST?": "0",
    "*OPT?": "0",
    "*OPC?": "1",
    "*ESE 36;*ESE?;*SRE 255;*SRE?": "36;191",
    "STAT:OPER:PTR 512;PTR?;:STAT:OPER:NTR?;:STAT:QUES:COND?": "512;0;0",
}


@pytest.mark.parametrize(("message", "answer"), ANSWERS.items())
def test_message_gives_its_answer_and_no_error(talk: Talk, message: str, answer: str | None) -> None:
    assert talk.ask(message) == (None if answer is None else answer + "\n")
    assert talk.errors() == []


ERRORS = {
    "MEASU:POW?": -113,
    "SENSOR:NUMB?": -113,
    "SEN:NUMB?": -113,
    "SENS:POWE:WAV?": -113,
    "SENS1:POW": -113,
    "SENS1:POW:WAV 1400NM;:WAV?": -113,
    "SENS1:POW:WAV 1400NM;SENS1:POW:WAV?": -113,
    "READ": -113,
    "INIT?": -113,
    "*FOO": -113,
    "VOLT2 1": -113,
    "SENS5:NUMB?": -114,
    "SENS0:NUMB?": -114,
    "CHAN3A:POW?": -114,
    "VOLT!": -101,
    "VOLT 1\xe9": -101,
    "VOLT::LEV 1": -102,
    "VOLT 1,,2": -102,
    "VOLT,1": -103,
    "MODE AUTO MAN": -103,
    "DISP:TEXT 5": -104,
    "OUTP (@1)": -178,
    "MODE 'AUTO'": -158,
    "VOLT 1,(@1),2": -108,
    "*RST 1": -108,
    "VOLT": -109,
    "ROUT:SCAN": -109,
    "VOLT?5": -111,
    "VERYLONGMNEMONIC 1": -112,
    "VOLT +": -120,
    "VOLT 1.2.3": -121,
    "VOLT #HG": -121,
    "VOLT 1E99999": -123,
    "VOLT " + "1" * 256: -124,
    "VOLT 5HZ": -131,
    "INP:ATT 5DBM": -131,
    "COUN 5V": -138,
    "OUTP 1S": -138,
    "VOLT BIG": -141,
    "OUTP MAYBE": -141,
    "MODE FAST": -141,
    "INP:ATT DEF": -141,
    "DISP:TEXT 'open": -151,
    "VOLT '5'": -158,
    "DATA #15ab": -161,
    "DATA #1": -161,
    "VOLT #15hello": -168,
    "ROUT:SCAN (1,2)": -171,
    "ROUT:SCAN (@1;2)": -171,
    "ROUT:SCAN (@1:999999999)": -171,
    "VOLT (@1)": -178,
    "*TRG": -211,
    "VOLT 26": -222,
    "VOLT 7, (@1)": -222,
    "VOLT -1": -222,
    "SENS:POW:WAV 1310": -222,
    "SENS:POW:RANG 0MW": -222,
    "ROUT:SCAN (@9)": -222,
    "*ESE 256": -222,
    "SPE 3": -224,
    "MODE 1": -224,
}


@pytest.mark.parametrize(("message", "code"), ERRORS.items())
def test_message_is_refused_with_its_code_and_no_answer(talk: Talk, message: str, code: int) -> None:
    assert talk.ask(message) is None
    assert talk.errors() == [code]


@pytest.mark.parametrize(("code", "bit"), [("MEASU", 0x20), ("VOLT 26", 0x10), ("*IDN?;*IDN?", 0x04)])
def test_class_of_an_error_sets_its_event_bit(talk: Talk, code: str, bit: int) -> None:
    talk.ask("*ESR?")
    talk.ask(code)
    assert talk.ask("*ESR?") == f"{bit}\n"
    assert talk.ask("*ESR?") == "0\n"


def test_power_on_bit_is_set_once(talk: Talk) -> None:
    assert talk.ask("*ESR?;*ESR?") == "128;0\n"


def test_bad_header_after_enabling_requests_service(talk: Talk) -> None:
    talk.write("*CLS;*SRE 32;*ESE 32")
    talk.write("BAD")
    assert talk.ask("*STB?") == "100\n"  # MSS, ESB and EAV


def test_serial_poll_clears_the_request_but_not_the_reason(talk: Talk) -> None:
    talk.write("*CLS;*SRE 32;*ESE 32")
    talk.write("BAD")
    assert talk.device.status.serial_poll(message_available=False) == 0x64
    assert talk.device.status.serial_poll(message_available=False) == 0x24
    assert talk.ask("*STB?") == "100\n"


def test_message_available_is_seen_by_a_poll(talk: Talk) -> None:
    talk.write("*CLS")
    talk.write("SENS:NUMB?")
    assert talk.device.status.serial_poll(message_available=talk.exchange.message_available) == 0x10


def test_clear_status_leaves_enables_and_reset_leaves_events(talk: Talk) -> None:
    talk.write("*ESE 32;*SRE 4;BAD;*RST")
    assert talk.ask("*ESR?;*ESE?") == "160;32\n"
    talk.write("BAD;*CLS")
    assert talk.ask("*ESR?;*ESE?;*SRE?;:SYST:ERR?") == '0;32;4;0,"No error"\n'


def test_full_queue_replaces_its_last_entry(talk: Talk) -> None:
    for message in ["BAD", "VOLT 26", "SPE 3", "VOLT", "MODE FAST", "VOLT 5HZ", "BAD"]:
        talk.write(message)
    assert talk.errors() == [-113, -222, -224, -109, -350]


def test_bad_unit_does_not_stop_the_rest_of_the_message(talk: Talk) -> None:
    assert talk.ask("VOLT 2;BAD;:VOLT?") == "2.0000E+00\n"
    assert talk.errors() == [-113]


def test_operation_complete_comes_late(talk: Talk) -> None:
    talk.write("*CLS;INIT;*OPC")
    assert talk.ask("*ESR?;:STAT:OPER:COND?") == "0;8\n"
    talk.clock.sleep(2.9)
    assert talk.ask("*ESR?") == "0\n"
    talk.clock.sleep(0.2)
    assert talk.ask("*ESR?;:STAT:OPER:COND?") == "1;0\n"


def test_operation_complete_query_answers_when_all_is_done(talk: Talk) -> None:
    assert talk.ask("INIT;*OPC?") == "1\n"
    assert talk.clock.now() == pytest.approx(3.0)
    assert talk.device.values["swept"] is True


def test_wait_holds_the_commands_behind_it(talk: Talk) -> None:
    talk.write("INIT;*WAI;VOLT 2")
    assert talk.device.values["volt"] == 0.0
    talk.clock.sleep(3.0)
    talk.device.catch_up()
    assert talk.device.values["volt"] == 2.0
    assert talk.device.now_s == pytest.approx(3.0)


def test_clear_status_disarms_operation_complete(talk: Talk) -> None:
    talk.write("INIT;*OPC;*CLS")
    talk.clock.sleep(4.0)
    assert talk.ask("*ESR?") == "0\n"


def test_late_answer_blocks_what_comes_after_it(talk: Talk) -> None:
    talk.write("READ?")
    assert talk.read() == "1.2500E+00\n"
    assert talk.clock.now() == pytest.approx(0.5)
    assert talk.ask("READ?;*OPC?") == "1.2500E+00;1\n"
    assert talk.clock.now() == pytest.approx(1.0)


def test_operation_end_is_latched_by_the_negative_filter(talk: Talk) -> None:
    talk.write("STAT:OPER:PTR 0;NTR 8;ENAB 8")
    talk.write("INIT")
    assert talk.ask("STAT:OPER?") == "0\n"
    talk.clock.sleep(3.0)
    assert talk.ask("*STB?") == "128\n"
    assert talk.ask("STAT:OPER?") == "8\n"


def test_unread_answer_is_dropped_by_the_next_message(talk: Talk) -> None:
    talk.write("SENS2:NUMB?")
    assert talk.ask("SENS3:NUMB?") == "3\n"
    assert talk.errors() == [-410]


def test_bare_terminators_are_no_message(talk: Talk) -> None:
    talk.write("SENS2:NUMB?\n\r\n")
    talk.exchange.receive(b"\r\n  \n", end=True)
    assert talk.read() == "2\n"
    assert talk.errors() == []


def test_stream_keeps_all_answers_in_order() -> None:
    talk = Talk(strict=False)
    talk.write("SENS2:NUMB?")
    talk.write("SENS3:NUMB?")
    assert [talk.read(), talk.read(), talk.read()] == ["2\n", "3\n", None]
    assert talk.errors() == []


def test_reading_with_nothing_asked_is_an_error_on_a_bus_only(talk: Talk) -> None:
    talk.exchange.read_unasked()
    assert talk.errors() == [-420]
    stream = Talk(strict=False)
    stream.exchange.read_unasked()
    assert stream.errors() == []


def test_both_buffers_full_is_a_deadlock(talk: Talk) -> None:
    assert talk.ask("LONG?;" + "*CLS;" * 50 + "VOLT 3") is None
    assert talk.errors() == []  # *CLS came after it; the rest of the message was still executed
    assert talk.device.values["volt"] == 3.0
    assert talk.ask("VOLT 4;" * 40 + "LONG?") is None
    assert talk.errors() == [-430]
    assert len(talk.ask("LONG?") or "") == 70001


def test_query_after_an_indefinite_answer_is_an_error(talk: Talk) -> None:
    talk.write("DATA #13abc")
    assert talk.ask("DATA:STR?;*OPC?") == "#0abc\n"
    assert talk.errors() == [-440]


def test_block_may_hold_terminators_and_arrive_in_pieces(talk: Talk) -> None:
    for piece in (b"DATA #2", b"13ab\n;,'\r", b'"#x\n', b"yz\nSENS:NUMB?\n"):
        talk.exchange.receive(piece)
    assert talk.read() == "1\n"
    assert talk.device.values["data"] == b"ab\n;,'\r\"#x\nyz"
    assert talk.errors() == []


def test_terminators_of_all_kinds_end_a_message() -> None:
    talk = Talk(strict=False)
    talk.exchange.receive(b"SENS1:NUMB?\rSENS2:NUMB?\nSENS3:NUMB?\r\n")
    assert [talk.read() for _ in range(4)] == ["1\n", "2\n", "3\n", None]


def test_device_clear_empties_buffers_and_keeps_settings_and_errors(talk: Talk) -> None:
    talk.write("VOLT 2;BAD;READ?")
    talk.exchange.receive(b"VOLT 3")
    talk.exchange.clear()
    assert talk.exchange.idle
    assert talk.ask("VOLT?") == "2.0000E+00\n"
    assert talk.clock.now() == 0.0
    assert talk.errors() == [-113]


def test_path_is_forgotten_at_the_end_of_a_line_unless_the_model_keeps_it() -> None:
    class Sticky(Reference):
        profile = Profile(sticky_path=True, real_format=".4E")

    plain, sticky = Talk(), Talk(Sticky)
    for talk in (plain, sticky):
        talk.write("SENS2:POW:WAV 1400NM")
    assert plain.ask("WAV?") is None
    assert sticky.ask("WAV?") == "1.4000E-06\n"
    assert plain.errors() == [-113]


def test_error_details_follow_a_semicolon_where_the_model_tells_them() -> None:
    class Talkative(Reference):
        profile = Profile(error_details=True, error_format='{code:+d},"{text}"')

    assert Talk(Talkative).ask("BAD:NEWS;:SYST:ERR?") == '-113,"Undefined header;BAD:NEWS"\n'


def test_equal_seeds_give_equal_noise_in_any_order_of_asking() -> None:
    def draws(order: str) -> dict[str, list[float]]:
        device = Talk().device
        found: dict[str, list[float]] = {"a": [], "b": []}
        for quantity in order:
            found[quantity].append(float(device.noise(quantity).normal()))
        return found

    assert draws("aabb") == draws("abab")
    assert len(set(draws("aabb")["a"] + draws("aabb")["b"])) == 4


def test_every_row_names_what_it_does() -> None:
    for row in Talk().device.tree.rows:
        assert row.action or row.query
