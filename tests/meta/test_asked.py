"""Releases are asked for contracts, and the answers are held against the known deviations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.baselines import deviations
from fixtures.baselines.kept import lines_of
from fixtures.comparing import contracts as command
from fixtures.comparing.contracts import checked, contracts_of, outcomes, telling_first
from fixtures.comparing.elsewhere import Elsewhere, Station
from fixtures.comparing.installing import Installed
from fixtures.reporting.contracts import NAME, departures, section
from fixtures.rllib.backends import BACKENDS
from fixtures.training.spec import TrialFailed

ASKED = """
import pytest

def over(*cases):
    return pytest.mark.parametrize("subject", cases)

def case(subject, mark):
    return pytest.param(subject, marks=mark)

known = pytest.mark.xfail(strict=True, raises=AssertionError)

@over(
    "modelv2-tf/full",
    case("modelv2-tf/lstm", known),
    case("modelv2-tf/attention", known),
    case("modelv2-tf/stacked", pytest.mark.skip),
)
def test_one(subject):
    assert subject != "modelv2-tf/lstm"

@over("modelv2-tf/full", "modelv2-tf/lstm")
def test_other(subject):
    assert subject != "modelv2-tf/full"
    raise TypeError

@pytest.fixture
def impossible():
    raise ValueError

@over("modelv2-tf/full")
def test_third(subject, impossible):
    pass
"""


def test_what_pytest_says_of_a_contract_is_understood(tmp_path):
    (tmp_path / "test_asked.py").write_text(ASKED)
    options = ["-q", "-p", "no:cacheprovider", "--noconftest", "-c", "/dev/null"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir=.", "--junitxml=report.xml", "."],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert outcomes((tmp_path / "report.xml").read_text()) == {
        "kept": {"test_one": ["full", "attention"]},
        "broken": {"test_one": ["lstm"], "test_other": ["full"]},
        "crashed": {"test_other": ["lstm"], "test_third": ["full"]},
        "skipped": {"test_one": ["stacked"]},
    }


def line(release, kept=(), broken=(), crashed=()):
    """Return a line of one contract and these variants."""
    found = {"kept": kept, "broken": broken, "crashed": crashed, "skipped": ()}
    return {
        "backend": "modelv2-tf",
        "release": release,
        **{name: {"test_it": list(variants)} for name, variants in found.items() if variants},
        **{name: {} for name, variants in found.items() if not variants},
    }


@pytest.fixture
def folder(tmp_path):
    """Return a folder in which test_it is known to fail for lstm from 2.3 to 2.5."""
    row = {
        "since": "2.3.0", "until": "2.5.0", "contract": "test_it", "variants": ["lstm"],
        "reason": "it does", "where": ["rllib/a.py:1"],
    }  # fmt: skip
    text = json.dumps({"schema": deviations.SCHEMA, "deviations": [row]})
    (tmp_path / "modelv2-tf.json").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (line("2.4.0", kept=["full"], broken=["lstm"]), None),
        (line("2.5.0", kept=["full", "lstm"]), None),
        (line("2.2.0", broken=["lstm"]), "lstm: test_it is broken, and not written down"),
        (line("2.4.0", broken=["full"]), "full: test_it is broken, and not written down"),
        (line("2.4.1", kept=["lstm"]), "lstm: test_it is kept, and written down"),
        (line("2.4.0", crashed=["lstm"]), "lstm: test_it crashed"),
    ],
)
def test_a_release_that_is_not_as_written_down_is_named(folder, asked, problem):
    wanted = [] if problem is None else [f"modelv2-tf/{problem}"]
    assert departures(asked, folder) == wanted


def test_the_table_tells_runs_of_releases_in_their_order():
    lines = [
        line("2.10.0", kept=["lstm", "full"]),
        line("2.3.1", broken=["lstm", "attention"], kept=["full"]),
        line("2.2.0", kept=["lstm", "attention", "full"]),
        line("2.9.0", broken=["lstm", "attention"], kept=["full"]),
        line("2.11.0", kept=["lstm", "attention"]),
    ]
    rows = section(lines).splitlines()[2:]
    begin = "| `modelv2-tf` | it |"
    broken = "kept 2.2.0, **broken** 2.3.1 to 2.9.0 (2)"
    assert rows == [
        f"{begin} attention | {broken}, kept 2.11.0 |",
        f"{begin} lstm | {broken}, kept 2.10.0 to 2.11.0 (2) |",
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_is_asked_for_what_its_file_names(backend):
    rows = deviations.read(deviations.FOLDER / f"{backend}.json")
    assert set(contracts_of(backend)) == {row.contract for row in rows}


def test_releases_between_which_a_contract_changed_are_asked_first():
    sides = [
        command.Side(f"2.{minor}.0", command.version_of(f"2.{minor}.0")) for minor in range(8)
    ]
    first = [side.text for side in telling_first(sides, "modelv2-torch")]
    assert first[:4] == ["2.0.0", "2.2.0", "2.3.0", "2.7.0"]
    assert sorted(first) == [side.text for side in sides]


def answering(folder, report):
    """Return an environment in which pytest leaves this report, whatever it is asked."""

    class Answering(Installed):
        def run(self, *arguments, path=()):
            (option,) = [one for one in arguments if one.startswith("--junitxml=")]
            if report:
                Path(option.partition("=")[2]).write_text(report)
            return subprocess.CompletedProcess(arguments, 1, "no tests ran", "")

    return Answering(folder)


def test_a_run_that_asked_nothing_is_no_answer(tmp_path):
    with pytest.raises(TrialFailed, match="no contract was asked of modelv2-tf: no tests ran"):
        checked(Station(answering(tmp_path, ""), "2.3.1"), "modelv2-tf", ["test_it"])


def test_releases_that_were_asked_are_not_asked_again(tmp_path, monkeypatch, capsys):
    names = contracts_of("modelv2-tf")
    cases = "".join(f'<testcase name="{name}[modelv2-tf/full]"/>' for name in names)

    def opened(side, *_):
        place = answering(tmp_path, f"<a>{cases}</a>")
        return Elsewhere({"tensorflow": Station(place, str(side.version))}, tmp_path)

    def asked():
        with pytest.raises(SystemExit):
            options = [f"--baselines={tmp_path}", f"--store={tmp_path}", f"--cache={tmp_path}"]
            command.main(["--backends=modelv2-tf", *options])
        return capsys.readouterr().out.count(" kept, 0 broken")

    monkeypatch.setattr(command, "open_side", opened)
    monkeypatch.setattr(command, "releases", lambda: [side.version for side in sides])
    sides = [command.Side(name, command.version_of(name)) for name in ("2.0.0", "2.1.0")]
    monkeypatch.setattr(command, "releases_between", lambda *_: sides)
    assert asked() == 2
    assert [line["release"] for line in lines_of(tmp_path / NAME)] == ["2.0.0", "2.1.0"]
    sides.append(command.Side("2.2.0", command.version_of("2.2.0")))
    assert asked() == 1
