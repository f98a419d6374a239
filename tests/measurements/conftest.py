"""Transmitters with a known answer: rectangular PAM4 through one filter and the reference receiver."""

import numpy as np
import pytest

from measurements.patterns import pattern


def bessel_thomson_4(frequency, cutoff):
    s = 1j * frequency / cutoff * 2.113917675
    return 105 / (105 + 105 * s + 45 * s**2 + 10 * s**3 + s**4)


def held(symbols, samples_per_symbol, respond=lambda f: 1.0, *, delay_ui=0.0, receiver=True):
    """Exact samples of NRZ-held levels 0 to 1; `respond` takes frequencies in symbol rates."""
    count = symbols.size * samples_per_symbol
    k = np.arange(count // 2 + 1)
    frequency = k / symbols.size
    levels = np.fft.fft(symbols / 3.0) / symbols.size
    lines = levels[k % symbols.size] * np.sinc(frequency) * respond(frequency)
    lines = lines * np.exp(-2j * np.pi * frequency * (0.5 + delay_ui))
    if receiver:
        lines = lines * bessel_thomson_4(frequency, 0.5)
    if count % 2 == 0:
        lines[-1] = 0.0
    return np.fft.irfft(lines, count) * count


def one_pole(cutoff):
    return lambda frequency: 1.0 / (1.0 + 1j * frequency / cutoff)


@pytest.fixture(scope="session")
def ssprq():
    return pattern("SSPRQ")


@pytest.fixture(scope="session")
def prbs13q():
    return pattern("PRBS13Q")


@pytest.fixture(scope="session")
def transmit():
    """Hand out the generator, with `one_pole` and `bessel_thomson` as transmitters."""

    def build(symbols, samples_per_symbol=8, *, pole=None, bessel=None, **options):
        if pole is not None:
            return held(symbols, samples_per_symbol, one_pole(pole), **options)
        if bessel is not None:
            return held(symbols, samples_per_symbol, lambda f: bessel_thomson_4(f, bessel), **options)
        return held(symbols, samples_per_symbol, **options)

    return build
