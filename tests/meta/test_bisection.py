"""A bisection finds every border between classes of equal behaviour, with few trials."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from fixtures.comparing import bisect as command
from fixtures.comparing.bisect import Bisection, as_text, newest_patches
from fixtures.comparing.commits import commits, unpack_rllib
from fixtures.comparing.index import NoRelease
from fixtures.comparing.search import Search
from fixtures.comparing.sides import Side
from fixtures.rllib.matrix import Subject
from fixtures.training.spec import TrialFailed
from tests.meta.fake_sides import FakeSide
from tests.meta.repositories import git
from tests.meta.sample_records import make

FULL = Subject("modelv2-tf", "full")


def behaving(kind):
    """Return a record that is equal to others of its kind, and differs from those of no other."""
    return make(1, (20.0, 40.0 + kind))


KINDS = [behaving(kind) for kind in range(6)]


def found_in(classes, lost=()):
    """Return (borders as pairs, sides tried) of a search through classes, some sides of which are
    lost."""
    tried = []

    def trial(number):
        tried.append(number)
        return None if number in lost else KINDS[classes[number]]

    search = Search(len(classes), trial)
    while wanted := search.wanted():
        for number in wanted:
            search.take(number)
    return [(border.before, border.after) for border in search.borders], tried


@st.composite
def rows(draw):
    """Draw the class of each side, in order: no class comes back."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    classes = [kind for kind, length in enumerate(lengths) for _ in range(length)]
    return classes if len(classes) > 1 else [0, 0]


def borders_of(classes):
    return [
        (number, number + 1)
        for number in range(len(classes) - 1)
        if classes[number] != classes[number + 1]
    ]


@given(rows())
def test_every_border_is_found_and_no_side_is_tried_twice(classes):
    found, tried = found_in(classes)
    assert found == borders_of(classes)
    assert len(tried) == len(set(tried))


@given(rows())
def test_it_takes_two_trials_and_the_depth_of_a_bisection_for_each_border(classes):
    found, tried = found_in(classes)
    depth = math.ceil(math.log2(len(classes) - 1)) if len(classes) > 2 else 0
    assert len(tried) <= 2 + max(1, len(found)) * depth


@given(rows(), st.data())
def test_what_leaves_no_trial_is_left_out_and_named(classes, data):
    inner = range(1, len(classes) - 1)
    lost = data.draw(st.sets(st.sampled_from(inner))) if inner else set()
    found, _ = found_in(classes, lost)
    there = [number for number in range(len(classes)) if number not in lost]
    assert found == [
        (before, after)
        for before, after in zip(there, there[1:])
        if classes[before] != classes[after]
    ]


def bisect(kinds, said):
    """Return the borders of a search through releases of these kinds; "" is not to be had."""
    sides = [Side(f"2.{number}.0", Version(f"2.{number}.0")) for number in range(len(kinds))]

    def open_one(side, subject):
        kind = kinds[sides.index(side)]
        if kind == "":
            raise NoRelease("there is none")
        return FakeSide(lambda spec: None if kind is None else KINDS[kind])

    found = Bisection(sides, {FULL: 1}, open_one, at_once=2, say=said.append).run()
    return sides, found[FULL]


def test_a_border_can_be_pasted_into_an_issue():
    sides, (border,) = bisect([0, 0, 0, 1, 1], [])
    text = as_text(FULL, 1, border, sides, ["lr=0.1", 'model={"a": 1}'])
    assert text.splitlines()[0] == (
        "modelv2-tf/full: behaviour changed from ray 2.2.0 to ray 2.3.0"
    )
    assert "seed 1: episodes" in text
    assert text.endswith(
        "repeat: tox run -e compare -- 2.2.0 2.3.0 --backends=modelv2-tf --variants=full"
        " --config=lr=0.1 --config='model={\"a\": 1}'"
    )


def test_a_border_between_commits_is_repeated_in_the_readers_own_checkout(checkout, tmp_path):
    folder, names = checkout
    sides = commits(folder, names[0], "HEAD", "2.60.0", tmp_path / "cache")
    _, (border,) = bisect([0, 1, 1], [])
    lines = as_text(FULL, 1, border, sides, []).splitlines()
    before, after = names[0][:12], names[2][:12]
    assert lines[0].endswith(f"from commit {before} (0) to commit {after} (2)")
    assert lines[-1] == (
        f"  repeat: tox run -e bisect -- {before} {after} --checkout=RAY --over=2.60.0"
        " --backends=modelv2-tf --variants=full"
    )
    assert str(tmp_path) not in "".join(lines)


@pytest.mark.parametrize("lost", ["", None])
def test_a_release_that_cannot_be_tried_is_left_out(lost):
    said = []
    sides, (border,) = bisect([0, lost, lost, 1], said)
    assert (border.before, border.after, border.skipped) == (0, 3, (1, 2))
    assert any("ray 2.2.0 is left out" in line for line in said)
    assert "left out: ray 2.1.0, ray 2.2.0" in as_text(FULL, 1, border, sides, [])


@pytest.mark.parametrize("kinds", [["", 0, 1], [0, 1, ""], [None, 0, 1]])
def test_without_both_ends_there_is_nothing_to_search(kinds):
    with pytest.raises(ValueError, match="ray 2.[02].0, modelv2-tf/full: "):
        bisect(kinds, [])


def test_it_says_what_comes_next_and_how_much_is_left():
    said = []
    bisect([0, 0, 0, 0, 1, 1, 1, 1, 1], said)
    plans = [line for line in said if line.startswith("next:")]
    assert plans[0].startswith("next: modelv2-tf/full: ray 2.0.0, ray 2.8.0 (at most")
    assert plans[1].startswith("next: modelv2-tf/full: ray 2.4.0 (at most 3 trials more")


