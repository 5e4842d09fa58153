"""Autograd by Hand: what the notebooks import. Importing it costs nothing; each part loads what it needs."""

__version__ = "1.0"
