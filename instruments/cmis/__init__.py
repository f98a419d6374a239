"""The host's side of the module management interface."""
