"""When two instruments contradict each other."""

# Two figures with uncertainties U (k=2) contradict each other beyond 1.5 times their root sum of
# squares, that is k=3: chance alone does this 3 times in 1,000.
DISAGREEMENT = 1.5
