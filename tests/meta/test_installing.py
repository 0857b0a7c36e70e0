"""An environment is whole or not there, is made once, and the cache keeps to its limit."""

import os
import sys
import threading
import time
from datetime import date
from functools import partial

import pytest
from packaging.version import Version

from fixtures.common import files
from fixtures.common.resolving import Unresolved, uv
from fixtures.comparing import index, installing
from fixtures.comparing.index import NoRelease, released
from fixtures.comparing.installing import Environments, Unimportable, modules
from fixtures.comparing.requirements import Wanted, requirements, settings
from tests.meta.fake_uv import put_uv

DAY = date(2025, 7, 18)

TORCH = Wanted("ray[rllib]==2.48.0", DAY, "3.11", "torch")

MAKES = r"""
case "$*" in
*compile*) echo ray==2.48.0 > requirements.txt;;
*venv*) mkdir -p env/bin; printf "#!/bin/sh\n" > env/bin/python; chmod +x env/bin/python;;
esac
echo "$@" >> ../said
"""


@pytest.fixture
def uv_runs(tmp_path, monkeypatch):
    """A function (shell commands) that has these run in place of uv; at first they make all."""
    put = partial(put_uv, tmp_path, monkeypatch)
    put(MAKES)
    return put


def environments(tmp_path, limit=1e9, said=None):
    return Environments(tmp_path / "cache", limit, (said if said is not None else []).append)


def test_an_environment_is_made_once(tmp_path, uv_runs):
    said = []
    cache = environments(tmp_path, said=said)
    first = cache.get("ray-2.48.0", TORCH)
    calls = (tmp_path / "cache" / "said").read_text()
    assert cache.get("ray-2.48.0", TORCH) == first
    assert (tmp_path / "cache" / "said").read_text() == calls
    assert first.folder.name.startswith("ray-2.48.0-torch-py3.11-")
    assert [line.split()[2] for line in calls.splitlines()] == ["pip", "venv", "pip"]
    assert len(said) == 2 and said[0].startswith("installing ray[rllib]==2.48.0")


def test_a_gym_that_newer_pips_refuse_is_built_by_an_older_one(tmp_path, uv_runs):
    uv_runs(
        'case "$*" in *compile*) printf "ray==1.8.0\\ngym==0.21.0\\n" > requirements.txt;;'
        ' *venv*) mkdir -p env/bin; printf "#!/bin/sh\\necho \\$@ >> pip\\n" > env/bin/python;'
        ' chmod +x env/bin/python;; esac; echo "$@" >> ../said'
    )
    made = environments(tmp_path).get("ray-1.8.0", TORCH)
    assert (made.folder / "pip").read_text().splitlines()[0].split()[-1] == "gym==0.21.0"
    assert (made.folder / "rest.txt").read_text() == "ray==1.8.0\n"
    said = (tmp_path / "cache" / "said").read_text()
    assert "pip==23.0.1 setuptools==65.7.0" in said


def test_what_could_not_be_made_leaves_nothing(tmp_path, uv_runs):
    uv_runs('case "$*" in *"pip install"*) echo "no space left" >&2; exit 1;; esac' + MAKES)
    with pytest.raises(Unresolved, match="no space left"):
        environments(tmp_path).get("ray-2.48.0", TORCH)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    uv_runs(MAKES)
    assert environments(tmp_path).get("ray-2.48.0", TORCH).python.exists()


def test_a_framework_that_cannot_be_imported_leaves_nothing(tmp_path, uv_runs):
    uv_runs(
        'case "$*" in *compile*) touch requirements.txt;; *venv*) mkdir -p env/bin;'
        " printf '#!/bin/sh\\necho ImportError: libcudnn.so.9 >&2; exit 1' > env/bin/python;"
        " chmod +x env/bin/python;; esac"
    )
    with pytest.raises(Unimportable, match="torch is installed, and .*: ImportError: libcudnn"):
        environments(tmp_path).get("ray-2.48.0", TORCH)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_what_was_interrupted_is_made_anew(tmp_path, uv_runs):
    made = environments(tmp_path).get("ray-2.48.0", TORCH)
    (made.folder / installing.WHOLE).unlink()
    (made.folder / "rest").touch()
    environments(tmp_path).get("ray-2.48.0", TORCH)
    assert not (made.folder / "rest").exists() and (made.folder / installing.WHOLE).exists()


