"""The page of a run: one sentence first, and nothing in it that its data could do."""

import json
import re
from dataclasses import asdict

import pytest

from fixtures.baselines.files import Baseline
from fixtures.judging.outcome import Outcome
from fixtures.judging.sequential import Rule
from fixtures.judging.verdict import Candidate, judge
from fixtures.reporting import report
from fixtures.reporting.facts import facts_of, facts_of_unjudged
from fixtures.reporting.pictures import Picture
from fixtures.reporting.report import ReportError, page, sentence
from fixtures.rllib.matrix import Subject
from tests.meta.sample_records import make

pytest.importorskip("jinja2", reason="this release of RLlib comes without jinja2")

STACK = "ray-9.0.0/modelv2-tf"

BASELINE = Baseline.of([make(seed) for seed in range(1, 25)])

CONTRACTS = {"passed": 300, "known": 8, "failed": []}


def judged(scale, variant="full"):
    """Return the facts of trials that earn so many times what the baseline's did."""
    rewards = [20.0 * scale, 40.0 * scale]
    candidates = [Candidate.of(make(seed, rewards)) for seed in range(1, 17)]
    facts = facts_of(Subject("modelv2-tf", variant), judge(Rule(2), BASELINE, candidates))
    return json.loads(json.dumps(facts))


def broken(failure, outcome=Outcome.BROKEN):
    """Return the facts of what could not be trained."""
    return {**facts_of_unjudged(Subject("modelv2-tf", "lstm"), outcome, ""), "failure": failure,
            "baseline_return": 40.0, "trials": 0}  # fmt: skip


def run_of(*facts, status=0, **more):
    """Return what a run writes down."""
    return {
        "stacks": {"modelv2-tf": {"installed": STACK, "stack": STACK, "why": "its own"}},
        "overrides": {},
        "rule": asdict(Rule(2)),
        "fail_on": "regression",
        "verdicts": list(facts),
        "contracts": CONTRACTS,
        "failed": [],
        "exit": {"status": status, "why": "So it is."},
        "written": "2026-11-27T02:45:00+00:00",
        **more,
    }


def undrawn(facts):
    """Draw nothing: what draws is not among what a gate installs."""
    return [Picture("<svg></svg>", f"told of {facts['variant']}")]


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (run_of(judged(1.0)), "Nothing changed."),
        (run_of(judged(1.001)), "Behaviour changed in full, and no less is learned."),
        (run_of(judged(2.0), judged(1.0)), "More is learned in full, and nowhere less."),
        (run_of(judged(0.5), status=1), "Less is learned in full."),
        (
            run_of(judged(0.5), judged(0.5, "stacked"), broken("no"), status=1),
            "Less is learned in full and stacked; the software could not train lstm.",
        ),
        (
            run_of(broken("no", Outcome.BROKEN_BY_MACHINE), status=12),
            "The machine could not train lstm.",
        ),
        (
            run_of(judged(1.0), status=14, contracts={**CONTRACTS, "failed": ["x"]}),
            "RLlib, or a wrapper, breaks a contract.",
        ),
        (run_of(judged(1.0), status=1), "Nothing changed; the run failed all the same."),
        (run_of(), "Nothing was judged."),
    ],
)
def test_a_page_opens_on_the_verdict_in_a_sentence(run, words):
    assert sentence(run) == words
    text = page(run, undrawn)
    assert f"<title>{words}</title>" in text and f"</span>{words}</h1>" in text
    assert ("passes</span>" in text) is (run["exit"]["status"] == 0)


def test_only_what_is_not_identical_lies_open_and_comes_first():
    text = page(run_of(judged(1.0, "stacked"), judged(0.5), status=1), undrawn)
    opened = re.findall(r'<details id="v\d+"( open)?>\s*<summary>(\w+)', text)
    assert opened == [(" open", "full"), ("", "stacked")]
    assert text.index("told of full") < text.index("told of stacked")
    assert "python -m fixtures.training full --seed 1" in text
    assert "<p>first difference, seed 1: " in text


def test_a_hostile_file_runs_no_script_of_its_own():
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    text = page(
        run_of(
            broken(hostile),
            {**judged(0.5), "repeat": hostile, "differing_versions": [hostile]},
            status=1,
            written=hostile,
            overrides={hostile: hostile},
            contracts={**CONTRACTS, "failed": [hostile]},
        ),
        undrawn,
    )
    assert "<img" not in text and text.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in text
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert policy.startswith("default-src 'none'; ") and "script-src 'sha256-" in policy


def test_a_page_asks_for_nothing():
    assert not re.findall(r'(?:src|href)="(?!#)', page(run_of(judged(0.5)), undrawn))


def test_a_page_of_two_hundred_variants_is_below_two_megabytes():
    # The two pictures of a variant that changed had up to 57,092 characters.
    pictures = [Picture(f"<svg>{'x' * 30_000}</svg>", "")] * 2
    text = page(run_of(*[judged(0.5)] * 200), lambda facts: pictures)
    assert len(text) < 2_000_000 and text.count("<svg>") == 2 * report.MOST_DRAWN


@pytest.mark.parametrize("run", [[], {}, None, {"verdicts": 1}, run_of({"learned": "x"})])
def test_what_is_no_file_of_verdicts_is_refused(run):
    with pytest.raises(ReportError, match="it is no file of verdicts"):
        page(run, undrawn)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"verdicts": []}'])
def test_the_command_names_the_file(tmp_path, monkeypatch, text):
    monkeypatch.setattr(report.util, "find_spec", lambda name: True)
    path = tmp_path / "verdicts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as end:
        report.main([str(path)])
    assert str(end.value.code).startswith(f"error: {path}")
    assert not (tmp_path / "report.html").exists()
