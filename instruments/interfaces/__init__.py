"""Abstract instruments in the words of a technician."""
