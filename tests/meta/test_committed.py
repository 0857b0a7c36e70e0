"""The baselines in git: whole, locked, cheap to trace, and no trap for who repeats their seeds."""

from pathlib import Path

import pytest

from fixtures.baselines import files as baselines
from fixtures.environments.variants import CORE
from fixtures.judging.sequential import Rule, decide
from fixtures.records.rewards import learned_reward
from fixtures.reporting import curves

FOLDER = Path(__file__).parents[2] / "baselines"

BASELINES = [
    (stack, path.name.partition(".")[0])
    for stack in baselines.stacks(FOLDER)
    for path in sorted(Path(FOLDER, stack).glob("*.records.json"))
]


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_a_baseline_is_whole(stack, name):
    assert len(baselines.load(FOLDER, stack, name).records) >= 2


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_a_baseline_was_trained_with_what_is_locked_beside_it(stack, name):
    locked = baselines.locked(FOLDER, stack)
    versions = dict(baselines.load(FOLDER, stack, name).shared["versions"])
    python = versions.pop("python")
    assert python.startswith(baselines.locked_python(FOLDER, stack) + ".")
    # A wheel may say what it was built for, as in 2.13.0+cpu.
    public = {package: version.partition("+")[0] for package, version in versions.items()}
    assert public == {package: locked[package] for package in versions}


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_who_repeats_the_baselines_own_seeds_learns_no_less_and_no_more(stack, name):
    """A gate trains the seeds that the baseline begins with, and their luck is in both."""
    earned = [learned_reward(record) for record in baselines.load(FOLDER, stack, name).records]
    rule = Rule(len(CORE))
    repeated = (earned * rule.budget)[: rule.budget]
    assert decide(rule, earned, repeated).verdict in ("no regression", "inconclusive")


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_tracing_took_less_than_three_percent_of_training(stack, name):
    costs = [record["cost"] for record in baselines.load(FOLDER, stack, name).records]
    trained = sum(wall for cost in costs for wall, _ in cost["iterations"])
    assert sum(cost["trace"] for cost in costs) < 0.03 * trained


def test_the_table_of_what_was_learned_is_that_of_the_baselines():
    written = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert written == curves.text(curves.recorded(FOLDER)), "run `tox run -e curves`"
