"""The store and the processes: finished once, whole or not at all, ended in time."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest

from fixtures.common import files
from fixtures.stack import installed as stack
from fixtures.training import process
from fixtures.training.runner import TrialFailed, Trials, command
from tests.meta.records import train

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def small_stack(monkeypatch):
    """Spare each test the reading of all of RLlib's source."""
    monkeypatch.setattr(stack, "source", lambda: "0" * 16)


@pytest.fixture
def trials(tmp_path):
    """A function (do, run, time_limit) -> Trials on this test's own store."""

    def make(do=None, run="one", time_limit=60):
        overrides = {"do": do, "log": str(tmp_path / "log")}
        return Trials(tmp_path / "store", run, overrides, time_limit, train, tmp_path / "slots")

    return make


@pytest.fixture
def log(tmp_path):
    """A function that returns the lines that training left."""
    return lambda: (tmp_path / "log").read_text().splitlines()


def fresh(trials, seed=1):
    """Ask in an interpreter of its own: no RLlib is needed, so none is imported."""
    return trials.ask("full", seed, "modelv2-tf", fresh=True)


def test_a_finished_trial_is_not_trained_again(trials, log):
    first = trials().record(fresh(trials()))
    again = trials(run="another").record(fresh(trials()))
    assert first == again and len(log()) == 1


def at_once(trials, asked, others=tuple):
    """Ask for the same trial from a process for each of ``trials``; return the records."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(trials), mp_context=context) as pool:
        waiting = [pool.submit(each.record, asked, others) for each in trials]
        return [each.result() for each in waiting]


def test_two_runs_at_once_train_a_trial_once(trials, log):
    runs = [trials("slow", run=name) for name in ("one", "two")]
    first, second = at_once(runs, fresh(runs[0]))
    assert first == second and len(log()) == 1


def test_who_waits_for_a_trial_trains_another(trials, log):
    runs = [trials("slow", run=name) for name in ("one", "two")]
    asked = [fresh(runs[0], seed) for seed in (1, 2)]
    at_once(runs, asked[0], partial(list, asked))
    assert sorted(line.split()[0] for line in log()) == ["1", "2"]


def train_in_turn(trials, name, turns):
    """Hold a slot some times in a row, and leave a line for each."""
    for _ in range(turns):
        with trials._slot():
            with open(trials.folder / "turns", "a") as log:
                log.write(f"{name}\n")
            time.sleep(0.5)


def test_who_has_had_a_slot_lets_the_other_in_first(trials, monkeypatch):
    """Two runs share a machine in turns, however eager one of them is."""
    monkeypatch.setattr("fixtures.training.runner.cores", lambda: 1)
    runner = trials()
    runner.folder.mkdir()
    eager = threading.Thread(target=train_in_turn, args=(runner, "eager", 8))
    eager.start()
    time.sleep(0.6)
    train_in_turn(runner, "late", 2)
    eager.join()
    turns = (runner.folder / "turns").read_text().split()
    last = max(place for place, name in enumerate(turns) if name == "late")
    assert last < len(turns) - 2, turns


def test_a_crash_gives_the_reason_and_the_tail_of_its_log(trials):
    with pytest.raises(TrialFailed) as failure:
        trials("crash").record(fresh(trials("crash")))
    text = str(failure.value)
    assert "full, seed 1, could not be trained: crashed with exit status 1" in text
    assert "this is what the log says last" in text and "RuntimeError: out of luck" in text
    assert "python -m fixtures.training.trial full --seed 1" in text


@pytest.mark.parametrize(
    ("do", "by_machine"), [("crash", False), ("no disk", True), ("kill", True)]
)
def test_what_the_machine_broke_is_told_from_what_the_software_did(trials, do, by_machine):
    with pytest.raises(TrialFailed) as failure:
        trials(do).record(fresh(trials(do)))
    assert failure.value.by_machine is by_machine


def test_a_kill_is_told_from_a_crash(trials):
    with pytest.raises(TrialFailed, match="killed by SIGKILL(.|\n)*this it printed before"):
        trials("kill").record(fresh(trials("kill")))


def test_a_trial_that_hangs_is_ended_with_all_it_started(trials, log):
    with pytest.raises(TrialFailed, match="ended at its time limit of 20 s"):
        trials("hang", time_limit=20).record(fresh(trials("hang")))
    pids = [int(line.split()[1]) for line in log()]
    assert len(pids) == 2
    gone, alive = psutil.wait_procs([p for p in map(running, pids) if p], timeout=5)
    assert not alive


def preload_what_dies(folder):
    """Start a fork server whose preload ends it."""
    (folder / "dies.py").write_text("import os\nos._exit(3)\n")
    process.run(
        print,
        (),
        log=folder / "log",
        environment={"PYTHONPATH": str(folder)},
        time_limit=20,
        start="forkserver",
        preload=["dies"],
    )


def test_a_fork_server_that_dies_while_importing_is_a_failure(tmp_path):
    """In a process of its own: this one may have a fork server already."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        failure = pool.submit(preload_what_dies, tmp_path).exception()
    assert isinstance(failure, process.ProcessFailed)
    assert "could not be started" in failure.reason and "fork server died" in failure.reason


