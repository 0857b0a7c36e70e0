"""What the installed stack learns, held to a baseline."""

import math
from statistics import mean

import pytest

from fixtures.environments.variants import RECALLED
from fixtures.judging.outcome import ExitStatus
from fixtures.reporting import terminal
from fixtures.rllib.matrix import Subject


@pytest.mark.trains
@pytest.mark.per_subject
@pytest.mark.reports_unjudged
def test_learned_reward_did_not_fall(gate, plan, report, subject, exit_with):
    """Not by the tolerance: identical, or so says the sequential test."""
    if subject in plan.unjudged:
        facts = report(subject, None)
        pytest.skip(f"{subject}: {facts['learned']}: {facts['reason']}")
    verdict = gate.verdict(subject)
    facts = report(subject, verdict)
    if not verdict.learned.passes:
        exit_with(verdict.learned.exit_status)
        pytest.fail(terminal.failure(verdict, facts), pytrace=False)


@pytest.mark.trains
@pytest.mark.per_subject
@pytest.mark.only_failing_on("change")
def test_behaviour_did_not_change(verdict_of, subject, exit_with):
    """By one seed: to the last bit or, on another platform, as far as rounding lets one see."""
    verdict = verdict_of(subject)
    if not verdict.behaviour.same:
        exit_with(ExitStatus.CHANGED)
        pytest.fail(f"{subject}: {verdict.behaviour.shown}: {verdict.difference}", pytrace=False)


@pytest.mark.trains
@pytest.mark.per_backend
@pytest.mark.parametrize(
    ("more", "less"),
    [
        pytest.param(more, less, marks=pytest.mark.needs(more, less))
        for more, less in [
            ("full", "stacked"),
            ("stacked", "stateless"),
            ("cue_lstm", "cue_window"),
            ("cue_attention", "cue_window"),
        ]
    ],
)
def test_seeing_more_learns_more(verdict_of, backend, more, less):
    """full > stacked > stateless, and memory > window at cue recall, by the mean over trials."""
    better, worse = (verdict_of(Subject(backend, name)) for name in (more, less))
    assert mean(better.returns) > mean(worse.returns)


@pytest.mark.trains
@pytest.mark.per_backend
@pytest.mark.needs("cue_window")
def test_a_window_learns_nothing_of_the_cue(verdict_of, backend):
    """Over all episodes of a trial it earns 0 but for luck, or the cue is seen somewhere."""
    for record in verdict_of(Subject(backend, "cue_window")).records:
        returns = [value for episodes in record["episodes"] for value, _ in episodes]
        assert abs(mean(returns)) <= luck(len(returns)), f"seed {record['seed']}"


def luck(episodes, error=1e-4):
    """Return what a window's mean return exceeds with a probability of ``error`` at most.

    What is done from step 4 on does not depend on the cue, so, whatever was learned before, an
    episode earns as much as it loses, and 12 at most: a martingale (K. Azuma, Weighted sums of
    certain dependent random variables, Tohoku Mathematical Journal 19, 1967).
    """
    return RECALLED * math.sqrt(2 * math.log(2 / error) / episodes)
