"""A gate trains what a verdict needs, and no more."""

import pytest

from fixtures.baselines.files import Baseline
from fixtures.judging.gate import Gate
from fixtures.judging.outcome import Outcome
from fixtures.judging.seeds import meets_the_limit, order_of_seeds
from fixtures.judging.sequential import Rule
from fixtures.judging.verdict import Candidate
from fixtures.judging.verdict import judge as judge_records
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed, TrialSpec
from tests.meta.sample_records import make

SPREAD = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5]


def rewards(seed, level=1.0):
    """Return rewards by iteration that differ a little between seeds."""
    return 20.0, level * (100.0 + SPREAD[seed % 6] + seed % 25 / 100)


FULL, STACKED = Subject("modelv2-tf", "full"), Subject("modelv2-tf", "stacked")

ATTENTION, LSTM = Subject("modelv2-tf", "attention"), Subject("modelv2-tf", "lstm")


def of_variant(subject):
    """Return a baseline of 24 seeds."""
    return Baseline.of([make(seed, rewards(seed), subject.variant) for seed in range(1, 25)])


BASELINES = {subject: of_variant(subject) for subject in (FULL, STACKED)}

PLATFORM = make(1)["platform"]

FRESH = {
    subject: order_of_seeds(baseline, subject.backend, PLATFORM, 16)[1:]
    for subject, baseline in BASELINES.items()
}
"""The seeds of each subject that no baseline holds, in the order of their training."""


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

    def of(self, variant):
        """Return the seeds of a variant that were trained."""
        return [seed for name, seed in self.trained if name == variant]


def judge(trials, **rule):
    """Return the verdict on full, in a gate over two subjects."""
    return Gate(trials, Rule(variants=2, **rule), BASELINES, PLATFORM).verdict(FULL)


def test_one_trial_is_enough_where_nothing_changed():
    trials = FakeTrials(full=1.0)
    verdict = judge(trials)
    assert verdict.learned is Outcome.IDENTICAL
    assert trials.trained == [("full", 1)] and len(verdict.records) == 1


def test_two_trials_are_enough_where_bits_changed_and_rewards_did_not():
    trials = FakeTrials(shift=1, full=1.0, stacked=1.0)
    verdict = judge(trials)
    assert verdict.learned is Outcome.NO_REGRESSION
    assert trials.of("full") == [1, *FRESH[FULL][:1]]
    assert "episodes" in str(verdict.difference)


@pytest.mark.parametrize(("level", "outcome"), [(0.7, Outcome.REGRESSED), (1.3, Outcome.IMPROVED)])
def test_three_trials_are_enough_for_a_large_change(level, outcome):
    trials = FakeTrials(full=level, stacked=1.0)
    verdict = judge(trials)
    assert verdict.learned is outcome
    assert trials.of("full") == [1, *FRESH[FULL][:2]] and trials.of("stacked") == [1]
    assert verdict.change == pytest.approx((level - 1) * 100 / 120, abs=0.05)


def test_a_spent_budget_does_not_pass():
    trials = FakeTrials(shift=1, full=0.995, stacked=1.0)
    verdict = judge(trials, tolerance=0.005, looks=(2, 4))
    assert verdict.learned is Outcome.INCONCLUSIVE
    assert len(trials.of("full")) == 4


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


def test_a_subject_that_breaks_while_another_waits_for_it_breaks_alone():
    class OneFails(FakeTrials):
        def obtain(self, spec, others):
            """Fail where it is stacked."""
            self.by_machine = False if spec.variant == "stacked" else None
            return super().obtain(spec, others)

    gate = Gate(OneFails(full=0.7), Rule(variants=2), BASELINES, PLATFORM)
    assert gate.verdict(FULL).learned is Outcome.REGRESSED
    assert gate.verdict(STACKED).learned is Outcome.BROKEN


