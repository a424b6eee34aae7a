"""Recurrent networks with dilations, as torch modules."""

from .dilated import DilatedRNN

__all__ = ["DilatedRNN"]
