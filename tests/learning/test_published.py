"""The results published in 2021, beside what the same stack learns here."""

import json
from pathlib import Path

import pytest

from fixtures.environments.variants import ITERATIONS, VARIANTS
from fixtures.judging.intervals import prediction_interval
from fixtures.rllib.matrix import Subject

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "baselines/published/cartpole_ppo_2021.json").read_text()
)

ERROR = 0.01
"""Probability that one further run of ours would leave its intervals, over a whole curve."""

CURVES = [
    pytest.param(document, name, marks=pytest.mark.needs(name))
    for document in ("draft", "continuation")
    for name in PUBLISHED[document]
    if name in VARIANTS
]


@pytest.mark.per_backend
@pytest.mark.needs_stack("ray-1.8.0/modelv2-tf")
@pytest.mark.needs_own_baseline
@pytest.mark.parametrize(("document", "variant"), CURVES)
def test_published_curve_lies_within_what_our_seeds_predict(plan, say, backend, document, variant):
    """RLlib's own metric, iteration by iteration; each interval gets an equal share of ERROR."""
    curve = PUBLISHED[document][variant]["episode_reward_mean"][:ITERATIONS]
    seeds = [record["reported"] for record in plan.baselines[Subject(backend, variant)].records]
    intervals = [prediction_interval(values, ERROR / ITERATIONS) for values in zip(*seeds)]
    outside = [
        number
        for number, (value, (low, high)) in enumerate(zip(curve, intervals), 1)
        if not low <= value <= high
    ]
    text = "  ".join(
        f"{value:.1f} in {low:.1f}..{high:.1f}" for value, (low, high) in zip(curve, intervals)
    )
    verdict = f"outside in iteration {outside}" if outside else "reproduced"
    say(f"{variant:<17} published ({document}): {verdict}: {text}")
    assert not outside, text
