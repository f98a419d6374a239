"""All that pretends: physics, SCPI devices, transceiver firmware, servers, PyVISA backend."""
