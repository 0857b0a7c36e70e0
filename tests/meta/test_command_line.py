"""What a person gets from the command line: a real trial, a verdict, or a clear refusal."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from fixtures.baselines.files import load, save
from fixtures.environments.variants import ITERATIONS
from fixtures.judging.difference import compare
from fixtures.judging.seeds import order_of_seeds
from fixtures.rllib.backends import BACKENDS, default_backend
from fixtures.stack import host, installed
from fixtures.training.runner import Trials
from fixtures.training.spec import TrialSpec
from fixtures.training.store import Store
from tests.meta.sample_records import make

ROOT = Path(__file__).parents[2]

BACKEND = default_backend(installed.release())

NAME = installed.stack_name(BACKEND)

SHORT = {"train_batch_size": 400}
"""A tenth of an iteration: enough to sample, to update and to count."""


@pytest.fixture(autouse=True)
def own_slots(monkeypatch, tmp_path):
    """Keep what is run here from waiting for gates that may be training on this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def python(*arguments, timeout=300):
    """Run this interpreter on the suite and return the completed process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def gate(*arguments):
    """Run the tests of learning with these arguments, and return the completed process."""
    return python("-m", "pytest", "-p", "no:cacheprovider", "tests/learning", *arguments)


def test_a_real_trial_from_the_command_line_is_what_the_tests_train(tmp_path):
    """One very short training each: an interpreter of its own, and a fork of a preloaded one."""
    printed = python(
        "-m", "fixtures.training", "stacked", "--seed", 3, "--iterations", 1,
        "--config", "train_batch_size=400",
    )  # fmt: skip
    assert printed.returncode == 0, printed.stderr
    (line,) = printed.stdout.splitlines()
    trials = Trials(tmp_path, overrides=SHORT, slots=tmp_path / "slots")
    record = trials.obtain(trials.request(BACKEND, "stacked", 3, iterations=1))
    assert compare(json.loads(line), record).identical
    assert record["stack"] == NAME and record["config"]["train_batch_size"] == 400
    assert sum(record["steps"]) in (400, 401)
    assert record["parameters"] == 136_963
    assert record["cost"]["startup"][0] > 0 and record["cost"]["peak_mib"] > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--dist=each", "--tx=2*popen"],
            "--dist=each: every worker would judge everything again",
        ),
        (
            ["-p", "tests.meta.rerunning", "--reruns=2"],
            "--reruns: a verdict has stated error rates",
        ),
    ],
)
def test_options_that_count_a_verdict_twice_are_refused(arguments, message):
    done = gate("--collect-only", *arguments)
    assert done.returncode == 4 and message in done.stderr + done.stdout


def test_a_gate_needs_no_xdist():
    done = gate("-p", "no:xdist", "--collect-only", "-q", "--variants=full")
    assert done.returncode == 0, done.stderr


def test_with_x_nothing_hides_a_verdict():
    """It is asked for first, of all that is asked of a subject's trials."""
    done = gate("--collect-only", "-q", "--variants=full")
    assert done.stdout.startswith(
        "tests/learning/test_verdict.py::test_learned_reward_did_not_fall"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blind", "--seed", 1], "there is no variant 'blind'; choose from full, stateless,"),
        (["full", "--seed", 1, "--backend", "jax"], "there is no backend 'jax'; choose from rlm"),
        (["full", "--seed", 0], "seed: an integer of 1 or more, not 0"),
        (["full", "--seed", 1, "--iterations", 0], "iterations: an integer of 1 or more, not 0"),
        (["full", "--seed", 1, "--config", "lr"], "a setting is written NAME=VALUE"),
        (["full", "--seed", 1, "--config", "seed=7"], "--config seed: a trial sets this itself"),
        (["full", "--seed", 1, "--config", "lr=NaN"], "--config lr: nan is no value"),
        (["full", "--seed", 1, "--config", "framework=torch"], "--config framework: a trial sets"),
        (["stacked_in_model", "--seed", 1, "--backend", "rlmodule-torch"], "no rlmodule-torch")
        if BACKEND != "rlmodule-torch"
        else (["stacked_in_model", "--seed", 1], "rlmodule-torch has no frame_stacking network"),
    ],
)
def test_a_trial_that_cannot_be_is_refused(arguments, message):
    refused = python("-m", "fixtures.training", *arguments)
    assert refused.returncode == 2 and message in refused.stderr and not refused.stdout


