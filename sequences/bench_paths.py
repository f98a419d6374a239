"""The bench confirms its light paths before it trusts a transceiver's light to them."""


def test_paths_lose_what_the_station_file_says(path_check, lanes, agree):
    """CW light of known power through each lane's path to the power meter."""
    for light in path_check.through(lanes):
        agree("power after the path", light.expected, light.read, lane=light.lane)
