"""Capacities of memory, Fisher and information, and exponents: what is left of past inputs.

The mean recurrent length counts edges; these classical measures ask how much of an input is left.
Of linear systems they are exact and need no torch; of models they are estimated from simulated
states.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
