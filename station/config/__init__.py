"""The files that people edit: YAML in, frozen values out.

Nobody else reads YAML, and nobody else needs pydantic: `files.load_files` gives values that do not
change. Names are not handed on here, so that who wants a problem's shape does not load pydantic.
"""
