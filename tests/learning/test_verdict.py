"""What the installed stack learns, held to a baseline."""

from statistics import mean

import pytest

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
