"""The sequential test: exact p-values, no more errors than it states, and when it decides."""

import math
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from fixtures.judging.outcome import Outcome
from fixtures.judging.ranks import (
    critical,
    critical_together,
    level,
    p_together,
    p_value,
    p_values,
)
from fixtures.judging.sensitivity import budget_needed, detects, rates
from fixtures.judging.sequential import (
    BUDGETS,
    CAUTIOUS,
    LOOKS,
    Rule,
    Together,
    Wanted,
    changed,
    decide,
    decide_many,
    decide_runs,
    decide_together,
    lowest_predicted,
)

RULE = Rule(variants=4)

SHAPES = {
    "normal": lambda random, size: random.normal(100, 13, size),
    "skewed": lambda random, size: 60 + random.exponential(20, size),
    "two-faced": lambda random, size: (
        random.choice([80.0, 110.0], size) + random.normal(0, 3, size)
    ),
    "heavy-tailed": lambda random, size: 100 + 6 * random.standard_t(3, size).clip(-12, 12),
}
"""Distributions that trials may have; a test of ranks holds its errors for all of them."""


def passed(outcomes):
    """Return which of many runs passed."""
    return (outcomes == Outcome.NO_REGRESSION) | (outcomes == Outcome.IMPROVED)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_unchanged_stack_fails_no_more_often_than_stated(shape):
    random = np.random.default_rng(0)
    trials = SHAPES[shape](random, (20_000, 24 + RULE.budget, 1))
    outcomes, _ = decide_many(RULE, trials[:, :24], trials[:, 24:])
    for outcome in (Outcome.REGRESSED, Outcome.IMPROVED):
        # Of one variant of four; three standard errors of the simulation on top.
        assert np.mean(outcomes == outcome) <= 0.0025 + 3 * np.sqrt(0.0025 / 20_000)


