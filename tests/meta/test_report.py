"""What a person reads: a summary of each variant, and a failure with its evidence."""

import json
from dataclasses import asdict
from statistics import mean
from types import SimpleNamespace

import pytest

from fixtures.baselines.files import Baseline
from fixtures.baselines.selection import Selection
from fixtures.judging.outcome import ExitStatus, Outcome
from fixtures.judging.sequential import Rule, Together, Wanted
from fixtures.judging.verdict import Candidate, Verdict, judge
from fixtures.plugin import summary
from fixtures.records.rewards import begun, curve, learned_reward, smoothed
from fixtures.reporting import markdown, terminal
from fixtures.reporting.facts import differing_versions, facts_of, facts_of_unjudged
from fixtures.rllib.matrix import Subject
from tests.meta.sample_records import make

FULL = Subject("modelv2-tf", "full")

BASELINE = Baseline(
    "ray-9.0.0/modelv2-tf",
    "full",
    tuple(make(seed, (20.0, 40.0 + seed / 10)) for seed in range(1, 25)),
)

RULE = Rule(variants=4)


def fallen(seed):
    """Return a record of a newer stack that learned nothing."""
    record = make(seed, rewards=(20.0, 20.0 + seed / 10), stack="ray-9.1.0/modelv2-tf")
    record["config"]["lr"] = 5e-06
    return record


def verdict_on(records, **rule):
    """Judge records by the rule of a run over four variants."""
    return judge(Rule(variants=4, **rule), BASELINE, [Candidate.of(record) for record in records])


REGRESSED = verdict_on([fallen(seed) for seed in (1, 2, 3)])


def message():
    """Return the lines of a failure."""
    return terminal.failure(REGRESSED, facts_of(FULL, REGRESSED)).splitlines()


def test_a_failure_says_what_fell_by_how_much():
    first = message()[0]
    assert first.startswith("full: REGRESSED: ray-9.1.0/modelv2-tf earns 20.12 over 3 trials, -3")
    assert "of the 32.75 of ray-9.0.0/modelv2-tf (95 %: -" in first


def test_a_failure_shows_each_look_and_the_stated_errors():
    text = "\n".join(message())
    assert f"p of no loss (regressed at {RULE.alarm_level(24):.5f})" in text
    assert "\n     3   0.00034 " in text
    assert "False alarms: 1.0% a run at most, shared by 4 variants, 7 looks and one at all" in text
    assert "misses of a loss of 20% that all seeds share: 5% at most" in text


def test_a_failure_shows_both_sides_by_iteration_and_by_seed():
    lines = [line.split() for line in message()]
    assert ["baseline", "mean", "20.00", "41.25", "32.75"] in lines
    assert ["seed", "2", "baseline", "20.00", "40.20", "32.12"] in lines
    assert ["seed", "2", "candidate", "20.00", "20.20", "20.12"] in lines


def test_a_failure_shows_what_else_differs():
    text = "\n".join(message())
    assert "versions that differ: ray 9.0.0 -> 9.1.0" in text
    assert "lr 5e-05 became 5e-06" in text and "fcnet_hiddens" not in text


def test_a_failure_names_the_first_difference():
    text = " ".join(" ".join(message()).split())
    assert "first difference, seed 1: episodes (and reported metric) from iteration 2 on" in text


def test_a_failure_shows_how_to_repeat_one_trial():
    assert (
        message()[-1].strip()
        == "python -m fixtures.training full --seed 1 --backend modelv2-tf --iterations 2"
    )


def test_a_summary_has_both_returns_the_change_and_the_trials():
    first, second = terminal.summary(facts_of(FULL, REGRESSED))[:2]
    words = first.replace("+-", " ").split()
    assert words[:4] == ["full", "REGRESSED", "CHANGED", "32.75"] and words[5] == "20.12"
    assert words[7].startswith("-3") and words[7].endswith("%") and words[-1] == "3"
    assert second.strip() == "settings: lr 5e-05 became 5e-06"


