"""The session over a real socket and the real VISA library: terminators, blocks, silence, a dead peer."""

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import pyvisa

from instruments.clock import WallClock
from instruments.errors import GarbledAnswer, InstrumentError, InstrumentTimeout
from instruments.profile import Profile
from instruments.session import Session
from tests.instruments.fake_wire import block

IDN = "Fake,Instrument,1,1.0"
WAVEFORM = np.frombuffer(b"\n\r" * 40_000, "<f4")


class Server(threading.Thread):
    """Answers a few questions on one connection, some of them badly."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with connection, self.listener:
            waiting = b""
            while received := connection.recv(4096):
                waiting += received
                while b"\n" in waiting:
                    line, waiting = waiting.split(b"\n", 1)
                    if line == b":DIE?":
                        return
                    connection.sendall(self.answer(line.decode()))

    def answer(self, line: str) -> bytes:
        if line == ":WAV?":
            return block(WAVEFORM, "<f4")
        if line == ":HALF?":
            return block(WAVEFORM, "<f4")[:1000]
        return {"*IDN?": IDN + "\n", ":POW?": "1.5\r\n", ":BIG?": "7," * 20_000 + "7\n"}.get(
            line, ""
        ).encode()


@pytest.fixture
def session() -> Iterator[Session]:
    server = Server()
    server.start()
    manager = pyvisa.ResourceManager("@py")
    address = f"TCPIP0::127.0.0.1::{server.port}::SOCKET"
    session = Session(
        manager.open_resource(address),  # type: ignore[arg-type]
        name="fake",
        model="Fake Instrument",
        clock=WallClock(),
        profile=Profile(margin_s=0.3),
        stream=True,
    )
    session.remember_identity(IDN, "1")
    yield session
    session.close()


def test_lines_and_blocks_follow_each_other(session: Session) -> None:
    assert session.query_float(":POW?") == 1.5
    assert session.query_block(":WAV?", "<f4").tobytes() == WAVEFORM.tobytes()
    assert session.query("*IDN?") == IDN
    assert len(session.query_floats(":BIG?")) == 20_001


def test_after_silence_and_half_a_block_the_next_answer_is_the_right_one(session: Session) -> None:
    with pytest.raises(InstrumentTimeout):
        session.query(":SILENT?")
    assert session.query_float(":POW?") == 1.5
    with pytest.raises((InstrumentTimeout, GarbledAnswer)):
        session.query_block(":HALF?", "<f4")
    assert session.query_float(":POW?") == 1.5


def test_a_peer_that_goes_away_is_an_instrument_error(session: Session) -> None:
    with pytest.raises(InstrumentError, match="fake"):
        session.query(":DIE?")
    with pytest.raises(InstrumentError):
        session.query(":POW?")
