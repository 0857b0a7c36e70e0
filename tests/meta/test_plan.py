"""What a run has to do, worked out from plain options."""

import math
import pwd

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import save
from fixtures.judging.outcome import Outcome
from fixtures.plugin.options import Options
from fixtures.plugin.plan import Plan
from fixtures.rllib.backends import default_backend
from fixtures.rllib.matrix import Subject, installed_backends
from fixtures.stack import installed
from fixtures.training import slots
from tests.meta.sample_records import make

BACKEND = default_backend(installed.release())

STACK = installed.stack_name(BACKEND)

REWARDS = (20.0, 40.0, 60.0, 80.0, 100.0)


def planned(folder, **options):
    """Return the Plan of these options, on baselines in a folder."""
    return Plan(Options(folder, folder / "store", **options))


@pytest.fixture
def folder(tmp_path):
    """A folder with a baseline of full and one of lstm for the installed stack."""
    for variant in ("full", "lstm"):
        save(tmp_path, [make(seed, REWARDS, variant, STACK) for seed in range(1, 13)])
    return tmp_path


def test_a_plan_holds_what_the_options_name(folder):
    plan = planned(folder, variants="lstm,full", settings=["lr=0.1", "model=x"])
    assert plan.subjects == [Subject(BACKEND, "full"), Subject(BACKEND, "lstm")]
    assert plan.overrides == {"lr": 0.1, "model": "x"}
    assert plan.rule.variants == 2 and plan.rule.budget == 16
    assert plan.selections[BACKEND].stack == STACK and plan.is_own(plan.subjects[0])
    assert plan.seconds(plan.subjects[0]) == 10.0 and plan.seconds(None) == 0.0
    assert plan.verdicts == folder / "store" / "verdicts.json"


def test_a_run_over_all_says_what_it_cannot_judge(folder):
    plan = planned(folder, everything=True, backends=BACKEND)
    assert set(plan.baselines) == {Subject(BACKEND, "full"), Subject(BACKEND, "lstm")}
    outcomes = {outcome for outcome, _ in plan.unjudged.values()}
    assert outcomes <= {Outcome.NO_BASELINE, Outcome.NOT_OFFERED}
    assert len(plan.unjudged) == len(plan.subjects) - 2


def test_a_run_over_all_has_every_backend_that_is_installed(folder):
    assert planned(folder, everything=True).backends == installed_backends()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"variants": "blind"}, ValueError, "--variants: there is no variant 'blind'"),
        ({"backends": "jax"}, ValueError, "--backends: there is no backend 'jax'"),
        ({"variants": "stacked"}, BaselineError, "stacked.json is missing: record it"),
        ({"variants": "full", "budget": 1}, BaselineError, "no loss could ever be told"),
        ({"variants": "full", "against": "ray-0.1"}, BaselineError, "--against ray-0.1"),
        ({"variants": "full", "settings": ["lr"]}, ValueError, "written NAME=VALUE"),
        ({"recording": True, "settings": ["lr=1"]}, BaselineError, "neither --config"),
        ({"settings": ["seed=3"]}, ValueError, "--config seed: a trial sets this itself"),
        ({"settings": ["lr=NaN"]}, ValueError, "--config lr: nan is no value"),
        ({"time_limit": 0.0}, ValueError, "--time-limit: more than 0 seconds, not 0"),
        ({"time_limit": math.nan}, ValueError, "--time-limit: more than 0 seconds, not nan"),
        ({"time_limit": 1e12}, ValueError, "--time-limit: a week at most, not 1e"),
        ({"tolerance": 0.0}, ValueError, "--tolerance: between 0 and 1, not 0.0"),
        ({"budget": 0}, ValueError, "--budget: 1 to 96 trials, not 0"),
        ({"recording": True}, BaselineError, "requirements.txt is missing"),
    ],
)
def test_options_that_cannot_work_are_refused(folder, options, error, message):
    with pytest.raises(error, match=message):
        planned(folder, **options)


def test_a_baseline_of_about_0_is_refused_unless_something_is_at_stake(folder):
    rewards = (0.0, 0.5, -0.5, 0.25, 0.0)
    for variant in ("full", "cue_window"):
        save(folder, [signed(seed, rewards, variant) for seed in range(1, 13)])
    with pytest.raises(BaselineError, match="a loss can be no share of about 0. Give the variant"):
        planned(folder, variants="full")
    assert planned(folder, variants="cue_window").baselines


def signed(seed, rewards, variant):
    """Return a record of an environment that pays and takes."""
    record = make(seed, [reward + seed / 12 - 0.5 for reward in rewards], variant, STACK)
    record["environment"]["reward_range"] = [-1.0, 1.0]
    return record


@pytest.mark.parametrize("option", ["store", "verdicts", "baselines"])
def test_what_cannot_be_written_to_is_refused_before_anything_trains(folder, option):
    """Below a file there is no folder, whoever asks."""
    (folder / "file").touch()
    nowhere = folder / "file" / "below"
    places = {"baselines": folder, "store": folder / "store", "verdicts": folder / "verdicts.json"}
    places[option] = nowhere / "verdicts.json" if option == "verdicts" else nowhere
    with pytest.raises(ValueError, match=f"--{option}: .*below cannot be written to"):
        Plan(Options(recording=option == "baselines", **places))


def test_a_store_that_is_a_file_is_refused(folder):
    (folder / "file").touch()
    with pytest.raises(ValueError, match="--store: a folder, and .*file is none"):
        Plan(Options(folder, folder / "file"))


def test_what_is_recorded_depends_on_what_a_trial_costs(folder):
    """The lock says what is installed: everything else was refused above."""
    lock = folder / STACK / ".." / "requirements.txt"
    lock.resolve().write_text(f"ray=={installed.release()}\n")
    python = ".".join(installed.versions()["python"].split(".")[:2])
    (folder / STACK / ".." / "uv.toml").resolve().write_text(f'python-version = "{python}"\n')
    plan = planned(folder, recording=True)
    assert plan.records and plan.baselines == {}
    assert plan.seeds(Subject(BACKEND, "full")) == range(1, 49)
    assert plan.seeds(Subject(BACKEND, "lstm")) == range(1, 13)


def test_a_folder_that_is_not_there_is_named(folder):
    with pytest.raises(ValueError, match="--baselines: there is no folder .*nowhere: name it"):
        Plan(Options(folder / "nowhere", folder / "store"))


def test_a_user_without_a_home_is_refused_before_rllib_breaks(folder, monkeypatch):
    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(ValueError, match="HOME: this user has no home folder, and Ray needs one"):
        planned(folder)


def test_a_machine_without_a_place_for_slots_is_refused(folder, monkeypatch):
    def nowhere(name):
        raise OSError(f"there is no place for a private folder: {name}")

    monkeypatch.setattr(slots, "private_folder", nowhere)
    with pytest.raises(ValueError, match="there is no place for a private folder: slots"):
        planned(folder)