def test_a_subject_that_breaks_after_its_first_look_stays_in_the_look_over_all():
    """So that each process, whichever meets the failure, says the same of the others."""

    class FailsAtTheThird(FakeTrials):
        def obtain(self, spec, others):
            """Fail where it is the third trial of stacked."""
            third = (spec.variant, spec.seed) == ("stacked", FRESH[STACKED][1])
            self.by_machine = False if third else None
            return super().obtain(spec, others)

    said = []
    for subjects in ([FULL, STACKED, FULL], [STACKED, FULL, STACKED]):
        trials = FailsAtTheThird(shift=1, full=1.0, stacked=1.0)
        gate = Gate(trials, Rule(variants=2, tolerance=0.005), BASELINES, PLATFORM)
        verdicts = [gate.verdict(subject) for subject in subjects]
        assert verdicts[0] is verdicts[2]
        assert gate.verdict(STACKED).learned is Outcome.BROKEN
        assert gate.verdict(FULL).together.variants == 2
        said.append((gate.verdict(FULL).learned, gate.verdict(FULL).together))
    assert said[0] == said[1]


def test_a_record_that_no_verdict_needs_is_not_read():
    class OthersAreShort(FakeTrials):
        def finished(self, spec):
            """Return a record of 50 episodes for what comes later."""
            record = super().finished(spec)
            if record and spec.seed in FRESH[FULL][2:]:
                record["episodes"] = [record["episodes"][0][:50]]
            return record

    trials = OthersAreShort(full=0.7, stacked=1.0)
    trials.trained = [("full", seed) for seed in (1, *FRESH[FULL])]
    assert judge(trials).learned is Outcome.REGRESSED


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
    assert offered[-1] == [("stacked", FRESH[STACKED][1])]


def test_records_that_are_there_already_are_judged_without_training():
    trials = FakeTrials(full=0.7, stacked=1.0)
    trials.trained = [("full", seed) for seed in (1, *FRESH[FULL][:7])] + [("stacked", 1)]
    verdict = judge(trials)
    assert verdict.learned is Outcome.REGRESSED and len(verdict.records) == 3
    assert len(trials.trained) == 9


def test_variants_that_each_lose_a_little_regress_together():
    """Neither could be told from chance with two trials; nothing more is trained."""
    trials = FakeTrials(full=0.9, stacked=0.9)
    gate = Gate(trials, Rule(variants=2), BASELINES, PLATFORM)
    for subject in (FULL, STACKED):
        verdict = gate.verdict(subject)
        assert verdict.learned is Outcome.TOGETHER and not verdict.learned.passes
        assert verdict.together.variants == 2 and verdict.together.p_no_loss < 0.0025
        assert len(verdict.records) == 2 and verdict.decision.looks[0].p_no_loss > 0.0025
    assert len(trials.trained) == 4


def test_a_variant_that_earns_no_less_does_not_regress_with_the_others():
    """It is judged alone, and the run fails all the same."""
    four = {subject: of_variant(subject) for subject in (FULL, STACKED, LSTM, ATTENTION)}
    trials = FakeTrials(full=0.9, stacked=0.9, lstm=0.9, attention=1.0005)
    gate = Gate(trials, Rule(variants=4), four, PLATFORM)
    for subject in (FULL, STACKED, LSTM):
        assert gate.verdict(subject).learned is Outcome.TOGETHER
    verdict = gate.verdict(ATTENTION)
    assert verdict.learned in (Outcome.NO_REGRESSION, Outcome.IMPROVED)
    assert verdict.together.alarm and verdict.together.variants == 4


def test_a_variant_in_which_nothing_changed_is_not_looked_at_together():
    trials = FakeTrials(full=0.9, stacked=1.0)
    gate = Gate(trials, Rule(variants=2), BASELINES, PLATFORM)
    assert gate.verdict(STACKED).learned is Outcome.IDENTICAL
    assert gate.verdict(FULL).learned is Outcome.REGRESSED
    assert gate.verdict(FULL).together is None


