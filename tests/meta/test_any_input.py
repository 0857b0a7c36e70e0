"""Whatever a file holds, it is read, or refused by an error that names it; nothing else comes."""

import copy
import json
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.baselines import files
from fixtures.baselines.deviations import DeviationError, known
from fixtures.baselines.errors import BaselineError
from fixtures.common import files as common_files
from fixtures.judging.sequential import Rule, Wanted
from fixtures.judging.verdict import Candidate, judge
from fixtures.reporting import terminal
from fixtures.reporting.facts import facts_of
from fixtures.reporting.longer import kept
from fixtures.reporting.memory import faults_kept
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialSpec, parse_setting
from fixtures.training.store import Store
from tests.meta.sample_records import make

STACK = "ray-9.0.0/modelv2-tf"

SUBJECT = Subject("modelv2-tf", "full")

NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 1e308, -1e308, 10**400, 10**9, float("nan"), float("inf")]),
)

TEXTS = st.one_of(st.text(max_size=5), st.sampled_from(["\x1b[31m", "\n", "nan", "../../etc"]))

SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)

VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)

CONTENTS = st.one_of(
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"\xff\xfe", b"NaN", b"9" * 5000]),
)

NESTED = b"[" * 100_000
"""Deeper than Python reads."""

some = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Edited:
    """A JSON value with something in it replaced, taken away or put twice; shown as what was done.

    Attributes:
        value: after that.
    """

    def __init__(self, value, draw):
        self.value = part = copy.deepcopy(value)
        self.where = []
        while True:
            places = part if isinstance(part, dict) else range(len(part))
            place = draw(st.sampled_from(list(places)))
            self.where.append(place)
            inner = part[place]
            if not (isinstance(inner, (dict, list)) and inner and draw(st.booleans())):
                break
            part = inner
        self.how = draw(st.sampled_from(["replaced", "taken away", "put twice"]))
        if self.how == "taken away":
            del part[place]
        elif self.how == "put twice" and isinstance(part, list):
            part.insert(place, copy.deepcopy(inner))
        else:
            self.how = part[place] = draw(VALUES)

    def __repr__(self):
        return f"{'.'.join(map(str, self.where))}: {self.how!r}"


@st.composite
def edited(draw, value):
    """Return an Edited."""
    return Edited(value, draw)


RECORDS = [make(seed) for seed in range(1, 13)]

