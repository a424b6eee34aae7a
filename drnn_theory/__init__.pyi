from .dilations import as_dilations, exponential_dilations, is_divisor_chain

__all__ = [
    "as_dilations",
    "exponential_dilations",
    "is_divisor_chain",
]
