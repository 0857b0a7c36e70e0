"""A gate trains what a verdict needs, and no more."""

import pytest

from fixtures.baselines.files import Baseline
from fixtures.judging.gate import Gate
from fixtures.judging.outcome import Outcome
from fixtures.judging.seeds import order_of_seeds
from fixtures.judging.sequential import Rule
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed, TrialSpec
from tests.meta.sample_records import make

SPREAD = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5]


def rewards(seed, level=1.0):
    """Return rewards by iteration that differ a little between seeds."""
    return 20.0, level * (100.0 + SPREAD[seed % 6] + seed / 100)


FULL, STACKED = Subject("modelv2-tf", "full"), Subject("modelv2-tf", "stacked")

BASELINES = {
    subject: Baseline(
        "ray-9.0.0/modelv2-tf",
        subject.variant,
        tuple(make(seed, rewards(seed), subject.variant) for seed in range(1, 25)),
    )
    for subject in (FULL, STACKED)
}

PLATFORM = make(1)["platform"]


class FakeTrials:
    """Stands in for Trials: each variant earns its level, and each seed a little more or less."""

    def __init__(self, shift=0, by_machine=None, **levels):
        self.trained = []
        self.shift = shift
        self.levels = levels
        self.by_machine = by_machine

    def request(self, backend, variant, seed):
        """Name a trial."""
        assert backend == "modelv2-tf"
        return TrialSpec(backend, variant, seed)

    def finished(self, spec):
        """Return the record of what was trained."""
        if (spec.variant, spec.seed) not in self.trained:
            return None
        level = self.levels[spec.variant]
        return make(spec.seed, rewards(spec.seed + self.shift, level), spec.variant)

    def obtain(self, spec, others):
        """Note that the trial is trained, and return its record; or fail."""
        if self.by_machine is not None:
            raise TrialFailed("out of luck\nand more", self.by_machine)
        assert spec in others()
        self.trained.append((spec.variant, spec.seed))
        return self.finished(spec)


def judge(trials, **rule):
    """Return the verdict on full, in a gate over two subjects."""
    return Gate(trials, Rule(variants=2, **rule), BASELINES, PLATFORM).verdict(FULL)


def test_one_trial_is_enough_where_nothing_changed():
    trials = FakeTrials(full=1.0)
    verdict = judge(trials)
    assert verdict.learned is Outcome.IDENTICAL
    assert trials.trained == [("full", 1)] and len(verdict.records) == 1


def test_two_trials_are_enough_where_bits_changed_and_rewards_did_not():
    trials = FakeTrials(shift=1, full=1.0)
    verdict = judge(trials)
    assert verdict.learned is Outcome.NO_REGRESSION
    assert trials.trained == [("full", 1), ("full", 2)]
    assert "episodes" in str(verdict.difference)


@pytest.mark.parametrize(("level", "outcome"), [(0.7, Outcome.REGRESSED), (1.3, Outcome.IMPROVED)])
def test_three_trials_are_enough_for_a_large_change(level, outcome):
    trials = FakeTrials(full=level)
    verdict = judge(trials)
    assert verdict.learned is outcome
    assert [seed for _, seed in trials.trained] == [1, 2, 3]
    assert verdict.change == pytest.approx((level - 1) * 100 / 120, abs=0.05)


def test_a_spent_budget_does_not_pass():
    trials = FakeTrials(shift=1, full=0.995)
    verdict = judge(trials, tolerance=0.005, looks=(2, 4))
    assert verdict.learned is Outcome.INCONCLUSIVE
    assert len(trials.trained) == 4


@pytest.mark.parametrize(
    ("by_machine", "outcome"), [(False, Outcome.BROKEN), (True, Outcome.BROKEN_BY_MACHINE)]
)
def test_a_trial_that_fails_breaks_its_subject_alone(by_machine, outcome):
    trials = FakeTrials(by_machine=by_machine, full=1.0)
    gate = Gate(trials, Rule(variants=2), BASELINES, PLATFORM)
    verdict = gate.verdict(FULL)
    assert verdict.learned is outcome and "out of luck" in verdict.failure
    assert verdict.records == []
    trials.by_machine = None
    trials.levels["stacked"] = 1.0
    assert gate.verdict(STACKED).learned is Outcome.IDENTICAL
    assert gate.verdict(FULL) is verdict


def test_a_trial_that_ended_too_few_episodes_is_broken():
    """There is nothing to judge, and no reason to blame what was learned."""

    class Short(FakeTrials):
        def finished(self, spec):
            """Return a record of 50 episodes."""
            record = super().finished(spec)
            return record and {**record, "episodes": [record["episodes"][0][:50]]}

    verdict = judge(Short(full=1.0))
    assert verdict.learned is Outcome.BROKEN and verdict.records == []
    assert "full, seed 1: 50 episodes ended, and a learned reward needs 100" in verdict.failure
    assert "python -m fixtures.training full --seed 1" in verdict.failure


def test_a_run_that_waits_trains_what_the_other_subjects_need():
    """And never what a subject that has its verdict would not."""
    offered = []

    class Watched(FakeTrials):
        def obtain(self, spec, others):
            """Note which trials the gate offers to train meanwhile."""
            offered.append([(other.variant, other.seed) for other in others()])
            return super().obtain(spec, others)

    trials = Watched(full=1.0, stacked=0.5)
    gate = Gate(trials, Rule(variants=2), BASELINES, PLATFORM)
    gate.verdict(FULL)
    gate.verdict(STACKED)
    assert offered[0] == [("full", 1), ("stacked", 1)]
    assert offered[1] == [("stacked", 1)]
    assert offered[-1] == [("stacked", 3)]


def test_records_that_are_there_already_are_judged_without_training():
    trials = FakeTrials(full=0.7)
    trials.trained = [("full", seed) for seed in range(1, 9)]
    verdict = judge(trials)
    assert verdict.learned is Outcome.REGRESSED and len(verdict.records) == 3
    assert len(trials.trained) == 8


AMD, INTEL = {"processor": "AMD 1"}, {"processor": "Intel 1"}


@pytest.mark.parametrize(
    ("platform", "order"),
    [
        (AMD, [1, 2, 3, 4, 5]),
        (INTEL, [21, 1, 2, 3, 4]),
        ({"processor": "Intel 2"}, [21, 1, 2, 3, 4]),
        ({"processor": "another"}, [1, 2, 3, 4, 5]),
        ({}, [1, 2, 3, 4, 5]),
    ],
)
def test_the_first_seed_is_one_that_was_recorded_on_such_a_machine(platform, order):
    records = [{**make(seed), "platform": AMD if seed < 21 else INTEL} for seed in range(1, 25)]
    baseline = Baseline("ray-9.0.0/modelv2-tf", "full", tuple(records))
    assert order_of_seeds(baseline, platform, 5) == order
