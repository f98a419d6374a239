"""The simulated bench as a PyVISA backend: `ResourceManager("bench.yaml@photonbench")`."""

from __future__ import annotations

from pyvisa.highlevel import VisaLibraryBase
from pyvisa.util import LibraryPath


class WRAPPER_CLASS(VisaLibraryBase):  # noqa: N801 - the name is PyVISA's
    """Give the library of the bench that a station file describes."""

    def __new__(cls, library_path: str = "") -> VisaLibraryBase:  # type: ignore[misc]
        """Open the twin of a station file; while it is open, who names the same file gets the same bench."""
        from station.twin import visa_library_for

        key = (cls, LibraryPath(library_path, "station file"))
        library = cls._registry.get(key)  # PyVISA's own, and weak: a bench that nobody uses is gone
        if library is None:
            library = cls._registry[key] = visa_library_for(library_path)
        return library
