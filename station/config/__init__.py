"""The files that people edit: YAML in, frozen values out."""
