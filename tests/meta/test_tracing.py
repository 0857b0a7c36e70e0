"""The trace of real trainings, very short ones: it names what was changed, and changes nothing."""

import pytest

from fixtures.judging.difference import compare
from fixtures.records import tracing
from fixtures.rllib.matrix import installed_backends
from fixtures.training.runner import Trials
from fixtures.training.trial import train

SHORT = {"train_batch_size": 400}
"""A tenth of an iteration: 3 minibatches, 30 times."""


every_backend = pytest.mark.parametrize("backend", installed_backends())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function (backend, settings, function) -> record of one iteration, trained once."""
    folder = tmp_path_factory.mktemp("trained")

    def get(backend, overrides=None, function=train, variant="full"):
        trials = Trials(
            folder / function.__name__,
            overrides={**SHORT, **(overrides or {})},
            function=function,
            slots=folder / "slots",
        )
        return trials.obtain(trials.request(backend, variant, 1, iterations=1))

    return get


def train_without_inspecting(spec):
    """Train without inspecting any update."""
    tracing.UPDATES = ()
    tracing.Tracer.note_first_update = lambda self, weights: None
    return train(spec)


@every_backend
@pytest.mark.parametrize("variant", ["full", "attention", "lstm"])
def test_inspecting_updates_changes_nothing(trained, backend, variant):
    inspected = trained(backend, variant=variant)
    blind = trained(backend, function=train_without_inspecting, variant=variant)
    assert inspected["episodes"] == blind["episodes"]
    with_updates, without = (record["trace"]["iterations"][0] for record in (inspected, blind))
    assert len(with_updates["updates"]) == 4 and without["updates"] == []
    assert with_updates["weights"] == without["weights"]


@every_backend
def test_every_stage_is_there(trained, backend):
    trace = trained(backend)["trace"]
    assert set(trace["initial_weights"]) == {"policy", "value"}
    assert {name: len(rows) for name, rows in trace["opening"].items()} == dict.fromkeys(
        tracing.SAMPLING, tracing.OPENING
    )
    assert set(trace["opening"]["rewards"]) == {1.0}
    assert set(trace["opening"]["actions"]) == {0.0, 1.0}
    (iteration,) = trace["iterations"]
    # RLModule's batches hold one artificial step for each episode, so there are a few more.
    assert 3 * 30 <= iteration["number_of_updates"] < 4 * 30
    assert [update["number"] for update in iteration["updates"]] == [1, 2, 8, 32]
    assert all(100 < update["rows"] <= 128 for update in iteration["updates"])
    # Normalised over the batch, of which a minibatch is a part.
    _, mean, size = iteration["updates"][0]["advantages"]
    assert abs(mean) < 0.5 and 0.7 < size < 1.4
    assert iteration["updates"][0]["gradients"]["policy"] > 0
    assert iteration["weights"] != trace["initial_weights"]


@every_backend
@pytest.mark.parametrize("variant", ["attention", "lstm"])
def test_a_variant_with_memory_has_memory_weights_that_learn(trained, backend, variant):
    trace = trained(backend, variant=variant)["trace"]
    assert {"policy", "value", "memory"} <= set(trace["initial_weights"])
    assert trace["iterations"][0]["updates"][0]["gradients"]["memory"] > 0


@every_backend
@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("gamma", 0.9, "value targets (and advantages) from iteration 1 on"),
        ("vf_loss_coeff", 0.0, "total loss from iteration 1, update 1 on"),
        ("lr", 5e-06, "policy weights (and value weights) from iteration 1, update 1 on"),
    ],
)
def test_the_stage_that_a_setting_changes_is_named(trained, backend, setting, value, named):
    difference = compare(trained(backend), trained(backend, {setting: value}))
    assert str(difference).startswith(named)
    assert "identical to the bit until then: initial weights, sampling" in str(difference)