def test_without_rllib_the_message_says_how_to_install_a_stack(monkeypatch):
    monkeypatch.setattr(installed, "version", lambda name: None)
    with pytest.raises(installed.NoRLlib, match="ray is not installed .*: install a stack"):
        installed.release()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variants", "full,blind"], "--variants: there is no variant 'blind'; choose from"),
        (["--variants", ""], "--variants: there is no variant ''; choose from full,"),
        (["--against", "ray-0.1"], "--against ray-0.1: no baseline ray-0.1/"),
        (["--all", "--against", "ray-0.1"], "there is no baseline to hold this run to"),
        (["--backends", "jax"], "--backends: there is no backend 'jax'; choose from rlm"),
        (["--config", "=1"], "--config: a setting is written NAME=VALUE"),
        (["--baselines", "nowhere"], "--baselines: there is no folder nowhere: name it"),
        (
            ["--update-baselines", "--config", "lr=1"],
            "to record goes with neither --config nor --against",
        ),
        (["--tolerance", "0"], "--tolerance: between 0 and 1, not 0.0"),
        (["--budget", "0"], "--budget: 1 to 96 trials, not 0"),
        (["--budget", "97"], "--budget: 1 to 96 trials, not 97"),
        (["--verdicts", "found.md"], "--verdicts: a file that ends in .json, not found.md"),
    ],
)
def test_a_gate_that_cannot_judge_is_refused_before_anything_trains(arguments, message):
    refused = gate(*arguments)
    assert (
        refused.returncode == 4 and message in refused.stderr and "Traceback" not in refused.stderr
    )


def test_a_gate_checks_the_models_of_its_backend_whatever_it_trains():
    paths = ["tests/contracts/test_memory.py", "tests/learning"]
    listed = python("-m", "pytest", "--collect-only", "-q", "--variants=stateless", *paths).stdout
    contracts = [line for line in listed.splitlines() if "test_padding_changes_nothing" in line]
    assert f"[{BACKEND}/stacked_lstm]" in "".join(contracts)
    assert all(f"[{BACKEND}/" in line for line in contracts)
    assert (
        "/stateless]" in listed
        and f"test_learned_reward_did_not_fall[{BACKEND}/full" not in listed
    )


def collected(tmp_path, source):
    """Collect the tests of learning and a file of this source; return the completed process."""
    path = tmp_path / "test_added.py"
    path.write_text(f"import pytest\n{source}\n")
    return gate("--collect-only", "-q", path)


def test_a_contract_of_what_a_release_lacks_is_left_out(tmp_path):
    """Such as one of RLModule's samplers, where there is no RLModule."""
    source = "from tests.contracts.networks import over\n@over([])\ndef test_x(subject): pass"
    done = collected(tmp_path, source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_learned_reward_did_not_fall" in done.stdout and "test_x" not in done.stdout


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        (["needs('full')"], "the marker needs takes a name, and goes with per_backend"),
        (["per_backend", "needs_stack"], "the marker needs_stack takes a name"),
        (["per_backend", "needs('blind')"], "needs: there is no variant 'blind'"),
    ],
)
def test_markers_that_never_let_a_test_run_are_refused(tmp_path, markers, message):
    decorated = "\n".join(f"@pytest.mark.{marker}" for marker in markers)
    argument = "backend" if "per_backend" in markers else ""
    refused = collected(tmp_path, f"{decorated}\ndef test_x({argument}): pass")
    assert refused.returncode == 4 and message in refused.stderr + refused.stdout


