"""What lies outside the spread of a baseline's trials is named; what seeds change is not."""

import copy

import numpy as np
import pytest

from fixtures.judging.outliers import first_outside
from tests.meta.sample_records import make

RANDOM = np.random.default_rng(0)


def trial(seed, factor=1.0):
    """Return a record whose gradients and value loss spread by a tenth, times a factor."""
    record = make(seed)
    for iteration in record["trace"]["iterations"]:
        for update in iteration["updates"]:
            update["losses"]["kl"] = float(np.exp(RANDOM.normal(-9, 3)))
            update["losses"]["vf_loss"] = float(RANDOM.normal(100, 10))
            update["gradients"]["value"] = [factor * float(RANDOM.normal(30, 3))]
    return record


BASELINE = [trial(seed) for seed in range(1, 25)]


def test_what_only_seeds_change_is_not_named():
    for seed in range(1, 24):
        assert first_outside(BASELINE, [trial(seed), trial(seed + 1)]) is None


def test_the_first_number_outside_is_named_with_what_the_baseline_has():
    outside = first_outside(BASELINE, [trial(9, 0.02), trial(10, 0.02)])
    assert str(outside.place) == "value gradients (gradients), iteration 1, update 1"
    assert outside.candidate == pytest.approx(0.6, abs=0.2)
    mean, least, largest = outside.baseline
    assert least < mean < largest and mean == pytest.approx(30, abs=3)
    assert outside.others == 3 and "and 3 more numbers" in str(outside)


def test_one_trial_says_nothing():
    assert first_outside(BASELINE, [trial(9, 0.02)]) is None


def test_candidates_on_both_sides_are_no_change():
    assert first_outside(BASELINE, [trial(9, 0.02), trial(10, 50.0)]) is None


def test_what_has_no_spread_may_not_change_at_all():
    changed = [copy.deepcopy(trial(seed)) for seed in (9, 10)]
    for record in changed:
        for iteration in record["trace"]["iterations"]:
            for update in iteration["updates"]:
                update["rows"] = 256
    assert "rows" in str(first_outside(BASELINE, changed))
