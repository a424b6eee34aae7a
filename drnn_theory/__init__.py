"""The memory of recurrent networks: how far back it reaches, and why.

The public names answer six questions, in this order here and in the reference:

- Name an architecture: a list of dilations, ``cyclic_graph``, ``dilated_rnn``,
  ``sequential`` and the other families.
- Measure it: ``compute_mrl``, ``summary``, ``compare``,
  ``shortest_path_lengths``, ``memory_capacity``.
- Prove it: ``THEOREMS``, ``verify``.
- Design it: ``optimal_dilations``, ``recommend``, ``count_parameters``.
- Run it: ``DilatedRNN``, ``GraphRNN``, ``gradient_profile``, ``train``.
- Show it: ``FIGURES``, ``write_figures``, ``explore``.

>>> from drnn_theory import compute_mrl
>>> compute_mrl([1, 2, 4, 8])  # edges from input to output, averaged over the lags 1..8
5.625
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

# The public names and the modules that hold them stand in __init__.pyi: nothing is imported
# before it is used.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
