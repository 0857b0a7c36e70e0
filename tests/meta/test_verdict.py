"""The threshold's rule: its formula, and the false-alarm rate that it states."""

import numpy as np
import pytest

from fixtures import verdict


@pytest.mark.parametrize(
    ("n", "confidence", "content", "published"),
    [
        (5, 0.95, 0.90, 3.407),
        (10, 0.95, 0.95, 2.911),
        (10, 0.95, 0.99, 3.981),
        (20, 0.95, 0.95, 2.396),
    ],
)
def test_factor_for_one_trial_is_the_tabulated_tolerance_factor(n, confidence, content, published):
    """One-sided normal tolerance factors as tables give them (ISO 16269-6, annex D)."""
    assert verdict.factor(n, 1, 1 - content, confidence) == pytest.approx(published, abs=0.002)


def test_unchanged_stacks_fail_no_more_often_than_stated():
    """Of many baselines, at least 95 % have a false-alarm rate within the stated one."""
    draw = np.random.default_rng(0)
    n, m, stated = 12, 5, 0.01
    baselines = draw.normal(100, 10, size=(20_000, n))
    bounds = baselines.mean(axis=1) - verdict.factor(n, m, stated) * baselines.std(axis=1, ddof=1)
    # The rate of each bound is exact: the mean of m trials is normal.
    rates = verdict.norm.cdf((bounds - 100) / (10 / np.sqrt(m)))
    assert np.mean(rates <= stated) == pytest.approx(verdict.CONFIDENCE, abs=0.005)


def test_the_rate_holds_for_a_run_over_all_its_variants():
    """With the stated confidence, and variants that are judged independently."""
    draw = np.random.default_rng(0)
    n, m, variants = 12, 5, 4
    judgement = verdict.judge(range(n), range(m), variants)
    baselines = draw.normal(size=(50_000, variants, n))
    bounds = baselines.mean(axis=2) - judgement.factor * baselines.std(axis=2, ddof=1)
    passes = verdict.norm.sf(bounds * np.sqrt(m)).prod(axis=1)
    assert np.mean(1 - passes <= verdict.FALSE_ALARM) >= verdict.CONFIDENCE


def test_variants_share_the_false_alarm_rate():
    trials = [90.0, 100.0, 110.0, 95.0, 105.0]
    one, four = (verdict.judge(trials, trials, variants=count) for count in (1, 4))
    assert one.false_alarm == verdict.FALSE_ALARM
    assert four.false_alarm == verdict.FALSE_ALARM / 4
    assert four.threshold < one.threshold


def test_judgement_turns_at_the_threshold():
    baseline = [90.0, 100.0, 110.0, 95.0, 105.0]
    threshold = verdict.judge(baseline, [0.0] * 5, variants=1).threshold
    assert verdict.judge(baseline, [threshold + 1e-9] * 5, variants=1).passed
    assert not verdict.judge(baseline, [threshold - 1e-9] * 5, variants=1).passed


@pytest.mark.parametrize(("n", "m"), [(0, 5), (1, 5), (12, 0)])
def test_too_few_trials_are_refused(n, m):
    with pytest.raises(ValueError, match="a threshold needs 2 baseline trials"):
        verdict.factor(n, m, 0.01)


def test_prediction_interval_holds_the_next_value_as_often_as_stated():
    draw = np.random.default_rng(0)
    samples = draw.normal(size=(4000, 13))
    inside = 0
    for *seen, following in samples.tolist():
        low, high = verdict.prediction_interval(seen, 0.1)
        inside += low <= following <= high
    assert inside / len(samples) == pytest.approx(0.9, abs=0.015)


def test_prediction_interval_needs_a_spread():
    with pytest.raises(ValueError, match="needs 2 values"):
        verdict.prediction_interval([1.0], 0.1)
