"""One seed for all: hypothesis draws the same examples on every run. One thread per process."""

import os

from hypothesis import settings

# the tests already run in as many processes as there are cores
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")
