"""Faults of memory: planted in a copy, never in what is installed; and what is said of them."""

import filecmp
from dataclasses import replace

import pytest

from fixtures.baselines.files import Baseline
from fixtures.calibration.fault_study import failed, judged
from fixtures.calibration.faults import FAULTS, RELEASE, Edit, plant
from fixtures.environments.variants import VARIANTS
from fixtures.rllib.backends import BACKENDS
from fixtures.stack import installed
from tests.meta.sample_records import make

RLLIB = installed.rllib_folder()

under_its_release = pytest.mark.skipif(
    installed.release() != RELEASE, reason=f"the lines are those of ray {RELEASE}"
)


@under_its_release
@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_the_lines_of_a_fault_are_there_once(fault):
    for edit in fault.edits:
        assert (RLLIB / edit.file).read_text(encoding="utf-8").count(edit.old) == 1
        compile((RLLIB / edit.file).read_text().replace(edit.old, edit.new), edit.file, "exec")


@under_its_release
def test_a_planted_rllib_differs_in_the_edited_file_alone(tmp_path):
    fault = FAULTS["learns from padding as from steps"]
    laid = plant(fault, tmp_path / "overlay") / "ray"
    differing = [
        path.relative_to(RLLIB).as_posix()
        for path in RLLIB.rglob("*.py")
        if not filecmp.cmp(path, laid / "rllib" / path.relative_to(RLLIB), shallow=False)
    ]
    assert differing == [edit.file for edit in fault.edits]
    assert (laid / "__init__.py").resolve() == RLLIB.parent / "__init__.py"


@under_its_release
@pytest.mark.parametrize("old", ["no line of RLlib's", "import"], ids=["none", "several"])
def test_a_fault_of_other_lines_is_refused_and_nothing_is_laid(tmp_path, old):
    edit = Edit("algorithms/algorithm_config.py", old, "")
    fault = replace(FAULTS["learns from padding as from steps"], edits=(edit,))
    with pytest.raises(ValueError, match="was written for ray 2.60.0"):
        plant(fault, tmp_path / "overlay")
    assert not (tmp_path / "overlay").exists()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_about_a_memory_of_its_backend_on_both_tasks(fault):
    cartpole, cue = (VARIANTS[name] for name in fault.variants)
    assert (cartpole.environment, cue.environment) == ("CartPole-v1", "CueRecall-v0")
    assert cartpole.network == cue.network in BACKENDS[fault.backend].networks
    assert fault.edits or fault.settings


CASE = '<testcase name="test_{}[rlmodule-torch/lstm]">{}</testcase>'


def test_contracts_that_failed_are_those_in_which_an_assertion_did():
    failure = '<failure message="{}">long story</failure>'
    cases = [
        CASE.format("holds", ""),
        CASE.format("is_broken", failure.format("AssertionError: 3 apart")),
        CASE.format("crashed", failure.format("ImportError: no such module")),
        CASE.format("is_known", '<skipped type="pytest.xfail" message="GTrXL"/>'),
    ]
    assert failed(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>") == [
        "test_is_broken"
    ]


def test_a_report_of_no_contract_is_no_finding():
    with pytest.raises(ValueError, match="no contract ran"):
        failed("<testsuites><testsuite/></testsuites>")


def test_what_the_gate_says_of_a_fault():
    baseline = Baseline.of([make(seed, (20.0, 40.0 + seed / 10)) for seed in range(1, 25)])
    records = [make(seed, (20.0, 21.0 + seed / 10)) for seed in range(1, 17)]
    assert judged(baseline, [make(2, (20.0, 40.2))])["verdict"] == "identical"
    found = judged(baseline, records[:1])
    assert (found["verdict"], found["trials"]) == ("wants 2 trials", 1)
    assert found["first_difference"].startswith("episodes (and reported metric) from iteration 2")
    found = judged(baseline, records)
    assert found["verdict"] == "regressed" and found["trials"] < 16
    assert found["baseline"] == 32.75 and len(found["returns"]) == 16
