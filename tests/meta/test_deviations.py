"""Known deviations: which file applies to a stack, and how a bad one is refused."""

import json
from functools import partial
from pathlib import Path

import pytest

from fixtures.baselines import deviations
from fixtures.baselines.deviations import DeviationError, known, read
from tests.contracts import test_memory, test_networks, test_targets

ROW = {
    "contract": "test_padding_changes_nothing",
    "variants": ["lstm"],
    "reason": "it does",
    "where": ["rllib/somewhere.py:1-2"],
}


def written(folder, *rows, schema=1):
    """Write a file of these deviations below a new folder, and return its path."""
    folder.mkdir(parents=True)
    path = folder / deviations.NAME
    path.write_text(json.dumps({"schema": schema, "deviations": list(rows)}))
    return path


CONTRACTS = (test_memory, test_networks, test_targets)

COMMITTED = sorted(deviations.FOLDER.glob(f"*/*/{deviations.NAME}"))


@pytest.mark.parametrize(
    "path", COMMITTED, ids=lambda path: path.parent.relative_to(deviations.FOLDER).as_posix()
)
def test_each_deviation_in_git_names_a_contract_and_lines_of_rllib(path):
    for deviation in read(path):
        assert any(hasattr(module, deviation.contract) for module in CONTRACTS)
        for line in deviation.where:
            name, _, numbers = line.partition(":")
            assert name.startswith("rllib/") and name.endswith(".py")
            assert numbers.replace("-", "").replace(",", "").isdigit()


def test_a_stack_with_a_file_has_the_deviations_in_it_alone(tmp_path):
    written(tmp_path / "ray-1.0.0" / "a", ROW)
    written(tmp_path / "ray-2.0.0" / "a")
    deviations_known = known("ray-1.0.0/a", tmp_path)
    assert [deviation.contract for deviation in deviations_known] == [ROW["contract"]]
    assert known("ray-2.0.0/a", tmp_path) == []


def test_a_stack_without_a_file_has_the_deviations_of_the_nearest_older_one(tmp_path):
    written(tmp_path / "ray-1.9.0" / "a", ROW)
    written(tmp_path / "ray-1.10.0" / "a", {**ROW, "reason": "the newer"})
    # Recording a baseline makes the folder of a stack, and no file of deviations.
    (tmp_path / "ray-1.11.0" / "a").mkdir(parents=True)
    deviations_known = known("ray-1.11.0/a", tmp_path)
    assert [deviation.reason for deviation in deviations_known] == ["the newer"]
    assert known("ray-1.11.0/b", tmp_path) == known("ray-1.8.0/a", tmp_path) == []


def test_the_reason_names_the_lines(tmp_path):
    written(tmp_path / "ray-1.0.0" / "a", ROW)
    reason = partial(deviations.reason, "ray-1.0.0/a", folder=tmp_path)
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
        ({"since": "2.0"}, r"deviations\[0\]: should have the fields contract, variants"),
    ],
)
def test_a_bad_row_is_refused(tmp_path, change, message):
    path = written(tmp_path / "stack", {**ROW, **change})
    with pytest.raises(DeviationError, match=f"{path}: {message}"):
        read(path)


@pytest.mark.parametrize("row", [{}, "text", None])
def test_a_row_of_another_form_is_refused(tmp_path, row):
    with pytest.raises(DeviationError, match="should have the fields"):
        read(written(tmp_path / "stack", row))


def test_a_file_of_another_form_is_refused(tmp_path):
    with pytest.raises(DeviationError, match="schema: is 2, and this suite reads 1"):
        read(written(tmp_path / "newer", ROW, schema=2))
    for text, message in (
        ("{", "is not whole JSON .*: restore it from git"),
        ("[]", "schema: is None"),
        ('{"schema": 1}', "deviations: should be a list"),
    ):
        path = Path(tmp_path, "file.json")
        path.write_text(text)
        with pytest.raises(DeviationError, match=message):
            read(path)
