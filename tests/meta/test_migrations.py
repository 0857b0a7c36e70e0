"""Records outlive a change of their form, and a rename of the suite's own classes."""

import copy
import json
import shutil

import pytest

from fixtures.baselines import files, migrations
from fixtures.baselines.errors import BaselineError
from fixtures.baselines.migrations import MIGRATIONS, migrate, to_4, to_5
from fixtures.judging.difference import compare
from fixtures.records.schema import SCHEMA
from fixtures.training.recorded_config import recorded
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"


ATTENTION = "<class 'fixtures.rllib.attention.Attention'>"


def in_form_4(record):
    """Return a record as form 4 had it: norms of gradients, and no stage that is newer."""
    record = dict(copy.deepcopy(record), schema=4)
    for iteration in record["trace"]["iterations"]:
        del iteration["coefficients"]
        for update in iteration["updates"]:
            for newer in ("applied", "steps"):
                update.pop(newer, None)
            update["gradients"] = {group: size[0] for group, size in update["gradients"].items()}
    return record


def in_form_3(record):
    """Return a record as form 3 had it."""
    record = in_form_4(record)
    record = dict(record, schema=3, learner=record["backend"])
    del record["backend"]
    record["config"] = {
        **record["config"],
        "callbacks": "fixtures.rllib.callbacks.tracing.<locals>.Tracing",
        "_rl_module_spec": f"RLModuleSpec(module_class={ATTENTION})",
    }
    return record


@pytest.fixture
def save_in_form_3(monkeypatch):
    """A function (folder, variant, seeds) that writes a baseline of form 3."""

    def save(folder, variant, seeds):
        with monkeypatch.context() as older:
            shared = tuple("learner" if name == "backend" else name for name in files.SHARED)
            older.setattr(files, "SHARED", shared)
            older.setattr(files, "SCHEMA", 3)
            older.setattr(files, "checked", lambda path, records: list(records))
            files.save(folder, [in_form_3(make(seed, variant=variant)) for seed in seeds])

    return save


@pytest.fixture
def folder(tmp_path, save_in_form_3):
    """A folder with two baselines of form 3."""
    for variant in ("full", "stacked"):
        save_in_form_3(tmp_path, variant, (1, 2))
    return tmp_path


def test_every_older_form_has_a_migration_to_the_next_one():
    assert sorted(MIGRATIONS) == list(range(min(MIGRATIONS), SCHEMA))


def test_form_4_names_the_suites_own_classes_by_names_that_stay():
    record = to_4(in_form_3(make(1)))
    assert record["config"].pop("callbacks") == "pytest_learns:TraceCallbacks"
    spec = record["config"].pop("_rl_module_spec")
    assert spec == "RLModuleSpec(module_class=pytest_learns:Attention)"
    assert record == in_form_4(make(1))


def test_form_5_keeps_all_that_form_4_had():
    """What nobody noted is not made up, and what was noted compares as before."""
    record = to_5(in_form_4(make(1)))
    assert record["schema"] == 5
    assert compare(record, make(1)).identical and compare(make(1), record).identical
    other = compare(record, make(2))
    assert str(other.first) == str(compare(make(1), make(2)).first)
    update = record["trace"]["iterations"][0]["updates"][0]
    norm = make(1)["trace"]["iterations"][0]["updates"][0]["gradients"]["policy"][0]
    assert update["gradients"]["policy"] == [norm] and "steps" not in update


def test_baselines_are_refused_until_they_are_migrated(folder):
    with pytest.raises(
        BaselineError, match="schema: is 3, .* `python -m fixtures.baselines.migrations`"
    ):
        files.load(folder, STACK, "full")
    migrated = [("full.records.json", 3), ("stacked.records.json", 3)]
    assert [(path.name, form) for path, form in migrate(folder)] == migrated
    record = files.load(folder, STACK, "full").record(1)
    assert record["trace"] == to_5(in_form_4(make(1)))["trace"]


def test_trials_that_were_kept_for_calibration_join_their_baseline(folder, save_in_form_3):
    """Once, also where a migration was interrupted before it took them away."""
    for form in (3, SCHEMA):
        save_in_form_3(folder / "calibration", "full", (1, 2, 3))
        assert (folder / STACK / "full.records.json", form) in migrate(folder)
        assert [r["seed"] for r in files.load(folder, STACK, "full").records] == [1, 2, 3]
        assert not list((folder / "calibration").rglob("*.json"))