def test_two_commands_make_it_once_between_them(tmp_path, uv_runs):
    uv_runs(f"sleep 0.2\n{MAKES}")
    said = []
    threads = [
        threading.Thread(target=environments(tmp_path, said=said).get, args=("ray-2.48.0", TORCH))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len((tmp_path / "cache" / "said").read_text().splitlines()) == 3
    assert any(line.startswith("waiting for another command") for line in said)


def old(made, hours):
    """Have an environment be used last so many hours ago, and be large."""
    files.write(made.folder / installing.WHOLE, '{"bytes": 1000}\n')
    moment = time.time() - hours * 3600
    os.utime(made.folder / installing.WHOLE, (moment, moment))


def test_beyond_the_limit_what_was_unused_for_longest_goes(tmp_path, uv_runs):
    cache = environments(tmp_path)
    made = [cache.get(f"ray-2.{number}.0", TORCH) for number in range(4)]
    for number, one in enumerate(made):
        old(one, hours=50 - number)
    environments(tmp_path, limit=2500).get("ray-2.3.0", TORCH)
    assert [one.folder.exists() for one in made] == [False, False, True, True]


def test_what_is_in_use_stays(tmp_path, uv_runs):
    cache = environments(tmp_path)
    made = [cache.get(f"ray-2.{number}.0", TORCH) for number in range(3)]
    old(made[0], hours=20)
    old(made[1], hours=50)
    environments(tmp_path, limit=1).get("ray-2.2.0", TORCH)
    assert [one.folder.exists() for one in made] == [True, False, True]


def test_of_the_day_is_what_trains_and_new_is_what_tests():
    text = settings(TORCH)
    assert 'exclude-newer = "2025-07-20T00:00:00Z"' in text
    assert "pytest = false" in text and "scipy = false" not in text
    assert requirements(TORCH).startswith("ray[rllib]==2.48.0\nsetuptools\ntorch==")


@pytest.mark.parametrize(("day", "apart"), [(date(2024, 3, 7), False), (date(2024, 3, 8), True)])
def test_keras_2_is_asked_for_once_it_is_apart(day, apart):
    lines = requirements(Wanted("ray[rllib]==2.9.3", day, "3.11", "tensorflow")).splitlines()
    assert ("tf-keras" in lines) is apart and "tensorflow" in lines


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (date(2024, 6, 22), "tf-keras"),
        (date(2024, 7, 10), "tf-keras>=2.16"),
        (date(2024, 7, 27), "tf-keras"),
    ],
)
def test_no_keras_2_of_an_older_tensorflow_is_taken(day, wanted):
    text = requirements(Wanted("ray[rllib]==2.32.0", day, "3.11", "tensorflow"))
    assert wanted in text.splitlines()
    assert modules(text, "tensorflow") == ["tensorflow", "tf_keras"]
    assert modules(requirements(TORCH), "torch") == ["torch"]


@pytest.mark.parametrize(
    ("day", "older"), [(date(2021, 11, 2), True), (date(2021, 11, 30), False)]
)
def test_tensorflow_2_6_gets_the_keras_that_it_can_be_imported_with(day, older):
    lines = requirements(Wanted("ray[rllib]==1.8.0", day, "3.9", "tensorflow")).splitlines()
    assert ("keras<2.7" in lines) is older


def test_the_gym_that_cannot_be_imported_without_it_gets_pygame():
    """In 2.0 to 2.2."""
    days = {date(2022, 6, 9): False, date(2022, 8, 23): True, date(2023, 2, 24): False}
    for day, needed in days.items():
        wanted = Wanted("ray[rllib]==2.0.0", day, "3.10", "tensorflow")
        assert ("pygame" in requirements(wanted).splitlines()) is needed