def test_each_process_comes_to_the_same_verdicts():
    """Also where all trials are there when it begins, and more than were needed."""
    trials = FakeTrials(full=0.9, stacked=0.9)
    trials.trained = [
        (subject.variant, seed) for subject, seeds in FRESH.items() for seed in (1, *seeds)
    ]
    gate = Gate(trials, Rule(variants=2), BASELINES, PLATFORM)
    for subject in (STACKED, FULL):
        assert gate.verdict(subject).learned is Outcome.TOGETHER
        assert len(gate.verdict(subject).records) == 2


AMD, INTEL = {"processor": "AMD 1"}, {"processor": "Intel 1"}


def order(records, platform):
    """Return the order of 5 seeds for a baseline of these records."""
    return order_of_seeds(Baseline.of(records), "modelv2-tf", platform, 5)


@pytest.mark.parametrize(
    ("platform", "first"),
    [
        (AMD, 1),
        (INTEL, 21),
        ({"processor": "Intel 2"}, 21),
        ({"processor": "another"}, 1),
        ({}, 1),
    ],
)
def test_the_first_seed_is_one_that_was_recorded_on_such_a_machine(platform, first):
    records = [{**make(seed), "platform": AMD if seed < 21 else INTEL} for seed in range(1, 25)]
    assert order(records, platform)[0] == first


def without_steps(record):
    """Return a record as older forms had it."""
    for iteration in record["trace"]["iterations"]:
        for update in iteration["updates"]:
            update.pop("steps", None)
    return record


def test_of_another_processor_a_record_with_every_stage_comes_first():
    records = [{**without_steps(make(seed)), "platform": AMD} for seed in range(1, 5)]
    records[2] = {**make(3), "platform": INTEL}
    assert order(records, {"processor": "AMD 2"})[0] == 3
    assert order(records, AMD)[0] == 1


def test_a_record_that_meets_the_time_limit_before_the_last_iteration_comes_first():
    """On whatever processor: nothing else shows what happens there."""
    records = [{**make(seed), "platform": AMD} for seed in range(1, 5)]
    for record, iteration in ((records[1], 0), (records[2], -1)):
        record["environment"] = {**record["environment"], "time_limit": 500}
        record["episodes"][iteration][7][1] = 500
    assert meets_the_limit(records[1]) and not meets_the_limit(records[2])
    assert order(records, AMD)[0] == order(records, INTEL)[0] == 2


def test_the_other_seeds_are_in_no_baseline_and_of_no_other_variant():
    taken = [seed for seeds in FRESH.values() for seed in seeds]
    assert len(taken) == len(set(taken)) == 30 and min(taken) > 48


def test_another_backend_held_to_the_same_baseline_trains_other_seeds():
    baseline = BASELINES[FULL]
    one, other = (
        order_of_seeds(baseline, backend, PLATFORM, 16)
        for backend in ("modelv2-tf", "modelv2-torch")
    )
    assert one[0] == other[0] and not set(one[1:]) & set(other[1:])


def test_a_twin_of_this_platform_is_what_a_trial_is_compared_with():
    """The seed meets the time limit on both; the record that counts is of another processor."""
    records = [{**make(seed), "platform": INTEL} for seed in (1, 2)]
    records.insert(1, {**make(1), "platform": AMD})
    for record in records[:2]:
        record["environment"] = {**record["environment"], "time_limit": 500}
        record["episodes"][0][7][1] = 500
    baseline = Baseline.of(records)
    assert order(records, AMD)[0] == order(records, INTEL)[0] == 1
    for platform in (AMD, INTEL):
        assert baseline.record(1, platform)["platform"] == platform
        candidate = Candidate.of(
            {**make(1), "platform": platform, "episodes": records[0]["episodes"]}
        )
        assert judge_records(Rule(), baseline, [candidate]).difference.exact
