"""The package is built under its own name, and pytest finds its plugin."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments, **options):
    """Run this interpreter, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of a wheel that was just built."""
    folder = tmp_path_factory.mktemp("wheel")
    run("pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={folder}", ROOT)
    (path,) = folder.glob("pytest_learns-*.whl")
    return path


def test_the_wheel_holds_the_package_under_its_name_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "pytest_learns/plugin/__init__.py" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"pytest_learns", wheel.name.rpartition("-py3")[0] + ".dist-info"}
    modules = {path.relative_to(ROOT / "fixtures") for path in ROOT.glob("fixtures/*/*.py")}
    assert {f"pytest_learns/{path.as_posix()}" for path in modules} <= set(names)


@pytest.fixture
def installed(wheel, tmp_path):
    """The environment of a process that has the wheel installed, away from this checkout."""
    run("pip", "install", "--quiet", "--no-deps", f"--target={tmp_path / 'site'}", wheel)
    return {**os.environ, "PYTHONPATH": str(tmp_path / "site")}


def test_pytest_lists_the_installed_plugin(installed, tmp_path):
    """And leaves a project alone that does not say which of its tests train."""
    (tmp_path / "tests" / "learning").mkdir(parents=True)
    (tmp_path / "tests" / "learning" / "test_other.py").write_text("def test_other(): pass\n")
    options = {"cwd": tmp_path, "env": installed}
    printed = run("pytest", **options)
    assert "learns-" in printed and "1 passed" in printed and "stack:" not in printed
    assert "--update-baselines" in run("pytest", "--help", **options)


def test_the_installed_package_repeats_a_trial_by_its_own_name(installed, tmp_path):
    code = (
        "from pytest_learns.training.spec import TrialSpec\n"
        "print(TrialSpec('modelv2-tf', 'full', 1).command())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=installed, capture_output=True, text=True
    )
    assert done.stdout.strip() == (
        "python -m pytest_learns.training full --seed 1 --backend modelv2-tf"
    )


def test_the_plugin_of_a_checkout_and_an_installed_one_do_not_mix(installed):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--co", "-q", "tests/meta/test_text.py"],
        cwd=ROOT,
        env=installed,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4 and "-p no:learns" in done.stderr
