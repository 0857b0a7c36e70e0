"""The store and the processes: a trial is trained once, kept whole or not, and ended in time."""

import errno
import importlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from fixtures.common import files
from fixtures.stack import host, installed, loaded
from fixtures.training import process
from fixtures.training.runner import Trials
from fixtures.training.spec import TrialFailed, TrialSpec
from fixtures.training.store import Store
from tests.meta.sample_records import train, trained

ROOT = Path(__file__).parents[2]


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
    """Request an interpreter of its own: no RLlib is needed, so none is imported."""
    return trials.request("modelv2-tf", "full", seed, fresh=True)


def test_a_finished_trial_is_not_trained_again(trials, log):
    first = trials().obtain(fresh(trials()))
    again = trials(run="another").obtain(fresh(trials()))
    assert first == again and len(log()) == 1


def meet(together):
    """Wait in a new process until all have started."""
    together.wait(timeout=60)


def at_once(trials, spec, others=tuple):
    """Obtain the same trial from a process for each of ``trials``; return the records.

    None begins before all have started: else one may have finished when the other begins.
    """
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(len(trials))
    with ProcessPoolExecutor(len(trials), context, meet, (together,)) as pool:
        waiting = [pool.submit(runner.obtain, spec, others) for runner in trials]
        return [future.result() for future in waiting]


def test_two_runs_at_once_train_a_trial_once(trials, log):
    runs = [trials("slow", run=name) for name in ("one", "two")]
    first, second = at_once(runs, fresh(runs[0]))
    assert first == second and len(log()) == 1


def test_a_run_that_waits_for_a_trial_trains_another(trials, log):
    runs = [trials("slow", run=name) for name in ("one", "two")]
    specs = [fresh(runs[0], seed) for seed in (1, 2)]
    at_once(runs, specs[0], partial(list, specs))
    assert sorted(line.split()[0] for line in log()) == ["1", "2"]


def train_in_turn(trials, name, turns):
    """Hold a slot so many times in a row, and write a line each time."""
    for _ in range(turns):
        with trials.slots.hold():
            with open(trials.folder / "turns", "a") as log:
                log.write(f"{name}\n")
            time.sleep(0.5)


def test_a_run_that_has_had_a_slot_lets_the_other_in_first(trials, monkeypatch):
    """Two runs share a machine in turns, however eager one of them is."""
    monkeypatch.setattr("fixtures.training.slots.cores", lambda: 1)
    runner = trials()
    runner.folder.mkdir()
    eager = threading.Thread(target=train_in_turn, args=(runner, "eager", 8))
    eager.start()
    deadline = time.monotonic() + 60
    while not (runner.folder / "turns").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    train_in_turn(runner, "late", 2)
    eager.join()
    turns = (runner.folder / "turns").read_text().split()
    last = max(turn for turn, name in enumerate(turns) if name == "late")
    assert last < len(turns) - 2, turns


def test_a_crash_gives_the_reason_and_the_tail_of_its_log(trials):
    with pytest.raises(TrialFailed) as failure:
        trials("crash").obtain(fresh(trials("crash")))
    text = str(failure.value)
    assert "full, seed 1, could not be trained: crashed with exit status 1" in text
    assert "this is what the log says last" in text and "RuntimeError: out of luck" in text
    assert "python -m fixtures.training full --seed 1" in text


@pytest.mark.parametrize(
    ("do", "by_machine"),
    [("crash", False), ("exit 255", False), ("no disk", True), ("kill", True)],
)
def test_a_failure_of_the_machine_is_not_blamed_on_the_software(trials, do, by_machine):
    with pytest.raises(TrialFailed) as failure:
        trials(do).obtain(fresh(trials(do)))
    assert failure.value.by_machine is by_machine


def test_a_kill_is_not_called_a_crash(trials):
    with pytest.raises(TrialFailed, match="killed by SIGKILL(.|\n)*this it printed before"):
        trials("kill").obtain(fresh(trials("kill")))


def test_a_trial_that_hangs_is_ended_with_all_it_started(trials, log):
    with pytest.raises(TrialFailed, match="ended at its time limit of 20 s"):
        trials("hang", time_limit=20).obtain(fresh(trials("hang")))
    pids = [int(line.split()[1]) for line in log()]
    assert len(pids) == 2
    gone, alive = psutil.wait_procs(
        [started for started in map(running, pids) if started], timeout=5
    )
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


def kill_the_fork_server():
    """End the process that this one was forked from, and hang."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def lose_a_fork_server(folder):
    """Start a process whose fork server is killed meanwhile, as the system may do first."""
    process.run(kill_the_fork_server, (), folder / "log", {}, time_limit=60, start="forkserver")


def fork_below_a_long_path(folder):
    """Start a fork server whose socket lies below a path of 150 characters."""
    tempfile.tempdir = str(folder / ("x" * 150))
    os.mkdir(tempfile.tempdir)
    # A parent that has forked so before hands its own folder down.
    multiprocessing.current_process()._config.pop("tempdir", None)
    process.run(print, (), folder / "log", {}, time_limit=60, start="forkserver")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (preload_what_dies, "could not be started .* its fork server died, as it does where"),
        (lose_a_fork_server, "lost: the fork server that it was forked from was killed"),
        (fork_below_a_long_path, "could not be started: .* too long for a socket .* set TMPDIR"),
    ],
)
def test_a_fork_server_that_is_lost_is_blamed_on_the_machine(tmp_path, function, reason):
    """In a process of its own: this one may have a fork server already."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        failure = pool.submit(function, tmp_path).exception()
    assert isinstance(failure, process.ProcessFailed) and failure.by_machine
    assert re.match(reason, failure.reason)


