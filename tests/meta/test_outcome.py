"""The words of a verdict: which pass, which exit status a run has, which are in capitals."""

import pytest

from fixtures.judging.outcome import ExitStatus, Outcome


@pytest.mark.parametrize(
    ("word", "passes", "exit_status", "shown"),
    [
        ("identical", True, 0, "identical"),
        ("no regression", True, 0, "no regression"),
        ("improved", True, 0, "improved"),
        ("regressed", False, 1, "REGRESSED"),
        ("regressed together", False, 1, "REGRESSED TOGETHER"),
        ("inconclusive", False, 10, "inconclusive"),
        ("broken", False, 11, "BROKEN"),
        ("broken by the machine", False, 12, "BROKEN BY THE MACHINE"),
        ("not offered", False, 0, "not offered"),
        ("no baseline", False, 0, "no baseline"),
    ],
)
def test_each_word_knows_what_it_means(word, passes, exit_status, shown):
    outcome = Outcome(word)
    assert (outcome.passes, outcome.exit_status, outcome.shown) == (passes, exit_status, shown)
    assert str(outcome) == f"{outcome}" == word


def test_there_are_no_other_words():
    assert len(Outcome) == 10


def test_each_exit_status_says_why_and_is_none_of_pytests_own():
    assert all(status.why.endswith(".") for status in ExitStatus)
    others = set(ExitStatus) - {ExitStatus.PASSED, ExitStatus.REGRESSED}
    assert not {int(status) for status in others} & set(map(int, pytest.ExitCode))
