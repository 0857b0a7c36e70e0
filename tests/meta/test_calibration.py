"""The calibration: its rules on cases that are known, and that no trial is used twice."""

import json
from dataclasses import asdict, replace
from statistics import mean, stdev

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_ind_from_stats

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import load, save
from fixtures.calibration import defects, metrics, page, resampling, rivals, rounding
from fixtures.calibration.__main__ import calibrate
from fixtures.common import files
from fixtures.environments.variants import CORE
from fixtures.judging.sequential import Rule
from fixtures.records.rewards import learned_reward
from tests.meta.sample_records import make, stored

RULE = Rule(variants=2)


def trials(spread, variant="full"):
    """Return 48 trials that earn 100 on average; 20 before they learn."""
    earned = np.random.default_rng(0).normal(100, spread, (48, 1)).repeat(2, axis=1)
    return resampling.RecordedReturns("ray-9.0.0/modelv2-tf", variant, earned, np.full(48, 20.0))


def test_no_trial_is_both_baseline_and_candidate():
    old, new = trials(5).draw(np.random.default_rng(0), 50, 16)
    assert old.shape == (50, 24, 2) and new.shape == (50, 16, 2)
    for baseline, candidate in zip(old[..., 0], new[..., 0]):
        assert len({*baseline, *candidate}) == 40


def test_the_committed_baseline_stays_and_candidates_are_drawn_from_what_is_taken_for_true():
    returns, truth = trials(5), trials(9)
    old, new = returns.draw_committed(np.random.default_rng(0), 50, 16)
    assert (old == returns.earned).all() and new.shape == (50, 16, 2)
    assert set(new.ravel()) == set(returns.earned.ravel())
    _, new = returns.draw_committed(np.random.default_rng(0), 50, 16, truth=truth)
    assert set(new.ravel()) == set(truth.earned.ravel())


@pytest.mark.parametrize(
    ("change", "mean", "spread"),
    [
        ("no change", 100, 5),
        ("-50%", 50, 2.5),
        ("total loss", 20, 0),
        ("1 in 5 learns nothing", 84, 32),
        ("twice the spread", 100, 10),
    ],
)
def test_changes_are_those_of_the_candidates_alone(change, mean, spread):
    random = np.random.default_rng(0)
    old, new = trials(5).draw(random, 500, 16, resampling.CHANGES[change])
    assert old.mean() == pytest.approx(100, abs=2) and old.std() == pytest.approx(5, abs=1)
    assert new.mean() == pytest.approx(mean, abs=2) and new.std() == pytest.approx(spread, abs=2)


def test_resampling_keeps_the_numbers_of_one_trial_together():
    numbers = np.arange(48.0)
    earned = np.stack([numbers, -numbers], axis=1)
    returns = resampling.RecordedReturns("ray-9.0.0/modelv2-tf", "full", earned, numbers)
    resampled = returns.resampled(np.random.default_rng(0))
    assert (resampled.earned == np.stack([resampled.untaught, -resampled.untaught], axis=1)).all()
    assert set(resampled.untaught) < set(numbers)


def test_the_study_counts_what_the_gate_says():
    family = [trials(5), trials(5, "stacked")]
    alarms = resampling.false_alarms(RULE, family, 500)
    assert alarms["regressed"][0] <= 10 and 4 <= alarms["trials"] < 5
    known = resampling.committed(RULE, family, 500)
    assert known["not green"][0] < 0.01 and known["missed"]["stacked"][2] < 0.05
    assert known["regressed"][1] <= known["regressed"][0] <= known["not green"][2]
    found = resampling.everywhere(RULE, family, 200)
    assert found["-20%"] == {"found": [1.0, 1.0, 1.0], "trials": 4.0}
    assert found["no change"]["found"][0] < 0.02
    rates = resampling.power(RULE, family[0], 200)
    assert rates["-50%"]["regressed"] == 1.0 and rates["-50%"]["trials"] == 3.0
    assert rates["-50%"]["intervals"] == {"regressed": [1.0, 1.0], "passed": [0.0, 0.0]}
    assert rates["total loss"]["regressed"] == 1.0
    assert rates["no change"]["no regression"] > 0.98
    drops = resampling.detected_drop(RULE, family[0], 200)
    assert 20 >= drops["3"] >= drops["16"] > 10
    assert set(resampling.null_arm(RULE, family)) <= {"no regression", "unfinished"}
    assert resampling.null_arm(RULE, family)["no regression"] >= 20


