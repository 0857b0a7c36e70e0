"""What the installed stack learns, held to a baseline."""

from statistics import mean

import pytest

from fixtures.reporting import terminal
from fixtures.rllib.matrix import Subject


@pytest.mark.judges
def test_learned_reward_did_not_fall(gate, plan, tell, subject):
    """Not by the tolerance: identical, or so says the sequential test."""
    if subject in plan.unjudged:
        pytest.skip("{}: {verdict}: {reason}".format(subject, **tell(subject, None)))
    verdict = gate.verdict(subject)
    told = tell(subject, verdict)
    if not verdict.passed:
        pytest.fail(terminal.failure(verdict, told), pytrace=False)


@pytest.mark.parametrize(("more", "less"), [("full", "stacked"), ("stacked", "stateless")])
def test_seeing_more_learns_more(verdict_of, plan, backend, more, less):
    """full > stacked > stateless, with each backend, for the mean over its trials."""
    better, worse = (verdict_of(Subject(backend, name)) for name in (more, less))
    assert mean(better.new) > mean(worse.new)
