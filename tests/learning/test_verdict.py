"""What the installed stack learns, held to a baseline."""

from statistics import mean

import pytest

from fixtures.report import terminal


def test_learned_reward_did_not_fall(gate, plan, tell, name):
    """Not by the tolerance: identical, or so says the sequential test."""
    verdict = gate.verdict(name)
    told = tell(verdict)
    if not verdict.passed:
        pytest.fail(terminal.failure(verdict, told), pytrace=False)


@pytest.mark.parametrize(("more", "less"), [("full", "stacked"), ("stacked", "stateless")])
def test_seeing_more_learns_more(verdict_of, more, less):
    """full > stacked > stateless, on the installed stack, for the mean over its trials."""
    assert mean(verdict_of(more).new) > mean(verdict_of(less).new)