def test_an_interval_of_a_rate_is_that_of_clopper_and_pearson():
    """As tabulated for 0 and 2 of 20."""
    assert resampling.interval(0, 20) == pytest.approx((0.0, 0.1684), abs=1e-4)
    assert resampling.interval(2, 20) == pytest.approx((0.0123, 0.3170), abs=1e-4)
    assert resampling.interval(20, 20)[1] == 1.0


def test_a_gate_that_runs_out_of_trials_is_counted():
    earned = np.array([[1.0], [2.0], [3.0], [2.0], [2.0], [2.0]])
    returns = resampling.RecordedReturns("ray-9.0.0/modelv2-tf", "full", earned, np.zeros(6))
    assert resampling.null_arm(RULE, [returns]) == {"unfinished": 1}


OLD = np.array([[90.0, 95.0, 100.0, 105.0, 110.0]])


@pytest.mark.parametrize(
    ("rule", "passes", "alarms"),
    [
        (rivals.best_trial, [10.0, 10.0, 10.0, 76.0], [74.0] * 4),
        (rivals.three_sigma, [10.0, 10.0, 10.0, 77.0], [76.0] * 4),
        (rivals.trimmed_t_test, [10.0, 91.5, 92.5, 180.0], [10.0, 90.5, 91.5, 180.0]),
        (rivals.welch_with_floor, [81.0, 82.0, 81.0, 82.0], [78.0, 79.0, 78.0, 79.0]),
    ],
)
def test_a_rivals_rule_raises_its_alarm_where_its_description_says(rule, passes, alarms):
    assert not rule(OLD, np.array([passes]))[0]
    assert rule(OLD, np.array([alarms]))[0]


def test_the_trimmed_test_is_that_of_two_samples_with_the_references_spread():
    """Its statistic is the library's, whose deviations are divided by n - 1."""
    old = np.array([[1.0, 90.0, 100.0, 110.0, 999.0]])
    deviation = np.std(old[0, 1:-1])
    for worse in range(80, 100):
        p = ttest_ind_from_stats(worse, deviation, 2, 100, deviation, 3, alternative="less").pvalue
        new = np.array([[0.0, worse - 1, worse + 1, 500.0]])
        assert rivals.trimmed_t_test(old, new)[0] == (p < 0.05)


def test_the_tuned_threshold_raises_no_more_alarms_than_stated():
    family = [trials(5), trials(9, "stacked")]
    share = resampling.tuned(family, 2000, 4, RULE)
    random = np.random.default_rng(0)
    splits = [returns.draw(random, 2000, 4) for returns in family]
    alarms = [rivals.best_trial(old[..., 0], new[..., 0], share=share) for old, new in splits]
    assert 0.8 < share < 1.0 and np.any(alarms, axis=0).mean() <= 0.01


def test_the_rule_by_welch_is_welchs_t_test():
    """Without its floor it is the test of the library."""
    random = np.random.default_rng(0)
    old, new = random.normal(100, 10, (200, 12)), random.normal(88, 20, (200, 5))
    p = ttest_ind(new, old, axis=1, equal_var=False, alternative="less").pvalue
    assert (rivals.welch_with_floor(old, new, floor=0.0) == (p < 0.01)).all()