@pytest.mark.parametrize(
    ("day", "needed"), [(date(2025, 10, 18), False), (date(2025, 11, 29), True)]
)
def test_what_ray_2_51_imports_and_does_not_ask_for_is_there(day, needed):
    lines = requirements(Wanted("ray[rllib]==2.51.2", day, "3.11", "torch")).splitlines()
    assert ("pydantic" in lines) is needed


def test_what_is_not_released_has_no_day():
    wheel = Wanted("ray[rllib] @ file:///x/ray-3.0.0.dev0.whl", None, "3.11", "torch")
    assert "exclude-newer" not in settings(wheel)


LOCK = """
wheels = [
  {{ name = "ray-2.48.0-cp39-cp39-{platform}.whl", upload-time = 2025-07-18T20:00:00Z }},
  {{ name = "ray-2.48.0-cp311-cp311-{platform}.whl", upload-time = 2025-07-19T20:00:00Z }},
  {{ name = "ray-2.48.0-cp312-cp312-win_amd64.whl", upload-time = 2025-07-19T20:00:00Z }},
]
"""


def test_a_release_is_asked_for_once(tmp_path, uv_runs):
    platform = next(index.tags.platform_tags())
    uv_runs(f"cat <<'END'\n{LOCK.format(platform=platform)}\nEND\necho >> {tmp_path}/asked")
    for _ in range(2):
        found = released(Version("2.48.0"), tmp_path)
        assert (found.day, found.pythons) == (date(2025, 7, 18), ((3, 9), (3, 11)))
    assert len((tmp_path / "asked").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "said",
    [
        "Because ray==2.58.1 has no wheels with a matching Python version tag (e.g., `cp39`)",
        "Because the requested Python version (>=3.9) does not satisfy Python>=3.10 and"
        " ray==2.58.1 depends on Python>=3.10, we can conclude that ray==2.58.1 cannot be used.",
    ],
)
def test_a_release_for_newer_pythons_alone_is_found(tmp_path, uv_runs, monkeypatch, said):
    platform = next(index.tags.platform_tags())
    lock = LOCK.format(platform=platform).replace("2.48.0", "2.58.1").replace("cp39", "cp310")
    (tmp_path / "said").write_text(said)
    uv_runs(
        f"case \"$*\" in *3.9*) cat {tmp_path}/said >&2; exit 1;; esac\ncat <<'END'\n{lock}\nEND"
    )
    monkeypatch.setattr(index, "releases", lambda: [Version("2.58.1")])
    assert released(Version("2.58.1"), tmp_path).pythons == ((3, 10), (3, 11))


def test_a_damaged_note_of_a_release_is_asked_for_again(tmp_path, uv_runs):
    platform = next(index.tags.platform_tags())
    uv_runs(f"cat <<'END'\n{LOCK.format(platform=platform)}\nEND")
    files.write(tmp_path / "releases" / "2.48.0.json", '{"day": "someday"}')
    assert released(Version("2.48.0"), tmp_path).day == date(2025, 7, 18)


def test_a_release_that_does_not_exist_is_refused_with_those_that_do(
    tmp_path, uv_runs, monkeypatch
):
    uv_runs('echo "Because there is no version of ray==2.99.0 and you require it" >&2; exit 1')
    there = [Version(f"2.{number}.0") for number in range(40, 61)]
    monkeypatch.setattr(index, "releases", lambda: there)
    with pytest.raises(NoRelease, match="there is no ray 2.99.0; nearest are 2.57.0, 2.58.0"):
        released(Version("2.99.0"), tmp_path)


def test_an_index_that_cannot_be_reached_is_no_missing_release(tmp_path, uv_runs):
    uv_runs('echo "error: failed to fetch: dns error" >&2; exit 2')
    with pytest.raises(Unresolved, match="dns error"):
        released(Version("2.48.0"), tmp_path)


def test_uv_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unresolved, match="uv is not installed"):
        uv("--version")
