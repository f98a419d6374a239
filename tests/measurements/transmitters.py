"""PAM4 transmitters of every kind, as exact samples: slow, bent, echoing, noisy, of any extinction ratio."""

from dataclasses import dataclass

import numpy as np

DENSE = 64
"""Samples a symbol on which a transmitter is built; captures are taken from them."""


@dataclass(frozen=True, slots=True)
class Transmitter:
    """What is wrong with a transmitter; bandwidths in symbol rates, delays in symbols, noise in OMA."""

    name: str
    pattern: str
    kind: str
    bandwidth: float
    extinction_db: float
    depth: float
    before: float
    after: float
    echo: float
    echo_at: float
    noise: float
    per_symbol: int


def response(kind, bandwidth, cycles):
    """Compute the response of one pole, of two, or of a Bessel-Thomson filter of fourth order."""
    s = 1j * cycles / bandwidth
    if kind == "one pole":
        return 1 / (1 + s)
    if kind == "two poles":  # critically damped would be 1; 0.75 rings a little
        return 1 / (1 + 1.5 * 0.6436 * s + (0.6436 * s) ** 2)
    p = 2.113917675 * s
    return 105 / (105 + 105 * p + 45 * p**2 + 10 * p**3 + p**4)


def passed(dense, symbols, kind, bandwidth):
    """Pass a dense period through a filter, without end effects."""
    lines = np.fft.rfft(dense)
    return np.fft.irfft(lines * response(kind, bandwidth, np.arange(lines.size) / symbols), dense.size)


def light(transmitter, symbols):
    """Build one dense period of the light in milliwatt, behind the half-rate reference receiver."""
    held = np.repeat(symbols / 3.0, DENSE)
    drive = passed(held, symbols.size, transmitter.kind, transmitter.bandwidth)
    drive = drive + sum(
        share * (np.roll(drive, round(delay * DENSE)) - drive)
        for share, delay in (
            (transmitter.before, -1.0),
            (transmitter.after, 1.0),
            (transmitter.echo, transmitter.echo_at),
        )
    )
    # A Mach-Zehnder at quadrature: sine of the drive, bent the more the deeper it is driven.
    angle = np.pi / 2 * transmitter.depth * (2 * drive - 1)
    bent = 0.5 + 0.5 * np.sin(angle) / np.sin(np.pi / 2 * transmitter.depth)
    ratio = 10 ** (transmitter.extinction_db / 10)
    return passed(2 / (ratio + 1) * (1 + (ratio - 1) * bent), symbols.size, "bessel", 0.5)


def capture(transmitter, symbols, rng=None):
    """Take the capture that a scope gives, with white noise in every sample where there is a generator."""
    dense = light(transmitter, symbols)
    taken = dense[:: DENSE // transmitter.per_symbol]
    swing = np.ptp(dense) / 1.1
    return taken if rng is None else taken + rng.normal(0.0, transmitter.noise * swing, taken.size)


def drawn(seed, count, patterns):
    """Draw transmitters from a seed; every combination of what is wrong comes up."""
    rng = np.random.default_rng(seed)
    return [
        Transmitter(
            name=f"{i:02d}",
            pattern=patterns[i % len(patterns)],
            kind=("one pole", "bessel", "two poles")[i % 3],
            bandwidth=float(rng.uniform(0.35, 0.8)),
            extinction_db=float(rng.uniform(2.5, 8.0)),
            depth=float(rng.uniform(0.05, 0.6)),
            before=float(rng.uniform(-0.06, 0.06)),
            after=float(rng.uniform(-0.08, 0.08)),
            echo=float(rng.choice([0.0, rng.uniform(-0.04, 0.04)])),
            echo_at=float(rng.uniform(2.0, 9.0)),
            noise=float(rng.choice([0.0, rng.uniform(0.003, 0.02)])),
            per_symbol=int(rng.choice([8, 16, 32])),
        )
        for i in range(count)
    ]
