from .curves import fisher_memory, memory_capacity
from .exponents import LyapunovSpectrum, exponents_together, lyapunov_exponents
from .linear import EdgeMatrices, LinearSystem, assemble, linear_system, sample_matrices
from .memory_curve import MemoryCurve
from .of_models import (
    InformationCapacity,
    information_capacity,
    information_of_states,
    memory_of_states,
)
from .simulation import simulate
from .spectra import spectral_radius

__all__ = [
    "EdgeMatrices",
    "InformationCapacity",
    "LinearSystem",
    "LyapunovSpectrum",
    "MemoryCurve",
    "assemble",
    "exponents_together",
    "fisher_memory",
    "information_capacity",
    "information_of_states",
    "linear_system",
    "lyapunov_exponents",
    "memory_capacity",
    "memory_of_states",
    "sample_matrices",
    "simulate",
    "spectral_radius",
]
