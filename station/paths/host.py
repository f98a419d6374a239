"""The host lanes of a slot, fed by a BERT."""

from __future__ import annotations

from collections.abc import Mapping

from instruments.interfaces.bert import Bert
from station.config.fields import Port
from station.config.product_file import Product
from station.wiring import Wiring


class HostLanes:
    """What the BERT sends to each host lane; lanes are named by the media lane that they feed."""

    def __init__(self, wiring: Wiring, slot: str, product: Product, bert: Bert) -> None:
        self._bert = bert
        self._rate = product.symbol_rate_gbd
        self._outputs = {
            lane.lane: wiring.cable_to(Port(slot, f"host_tx{lane.host_lane}")).port for lane in product.lanes
        }

    def send(self, patterns: Mapping[int, str]) -> None:
        """Send a pattern to each of the given lanes; all other outputs fall silent."""
        by_output = {self._outputs[lane]: pattern for lane, pattern in patterns.items()}
        self._bert.generate(by_output, symbol_rate_gbd=self._rate)

    def send_everywhere(self, pattern: str) -> None:
        """Send one pattern to all lanes."""
        self.send(dict.fromkeys(self._outputs, pattern))