def test_a_failure_that_cannot_be_noted_is_found_out_once(trials, log, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "no space left")

    runner = trials("crash")
    monkeypatch.setattr(files, "write", full)
    for _ in range(3):
        with pytest.raises(TrialFailed, match="full, seed 1, could not be trained: crashed"):
            runner.obtain(fresh(runner))
    assert len(log()) == 1


def test_a_failed_trial_is_not_tried_again_by_the_same_run_but_by_the_next(trials, log):
    for run in ("one", "one", "two"):
        with pytest.raises(TrialFailed):
            trials("crash", run=run).obtain(fresh(trials("crash")))
    assert len(log()) == 2


def leaves_a_file(spec):
    """Leave a temporary file, open to all, and say where."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    Path(spec.overrides["log"]).write_text(str(folder))
    if spec.overrides["do"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return trained(spec)


@pytest.mark.parametrize("killed", [False, True])
def test_what_a_trial_leaves_is_private_and_gone_with_it(tmp_path, killed):
    overrides = {"do": killed, "log": str(tmp_path / "log")}
    trials = Trials(tmp_path / "store", "one", overrides, 60, leaves_a_file, tmp_path / "slots")
    with suppress(TrialFailed):
        trials.obtain(fresh(trials))
    left = Path((tmp_path / "log").read_text())
    assert left.parent.parent == tmp_path / "store" / "scratch"
    assert not left.parent.exists()


def imports_what_it_writes(spec):
    """Import a module out of a temporary file, as TensorFlow does with what it generates."""
    folder = tempfile.mkdtemp()
    Path(folder, "generated.py").write_text("x = 1\n")
    sys.path.insert(0, folder)
    importlib.import_module("generated")
    return trained(spec)


def test_a_module_that_a_trial_wrote_for_itself_goes_with_it(tmp_path):
    """And the record holds without: it is made of what stays."""
    trials = Trials(tmp_path / "store", "one", {}, 60, imports_what_it_writes, tmp_path / "slots")
    record = trials.obtain(fresh(trials))
    assert trials.obtain(fresh(trials)) == record
    listed = (tmp_path / "store" / "loaded").iterdir()
    assert not any("generated" in path.read_text() for path in listed)


def test_a_trial_whose_files_were_changed_meanwhile_fails_and_is_not_trained_for_ever(
    trials, log, monkeypatch
):
    monkeypatch.setattr(loaded, "digest", lambda names: None)
    with pytest.raises(TrialFailed, match="files that it imported were changed") as failure:
        trials().obtain(fresh(trials()))
    assert failure.value.by_machine and len(log()) == 1


def test_what_a_killed_run_left_is_swept_up_by_the_next(trials, tmp_path):
    runner = trials()
    left = tmp_path / "store" / "scratch" / "of-a-killed-run"
    under_way = tmp_path / "store" / "scratch" / "under-way"
    for folder in (left, under_way):
        folder.mkdir(parents=True)
    with runner._lock(under_way.name):
        runner.obtain(fresh(runner))
    assert not left.exists() and under_way.exists()


def test_a_failed_trial_leaves_no_record(trials, tmp_path):
    with pytest.raises(TrialFailed):
        trials("crash").obtain(fresh(trials("crash")))
    assert not list(tmp_path.glob("store/records/*"))


def test_a_trial_ends_with_the_process_that_requested_it(tmp_path):
    """Even with SIGKILL, which gives nobody time to clean up."""
    log = tmp_path / "log"
    code = (
        "from fixtures.training.runner import Trials\n"
        "from tests.meta.sample_records import train\n"
        "if __name__ == '__main__':\n"
        f"    trials = Trials({str(tmp_path)!r}, 'x', {{'do': 'hang', 'log': {str(log)!r}}},"
        f" 60, train, {str(tmp_path / 'slots')!r})\n"
        "    trials.obtain(trials.request('modelv2-tf', 'full', 1, fresh=True))\n"
    )
    script = tmp_path / "requests_a_trial.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    requester = subprocess.Popen([sys.executable, str(script)], env=environment)
    deadline = time.monotonic() + 60
    while not (log.exists() and "child" in log.read_text()):
        assert time.monotonic() < deadline and requester.poll() is None
        time.sleep(0.1)
    pids = [int(line.split()[1]) for line in log.read_text().splitlines()]
    requester.send_signal(signal.SIGKILL)
    requester.wait()
    _, alive = psutil.wait_procs(
        [started for started in map(running, pids) if started], timeout=10
    )
    assert not alive


def running(pid):
    """Return a process, or None where it is gone."""
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


@pytest.mark.parametrize("text", ['{"variant": "full", "se', "{}", "[]", "null"])
def test_a_damaged_record_is_named(trials, text):
    spec = fresh(trials())
    trials().obtain(spec)
    (path,) = trials().store.folder.glob("records/*.json")
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{path.name} is damaged.*delete it"):
        trials().obtain(spec)


def changed_in_store(trials, **changes):
    """Train a trial, change its record in the store, and return its spec."""
    spec = fresh(trials())
    trials().obtain(spec)
    (path,) = trials().store.folder.glob("records/*.json")
    kept = json.loads(path.read_text())
    kept["record"].update(changes)
    path.write_text(json.dumps(kept))
    return spec


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"schema": 4},
        {"overrides": {"lr": 1.0}},
        {"stack": "ray-9.0.0/modelv2-tf"},
        {"versions": {"ray": "9.0.0"}},
        {"source": "1" * 16},
        {"platform": {"machine": "another"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_trials_record_is_refused(trials, changes):
    spec = changed_in_store(trials, **changes)
    field = next(iter(changes))
    with pytest.raises(ValueError, match=f"holds another trial's record: its {field} is"):
        trials().obtain(spec)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reported": [20.0, 40.0, 60.0, 80.0]}, "reported: needs 5 iterations"),
        ({"reported": [20.0, 40.0, 60.0, 80.0, float("nan")]}, "NaN is no number"),
        ({"reported": [20.0, 40.0, 60.0, 80.0, 10**400]}, "reported: holds what is no number"),
        ({"cost": {"iterations": [[]] * 5}}, "cost.iterations: should hold lists of 2"),
        ({"versions": {"ray": "2.60.0\x1b[31m"}}, "versions.ray: is no plain text"),
        ({"trace": {"iterations": [1] * 5}}, "trace: is not whole"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_a_record_with_holes_is_refused_by_the_store_as_by_a_baseline(trials, changes, message):
    spec = changed_in_store(trials, **changes)
    with pytest.raises(ValueError, match=f"is damaged .*{message}.*: delete it"):
        trials().obtain(spec)


def test_a_record_that_is_a_folder_a_loop_or_too_deep_is_refused(trials):
    spec = fresh(trials())
    trials().obtain(spec)
    (path,) = trials().store.folder.glob("records/*.json")
    path.write_text("[" * 1_000_000)
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        trials().obtain(spec)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        trials().obtain(spec)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        trials().obtain(spec)


def test_a_record_holds_as_long_as_all_that_was_imported_is_what_it_was(tmp_path, monkeypatch):
    """An environment's library, a user's module: none of them is named anywhere."""
    module = tmp_path / "gravity.py"
    module.write_text("g = 9.8\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("gravity")
    spec = TrialSpec("modelv2-tf", "full", 1)
    Store(tmp_path / "store").put(Store(tmp_path / "store").key(spec), trained(spec))
    assert Store(tmp_path / "store").get(spec) == trained(spec)
    module.write_text("g = 4.9\n")
    assert Store(tmp_path / "store").get(spec) is None
    module.write_text("g = 9.8\n")
    assert Store(tmp_path / "store").get(spec) is not None
    module.unlink()
    assert Store(tmp_path / "store").get(spec) is None
    (listed,) = (tmp_path / "store" / "loaded").iterdir()
    listed.unlink()
    assert Store(tmp_path / "store").get(spec) is None


@pytest.mark.parametrize(
    ("module", "name", "change"),
    [
        (installed, "versions", lambda *distributions: {"ray": "9.9.9"}),
        (installed, "source", lambda: "1" * 16),
        (host, "platform", lambda: {"machine": "another"}),
        (host, "pinned_environment", lambda: {"OMP_NUM_THREADS": "2"}),
    ],
)
def test_whatever_determines_a_record_is_in_its_key(trials, monkeypatch, module, name, change):
    before = trials().store.key(fresh(trials()))
    monkeypatch.setattr(module, name, change)
    assert trials().store.key(fresh(trials())) != before


def test_what_is_requested_is_in_the_key(trials):
    runner = trials()
    specs = [
        runner.request("modelv2-tf", "full", 1),
        runner.request("modelv2-torch", "full", 1),
        runner.request("modelv2-tf", "full", 2),
        runner.request("modelv2-tf", "stacked", 1),
        runner.request("modelv2-tf", "full", 1, iterations=1),
        runner.request("modelv2-tf", "full", 1, fresh=True),
        trials("crash").request("modelv2-tf", "full", 1),
    ]
    assert len({runner.store.key(spec) for spec in specs}) == len(specs)


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    files.write(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_command_repeats_settings_as_a_shell_reads_them():
    overrides = {"lr": 5e-06, "model": "it's"}
    spec = TrialSpec("modelv2-tf", "attention", 3, iterations=1, overrides=overrides)
    assert spec.command() == (
        "python -m fixtures.training attention --seed 3 --backend modelv2-tf --iterations 1"
        """ --config lr=5e-06 --config 'model="it'"'"'s"'"""
    )
