"""All that talks to hardware: interfaces, VISA sessions, drivers, module management."""
