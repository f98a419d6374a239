"""One thread that serves all connections of a bench: listening, receiving, waiting, sending.

One thread serves all, because all instruments share one physics. Protocols know no socket: each is a
conversation that takes bytes and gives bytes (raw_socket.py, hislip.py, vxi11.py, truth_port.py).
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Protocol

from simulation.scpi import FOREVER_NS, Clock

_CHUNK = 1 << 16
_BACKLOG = 128
_MOST_UNSENT = 1 << 22
"""A client that reads no answers is not listened to beyond these bytes; then TCP holds it back."""
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Hangup(Exception):
    """End this connection; what was given out before is still sent."""


class Conversation(Protocol):
    """The instrument's side of one connection."""

    def receive(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere; raise Hangup to end the connection."""
        ...

    def pump(self, now_ns: int) -> bytes | bytearray | memoryview:
        """Let happen what is due until a moment, and give the bytes to send."""
        ...

    @property
    def next_due_ns(self) -> int:
        """Get the moment at which `pump` must be called although nothing was received."""
        ...

    @property
    def saturated(self) -> bool:
        """Get whether so much waits to be executed that no more shall be received for now."""
        ...

    def close(self) -> None:
        """Forget the client, who is gone."""
        ...


class Stream(Protocol):
    """What a connection is carried by; a socket fits, and a serial line (serial_line.py)."""

    def fileno(self) -> int:
        """Get the descriptor to wait for."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Take what is there; raise BlockingIOError if nothing is."""
        ...

    def send(self, data: bytes | bytearray | memoryview, /) -> int:
        """Give as much as can be taken now, and tell how much that was."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


@dataclass(slots=True, eq=False)
class _Client:
    socket: Stream
    conversation: Conversation
    group: Hashable
    unsent: bytearray = field(default_factory=bytearray)
    leaving: bool = False
    interest: int = selectors.EVENT_READ


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    socket: socket.socket
    open: Callable[[str], Conversation]
    group: Hashable


class Reactor:
    """The thread and its sockets; use it in a `with` statement.

    The clock must be one of wall time: late answers are sent when they are due by it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._listeners: list[_Listener] = []
        self._groups: dict[Hashable, list[_Client]] = {}
        self._due: dict[Hashable, int] = {}
        self._error: BaseException | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="photonbench reactor", daemon=True)

    def __enter__(self) -> Reactor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def listen(
        self, address: tuple[str, int], conversation: Callable[[str], Conversation], *, group: Hashable = None
    ) -> tuple[str, int]:
        """Serve a port, before the start; give its host and number (port 0 takes a free one).

        `conversation` is made for each connection, and told the address of its client.
        What one conversation of a group does may wake the others of it; group None may wake all.
        """
        listener = socket.create_server(address, backlog=_BACKLOG)
        listener.setblocking(False)
        one = _Listener(listener, conversation, group)
        self._listeners.append(one)
        self._selector.register(listener, selectors.EVENT_READ, one)
        host, port = listener.getsockname()[:2]
        return str(host), int(port)

    def connect(self, host: str, port: int, conversation: Conversation, *, group: Hashable = None) -> None:
        """Call a client back from inside a conversation; one that cannot be reached is told to `close`."""
        connection = socket.socket()
        connection.setblocking(False)
        if connection.connect_ex((host, port)) not in (0, 115, 36, 10035):  # under way: Linux, macOS, Windows
            connection.close()
            conversation.close()
            return
        _hurry(connection)
        self.attach(connection, conversation, group=group)

    def attach(self, stream: Stream, conversation: Conversation, *, group: Hashable = None) -> None:
        """Serve a connection that is there already."""
        client = _Client(stream, conversation, group)
        self._groups.setdefault(group, []).append(client)
        self._due[group] = 0
        self._selector.register(stream, selectors.EVENT_READ, client)

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
        if self._thread.ident is not None:
            self._wake.send(b"\0")
            self._thread.join()
        self._close_all()
        if self._error is not None:
            raise self._error

    def _close_all(self) -> None:
        for clients in tuple(self._groups.values()):
            for client in tuple(clients):
                self._drop(client)
        for listener in self._listeners:
            listener.socket.close()
        self._wake.close()
        self._woken.close()
        self._selector.close()

    # The thread.

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._serve_once()
        except Exception as error:
            # Kept for stop(): a thread has nobody to raise to.
            self._error = error

    def _serve_once(self) -> None:
        touched: set[Hashable] = set()
        for key, events in self._selector.select(self._patience_s()):
            if isinstance(key.data, _Listener):
                self._accept(key.data)
            elif isinstance(key.data, _Client):
                self._attend(key.data, events)
                touched.add(key.data.group)
        now_ns = self._clock.now_ns
        for group in tuple(self._groups):
            if group in touched or None in touched or self._due.get(group, 0) <= now_ns:
                self._answer_group(group, now_ns)

    def _answer_group(self, group: Hashable, now_ns: int) -> None:
        clients = self._groups[group]
        for client in tuple(clients):
            self._answer(client, now_ns)
        listening = [one.conversation.next_due_ns for one in clients if len(one.unsent) <= _MOST_UNSENT]
        self._due[group] = min(listening, default=FOREVER_NS)

    def _patience_s(self) -> float | None:
        due_ns = min((self._due.get(group, 0) for group in self._groups), default=FOREVER_NS)
        return None if due_ns >= FOREVER_NS else self._wall_s(max(0, due_ns - self._clock.now_ns))

    def _wall_s(self, bench_ns: int) -> float:
        """Turn bench time into the time that this thread sleeps."""
        return bench_ns / 1e9 / float(getattr(self._clock, "speed", 1.0))

    def _accept(self, listener: _Listener) -> None:
        try:
            connection, peer = listener.socket.accept()
        except OSError:
            return  # gone before it was let in, or no descriptor is left for it
        connection.setblocking(False)
        _hurry(connection)
        self.attach(connection, listener.open(str(peer[0])), group=listener.group)

    def _attend(self, client: _Client, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(client)
        if events & selectors.EVENT_READ and self._connected(client):
            self._receive(client)

    def _connected(self, client: _Client) -> bool:
        return client in self._groups.get(client.group, ())

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_CHUNK)
            if _QUICKACK is not None and isinstance(client.socket, socket.socket):
                # A client that leaves Nagle on waits 40 ms for our acknowledgement of its first
                # line before it sends the second.
                client.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            if data:
                client.conversation.receive(data)
            else:
                self._drop(client)
        except BlockingIOError:
            return
        except Hangup:
            self._answer(client, self._clock.now_ns)
            client.leaving = True
            self._send(client)
        except OSError:
            self._drop(client)

    def _answer(self, client: _Client, now_ns: int) -> None:
        if client.leaving or len(client.unsent) > _MOST_UNSENT:
            return
        try:
            data = client.conversation.pump(now_ns)
        except Hangup:
            client.leaving = True
            self._send(client)
            return
        if data:
            self._give(client, data)
        else:
            self._send(client)

    def _give(self, client: _Client, data: bytes | bytearray | memoryview) -> None:
        """Send at once what the network takes; only the rest is copied."""
        if client.unsent:
            client.unsent += data
        else:
            try:
                sent = client.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(client)
                return
            if sent < len(data):
                client.unsent += memoryview(data)[sent:]
        self._send(client)

    def _send(self, client: _Client) -> None:
        if client.unsent:
            try:
                sent = client.socket.send(client.unsent)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(client)
                return
            del client.unsent[:sent]
        if client.leaving and not client.unsent:
            self._drop(client)
            return
        self._watch(client)

    def _watch(self, client: _Client) -> None:
        """Wait for what can go on: a client that sends without reading is not listened to."""
        interest = selectors.EVENT_WRITE if client.unsent else 0
        if len(client.unsent) <= _MOST_UNSENT and not (client.leaving or client.conversation.saturated):
            interest |= selectors.EVENT_READ
        if interest != client.interest:
            if not client.interest:
                self._selector.register(client.socket, interest, client)
            elif not interest:
                self._selector.unregister(client.socket)
            else:
                self._selector.modify(client.socket, interest, client)
            client.interest = interest

    def _drop(self, client: _Client) -> None:
        clients = self._groups.get(client.group, [])
        if client not in clients:
            return
        clients.remove(client)
        if not clients:
            del self._groups[client.group]
            self._due.pop(client.group, None)
        if client.interest:
            self._selector.unregister(client.socket)
        client.socket.close()
        client.conversation.close()


def _hurry(connection: socket.socket) -> None:
    """Send every answer at once, and notice a client that is gone without a word."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
