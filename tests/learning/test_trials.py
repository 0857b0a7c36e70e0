"""Each trial trains, and RLlib's own metric says what our wrapper counted."""

import pytest

from fixtures.variants import STEPS

WINDOW = 100
"""RLlib's metric averages the episodes of an iteration, and at least this many of the last."""


@pytest.mark.records
def test_trial_trains_as_many_steps_as_asked(trial, name, seed):
    """Every iteration takes 4,000 steps; a sampler may look one step ahead, once."""
    steps = trial(name, seed)["steps"]
    assert sum(steps) - len(steps) * STEPS in (0, 1), steps


def test_reported_metric_is_the_mean_of_the_episodes_counted(trial, name, seed):
    """RLlib reports the mean return of the last episodes, over what its documentation says."""
    record = trial(name, seed)
    returns = []
    for reported, episodes in zip(record["reported"], record["episodes"]):
        returns += [value for value, _ in episodes]
        window = returns[-max(WINDOW, len(episodes)) :]
        assert reported == pytest.approx(sum(window) / len(window))
