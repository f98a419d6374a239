"""`ResourceManager("bench.yaml@photonbench")`: the bench of a station file by name."""

from __future__ import annotations

import pyvisa

STATION = "configs/stations/dr4-bench.yaml@photonbench"


def test_station_file_opens_by_name_and_all_its_users_share_one_bench() -> None:
    manager = pyvisa.ResourceManager(STATION)
    names = manager.list_resources("?*")
    assert len(names) >= 9
    assert pyvisa.ResourceManager(STATION) is manager
    manager.close()
