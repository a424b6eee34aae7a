"""Studies and what happens to real processes: kills, lost workers, full disks, shared stores."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from drnn_theory import read_study
from tests.studying import numbers, study

ROOT = Path(__file__).parent.parent


def lines(log):
    return log.read_text().split() if log.exists() else []


def whole(rows, count):
    """Whether rows hold the squares of 0..count - 1, each once, in whatever order."""
    return sorted((row["number"], row["square"]) for row in rows) == [
        (n, n**2) for n in range(count)
    ]


KILLED = """
import sys
from tests.studying import numbers, study
study(numbers(24, log=sys.argv[2], pause=0.01), sys.argv[1])
"""


@contextlib.contextmanager
def running(program, *arguments):
    """Run a program in a session of its own; at the end kill it and all that it has started."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(
        words, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() in (None, 0), process.stderr.read()
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.002)


def test_kill_9_at_any_moment_loses_only_the_row_in_flight(tmp_path):
    draw = random.Random(0)
    log, store = tmp_path / "log", tmp_path / "study.db"
    stored, kills = 0, 0
    while stored < 16 and kills < 12:
        enough = len(lines(log)) + draw.randrange(1, 6)
        with running(KILLED, store, log) as process:
            wait_for(lambda: len(lines(log)) > enough, process)  # noqa: B023
            time.sleep(draw.uniform(0, 0.03))  # in the function, or while its result is written
        kills += 1
        rows = read_study(store).rows()
        assert len(rows) >= stored
        stored = len(rows)
        assert [row["number"] for row in rows] == list(range(stored))
        assert stored >= len(set(lines(log))) - 1  # one row was in flight
    assert kills > 2
    result = study(numbers(24, log=str(log), pause=0.01), store)
    assert [row["square"] for row in result.rows()] == [n**2 for n in range(24)]
    assert len(lines(log)) <= 24 + kills


POOL = """
import sys
from concurrent.futures import ProcessPoolExecutor
from tests.studying import numbers, study
with ProcessPoolExecutor(2) as pool:
    study(numbers(30, log=sys.argv[2], pause=0.02), sys.argv[1], executor=pool)
"""


def test_kill_9_of_a_study_with_a_pool_loses_what_was_in_flight_and_leaves_no_worker(tmp_path):
    draw = random.Random(1)
    log, store = tmp_path / "log", tmp_path / "study.db"
    for _ in range(2):
        enough = len(lines(log)) + draw.randrange(3, 8)
        with running(POOL, store, log) as process:
            wait_for(lambda: len(lines(log)) > enough, process)  # noqa: B023
            process.kill()
            process.communicate(timeout=30)  # its workers have standard error open until they end
        assert len(read_study(store)) >= len(set(lines(log))) - 4  # twice the workers in flight
    result = study(numbers(30, log=str(log), pause=0.02), store)
    assert whole(result.rows(), 30)
    assert len(lines(log)) <= 30 + 2 * 4


BROKEN = """
import sys
from concurrent.futures import ProcessPoolExecutor
from tests.studying import numbers, study
rows = numbers(12, log=sys.argv[2], pause=0.02)
rows[5]["kills"] = sys.argv[3]
with ProcessPoolExecutor(2) as pool:
    study(rows, sys.argv[1], executor=pool)
"""


