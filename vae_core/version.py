"""The version of this project, which every checkpoint tells."""

__version__ = "0.1.0"
