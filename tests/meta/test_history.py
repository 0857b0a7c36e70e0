"""A history says of each release whether it behaves as the one before, and is drawn."""

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.version import Version

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import load
from fixtures.baselines.kept import lines_of
from fixtures.comparing.history import History, Recording, baseline_returns
from fixtures.comparing.index import NoRelease
from fixtures.comparing.sides import Side
from fixtures.reporting import history as page
from fixtures.reporting.history import FIELDS, NAME, classes, rows, section
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed
from tests.meta.fake_sides import FakeSide
from tests.meta.sample_records import make

FULL = Subject("modelv2-tf", "full")

BASELINES = Path(__file__).resolve().parents[2] / "baselines"

SIDES = [Side(f"2.{number}.0", Version(f"2.{number}.0")) for number in range(6)]

GONE = "gone"


def record(
    folder, kinds, seeds=3, subject=FULL, by_machine=False, known=lambda *_: [], skip=(), fails=()
):
    """Record a history in which releases are of these kinds; return (lines, trained seeds)."""
    trained = []
    sides = [side for number, side in enumerate(SIDES[: len(kinds)]) if number not in skip]

    def open_one(side, subject):
        kind = kinds[SIDES.index(side)]
        if kind == GONE:
            raise NoRelease("there is none")

        def trial(spec):
            if kind is None or spec.seed in fails:
                return None
            trained.append((str(side.version), spec.seed))
            return make(spec.seed, (20.0, 40.0 + kind), subject.variant)

        return FakeSide(trial, by_machine)

    path = folder / NAME
    history = History(path, known, seeds, 2, lambda text: None)
    history.record([Recording(subject, 1, sides, open_one)])
    return lines_of(path, FIELDS), trained


def test_each_release_is_like_the_one_before_or_changed(tmp_path):
    lines, trained = record(tmp_path, [0, 0, 7, 7])
    assert [line["like"] for line in lines] == [None, "2.0.0", None, "2.2.0"]
    assert [line["after"] for line in lines] == [None, "2.0.0", "2.1.0", "2.2.0"]
    assert "episodes" in lines[2]["difference"] and lines[1]["difference"] == ""
    assert classes(lines) == [0, 0, 1, 1]


def test_a_change_that_was_taken_back_is_found(tmp_path):
    lines, _ = record(tmp_path, [0, 0, 7, 0, 0])
    assert [line["like"] for line in lines] == [None, "2.0.0", None, None, "2.3.0"]
    assert all("returns" in lines[number] for number in (0, 2, 3))


def test_borders_come_first(tmp_path):
    _, trained = record(tmp_path, [0, 0, 0, 0, 0, 7])
    assert [release for release, _ in trained[:3]] == ["2.0.0", "2.5.0", "2.3.0"]
    assert trained.index(("2.0.0", 2)) < trained.index(("2.1.0", 1))


def test_more_seeds_are_trained_of_one_release_of_each_class(tmp_path):
    lines, trained = record(tmp_path, [0, 0, 7, 7])
    assert sorted(trained) == [
        ("2.0.0", 1), ("2.0.0", 2), ("2.0.0", 3), ("2.1.0", 1),
        ("2.2.0", 1), ("2.2.0", 2), ("2.2.0", 3), ("2.3.0", 1),
    ]  # fmt: skip
    assert lines[2]["returns"] == [36.2] * 3 and "returns" not in lines[1]


def test_what_a_recorded_baseline_earned_is_not_trained_again(tmp_path):
    def known(subject, trial):
        return [1.0, 2.0] if trial["episodes"] == make(1, (20.0, 47.0))["episodes"] else []

    lines, trained = record(tmp_path, [0, 0, 7, 7], known=known)
    assert lines[2]["returns"] == [1.0, 2.0] and lines[0]["returns"] == [32.0] * 3
    assert ("2.2.0", 2) not in trained


def test_the_returns_of_a_baseline_are_those_of_what_behaves_alike():
    stack = "ray-2.60.0/rlmodule-torch"
    baseline = load(BASELINES, stack, "full")
    (same,) = [one for one in baseline.records if one["seed"] == 1]
    subject = Subject("rlmodule-torch", "full")
    assert len(baseline_returns(BASELINES, subject, same)) == len(baseline.records)
    other = {**same, "versions": {**same["versions"], "ray": "2.59.0"}}
    assert baseline_returns(BASELINES, subject, other) == []
    parts = [[[1.0 + reward, length] for reward, length in part] for part in same["episodes"]]
    assert baseline_returns(BASELINES, subject, {**same, "episodes": parts}) == []
    late = copy.deepcopy(same)
    late["trace"]["iterations"][4]["sampling"]["values"] = ["another12345", 9.0, 9.0]
    assert baseline_returns(BASELINES, subject, late) == []
    followed = {**late, "platform": {"machine": "another"}}
    assert len(baseline_returns(BASELINES, subject, followed)) == len(baseline.records)


@pytest.mark.parametrize("lost", [None, GONE])
def test_a_release_without_a_trial_says_why_and_breaks_no_row(tmp_path, lost):
    lines, _ = record(tmp_path, [0, lost, 0, 7])
    assert lines[1]["failed"] in ("out of luck", "there is none")
    assert [line.get("like") for line in lines] == [None, None, "2.0.0", None]
    assert classes(lines) == [0, None, 0, 1]


def test_what_the_machine_did_is_not_written_down(tmp_path):
    with pytest.raises(TrialFailed):
        record(tmp_path, [0, None], by_machine=True)
    assert len(lines_of(tmp_path / NAME, FIELDS)) <= 1


