"""Forged records: what a reviewer's diff shows of them, and what training again says."""

import copy
import json
import random

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import Baseline, load, save
from fixtures.judging import verify as verifying
from fixtures.judging.verify import drawn, verify
from fixtures.training.spec import TrialSpec
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"

PLATFORM = make(1)["platform"]


class Honest:
    """Stands in for what trains: each trial comes out as it always did."""

    def request(self, backend, variant, seed):
        """Return the spec of a trial."""
        return TrialSpec(backend, variant, seed)

    def obtain(self, spec, others):
        """Return the record of a trial."""
        return make(spec.seed)


def forged(record):
    """Return a record whose good episodes stand where none of the last 100 is.

    Every curve and count stays, as with the forgery that was tried on the committed baselines.
    """
    record = copy.deepcopy(record)
    record["episodes"] = [
        sorted(episodes, reverse=number == 0) for number, episodes in enumerate(record["episodes"])
    ]
    return record


def trials_of(folder):
    return json.loads((folder / STACK / "full.json").read_text())["trials"]


def test_what_a_trial_is_judged_by_stands_in_the_line_that_people_review(tmp_path):
    save(tmp_path, map(make, (1, 2)))
    (honest, _), judged = trials_of(tmp_path), load(tmp_path, STACK, "full").earned[0]
    assert (honest["last_100"], honest["whole_curve"]) == judged
    save(tmp_path, [forged(make(1)), make(2)])
    line = trials_of(tmp_path)[0]
    assert line["last_100"] < honest["last_100"]
    changed = {name for name in line if line[name] != honest[name]}
    assert changed == {"last_100", "digest"}


def test_no_verdict_depends_on_digits_that_nobody_reviews(tmp_path):
    record = make(1, rewards=(20.0, 40.0))
    record["episodes"][1][0][0] += 1e-7
    save(tmp_path, [record])
    assert load(tmp_path, STACK, "full").returns == Baseline.of([make(1)]).returns


def test_a_forgery_behind_an_honest_line_is_refused(tmp_path):
    save(tmp_path, map(make, (1, 2)))
    reviewed = (tmp_path / STACK / "full.json").read_text()
    honest = trials_of(tmp_path)[0]
    save(tmp_path, [forged(make(1)), make(2)])
    line = trials_of(tmp_path)[0]
    (tmp_path / STACK / "full.json").write_text(reviewed.replace(honest["digest"], line["digest"]))
    with pytest.raises(BaselineError, match=r"full.json: .*trials: does not agree"):
        load(tmp_path, STACK, "full")


def test_training_again_tells_true_records_from_forged_ones():
    baseline = Baseline.of([make(1), forged(make(2))])
    one, two = (verify(baseline, seed, Honest(), PLATFORM) for seed in (1, 2))
    assert one.true and str(one).startswith("full, seed 1: identical to the last bit")
    assert not two.true
    assert str(two).startswith("full, seed 2: NOT WHAT IS RECORDED: episodes from iteration 1 on")


def elsewhere(record):
    """Return a record as of another processor."""
    return {**record, "platform": {"machine": "arm64", "threads": 1}}


def test_on_another_processor_other_episodes_of_equal_actions_are_no_rounding():
    record = copy.deepcopy(elsewhere(make(1)))
    record["episodes"][1].sort()
    found = verify(Baseline.of([record]), 1, Honest(), PLATFORM)
    assert found.true is False and "NOT WHAT IS RECORDED: episodes from iteration 2" in str(found)


def test_on_another_processor_what_rounding_parts_is_seen_in_part():
    record = copy.deepcopy(elsewhere(make(1)))
    record["trace"]["iterations"][1]["updates"][1]["losses"]["vf_loss"] *= 2
    found = verify(Baseline.of([record]), 1, Honest(), PLATFORM)
    assert found.true is None and str(found).startswith("full, seed 1: seen in part: followed up")


def test_a_seed_that_is_not_recorded_cannot_be_verified():
    with pytest.raises(BaselineError, match="--seeds 3: ray-9.0.0/modelv2-tf has full of seeds 1"):
        verify(Baseline.of([make(1), make(2)]), 3, Honest(), PLATFORM)


def test_a_sample_is_drawn_from_all_that_is_recorded():
    baselines = [Baseline.of([make(seed, variant=name) for seed in (1, 2)]) for name in ("a", "b")]
    everything = drawn(baselines, 9, random.Random(1))
    assert [(baseline.variant, seed) for baseline, seed in everything] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
    samples = [tuple(drawn(baselines, 1, random.Random(seed))) for seed in range(40)]
    assert {(baseline.variant, seed) for ((baseline, seed),) in samples} == {
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sample", "0"], "--sample: 1 or more, not 0"),
        (["nothing"], "there is no variant 'nothing'"),
        (["--backend", "nothing"], "there is no backend 'nothing'"),
        (["full", "--baselines", "nowhere"], "nowhere has no full of ray-"),
    ],
)
def test_bad_values_are_refused(capsys, words, message):
    with pytest.raises(SystemExit) as end:
        verifying.main(words)
    assert end.value.code == 2 and message in capsys.readouterr().err
