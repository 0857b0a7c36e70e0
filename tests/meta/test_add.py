"""A new release gets a folder that is whole, or none."""

from datetime import date
from functools import partial
from pathlib import Path

import pytest
from packaging.version import Version

from fixtures.baselines import add as adding
from fixtures.baselines.add import add, nearest
from fixtures.baselines.errors import BaselineError
from fixtures.common.resolving import Unresolved
from tests.meta.fake_uv import put_uv

DAY = date(2027, 1, 5)


@pytest.fixture
def folder(tmp_path):
    """A folder with the releases 1.8.0 and 2.60.0."""
    for name in ("1.8.0", "2.60.0"):
        place = tmp_path / "baselines" / f"ray-{name}"
        place.mkdir(parents=True)
        (place / "requirements.in").write_text(f"# The stack.\nray[rllib]=={name}\npytest\n")
        (place / "uv.toml").write_text(
            'exclude-newer = "2026-11-15"\n\n[pip]\npython-version = "3.11"\n'
        )
        (place / "requirements.txt").write_text(f"ray=={name}\n")
    return tmp_path / "baselines"


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A function (shell commands) that has these run in place of uv."""

    put = partial(put_uv, tmp_path, monkeypatch)
    put('cp requirements.in requirements.txt; echo "$@" > ../../said')
    return put


@pytest.mark.parametrize(
    ("release", "like"),
    [("2.61.0", "ray-2.60.0"), ("2.59.0", "ray-2.60.0"), ("1.13.0", "ray-1.8.0"),
     ("1.7.0", "ray-1.8.0"), ("3.0.0", "ray-2.60.0")],
)  # fmt: skip
def test_a_release_is_made_like_the_nearest_of_its_major_version(folder, release, like):
    assert nearest(folder, Version(release)) == like


@pytest.mark.parametrize("name", ["2.61.0", "ray-2.61.0"])
def test_a_folder_is_made_and_locked(folder, uv, name):
    place = add(folder, name, DAY)
    assert place == folder / "ray-2.61.0"
    assert {path.name for path in place.iterdir()} == {
        "requirements.in",
        "requirements.txt",
        "uv.toml",
    }
    assert "\nray[rllib]==2.61.0\npytest\n" in (place / "requirements.in").read_text()
    assert 'exclude-newer = "2027-01-05"\n' in (place / "uv.toml").read_text()
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "ray-1.8.0",
        "ray-2.60.0",
        "ray-2.61.0",
    }


def test_what_is_there_is_left_alone(folder, uv):
    with pytest.raises(BaselineError, match="ray-2.60.0 is there: `tox run -e lock -- ray-2.60"):
        add(folder, "2.60.0", DAY)


def test_a_release_that_does_not_exist_leaves_nothing(folder, uv):
    uv("echo 'Because there is no version of ray[rllib]==2.99.0 and you require' >&2; exit 1")
    with pytest.raises(Unresolved, match="there is no ray 2.99.0 for the Python of ray-2"):
        add(folder, "2.99.0", DAY)
    assert len(list(folder.iterdir())) == 2


def test_a_release_that_wants_other_libraries_leaves_a_folder_to_be_mended(folder, uv):
    uv("echo 'ray==2.61.0 depends on gymnasium==2.0 and you require gymnasium==1.2.2' >&2; exit 1")
    with pytest.raises(Unresolved, match="cannot be locked so:\nray==2.61.0 depends .*\nMend its"):
        add(folder, "2.61.0", DAY)
    assert {path.name for path in Path(folder, "ray-2.61.0").iterdir()} == {
        "requirements.in",
        "uv.toml",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["two"], "'two' names no release: a release is called such as"),
        (["2.60.0"], "ray-2.60.0 is there"),
        (["2.61.0", "--baselines", "nowhere"], "no ray-* folder here has a requirements.txt"),
    ],
)
def test_the_command_refuses_in_a_line(folder, uv, monkeypatch, words, message):
    monkeypatch.chdir(folder.parent)
    with pytest.raises(SystemExit) as end:
        adding.main(words)
    assert str(end.value.code).startswith("error: ") and message in str(end.value.code)
