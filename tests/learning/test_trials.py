"""Each trial trains, and RLlib's own metric says what our wrapper counted."""

import math

import pytest

from fixtures.variants import STEPS

WINDOW = 100
"""RLlib's metric averages the episodes of an iteration, and at least this many of the last."""


@pytest.mark.records
def test_trials_train_as_many_steps_as_asked(records_of, plan, name):
    """Every iteration takes 4,000 steps; a sampler may look one step ahead, once."""
    for record in records_of(name):
        steps = record["steps"]
        assert sum(steps) - len(steps) * STEPS in (0, 1), (record["seed"], steps)


@pytest.mark.records
def test_reported_metric_is_the_mean_of_the_episodes_counted(records_of, plan, name):
    """RLlib reports the mean return of the iteration's episodes, and at least the last 100."""
    for record in records_of(name):
        check_reported_metric(record)


def check_reported_metric(record):
    """Compare RLlib's metric with our count, iteration by iteration."""
    returns, iterations, step = [], [], 0
    for value, length in (episode for episodes in record["episodes"] for episode in episodes):
        # By environment steps: where the sampler looks one step ahead, an episode that ends
        # there is known to RLlib in the next iteration only.
        step += length
        returns.append(value)
        iterations.append(math.ceil(step / STEPS))
    for number, reported in enumerate(record["reported"], 1):
        ended = sum(iteration <= number for iteration in iterations)
        window = returns[:ended][-max(WINDOW, iterations.count(number)) :]
        where = f"seed {record['seed']}, iteration {number}"
        assert reported == pytest.approx(sum(window) / len(window)), where
