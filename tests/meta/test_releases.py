"""Releases in order: candidates, nightlies and local builds are what a gate is run on."""

import itertools

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import save
from fixtures.baselines.selection import further_back, main, select, stacks
from fixtures.common import files
from fixtures.common.releases import version_of
from fixtures.rllib.backends import adapter_name, backend_named, default_backend
from tests.meta.sample_records import make

IN_ORDER = [
    "ray-1.8.0",
    "ray-1.13.0",
    "ray-2.9.3",
    "ray-2.60.0.dev0",
    "ray-2.60.0rc1",
    "ray-2.60.0rc2",
    "ray-2.60.0",
    "ray-2.60.0+cpu",
    "ray-2.60.1",
    "ray-3.0.0.dev0",
    "ray-3.0.0rc1",
    "ray-3.0.0",
]


@pytest.mark.parametrize(("older", "newer"), [*itertools.combinations(IN_ORDER, 2)])
def test_a_release_sorts_after_its_candidates_and_all_older_ones(older, newer):
    assert version_of(older) < version_of(newer)
    assert version_of(f"{older}/modelv2-tf") < version_of(newer[len("ray-") :])


@pytest.mark.parametrize("name", ["nightly", "ray-", "ray-nightly/modelv2-tf", "ray-2.x"])
def test_what_names_no_release_is_refused(name):
    with pytest.raises(ValueError, match="names no release: a release is called such as"):
        version_of(name)


@pytest.mark.parametrize(
    ("release", "backend"),
    [
        ("1.8.0", "modelv2-tf"),
        ("2.3.1", "modelv2-tf"),
        ("2.4.0rc1", "modelv2-torch"),
        ("2.39.0", "modelv2-torch"),
        ("2.40.0.dev0", "rlmodule-torch"),
        ("2.60.0+local", "rlmodule-torch"),
        ("3.0.0.dev0", "rlmodule-torch"),
    ],
)
def test_a_candidate_has_the_api_of_its_release(release, backend):
    assert default_backend(release) == backend
    assert adapter_name(backend, release).rpartition(".")[2].startswith("ray")


@pytest.mark.parametrize(
    ("backend", "release", "averaged"),
    [
        ("rlmodule-torch", "2.60.0", (100, 40)),
        ("rlmodule-torch", "2.53.0", (100, 40)),
        ("rlmodule-torch", "2.52.1", (100, 100)),
        ("rlmodule-torch", "2.20.0", (100, 100)),
        ("rlmodule-torch", "2.12.0", (150, 100)),
        ("modelv2-tf", "1.8.0", (150, 100)),
        ("modelv2-torch", "2.60.0", (150, 100)),
    ],
)
def test_a_metric_averages_what_its_release_says(backend, release, averaged):
    """Of 150 episodes that ended in an iteration, and of 40; see ``tests/learning``."""
    row = backend_named(backend)
    assert tuple(row.episodes_averaged(release, ended) for ended in (150, 40)) == averaged


def test_a_backend_that_a_release_lacks_is_refused():
    with pytest.raises(ValueError, match="ray 2.9.3 has no rlmodule-torch: the first is 2.10"):
        adapter_name("rlmodule-torch", "2.9.3")


def test_a_nightly_is_held_to_the_nearest_older_release(tmp_path):
    for release in ("ray-2.60.0rc1", "ray-2.60.0", "ray-3.0.0"):
        save(tmp_path, [make(seed, stack=f"{release}/modelv2-tf") for seed in (1, 2)])
    for installed, expected in (
        ("ray-3.0.0.dev0", "ray-2.60.0"),
        ("ray-3.0.0rc1", "ray-2.60.0"),
        ("ray-2.60.0rc2", "ray-2.60.0rc1"),
        ("ray-2.60.0+cpu", "ray-2.60.0"),
    ):
        selection = select(tmp_path, f"{installed}/modelv2-tf")
        assert selection.stack == f"{expected}/modelv2-tf"


@pytest.mark.parametrize(
    ("release", "found"),
    [("2.61.0", "ray-2.60.0"), ("ray-2.60.0", "ray-2.41.0"), ("2.41.0", ""), ("2.39.0", "")],
)
def test_the_release_before_is_one_whose_default_was_recorded(tmp_path, capsys, release, found):
    for stack in (
        "ray-2.41.0/rlmodule-torch",
        "ray-2.50.0/modelv2-tf",
        "ray-2.60.0/rlmodule-torch",
    ):
        save(tmp_path, [make(seed, stack=stack) for seed in (1, 2)])
    main([str(tmp_path), "--before", release])
    assert capsys.readouterr().out.strip() == found


def test_a_folder_that_names_no_release_is_reported(tmp_path, capsys):
    (tmp_path / "ray-nightly" / "modelv2-tf").mkdir(parents=True)
    with pytest.raises(BaselineError, match="ray-nightly/modelv2-tf: .*names no release"):
        stacks(tmp_path)
    with pytest.raises(SystemExit, match="error: .*no ray-.* folder here has a requirements.txt"):
        main([str(tmp_path)])
    (tmp_path / "ray-nightly" / "requirements.txt").touch()
    with pytest.raises(SystemExit, match="error: .*ray-nightly: .*names no release"):
        main([str(tmp_path)])


def test_locked_releases_are_listed_oldest_first(tmp_path, capsys):
    """With a baseline or without: a pull request may add one."""
    for release in ("ray-2.60.0", "ray-2.60.0rc1", "ray-1.13.0", "ray-1.8.0"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "requirements.txt").touch()
    (tmp_path / "ray-2.61.0").mkdir()
    main([str(tmp_path)])
    assert capsys.readouterr().out.split() == [
        "ray-1.8.0",
        "ray-1.13.0",
        "ray-2.60.0rc1",
        "ray-2.60.0",
    ]


@pytest.mark.parametrize(
    ("installed", "back"),
    [
        (
            "ray-2.61.0/rlmodule-torch",
            {
                "ray-2.50.0/rlmodule-torch": "the oldest one",
                "ray-1.9.0/modelv2-tf": "the default backend before",
            },
        ),
        ("ray-2.60.0/modelv2-tf", {"ray-1.8.0/modelv2-tf": "the oldest one"}),
        ("ray-1.8.0/modelv2-tf", {}),
    ],
)
def test_a_run_looks_back_at_the_oldest_baseline_and_at_the_default_before(
    tmp_path, installed, back
):
    """The latter for the default backend alone, and where it was the default."""
    for stack in (
        "ray-1.8.0/modelv2-tf",
        "ray-1.9.0/modelv2-tf",
        "ray-2.50.0/rlmodule-torch",
        "ray-2.60.0/modelv2-tf",
        "ray-2.60.0/rlmodule-torch",
    ):
        files.write(tmp_path / stack / "full.records.json", "")
    assert further_back(tmp_path, select(tmp_path, installed), "full") == back
    assert further_back(tmp_path, select(tmp_path, installed), "lstm") == {}