def test_a_change_of_what_earns_about_0_is_a_share_of_what_is_at_stake():
    subject = Subject("modelv2-tf", "cue_lstm")

    def record(seed, reward, stack="ray-9.0.0/modelv2-tf"):
        made = make(seed, (0.0, reward), "cue_lstm", stack)
        made["environment"]["reward_range"] = [-1.0, 1.0]
        return made

    baseline = Baseline.of([record(seed, (seed - 12) / 20) for seed in range(1, 25)])
    after = [record(seed, -5.0 + seed / 10, "ray-9.1.0/modelv2-tf") for seed in range(1, 17)]
    verdict = judge(RULE, baseline, list(map(Candidate.of, after)))
    facts = facts_of(subject, verdict)
    assert (facts["learned"], facts["stake"]) == ("regressed", 12.0)
    assert facts["change"] == pytest.approx(mean(verdict.returns) / 12, abs=0.01)
    text = terminal.failure(verdict, facts)
    assert f"{facts['change']:+.1%} of the 12 at stake, from the 0.0" in text
    assert "a share of the 12 that perfect memory earns" in text


def window(seed, reward, stack="ray-9.0.0/modelv2-tf"):
    """Return a record of 120 episodes of a window at cue recall."""
    made = make(seed, (reward, reward), "cue_window", stack)
    made["environment"]["reward_range"] = [-1.0, 1.0]
    return made


@pytest.mark.parametrize(
    ("reward", "learned"),
    [(0.5, "no regression"), (-4.8, "no regression"), (4.9, "regressed"), (-4.9, "regressed")],
)
def test_a_window_that_learns_is_a_regression_and_one_that_does_not_takes_one_trial(
    reward, learned
):
    """12 * sqrt(2 * ln(20,000) / 120) = 4.88: more than that is not luck."""
    baseline = Baseline.of([window(seed, 0.01 * seed) for seed in range(1, 25)])
    verdict = judge(RULE, baseline, [Candidate.of(window(1, reward, "ray-9.1.0/modelv2-tf"))])
    facts = facts_of(Subject("modelv2-tf", "cue_window"), verdict)
    assert (facts["learned"], facts["trials"], verdict.decision) == (learned, 1, None)
    text = " ".join(" ".join(terminal.summary(facts)).split())
    assert f"this trial earned {reward:.2f}, and luck explains 4.88 either way" in text
    assert "detects" not in facts
    if learned == "regressed":
        failure = " ".join(terminal.failure(verdict, facts).split())
        assert "luck explains 4.88 either way, so it was shown what it must not see" in failure
        assert "rank sums" not in failure


def test_a_summary_of_what_did_not_change():
    (line,) = terminal.summary(facts_of(FULL, verdict_on([make(1, (20.0, 40.1))])))
    words = line.split()
    assert words[:3] == ["full", "identical", "identical"] and "seed 1 earns 32.06" in line
    assert line.endswith(" 1") and len(line) == len(terminal.heading())


def test_a_summary_of_what_changed_by_rounding_alone():
    """Such as a processor of another make, where bits are not expected to be equal."""
    record = make(1, (20.0, 40.1))
    loss = record["trace"]["iterations"][0]["updates"][0]["losses"]
    loss["vf_loss"] *= 1 + 1e-7
    assert verdict_on([record]) == Wanted(2)
    (line,) = terminal.summary(
        facts_of(FULL, verdict_on([{**record, "platform": {"machine": "arm64"}}]))
    )
    assert line.startswith(f"{'full':<18}{'identical':<19}identical up to rounding")
    assert line.endswith(" 1")


def test_a_summary_names_the_drop_that_is_detected():
    records = [make(seed, (20.0, 40.0 + (seed + 1) / 10)) for seed in (1, 2)]
    facts = facts_of(FULL, verdict_on(records))
    assert (facts["learned"], facts["behaviour"]) == ("no regression", "changed")
    assert "no regression      CHANGED " in terminal.summary(facts)[0]
    assert f"-{facts['detects']:.0%}" in terminal.summary(facts)[0]


@pytest.mark.parametrize(("needed", "text"), [(48, "--budget=48"), (None, "Record more")])
def test_an_inconclusive_verdict_says_what_it_would_take(needed, text):
    records = [make(seed, (20.0, 41.0)) for seed in (1, 2)]
    inconclusive = verdict_on(records, tolerance=0.001, looks=(2,))
    assert inconclusive.learned is Outcome.INCONCLUSIVE
    facts = {**facts_of(FULL, inconclusive), "budget_needed": needed}
    assert text in terminal.summary(facts)[1] and text in terminal.failure(inconclusive, facts)


def test_what_could_not_be_trained_is_no_verdict_on_learning():
    broken = Verdict(Outcome.BROKEN, BASELINE, (), RULE, failure="full, seed 1, could not\nmore")
    facts = facts_of(FULL, broken)
    assert terminal.failure(broken, facts).startswith("BROKEN, which is no verdict on learning")
    (line,) = terminal.summary(facts)
    assert "BROKEN" in line and line.endswith("full, seed 1, could not")


