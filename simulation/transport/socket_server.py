"""Raw TCP servers for the instruments of a bench: one thread, many instruments, many clients.

One thread serves all, because all instruments share one physics. Over a raw socket nobody knows when
a client reads, so -410 and -420 do not exist here, as on hardware.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulation.faults import LinkDropped
from simulation.scpi import FOREVER_NS, Clock, Exchange, ScpiDevice

_CHUNK = 1 << 16
_BACKLOG = 16
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


@dataclass(slots=True)
class _Client:
    """One connection: its side of the instrument, and what could not be sent yet."""

    socket: socket.socket
    exchange: Exchange
    unsent: bytearray = field(default_factory=bytearray)


class SocketServer:
    """Serves instruments on ports of their own; use it in a `with` statement.

    `addresses` gives each instrument's host and port; port 0 takes a free one, which `address` then
    tells. The clock must be one of wall time: late answers are sent when they are due by it.
    """

    def __init__(self, addresses: Mapping[ScpiDevice, tuple[str, int]], clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._clients: list[_Client] = []
        self._listeners: dict[ScpiDevice, socket.socket] = {}
        self._error: BaseException | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="photonbench socket server", daemon=True)
        try:
            for device, address in addresses.items():
                self._listen(device, address)
        except OSError:
            self._close_all()
            raise
        self._selector.register(self._woken, selectors.EVENT_READ)

    def __enter__(self) -> SocketServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self, device: ScpiDevice, address: tuple[str, int]) -> None:
        listener = socket.create_server(address, backlog=_BACKLOG)
        listener.setblocking(False)
        self._listeners[device] = listener
        self._selector.register(listener, selectors.EVENT_READ, device)

    def address(self, device: ScpiDevice) -> tuple[str, int]:
        """Get the host and port of an instrument."""
        host, port = self._listeners[device].getsockname()[:2]
        return str(host), int(port)

    @property
    def running(self) -> bool:
        """Get whether the thread serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to serve, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End all connections; raise what has ended the thread, if anything has."""
        self._stopping = True
        self._wake.send(b"\0")
        self._thread.join()
        self._close_all()
        if self._error is not None:
            raise self._error

    def _close_all(self) -> None:
        for client in tuple(self._clients):
            self._drop(client)
        for each in (*self._listeners.values(), self._wake, self._woken):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._serve_once()
        except Exception as error:
            # Kept for stop(): a thread has nobody to raise to.
            self._error = error

    def _serve_once(self) -> None:
        for key, events in self._selector.select(self._patience_s()):
            if isinstance(key.data, ScpiDevice):
                self._accept(key.data)
            elif isinstance(key.data, _Client):
                self._attend(key.data, events)
        for client in tuple(self._clients):
            self._answer(client)

    def _patience_s(self) -> float | None:
        due_ns = min((client.exchange.next_due_ns for client in self._clients), default=FOREVER_NS)
        return None if due_ns >= FOREVER_NS else max(0.0, (due_ns - self._clock.now_ns) / 1e9)

    def _accept(self, device: ScpiDevice) -> None:
        connection, _ = self._listeners[device].accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(connection, Exchange(device, strict=False))
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _attend(self, client: _Client, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(client)
        if events & selectors.EVENT_READ and client in self._clients:
            self._receive(client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_CHUNK)
            if _QUICKACK is not None:
                # A client that leaves Nagle on waits 40 ms for our acknowledgement of its first
                # line before it sends the second.
                client.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            if data:
                client.exchange.receive(data)
            else:
                self._drop(client)
        except BlockingIOError:
            return
        except (OSError, LinkDropped):
            self._drop(client)

    def _answer(self, client: _Client) -> None:
        exchange, now_ns = client.exchange, self._clock.now_ns
        exchange.pump(now_ns)
        while exchange.outputs and exchange.outputs[0].due_ns <= now_ns:
            client.unsent += exchange.take(len(exchange.outputs[0].data))[0]
        if client.unsent:
            self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            sent = client.socket.send(client.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return
        del client.unsent[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        self._selector.modify(client.socket, wanted, client)

    def _drop(self, client: _Client) -> None:
        if client not in self._clients:
            return
        self._clients.remove(client)
        self._selector.unregister(client.socket)
        client.socket.close()
        client.exchange.close()
