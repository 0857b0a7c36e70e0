"""Intervals hold the value that they are for as often as they state."""

import numpy as np
import pytest

from fixtures.judging.intervals import (
    candidate_interval,
    change_interval,
    mean_interval,
    prediction_interval,
)


def test_prediction_interval_holds_the_next_value_as_often_as_stated():
    random = np.random.default_rng(0)
    samples = random.normal(size=(4000, 13))
    inside = 0
    for *earlier, following in samples.tolist():
        low, high = prediction_interval(earlier, 0.1)
        inside += low <= following <= high
    assert inside / len(samples) == pytest.approx(0.9, abs=0.015)


def test_prediction_interval_needs_a_spread():
    for interval in (prediction_interval, mean_interval):
        with pytest.raises(ValueError, match="needs 2 values"):
            interval([1.0], 0.1)


@pytest.mark.parametrize(
    "half_width",
    [
        lambda old, new: mean_interval(new.tolist(), 0.1),
        lambda old, new: candidate_interval(old, new, 0.1),
    ],
)
def test_an_interval_of_a_mean_holds_it_as_often_as_stated(half_width):
    """Of the values alone, and with the spread of the baseline."""
    random = np.random.default_rng(0)
    inside = 0
    for old, new in zip(random.normal(5, 1, (4000, 6)).tolist(), random.normal(5, 1, (4000, 2))):
        inside += abs(new.mean() - 5) <= half_width(old, new)
    assert inside / 4000 == pytest.approx(0.9, abs=0.015)


def test_change_interval_holds_the_change_as_often_as_stated():
    """Of returns that are far from normal; the rank sum is discrete, so it holds more often."""
    random = np.random.default_rng(0)
    inside = 0
    for old, new in zip(random.exponential(1, (2000, 12)), 0.7 * random.exponential(1, (2000, 6))):
        low, high = change_interval(old, new, error=0.1)
        inside += low <= -0.3 <= high
    assert 0.9 <= inside / 2000 < 0.94


def test_too_few_trials_have_no_change_interval():
    assert change_interval([1.0, 2.0], [1.5], error=0.05) is None