def test_candidates_that_are_said_to_lie_outside_a_spread_are_counted():
    records = [make(seed) for seed in range(1, 27)]
    assert resampling.outside_by_chance(records, 24, 50)[0] == 0
    for record in records[-2:]:
        for iteration in record["trace"]["iterations"]:
            for update in iteration["updates"]:
                update["losses"]["vf_loss"] = 1e9
    hits, low, high = resampling.outside_by_chance(records, 24, 2000)
    # Where both of the two are the candidates: 1 in 26 * 25 / 2.
    assert low < 1 / 325 < high and hits > 0


@pytest.fixture
def folder(tmp_path):
    """Baselines of 24 seeds of two variants, and a store with defective trials of one."""
    for variant in ("full", "stacked"):
        records = [make(seed, (20.0, 100.0 + seed / 10), variant) for seed in range(1, 25)]
        save(tmp_path, records)
    for seed in (1, 2, 3):
        record = {**make(seed, (20.0, 60.0 + seed)), "overrides": {"lr": 1}}
        files.write(tmp_path / "store" / "records" / f"{seed}.json", json.dumps(stored(record)))
    files.write(tmp_path / "store" / "records" / "own.json", json.dumps(stored(make(1))))
    return tmp_path


def test_trials_with_a_defect_are_kept_and_judged(folder):
    assert defects.keep(folder / "store", folder) == 3
    assert defects.keep(folder / "store", folder) == 3
    kept = defects.kept(folder)
    assert [(trial["defect"], trial["seed"]) for trial in kept] == [
        ("lr=1", seed) for seed in (1, 2, 3)
    ]
    facts = defects.judged(RULE, load(folder, "ray-9.0.0/modelv2-tf", "full"), kept)["lr=1"]
    assert facts["verdict"] == "regressed" and facts["trials"] == 3
    assert facts["first_difference"].startswith("episodes")
    assert defects.judged(RULE, load(folder, "ray-9.0.0/modelv2-tf", "stacked"), kept) == {}


def test_a_defect_without_settings_needs_a_name(folder):
    edited = {**make(4), "source": "f" * 16}
    files.write(folder / "edited" / "records" / "4.json", json.dumps(stored(edited)))
    files.write(folder / "edited" / "records" / "own.json", json.dumps(stored(make(1))))
    with pytest.raises(BaselineError, match="what their defect is called with --as"):
        defects.keep(folder / "edited", folder)
    assert defects.keep(folder / "edited", folder, "rllib edited") == 1
    kept = defects.kept(folder)
    assert [(trial["defect"], trial["seed"]) for trial in kept] == [("rllib edited", 4)]


def test_a_store_that_cannot_be_kept_is_refused(folder):
    with pytest.raises(BaselineError, match="nowhere: this folder holds no records"):
        defects.keep(folder / "nowhere", folder)
    path = folder / "store" / "records" / "1.json"
    path.write_text(path.read_text()[:99])
    with pytest.raises(BaselineError, match="1.json is damaged .* delete it"):
        defects.keep(folder / "store", folder)
    assert defects.kept(folder) == []


def test_trials_with_a_defect_are_judged_in_the_order_of_their_seeds(folder):
    defects.keep(folder / "store", folder)
    first, _, third = defects.kept(folder)
    baseline = load(folder, "ray-9.0.0/modelv2-tf", "full")
    assert defects.in_order(baseline, [third, first]) == {"lr=1": [first, third]}
    assert defects.judged(RULE, baseline, [third])["lr=1"]["verdict"] == "wants 2 trials"


def test_too_few_trials_are_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(BaselineError, match="holds no stack with a baseline of full, .* record"):
        calibrate(tmp_path, 10)
    for variant in CORE:
        save(tmp_path, [make(seed, variant=variant) for seed in range(1, 25)])
    with pytest.raises(
        BaselineError, match="ray-9.0.0/modelv2-tf: full has 24 trials; half .* may take 16"
    ):
        calibrate(tmp_path, 10)


