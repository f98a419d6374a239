"""A twin of the shipped station with changed files, and watchers that see every photon."""

from pathlib import Path

from instruments.catalog import installed_drivers
from instruments.cmis import ModuleManagement
from instruments.errors import UnsafeRequest
from instruments.interfaces.host_board import HostBoard
from station.bench import Bench
from station.files import ChosenFiles
from station.request import RunRequest
from station.slot import Slot, SlotParts, SupplyRail
from station.twin import open_twin
from tests.station.sequence_kit import GOOD, PRODUCT, STATION

SERIAL = "PB26-0001"


def changed(folder, source, *changes):
    """Copy a shipped file with some of its text replaced."""
    text = source.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = Path(folder) / source.name
    path.write_text(text)
    return path


def loaded(*, station=STATION, product=PRODUCT, simulation=GOOD):
    from station.config.loader import load_product, load_simulation, load_station

    return ChosenFiles(load_station(station), load_product(product), None, load_simulation(simulation))


def request(folder, **more):
    given = {
        "station": STATION,
        "product": PRODUCT,
        "serial": SERIAL,
        "simulate": True,
        "out": folder / "runs",
    }
    return RunRequest(**{**given, **more})


class Watch:
    """Looks at the transmitters whenever the bench moves, and remembers when light came first."""

    def __init__(self, twin):
        self._slot, self._clock = twin.bench.slots["slot1"], twin.clock
        self.lit_at = None

    def look(self):
        if self.lit_at is None and any(self._slot.emission(f"tx{lane}") for lane in (1, 2, 3, 4)):
            self.lit_at = self._clock.now()


class WatchedClock:
    """The bench's clock, in steps of a tenth of a second with a look after each."""

    def __init__(self, clock, watch):
        self.now, self.utc, self._clock, self._watch = clock.now, clock.utc, clock, watch

    def sleep(self, seconds):
        while seconds > 0:
            self._clock.sleep(min(seconds, 0.1))
            seconds -= 0.1
            self._watch.look()


class WatchedBoard(HostBoard):
    """The board of the twin with a look after each call; without its lines it is strapped as i2c-dev's."""

    def __init__(self, board, watch, *, lines=True):
        self._board, self._watch = board, watch
        self.drives_power = self.drives_reset = self.drives_low_power = lines
        if not lines:
            board.switch_power(True)

    def present(self):
        return self._board.present()

    def switch_power(self, on):
        self._pull(self.drives_power, on, True, self._board.switch_power)

    def hold_reset(self, held):
        self._pull(self.drives_reset, held, False, self._board.hold_reset)

    def request_low_power(self, low_power):
        self._pull(self.drives_low_power, low_power, False, self._board.request_low_power)

    def transfer(self, address, write, read_count):
        answer = self._board.transfer(address, write, read_count)
        if len(write) > 1:  # more than the address of what is read: something was changed
            self._watch.look()
        return answer

    def _pull(self, driven, level, strapped, pull):
        if driven:
            pull(level)
        elif level is not strapped:
            raise UnsafeRequest("this line is strapped")
        self._watch.look()


class Events(list):
    """A journal that only remembers."""

    def append(self, event, /, **fields):
        super().append((event, fields))

    def of(self, kind):
        return [fields for event, fields in self if event == kind]


class SlotOnTwin:
    """A slot of the twin with a watch on its light."""

    def __init__(self, rules, *, serial=SERIAL, lines=True, head=True, **files):
        self.files = loaded(**files)
        self.twin = open_twin(self.files, serial=serial, seed=1)
        self.watch, self.events = Watch(self.twin), Events()
        clock = WatchedClock(self.twin.clock, self.watch)
        manager = self.twin.resource_manager()
        self.bench = Bench(self.files.station.value, manager, installed_drivers(), clock)
        supply = self.bench.open("supply")
        board = WatchedBoard(self.twin.host_board(1), self.watch, lines=lines)
        parts = SlotParts(
            1,
            SupplyRail(supply, "1", "supply"),
            board,
            ModuleManagement(board, clock, name="transceiver"),
            self.bench.open("thermal_head") if head else None,
        )
        self.slot = Slot(parts, self.files.product.value, rules, clock, self.events)

    @property
    def supply_v(self):
        return self.twin.safe_state()["slot1"]["supply_v"]