def test_a_run_without_assertions_is_refused(monkeypatch):
    """A contract that cannot fail guards nothing."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    refused = python("-m", "pytest", "-p", "no:cacheprovider", "tests/contracts", "--collect-only")
    assert refused.returncode == 4
    assert "compile assertions away" in refused.stderr and "Traceback" not in refused.stderr


@pytest.fixture
def place(tmp_path):
    """A folder with a baseline of 24 seeds for the installed stack, and no store yet."""
    for name in LEVELS:
        save(tmp_path / "baselines", [made(name, seed) for seed in range(1, 25)])
    return tmp_path


def gate_in(place, *arguments):
    """Run the tests of learning on a folder's own baselines and store."""
    return gate(f"--baselines={place}/baselines", f"--store={place}/store", *arguments)


VERSIONS = installed.versions(*BACKENDS[BACKEND].distributions)

LEVELS = {"full": 300.0, "stacked": 200.0, "stateless": 100.0}
"""What the variants earn in the last iteration, far apart."""


def made(name, seed, scale=1.0):
    """Return a record as if trained here; each seed earns a little more than the one before."""
    level = LEVELS[name] * scale * (1 + seed % 25 / 1000)
    rewards = [level * part / ITERATIONS for part in range(1, ITERATIONS + 1)]
    record = make(seed, rewards, name, NAME)
    record.update(platform=host.platform(), versions=VERSIONS, source=installed.source())
    return record


def fill(place, **scales):
    """Put all records that a gate may want into the store, as if it had just trained them."""
    store = Store(place / "store")
    for name, scale in scales.items():
        baseline = load(place / "baselines", NAME, name)
        for seed in order_of_seeds(baseline, BACKEND, host.platform(), 16):
            spec = TrialSpec(BACKEND, name, seed)
            store.put(store.key(spec), made(name, seed, scale))


def verdicts(place):
    """Return {variant: facts} of what the run wrote down."""
    written = json.loads((place / "store" / "verdicts.json").read_text())
    return {facts["variant"]: facts for facts in written["verdicts"]}


JUDGED = ["-k", "learned_reward or seeing_more"]

THREE = ["--variants", "full,stacked,stateless"]


def test_a_gate_passes_where_nothing_changed(place):
    fill(place, full=1.0, stacked=1.0, stateless=1.0)
    passed = gate_in(place, "-n", 2, *JUDGED, *THREE)
    assert passed.returncode == 0, passed.stdout
    assert f"{NAME} held to the baseline of {NAME}, its own" in passed.stdout
    assert f"{'full':<18}identical" in passed.stdout
    judged = verdicts(place)
    assert [facts["trials"] for facts in judged.values()] == [1, 1, 1]
    assert judged["full"]["baseline_trials"] == 24


def test_a_gate_fails_where_one_variant_learns_less(place):
    fill(place, full=1.0, stacked=0.75, stateless=1.0)
    failed = gate_in(place, "-n", 2, *JUDGED, *THREE)
    assert failed.returncode == 1, failed.stdout
    assert f"{'stacked':<18}REGRESSED" in failed.stdout
    assert f"{'full':<18}identical" in failed.stdout
    assert "first difference, seed 1: episodes" in failed.stdout
    assert "python -m fixtures.training stacked --seed 1" in failed.stdout
    assert verdicts(place)["stacked"]["trials"] == 3


def test_variants_that_each_lose_a_little_fail_together(place):
    """In two trials of each; the page, the JSON and the terminal say so."""
    fill(place, full=0.93, stacked=0.93, stateless=0.93)
    failed = gate_in(place, "-n", 2, *JUDGED, *THREE)
    assert failed.returncode == 1, failed.stdout
    assert f"{'full':<18}REGRESSED TOGETHER CHANGED" in failed.stdout
    assert "3 asked for: 3 REGRESSED TOGETHER" in failed.stdout
    assert "3 variants together earn less" in " ".join(failed.stdout.split())
    assert [facts["trials"] for facts in verdicts(place).values()] == [2, 2, 2]
    assert "| **REGRESSED TOGETHER** |" in (place / "store/verdicts.md").read_text()


