"""The memory that a call takes, by tracemalloc."""

import tracemalloc


def peak_of(call):
    """Return the most bytes that were allocated at once while the call ran."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
