"""The failure message: what a person needs to believe it, and to go on."""

import pytest

from fixtures import report, verdict
from fixtures.baselines import Baseline
from fixtures.record import curve, differences, learned_reward
from tests.meta.records import make

BASELINE = Baseline("ray-9.0.0", "full", tuple(make(seed) for seed in (1, 2, 3, 4)))


def fallen(seed):
    """Return a record of a newer stack that learned nothing."""
    record = make(seed, rewards=(20.0, 20.0), stack="ray-9.1.0")
    record["config"]["lr"] = 5e-06
    return record


def message():
    """Return the text of a failure, and its judgement."""
    candidate = [fallen(seed) for seed in (1, 2)]
    judgement = verdict.judge(
        [30.0, 30.5, 29.5, 30.2], [learned_reward(record) for record in candidate], variants=4
    )
    assert not judgement.passed
    return report.failure(BASELINE, candidate, judgement), judgement


def test_a_failure_shows_the_threshold_and_its_rule():
    text, judgement = message()
    assert f"under the threshold {judgement.threshold:.2f}" in text
    assert f"mean - {judgement.factor:.3f} sd of 4 baseline trials" in text
    assert "with probability 0.25% at most (with 98.75% confidence)" in text


def test_a_failure_shows_both_sides_by_iteration_and_by_seed():
    lines = [line.split() for line in message()[0].splitlines()]
    assert ["baseline", "mean", "20.00", "40.00", "32.00"] in lines
    assert ["candidate", "mean", "20.00", "20.00", "20.00"] in lines
    assert ["seed", "2", "baseline", "20.00", "40.00", "32.00"] in lines
    assert ["seed", "2", "candidate", "20.00", "20.00", "20.00"] in lines


def test_a_failure_shows_what_else_differs():
    text, _ = message()
    assert "versions that differ: ray 9.0.0 -> 9.1.0" in text
    assert "lr 5e-05 became 5e-06" in text and "model" not in text


def test_a_failure_shows_how_to_repeat_one_trial():
    assert message()[0].splitlines()[-1].strip() == (
        "python -m fixtures.trial full --seed 1 --iterations 2"
    )


@pytest.mark.parametrize(("spread", "blind"), [(0.5, False), (9.0, True)])
def test_a_judgement_that_cannot_fail_is_inconclusive(spread, blind):
    """The trials of BASELINE earned 20 in their first iteration."""
    rewards = [30.0 - spread, 30.0, 30.0 + spread]
    judgement = verdict.judge(rewards, rewards, variants=1)
    line = report.verdict_line(BASELINE, judgement)
    assert line.split()[1] == ("inconclusive" if blind else "no")
    assert ("learning nothing after iteration 1, 20.00, would pass too" in line) == blind


def test_an_edited_rllib_counts_as_another_version():
    edited = {**make(1), "source": "f" * 16}
    assert report.differing_versions(BASELINE, edited) == [
        "the source of rllib 0123456789abcdef -> ffffffffffffffff"
    ]
    assert report.differing_versions(BASELINE, make(1)) == []


def test_a_learned_reward_is_the_mean_of_the_last_100_episodes():
    record = make(1)
    record["episodes"] = [[[10.0, 10]] * 150 + [[20.0, 20]] * 50, [[40.0, 40]] * 50]
    assert curve(record) == [12.5, 40.0]
    assert learned_reward(record) == (50 * 20 + 50 * 40) / 100


def test_a_trial_of_few_episodes_has_no_learned_reward():
    record = make(1)
    record["episodes"] = [[[10.0, 10]] * 99]
    with pytest.raises(ValueError, match="full, seed 1: 99 episodes ended, .* needs 100"):
        learned_reward(record)


def test_differences_name_the_first_thing_that_differs_first():
    one, other = make(1), make(1)
    assert differences(one, other) == []
    other["cost"]["startup"] = [9.0, 9.0]
    assert differences(one, other) == []
    other["weights"][1] = "another"
    other["reported"] = [20.0, 40.5]
    other["config"]["lr"] = 1.0
    assert differences(one, other) == [
        "config: lr 5e-05 became 1.0",
        "reported: from iteration 2 on",
        "weights: from iteration 2 on",
    ]
