"""Light back to the receivers: each transmitter through an attenuator to the receiver of its lane."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from instruments.errors import BenchDisagrees, UnsafeRequest
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.bert import Bert, ErrorCount
from measurements.agreement import Agreement
from measurements.quantity import Bound, Quantity
from station.config.fields import Port
from station.paths.optics import Optics, dbm_or_floor, relative_to_db
from station.wiring import Hop, NoRoute, Route, Wiring


class Compare(Protocol):
    """The way to hold two figures of one thing against each other, and to have it recorded."""

    def __call__(self, what: str, first: Quantity, second: Quantity, *, lane: int | None) -> Agreement:
        """Give what came out; who asks says what follows."""


@dataclass(frozen=True, slots=True)
class ReceiverLane:
    """One lane's way from transmitter to receiver, and the detector behind the receiver."""

    lane: int
    before: Route
    channel: str
    after: tuple[Hop, ...]
    electrical: Route
    wavelength_nm: float

    @property
    def detector(self) -> str:
        """Get the detector that counts the lane's errors."""
        return self.electrical.destination.port

    @property
    def loss_before_db(self) -> float:
        """Get the loss from the transmitter to the attenuator's output, without set attenuation."""
        return self.before.loss_db(self.wavelength_nm)

    @property
    def loss_after_db(self) -> float:
        """Get the loss from the attenuator's output to the receiver (TP3)."""
        return sum(hop.loss.at(self.wavelength_nm) for hop in self.after)

    @property
    def uncertainty_after_db(self) -> float:
        """Get the uncertainty (k=2) of that loss."""
        return math.sqrt(sum(hop.uncertainty_db**2 for hop in self.after))


@dataclass(frozen=True, slots=True)
class ReceiverGroup:
    """Lanes whose receivers can be lit and counted at the same time."""

    members: tuple[ReceiverLane, ...]
    attenuator: Attenuator
    attenuator_name: str
    bert: Bert
    bert_name: str
    damage_dbm: float
    compare: Compare

    @property
    def lanes(self) -> tuple[int, ...]:
        """Get the lanes of the group."""
        return tuple(member.lane for member in self.members)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Get the names of the instruments that a receiver's figures come from."""
        return (self.bert_name, self.attenuator_name)

    def most_dbm(self, launched: Mapping[int, Quantity]) -> dict[int, float]:
        """Get the largest average power that each receiver can be given: all light, or what is safe."""
        return {
            member.lane: min(
                launched[member.lane].value - member.loss_before_db - member.loss_after_db,
                # a hair less, lest rounding make the safe limit unsafe
                self.damage_dbm - self._spread_db(member, launched[member.lane]) - 1e-6,
            )
            for member in self.members
            if member.lane in launched
        }

    def illuminate(
        self, average_dbm: Mapping[int, float], launched: Mapping[int, Quantity]
    ) -> dict[int, Quantity]:
        """Bring an average power to each receiver and return what the monitors say arrives there (TP3).

        `launched` is the average power of each transmitter (TP2). Raise UnsafeRequest, with the
        shutters as they were, when a receiver could be damaged or a power cannot be reached; raise
        BenchDisagrees when a monitor contradicts what was launched and lost.
        """
        members = [member for member in self.members if member.lane in average_dbm]
        settings = {
            member.channel: self._attenuation_db(member, average_dbm[member.lane], launched[member.lane])
            for member in members
        }
        wavelength_nm = members[0].wavelength_nm
        self.attenuator.attenuate(settings, wavelength_nm=wavelength_nm)
        self.attenuator.open_shutters(list(settings))
        readings = self.attenuator.read_output_powers(list(settings), wavelength_nm=wavelength_nm)
        arriving: dict[int, Quantity] = {}
        for member, reading in zip(members, readings, strict=True):
            monitor_dbm, dark = dbm_or_floor(reading.power_mw, reading.floor_mw)
            monitor_u = relative_to_db(reading.relative_accuracy)
            bound = Bound.UPPER if dark else Bound.EXACT
            monitor = Quantity(monitor_dbm, "dBm", monitor_u / 2, bound, instruments=(self.attenuator_name,))
            self._check(member, settings[member.channel], launched[member.lane], monitor)
            arriving[member.lane] = Quantity(
                monitor_dbm - member.loss_after_db,
                "dBm",
                math.hypot(monitor_u / 2, member.uncertainty_after_db / 2),
                bound,
                {"monitor_dbm": monitor_dbm, "attenuation_db": settings[member.channel]},
                (self.attenuator_name,),
            )
        return arriving

    def count(self, lanes: Sequence[int], *, pattern: str, seconds: float) -> dict[int, ErrorCount]:
        """Count errors behind the receivers over one gate."""
        detectors = {member.lane: member.detector for member in self.members if member.lane in lanes}
        counts = self.bert.count_errors(list(detectors.values()), pattern=pattern, seconds=seconds)
        return dict(zip(detectors, counts, strict=True))

    def darken(self) -> None:
        """Close the shutters of the group's channels."""
        self.attenuator.close_shutters([member.channel for member in self.members])

    def _attenuation_db(self, member: ReceiverLane, wanted_dbm: float, launched: Quantity) -> float:
        highest_dbm = wanted_dbm + self._spread_db(member, launched)
        if not highest_dbm <= self.damage_dbm:  # so that NaN is refused as well
            raise UnsafeRequest(
                f"{wanted_dbm:.1f} dBm at receiver {member.lane} may pass its damage threshold of "
                f"{self.damage_dbm:.1f} dBm",
                remedy="ask for less power in the plan",
            )
        loss_db = member.loss_before_db + member.loss_after_db
        needed_db = round(launched.value - loss_db - wanted_dbm, 6)  # all the light is not a hair too much
        if not 0 <= needed_db <= self.attenuator.maximum_attenuation_db:
            raise UnsafeRequest(
                f"{wanted_dbm:.1f} dBm at receiver {member.lane} needs {needed_db:.2f} dB of attenuation; "
                f"{self.attenuator_name} gives 0 to {self.attenuator.maximum_attenuation_db:g} dB",
                remedy="ask for a power between what the path passes and what the attenuator blocks",
            )
        return needed_db

    def _spread_db(self, member: ReceiverLane, launched: Quantity) -> float:
        """Give how far the power at a receiver may lie from what is computed (k=2)."""
        return math.sqrt(
            (2 * (launched.standard_error or 0.0)) ** 2
            + member.before.uncertainty_db**2
            + member.uncertainty_after_db**2
            + self.attenuator.accuracy_db**2
        )

    def _check(
        self, member: ReceiverLane, attenuation_db: float, launched: Quantity, monitor: Quantity
    ) -> None:
        """Hold the monitor against what should arrive there; raise BenchDisagrees beyond the uncertainty."""
        way_u = math.hypot(member.before.uncertainty_db, self.attenuator.accuracy_db)
        expected = Quantity(
            launched.value - member.loss_before_db - attenuation_db,
            "dBm",
            math.hypot(launched.standard_error or 0.0, way_u / 2),
            launched.bound,
            instruments=launched.instruments,
        )
        found = self.compare("power behind the attenuator", expected, monitor, lane=member.lane)
        if not found.agrees:
            raise BenchDisagrees(
                f"bench disagrees with itself: lane {member.lane}: the monitor of {self.attenuator_name} "
                f"reads {monitor.value:.2f} dBm where {expected.value:.2f} dBm should arrive (launched "
                f"power, path loss and attenuation; bound {found.allowed:.2f} dB)",
                remedy="clean the connectors, then measure the path losses again",
            )


