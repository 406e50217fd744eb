"""Variational autoencoders: train, measure, store and explore them. Knows nothing of the front end."""

__version__ = "0.1.0"