def test_a_broken_pool_loses_no_finished_row_and_a_rerun_tries_the_others(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    with running(BROKEN, store, log, tmp_path / "killed") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    lost = re.search(
        r"BrokenExecutor: executor must run every row, got BrokenProcessPool for (\d+) of 12 "
        r"\(.*\); what finished is stored: run again to compute the rest$",
        err.strip(),
    )
    assert lost, err
    stored = [row["number"] for row in read_study(store).rows()]
    assert 2 <= len(stored) == 12 - int(lost[1])
    assert 5 not in stored
    with running(BROKEN, store, log, tmp_path / "killed") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert whole(read_study(store).rows(), 12)
    assert all(lines(log).count(str(number)) == 1 for number in stored)


DASK = """
import sys
from concurrent.futures import BrokenExecutor
from distributed import Client, LocalCluster
from tests.studying import numbers, study
store, log, first, second = sys.argv[1:]
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        executor = client.get_executor()
        rows = numbers(12, log=log, pause=0.02)
        rows[5]["kills"] = first
        study(rows, store, executor=executor)
        cluster.scheduler.allowed_failures = 0
        rows += [{"number": 12, "log": log, "pause": 0.02, "kills": second}]
        rows += [{"number": n, "log": log, "pause": 0.02} for n in range(13, 16)]
        try:
            study(rows, store, executor=executor)
        except BrokenExecutor as error:
            print(error, file=sys.stderr)
"""


def test_a_killed_worker_of_a_dask_cluster_loses_no_row_and_none_is_stored_twice(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    with running(DASK, store, log, tmp_path / "first", tmp_path / "second") as process:
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert (tmp_path / "first").exists()  # a worker was killed, and dask ran its rows again
    lost = re.search(r"executor must run every row, got KilledWorker for (\d) of 4 ", err)
    assert lost, err  # where dask was told to give a row up with its worker
    left = [row["number"] for row in read_study(store).rows()]
    assert len(left) == 16 - int(lost[1])
    assert set(range(12)) <= set(left) <= set(range(16)) - {12}
    assert len(left) <= len(lines(log)) <= 24  # a row that was lost may not have begun


SHARED = """
import sys
from tests.studying import numbers, study
result = study(numbers(16, log=sys.argv[2], pause=0.05), sys.argv[1])
assert len(result) == 16
"""


def test_two_processes_share_the_rows_of_a_store_and_run_each_once(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    with running(SHARED, store, log) as one, running(SHARED, store, log) as other:
        for process in (one, other):
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
    assert whole(read_study(store).rows(), 16)
    assert sorted(map(int, lines(log))) == list(range(16))


DYING = """
import sys
from tests.studying import study
study([{"number": 3, "log": sys.argv[2], "pause": 1.5, "kills": sys.argv[3]}], sys.argv[1])
"""


def test_the_row_of_a_process_that_dies_is_run_by_the_one_that_waits_for_it(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    with running(DYING, store, log, tmp_path / "killed") as one:
        wait_for(lambda: lines(log), one)
        with running(DYING, store, log, tmp_path / "killed") as other:
            one.communicate(timeout=60)
            assert other.poll() is None
            assert len(lines(log)) == 1 or one.returncode == -signal.SIGKILL
            _, err = other.communicate(timeout=60)
    assert (one.returncode, other.returncode) == (-signal.SIGKILL, 0), err
    assert lines(log) == ["3", "3"]
    assert read_study(store).rows()[0]["square"] == 9


LIMITED = """
import resource, sys
from tests.studying import numbers, study
resource.setrlimit(resource.RLIMIT_FSIZE, (26_000, 26_000))
study(numbers(500), sys.argv[1])
"""


def test_a_file_that_may_grow_no_further_is_one_sentence_and_keeps_its_rows(tmp_path):
    store = tmp_path / "study.db"
    with running(LIMITED, store) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(
        r"OSError: .*study.db must have room for another row, got .*: what was stored is kept; "
        r"make room and run again$",
        err.strip(),
    )
    stored = read_study(store).rows()
    assert 5 < len(stored) < 100
    assert store.stat().st_size <= 26_000
    result = study(numbers(len(stored) + 5), store)
    assert result.rows()[: len(stored)] == stored
    assert whole(result.rows(), len(stored) + 5)


UNPRIVILEGED = """
import os, sys
from drnn_theory.studies import read_study
from tests.studying import numbers, study
if os.geteuid() == 0:  # who may write every file
    os.setgid(65534)
    os.setuid(65534)
assert len(read_study(sys.argv[1])) == 3
study(numbers(4), sys.argv[1], version="1")  # for the source may lie in a closed folder
"""


@pytest.mark.parametrize(
    ("file", "folder"), [(0o444, 0o755), (0o666, 0o555)], ids=["file", "folder"]
)
def test_a_store_that_cannot_be_written_is_read_but_refused(file, folder):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        store = Path(name, "study.db")
        study(numbers(3), store, version="1")
        store.chmod(file)
        store.parent.chmod(folder)
        before = store.read_bytes()
        with running(UNPRIVILEGED, store) as process:
            _, err = process.communicate(timeout=60)
        store.parent.chmod(0o755)
        assert store.read_bytes() == before
    assert process.returncode == 1
    assert re.search(r"ValueError: .*study.db must be a file that can be written, got ", err)
    assert "AssertionError" not in err
