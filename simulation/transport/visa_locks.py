"""Who may talk to an instrument: exclusive and shared locks (VPP-4.3, 3.6)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Hashable


class Locks:
    """The locks on one instrument, by session.

    A session may hold locks of both kinds, several times each. An exclusive lock can be had over a shared
    one by a session that holds the shared one.
    """

    def __init__(self) -> None:
        self.key = ""
        self._exclusive: Hashable = None
        self._depth = 0
        self._shared: Counter[Hashable] = Counter()
        self._order: dict[Hashable, list[bool]] = {}

    @property
    def exclusive(self) -> bool:
        """Get whether a session has the instrument for itself."""
        return self._depth > 0

    @property
    def holders(self) -> int:
        """Get how many sessions hold a lock."""
        return sum(1 for order in self._order.values() if order)

    def holds(self, session: Hashable, exclusive: bool) -> bool:
        """Tell whether a session holds a lock of a kind."""
        return exclusive in self._order.get(session, ())

    def admits(self, session: Hashable) -> bool:
        """Tell whether a session may talk now."""
        if self._depth:
            return session == self._exclusive
        return not self._shared or session in self._shared

    def grant(self, session: Hashable, exclusive: bool, key: str | None) -> bool:
        """Lock for a session if nobody is in its way."""
        if self._depth and session != self._exclusive:
            return False
        if exclusive:
            if self._shared and session not in self._shared:
                return False
            self._exclusive, self._depth = session, self._depth + 1
        else:
            if self._shared and session not in self._shared and key != self.key:
                return False
            if not self._shared:
                self.key = key or uuid.uuid4().hex
            self._shared[session] += 1
        self._order.setdefault(session, []).append(exclusive)
        return True

    def release(self, session: Hashable) -> bool:
        """Give back the newest lock of a session; False where it has none."""
        order = self._order.get(session)
        if not order:
            return False
        if order.pop():
            self._depth -= 1
        else:
            self._shared[session] -= 1
            self._shared += Counter()  # leaves out those at zero
        return True

    def forget(self, session: Hashable) -> None:
        """Give back all locks of a session."""
        while self.release(session):
            pass
        self._order.pop(session, None)
