"""The baselines in git: whole, locked and cheap to trace; a rerun of their seeds is no change."""

from pathlib import Path

import pytest

from fixtures.baselines.files import load
from fixtures.baselines.kept import lines_of
from fixtures.baselines.lockfile import locked, locked_python
from fixtures.baselines.selection import stacks
from fixtures.environments.variants import CORE
from fixtures.judging.behaviour import Behaviour, behaviour_of
from fixtures.judging.difference import compare
from fixtures.judging.outcome import Outcome
from fixtures.judging.sequential import Rule, decide
from fixtures.reporting import contracts, curves, history, memory
from fixtures.reporting.longer import kept

FOLDER = Path(__file__).parents[2] / "baselines"

BASELINES = [
    (stack, path.name.partition(".")[0])
    for stack in stacks(FOLDER)
    for path in sorted(Path(FOLDER, stack).glob("*.records.json"))
]


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_a_baseline_is_whole(stack, name):
    assert len(load(FOLDER, stack, name).records) >= 2


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_a_baseline_was_trained_with_what_is_locked_beside_it(stack, name):
    versions_locked = locked(FOLDER, stack)
    versions = dict(load(FOLDER, stack, name).shared["versions"])
    python = versions.pop("python")
    assert python.startswith(locked_python(FOLDER, stack) + ".")
    # A wheel may say what it was built for, as in 2.13.0+cpu.
    public = {package: version.partition("+")[0] for package, version in versions.items()}
    assert public == {package: versions_locked[package] for package in versions}


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_who_repeats_the_baselines_own_seeds_learns_no_less_and_no_more(stack, name):
    """A gate trains the seeds that the baseline begins with, and their luck is in both."""
    earned = list(load(FOLDER, stack, name).returns)
    rule = Rule(len(CORE))
    repeated = (earned * rule.budget)[: rule.budget]
    assert decide(rule, earned, repeated).outcome in (Outcome.NO_REGRESSION, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_nothing_that_a_processor_changes_is_a_change_of_behaviour(stack, name):
    """Twins were trained on processors of two makers: real pairs in which nothing changed."""
    baseline = load(FOLDER, stack, name)
    for twin in baseline.twins:
        record = baseline.record(twin["seed"])
        assert record["platform"] != twin["platform"]
        for difference in (compare(record, twin), compare(twin, record)):
            assert behaviour_of(difference) is Behaviour.ROUNDING, difference


def test_every_core_variant_of_every_stack_has_trials_of_two_makers():
    for stack in stacks(FOLDER):
        for name in CORE:
            if (stack, name) in BASELINES:
                makers = {
                    platform["processor"].partition(" ")[0]
                    for platform, _ in load(FOLDER, stack, name).platforms()
                }
                assert makers == {"AuthenticAMD", "GenuineIntel"}, (stack, name)


@pytest.mark.parametrize(("stack", "name"), BASELINES)
def test_tracing_took_less_than_three_percent_of_training(stack, name):
    costs = [record["cost"] for record in load(FOLDER, stack, name).records]
    trained = sum(wall for cost in costs for wall, _ in cost["iterations"])
    assert sum(cost["trace"] for cost in costs) < 0.03 * trained


def test_the_table_of_what_was_learned_is_that_of_the_baselines():
    written = (FOLDER / "README.md").read_text(encoding="utf-8")
    made = curves.spliced(written, curves.section(curves.recorded(FOLDER)))
    assert written == made, "run `tox run -e curves`"


def test_the_page_on_when_memory_pays_is_that_of_what_was_recorded():
    written = (FOLDER / "memory" / "README.md").read_text(encoding="utf-8")
    tables = memory.section(curves.recorded(FOLDER), kept(FOLDER), memory.faults_kept(FOLDER))
    made = curves.spliced(written, tables, memory.BEGIN, memory.END)
    assert written == made, "run `tox run -e curves`"


def test_the_page_of_the_history_is_that_of_what_was_recorded():
    page = (FOLDER / "history" / "README.md").read_text(encoding="utf-8")
    recorded = (
        lines_of(FOLDER / history.NAME, history.FIELDS),
        lines_of(FOLDER / contracts.NAME, contracts.FIELDS),
    )
    assert page == history.written(page, *recorded), "run `tox run -e curves`"


@pytest.mark.parametrize(
    "line",
    lines_of(FOLDER / contracts.NAME, contracts.FIELDS),
    ids=lambda line: f"{line['backend']}-{line['release']}",
)
def test_known_deviations_are_those_that_releases_were_seen_to_have(line):
    assert contracts.departures(line) == []
