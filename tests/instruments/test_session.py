import threading

import numpy as np
import pytest

from instruments.errors import GarbledAnswer, InstrumentError, InstrumentRefused, InstrumentTimeout
from instruments.profile import EVENT_STATUS_ERRORS, ErrorQueue, ErrorRegister, Profile
from instruments.session import Session
from tests.instruments.fake_wire import DROPPED, OK, SILENCE, FakeClock, FakeWire, block


def session_on(wire: FakeWire, profile: Profile | None = None, **more: object) -> Session:
    return Session(
        wire,
        name="power_meter",
        model="Keysight N7744A",
        clock=wire.clock,
        profile=profile,
        **more,  # type: ignore[arg-type]
    )


def test_an_operation_reads_the_error_queue_once_at_its_end() -> None:
    wire = FakeWire((":POW?", "1.5"), (":WAV?", "1310"), (":SYST:ERR?", OK))
    session = session_on(wire)
    with session.operation("read"):
        assert session.query_float(":POW?") == 1.5
        with session.operation("read again"):
            assert session.query_float(":WAV?") == 1310.0
    wire.finish()


def test_settings_join_the_error_query_and_need_no_further_one() -> None:
    wire = FakeWire((":UNIT 1;:WAV 1310NM;:SYST:ERR?", OK))
    session = session_on(wire)
    with session.operation("set"):
        session.set(":UNIT 1", ":WAV 1310NM")
    wire.finish()


def test_a_refused_setting_is_raised_before_anything_relies_on_it() -> None:
    wire = FakeWire(
        (":WAV 9999NM;:SYST:ERR?", '-222,"Data out of range"'), (":SYST:ERR?", '-100,"x"'), (":SYST:ERR?", OK)
    )
    session = session_on(wire)
    with (
        pytest.raises(InstrumentRefused, match=r"refused to accept :WAV 9999NM: -222") as caught,
        session.operation("set"),
    ):
        session.set(":WAV 9999NM")
    assert caught.value.instrument == "power_meter"
    assert any(":WAV 9999NM" in line for line in caught.value.transcript)
    wire.finish()


def test_an_error_in_the_queue_names_the_operation() -> None:
    wire = FakeWire((":POW?", "1"), (":SYST:ERR?", '-310,"System error"'), (":SYST:ERR?", '0,"No error"'))
    session = session_on(wire)
    with (
        pytest.raises(InstrumentRefused, match=r"power_meter \(Keysight N7744A\) refused to read powers"),
        session.operation("read powers"),
    ):
        session.query(":POW?")
    wire.finish()


def test_an_error_flood_is_bounded() -> None:
    wire = FakeWire((":POW?", "1"), *[(":SYST:ERR?", '-350,"Queue overflow"')] * 32)
    session = session_on(wire)
    with pytest.raises(InstrumentRefused, match="and more"), session.operation("read"):
        session.query(":POW?")
    wire.finish()


def test_a_nonsense_error_queue_is_garbled() -> None:
    wire = FakeWire((":POW?", "1"), (":SYST:ERR?", "\x07\x07"))
    session = session_on(wire)
    with pytest.raises(GarbledAnswer, match="an error number"), session.operation("read"):
        session.query(":POW?")


def test_the_timeout_is_the_operation_plus_the_margin() -> None:
    wire = FakeWire(("*OPC?", "1"), (":POW?", "1"))
    session = session_on(wire, Profile(margin_s=3.0))
    session.wait_complete(60.0)
    session.query(":POW?")
    assert wire.timeouts == [63_000, 3_000]


def test_silence_is_a_timeout_with_command_remedy_and_transcript() -> None:
    wire = FakeWire((":POW?", SILENCE))
    session = session_on(wire)
    with pytest.raises(InstrumentTimeout) as caught:
        session.query(":POW?", operation_s=0.5)
    error = caught.value
    assert "did not answer ':POW?' within 2.5 s" in str(error)
    assert error.command == ":POW?"
    assert "discover" in error.remedy
    assert ">> :POW?" in error.transcript[0]
    assert "(nothing within 2.5 s)" in error.transcript[1]
    assert wire.clock.now() == 2.5


def test_after_a_timeout_the_session_gets_back_into_step_before_the_next_message() -> None:
    wire = FakeWire((":POW?", SILENCE), ("*IDN?", "late power"), (":WAV?", "1310"))
    session = session_on(wire)
    session.remember_identity("K,N7744A,SN,1", "SN")
    with pytest.raises(InstrumentTimeout):
        session.query(":POW?")
    wire._out.append("2.2E-3")  # the answer that nobody waits for any more
    wire.pairs[0] = ("*IDN?", "K,N7744A,SN,1")
    assert session.query(":WAV?") == "1310"
    assert wire.clears == 1
    wire.finish()