@pytest.mark.parametrize(("scale", "status"), [(1.0, 4), (0.5, 1)])
def test_where_verdicts_cannot_be_written_the_terminal_shows_them(place, scale, status):
    """A folder lies where the page is to go: what was judged is not lost, and decides."""
    (place / "store" / "verdicts.md").mkdir(parents=True)
    fill(place, full=scale)
    run = gate_in(place, "-k", "learned_reward", "--variants", "full")
    assert run.returncode == status, run.stdout
    assert f"{'full':<18}{'identical' if scale == 1 else 'REGRESSED'}" in run.stdout
    assert "verdicts.json could not be written: [Errno" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_a_selection_of_tests_trains_nothing_for_the_variants_it_leaves_out(place):
    """Though a look over all of them would want their first trials."""
    fill(place, full=1.001)
    run = gate_in(place, "-k", "learned_reward and full", *THREE)
    assert run.returncode == 0 and f"{'full':<18}no regression" in run.stdout
    assert not list((place / "store").rglob("*stacked*"))


def test_a_baseline_that_is_stale_passes_and_says_so(place):
    fill(place, full=1.5)
    passed = gate_in(place, *JUDGED, "--variants=full")
    assert passed.returncode == 0 and f"{'full':<18}improved" in passed.stdout


def test_a_gate_fails_where_bits_changed_and_nothing_else_did(place):
    fill(place, full=1.001)
    failed = gate_in(place, "-k", "did_not", "--variants=full")
    assert failed.returncode == 1 and f"{'full':<18}no regression" in failed.stdout
    assert "is not what" in failed.stdout and "same versions and settings" in failed.stdout


@pytest.mark.parametrize(("policy", "status"), [("regression", 0), ("change", 13)])
def test_a_change_of_behaviour_fails_where_it_is_to(place, policy, status):
    """And is loud in any case: "no regression" alone would look like "nothing changed"."""
    fill(place, full=1.001)
    only = ["-k", "learned_reward or behaviour", "--variants=full"]
    run = gate_in(place, *only, f"--fail-on={policy}")
    assert run.returncode == status, run.stdout
    assert f"{'full':<18}{'no regression':<19}CHANGED" in run.stdout
    assert "1 asked for: 1 no regression; behaviour: 1 CHANGED" in run.stdout
    written = json.loads((place / "store" / "verdicts.json").read_text())
    assert written["exit"]["status"] == status and written["fail_on"] == policy
    assert verdicts(place)["full"]["behaviour"] == "changed"
    assert "| **no regression** | **CHANGED** |" in (place / "store/verdicts.md").read_text()


def test_a_failed_contract_is_no_regression(place):
    fill(place, full=1.0)
    folder = place / "contracts"
    folder.mkdir()
    (folder / "test_broken.py").write_text("def test_holds(): pass\ndef test_breaks(): assert 0\n")
    run = gate_in(
        place,
        *JUDGED[:1],
        "learned_reward or breaks or holds",
        "--variants=full",
        "-o",
        f"contract_paths={folder}",
        folder,
    )
    assert run.returncode == 14, run.stdout
    assert "contracts: 1 hold, 1 FAILED" in run.stdout and "no verdict on learning" in run.stdout
    assert "REGRESSED" not in run.stdout
    written = json.loads((place / "store" / "verdicts.json").read_text())
    assert written["exit"]["status"] == 14 and len(written["contracts"]["failed"]) == 1
    page = (place / "store" / "verdicts.md").read_text()
    assert "1 FAILED" in page and "test_breaks" in page and "A contract failed" in page


def test_verdicts_are_written_where_a_run_is_ended_by_somebody(place):
    fill(place, full=1.0)
    path = place / "test_ends.py"
    path.write_text("import pytest\ndef test_ends(): pytest.exit('enough', returncode=77)\n")
    ended = gate_in(place, "-k", "learned_reward or ends", "--variants=full", path)
    assert ended.returncode == 77, ended.stdout
    written = json.loads((place / "store" / "verdicts.json").read_text())
    assert written["exit"] == {"status": 77, "why": "pytest ended with exit status 77."}
    assert written["verdicts"][0]["learned"] == "identical"


