"""Releases are asked for contracts, and the answers are held against the known deviations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.baselines import deviations
from fixtures.baselines.kept import lines_of
from fixtures.common.resolving import Unresolved
from fixtures.comparing import contracts as command
from fixtures.comparing.contracts import checked, contracts_of, outcomes, telling_first
from fixtures.comparing.elsewhere import Elsewhere, Station
from fixtures.comparing.index import NoRelease
from fixtures.comparing.installing import Installed
from fixtures.comparing.sides import release_of
from fixtures.reporting.contracts import FIELDS, NAME, departures, section
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

@over("modelv2-tf/full")
def test_without_message(subject):
    assert len(subject) == 1

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
        "broken": {
            "test_one": ["lstm"],
            "test_other": ["full"],
            "test_without_message": ["full"],
        },
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


def answering(folder, report, status=0):
    """Return an environment in which pytest leaves this report, whatever it is asked."""

    class Answering(Installed):
        def run(self, *arguments, path=(), seconds=None):
            (option,) = [one for one in arguments if one.startswith("--junitxml=")]
            if report:
                Path(option.partition("=")[2]).write_text(report)
            return subprocess.CompletedProcess(arguments, status, "no tests ran", "")

    return Answering(folder)


def report():
    """Return a report in which full keeps all that it is asked for."""
    names = contracts_of("modelv2-tf")
    cases = "".join(f'<testcase name="{name}[modelv2-tf/full]"/>' for name in names)
    return f"<a>{cases}</a>"


@pytest.mark.parametrize("status", [2, 5, -9])
def test_a_run_that_did_not_end_is_no_answer(tmp_path, status):
    station = Station(answering(tmp_path, report(), status), "2.3.1")
    with pytest.raises(TrialFailed, match=f"pytest ended with {status}: no tests ran"):
        checked(station, "modelv2-tf", ["test_it"])


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """A function that runs the command; it returns (exit status, what was said).

    Its places are {release: report, or an exception}.
    """

    def opened(side, *_):
        place = places[str(side.version)]
        if isinstance(place, Exception):
            raise place
        station = Station(answering(tmp_path, place), str(side.version))
        return Elsewhere({"tensorflow": station}, tmp_path)

    def asked(*arguments):
        options = [f"--baselines={tmp_path}", f"--store={tmp_path}", f"--cache={tmp_path}"]
        with pytest.raises(SystemExit) as exit:
            command.main(["--backends=modelv2-tf", *options, *arguments])
        said = capsys.readouterr()
        return exit.value.code, said.out + said.err

    places = {}
    sides = lambda *_: [command.Side(name, release_of(name)) for name in places]  # noqa: E731
    monkeypatch.setattr(command, "open_side", opened)
    monkeypatch.setattr(command, "releases_between", sides)
    asked.places = places
    return asked


def test_releases_that_were_asked_are_not_asked_again(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_is_whole", lambda line: True)
    monkeypatch.setattr(command, "departures", lambda line: [])
    ask.places.update({"2.0.0": report(), "2.1.0": report()})
    status, said = ask()
    assert status == 0 and said.count(" kept, 0 broken") == 2
    found = lines_of(tmp_path / NAME, FIELDS)
    assert [line["release"] for line in found] == ["2.0.0", "2.1.0"]
    ask.places["2.2.0"] = report()
    assert ask()[1].count(" kept, 0 broken") == 1


def test_what_departs_is_told_again(ask, monkeypatch):
    monkeypatch.setattr(command, "_is_whole", lambda line: True)
    monkeypatch.setattr(command, "departures", lambda line: ["it departs"])
    ask.places["2.0.0"] = report()
    for _ in range(2):
        status, said = ask()
        assert status == 1 and "ray 2.0.0, it departs" in said


def test_a_line_that_lacks_a_variant_is_asked_again(ask):
    ask.places["2.0.0"] = report()
    assert all(ask()[1].count(" kept, 0 broken") == 1 for _ in range(2))


def test_a_release_that_cannot_be_asked_keeps_no_other_from_it(ask):
    ask.places.update({"2.0.0": Unresolved("no Python"), "2.1.0": report()})
    status, said = ask()
    assert status == 1 and "ray 2.0.0, modelv2-tf: no Python" in said
    assert "ray 2.1.0, modelv2-tf: 5 kept" in said


def test_a_release_that_is_not_there_fails_only_where_it_was_named(ask, monkeypatch):
    monkeypatch.setattr(command, "departures", lambda line: [])
    ask.places.update({"2.0.0": NoRelease("there is none"), "2.1.0": report()})
    assert ask()[0] == 0
    assert ask("2.0")[0] == 1


def test_a_release_without_the_backend_is_named(ask):
    ask.places["2.0.0"] = report()
    status, said = ask("2.0.0", "--backends=rlmodule-torch")
    assert status == 4 and "ray 2.0.0: no rlmodule-torch to ask" in said


def test_an_unwritable_place_is_told_before_anything_is_asked(ask, tmp_path):
    (tmp_path / "history").write_text("")
    ask.places["2.0.0"] = AssertionError("asked")
    assert ask()[0] == 4
