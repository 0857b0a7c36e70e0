"""Every contract of targets fails where what makes them has the defect it guards against.

Plain arrays stand in for RLlib, and targets are made step by step and backwards, as none of the
contracts does it.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

from fixtures.probing.probe import BATCH, FRAGMENT
from fixtures.rllib.matrix import Subject
from tests.contracts import test_targets
from tests.contracts.environments import for_all
from tests.contracts.test_targets import CUT, NOTHING, TERMINATED, TRUNCATED, CannotTell, estimates
from tests.meta.test_model_contracts_can_fail import Summing

SUBJECT = Subject("a backend", "full")

GAMMA, LAMBDA = 0.95, 0.8

STEPS = test_targets.test_the_steps_that_were_sampled_are_learned_from_and_no_others
TERMINATION = test_targets.test_after_a_termination_nothing_is_expected
TIME_LIMIT = test_targets.test_after_a_time_limit_the_value_of_the_final_observation_is_expected
SAMPLING_ENDS = test_targets.test_where_sampling_ends_the_value_of_the_next_observation_is_expected
STANDARDISED = test_targets.test_advantages_are_standardised_over_the_steps_that_are_learned_from

WHOLE = test_targets.test_what_is_expected_after_whole_sequences_is_the_value_with_all_of_its_past

CONTRACTS = (STEPS, TERMINATION, TIME_LIMIT, SAMPLING_ENDS, WHOLE, STANDARDISED)


def made(rewards, values, last, gamma, lambda_):
    """Return the advantages (n,) of steps with rewards (n,), values (n,) and a last value."""
    advantages, following, running = np.zeros(len(rewards)), last, 0.0
    for t in reversed(range(len(rewards))):
        running = rewards[t] + gamma * following - values[t] + gamma * lambda_ * running
        advantages[t], following = running, values[t]
    return advantages


class Learner:
    """A Probe with a sound RLlib, but for what it is told.

    Args:
        last: {why a part of an episode ends: a function of its values (n + 1,) that returns what
            its last step expects}, in place of what is right.
        gamma, lambda_: what is used, whatever the configuration says.
        advantages_of: a function of the advantages (n,) that are right, which returns others.
        extra: whether a step is appended to each part, and learned from.
        counted: whether steps that are not learned from take part in standardising.
        minibatches_of: a function of Steps, the whole batch's, that returns a list of minibatches.
    """

    model = Summing()
    algorithm = SimpleNamespace(config={"gamma": GAMMA, "lambda": LAMBDA})

    def __init__(
        self,
        last=None,
        gamma=GAMMA,
        lambda_=LAMBDA,
        advantages_of=np.array,
        extra=False,
        counted=False,
        minibatches_of=lambda steps: [steps],
    ):
        self._last = {TERMINATED: nothing, TRUNCATED: final, CUT: final, **(last or {})}
        self._discounts = gamma, lambda_
        self._advantages_of = advantages_of
        self._extra = extra
        self._counted = counted
        self._minibatches_of = minibatches_of

    def learn(self, episodes):
        """Return (gathered, minibatches), as ``Probe.learn`` does."""
        gathered = [self._steps(*part) for part in self._sampled([NOTHING, *episodes])]
        batch = {name: np.concatenate([steps[name] for steps in gathered]) for name in gathered[0]}
        counted = batch["advantages"]
        if self._counted:
            counted = np.append(counted, [1.0] * len(gathered))
        batch["advantages"] = (batch["advantages"] - counted.mean()) / counted.std()
        return gathered, [{"learned": steps} for steps in self._minibatches_of(batch)]

    @staticmethod
    def _sampled(episodes):
        """Yield (observations (n + 1, 4), rewards (n,), values (n + 1,), why it ends) of parts."""
        sampled = 0
        for observations, rewards, truncated in episodes:
            values = np.cumsum(observations[:, 0], dtype=float)
            begin = 0
            for end in range(1, len(rewards) + 1):
                sampled += 1
                over = end == len(rewards)
                if over or sampled % FRAGMENT == 0:
                    why = CUT if not over else TRUNCATED if truncated else TERMINATED
                    both = slice(begin, end + 1)
                    yield observations[both], rewards[begin:end], values[both], why
                    begin = end
                if sampled == BATCH:
                    return

    def _steps(self, observations, rewards, values, why):
        advantages = made(rewards, values[:-1], self._last[why](values), *self._discounts)
        steps = {
            "observations": observations[:-1],
            "targets": advantages + values[:-1],
            "advantages": self._advantages_of(advantages),
        }
        if self._extra:
            more = {"observations": observations, "targets": values, "advantages": values}
            steps = {name: np.append(steps[name], more[name][-1:], axis=0) for name in steps}
        return steps


def nothing(values):
    return 0.0


def one_too_old(values):
    return values[-2]


def one_too_old_after_sequences(values):
    return values[-1] if (len(values) - 1) % 20 else values[-2]


def final(values):
    return values[-1]


def moved(steps):
    return [{**steps, "observations": steps["observations"] + np.float32(1)}]


def retargeted(steps):
    return [{**steps, "targets": steps["targets"] + 0.001}]


def empty(steps):
    return [{name: column[:0] for name, column in steps.items()}]


CASES = [
    ({"last": {TRUNCATED: nothing}}, TIME_LIMIT),
    ({"last": {TRUNCATED: one_too_old}}, TIME_LIMIT),
    ({"last": {CUT: nothing}}, SAMPLING_ENDS),
    ({"last": {CUT: one_too_old}}, SAMPLING_ENDS),
    ({"last": {TERMINATED: final}}, TERMINATION),
    *(
        (defect, contract)
        for contract in (TERMINATION, TIME_LIMIT, SAMPLING_ENDS, WHOLE)
        for defect in (
            {"gamma": 0.949},
            {"lambda_": 0.801},
            {"advantages_of": np.negative},
            {"advantages_of": np.abs},
            {"advantages_of": np.cumsum},
        )
    ),
    *(({"last": {end: one_too_old_after_sequences}}, WHOLE) for end in (TRUNCATED, CUT)),
    ({"extra": True}, STEPS),
    ({"minibatches_of": moved}, STEPS),
    ({"minibatches_of": retargeted}, STEPS),
    ({"minibatches_of": empty}, STEPS),
    ({"minibatches_of": lambda steps: []}, STEPS),
    ({"counted": True}, STANDARDISED),
]


def hold(monkeypatch, contract, **defect):
    """Hold a Learner with a defect to a contract."""
    learner = Learner(**defect)
    monkeypatch.setattr(test_targets, "probe_of", lambda subject: learner)
    contract(subject=SUBJECT)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_sound_learner_is_not_caught(monkeypatch, contract):
    hold(monkeypatch, contract)


@pytest.mark.parametrize(("defect", "contract"), CASES)
def test_a_defect_is_caught(monkeypatch, defect, contract):
    with pytest.raises(AssertionError):
        hold(monkeypatch, contract, **defect)


@pytest.mark.parametrize(
    ("end", "last", "others"),
    [
        (TRUNCATED, nothing, (STEPS, TERMINATION, SAMPLING_ENDS)),
        (CUT, nothing, (STEPS, TERMINATION, TIME_LIMIT)),
        (TRUNCATED, one_too_old_after_sequences, (STEPS, TERMINATION, TIME_LIMIT)),
        (CUT, one_too_old_after_sequences, (STEPS, TERMINATION, SAMPLING_ENDS)),
    ],
)
def test_what_ends_for_another_reason_is_not_blamed(monkeypatch, end, last, others):
    for contract in others:
        hold(monkeypatch, contract, last={end: last})


def test_advantages_that_are_standardised_before_they_are_gathered_are_told_as_well(monkeypatch):
    """One shift and one scale of the batch are undone."""

    def scaled(advantages):
        return 3 * advantages - 2

    for contract in (TERMINATION, TIME_LIMIT, SAMPLING_ENDS):
        hold(monkeypatch, contract, advantages_of=scaled)
    with pytest.raises(AssertionError):
        hold(monkeypatch, TIME_LIMIT, advantages_of=scaled, last={TRUNCATED: nothing})


def test_every_contract_of_targets_is_shown_to_fail():
    named = {getattr(test_targets, name) for name in dir(test_targets) if name.startswith("test_")}
    assert named == set(CONTRACTS) == {contract for _, contract in CASES}


def test_values_that_would_hide_a_wrong_end_are_no_pass(monkeypatch):
    class Silent(Summing):
        def made(self, sums, inputs):
            return super().made(0 * sums, inputs)

    monkeypatch.setattr(Learner, "model", Silent())
    with pytest.raises(CannotTell, match="would differ by no more than 0e"):
        hold(monkeypatch, TIME_LIMIT)


NUMBERS = st.lists(st.tuples(*[st.floats(-10, 10)] * 2), min_size=1, max_size=60)


@for_all(
    steps=NUMBERS,
    last=st.floats(-10, 10),
    terminated=st.booleans(),
    gamma=st.floats(0.5, 1),
    lambda_=st.floats(0, 1),
)
def test_estimates_by_definition_are_those_of_the_recursion(
    steps, last, terminated, gamma, lambda_
):
    rewards, values = np.array(steps).T
    targets, advantages = estimates(rewards, [*values, last], terminated, gamma, lambda_)
    recursive = made(rewards, values, 0 if terminated else last, gamma, lambda_)
    assert np.allclose(advantages, recursive, rtol=1e-9, atol=1e-9)
    assert np.allclose(targets, recursive + values, rtol=1e-9, atol=1e-9)


@for_all(steps=NUMBERS, last=st.floats(0.01, 10), gamma=st.floats(0.5, 1))
def test_a_truncation_taken_for_a_termination_misses_the_last_value(steps, last, gamma):
    """The last target lacks it, discounted once."""
    rewards, values = np.array(steps).T
    (right, _), (wrong, _) = (
        estimates(rewards, [*values, last], terminated, gamma, 0.9) for terminated in (False, True)
    )
    assert np.isclose(right[-1] - wrong[-1], gamma * last)
