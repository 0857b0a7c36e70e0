"""The results published in 2021, beside what the same stack learns here."""

import json
from pathlib import Path

import numpy as np
import pytest

from fixtures.environments.variants import ITERATIONS, VARIANTS
from fixtures.judging.intervals import prediction_p
from fixtures.rllib.matrix import Subject

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "baselines/published/cartpole_ppo_2021.json").read_text()
)

ERROR = 0.01
"""Probability that a curve of one further run of ours would be taken for another's."""

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
def test_published_curve_is_one_that_our_seeds_predict(plan, say, backend, document, variant):
    """As a whole, by RLlib's own metric: a prediction region of our seeds' curves holds it."""
    curve = PUBLISHED[document][variant]["episode_reward_mean"][:ITERATIONS]
    seeds = [record["reported"] for record in plan.baselines[Subject(backend, variant)].records]
    p = prediction_p(seeds, curve)
    verdict = "reproduced" if p > ERROR else "NOT REPRODUCED"
    pairs = zip(curve, np.mean(seeds, axis=0))
    listed = "  ".join(f"{value:.1f} ({mean:.1f})" for value, mean in pairs)
    say(f"{variant:<17} published ({document}; our mean): {verdict}, p = {p:.2f}: {listed}")
    assert p > ERROR, listed
