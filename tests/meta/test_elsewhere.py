"""Trials of another interpreter are what it prints; what goes wrong there is told in a line."""

import json
import os
import stat

import pytest
from packaging.version import Version

from fixtures.baselines.files import Baseline, save
from fixtures.common.resolving import Unresolved
from fixtures.comparing import opening, options
from fixtures.comparing.elsewhere import ROOT, Elsewhere, Recorded, Station
from fixtures.comparing.index import NoRelease, Released
from fixtures.comparing.installing import WHOLE, Environments, Installed, Unimportable
from fixtures.comparing.opening import open_side
from fixtures.comparing.sides import Side, read
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed
from tests.meta.sample_records import make

FULL = Subject("modelv2-tf", "full")


@pytest.fixture
def elsewhere(tmp_path):
    """A function (shell commands) that returns a side whose interpreter runs these."""

    def put(commands, overlay=None, **overrides):
        installed = Installed(tmp_path / "ray-9.0.0")
        installed.python.parent.mkdir(parents=True, exist_ok=True)
        (installed.folder / WHOLE).touch()
        installed.python.write_text(f"#!/bin/sh\n{commands}\n")
        installed.python.chmod(stat.S_IRWXU)
        station = Station(installed, "9.0.0", overlay)
        return Elsewhere({"tensorflow": station}, tmp_path / "store", overrides)

    return put


def obtain(side):
    """Return the record of the first seed."""
    return side.obtain(side.request(*FULL, 1))


def printing(answer):
    """Return shell commands that print a value as JSON."""
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


def test_the_last_line_is_the_record(elsewhere):
    record = make(1)
    side = elsewhere("echo a library says hello\n" + printing(record))
    assert obtain(side) == record
    assert side.finished(side.request(*FULL, 1)) == record