def test_the_newest_patch_stands_for_a_minor_version():
    there = [Version(text) for text in ("2.3.0", "2.3.1", "2.4.0", "2.5.0", "2.5.1", "2.6.0")]
    old, new = Version("2.3.0"), Version("2.5.1")
    assert list(map(str, newest_patches(there, old, new))) == ["2.3.0", "2.4.0", "2.5.1"]


@pytest.fixture
def checkout(tmp_path):
    """A repository with three commits that touch rllib, and one that does not."""
    folder = tmp_path / "ray"
    (folder / "rllib" / "algorithms").mkdir(parents=True)
    (folder / "rllib" / "policy").mkdir()
    git(tmp_path, "init", "-q", str(folder))
    names = []
    for number, path in enumerate(["rllib/algorithms/a", "doc", "rllib/policy/b", "rllib/a"]):
        (folder / path).write_text(str(number))
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", str(number))
        names.append(git(folder, "rev-parse", "HEAD"))
    return folder, names


def test_commits_that_touch_rllib_are_sides(checkout, tmp_path):
    folder, names = checkout
    sides = commits(folder, names[0], "HEAD", "2.60.0", tmp_path / "cache")
    assert [side.rllib.name for side in sides] == [names[0], names[2], names[3]]
    assert {str(side.version) for side in sides} == {"2.60.0"}
    assert [side.title for side in sides] == [
        f"commit {commit[:12]} ({number})" for number, commit in enumerate(names) if number != 1
    ]
    for side in sides:
        unpack_rllib(folder, side.rllib)
        unpack_rllib(folder, side.rllib)
    assert (sides[1].rllib / "policy" / "b").read_text() == "2"
    assert not (sides[0].rllib / "policy").exists()
    assert {path.name for path in (tmp_path / "cache" / "rllib").iterdir()} == {
        side.rllib.name for side in sides
    }


def test_commits_that_git_does_not_know_are_refused(checkout, tmp_path):
    folder, _ = checkout
    with pytest.raises(ValueError, match=f"{folder}: git: .*nonsense"):
        commits(folder, "nonsense", "HEAD", "2.60.0", tmp_path)
    with pytest.raises(ValueError, match="--checkout needs --over"):
        commits(folder, "HEAD~1", "HEAD", None, tmp_path)


def test_commits_that_no_row_leads_between_are_refused(checkout, tmp_path):
    folder, names = checkout
    with pytest.raises(ValueError, match="is no ancestor of"):
        commits(folder, names[2], names[0], "2.60.0", tmp_path)
    with pytest.raises(ValueError, match="no commit from .* to .* touches rllib"):
        commits(folder, names[0], names[1], "2.60.0", tmp_path)


def test_a_commit_without_rllib_is_refused(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-qm", "nothing", "--allow-empty")
    commit = git(tmp_path, "rev-parse", "HEAD")
    with pytest.raises(ValueError, match="has no rllib and no python/ray/rllib"):
        unpack_rllib(tmp_path, tmp_path / "cache" / commit)


def test_what_the_machine_did_ends_a_search(tmp_path):
    sides = [Side(f"2.{number}.0", Version(f"2.{number}.0")) for number in range(3)]
    dies = FakeSide(lambda spec: None, by_machine=True)
    with pytest.raises(TrialFailed):
        Bisection(
            sides, {FULL: 1}, lambda side, subject: dies, at_once=2, say=lambda text: None
        ).run()


@pytest.fixture
def search(tmp_path, monkeypatch, capsys):
    """A function that runs the command among 2.0.0 to 2.3.0; it returns (exit status, output)."""

    def opened(side, subjects, *_):
        backends = {subject.backend for subject in subjects}
        if "modelv2-torch" in backends and side.text == "2.1.0":
            raise NoRelease("there is no PyTorch")
        return FakeSide(lambda spec: KINDS[int(side.text[2] > "0")])

    def searched(*arguments):
        options = [f"--cache={tmp_path}", f"--store={tmp_path}"]
        with pytest.raises(SystemExit) as exit:
            command.main([*options, *arguments])
        said = capsys.readouterr()
        return exit.value.code, said.out + said.err

    there = [Version(f"2.{minor}.0") for minor in range(4)]
    monkeypatch.setattr(command, "open_side", opened)
    monkeypatch.setattr(command, "pythons_of", lambda *_: [])
    monkeypatch.setattr(command, "releases", lambda: there)
    return searched


def test_what_one_backend_lacks_hides_nothing_of_another(search):
    status, said = search("2.0.0", "2.3.0", "--backends=modelv2-tf,modelv2-torch")
    assert status == 0
    assert "modelv2-tf/full: behaviour changed from ray 2.0.0 to ray 2.1.0" in said
    assert "modelv2-torch/full: behaviour changed from ray 2.0.0 to ray 2.2.0" in said
    assert "ray 2.1.0 is left out for modelv2-torch/full: there is no PyTorch" in said
    assert "left out for modelv2-tf" not in said


def test_an_end_of_the_search_cannot_be_skipped(search):
    status, said = search("2.0", "2.3", "--skip=2.3")
    assert status == 4 and "--skip 2.3.0: the search begins or ends with it" in said


def test_commits_are_not_skipped(search):
    status, said = search("a", "b", "--checkout=ray", "--over=2.60.0", "--skip=2.3")
    assert status == 4 and "--skip is about releases, and --checkout searches commits" in said
