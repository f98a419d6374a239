"""No message, however broken, may break the engine: it answers, reports, or stays silent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.clock import VirtualClock
from simulation.devices.keysight_e36312a import KeysightE36312A
from simulation.scpi import FOREVER_NS, Exchange
from simulation.scpi.framing import Framer
from simulation.scpi.lexer import Kind, header_and_rest, parameters_of, token, units

_PIECES = st.sampled_from(
    [
        "VOLT",
        ":",
        ";",
        "?",
        " ",
        ",",
        "(@1)",
        "(@",
        ")",
        "'",
        '"',
        "#",
        "#15",
        "#0",
        "#HFF",
        "1.5E3",
        "1E",
        "MAX",
        "*CLS",
        "*OPC?",
        "OUTP",
        "ON",
        "mV",
        "\n",
        "\r",
        "\x00",
        "é",
        "*",
    ]
)
_MESSAGES = st.one_of(st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=30))


def _supply() -> tuple[VirtualClock, Exchange]:
    clock = VirtualClock()
    return clock, Exchange(
        KeysightE36312A("supply", serial="SIM1", options={}, clock=clock, seed=1), strict=True
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(_MESSAGES, max_size=4))
def test_instrument_survives_any_message(messages: list[str]) -> None:
    clock, exchange = _supply()
    for message in messages:
        exchange.receive(message.encode("utf-8", "replace"), end=True)
    exchange.clear()
    exchange.receive(b"*CLS;*OPC?", end=True)
    while not exchange.outputs:
        assert exchange.next_due_ns < FOREVER_NS
        clock.sleep_until(exchange.next_due_ns)
        exchange.pump(clock.now_ns)
    assert exchange.take(100) == (b"1\n", True)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 80), max_size=5))
def test_pieces_of_a_stream_make_the_same_messages_as_the_whole(block: bytes, cuts: list[int]) -> None:
    length = str(len(block)).encode()
    stream = b"DATA #%d%s%s\nVOLT 1;:VOLT?\r\n" % (len(length), length, block)
    whole = Framer(b"\r\n").feed(stream)
    assert whole[-1] == b"VOLT 1;:VOLT?"
    framer, found, last = Framer(b"\r\n"), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += framer.feed(stream[last:cut])
        last = max(last, cut)
    assert found == whole


@given(st.binary(max_size=40), st.sampled_from(["", " ", "\t", ";*OPC?"]))
def test_any_block_survives_the_wire(data: bytes, after: str) -> None:
    length = str(len(data)).encode()
    message = b"DATA  #%d%s%s" % (len(length), length, data) + after.encode()
    (framed,) = Framer(b"\r\n").feed(message, end=True)
    assert parameters_of(header_and_rest(units(framed.decode("latin-1"))[0])[1])[0].data == data


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_survives_the_wire(number: float) -> None:
    assert token(repr(number)).number == number


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30))
def test_any_string_survives_its_quotes(text: str) -> None:
    sent = "'" + text.replace("'", "''") + "'"
    (found,) = parameters_of(header_and_rest(units(f"TEXT {sent}")[0])[1])
    assert (found.kind, found.text) == (Kind.TEXT, text)
