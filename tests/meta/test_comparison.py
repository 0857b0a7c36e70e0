"""Two sides are judged by one seed, and by more where that one differs."""

import pytest
from packaging.version import Version

from fixtures.baselines.files import Baseline, save
from fixtures.comparing import compare as comparing
from fixtures.comparing.comparison import Comparison, refuse_what_finds_nothing, train_all
from fixtures.comparing.elsewhere import Recorded
from fixtures.comparing.opening import common_backends, open_side, settled
from fixtures.comparing.sides import Side, read
from fixtures.judging.outcome import ExitStatus, Outcome
from fixtures.judging.seeds import fresh_seeds
from fixtures.judging.sequential import Rule
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed
from tests.meta.fake_sides import FakeSide
from tests.meta.repositories import git
from tests.meta.sample_records import make
from tests.meta.test_gate import rewards

FULL, STACKED = Subject("modelv2-tf", "full"), Subject("modelv2-tf", "stacked")


def trains(shift=0, fails=(), **levels):
    """Return a side of which each variant earns its level, and each seed a little more or less."""

    def record(spec):
        if (spec.variant, spec.seed) in fails:
            return None
        return make(spec.seed, rewards(spec.seed + shift, levels[spec.variant]), spec.variant)

    return FakeSide(record)


def judge(old, new, subjects=(FULL,), trials=16, budget=16, tolerance=Rule.tolerance):
    rule = Rule(variants=len(subjects), tolerance=tolerance).within(budget)
    first = dict.fromkeys(subjects, 1)
    return Comparison(old, new, rule, trials, first, 2, lambda text: None).judged()


def test_two_trials_are_enough_where_nothing_changed():
    old, new = trains(full=1.0), trains(full=1.0)
    verdict = judge(old, new)[FULL]
    assert verdict.learned is Outcome.IDENTICAL
    assert old.seeds("full") == new.seeds("full") == [1]


@pytest.mark.parametrize(
    ("level", "learned"),
    [(0.7, Outcome.REGRESSED), (1.0, Outcome.NO_REGRESSION), (1.4, Outcome.IMPROVED)],
)
def test_fresh_trials_of_both_sides_judge_what_changed(level, learned):
    old, new = trains(full=1.0), trains(shift=1, full=level)
    verdict = judge(old, new)[FULL]
    assert verdict.learned is learned
    assert old.seeds("full") == list(range(1, 17))
    assert set(old.seeds("full")) & set(new.seeds("full")) == {1}


def test_only_what_changed_is_trained_on():
    old = trains(full=1.0, stacked=1.0)
    new = trains(shift=0, full=1.0, stacked=0.6)
    judged = judge(old, new, (FULL, STACKED))
    assert judged[FULL].learned is Outcome.IDENTICAL
    assert judged[STACKED].learned is Outcome.REGRESSED
    assert old.seeds("full") == [1] and len(old.seeds("stacked")) == 16


def recorded(number, shift=0, level=1.0):
    """Return a side whose trials are recorded."""
    records = [
        make(seed, rewards(seed + shift, level), "stacked") for seed in range(1, number + 1)
    ]
    return Recorded({STACKED: Baseline.of(records)})


@pytest.mark.parametrize("number", [48, 16, 12])
def test_recorded_trials_train_nothing_and_share_one_seed(number):
    old, new = recorded(number), recorded(number, 1, 0.6)
    verdict = judge(old, new, (STACKED,))[STACKED]
    assert verdict.learned is Outcome.REGRESSED
    of_old = {record["seed"] for record in verdict.baseline.records}
    assert of_old & {record["seed"] for record in verdict.records} == {1}


def test_fewer_recorded_trials_than_the_budget_are_enough():
    verdict = judge(trains(stacked=1.0), recorded(12, 1, 0.6), (STACKED,))[STACKED]
    assert verdict.learned is Outcome.REGRESSED


def test_a_newer_side_that_fails_is_broken_and_costs_no_more_trials():
    old, new = trains(full=1.0), trains(fails=[("full", 1)], full=1.0)
    verdict = judge(old, new)[FULL]
    assert verdict.learned is Outcome.BROKEN and "out of luck" in verdict.failure
    assert old.seeds("full") == [1]


def test_an_older_side_that_fails_has_nothing_to_hold_to():
    old, new = trains(fails=[("full", 1)], full=1.0), trains(full=1.0)
    assert str(judge(old, new)[FULL]) == "out of luck"


def test_a_trial_that_fails_among_others_is_no_endless_loop():
    """The look at 6 trials wants two at a time: the first of these fails, the second does not."""
    fresh = fresh_seeds(*FULL, 15)
    new = trains(shift=1, full=0.999, fails=[("full", fresh[3])])
    assert judge(trains(full=1.0), new, tolerance=0.001)[FULL].learned is Outcome.BROKEN
    assert new.seeds("full") == [1, *fresh[:3], fresh[4]]


def test_trials_in_which_no_episode_ended_are_broken():
    def without_episodes(spec):
        return {**make(spec.seed), "episodes": [[], []]}

    new = FakeSide(without_episodes)
    assert judge(trains(full=1.0), new)[FULL].learned is Outcome.BROKEN
    assert isinstance(judge(FakeSide(without_episodes), trains(full=1.0))[FULL], TrialFailed)


