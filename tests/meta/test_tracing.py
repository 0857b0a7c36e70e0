"""The trace of real trainings, very short ones: it names what was changed, and changes nothing."""

import pytest

from fixtures.environments.variants import VARIANTS
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
def test_a_variant_trains_with_its_own_settings_and_those_of_the_user_on_top(trained, backend):
    own = trained(backend, variant="cue_attention")
    assert own["config"]["lr"] == VARIANTS["cue_attention"].settings["lr"]
    assert own["overrides"] == SHORT
    assert trained(backend, {"lr": 1e-5}, variant="cue_attention")["config"]["lr"] == 1e-5


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
    mean, size = iteration["updates"][0]["advantages"][1:3]
    assert abs(mean) < 1 and 0.7 < size < 1.4
    assert iteration["updates"][0]["gradients"]["policy"][0] > 0
    assert iteration["weights"] != trace["initial_weights"]


@every_backend
@pytest.mark.parametrize("variant", ["attention", "lstm"])
def test_a_variant_with_memory_has_memory_weights_that_learn(trained, backend, variant):
    trace = trained(backend, variant=variant)["trace"]
    assert {"policy", "value", "memory"} <= set(trace["initial_weights"])
    assert trace["iterations"][0]["updates"][0]["gradients"]["memory"][0] > 0


@every_backend
@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("gamma", 0.9, "value targets (and advantages) from iteration 1 on"),
        ("vf_loss_coeff", 0.0, "total loss from iteration 1, update 1 on"),
    ],
)
def test_the_stage_that_a_setting_changes_is_named(trained, backend, setting, value, named):
    difference = compare(trained(backend), trained(backend, {setting: value}))
    assert str(difference).startswith(named)
    until = (
        "identical to the bit until then: initial weights, coefficients (iteration 1), sampling"
    )
    assert until in str(difference)


@every_backend
@pytest.mark.parametrize(
    ("setting", "name"),
    [("lr", "learning rate"), ("kl_coeff", "KL coefficient"), ("entropy_coeff", "entropy coeff")],
)
def test_a_coefficient_is_noted_as_it_is_in_use(trained, backend, setting, name):
    difference = compare(trained(backend), trained(backend, {setting: 0.125}))
    assert str(difference).startswith(name) and "became 0.125;" in str(difference)


def train_with_clipped_gradients(spec):
    """Train with gradients that are clipped after RLlib has computed them."""
    if spec.backend == "rlmodule-torch":
        from ray.rllib.core.learner.torch.torch_learner import TorchLearner

        apply = TorchLearner.apply_gradients

        def clipped_apply(learner, gradients):
            norm = sum(gradient.square().sum() for gradient in gradients.values()).sqrt()
            apply(learner, {ref: g * (0.01 / norm) for ref, g in gradients.items()})

        TorchLearner.apply_gradients = clipped_apply
    elif spec.backend == "modelv2-torch":
        import torch
        from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2

        apply = TorchPolicyV2.apply_gradients

        def clipped_apply(policy, gradients):
            torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 0.01)
            apply(policy, gradients)

        TorchPolicyV2.apply_gradients = clipped_apply
    else:
        from ray.rllib.utils.framework import try_import_tf

        tf1 = try_import_tf()[0]
        adam = tf1.train.AdamOptimizer
        apply = adam.apply_gradients

        def clipped_apply(optimizer, pairs, *args, **given):
            gradients, variables = zip(*pairs)
            gradients, _ = tf1.clip_by_global_norm(gradients, 0.01)
            return apply(optimizer, list(zip(gradients, variables)), *args, **given)

        adam.apply_gradients = clipped_apply
    return train(spec)


def train_with_another_epsilon(spec):
    """Train with an Adam whose epsilon is a thousandth, which RLlib leaves at 1e-8 or 1e-7."""
    if spec.backend.endswith("tf"):
        from ray.rllib.utils.framework import try_import_tf

        adam, epsilon = try_import_tf()[0].train.AdamOptimizer, {"epsilon": 1e-3}
    else:
        import torch

        adam, epsilon = torch.optim.Adam, {"eps": 1e-3}
    init = adam.__init__
    adam.__init__ = lambda self, *args, **given: init(self, *args, **{**given, **epsilon})
    return train(spec)


@every_backend
def test_another_epsilon_is_seen_in_the_first_step(trained, backend):
    difference = compare(trained(backend), trained(backend, function=train_with_another_epsilon))
    assert str(difference).startswith(
        "step of policy weights (and step of value weights) from iteration 1, update 1 on"
    )


@every_backend
def test_gradients_clipped_after_they_were_computed_are_seen_as_they_are_applied(trained, backend):
    """Adam's first step is the same, whatever the scale of gradients."""
    difference = compare(trained(backend), trained(backend, function=train_with_clipped_gradients))
    assert str(difference).startswith("policy gradients as applied (and value gradients")
    assert "from iteration 1, update 1 on" in str(difference)