def test_the_page_has_a_row_for_each_variant_and_the_evidence_behind_it():
    broken = Verdict(Outcome.BROKEN, BASELINE, (), RULE, failure="full, seed 1, could not\nmore")
    identical = verdict_on([make(1, (20.0, 40.1))])
    verdicts = [facts_of(FULL, verdict) for verdict in (REGRESSED, identical, broken)]
    verdicts.append(
        facts_of_unjudged(Subject("modelv2-tf", "lstm"), Outcome.NOT_OFFERED, "it has none")
    )
    selection = Selection("ray-9.1.0/modelv2-tf", "ray-9.0.0/modelv2-tf", "the nearest older one")
    text = markdown.page(
        {
            "stacks": {"modelv2-tf": asdict(selection)},
            "overrides": {},
            "rule": asdict(RULE),
            "verdicts": verdicts,
            "contracts": {
                "passed": 7,
                "known": 1,
                "failed": ["tests/contracts/test_x.py::test_y"],
            },
            "exit": {"status": 1, "why": ExitStatus.REGRESSED.why},
        }
    )
    assert text.startswith("### ray-9.1.0/modelv2-tf held to the baseline of ray-9.0.0/modelv2-tf")
    assert text.count("| `full` | **") == 3 and text.count("<details>") == 3
    assert "| `lstm` | not offered: it has none |" in text
    assert (
        "4 asked for: 1 REGRESSED, 1 identical, 1 BROKEN, 1 not offered; behaviour: 1 CHANGED, 1"
        " identical. Less is learned" in text
    )
    assert "contracts: 7 hold, 1 broken as known, 1 FAILED." in text
    assert "- `tests/contracts/test_x.py::test_y`" in text and "no verdict on learning" in text
    assert "- settings: lr 5e-05 became 5e-06" in text
    assert (
        "| **REGRESSED** | **CHANGED** | 32.75 ± " in text
        and "full, seed 1, could not\nmore" in text
    )
    assert "versions that differ: ray 9.0.0 -> 9.1.0" in text and "after 3 trials: p = " in text


def test_a_baseline_has_one_interval_whatever_is_compared_with_it():
    records = [make(seed, (20.0, 40.0 + (seed + 1) / 10)) for seed in (1, 2)]
    verdicts = (REGRESSED, verdict_on(records), verdict_on([make(1, (20.0, 40.1))]))
    assert len({facts_of(FULL, verdict)["baseline_interval"] for verdict in verdicts}) == 1


def test_facts_are_what_json_can_hold():
    for verdict in (REGRESSED, verdict_on([make(1, (20.0, 40.1))])):
        facts = facts_of(FULL, verdict)
        assert json.loads(json.dumps(facts)) == facts


def test_an_edited_rllib_counts_as_another_version():
    edited = {**make(1), "source": "f" * 16}
    assert differing_versions(BASELINE, edited) == [
        "the source of rllib 0123456789abcdef -> ffffffffffffffff"
    ]
    assert differing_versions(BASELINE, make(1)) == []


def test_a_learned_reward_is_the_mean_of_the_last_100_episodes():
    record = make(1)
    record["episodes"] = [[[10.0, 10]] * 150 + [[20.0, 20]] * 50, [[40.0, 40]] * 50]
    assert curve(record) == [12.5, 40.0]
    assert learned_reward(record) == (50 * 20 + 50 * 40) / 100


def test_the_beginning_of_a_trial_is_what_a_shorter_trial_records():
    assert begun(make(1, (20.0, 40.0)), 1) == {**make(1, (20.0,)), "cost": make(1)["cost"]}


def test_a_smoothed_curve_is_of_an_iteration_and_at_least_of_the_last_100_episodes():
    record = {"episodes": [[(10, 10)] * 40, [(20, 20)] * 80, [(30, 30)] * 150]}
    assert smoothed(record) == [10, (20 * 10 + 80 * 20) / 100, 30]


def test_a_trial_of_few_episodes_has_no_learned_reward():
    record = make(1)
    record["episodes"] = [[[10.0, 10]] * 99]
    with pytest.raises(ValueError, match="full, seed 1: 99 episodes ended, .* needs 100"):
        learned_reward(record)


