"""DiCon GP700 frame of optical switch modules.

Sources: the GP700's public driver in python-ivi and the DiCon MXS-9100 manual; DiCon's own GP700
manual was not seen, so *OPC? and the exact form of SYSTEM:CONFIG? are not confirmed. Each
multi-position module M<n> joins its common port to one output; 0 parks it.
"""

from __future__ import annotations

import re

from instruments.driver import Driver
from instruments.interfaces.optical_switch import OpticalSwitch
from instruments.profile import ErrorQueue, Profile

_LIST = "SYSTEM:CONFIG?"
_SWITCHING_S = 2.0
# "M1 O3 I1": name, number of outputs, number of inputs, each count after a letter or word.
_MODULE = re.compile(r"\s*(M)0*(\d+)\s+[A-Z]*(\d+)(?:\s+[A-Z]*(\d+))?\s*$", re.IGNORECASE)


class DiconGp700(Driver, OpticalSwitch):
    """A frame with the modules that it lists itself.

    Option `modules` is what the station counts on: names and positions; a frame without them is
    not the one that the station file describes.
    """

    model = "DiCon GP700"
    idn_pattern = r"DiCon.*,GP-?700"
    # The frame remembers the header path across lines and joins nothing: one command a line.
    profile = Profile(termination="\n", stream_termination="\r", joins=False, errors=(ErrorQueue("ERR?"),))
    option_names = frozenset({"modules"})

    _modules: dict[str, int] | None = None

    @property
    def modules(self) -> dict[str, int]:
        """Get the names of the modules and the number of positions of each."""
        if self._modules is None:
            raise self._session.error("was not opened", remedy="call open() first")
        return dict(self._modules)

    def select(self, module: str, position: int) -> None:
        """Join the common port of a module to a position (from 1) and wait until light passes."""
        self._require_known(module, self.modules, "module")
        positions = self.modules[module]
        if not 1 <= position <= positions:
            raise self._session.error(
                f"has no position {position} in module {module}", remedy=f"ask for 1 to {positions}"
            )
        with self._session.operation("select a position"):
            self._session.set(f"{module} {position}")
            self._session.wait_complete(_SWITCHING_S)
            reached = self._read_position(module)
            if reached != position:
                raise self._session.error(
                    f"was sent to position {position} in module {module} but stands at {reached}",
                    command=f"{module}?",
                    remedy="take the module out of service",
                )

    def selected(self, module: str) -> int:
        """Read the position of a module; 0 is parked."""
        self._require_known(module, self.modules, "module")
        with self._session.operation("tell a position"):
            return self._read_position(module)

    def _after_opening(self) -> None:
        """Read which modules are in the frame."""
        answer = self._session.query(_LIST)
        found = (_MODULE.match(item) for item in answer.strip('"').split(","))
        modules = {f"M{one[2]}": int(one[3]) for one in found if one is not None}
        if not modules:
            raise self._session.garbled(_LIST, answer, "a list of modules")
        self._hold_against_station(modules)
        self._modules = modules

    def _hold_against_station(self, modules: dict[str, int]) -> None:
        """Refuse a frame that lacks a module which the station counts on."""
        for name, positions in self._option("modules", modules, dict).items():
            if modules.get(name) != positions:
                raise self._session.error(
                    f"has not the module {name} with {positions} positions that the station counts on",
                    command=_LIST,
                    remedy="correct options.modules in the station file, or put the module back",
                )

    def _read_position(self, module: str) -> int:
        """Read the output of a module; the answer is "output" or "output, input"."""
        command = f"{module}?"
        answer = self._session.query(command)
        match = re.match(r"\s*\+?(\d+)\s*(?:,|$)", answer)
        if match is None:
            raise self._session.garbled(command, answer, "a position")
        return int(match[1])
