"""The instruments of a bench on the network: a port for each, on every transport that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from simulation.scpi import Clock, ScpiDevice
from simulation.transport.hislip import HislipConversation
from simulation.transport.hislip_session import Hislip
from simulation.transport.raw_socket import RawSocket
from simulation.transport.reactor import Conversation, Reactor
from simulation.transport.serial_line import SerialLine
from simulation.transport.vxi11 import Vxi11Conversation
from simulation.transport.vxi11_channels import AbortConversation
from simulation.transport.vxi11_links import Vxi11

Factory = Callable[[str], Conversation]
LOOPBACK = "127.0.0.1"
SERIAL = "serial"


class BenchServer:
    """Serves instruments; use it in a `with` statement.

    `transports` are out of TRANSPORTS and SERIAL. Ports follow each other from `port_base`, first those of
    all instruments on the first transport; 0 takes free ones. Only this computer is served unless another
    `host` is named. The clock must be one of wall time.
    """

    def __init__(
        self,
        devices: Iterable[ScpiDevice],
        clock: Clock,
        *,
        transports: Sequence[str] = ("socket",),
        host: str = LOOPBACK,
        port_base: int = 0,
    ) -> None:
        self.reactor = Reactor(clock)
        self._next_port = port_base
        self._host = host
        self._addresses: dict[tuple[ScpiDevice, str], tuple[str, int]] = {}
        self._lines: dict[ScpiDevice, str] = {}
        served = tuple(devices)
        try:
            for transport in transports:
                for device in served:
                    if transport == SERIAL:
                        self._join_line(device)
                        continue
                    factory = TRANSPORTS[transport](device, clock, self.reactor)
                    self._addresses[device, transport] = self.listen(factory, group=device)
        except (OSError, OverflowError):
            self.reactor.stop()
            raise

    def __enter__(self) -> BenchServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def listen(self, factory: Factory, *, group: ScpiDevice | None = None) -> tuple[str, int]:
        """Serve one more port, before the start; what happens there may wake all unless it names a group."""
        port = self._next_port
        self._next_port += 1 if port else 0
        return self.reactor.listen((self._host, port), factory, group=group)

    def address(self, device: ScpiDevice, transport: str = "socket") -> tuple[str, int]:
        """Get the host and port of an instrument."""
        return self._addresses[device, transport]

    def resources(self, device: ScpiDevice) -> dict[str, str]:
        """Get the VISA resource strings of an instrument by transport."""
        found = {}
        for (one, transport), (host, port) in self._addresses.items():
            if one is device:
                found[transport] = _RESOURCE[transport].format(host=host, port=port)
        if device in self._lines:
            found[SERIAL] = f"ASRL{self._lines[device]}::INSTR"
        return found

    def _join_line(self, device: ScpiDevice) -> None:
        line = SerialLine()
        self._lines[device] = line.path
        self.reactor.attach(line, RawSocket(device), group=device)

    @property
    def running(self) -> bool:
        """Get whether the thread serves."""
        return self.reactor.running

    def start(self) -> None:
        """Begin to serve, in a thread of its own."""
        self.reactor.start()

    def stop(self) -> None:
        """End all connections; raise what has ended the thread, if anything has."""
        self.reactor.stop()


def _socket(device: ScpiDevice, _clock: Clock, _reactor: Reactor) -> Factory:
    return lambda _peer: RawSocket(device)


def _hislip(device: ScpiDevice, clock: Clock, _reactor: Reactor) -> Factory:
    hub = Hislip(device, clock)
    return lambda _peer: HislipConversation(hub)


def _vxi11(device: ScpiDevice, clock: Clock, reactor: Reactor) -> Factory:
    def call_back(host: str, port: int, channel: Any) -> None:
        reactor.connect(host, port, channel, group=device)

    hub = Vxi11(device, clock, call_back)
    _, hub.abort_port = reactor.listen((LOOPBACK, 0), lambda _peer: AbortConversation(hub), group=device)
    return lambda peer: Vxi11Conversation(hub, peer)


TRANSPORTS: dict[str, Callable[[ScpiDevice, Clock, Reactor], Factory]] = {
    "socket": _socket,
    "hislip": _hislip,
    "vxi11": _vxi11,
}
"""How each transport makes the conversations with one instrument."""
_RESOURCE = {
    "socket": "TCPIP0::{host}::{port}::SOCKET",
    "hislip": "TCPIP0::{host}::hislip0,{port}::INSTR",
    "vxi11": "TCPIP0::{host},{port}::inst0::INSTR",
}