def test_variants_that_regress_together_say_so_and_what_is_not_known():
    one = Candidate.of(fallen(1))
    look = Together(2, 2, 0.0004, 0.0025)
    verdict = judge(Rule(variants=2), BASELINE, [one, Candidate.of(make(5, (20.0, 41.0)))], look)
    facts = facts_of(FULL, verdict)
    lines = " ".join(" ".join(terminal.summary(facts)).split())
    assert lines.startswith("full REGRESSED TOGETHER CHANGED")
    assert (
        "2 variants together earn less, p = 0.0004 after 2 trials of each (an alarm at 0.0025):"
        " which of them do, so few trials do not tell"
    ) in lines
    assert json.loads(json.dumps(facts)) == facts


def test_seeds_that_fail_while_others_do_not_are_named():
    """Two of them, not one: and no word of them where all fail alike."""
    good = [
        make(seed, (20.0, 40.0 + seed / 10), stack="ray-9.1.0/modelv2-tf") for seed in (2, 3, 4)
    ]
    more = [make(seed, (20.0, 40.0 + seed / 10)) for seed in range(5, 13)]
    bad = [fallen(1), fallen(14)]

    def explained(records):
        verdict = verdict_on(records)
        return " ".join(terminal.explanations(facts_of(FULL, verdict)))

    assert "seeds 1, 14 fail: they earn less than 31.24, as 1 trial" in explained(
        [bad[0], *good, bad[1], *more]
    )
    assert "fail" not in explained([bad[0], *good, *more])
    assert "fail" not in explained([fallen(1), fallen(2), fallen(3)])


def test_what_is_followed_up_to_rounding_says_how_far():
    record = {**make(1, (20.0, 40.1)), "platform": {"machine": "arm64"}}
    record["trace"]["iterations"][1]["sampling"]["values"] = ["another12345", 9.0, 9.0]
    assert verdict_on([record]) == Wanted(2)
    verdict = verdict_on([record, make(30, (20.0, 41.0))])
    assert verdict.learned is Outcome.NO_REGRESSION
    line, *_ = terminal.summary(facts_of(FULL, verdict))
    assert "identical up to rounding" in line
    facts = facts_of(FULL, verdict)
    assert facts["followed"] == "iteration 2"
    assert "followed up to rounding until iteration 2" in " ".join(terminal.explanations(facts))
    whole = facts_of(FULL, verdict_on([make(1, (20.0, 40.1))]))
    assert whole["learned"] == "identical" and "followed" not in whole


def test_a_loss_that_comes_after_a_followed_iteration_is_found():
    """One trial that agreed for a while does not stand for what is learned."""

    def lost(seed):
        record = {**make(seed, (20.0, 20.5)), "platform": {"machine": "arm64"}}
        record["trace"] = make(1, (20.0, 40.1))["trace"]
        record["trace"]["iterations"][1]["sampling"]["values"] = ["another12345", 9.0, 9.0]
        record["episodes"][0] = make(1, (20.0, 40.1))["episodes"][0]
        return record

    verdict = verdict_on([lost(1), lost(30), lost(31)])
    assert verdict.learned is Outcome.REGRESSED and not verdict.learned.passes


OLD = Baseline(
    "ray-8.0.0/modelv2-tf",
    "full",
    tuple(
        make(seed, (20.0, 60.0 + seed / 10), stack="ray-8.0.0/modelv2-tf") for seed in range(1, 9)
    ),
)


def test_the_long_road_is_shown_and_fails_nothing():
    """Where nothing changed, all of the baseline's trials stand for what is judged."""
    same = facts_of(FULL, verdict_on([make(1, (20.0, 40.1))]), [(OLD, "the oldest one")])
    lines = terminal.long_road([same])
    assert lines[0] == "the long road, which fails nothing:"
    assert lines[1].startswith("full                 44.27 became 32.75, -26.0% (95 %: -26.")
    assert lines[1].endswith("since ray-8.0.0/modelv2-tf, the oldest one")
    assert same["learned"] == "identical" and len(same["road"]) == 1
    changed = facts_of(FULL, REGRESSED, [(OLD, "the oldest one")])
    assert changed["road"][0]["now"] == 20.12
    assert terminal.long_road([facts_of(FULL, REGRESSED)]) == []


def test_a_worker_that_was_killed_is_no_regression():
    """xdist reports the test that it was at as failed."""
    killed = SimpleNamespace(when="???", nodeid="tests/learning/test_verdict.py")
    failed = SimpleNamespace(when="call", nodeid="tests/learning/test_trials.py")
    assert summary._statuses(SimpleNamespace(stats={"failed": [killed]})) == [12]
    assert summary._statuses(SimpleNamespace(stats={"failed": [killed, failed]})) == [12, 1]