CANDIDATES = [Candidate.of(make(seed, (20.0, 30.0))) for seed in range(1, 17)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one baseline."""
    folder = tmp_path_factory.mktemp("baselines")
    files.save(folder, RECORDS)
    return folder


@contextmanager
def replaced(path, content):
    """Have a file hold something else for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


FILES = pytest.mark.parametrize("name", ["full.json", "full.records.json"])


@FILES
@pytest.mark.parametrize(
    ("content", "problem"),
    [(NESTED, "nested too deep"), (None, "Is a directory"), ("loop", "symbolic links")],
)
def test_what_is_no_file_of_a_baseline_is_refused_by_name(tmp_path, name, content, problem):
    files.save(tmp_path, RECORDS)
    path = tmp_path / STACK / name
    path.unlink()
    if content is None:
        path.mkdir()
    elif content == "loop":
        path.symlink_to(path.name)
    else:
        path.write_bytes(content)
    with pytest.raises(BaselineError, match=f"{name} is not whole JSON .*{problem}"):
        files.load(tmp_path, STACK, "full")


def test_what_is_nested_less_deep_than_json_can_be_is_refused_too(tmp_path):
    """Though its digests are right."""
    files.save(tmp_path, RECORDS)
    path = tmp_path / STACK / "full.records.json"
    bulk = json.loads(path.read_text())
    bulk["shared"]["config"]["nested"] = json.loads("[" * 800 + "]" * 800)
    for row in bulk["records"]:
        row["shared"] = files._digest(bulk["shared"])
    path.write_text(json.dumps(bulk))
    with pytest.raises(
        BaselineError, match=r"full\.records\.json: records \(seed 1\)\.config: is nested too deep"
    ):
        files.load(tmp_path, STACK, "full")


def test_a_file_larger_than_any_baseline_is_refused_unread(tmp_path):
    files.save(tmp_path, RECORDS)
    path = tmp_path / STACK / "full.json"
    with path.open("a") as file:
        # No byte of it is on disk.
        file.truncate(common_files.MOST + 1)
    with pytest.raises(BaselineError, match=r"full\.json .* larger than 64 MiB"):
        files.load(tmp_path, STACK, "full")


def test_as_many_rows_as_a_file_can_hold_are_refused_at_the_first(tmp_path):
    """In seconds, and not in the square of their number."""
    files.save(tmp_path, RECORDS)
    path = tmp_path / STACK / "full.records.json"
    bulk = json.loads(path.read_text())
    bulk["records"] = [
        {"seed": seed, "shared": bulk["records"][0]["shared"]} for seed in range(300_000)
    ]
    path.write_text(json.dumps(bulk))
    with pytest.raises(BaselineError, match=r"records \(seed 0\)\.platform: should be dict"):
        files.load(tmp_path, STACK, "full")


@FILES
@some
@given(content=CONTENTS)
def test_a_baselines_file_of_any_content_is_refused_by_name(folder, name, content):
    with replaced(folder / STACK / name, content), pytest.raises(BaselineError, match="full"):
        files.load(folder, STACK, "full")


@FILES
@some
@given(data=st.data())
def test_an_edited_baselines_file_is_refused_by_name(folder, name, data):
    path = folder / STACK / name
    changed = data.draw(edited(json.loads(path.read_text())))
    with replaced(path, json.dumps(changed.value).encode()):
        try:
            # Equal to what it was, such as 1.0 for 1.
            assert files.load(folder, STACK, "full") == files.Baseline.of(RECORDS)
        except BaselineError as error:
            assert "full" in str(error)


@some
@given(data=st.data())
def test_a_baseline_of_an_edited_record_is_refused_or_can_be_judged_and_shown(tmp_path, data):
    """Whoever edits a record can compute its digest; so what is in it is looked at too."""
    place = data.draw(st.integers(0, 11))
    changed = data.draw(edited(RECORDS[place]))
    records = [*RECORDS[:place], changed.value, *RECORDS[place + 1 :]]
    try:
        files.save(tmp_path, records)
        baseline = files.load(tmp_path, STACK, "full")
    except BaselineError as error:
        assert str(tmp_path) in str(error)
        return
    verdict = judge(Rule(4), baseline, CANDIDATES)
    assert not isinstance(verdict, Wanted)
    facts = facts_of(SUBJECT, verdict)
    text = json.dumps(facts, allow_nan=False) + terminal.failure(verdict, facts)
    assert "\x1b" not in text
    assert terminal.summary(facts)


@some
@given(content=CONTENTS)
def test_a_stored_trial_of_any_content_is_refused_by_name(tmp_path, content):
    store, spec = Store(tmp_path), TrialSpec("modelv2-tf", "full", 1)
    path = store.path(store.key(spec))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path.name} is damaged .*: delete it"):
        store.get(spec)


READERS = {
    "deviations/a.json": (
        lambda folder: known("ray-2.60.0/a", folder / "deviations"),
        DeviationError,
    ),
    "memory/longer.json": (kept, BaselineError),
    "memory/faults.json": (faults_kept, BaselineError),
}
"""{file: (function of the folder that it is in, what it raises)}."""


@pytest.mark.parametrize("name", READERS)
@some
@given(content=CONTENTS)
def test_what_is_kept_beside_baselines_is_refused_by_name(tmp_path, name, content):
    read, error = READERS[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(error, match=name):
        read(tmp_path)


@some
@given(text=st.one_of(st.text(), st.builds("{}={}".format, TEXTS, VALUES.map(json.dumps))))
def test_a_setting_of_any_text_is_trained_with_or_refused_by_its_option(text):
    try:
        name, value = parse_setting(text)
        TrialSpec("modelv2-tf", "full", 1, overrides={name: value})
    except ValueError as error:
        assert str(error).startswith("--config")
