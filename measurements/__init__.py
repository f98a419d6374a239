"""All that computes: eye, TDECQ, BER statistics, sensitivity, spectrum, limits (numpy and scipy alone)."""