def test_an_interrupted_command_trains_no_more():
    trained = []

    def interrupted(spec):
        trained.append(spec.seed)
        raise KeyboardInterrupt

    side = FakeSide(interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_all([(side, side.request(*FULL, seed)) for seed in range(1, 30)], 2, print)
    assert len(trained) < 10


def test_too_few_trials_are_refused():
    with pytest.raises(ValueError, match="with 1 trials of the older side, and 16"):
        refuse_what_finds_nothing(Rule(), 1)


@pytest.mark.parametrize(
    ("shift", "level", "fail_on", "status"),
    [
        (0, 1.0, "change", ExitStatus.PASSED),
        (1, 1.0, "regression", ExitStatus.PASSED),
        (1, 1.0, "change", ExitStatus.CHANGED),
        (1, 0.5, "change", ExitStatus.REGRESSED),
    ],
)
def test_it_exits_as_a_gate_does(shift, level, fail_on, status):
    judged = judge(trains(full=1.0), trains(shift=shift, full=level))
    assert comparing.exit_status(judged, fail_on) is status


@pytest.mark.parametrize(
    ("by_machine", "status"),
    [(False, ExitStatus.BROKEN), (True, ExitStatus.BROKEN_BY_MACHINE)],
)
def test_a_side_that_fails_is_no_pass(by_machine, status):
    fails, learns = FakeSide(lambda spec: None, by_machine), trains(full=1.0)
    for sides in ((fails, learns), (learns, fails)):
        judged = judge(*sides)
        assert comparing.exit_status(judged, "regression") is status
        facts = comparing.facts_of_either(FULL, judged[FULL], sides[1])
        assert "out of luck" in str(facts)


@pytest.mark.parametrize("text", ["2.59", "ray-2.59", "2.59.0"])
def test_a_release_may_be_called_by_its_minor_version(text):
    assert str(read(text).version) == "2.59.0"


@pytest.mark.parametrize("text", ["2.55.1", "ray-2.55.1"])
def test_a_release_is_a_side(text):
    side = read(text)
    assert (side.version, side.title) == (Version("2.55.1"), "ray 2.55.1")


def test_a_checkout_is_laid_over_the_other_side_or_the_release_that_is_named(tmp_path):
    for name in ("algorithms", "policy"):
        (tmp_path / "rllib" / name).mkdir(parents=True)
    side = read(str(tmp_path))
    assert side.rllib == tmp_path / "rllib" and side.version is None
    old, new = settled(read("2.59.0"), side)
    assert new.version == Version("2.59.0")
    assert new.title == f"ray 2.59.0 with the RLlib of {tmp_path}"
    named = read(f"{tmp_path}@2.58.0")
    assert settled(read("2.59.0"), named)[1].version == Version("2.58.0")
    with pytest.raises(ValueError, match="say over which release"):
        settled(side, side)


def test_the_folder_of_a_release_is_a_side(tmp_path):
    place = tmp_path / "ray-9.0.0"
    save(tmp_path, [make(seed) for seed in (1, 2)])
    (place / "requirements.txt").write_text("ray==9.0.0\n")
    side = read(str(place))
    assert side.recorded == place and side.title == "ray-9.0.0 as recorded"


def test_the_folder_of_a_release_is_a_side_as_a_commit_has_it(tmp_path, monkeypatch):
    repository = tmp_path / "repository"
    save(repository / "baselines", [make(seed) for seed in (1, 2)])
    (repository / "baselines" / "ray-9.0.0" / "requirements.txt").write_text("ray==9.0.0\n")
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "two seeds")
    save(repository / "baselines", [make(seed) for seed in (1, 2, 3)])
    monkeypatch.chdir(repository)
    side = read("HEAD:baselines/ray-9.0.0", tmp_path / "cache")
    assert side.title == "ray-9.0.0 as recorded in HEAD"
    source = open_side(side, [FULL], None, tmp_path, {})
    assert source.seeds(FULL) == [1, 2]
    for text, why in (("nonsense:baselines", "git: "), ("HEAD:nonsense", "git: ")):
        with pytest.raises(ValueError, match=why):
            read(text, tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "names no release"),
        ("./nonsense", "there is no such folder"),
        ("nonsense.whl", "there is no such wheel"),
        ("{folder}", "neither the folder of a release"),
        ("{folder}/x.whl", "Invalid wheel"),
        ("{folder}/torch-2.13.0-py3-none-any.whl", "a wheel of torch, and not of ray"),
        ("{folder}/ray-2.60.0-cp311-cp311-win32.whl", "for another platform"),
    ],
)
def test_what_is_no_side_is_refused(tmp_path, text, why):
    for name in ("x.whl", "torch-2.13.0-py3-none-any.whl", "ray-2.60.0-cp311-cp311-win32.whl"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=why):
        read(text.format(folder=tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "backend"),
    [
        ("2.59.0", "2.60.0", "rlmodule-torch"),
        ("2.39.0", "2.40.0", "rlmodule-torch"),
        ("2.3.1", "2.4.0", "modelv2-torch"),
        ("1.13.0", "2.60.0", "modelv2-tf"),
        ("2.60.0", "1.8.0", "modelv2-tf"),
    ],
)
def test_the_newest_default_that_both_offer_is_compared(old, new, backend):
    assert common_backends(read(old), read(new)) == [backend]


def test_a_backend_that_one_side_lacks_is_refused():
    with pytest.raises(ValueError, match="ray 1.13.0 has no rlmodule-torch: the first is 2.10"):
        common_backends(read("1.13.0"), read("2.60.0"), ["rlmodule-torch"])
    with pytest.raises(ValueError, match="there is no backend 'nonsense'"):
        common_backends(read("2.59.0"), read("2.60.0"), ["nonsense"])


def test_sides_are_plain_values():
    assert read("2.60.0") == Side("2.60.0", Version("2.60.0"))
