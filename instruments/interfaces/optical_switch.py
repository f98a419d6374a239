"""Optical switches."""

from __future__ import annotations

from abc import ABC, abstractmethod


class OpticalSwitch(ABC):
    """One or more 1xN switch modules in a frame.

    Module m joins its common port "m.com" to one of its ports "m.1" … "m.N"; light passes
    either way.
    """

    @property
    @abstractmethod
    def modules(self) -> dict[str, int]:
        """Get the names of the modules and the number of positions of each."""

    @abstractmethod
    def select(self, module: str, position: int) -> None:
        """Join the common port of a module to a position (from 1) and wait until light passes."""

    @abstractmethod
    def selected(self, module: str) -> int:
        """Read the position of a module."""