def test_a_failed_trial_is_not_tried_again_by_the_same_run_but_by_the_next(trials, log):
    for run in ("one", "one", "two"):
        with pytest.raises(TrialFailed):
            trials("crash", run=run).record(fresh(trials("crash")))
    assert len(log()) == 2


def test_a_failed_trial_leaves_no_record(trials, tmp_path):
    with pytest.raises(TrialFailed):
        trials("crash").record(fresh(trials("crash")))
    assert not list(tmp_path.glob("store/records/*"))


def test_a_trial_ends_with_the_process_that_asked_for_it(tmp_path):
    """Even with SIGKILL, which gives nobody time to clean up."""
    log = tmp_path / "log"
    code = (
        "from fixtures.training.runner import Trials\n"
        "from tests.meta.records import train\n"
        "if __name__ == '__main__':\n"
        f"    trials = Trials({str(tmp_path)!r}, 'x', {{'do': 'hang', 'log': {str(log)!r}}},"
        f" 60, train, {str(tmp_path / 'slots')!r})\n"
        "    trials.record(trials.ask('full', 1, 'modelv2-tf', fresh=True))\n"
    )
    script = tmp_path / "asks.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    asking = subprocess.Popen([sys.executable, str(script)], env=environment)
    deadline = time.monotonic() + 60
    while not (log.exists() and "child" in log.read_text()):
        assert time.monotonic() < deadline and asking.poll() is None
        time.sleep(0.1)
    pids = [int(line.split()[1]) for line in log.read_text().splitlines()]
    asking.send_signal(signal.SIGKILL)
    asking.wait()
    _, alive = psutil.wait_procs([p for p in map(running, pids) if p], timeout=10)
    assert not alive


def running(pid):
    """Return a process, or None where it is gone."""
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


@pytest.mark.parametrize("text", ['{"variant": "full", "se', "{}", "[]", "null"])
def test_a_damaged_record_is_named(trials, text):
    asked = fresh(trials())
    trials().record(asked)
    (path,) = trials().store.folder.glob("records/*.json")
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{path.name} is damaged.*delete it"):
        trials().record(asked)


def test_another_trials_record_is_refused(trials):
    asked = fresh(trials())
    trials().record(asked)
    (path,) = trials().store.folder.glob("records/*.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "seed": 2}))
    with pytest.raises(ValueError, match="holds another trial's record"):
        trials().record(asked)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("versions", lambda *distributions: {"ray": "9.9.9"}),
        ("source", lambda: "1" * 16),
        ("platform", lambda: {"machine": "another"}),
        ("pinned_environment", lambda: {"OMP_NUM_THREADS": "2"}),
    ],
)
def test_whatever_determines_a_record_is_in_its_key(trials, monkeypatch, what, change):
    before = trials()._key(fresh(trials()))
    monkeypatch.setattr(stack, what, change)
    assert trials()._key(fresh(trials())) != before


def test_what_is_asked_is_in_the_key(trials):
    some = trials()
    asked = [
        some.ask("full", 1, "modelv2-tf"),
        some.ask("full", 1, "modelv2-torch"),
        some.ask("full", 2, "modelv2-tf"),
        some.ask("stacked", 1, "modelv2-tf"),
        some.ask("full", 1, "modelv2-tf", iterations=1),
        some.ask("full", 1, "modelv2-tf", fresh=True),
        trials("crash").ask("full", 1, "modelv2-tf"),
    ]
    assert len({some._key(each) for each in asked}) == len(asked)


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    files.write(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_command_repeats_settings_as_a_shell_reads_them(trials):
    asked = trials().ask("attention", 3, "modelv2-tf", iterations=1).identity
    asked["overrides"] = {"lr": 5e-06, "env": "it's"}
    assert command(asked) == (
        "python -m fixtures.training.trial attention --seed 3 --backend modelv2-tf --iterations 1"
        """ --config 'env="it'"'"'s"' --config lr=5e-06"""
    )