@pytest.mark.parametrize("spread", ["shrinks", "stays"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_loss_of_the_tolerance_passes_no_more_often_than_stated(shape, spread):
    random = np.random.default_rng(0)
    trials = SHAPES[shape](random, (20_000, 24 + RULE.budget, 1))
    lost = 0.8 * trials if spread == "shrinks" else trials - 0.2 * trials.mean()
    outcomes, _ = decide_many(RULE, trials[:, :24], lost[:, 24:])
    missed = np.mean(passed(outcomes))
    assert missed <= 0.05 + 3 * np.sqrt(0.05 / 20_000)


@pytest.mark.parametrize(
    ("change", "outcome"), [(-0.5, Outcome.REGRESSED), (0.5, Outcome.IMPROVED)]
)
def test_a_large_change_takes_three_trials(change, outcome):
    random = np.random.default_rng(0)
    old, new = random.normal(100, 5, 24), (1 + change) * random.normal(100, 5, 16)
    decision = decide(RULE, old, new)
    assert (decision.outcome, decision.trials) == (outcome, 3)


def test_no_change_and_a_small_spread_take_two_trials():
    random = np.random.default_rng(0)
    old, new = random.normal(100, 4, 24), random.normal(100, 4, 16)
    decision = decide(RULE, old, new)
    assert (decision.outcome, decision.trials) == (Outcome.NO_REGRESSION, 2)


def test_more_trials_are_wanted_until_there_is_a_verdict():
    old = list(np.linspace(50, 150, 24))
    assert decide(RULE, old, []) == Wanted(2)
    assert decide(RULE, old, [70.0] * 2) == Wanted(3, looked_at=2)
    assert decide(RULE, old, [70.0] * 3) == Wanted(4, looked_at=3)
    assert decide(RULE, old, [70.0] * 5) == Wanted(6, looked_at=4)


def test_a_spent_budget_is_inconclusive():
    decision = decide(RULE, np.linspace(10, 190, 24), [90.0, 88.0] * 8)
    assert (decision.outcome, decision.trials) == (Outcome.INCONCLUSIVE, 16)
    assert len(decision.looks) == len(RULE.looks)


def test_trials_after_the_verdict_do_not_change_it():
    old = np.linspace(95, 105, 24)
    assert decide(RULE, old, [100.0, 101.0]) == decide(RULE, old, [100.0, 101.0, 5.0, 5.0])


numbers = st.integers(80, 120).map(float)


@given(
    old=st.lists(numbers, min_size=5, max_size=24),
    new=st.lists(numbers, min_size=16, max_size=16),
    scale=st.sampled_from([0.5, 0.8, 1.0, 1.3]),
    moved=st.sampled_from([0, -100, -300]),
    stake=st.sampled_from([None, 50.0]),
)
def test_many_runs_at_once_are_decided_as_one_by_one(old, new, scale, moved, stake):
    """Ties included, a second statistic that runs the other way, returns about 0 and below."""
    rule = replace(RULE, stake=stake)
    for statistics in (1, 2):
        before, after = (
            np.stack([numbers, 200 - np.array(numbers)], axis=1)[:, :statistics] + moved
            for numbers in (old, [scale * value for value in new])
        )
        outcomes, trials = decide_many(rule, before[None], after[None])
        decision = decide(rule, before, after)
        assert (decision.outcome, decision.trials) == (outcomes[0], trials[0])


@pytest.mark.parametrize("loss", range(60, 122, 6))
def test_a_tie_at_the_loss_is_one_for_one_run_as_for_many(loss):
    """Returns at cue recall lie on a grid of 0.02, and so does the loss, but for rounding."""
    rule = replace(RULE, stake=12.0)
    random = np.random.default_rng(loss)
    for _ in range(40):
        old = random.integers(200, 280, 24) / 50
        new = random.integers(200, 280, 16) / 50 - loss / 50
        outcomes, trials = decide_many(rule, old[None, :, None], new[None, :, None])
        decision = decide(rule, old, new)
        assert (decision.outcome, decision.trials) == (outcomes[0], trials[0])


@pytest.mark.parametrize(
    ("level", "stake", "loss"), [(0, 100.0, 20.0), (-100, None, 20.0), (50, 100.0, 20.0)]
)
def test_returns_about_0_and_below_are_judged_with_the_stated_errors(level, stake, loss):
    """A loss is a share of the stake, or of the size of the mean; both rates hold, and more."""
    rule = replace(RULE, stake=stake)
    random = np.random.default_rng(0)
    trials = random.normal(level, 5, (20_000, 24 + rule.budget, 1))
    outcomes, _ = decide_many(rule, trials[:, :24], trials[:, 24:])
    assert np.mean(outcomes == Outcome.REGRESSED) < 0.01 / 4 + 0.001
    assert np.mean(outcomes == Outcome.NO_REGRESSION) > 0.99
    outcomes, _ = decide_many(rule, trials[:, :24], trials[:, 24:] - loss)
    assert np.mean(passed(outcomes)) < 0.05 + 0.005
    assert np.mean(outcomes == Outcome.REGRESSED) > 0.95


def test_what_earns_less_than_nothing_loses_by_earning_still_less():
    """By a factor its returns would come nearer to 0, which is a gain."""
    old = np.array([-100.0, -110.0, -90.0])
    for lost in changed(old, -0.2, None):
        assert lost.mean() == pytest.approx(-120)
    assert [part.tolist() for part in changed(old, -0.2, 50.0)] == [[-110.0, -120.0, -100.0]]
    old = np.linspace(-120, -80, 24)
    drop = detects(RULE, old)
    assert rates(RULE, old, -drop)[Outcome.REGRESSED] >= 0.95 and 0 < drop < 0.3
    drop = detects(replace(RULE, stake=100.0), np.linspace(-20, 20, 24))
    assert 0 < drop < 0.4


@given(
    olds=st.lists(st.lists(numbers, min_size=4, max_size=9), min_size=2, max_size=3),
    data=st.data(),
)
def test_a_look_over_many_runs_is_that_of_one(olds, data):
    variants = len(olds)
    rule = Rule(variants, false_alarm=0.2)
    news = data.draw(
        st.lists(
            st.lists(st.integers(40, 120).map(float), min_size=16, max_size=16),
            min_size=variants,
            max_size=variants,
        )
    )
    pairs = [
        (np.array(old)[None, :, None], np.array(new)[None, :, None])
        for old, new in zip(olds, news)
    ]
    outcomes, trials = decide_runs(rule, pairs)
    together = Together.look(rule, olds, news)
    for which, (old, new) in enumerate(zip(olds, news)):
        alone = decide(rule, old, new)
        decided = together.alarm and decide_together(rule, old, new) or alone
        assert (decided.outcome, decided.trials) == (outcomes[which, 0], trials[which, 0])


def test_the_law_of_several_rank_sums_together_is_that_of_all_orders():
    """Two variants, of 1 candidate among 2 and of 2 among 3, each order as likely."""

    def wins(trials, baseline):
        size = trials + baseline
        for places in combinations(range(size), trials):
            others = [place for place in range(size) if place not in places]
            yield [place for place in places], others

    pairs = list(product(wins(1, 2), wins(2, 3)))
    sums = [sum(a > b for new, old in both for a in new for b in old) for both in pairs]
    for both, won in zip(pairs, sums):
        expected = np.mean([other <= won for other in sums])
        assert p_together([new for new, _ in both], [old for _, old in both]) == pytest.approx(
            expected
        )
    for share in (0.02, 0.1, 0.5):
        most = critical_together([(1, 2), (2, 3)], share)
        assert np.mean([won <= most for won in sums]) <= share
        assert np.mean([won <= most + 1 for won in sums]) > share


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_over_unchanged_variants_fails_no_more_often_than_stated(shape):
    """With the look over all of them, whose share is a quarter."""
    random = np.random.default_rng(3)
    pairs = []
    for _ in range(RULE.variants):
        trials = SHAPES[shape](random, (20_000, 48 + RULE.budget, 1))
        pairs.append((trials[:, :48], trials[:, 48:]))
    outcomes, _ = decide_runs(RULE, pairs)
    together = (outcomes == Outcome.TOGETHER).any(0)
    assert together.mean() <= 0.0025 + 3 * np.sqrt(0.0025 / 20_000)
    regressed = (outcomes == Outcome.REGRESSED).any(0)
    assert (together | regressed).mean() <= 0.01 + 3 * np.sqrt(0.01 / 20_000)


def test_a_loss_of_a_tenth_everywhere_is_found_in_two_trials_of_each():
    """Where one variant alone would mostly pass: it is half of the tolerance."""
    random = np.random.default_rng(0)
    pairs = [
        (random.normal(100, 6, (4000, 48, 1)), 0.9 * random.normal(100, 6, (4000, 16, 1)))
        for _ in range(4)
    ]
    outcomes, trials = decide_runs(RULE, pairs)
    assert np.mean((outcomes == Outcome.TOGETHER).any(0)) > 0.8
    assert (trials[outcomes == Outcome.TOGETHER] == 2).all()
    alone, _ = decide_many(RULE, *pairs[0])
    assert np.mean(alone == Outcome.REGRESSED) < 0.4


def test_a_single_variant_is_not_looked_at_twice():
    assert Rule(1).together_level == 0 and Rule(4).together_level == 0.0025
    assert Rule(1).alarm_level(24) > 4 * Rule(4).alarm_level(24)


def test_a_loss_of_the_whole_curve_is_not_passed():
    """Where the last 100 episodes hide it."""
    random = np.random.default_rng(0)
    old, new = random.normal(100, 4, (24, 2)), random.normal(100, 4, (16, 2))
    assert decide(RULE, old, new).outcome is Outcome.NO_REGRESSION
    new[:, 1] *= 0.7
    decision = decide(RULE, old, new)
    assert (decision.outcome, decision.trials) == (Outcome.INCONCLUSIVE, 16)
    assert decision.looks[-1].p_loss[0] < 0.001 < 0.9 < decision.looks[-1].p_loss[1]


def test_a_gain_at_the_end_is_no_improvement_where_the_whole_curve_lost():
    random = np.random.default_rng(0)
    old, new = random.normal(100, 4, (48, 2)), random.normal(100, 4, (16, 2))
    new[:, 0] *= 1.3
    assert decide(RULE, old, new).outcome is Outcome.IMPROVED
    new[:, 1] *= 0.5
    assert decide(RULE, old, new).outcome is Outcome.INCONCLUSIVE


def test_a_variant_that_earns_no_less_is_not_named_by_the_look_over_all():
    old = np.random.default_rng(0).normal(100, 4, 48)
    assert decide_together(RULE, old, [101.0, 102.0]) is None
    assert decide_together(RULE, old, [99.0, 98.0]).outcome is Outcome.TOGETHER
    assert decide_together(RULE, old, [99.0, 98.0, 300.0]).trials == 2


def test_p_values_are_exact_for_the_largest_budget():
    """They ascend, and the first is one order of all."""
    values = p_values(96, 48)
    assert (np.diff(values) >= 0).all() and values[-1] == 1.0
    assert values[0] == pytest.approx(1 / math.comb(144, 48))


def test_nothing_passes_early_while_a_seed_fails():
    random = np.random.default_rng(0)
    old, new = random.normal(100, 4, 24), random.normal(100, 4, 16)
    assert decide(RULE, old, new).trials == 2
    new[1] = 60.0
    decision = decide(RULE, old, new)
    assert decision.trials >= CAUTIOUS and decision.looks[0].below == 1
    new[1] = lowest_predicted(old) + 0.01
    assert decide(RULE, old, new).looks[0].below == 0


def test_a_trial_of_the_same_stack_seldom_lies_below_what_is_predicted():
    random = np.random.default_rng(0)
    trials = random.normal(100, 10, (200_000, 25))
    below = trials[:, 24] < lowest_predicted(trials[:, :24])
    assert below.mean() == pytest.approx(0.001, abs=0.0003)


@given(
    st.lists(st.integers(0, 99), unique=True, min_size=3, max_size=24),
    st.integers(1, 23),
)
def test_without_ties_the_p_value_is_that_of_mann_and_whitney(values, size):
    size = min(size, len(values) - 1)
    new, old = values[:size], values[size:]
    assert p_value(new, old) == mannwhitneyu(new, old, alternative="less", method="exact").pvalue


def test_a_tie_counts_against_a_change():
    assert p_value([1.0], [1.0, 2.0]) == p_value([1.5], [1.0, 2.0])


@pytest.mark.parametrize(("m", "n"), [(1, 5), (2, 24), (3, 24), (6, 10), (16, 12)])
def test_p_values_of_every_number_of_pairs_are_those_of_mann_and_whitney(m, n):
    """Each number of pairs won, from a sample that wins just so many."""
    old = np.arange(n) + 0.5
    for won, expected in enumerate(p_values(m, n)):
        full, rest = divmod(won, n)
        new = np.r_[np.full(full, n), rest, np.zeros(m)][:m] + np.linspace(0, 0.1, m)
        assert p_value(new, old) == pytest.approx(expected, rel=1e-9), won


@pytest.mark.parametrize("error", [0.0025, 0.05])
@pytest.mark.parametrize("size", [12, 24])
def test_all_looks_together_are_wrong_as_often_as_stated(error, size):
    """Other draws than those that the level is taken from."""
    random = np.random.default_rng(1)
    trials = random.random((60_000, size + 16))
    level_of_a_look = level(LOOKS, size, error)
    won = np.cumsum((trials[:, size:, None] > trials[:, None, :size]).sum(2), axis=1)
    wrong = np.any(
        [won[:, m - 1] <= critical(m, size, level_of_a_look) for m in LOOKS], axis=0
    ).mean()
    assert wrong <= error + 3 * np.sqrt(error / 60_000)
    # Not far below it either: no error that is stated is left unused.
    assert wrong > 0.6 * error


def test_the_drop_that_is_detected_with_95_percent_power_is_detected_that_often():
    old = np.random.default_rng(0).normal(100, 6, 24)
    drop = detects(RULE, old)
    assert 0.1 < drop < 0.3
    assert rates(RULE, old, -drop)[Outcome.REGRESSED] >= 0.95
    assert rates(RULE, old, -drop + 0.01).get(Outcome.REGRESSED, 0) < 0.95


def test_a_wide_spread_takes_a_larger_budget_or_more_than_any():
    random = np.random.default_rng(0)
    assert budget_needed(RULE, random.normal(100, 22, 24)) in BUDGETS[1:]
    assert budget_needed(RULE, random.exponential(100, 24)) is None


def test_the_budget_that_is_proposed_settles_runs_that_were_inconclusive():
    """Not just any unchanged stack, most of which pass with far fewer trials."""
    earned = np.random.default_rng(1).normal(100, 20, 24)
    budget = budget_needed(RULE, earned)
    random = np.random.default_rng(7)
    old, new = (random.choice(earned, (20_000, size, 1)) for size in (24, budget))
    stuck = decide_many(RULE, old, new[:, : RULE.budget])[0] == Outcome.INCONCLUSIVE
    outcomes, _ = decide_many(RULE.within(budget), old[stuck], new[stuck])
    assert np.mean(passed(outcomes)) > 0.93


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tolerance": 0.0}, "tolerance: between 0 and 1, not 0.0"),
        ({"miss": 1.0}, "miss: between 0 and 1"),
        ({"looks": ()}, "looks: ascending"),
        ({"looks": (4, 2)}, "looks: ascending"),
        ({"looks": (0, 2)}, "looks: ascending"),
    ],
)
def test_what_is_no_rule_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Rule(**wrong)


def test_a_budget_sets_the_last_look():
    assert RULE.within(5).looks == (2, 3, 4, 5)
    assert RULE.within(20).looks == (2, 3, 4, 6, 8, 12, 16, 20)
    with pytest.raises(ValueError, match="looks"):
        RULE.within(0)