def test_a_recording_goes_on_and_keeps_other_rows(tmp_path):
    record(tmp_path, [0, 0, 7])
    record(tmp_path, [0, 0], subject=Subject("modelv2-tf", "stacked"))
    lines, _ = record(tmp_path, [0, 0, 7, 7], seeds=1)
    assert [line["variant"] for line in lines] == ["full"] * 4 + ["stacked"] * 2
    assert len(lines[2]["returns"]) == 3, "more seeds than are asked for today stay"


def test_two_recordings_at_once_lose_no_line(tmp_path, monkeypatch):
    def slowly(path, fields):
        lines = lines_of(path, FIELDS)
        time.sleep(0.05)
        return lines

    monkeypatch.setattr("fixtures.comparing.lines.lines_of", slowly)
    both = [Subject("modelv2-tf", "full"), Subject("modelv2-tf", "stacked")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda subject: record(tmp_path, [0, 0, 7], 1, subject), both))
    assert [line["variant"] for line in lines_of(tmp_path / NAME, FIELDS)] == ["full"] * 3 + [
        "stacked"
    ] * 3


def test_a_recording_of_fewer_releases_leaves_what_was_known_better(tmp_path):
    whole, _ = record(tmp_path, [0, 0, 0, 7])
    lines, _ = record(tmp_path, [0, 0, 0, 7], skip=(0, 1))
    assert lines[:2] == whole[:2] and lines[3] == whole[3]
    assert (lines[2]["like"], lines[2]["after"]) == ("2.1.0", "2.1.0")


def test_the_page_lists_borders_and_failures(tmp_path):
    lines, _ = record(tmp_path, [0, None, 7, 7])
    text = section(lines)
    assert "| `modelv2-tf/full` | 2.0.0 -> 2.2.0 | episodes" in text
    assert "32.0 ± 0.0 (3) became 36.2 ± 0.0 (3)" in text
    assert "- `modelv2-tf/full` on 2.1.0: out of luck" in text
    assert list(rows(lines)) == [FULL]


def test_where_rounding_may_have_parted_two_releases_the_frameworks_are_named(tmp_path):
    lines, _ = record(tmp_path, [0, 7])
    for line, version in zip(lines, ("2.16.1", "2.17.0")):
        line["versions"] = {**line["versions"], "tensorflow": version, "numpy": version}
    lines[1].update(unclear=True, difference="followed up to rounding until iteration 2: all")
    said = "rounding, or a change, from iteration 2 on: tensorflow 2.16.1 became 2.17.0"
    assert f"| 2.0.0 -> 2.1.0 | {said} |" in section(lines)


def test_pictures_are_the_same_for_the_same_lines(tmp_path):
    pytest.importorskip("matplotlib", reason="this release of RLlib comes without matplotlib")
    lines, _ = record(tmp_path, [0, None, 7, 7])
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        assert [path.name for path in page.draw(folder, lines)] == ["history-modelv2-tf.svg"]
    assert (first / "history-modelv2-tf.svg").read_bytes() == (
        second / "history-modelv2-tf.svg"
    ).read_bytes()


def test_what_was_not_trained_is_pale_in_the_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="this release of RLlib comes without matplotlib")
    lines, _ = record(tmp_path, [0, 0, 0, 7])
    pale = f"opacity: {page.PALE}"
    (path,) = page.draw(tmp_path, lines)
    assert pale not in path.read_text()
    lines[2].update(after="2.0.0", like="2.0.0")
    others = [{**line, "variant": "stacked"} for line in lines]
    (path,) = page.draw(tmp_path, [lines[0], *lines[2:], *others])
    assert path.read_text().count(pale) == 1


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda line: line.pop("like"), "KeyError: 'like'"),
        (lambda line: line.pop("release"), "KeyError: 'release'"),
        (lambda line: line.update(backend="torch"), "torch"),
        (lambda line: line.update(variant="half"), "half"),
        (lambda line: line.update(release="newest"), "newest"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, damage, why):
    record(tmp_path, [0, 0])
    path = tmp_path / NAME
    content = json.loads(path.read_text())
    damage(content["lines"][1])
    path.write_text(json.dumps(content))
    with pytest.raises(BaselineError, match=rf"{path}: lines\[1\]: .*{why}"):
        record(tmp_path, [0, 0])


def test_a_trial_that_is_there_outlives_a_failure(tmp_path):
    before, _ = record(tmp_path, [0, 0])
    assert record(tmp_path, [GONE, 0])[0][0] == before[0]


def test_what_another_trial_earned_is_forgotten(tmp_path):
    record(tmp_path, [0, 0])
    lines, _ = record(tmp_path, [7, 7], seeds=1)
    assert lines[0]["returns"] == [36.2]


def test_a_seed_that_fails_ends_no_recording(tmp_path):
    lines, trained = record(tmp_path, [0, 7], fails=[2])
    assert [len(line["returns"]) for line in lines] == [2, 2]


def test_a_place_that_cannot_be_written_to_is_told_before_anything_trains(tmp_path):
    (tmp_path / "history").write_text("")
    with pytest.raises(OSError):
        record(tmp_path, [None, None], by_machine=True)


def test_a_release_is_drawn_that_nothing_was_trained_of(tmp_path):
    pytest.importorskip("matplotlib", reason="this release of RLlib comes without matplotlib")
    lines, _ = record(tmp_path, [GONE, GONE])
    assert len(page.draw(tmp_path, lines)) == 1
    assert "releases trained" not in section(lines)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "history.json"
    path.write_text("[]")
    with pytest.raises(BaselineError, match=f"{path} is damaged"):
        lines_of(path, FIELDS)
