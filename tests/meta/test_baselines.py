"""Baselines: how they are saved and loaded, refused where they are damaged, and selected."""

import json

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import load, save
from fixtures.baselines.lockfile import locked
from fixtures.baselines.selection import select
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"


@pytest.fixture
def folder(tmp_path):
    """A folder with a baseline of three seeds."""
    save(tmp_path, [make(seed) for seed in (2, 1, 3)])
    return tmp_path


def edit(folder, change, bulk=True):
    """Change the parsed content of one of the two files, as a hand or a merge might."""
    path = folder / STACK / ("full.records.json" if bulk else "full.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_was_saved_is_loaded(folder):
    baseline = load(folder, STACK, "full")
    assert list(baseline.records) == [make(seed) for seed in (1, 2, 3)]
    assert baseline.record(2) == make(2) and baseline.record(4) is None


def test_seeds_run_from_1_without_a_gap(tmp_path):
    for seeds, wrong in ((25, 26), "1 to 24 missing; seeds run"), ((0, 1), "0 is there; seeds"):
        with pytest.raises(BaselineError, match=f"{wrong} .*from 1"):
            save(tmp_path, [make(seed) for seed in seeds])


def test_a_seed_of_two_platforms_counts_once(tmp_path):
    """The first of them; the other is its twin, and all of both files' order stays."""
    records = [
        make(1),
        {**make(1), "platform": {"machine": "arm64"}, "reported": [1.0, 2.0]},
        make(2),
    ]
    save(tmp_path, records)
    baseline = load(tmp_path, STACK, "full")
    assert baseline.records == (make(1), make(2)) and baseline.twins == (records[1],)
    assert baseline.all_records == records and len(baseline.returns) == 2
    assert [seeds for _, seeds in baseline.platforms()] == [[1, 2], [1]]
    reviewed = json.loads((tmp_path / STACK / "full.json").read_text())
    assert [trial.get("twin") for trial in reviewed["trials"]] == [None, True, None]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    save(tmp_path, baseline.all_records)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before
    with pytest.raises(BaselineError, match="1 is there 2 times, of one platform"):
        save(tmp_path, [make(1), make(1), make(2)])


def test_saving_again_changes_no_byte(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    save(folder, load(folder, STACK, "full").records)
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_the_reviewed_file_has_a_line_for_each_trial(folder):
    lines = (folder / STACK / "full.json").read_text().splitlines()
    (line,) = [line for line in lines if '"seed": 2' in line]
    trial = json.loads(line.rstrip(","))
    assert len(trial.pop("digest")) == 16
    assert trial == {
        "seed": 2,
        "last_100": 32.0,
        "whole_curve": 40.0,
        "learned_reward": [20.0, 40.0],
        "reported": [20.0, 40.0],
        "episodes": [60, 60],
    }


REFUSED = {
    "a newer schema": (
        lambda content: content.update(schema=99),
        "schema: is 99, and this suite reads",
    ),
    "an older schema": (
        lambda content: content.update(schema=3),
        "schema: is 3, .*baselines.migrations",
    ),
    "no records": (lambda content: content.pop("records"), "records: should be list"),
    "an empty list": (
        lambda content: content["records"].clear(),
        "records.seed: every seed missing",
    ),
    "rewards by step that are not by step": (
        lambda content: content["records"][0].update(reward_by_step=[[0.5] * 10] * 2),
        "reward_by_step: is there, and episodes are of several lengths",
    ),
    "no rewards by step": (
        lambda content: content["records"][0].update(episodes=[[[1.0, 16]] * 60] * 2),
        "reward_by_step: should be a list, not None",
    ),
    "a missing seed": (lambda content: content["records"].pop(1), "records.seed: 2 missing"),
    "a duplicate seed": (
        lambda content: content["records"].append(content["records"][0]),
        "records.seed: 1 is there 2 times",
    ),
    "another configuration": (
        lambda content: content["records"][1].update(shared="0" * 16),
        r"records\[1\].shared \(seed 2\): was trained under another configuration",
    ),
    "an edited configuration": (
        lambda content: content["shared"]["config"].update(lr=1.0),
        r"records\[0\].shared \(seed 1\): was trained under another configuration",
    ),
    "another stack": (
        lambda content: content["shared"].update(stack="ray-8.0.0/modelv2-tf"),
        "shared.stack: is 'ray-8.0.0/modelv2-tf', not 'ray-9.0.0/modelv2-tf'",
    ),
    "no platform": (
        lambda content: content["records"][0].pop("platform"),
        r"records \(seed 1\).platform: should be dict",
    ),
    "no backend": (lambda content: content["shared"].pop("backend"), "shared.backend: is missing"),
    "NaN reported": (
        lambda content: content["records"][0].update(reported=[20.0, float("nan")]),
        "full.records.json is not whole JSON .NaN is no number.",
    ),
    "a text for a return": (
        lambda content: content["records"][0]["episodes"][0][0].__setitem__(0, "20"),
        r"records \(seed 1\).episodes: holds what is no number: '20'",
    ),
    "a lost iteration": (
        lambda content: content["records"][2]["steps"].pop(),
        r"records \(seed 3\).steps: needs 2 iterations",
    ),
    "an iteration without episodes": (
        lambda content: content["records"][0]["episodes"][1].clear(),
        r"records \(seed 1\).episodes: none ended in iteration 2",
    ),
    "half an episode": (
        lambda content: content["records"][0]["episodes"][0].__setitem__(0, [20.0]),
        r"records \(seed 1\).episodes: should hold lists of 2 values",
    ),
    "no cost": (
        lambda content: content["records"][0].pop("cost"),
        r"\(seed 1\).cost: should be dict",
    ),
    "no trace": (
        lambda content: content["records"][0].pop("trace"),
        r"\(seed 1\).trace: should be dict",
    ),
    "half a trace": (
        lambda content: content["records"][0]["trace"]["iterations"].pop(),
        r"records \(seed 1\).trace.iterations: needs 2 iterations",
    ),
    "a trace without targets": (
        lambda content: content["records"][0]["trace"]["iterations"][0].pop("targets"),
        r"records \(seed 1\).trace: is not whole \(KeyError: 'targets'\)",
    ),
    "a trace of something else": (
        lambda content: content["records"][0].update(trace={"iterations": [1, 2]}),
        r"records \(seed 1\).trace: is not whole",
    ),
    "a number of a trace made up": (
        lambda content: content["records"][0]["trace"]["iterations"][0]["targets"].update(
            advantages=["0" * 12, 1, 1]
        ),
        "full.json: trials: does not agree with full.records.json",
    ),
    "a text in a trace": (
        lambda content: content["records"][0]["trace"]["iterations"][0]["targets"].update(
            advantages=["", 1, 1]
        ),
        r"records \(seed 1\).trace: has no figure of advantages \(targets\), iteration 1",
    ),
    "a text for a configuration": (
        lambda content: content["shared"].update(config="default"),
        "shared.config: should be dict",
    ),
    "other figures than were reviewed": (
        lambda content: content["records"][0].update(reported=[20.0, 41.0]),
        "full.json: trials: does not agree with full.records.json",
    ),
}


@pytest.mark.parametrize("defect", REFUSED)
def test_a_damaged_baseline_is_refused_by_file_and_field(folder, defect):
    change, message = REFUSED[defect]
    edit(folder, change)
    with pytest.raises(BaselineError, match=message) as refusal:
        load(folder, STACK, "full")
    assert "ray-9.0.0/modelv2-tf/full." in str(refusal.value)


def test_figures_edited_by_hand_are_refused(folder):
    edit(
        folder,
        lambda content: content["trials"][0].update(learned_reward=[99.0, 99.0]),
        bulk=False,
    )
    with pytest.raises(BaselineError, match="full.json: trials: does not agree"):
        load(folder, STACK, "full")


@pytest.mark.parametrize("name", ["full.json", "full.records.json"])
def test_a_truncated_file_is_refused(folder, name):
    path = folder / STACK / name
    path.write_text(path.read_text()[: path.stat().st_size // 2])
    with pytest.raises(BaselineError, match=f"{name} is not whole JSON"):
        load(folder, STACK, "full")


@pytest.mark.parametrize("name", ["full.json", "full.records.json"])
def test_a_missing_file_is_refused(folder, name):
    (folder / STACK / name).unlink()
    with pytest.raises(BaselineError, match=f"{name} is missing: record it"):
        load(folder, STACK, "full")


MIXED = {
    "config": {"config": {**make(2)["config"], "lr": 1.0}},
    "versions": {"versions": {"ray": "8.0.0"}},
    "source": {"source": "f" * 16},
}


@pytest.mark.parametrize("field", MIXED)
def test_records_that_were_not_made_alike_are_not_saved(tmp_path, field):
    with pytest.raises(BaselineError, match=f"{field}: differs between seeds 1 and 2"):
        save(tmp_path, [make(1), {**make(2), **MIXED[field]}])
    assert not list(tmp_path.rglob("*.json"))


def test_a_baseline_may_be_continued_on_another_machine(tmp_path):
    other = {"machine": "arm64"}
    records = [make(seed) for seed in range(1, 8)]
    for seed in (3, 4, 6):
        records[seed - 1]["platform"] = other
    reviewed, _ = save(tmp_path, records)
    assert json.loads(reviewed.read_text())["platforms"] == [
        {"seeds": "1-2, 5, 7", **make(1)["platform"]},
        {"seeds": "3-4, 6", **other},
    ]
    assert load(tmp_path, STACK, "full").record(4)["platform"] == other


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([make(1), make(1)], "1 is there 2 times"),
        ([make(1), make(3)], "2 missing"),
        ([make(1, rewards=(20.0, float("nan")))], "holds what is no number"),
        ([{**make(1), "overrides": {"lr": 1.0}}], "is not the stack's own"),
    ],
)
def test_records_with_holes_are_not_saved(tmp_path, records, message):
    with pytest.raises(BaselineError, match=message):
        save(tmp_path, records)
    assert not list(tmp_path.rglob("*.json"))


@pytest.fixture
def several(tmp_path):
    """A folder with baselines of four stacks, and a release that has only its lock file."""
    for stack in ("ray-1.8.0/tf", "ray-1.13.0/tf", "ray-2.9.0/tf", "ray-2.9.0/torch"):
        save(tmp_path, [make(seed, stack=stack) for seed in (1, 2)])
    (tmp_path / "ray-2.60.0").mkdir()
    (tmp_path / "ray-2.60.0" / "requirements.txt").write_text("ray[rllib]==2.60.0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("installed", "against", "selected", "why"),
    [
        ("ray-1.13.0/tf", None, "ray-1.13.0/tf", "its own"),
        ("ray-1.12.0/tf", None, "ray-1.8.0/tf", "nearest older"),
        ("ray-2.0.0/tf", None, "ray-1.13.0/tf", "nearest older"),
        ("ray-2.60.0/tf", None, "ray-2.9.0/tf", "nearest older one of: ray-1.8.0/tf, ray-1.13"),
        ("ray-2.60.0/torch", None, "ray-2.9.0/torch", "nearest older one of: ray-2.9.0/torch"),
        ("ray-2.60.0/tf", "ray-1.8.0", "ray-1.8.0/tf", "--against"),
        ("ray-2.60.0/torch", "ray-1.8.0/tf", "ray-1.8.0/tf", "--against"),
        ("ray-2.60.0/tf", "1.8.0", "ray-1.8.0/tf", "--against"),
        ("ray-2.60.0/torch", "1.8.0/tf", "ray-1.8.0/tf", "--against"),
        ("ray-1.13.0/tf", "ray-2.9.0", "ray-2.9.0/tf", "--against"),
        ("ray-1.4.0/tf", None, None, "have none"),
        ("ray-2.0.0/torch", None, None, "have none"),
    ],
)
def test_a_run_is_held_to_its_own_baseline_the_nearest_older_one_or_the_one_named(
    several, installed, against, selected, why
):
    selection = select(several, installed, against)
    assert (selection.installed, selection.stack) == (installed, selected)
    assert why in selection.why


@pytest.mark.parametrize("against", ["ray-3.0.0", "ray-2.60.0", "ray-2.9.0/tf2", "nonsense"])
def test_against_refuses_a_stack_without_baseline(several, against):
    with pytest.raises(BaselineError, match=f"--against {against}: .*ray-1.8.0/tf, ray-1.13.0"):
        select(several, "ray-2.60.0/tf", against)


def test_locked_reads_what_is_pinned(tmp_path):
    (tmp_path / STACK).mkdir(parents=True)
    text = "# by hand\nRay[rllib]==9.0.0\n    # via\ntf-keras==2.21.0\nnumpy==2.4.6\n"
    (tmp_path / STACK).parent.joinpath("requirements.txt").write_text(text)
    expected = {"ray": "9.0.0", "tf-keras": "2.21.0", "numpy": "2.4.6"}
    assert locked(tmp_path, STACK) == expected


def test_a_stack_that_is_not_locked_is_refused(tmp_path):
    with pytest.raises(BaselineError, match="requirements.txt is missing"):
        locked(tmp_path, STACK)
