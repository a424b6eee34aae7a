from .curves import MemoryCurve, fisher_memory, memory_capacity
from .exponents import LyapunovSpectrum, exponents_together, lyapunov_exponents
from .linear import Drawn, LinearSystem, assemble, draw_matrices, linear_system
from .measured import (
    InformationCapacity,
    information_capacity,
    information_of_states,
    memory_of_states,
    simulate,
)
from .spectra import spectral_radius

__all__ = [
    "Drawn",
    "InformationCapacity",
    "LinearSystem",
    "LyapunovSpectrum",
    "MemoryCurve",
    "assemble",
    "draw_matrices",
    "exponents_together",
    "fisher_memory",
    "information_capacity",
    "information_of_states",
    "linear_system",
    "lyapunov_exponents",
    "memory_capacity",
    "memory_of_states",
    "simulate",
    "spectral_radius",
]
