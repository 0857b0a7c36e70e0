"""Intervals hold the value that they are for as often as they state."""

import numpy as np
import pytest
from scipy.stats import t

from fixtures.judging.intervals import (
    candidate_interval,
    change_interval,
    mean_interval,
    prediction_p,
    relative_change,
)


def test_one_further_draw_lies_as_far_out_as_often_as_stated():
    """For vectors whose numbers hang together, as the iterations of a curve do."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(3, 3))
    samples = random.normal(size=(4000, 13, 3)) @ mixing
    p = [prediction_p(sample[:-1], sample[-1]) for sample in samples]
    for level in (0.01, 0.1, 0.5):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=4 * (level / 4000) ** 0.5)


def test_in_one_dimension_it_is_students_t():
    sample, point = [1.0, 2.0, 4.0, 8.0], 9.5
    distance = (point - np.mean(sample)) / (np.std(sample, ddof=1) * np.sqrt(1 + 1 / 4))
    expected = 2 * t.sf(distance, 3)
    assert prediction_p([[value] for value in sample], [point]) == pytest.approx(expected)


def test_an_interval_needs_a_spread_and_a_prediction_more_samples_than_numbers():
    with pytest.raises(ValueError, match="needs 2 values"):
        mean_interval([1.0], 0.1)
    with pytest.raises(ValueError, match="2 numbers needs more than 2 samples, not 2"):
        prediction_p([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])


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


@pytest.mark.parametrize(("level", "stake"), [(0, 10.0), (-10, None)])
def test_change_interval_holds_a_change_of_returns_about_0_and_below(level, stake):
    random = np.random.default_rng(0)
    inside = 0
    for trials in random.normal(level, 1, (2000, 18)):
        low, high = change_interval(trials[:12], trials[12:] - 3, error=0.1, stake=stake)
        inside += low <= -0.3 <= high
    assert 0.89 <= inside / 2000 < 0.94


def test_a_change_is_a_share_of_the_size_of_the_mean_or_of_the_stake():
    assert relative_change([10.0, 10.0], [8.0]) == pytest.approx(-0.2)
    assert relative_change([-10.0, -10.0], [-12.0]) == pytest.approx(-0.2)
    assert relative_change([1.0, -1.0], [-2.4], stake=12.0) == pytest.approx(-0.2)


def test_too_few_trials_have_no_change_interval():
    assert change_interval([1.0, 2.0], [1.5], error=0.05) is None
