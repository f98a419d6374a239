"""The simulated bench as a PyVISA backend: `ResourceManager("bench.yaml@photonbench")`."""

from __future__ import annotations

from pyvisa.highlevel import VisaLibraryBase


class WRAPPER_CLASS(VisaLibraryBase):  # noqa: N801 - the name is PyVISA's
    """Give the library of the bench that a station file describes."""

    def __new__(cls, library_path: str = "") -> VisaLibraryBase:  # type: ignore[misc]
        """Open the twin of a station file; drivers that name the same file share one bench."""
        from station.twin import visa_library_for

        library: VisaLibraryBase = visa_library_for(str(library_path))
        return library