def test_a_session_that_never_gets_back_into_step_says_so() -> None:
    wire = FakeWire((":POW?", SILENCE), ("*IDN?", "0"))
    session = session_on(wire)
    session.remember_identity("K,N7744A,SN,1", "SN")
    with pytest.raises(InstrumentTimeout):
        session.query(":POW?")
    wire._out += ["0"] * 9
    with pytest.raises(GarbledAnswer, match="does not get back into step"):
        session.query(":WAV?")


def test_an_interrupted_query_leaves_the_session_out_of_step() -> None:
    class Interrupted(FakeWire):
        def read_raw(self, size: int | None = None) -> bytes:
            if self.clears == 0:
                raise KeyboardInterrupt
            return super().read_raw(size)

    wire = Interrupted((":POW?", None), (":WAV?", "1310"))
    session = session_on(wire)
    with pytest.raises(KeyboardInterrupt):
        session.query(":POW?")
    assert session.query(":WAV?") == "1310"
    assert wire.clears == 1


def test_a_question_that_the_instrument_refused_is_a_refusal_not_a_timeout() -> None:
    wire = FakeWire((":NONSENSE?", SILENCE), (":SYST:ERR?", '-113,"Undefined header"'), (":SYST:ERR?", OK))
    session = session_on(wire)
    with pytest.raises(InstrumentRefused, match="-113") as caught, session.operation("ask nonsense"):
        session.query(":NONSENSE?")
    assert isinstance(caught.value.__cause__, InstrumentTimeout)
    wire.finish()


def test_a_silent_instrument_stays_a_timeout_when_its_error_queue_is_silent_too() -> None:
    wire = FakeWire((":POW?", SILENCE), (":SYST:ERR?", SILENCE))
    session = session_on(wire)
    with pytest.raises(InstrumentTimeout, match=r"':POW\?'"), session.operation("read"):
        session.query(":POW?")


def test_errors_of_a_broken_off_operation_are_not_blamed_on_the_next() -> None:
    wire = FakeWire(
        (":POW?", "???"), (":SYST:ERR?", '-200,"old"'), (":SYST:ERR?", OK), (":WAV?", "1"), (":SYST:ERR?", OK)
    )
    session = session_on(wire)
    with pytest.raises(GarbledAnswer), session.operation("read power"):
        session.query_float(":POW?")
    with session.operation("read wavelength"):
        assert session.query_float(":WAV?") == 1.0
    wire.finish()


def test_a_dropped_link_is_not_a_timeout() -> None:
    wire = FakeWire((":POW?", DROPPED))
    session = session_on(wire)
    with pytest.raises(InstrumentError, match="cannot be reached any more") as caught:
        session.query(":POW?")
    assert not isinstance(caught.value, InstrumentTimeout)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("answer", ["", "abc", "1,2", "nan", "1.5 W"])
def test_what_is_not_one_number_is_garbled(answer: str) -> None:
    session = session_on(FakeWire((":POW?", answer)))
    with pytest.raises(GarbledAnswer, match="not with") as caught:
        session.query_float(":POW?")
    assert caught.value.command == ":POW?"


def test_half_a_line_is_garbled_and_the_session_out_of_step() -> None:
    wire = FakeWire((":POW?", b"1.2"), (":WAV?", "1310"))
    session = session_on(wire)
    with pytest.raises(GarbledAnswer, match="cut short"):
        session.query_float(":POW?")
    session.query(":WAV?")
    assert wire.clears == 1


def test_noise_on_the_line_is_garbled() -> None:
    session = session_on(FakeWire((":POW?", b"\xff\x00\xfe\n")))
    with pytest.raises(GarbledAnswer):
        session.query(":POW?")


def test_a_whole_number_is_asked_for() -> None:
    session = session_on(FakeWire((":STAT?", "+3"), (":STAT?", "0.5")))
    assert session.query_int(":STAT?") == 3
    with pytest.raises(GarbledAnswer, match="whole number"):
        session.query_int(":STAT?")


def test_an_instrument_that_says_not_yet_is_asked_again() -> None:
    session = session_on(FakeWire(("*OPC?", "0"), ("*OPC?", "+0"), ("*OPC?", "+1")))
    session.wait_complete(1.0)
    assert session.clock.now() == pytest.approx(0.2)


def test_an_instrument_that_never_completes_is_a_timeout() -> None:
    session = session_on(FakeWire(*[("*OPC?", "0")] * 12))
    with pytest.raises(InstrumentTimeout, match="still busy after 1 s"):
        session.wait_complete(1.0)


