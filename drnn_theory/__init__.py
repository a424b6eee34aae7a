"""The memory of recurrent networks: how far back it reaches, and why.

Six questions, six groups of names: name an architecture, measure it, prove it, design it, run it,
show it. The reference lists them in that order.

>>> from drnn_theory import exponential_dilations
>>> exponential_dilations(4)
(1, 2, 4, 8)
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

# The public names and the modules that hold them stand in __init__.pyi: nothing is imported
# before it is used.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
