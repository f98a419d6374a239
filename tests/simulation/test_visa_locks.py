"""Locks and service requests of the bench as a PyVISA backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import pyvisa
from pyvisa import constants

from simulation.clock import VirtualClock
from simulation.devices.keysight_e36312a import KeysightE36312A
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.transport.visa_library import BenchVisaLibrary

METER = "TCPIP0::192.0.2.1::hislip0::INSTR"
STREAM = "TCPIP0::192.0.2.1::5025::SOCKET"
SUPPLY = "GPIB0::5::INSTR"
Code = constants.StatusCode


@pytest.fixture
def manager() -> Iterator[pyvisa.ResourceManager]:
    clock = VirtualClock()
    common: Any = {"serial": "SIM1", "options": {}, "clock": clock, "seed": 1}
    meter, supply = KeysightN7744A("meter", **common), KeysightE36312A("supply", **common)
    library = BenchVisaLibrary.for_bench({METER: meter, STREAM: meter, SUPPLY: supply}, clock)
    one = pyvisa.ResourceManager(library)
    one.bench_clock = clock  # type: ignore[attr-defined]
    yield one
    one.close()


def opened(manager: pyvisa.ResourceManager, name: str = METER) -> Any:
    return manager.open_resource(name, read_termination="\n", write_termination="\n")


def code_of(call: Any) -> Code:
    with pytest.raises(pyvisa.VisaIOError) as caught:
        call()
    return caught.value.error_code


def test_an_exclusive_lock_shuts_out_other_sessions_of_the_instrument_alone(manager) -> None:
    mine, other, supply = opened(manager), opened(manager), opened(manager, SUPPLY)
    with mine.lock_context():
        assert mine.query("*OPC?") == "1"
        for call in (lambda: other.write("*CLS"), other.read, other.clear, other.assert_trigger):
            assert code_of(call) == Code.error_resource_locked
        assert supply.query("*OPC?") == "1"
        other.read_stb()  # a serial poll is always allowed
    assert other.query("*OPC?") == "1"


def test_who_wants_a_lock_waits_its_timeout_and_no_longer(manager) -> None:
    mine, other = opened(manager), opened(manager)
    mine.lock_excl(1000)
    assert code_of(lambda: other.lock_excl(30)) == Code.error_timeout
    mine.unlock()
    other.lock_excl(30)
    assert code_of(lambda: mine.write("*CLS")) == Code.error_resource_locked
    other.unlock()


def test_a_lock_is_had_as_soon_as_it_is_given_back(manager) -> None:
    mine, other = opened(manager), opened(manager)
    mine.lock_excl(1000)
    had = threading.Event()

    def want() -> None:
        other.lock_excl(5000)
        had.set()
        other.unlock()

    thread = threading.Thread(target=want)
    thread.start()
    assert not had.wait(0.05)
    mine.unlock()
    assert had.wait(5)
    thread.join()


def test_locks_nest(manager) -> None:
    mine, other = opened(manager), opened(manager)
    mine.lock_excl(10)
    mine.lock_excl(10)
    mine.unlock()
    assert code_of(lambda: other.write("*CLS")) == Code.error_resource_locked
    mine.unlock()
    other.write("*CLS")
    assert code_of(mine.unlock) == Code.error_session_not_locked


def test_a_shared_lock_lets_those_in_who_know_its_key(manager) -> None:
    mine, friend, stranger = opened(manager), opened(manager), opened(manager)
    key = mine.lock(timeout=10, requested_key="bench")
    assert key == "bench"
    friend.lock(timeout=10, requested_key="bench")
    assert mine.query("*OPC?") == friend.query("*OPC?") == "1"
    assert code_of(lambda: stranger.write("*CLS")) == Code.error_resource_locked
    assert code_of(lambda: stranger.lock(timeout=10, requested_key="else")) == Code.error_timeout
    friend.lock_excl(10)  # over the shared one that both hold
    assert code_of(lambda: mine.write("*CLS")) == Code.error_resource_locked
    friend.unlock()
    assert mine.query("*OPC?") == "1"


def test_a_session_that_is_closed_gives_its_locks_back(manager) -> None:
    mine, other = opened(manager), opened(manager)
    mine.lock_excl(10)
    mine.close()
    assert other.query("*OPC?") == "1"


def test_a_service_request_comes_in_bench_time(manager) -> None:
    meter = opened(manager)
    meter.write("*CLS;*ESE 1;*SRE 32")
    request, queue = constants.EventType.service_request, constants.EventMechanism.queue
    meter.enable_event(request, queue)
    meter.write("SENS:CORR:COLL:ZERO:ALL;*OPC")
    answer = meter.wait_on_event(request, 20_000)
    assert not answer.timed_out
    assert manager.bench_clock.now() == pytest.approx(4.0, abs=0.1)
    assert meter.read_stb() & 0x60 == 0x60
    assert meter.read_stb() & 0x60 == 0x20  # polling takes the request away, not its reason
    assert meter.wait_on_event(request, 50, capture_timeout=True).timed_out
    meter.disable_event(request, queue)


def test_who_did_not_enable_requests_waits_for_nothing(manager) -> None:
    request = constants.EventType.service_request
    assert code_of(lambda: opened(manager).wait_on_event(request, 10)) == Code.error_not_enabled


def test_events_that_no_bench_has_are_refused(manager) -> None:
    meter, stream = opened(manager), opened(manager, STREAM)
    queue = constants.EventMechanism.queue
    assert code_of(lambda: meter.enable_event(constants.EventType.trig, queue)) == Code.error_invalid_event
    request = constants.EventType.service_request
    assert code_of(lambda: stream.enable_event(request, queue)) == Code.error_invalid_event
    handler = constants.EventMechanism.handler
    assert code_of(lambda: meter.enable_event(request, handler)) == Code.error_nonsupported_mechanism
