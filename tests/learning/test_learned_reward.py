"""What the installed stack learns, held to a baseline."""

from statistics import mean

import pytest

from fixtures import report, verdict
from fixtures.record import learned_reward


def test_learned_reward_is_not_below_the_baseline(trial, plan, say, name):
    """The mean over the gate's seeds reaches the bound derived from the baseline's trials."""
    candidate = [trial(name, seed) for seed in plan.seeds]
    baseline = plan.baselines[name]
    judgement = verdict.judge(
        [learned_reward(record) for record in baseline.records],
        [learned_reward(record) for record in candidate],
        variants=len(plan.variants),
    )
    say(report.verdict_line(baseline, judgement))
    if not judgement.passed:
        pytest.fail(report.failure(baseline, candidate, judgement), pytrace=False)


@pytest.mark.parametrize(("more", "less"), [("full", "stacked"), ("stacked", "stateless")])
def test_seeing_more_learns_more(trial, plan, more, less):
    """full > stacked > stateless, on the installed stack, for the mean over the gate's seeds."""
    rewards = {
        name: [learned_reward(trial(name, seed)) for seed in plan.seeds] for name in (more, less)
    }
    assert mean(rewards[more]) > mean(rewards[less]), rewards
