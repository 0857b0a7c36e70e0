"""A baseline that a gate speaks against is accepted with a reason, which stays with it."""

import json
from datetime import date

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import Baseline, load, save
from fixtures.judging.acceptance import accept, verdict_on
from fixtures.judging.sequential import Rule
from fixtures.judging.verdict import Candidate, judge
from fixtures.reporting import markdown
from fixtures.reporting.facts import facts_of
from fixtures.rllib.matrix import Subject
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"

DAY = date(2026, 11, 27)

BEFORE = Baseline.of([make(seed) for seed in range(1, 25)])

ACCEPTED = {
    "because": "the clip is mended",
    "day": "2026-11-27",
    "in_place_of": STACK,
    "learned": "regressed",
    "behaviour": "changed",
    "change": -0.5,
}


def earning(scale):
    """Return the records of 24 seeds that earn so many times as much."""
    return [make(seed, (20.0 * scale, 40.0 * scale)) for seed in range(1, 25)]


def verdict(scale):
    return verdict_on(Rule(), BEFORE, earning(scale), make(1)["platform"])


def test_what_is_as_it_was_needs_no_reason():
    assert accept(verdict(1.0), None, DAY) is None


@pytest.mark.parametrize(
    ("scale", "learned", "change"), [(0.5, "regressed", -0.5), (1.001, "no regression", 0.001)]
)
def test_what_is_lost_or_behaves_otherwise_takes_a_reason(scale, learned, change):
    with pytest.raises(BaselineError, match=f"full: {learned}, behaviour changed, .* --because"):
        accept(verdict(scale), None, DAY)
    accepted = accept(verdict(scale), "the clip is mended", DAY)
    assert accepted.pop("change") == pytest.approx(change, abs=0.01)
    assert accepted == {name: ACCEPTED[name] for name in ACCEPTED if name != "change"} | {
        "learned": learned
    }


def test_a_reason_is_reviewed_and_stays_with_the_baseline(tmp_path):
    path, _ = save(tmp_path, BEFORE.records, ACCEPTED)
    assert json.loads(path.read_text())["accepted"] == ACCEPTED
    baseline = load(tmp_path, STACK, "full")
    assert baseline.accepted == ACCEPTED
    found = judge(Rule(), baseline, [Candidate.of(make(1))])
    facts = facts_of(Subject("modelv2-tf", "full"), found)
    page = markdown.page(
        {
            "stacks": {},
            "rule": {"false_alarm": 0.01, "tolerance": 0.2, "miss": 0.05, "looks": [2]},
            "overrides": {},
            "verdicts": [facts],
            "contracts": {"passed": 0, "known": 0, "failed": []},
            "exit": {"why": "So it is."},
        }
    )
    assert (
        "its baseline was accepted on 2026-11-27 in place of ray-9.0.0/modelv2-tf (regressed,"
        " behaviour changed, -50.0%), because the clip is mended" in page
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"because": 1}, "accepted.because: should be str, not int"),
        ({"change": "much"}, "accepted.change: should be float, not str"),
        ({"day": "\x1b[31m"}, "accepted.day: is no plain str"),
        ({"more": ""}, "accepted: has no field 'more'"),
    ],
)
def test_a_reason_that_was_damaged_is_refused(tmp_path, changes, message):
    path, _ = save(tmp_path, BEFORE.records, ACCEPTED)
    reviewed = json.loads(path.read_text())
    reviewed["accepted"].update(changes)
    path.write_text(json.dumps(reviewed))
    with pytest.raises(BaselineError, match=message):
        load(tmp_path, STACK, "full")