def test_trials_kept_for_calibration_that_are_others_are_refused(folder):
    migrate(folder)
    files.save(folder / "calibration", [make(1, (30.0, 50.0))])
    with pytest.raises(BaselineError, match="records.seed: 1 is another trial than the baseline"):
        migrate(folder)
    shutil.rmtree(folder / "ray-9.0.0")
    with pytest.raises(BaselineError, match="no baseline that these trials could join"):
        migrate(folder)


def test_what_is_migrated_already_stays_as_it_is(folder):
    migrate(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    assert migrate(folder) == []
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_a_damaged_baseline_is_refused_and_not_migrated(folder):
    path = folder / STACK / "full.records.json"
    content = json.loads(path.read_text())
    content["records"][0]["episodes"][0][0][0] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(BaselineError, match="full.json: trials: does not agree"):
        migrate(folder)
    assert json.loads(path.read_text())["schema"] == 3


def edit(path, change):
    """Change the parsed content of a file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_people_reviewed_is_not_overwritten(folder):
    edit(folder / STACK / "full.json", lambda c: c["trials"][0].update(learned_reward=[99, 99]))
    with pytest.raises(
        BaselineError, match=r"trials \(seed 1\).learned_reward: is not what people"
    ):
        migrate(folder)
    edit(folder / STACK / "full.json", lambda c: c.update(versions={"ray": "9.9"}))
    with pytest.raises(BaselineError, match="versions, trials"):
        migrate(folder)


def test_an_interrupted_migration_names_both_files(folder):
    before = (folder / STACK / "full.json").read_text()
    migrate(folder)
    (folder / STACK / "full.json").write_text(before)
    with pytest.raises(BaselineError, match="git checkout -- .*full.json .*full.records.json"):
        migrate(folder)


@pytest.mark.parametrize("place", ["ray-9.0.0/modelv2-tf/other", "ray-9.1.0/modelv2-tf/full"])
def test_a_copy_is_not_migrated_over_its_original(folder, place):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    for end in (".json", ".records.json"):
        shutil.copy(folder / STACK / f"full{end}", folder / f"{place}{end}")
    with pytest.raises(BaselineError, match=f"{place}.records.json: shared.(stack|variant): is"):
        migrate(folder)


def test_a_reviewed_file_without_its_records_is_named(folder):
    (folder / STACK / "full.records.json").unlink()
    with pytest.raises(BaselineError, match="full.records.json is missing: restore it with `git"):
        migrate(folder)


@pytest.mark.parametrize("form", [2, 99])
def test_a_form_without_a_migration_is_refused(folder, form):
    for path in (folder / STACK).glob("*.json"):
        path.write_text(path.read_text().replace('"schema": 3', f'"schema": {form}'))
    with pytest.raises(BaselineError, match="full"):
        migrate(folder)


def test_the_command_says_what_it_did(folder, capsys):
    migrations.main(["--baselines", str(folder)])
    assert f"2 of 2 baselines were brought to form {SCHEMA}" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="nowhere: there is no such folder"):
        migrations.main(["--baselines", str(folder / "nowhere")])


class Addition:
    """Stands for what the suite adds to RLlib."""


class Named(Addition):
    """The same, with a name of its own."""

    recorded_as = "pytest_learns:Named"


class Derived(Named):
    """Another class, which has not been named."""


@pytest.fixture
def own_classes(monkeypatch):
    """Let the classes of this module belong to the package under test."""
    for definition in (Addition, Named, Derived):
        monkeypatch.setattr(definition, "__module__", "fixtures.somewhere")


def test_a_class_of_the_suite_is_recorded_by_its_own_name(own_classes):
    assert recorded({"callbacks": Named}) == {"callbacks": "pytest_learns:Named"}
    assert recorded(json.JSONDecoder) == "json.decoder.JSONDecoder"


@pytest.mark.parametrize("unnamed", [Addition, Derived])
def test_a_class_of_the_suite_without_a_name_is_refused(own_classes, unnamed):
    with pytest.raises(ValueError, match="give it a recorded_as"):
        recorded([unnamed])


def test_a_class_within_a_specification_is_named_too(own_classes):
    class Specification:
        """Has a text that holds a class, as RLModuleSpec has."""

        def __init__(self, module_class):
            self.module_class = module_class

        def __repr__(self):
            return f"Specification(module_class={self.module_class})"

    assert recorded(Specification(Named)) == "Specification(module_class=pytest_learns:Named)"
