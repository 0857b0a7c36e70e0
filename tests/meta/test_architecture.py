"""A room, a folder of fixtures/, imports from the floors below it only, and its own libraries."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.training.store import ROOMS

PACKAGE = Path(__file__).parents[2] / "fixtures"

FLOORS = (
    ("common",),
    ("environments", "records", "stack"),
    ("rllib",),
    ("training", "probing", "baselines"),
    ("judging",),
    ("reporting",),
    ("calibration", "comparing"),
    ("plugin",),
)
"""From the bottom up; rooms on one floor do not import each other."""

LIBRARIES = {
    "common": {"packaging"},
    "environments": {"gym", "gymnasium", "numpy"},
    "records": {"numpy"},
    "stack": set(),
    "rllib": {"numpy", "ray", "torch", "tree"},
    "training": {"filelock", "psutil"},
    "probing": {"numpy"},
    "baselines": {"packaging"},
    "judging": {"numpy", "scipy"},
    "reporting": {"jinja2", "matplotlib", "numpy", "scipy"},
    "calibration": {"matplotlib", "numpy", "scipy"},
    "comparing": {"filelock", "packaging"},
    "plugin": {"pytest"},
}

MODULES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


def below(room):
    """Return the rooms that a room may import, itself included."""
    floor = next(number for number, rooms in enumerate(FLOORS) if room in rooms)
    return {room, *(lower_room for rooms in FLOORS[:floor] for lower_room in rooms)}


def called(node):
    """Return the name of the function that a call calls, whatever module it is taken from."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def imported(tree):
    """Yield (level, dotted name) of every import, those within functions and by name too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            for name in [*node.args[:1], *(keyword.value for keyword in node.keywords)]:
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield len(name.value) - len(name.value.lstrip(".")), name.value.lstrip(".")


def forbidden(room, source):
    """Return a line for each import that a module of this room may not make."""
    lines = []
    for level, name in imported(ast.parse(source)):
        top = name.partition(".")[0]
        if level > 2:
            lines.append(f"{room} imports {name} from outside of the package")
        elif level == 2 and top not in below(room):
            lines.append(f"{room} may not import {top}: it is no floor below")
        elif level == 0 and top in (PACKAGE.name, "pytest_learns"):
            lines.append(f"{room} imports {name} absolutely, not relatively")
        elif level == 0 and top not in LIBRARIES[room] | set(sys.stdlib_module_names):
            lines.append(f"{room} may not import {top}: that library belongs to another room")
    return lines


def test_every_module_lies_in_a_room_that_has_its_floor():
    assert {path.parent.parent for path in MODULES} == {PACKAGE}
    rooms = {path.parent.name for path in MODULES}
    assert rooms == {room for floor in FLOORS for room in floor} == set(LIBRARIES)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no list of the standard library's modules")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_what_its_room_may(path):
    assert forbidden(path.parent.name, path.read_text(encoding="utf-8")) == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no list of the standard library's modules")
@pytest.mark.parametrize(
    ("room", "source", "message"),
    [
        ("records", "from ..judging import gate", "records may not import judging"),
        ("stack", "from ..records.schema import SCHEMA", "stack may not import records"),
        ("training", "def f():\n from ..probing import probe", "training may not import probing"),
        ("baselines", "import_module('..judging.gate', p)", "baselines may not import judging"),
        ("stack", "importlib.import_module('..judging.gate', p)", "stack may not import judging"),
        ("stack", "import_module(name='ray')", "stack may not import ray"),
        ("stack", "__import__('torch')", "stack may not import torch"),
        ("stack", "from ...tests import meta", "stack imports tests from outside of the package"),
        ("plugin", "from fixtures.stack import host", "plugin imports fixtures.stack absolutely"),
        ("judging", "import pytest", "judging may not import pytest"),
        ("judging", "from psutil import Process", "judging may not import psutil"),
        ("plugin", "from .. import judging\nimport ray", "plugin may not import ray"),
    ],
)
def test_a_forbidden_import_is_named(room, source, message):
    assert forbidden(room, source)[0].startswith(message)


def test_a_stored_trials_key_covers_the_rooms_that_a_trial_is_made_of():
    assert set(ROOMS) == below("training")


def test_a_verdict_needs_no_environment_and_no_trainer():
    """numpy, scipy and packaging are enough to judge."""
    code = (
        "import sys, fixtures.judging.gate, fixtures.reporting.markdown\n"
        "others = {'gym', 'gymnasium', 'filelock', 'psutil', 'pytest', 'ray', 'torch'}\n"
        "print(sorted(others & set(sys.modules)))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert completed.stdout.strip() == "[]", completed.stderr


def test_the_map_shows_every_module():
    """Each in its room, and no other: read from the first block of the page."""
    drawn, room = {}, ""
    for line in (PACKAGE / "README.md").read_text(encoding="utf-8").split("```")[1].splitlines():
        if line.startswith("  "):
            drawn[room] |= set(re.split(r"  +", line.strip())[0].split(", "))
        elif line:
            room = line.partition("/")[0]
            drawn[room] = set()
    modules = {room: set() for room in LIBRARIES}
    for path in MODULES:
        if not path.stem.startswith("__"):
            modules[path.parent.name].add(path.stem)
    assert drawn == modules


TOP = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "baselines",
    "conftest.py",
    "fixtures",
    "pyproject.toml",
    "tests",
}
"""What whoever opens the repository sees, beside what begins with a dot."""


def test_the_top_level_holds_what_it_should_and_nothing_else():
    """Such as what a library wrote into a folder that it took for somebody's home."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    names = {path.partition("/")[0] for path in listed.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} == TOP