class ReceiverPaths:
    """The ways from the transmitters of a slot back to its receivers."""

    def __init__(
        self,
        optics: Optics,
        wiring: Wiring,
        slot: str,
        attenuators: Callable[[str], Attenuator],
        bert: Bert,
        bert_name: str,
        damage_dbm: float,
        compare: Compare,
    ) -> None:
        self._optics = optics
        self._wiring = wiring
        self._slot = slot
        self._attenuators = attenuators
        self._bert = bert
        self._bert_name = bert_name
        self._damage_dbm = damage_dbm
        self._compare = compare

    def groups(self, lanes: Sequence[int]) -> Iterator[ReceiverGroup]:
        """Open the ways, one group of lanes after the other; lanes that share a detector take turns."""
        waiting = {lane: self._lane(lane) for lane in lanes}
        while waiting:
            name = next(iter(waiting.values()))[0]
            members: list[ReceiverLane] = []
            for lane, (attenuator, member) in list(waiting.items()):
                if attenuator == name and all(_together(member, other) for other in members):
                    members.append(member)
                    del waiting[lane]
            self._optics.open(way for member in members for way in (member.before, member.electrical))
            yield ReceiverGroup(
                tuple(members),
                self._attenuators(name),
                name,
                self._bert,
                self._bert_name,
                self._damage_dbm,
                self._compare,
            )

    def _lane(self, lane: int) -> tuple[str, ReceiverLane]:
        route = self._wiring.route(Port(self._slot, f"tx{lane}"), self._slot, f"rx{lane}")
        if len(route.attenuators) != 1:
            raise NoRoute(
                f"the way from tx{lane} to rx{lane} passes {len(route.attenuators)} attenuators",
                remedy="wire exactly one attenuator into it",
            )
        name, channel = route.attenuators[0]
        exits = Port(name, f"{channel}.out")
        index = next(i for i, hop in enumerate(route.hops) if hop.exit == exits) + 1
        before = Route(route.hops[:index], route.switches, route.attenuators)
        electrical = self._wiring.route(Port(self._slot, f"host_rx{lane}"), self._bert_name)
        wavelength_nm = self._optics.wavelength_nm(lane)
        return name, ReceiverLane(lane, before, channel, route.hops[index:], electrical, wavelength_nm)


def _together(one: ReceiverLane, other: ReceiverLane) -> bool:
    return one.before.agrees_with(other.before) and one.electrical.agrees_with(other.electrical)
