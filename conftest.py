"""Load the plugin that hands instruments and transceivers to sequences."""

pytest_plugins = ["fixtures.plugin"]