def test_a_wrong_opc_answer_is_garbled() -> None:
    session = session_on(FakeWire(("*OPC?", "11")))
    with pytest.raises(GarbledAnswer):
        session.wait_complete(0.0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_block_keeps_terminators_that_are_data(stream: bool) -> None:
    values = np.frombuffer(b"\n\r\n\n" * 3, "<f4")
    wire = FakeWire((":DATA?", block(values, "<f4")))
    session = session_on(wire, stream=stream)
    read = session.query_block(":DATA?", "<f4")
    assert read.tobytes() == values.tobytes()
    assert not read.flags.writeable
    assert wire.read_termination == "\n"
    wire.finish()


@pytest.mark.parametrize(
    "raw", [b"1,2,3\n", b"#9\n", b"#0abc\n", b"#15abc", b"#13abc\n", block([1.0, 2.0], "<f4")[:-5]]
)
def test_what_is_not_a_whole_block_is_garbled(raw: bytes) -> None:
    session = session_on(FakeWire((":DATA?", raw)))
    with pytest.raises(GarbledAnswer):
        session.query_block(":DATA?", "<f4")


def test_an_empty_block_is_empty() -> None:
    session = session_on(FakeWire((":DATA?", b"#10\n")))
    assert session.query_block(":DATA?", "<f8").size == 0


def test_polling_waits_on_the_clock_and_is_bounded() -> None:
    clock = FakeClock()
    wire = FakeWire(*[(":BUSY?", "1")] * 30, clock=clock)
    session = session_on(wire)
    with pytest.raises(InstrumentTimeout, match="still busy after 2 s"):
        session.poll(":BUSY?", lambda answer: answer == "0", within_s=2.0)
    assert clock.now() == pytest.approx(2.0, abs=0.11)


def test_polling_returns_the_answer_it_waited_for() -> None:
    session = session_on(FakeWire((":BUSY?", "1"), (":BUSY?", "0")))
    assert session.poll(":BUSY?", lambda answer: answer == "0", within_s=2.0) == "0"


def test_the_abort_hook_stops_the_run_between_exchanges() -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    wire = FakeWire((":POW?", "1"), (":OUTP 0;:SYST:ERR?", OK))
    session = session_on(wire)
    session.query(":POW?")
    session.abort = stop
    with pytest.raises(Stop):
        session.query(":POW?")
    with session.shielded():
        session.set(":OUTP 0")
    wire.finish()


def test_commands_are_sent_one_by_one_where_the_model_joins_nothing() -> None:
    wire = FakeWire(("A 1", None), ("B 2", None), ("ERR?", '"0"'))
    session = session_on(wire, Profile(joins=False, errors=(ErrorQueue("ERR?"),)))
    session.set("A 1", "B 2")
    wire.finish()


def test_an_error_register_is_named_by_its_bits_and_cleared() -> None:
    profile = Profile(
        joins=False,
        errors=(
            ErrorRegister("EROR?", {3: "low flow"}, clear="CLER"),
            ErrorRegister("*ESR?", EVENT_STATUS_ERRORS),
        ),
    )
    wire = FakeWire(("FLOW 1", None), ("EROR?", "8"), ("CLER", None), ("*ESR?", "144"))
    session = session_on(wire, profile)
    with pytest.raises(InstrumentRefused, match=r"low flow \(bit 3\); execution error \(bit 4\)"):
        session.set("FLOW 1")
    wire.finish()


def test_the_terminator_of_a_stream_is_its_own() -> None:
    wire = FakeWire((":POW?", "1"), termination="\r")
    session = session_on(wire, Profile(termination="\n", stream_termination="\r"), stream=True)
    assert session.query(":POW?") == "1"
    assert wire.read_termination == "\r"


def test_a_secret_does_not_reach_transcript_nor_error() -> None:
    session = session_on(FakeWire(("hunter2", SILENCE)))
    with pytest.raises(InstrumentTimeout) as caught:
        session.query("hunter2", shown="(password)")
    assert "hunter2" not in str(caught.value) + "".join(caught.value.transcript)


def test_the_transcript_is_a_ring_and_cuts_blocks() -> None:
    wire = FakeWire((":DATA?", block(np.zeros(1000), "<f4")), *[(":POW?", "1")] * 200)
    session = session_on(wire)
    session.query_block(":DATA?", "<f4")
    assert session.transcript.exchanges[1].text.endswith("… (4007 bytes)")
    for _ in range(200):
        session.query(":POW?")
    assert len(session.transcript.exchanges) == 256
    assert session.transcript.lines(2)[-1].endswith("power_meter << 1\\n")


def test_two_threads_never_mix_their_answers() -> None:
    class Echo:
        timeout = 0.0
        read_termination = None

        def __init__(self) -> None:
            self.last = b""

        def write_raw(self, message: bytes) -> None:
            self.last = message

        def read_raw(self, size: int | None = None) -> bytes:
            return self.last

        def read_bytes(self, count: int, chunk_size: int | None = None) -> bytes:
            return b""

        def clear(self) -> None: ...

        def close(self) -> None: ...

    session = Session(Echo(), name="echo", model="echo", clock=FakeClock())
    wrong: list[str] = []

    def talk(word: str) -> None:
        wrong.extend(answer for _ in range(500) if (answer := session.query(word)) != word)

    threads = [threading.Thread(target=talk, args=(word,)) for word in ("A?", "B?")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
