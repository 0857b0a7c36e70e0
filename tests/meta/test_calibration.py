"""The calibration: its rules on cases that are known, and that no trial is used twice."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import ttest_ind

from fixtures.calibration import rules, study, tables
from fixtures.sequential import Rule

RULE = Rule(variants=2)


def trials(spread, variant="full"):
    """Return 24 baseline trials and 24 others that earn 100 on average, and 20 untaught."""
    earned = np.random.default_rng(0).normal(100, spread, 48)
    return study.Trials("ray-9.0.0", variant, earned[:24], earned[24:], np.full(48, 20.0))


def test_no_trial_is_both_baseline_and_candidate():
    each = trials(5)
    for committed in (False, True):
        old, new = each.draw(np.random.default_rng(0), 50, 16, committed=committed)
        assert old.shape == (50, 24) and new.shape == (50, 16)
        for one, other in zip(old, new):
            assert len({*one, *other}) == 40
    assert all(sorted(one) == sorted(each.baseline) for one in old)


def test_changes_are_those_of_the_candidates_alone():
    each = trials(5)
    old, new = each.draw(np.random.default_rng(0), 50, 16, change=-0.5)
    assert old.mean() == pytest.approx(100, abs=2) and new.mean() == pytest.approx(50, abs=1)
    _, lost = each.draw(np.random.default_rng(0), 50, 16, change=-1.0)
    assert set(lost.ravel()) == {20.0}


def test_the_study_counts_what_the_gate_says():
    family = [trials(5), trials(5, "stacked")]
    alarms = study.false_alarms(RULE, family, 500)
    assert alarms["regressed"][0] <= 10 and 4 <= alarms["trials"] < 5
    found = study.power(RULE, family[0], 200)
    assert found["-50%"] == {"regressed": 1.0, "trials": 3.0}
    assert found["-100%"]["regressed"] == 1.0
    assert found["+0%"]["no regression"] > 0.98
    drops = study.found_drop(RULE, family[0], 200)
    assert 20 >= drops["3"] >= drops["16"] > 10
    assert set(study.null_arm(RULE, family)) == {"no regression"}
    assert study.null_arm(RULE, family)["no regression"] >= 20


def test_an_interval_of_a_rate_is_that_of_clopper_and_pearson():
    """As tabulated for 0 and 2 of 20."""
    assert study.interval(0, 20) == pytest.approx((0.0, 0.1684), abs=1e-4)
    assert study.interval(2, 20) == pytest.approx((0.0123, 0.3170), abs=1e-4)
    assert study.interval(20, 20)[1] == 1.0


OLD = np.array([[90.0, 95.0, 100.0, 105.0, 110.0]])


@pytest.mark.parametrize(
    ("rule", "passes", "alarms"),
    [
        (rules.best_trial, [10.0, 10.0, 10.0, 76.0], [74.0] * 4),
        (rules.three_sigma, [77.0] * 4, [76.0] * 4),
        (rules.trimmed_t_test, [10.0, 99.0, 101.0, 180.0], [85.0, 86.0, 87.0, 88.0]),
        (rules.welch_with_floor, [81.0, 82.0, 81.0, 82.0], [78.0, 79.0, 78.0, 79.0]),
    ],
)
def test_a_rule_of_others_turns_where_its_description_says(rule, passes, alarms):
    assert not rule(OLD, np.array([passes]))[0]
    assert rule(OLD, np.array([alarms]))[0]


def test_welch_is_welch():
    """Without its floor, the rule is the test of the library."""
    draw = np.random.default_rng(0)
    old, new = draw.normal(100, 10, (200, 12)), draw.normal(88, 20, (200, 5))
    p = ttest_ind(new, old, axis=1, equal_var=False, alternative="less").pvalue
    assert (rules.welch_with_floor(old, new, floor=0.0) == (p < 0.01)).all()


def test_the_text_has_a_table_for_each_question():
    family = [trials(5), trials(9, "stacked")]
    found = {
        "rule": asdict(RULE),
        "runs": 200,
        "stacks": {
            "ray-9.0.0": {
                "trials": {"full": [24, 24], "stacked": [24, 24]},
                "false_alarms": study.false_alarms(RULE, family, 200),
                "committed": study.false_alarms(RULE, family, 200, committed=True),
                "null_arm": study.null_arm(RULE, family),
                "power": {each.variant: study.power(RULE, each, 200) for each in family},
                "found_drop": {each.variant: study.found_drop(RULE, each, 50) for each in family},
                "rules": study.by_cost(RULE, family, 100, -0.2),
            }
        },
    }
    text = tables.text(found, -0.2)
    assert "## ray-9.0.0" in text and "24 baseline trials and 24 others" in text
    for row in ("any split of the trials", "the committed baseline", "`stacked`", "this gate"):
        assert f"| {row} |" in text
    assert "None" not in text and "nan" not in text
