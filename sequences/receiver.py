"""The receivers, lit by their own transmitters through attenuators (TP3)."""


def test_error_ratio_and_sensitivity(receiver_paths, stimulus, lanes, options, subtests, measure):
    """Pre-FEC error ratio at a nominal power, then the sensitivity from a sweep of the power."""
    for group in receiver_paths.groups(lanes):
        lights = stimulus(group.lanes)
        nominal = group.count_at(lights, options)
        sweeps = group.sweep(lights, options)
        for lane in group.lanes:
            with subtests.test(lane=lane):
                measure("rx_ber", nominal[lane], lane=lane)
                measure("rx_sensitivity", sweeps[lane], lane=lane)
