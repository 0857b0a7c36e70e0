"""Each trial trains, and RLlib's own metric says what our wrapper counted."""

import math

import pytest

from fixtures.environments.variants import STEPS
from fixtures.rllib.backends import backend_named

pytestmark = [pytest.mark.trains, pytest.mark.per_subject, pytest.mark.also_recording]


def test_trials_train_as_many_steps_as_asked(records_of, subject):
    """Every iteration takes 4,000 steps; a sampler may look one step ahead, once."""
    for record in records_of(subject):
        steps = record["steps"]
        assert sum(steps) - len(steps) * STEPS in (0, 1), (record["seed"], steps)


def test_reported_metric_is_the_mean_of_the_episodes_counted(records_of, subject):
    """RLlib reports the mean return of the last episodes; of how many depends on its API."""
    for record in records_of(subject):
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
    backend, release = backend_named(record["backend"]), record["versions"]["ray"]
    for number, reported in enumerate(record["reported"], 1):
        ended = sum(iteration <= number for iteration in iterations)
        averaged = backend.episodes_averaged(release, iterations.count(number))
        window = returns[:ended][-averaged:]
        where = f"seed {record['seed']}, iteration {number}"
        assert reported == pytest.approx(sum(window) / len(window)), where