def test_a_gate_that_cannot_decide_has_an_exit_status_of_its_own(place):
    fill(place, full=1.005)
    spent = gate_in(place, *JUDGED, "--variants=full", "--tolerance=0.005", "--budget=4")
    assert spent.returncode == 10, spent.stdout
    assert f"{'full':<18}inconclusive" in spent.stdout and "the budget is spent" in spent.stdout


def test_a_gate_fails_where_the_order_is_lost(place):
    fill(place, full=1.0, stacked=1.6, stateless=1.0)
    failed = gate_in(place, "-k", "seeing_more", *THREE)
    assert failed.returncode == 1 and "1 failed, 1 passed" in failed.stdout


def test_a_trial_that_crashes_is_broken_and_no_low_reward(place):
    crashed = gate_in(place, "--variants", "full", "--config", "lr=none", "-k", "not published")
    assert crashed.returncode == 11, crashed.stdout
    assert f"{'full':<18}BROKEN" in crashed.stdout
    assert "full, seed 1, could not be trained: crashed with exit status 1" in crashed.stdout
    assert "BROKEN, which is no verdict on learning: full, seed 1, could" in crashed.stdout
    assert "REGRESSED" not in crashed.stdout


def test_the_verdict_is_in_the_junit_report(place):
    fill(place, full=1.0)
    path = place / "report.xml"
    gate_in(place, *JUDGED, "--variants=full", f"--junitxml={path}")
    elements = parse(path).iter("property")
    properties = {element.get("name"): element.get("value") for element in elements}
    assert properties["learned"] == properties["behaviour"] == "identical"
    assert properties["trials"] == "1"


def test_a_baseline_cut_in_half_stops_the_gate(place):
    path = place / "baselines" / NAME / "full.records.json"
    path.write_text(path.read_text()[: path.stat().st_size // 2])
    refused = gate_in(place)
    assert refused.returncode == 4 and "full.records.json is not whole JSON" in refused.stderr


def test_a_baseline_too_small_to_see_anything_is_refused(tmp_path):
    save(tmp_path / "baselines", [made("full", seed) for seed in (1, 2, 3)])
    refused = gate_in(tmp_path, "--variants=full", "--budget=6")
    assert refused.returncode == 4
    assert "with 3 trials in the baseline" in refused.stderr


def test_a_baseline_that_earns_less_is_accepted_with_a_reason_or_not_at_all(place):
    """Trained once: the second run writes what the first one trained."""
    LEVELS["lstm"] = 100.0
    try:
        save(place / "baselines", [made("lstm", seed) for seed in range(1, 13)])
        lock = place / "baselines" / NAME.partition("/")[0]
        (lock / "requirements.txt").write_text(f"ray=={installed.release()}\n")
        python_here = ".".join(installed.versions()["python"].split(".")[:2])
        (lock / "uv.toml").write_text(f'python-version = "{python_here}"\n')
        store = Store(place / "store")
        for seed in range(1, 13):
            store.put(store.key(TrialSpec(BACKEND, "lstm", seed)), made("lstm", seed, 0.5))
    finally:
        del LEVELS["lstm"]
    reviewed = place / "baselines" / NAME / "lstm.json"
    before = reviewed.read_text()
    only = ["--update-baselines", "--variants=lstm", "-k", "records_are_written"]
    refused = gate_in(place, *only)
    assert refused.returncode == 1 and "to accept that takes a reason" in refused.stdout
    assert "lstm: REGRESSED" not in refused.stdout and reviewed.read_text() == before
    assert f"replaces {NAME}, lstm: " in refused.stdout and ", 12 trials" in refused.stdout
    accepted = gate_in(place, *only, "--because", "the clip is mended")
    assert accepted.returncode == 0, accepted.stdout
    assert "trials: regressed, behaviour changed" in accepted.stdout
    assert json.loads(reviewed.read_text())["accepted"]["because"] == "the clip is mended"


def test_a_reason_without_a_baseline_to_write_is_refused(place):
    refused = gate_in(place, "--because", "so")
    assert refused.returncode == 4
    assert "--because goes with --update-baselines" in refused.stderr
