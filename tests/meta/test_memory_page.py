"""When memory pays: longer trials are kept whole, and the page shows what was recorded."""

import json

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import Baseline
from fixtures.reporting import longer, memory
from tests.meta.sample_records import make

STACK = "ray-2.60.0/rlmodule-torch"


@pytest.fixture
def folder(tmp_path):
    """Three longer trials in files, and an empty folder of baselines."""
    for seed in (1, 2, 3):
        record = make(seed, (20.0, 40.0, 80.0 + seed), "lstm", STACK)
        (tmp_path / f"{seed}.json").write_text(json.dumps(record))
    return tmp_path


def test_longer_trials_join_those_kept_before_each_once(folder):
    assert longer.keep([folder / "2.json"], folder) == 1
    assert longer.keep([folder / "1.json", folder / "2.json"], folder) == 2
    kept = longer.kept(folder)
    assert [trial["seed"] for trial in kept] == [1, 2]
    assert kept[0]["learned_reward"] == [20.0, 40.0, 81.0]
    assert (kept[0]["last_100"], kept[0]["seconds"], kept[0]["parameters"]) == (64.6, 6, 134915)
    lines = (folder / longer.NAME).read_text().splitlines()
    assert sum('"seed": ' in line for line in lines) == 2


@pytest.mark.parametrize(
    "change",
    [{"schema": 4}, {"overrides": {"lr": 1.0}}, {"episodes": [[]] * 3}, {"cost": {}}],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_whole_record_is_refused_and_nothing_is_lost(folder, change):
    longer.keep([folder / "1.json"], folder)
    wrong = {**json.loads((folder / "2.json").read_text()), **change}
    (folder / "2.json").write_text(json.dumps(wrong))
    for files in (["2.json"], ["3.json", "2.json"], ["missing.json"]):
        with pytest.raises(BaselineError, match="json holds no record of form"):
            longer.keep([folder / name for name in files], folder)
    assert [trial["seed"] for trial in longer.kept(folder)] == [1]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_file_of_longer_trials_is_named(folder, text):
    longer.keep([folder / "1.json"], folder)
    (folder / longer.NAME).write_text(text)
    with pytest.raises(BaselineError, match=r"longer.json is damaged .*git checkout --"):
        longer.kept(folder)


def test_the_table_has_a_row_for_each_option_and_stack(folder):
    longer.keep([folder / f"{seed}.json" for seed in (1, 2, 3)], folder)
    lstm = Baseline.of([make(seed, (20.0, 40.0), "lstm", STACK) for seed in range(1, 13)])
    lines = memory.section({STACK: {"lstm": lstm}}, longer.kept(folder), {}).splitlines()
    rows = [line for line in lines if line.startswith("| ") and "`" in line]
    assert len(rows) == len(memory.OPTIONS) * len(memory.STACKS)
    (row,) = [line for line in rows if line.startswith("| an LSTM") and STACK in line]
    assert "| 32.0 ± 0.0 (12) | 65.2 ± 1.5 (3) |  | 4 |  | 134,915 |" in row
    assert sum("0: proved" in line for line in rows) == 3
    assert "CartPole, 12,000 steps" in lines[2]


def test_a_fault_has_a_row_for_each_task_cartpole_first():
    seen = {
        "baseline": 9.4,
        "returns": [0.1, -0.2],
        "verdict": "regressed",
        "trials": 2,
        "first_difference": "values (sampling), iteration 1, step 2; identical until then",
    }
    found = {"forgets": {"contracts": ["a", "b"], "cue_lstm": seen, "lstm": seen}}
    lines = memory.section({}, [], found).splitlines()
    rows = [line for line in lines if "regressed, 2 trials" in line]
    assert rows[0].startswith("| forgets | 2 | `lstm` | values (sampling), iteration 1, step 2 |")
    assert rows[1].startswith("|  |  | `cue_lstm` |") and "| 0.1, -0.2; else 9.4 |" in rows[1]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_findings_are_named(tmp_path, text):
    (tmp_path / "memory").mkdir()
    (tmp_path / memory.FAULTS).write_text(text)
    with pytest.raises(BaselineError, match=r"faults.json is damaged .*git checkout --"):
        memory.faults_kept(tmp_path)