def test_statistics_are_compared_by_how_far_a_defect_moves_them(folder):
    defects.keep(folder / "store", folder)
    baseline = load(folder, "ray-9.0.0/modelv2-tf", "full")
    statistics = metrics.compared(RULE, baseline, defects.kept(folder))
    rewards = [learned_reward(record) for record in baseline.records]
    assert statistics["last 100 episodes"]["spread"] == pytest.approx(
        stdev(rewards) / mean(rewards)
    )
    for name in ("last 100 episodes", "last iteration"):
        distance, verdict, taken = statistics[name]["lr=1"]
        assert distance > 5 and (verdict, taken) == ("regressed", 3)
    assert set(statistics) == set(metrics.STATISTICS)


def test_a_control_begins_with_the_next_numbers_up_or_down():
    weights = {"policy": np.linspace(-1, 1, 1001, dtype=np.float32)}
    moved = rounding.nudge(weights, 1)["policy"]
    assert moved.dtype == np.float32
    up = np.nextafter(weights["policy"], np.float32(9)) == moved
    down = np.nextafter(weights["policy"], np.float32(-9)) == moved
    assert (up ^ down).all() and 400 < up.sum() < 600
    assert (rounding.nudge(weights, 2)["policy"] != moved).any()


def test_growth_is_the_largest_difference_of_each_stage():
    record, control = make(1), make(1)
    update = control["trace"]["iterations"][0]["updates"][0]
    update["losses"]["vf_loss"] *= 1 + 1e-4
    update["rows"] += 1
    growth = rounding.growth(record, control)
    assert growth["losses, to update 8"] == pytest.approx(1e-4, rel=1e-3)
    assert growth["minibatches, to update 8"] == float("inf")
    assert growth["sampling, before updates"] == growth["weights, end"] == 0


def test_the_text_has_a_table_for_each_question():
    family = [trials(5), trials(9, "stacked")]
    results = {
        "rule": asdict(RULE),
        "runs": 200,
        "rounding": {
            "one": {"controls": 2, "largest": {"losses, later updates": 1e-3}},
            "two": {"controls": 1, "largest": {"losses, later updates": 2e-3}},
        },
        "stacks": {
            "ray-9.0.0/modelv2-tf": {
                "trials": {"full": 48, "stacked": 48},
                "false_alarms": resampling.false_alarms(RULE, family, 200),
                "committed": {
                    str(tolerance): resampling.committed(
                        replace(RULE, tolerance=tolerance), family, 200
                    )
                    for tolerance in (0.2, 0.1)
                },
                "everywhere": resampling.everywhere(RULE, family, 200),
                "null_arm": resampling.null_arm(RULE, family),
                "outside_by_chance": {"full": [0, 0.0, 0.02], "stacked": [2, 0.0, 0.04]},
                "power": {
                    returns.variant: resampling.power(RULE, returns, 200) for returns in family
                },
                "detected_drop": {
                    returns.variant: resampling.detected_drop(RULE, returns, 50)
                    for returns in family
                },
                "rules": resampling.by_cost(RULE, family, 100),
                "defects": {
                    "full": {
                        "lr=1": {
                            "verdict": "regressed",
                            "trials": 3,
                            "change": -0.4,
                            "first_difference": "policy weights; more",
                        }
                    },
                    "stacked": {},
                },
                "statistics": {
                    "full": {"last 100 episodes": {"spread": 0.05, "lr=1": [9.0, "regressed", 3]}},
                    "stacked": {"last 100 episodes": {"spread": 0.06}},
                },
            }
        },
    }
    text = page.text(results)
    assert "## ray-9.0.0/modelv2-tf" in text and "`full` 48, `stacked` 48" in text
    for row in ("a half of the trials", "the committed one", "`full`", "this gate"):
        assert f"| {row} |" in text
    assert "| lr=1 | `full` | regressed | -40.0% | 3 | policy weights |" in text
    assert "| last 100 episodes | 5.0% | 6.0% | 9.0 R3 / - |" in text
    assert "`full` 0.00% (0.00% to 2.00%), `stacked` 1.00% (0.00% to 4.00%)" in text
    assert "3 controls" in text and "| losses, later updates | 2.0e-03 |" in text
    assert "None" not in text and "nan" not in text
