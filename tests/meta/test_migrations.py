"""Records outlive a change of their form, and a rename of the suite's own classes."""

import json
import shutil

import pytest

from fixtures.baselines import files, migrations
from fixtures.baselines.errors import BaselineError
from fixtures.baselines.migrations import MIGRATIONS, migrate, to_4
from fixtures.records.schema import SCHEMA
from fixtures.training.recorded_config import recorded
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"


ATTENTION = "<class 'fixtures.rllib.attention.Attention'>"


def in_form_3(record):
    """Return a record as form 3 had it."""
    record = dict(record, schema=3, learner=record["backend"])
    del record["backend"]
    record["config"] = {
        **record["config"],
        "callbacks": "fixtures.rllib.callbacks.tracing.<locals>.Tracing",
        "_rl_module_spec": f"RLModuleSpec(module_class={ATTENTION})",
    }
    return record


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a baseline of form 3, and one for calibration."""
    with monkeypatch.context() as older:
        shared = tuple("learner" if name == "backend" else name for name in files.SHARED)
        older.setattr(files, "SHARED", shared)
        older.setattr(files, "SCHEMA", 3)
        for place, seeds in ((tmp_path, (1, 2)), (tmp_path / "calibration", (25, 26))):
            files.save(place, [in_form_3(make(seed)) for seed in seeds], first=seeds[0])
    return tmp_path


def test_every_older_form_has_a_migration_to_the_next_one():
    assert sorted(MIGRATIONS) == list(range(min(MIGRATIONS), SCHEMA))


def test_form_4_names_the_suites_own_classes_by_names_that_stay():
    record = to_4(in_form_3(make(1)))
    assert record["config"].pop("callbacks") == "pytest_learns:TraceCallbacks"
    spec = record["config"].pop("_rl_module_spec")
    assert spec == "RLModuleSpec(module_class=pytest_learns:Attention)"
    assert record == {**make(1), "schema": 4}


def test_baselines_are_refused_until_they_are_migrated(folder):
    with pytest.raises(
        BaselineError, match="schema: is 3, .* `python -m fixtures.baselines.migrations`"
    ):
        files.load(folder, STACK, "full")
    assert [(path.name, form) for path, form in migrate(folder)] == [("full.records.json", 3)] * 2
    migrated = files.load(folder, STACK, "full")
    assert migrated.record(1)["trace"] == make(1)["trace"]
    assert len(files.load(folder / "calibration", STACK, "full", 25).records) == 2


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
    shutil.rmtree(folder / "calibration")
    with pytest.raises(BaselineError, match="full"):
        migrate(folder)


def test_the_command_says_what_it_did(folder, capsys):
    migrations.main(["--baselines", str(folder)])
    assert "2 of 2 baselines were brought to form 4" in capsys.readouterr().out
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