def test_it_is_asked_for_what_is_wanted(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/another/ray")
    said = tmp_path / "said"
    side = elsewhere(
        f'echo "$PWD $PYTHONPATH $@" > {said}\n' + printing(make(1)), tmp_path, lr=0.1
    )
    obtain(side)
    where, path, *words = said.read_text().split()
    assert where == str(tmp_path / "ray-9.0.0")
    assert path == f"{tmp_path}{os.pathsep}{ROOT}"
    assert words[:4] == ["-m", "fixtures.training", "full", "--seed=1"]
    assert words[-2:] == ["--config", "lr=0.1"]


@pytest.mark.parametrize("by_machine", [False, True])
def test_a_trial_that_fails_says_why_and_is_not_tried_again(elsewhere, tmp_path, by_machine):
    answer = {"failed": "out of luck\nand more", "by_machine": by_machine}
    side = elsewhere(f"echo >> {tmp_path}/tried\n{printing(answer)}\nexit 11")
    for _ in range(2):
        with pytest.raises(TrialFailed, match="out of luck") as failure:
            obtain(side)
        assert failure.value.by_machine is by_machine
    assert (tmp_path / "tried").read_text() == "\n"
    assert side.has_ended(side.request(*FULL, 1))


def test_of_what_says_nothing_the_last_complaint_is_told(elsewhere):
    side = elsewhere("echo usage: x >&2; echo error: no such variant >&2; exit 2")
    with pytest.raises(TrialFailed, match="^it exited with 2: error: no such variant$"):
        obtain(side)


def test_what_is_killed_is_the_machines_fault(elsewhere):
    with pytest.raises(TrialFailed) as failure:
        obtain(elsewhere("kill -9 $$"))
    assert failure.value.by_machine


def test_a_record_of_another_release_is_refused(elsewhere):
    record = make(1, stack="ray-8.0.0/modelv2-tf")
    with pytest.raises(TrialFailed, match="trains with ray 8.0.0, not 9.0.0: delete it"):
        obtain(elsewhere(printing(record)))


def test_the_command_that_repeats_a_trial_names_its_interpreter(elsewhere, tmp_path):
    side = elsewhere("", tmp_path)
    spec = side.request(*FULL, 3)
    assert side.station(spec).command(spec) == (
        f"PYTHONPATH={tmp_path}:{ROOT} {tmp_path}/ray-9.0.0/env/bin/python -m fixtures.training"
        " full --seed 3 --backend modelv2-tf"
    )


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A function (side, other side) that returns the Python that the first is installed with."""
    pythons = {
        "1.8.0": ((3, 9),),
        "2.2.0": ((3, 9), (3, 10)),
        "2.3.1": ((3, 9), (3, 10), (3, 11)),
        "2.4.0": ((3, 9), (3, 10), (3, 11)),
        "2.60.0": ((3, 10), (3, 11)),
    }
    made = []

    class Fake(Environments):
        def get(self, name, wanted):
            """Note what is wanted."""
            made.append(wanted)
            return Installed(tmp_path)

    def asked(version, cache):
        return Released(version, None, pythons[str(version)])

    monkeypatch.setattr(opening, "released", asked)
    monkeypatch.setattr(opening, "uv", lambda *arguments: "")

    def put(side, other, subject=FULL):
        beside = opening.pythons_of(read(other), tmp_path)
        open_side(read(side), [subject], Fake(tmp_path, 1e9), tmp_path, {}, beside)
        return made[-1].python

    return put


@pytest.mark.parametrize(
    ("side", "other", "python"),
    [
        ("2.60.0", "2.60.0", "3.11"),
        ("2.60.0", "2.2.0", "3.10"),
        ("2.2.0", "2.60.0", "3.10"),
        ("2.3.1", "2.60.0", "3.10"),
        ("2.4.0", "2.60.0", "3.10"),
        ("2.2.0", "1.8.0", "3.9"),
        ("2.60.0", "1.8.0", "3.11"),
    ],
)
def test_both_sides_have_the_same_python_where_they_can(opened, side, other, python):
    assert opened(side, other) == python


def test_a_python_that_is_not_there_is_named(opened, monkeypatch):
    def none(*arguments):
        raise Unresolved("no such thing")

    monkeypatch.setattr(opening, "uv", none)
    with pytest.raises(Unresolved, match=r"ray 2.2.0 runs on Python 3.10 or 3.9, and none of"):
        opened("2.2.0", "2.60.0")


def test_a_release_that_pytorch_is_too_new_for_is_none(opened):
    torch = Subject("modelv2-torch", "full")
    assert opened("2.2.0", "2.60.0", torch) == "3.10"
    with pytest.raises(NoRelease, match="ray 1.8.0 runs on Python 3.9, and PyTorch .* on 3.10"):
        opened("1.8.0", "2.60.0", torch)


def test_a_release_whose_framework_cannot_be_imported_is_none(opened, tmp_path, monkeypatch):
    def fails(self, name, wanted):
        raise Unimportable("torch is installed, and cannot be imported")

    monkeypatch.setattr(Environments, "get", fails)
    with pytest.raises(NoRelease, match="ray 2.60.0 on Python 3.11: torch is installed, and"):
        open_side(read("2.60.0"), [FULL], Environments(tmp_path, 1e9), tmp_path, {})


def test_recorded_trials_have_their_own_settings(tmp_path):
    side = Side("x", Version("9.0.0"), recorded=tmp_path)
    with pytest.raises(ValueError, match="--config: the trials of"):
        open_side(side, [FULL], None, tmp_path, {"lr": 0.1})


def test_recorded_trials_that_are_not_there_are_named(tmp_path):
    side = Side("x", Version("9.0.0"), recorded=tmp_path / "ray-9.0.0")
    with pytest.raises(ValueError, match="ray-9.0.0 has no trials of modelv2-tf/full"):
        open_side(side, [FULL], None, tmp_path, {})


def test_the_seed_that_is_compared_meets_the_time_limit_where_one_does(tmp_path):
    records = [make(seed, stack="ray-2.60.0/modelv2-tf") for seed in (1, 2, 3)]
    for record in records:
        record["environment"]["time_limit"] = 40
    records[2]["episodes"][0][0][1] = 40
    save(tmp_path, records)
    assert options.first_seeds([FULL], "2.60.0", str(tmp_path)) == {FULL: 3}
    # The nearest baseline may be a newer one.
    assert options.first_seeds([FULL], "2.59.0", str(tmp_path)) == {FULL: 3}
    assert options.first_seeds([FULL], "2.60.0", str(tmp_path / "nothing")) == {FULL: 1}


def recorded(seeds, limit=0):
    """Return a side with recorded trials of these seeds; that of one meets the time limit."""
    records = [make(seed) for seed in seeds]
    for record in records:
        record["environment"]["time_limit"] = 40
        if record["seed"] == limit:
            record["episodes"][0][0][1] = 40
    return Recorded({FULL: Baseline.of(records)})


@pytest.mark.parametrize(
    ("seeds", "found"), [(range(1, 13), 5), (range(1, 5), 1), (range(3, 9), 5), (range(2, 4), 2)]
)
def test_recorded_sides_are_compared_by_a_seed_that_both_have(seeds, found):
    sides = [recorded(range(1, 13), limit=5), recorded(seeds)]
    assert options.first_seeds([FULL], "9.0.0", "nowhere", sides) == {FULL: found}


def test_recorded_sides_without_a_seed_in_common_are_refused():
    sides = [recorded([1, 2]), recorded([3, 4])]
    with pytest.raises(ValueError, match="no seed of modelv2-tf/full is both's"):
        options.first_seeds([FULL], "9.0.0", "nowhere", sides)


def raising(error):
    """Return a function that raises an error."""

    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("--variants: nonsense"), 4, "error: --variants: nonsense\n"),
        (Unresolved("no network"), 4, "error: no network\n"),
        (OSError(28, "No space left on device"), 4, "error: [Errno 28] No space left on device\n"),
        (TrialFailed("x", True), 12, "error: the machine failed, and nothing is lost: x\n"),
        (
            KeyboardInterrupt(),
            2,
            "interrupted: what was trained is kept; the same command goes on\n",
        ),
    ],
)
def test_what_stops_a_command_is_one_line(capsys, error, status, said):
    with pytest.raises(SystemExit) as exited:
        options.exit_with(raising(error))
    assert (exited.value.code, capsys.readouterr().err) == (status, said)
