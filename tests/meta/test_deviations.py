"""Known deviations: which file applies to a stack, and how a bad one is refused."""

import json
from functools import partial
from pathlib import Path

import pytest

from fixtures.baselines import deviations
from fixtures.baselines.deviations import DeviationError, known, read
from fixtures.rllib.backends import BACKENDS
from tests.contracts import test_memory, test_networks, test_targets

ROW = {
    "since": "2.3.0",
    "until": None,
    "contract": "test_padding_changes_nothing",
    "variants": ["lstm"],
    "reason": "it does",
    "where": ["rllib/somewhere.py:1-2"],
}


def written(folder, *rows, schema=2):
    """Write a file of these deviations of a backend called a, and return its path."""
    path = folder / "a.json"
    path.write_text(json.dumps({"schema": schema, "deviations": list(rows)}))
    return path


CONTRACTS = (test_memory, test_networks, test_targets)

COMMITTED = sorted(deviations.FOLDER.glob("*.json"))


def test_each_file_in_git_is_that_of_a_backend():
    assert {path.stem for path in COMMITTED} == set(BACKENDS)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_each_deviation_in_git_names_a_contract_and_lines_of_rllib(path):
    for deviation in read(path):
        assert any(hasattr(module, deviation.contract) for module in CONTRACTS)
        for line in deviation.where:
            name, _, numbers = line.partition(":")
            assert name.startswith("rllib/") and name.endswith(".py")
            assert numbers.replace("-", "").replace(",", "").isdigit()


@pytest.mark.parametrize(
    ("release", "applies"),
    [
        ("2.2.0", False),
        ("2.3.0rc1", True),
        ("2.3.0", True),
        ("2.10.0", True),
        ("2.56.0.dev0", False),
        ("2.56.0", False),
        ("3.0.0", False),
    ],
)
def test_a_deviation_belongs_to_the_releases_from_one_to_before_another(
    tmp_path, release, applies
):
    written(tmp_path, {**ROW, "until": "2.56.0"})
    assert bool(known(f"ray-{release}/a", tmp_path)) is applies


def test_what_nobody_mended_is_still_there(tmp_path):
    written(tmp_path, ROW)
    assert known("ray-9.0.0/a", tmp_path) and known("ray-2.59.0/a", tmp_path)
    assert known("ray-2.2.0/a", tmp_path) == known("ray-9.0.0/b", tmp_path) == []


def test_a_release_that_was_never_recorded_has_the_deviations_of_its_neighbours():
    """As tried: 2.59.0, held to 2.60.0, was identical in all, and red."""
    for backend in BACKENDS:
        before, after = (known(f"ray-{release}/{backend}") for release in ("2.59.0", "2.60.0"))
        assert before == after != []


def test_the_reason_names_the_lines(tmp_path):
    written(tmp_path, ROW)
    reason = partial(deviations.reason, "ray-2.3.0/a", folder=tmp_path)
    assert reason(ROW["contract"], "lstm") == "it does (rllib/somewhere.py:1-2)"
    assert reason(ROW["contract"], "full") == ""
    assert reason("another", "lstm") == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contract": " "}, r"deviations\[0\].contract: should be text"),
        ({"reason": 3}, r"deviations\[0\].reason: should be text"),
        ({"variants": []}, r"deviations\[0\].variants: should be a list of texts"),
        ({"variants": "lstm"}, r"deviations\[0\].variants: should be a list of texts"),
        ({"variants": ["lstn"]}, r"deviations\[0\].variants: there is no variant lstn"),
        ({"where": [1]}, r"deviations\[0\].where: should be a list of texts"),
        ({"from": "2.0"}, r"deviations\[0\]: should have the fields since, until, contract"),
        ({"since": None}, r"deviations\[0\].since: should be a release such as 2.60.0, not None"),
        ({"since": 2}, r"deviations\[0\].since: should be a release"),
        ({"until": "soon"}, r"deviations\[0\].until: should be a release"),
        ({"until": ""}, r"deviations\[0\].until: should be a release"),
        ({"until": "2.3.0"}, r"deviations\[0\].until: 2.3.0 is no later than 2.3.0"),
    ],
)
def test_a_bad_row_is_refused(tmp_path, change, message):
    path = written(tmp_path, {**ROW, **change})
    with pytest.raises(DeviationError, match=f"{path}: {message}"):
        read(path)


@pytest.mark.parametrize("row", [{}, "text", None])
def test_a_row_of_another_form_is_refused(tmp_path, row):
    with pytest.raises(DeviationError, match="should have the fields"):
        read(written(tmp_path, row))


def test_a_file_of_another_form_is_refused(tmp_path):
    with pytest.raises(DeviationError, match="schema: is 3, and this suite reads 2"):
        read(written(tmp_path, ROW, schema=3))
    for text, message in (
        ("{", "is not whole JSON .*: restore it from git"),
        ("[]", "schema: is None"),
        ('{"schema": 2}', "deviations: should be a list"),
    ):
        path = Path(tmp_path, "file.json")
        path.write_text(text)
        with pytest.raises(DeviationError, match=message):
            read(path)
