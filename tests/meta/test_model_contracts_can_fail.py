"""Every contract of models fails when the model that it reads has the defect it guards against."""

# The name of its class says what a defect is.
# ruff: noqa: D101, D102

from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.probing.probe import Played
from fixtures.rllib.matrix import Subject
from fixtures.rllib.model_reading import Read
from tests.contracts import test_memory, test_networks

SUBJECT = Subject("a backend", "attention")


class Summing:
    """A sound model: logits and values are the running sum of the first component."""

    size = 2

    def initial(self, batch):
        return [np.zeros((batch, 1), np.float32)]

    def read(self, inputs, lengths, state):
        mask = np.arange(inputs.shape[1]) < np.asarray(lengths)[:, None]
        sums = state[0] + np.cumsum(np.where(mask, inputs[:, :, 0], 0), axis=1)
        return self.made(sums, inputs)

    def made(self, sums, inputs):
        """Return the Read of running sums (batch, steps)."""
        return Read(np.stack([sums, -sums], axis=-1), sums, [sums[:, -1:]])


class StateDropped(Summing):
    def made(self, sums, inputs):
        return super().made(sums, inputs)._replace(state=self.initial(len(sums)))


class LooksAhead(Summing):
    def made(self, sums, inputs):
        return super().made(sums + inputs[:, -1:, 0], inputs)


class LooksAheadForValues(Summing):
    def made(self, sums, inputs):
        return super().made(sums, inputs)._replace(values=sums + inputs[:, -1:, 0])


class ReadsPadding(Summing):
    def made(self, sums, inputs):
        return super().made(sums + inputs.max(axis=(1, 2))[:, None], inputs)


class CountsPadding(Summing):
    def made(self, sums, inputs):
        return super().made(sums / inputs.shape[1], inputs)


class SeesItsNeighbours(Summing):
    def made(self, sums, inputs):
        return super().made(sums + 0.1 * sums.mean(), inputs)


class Deaf(Summing):
    def made(self, sums, inputs):
        return super().made(0 * sums, inputs)


MEMORY = {
    StateDropped: test_memory.test_a_sequence_read_at_once_gives_what_it_gives_step_by_step,
    LooksAhead: test_memory.test_no_output_depends_on_a_later_input,
    LooksAheadForValues: test_memory.test_no_output_depends_on_a_later_input,
    Deaf: test_memory.test_no_output_depends_on_a_later_input,
    ReadsPadding: test_memory.test_padding_changes_nothing,
    CountsPadding: test_memory.test_padding_changes_nothing,
    SeesItsNeighbours: test_memory.test_sequences_of_one_batch_do_not_see_each_other,
}


def let(monkeypatch, module, **attributes):
    """Give a module of contracts a Probe with these attributes, in place of what RLlib built."""
    monkeypatch.setattr(module, "probe_of", lambda subject: SimpleNamespace(**attributes))


@pytest.mark.parametrize(("defect", "contract"), MEMORY.items())
def test_a_defect_is_caught_and_a_sound_model_is_not(monkeypatch, defect, contract):
    let(monkeypatch, test_memory, model=Summing())
    contract(subject=SUBJECT)
    let(monkeypatch, test_memory, model=defect())
    with pytest.raises(AssertionError):
        contract(subject=SUBJECT)


def remembering(steps, across=0.0):
    """Return a ``Probe.play`` whose logits are sums of the last ``steps`` observations."""

    def play(episodes):
        played, carried_over = [], 0.0
        for episode in episodes:
            sums = [episode[max(0, t - steps + 1) : t + 1].sum() for t in range(len(episode))]
            logits = np.array(sums)[:, None] + carried_over
            played.append(Played(logits, np.zeros(len(episode)), []))
            carried_over = across * logits.sum()
        return played

    return play


def test_memory_that_outlives_an_episode_is_caught(monkeypatch):
    let(monkeypatch, test_memory, play=remembering(5))
    test_memory.test_memory_does_not_leak_from_one_episode_into_the_next(SUBJECT)
    let(monkeypatch, test_memory, play=remembering(5, across=0.1))
    with pytest.raises(AssertionError):
        test_memory.test_memory_does_not_leak_from_one_episode_into_the_next(SUBJECT)


DEPENDS = test_networks.test_actions_depend_on_the_past_where_they_must_and_nowhere_else


@pytest.mark.parametrize(
    ("variant", "reach", "others"),
    [
        ("full", 1, (2,)),
        ("stacked", 4, (1, 3, 5)),
        ("attention", 51, (1, 50, 52)),
        ("lstm", 61, (10,)),
    ],
)
def test_too_long_and_too_short_a_memory_are_caught(monkeypatch, variant, reach, others):
    subject = Subject("a backend", variant)
    let(monkeypatch, test_networks, play=remembering(reach))
    DEPENDS(subject)
    for other in others:
        let(monkeypatch, test_networks, play=remembering(other))
        with pytest.raises(AssertionError):
            DEPENDS(subject)


@pytest.mark.parametrize(
    ("variant", "names", "caught"),
    [
        ("attention", ["gtrxl.bias"], False),
        ("attention", ["fc_1"], True),
        ("full", ["fc_1"], False),
        ("full", ["lstm.bias"], True),
    ],
)
def test_a_memory_too_many_or_too_few_is_caught(monkeypatch, variant, names, caught):
    built = SimpleNamespace(parameters=lambda: dict.fromkeys(names))
    let(monkeypatch, test_networks, algorithm=built)
    contract = test_networks.test_the_model_has_the_memory_that_its_variant_names_and_no_other
    if caught:
        with pytest.raises(AssertionError):
            contract(Subject("a backend", variant))
    else:
        contract(Subject("a backend", variant))


def reread(error):
    """Return an ``Probe.read_again`` that reads the last of three steps wrong by ``error``."""
    sampled = np.zeros((3, 2))
    read = sampled + [[0], [0], [error]]
    return lambda episodes: [{"sampled": {"logits": sampled}, "read": {"logits": read}}]


def nothing_read(episodes):
    return [{"sampled": {"logits": np.zeros((0, 2))}, "read": {"logits": np.zeros((0, 2))}}]


def test_a_minibatch_that_is_read_otherwise_than_it_was_sampled_is_caught(monkeypatch):
    contract = test_memory.test_what_was_sampled_is_what_is_learned_from
    let(monkeypatch, test_memory, read_again=reread(0))
    contract(SUBJECT)
    for broken in (reread(1e-4), lambda episodes: [], nothing_read):
        let(monkeypatch, test_memory, read_again=broken)
        with pytest.raises(AssertionError):
            contract(SUBJECT)


def test_a_sequence_that_begins_otherwise_than_it_was_sampled_is_caught(monkeypatch):
    contract = test_memory.test_attention_reads_the_first_step_of_a_sequence_as_it_was_sampled
    begins = np.array([True, False, True])

    def let_read(error, begins=begins):
        (minibatch,) = reread(error)([])
        let(monkeypatch, test_memory, read_again=lambda _: [{**minibatch, "begins": begins}])

    let_read(0)
    contract(SUBJECT)
    for error, first in ((1e-4, begins), (0, np.zeros(3, bool))):
        let_read(error, first)
        with pytest.raises(AssertionError):
            contract(SUBJECT)
    let_read(1e-4, ~begins)
    contract(SUBJECT)


def test_a_loss_that_depends_on_padding_is_caught(monkeypatch):
    contract = test_memory.test_padding_has_no_part_in_what_is_minimised
    let(monkeypatch, test_memory, read_again=lambda episodes: [{}, {"losses": (0.5, 0.5)}])
    contract(SUBJECT)
    for broken in ([{"losses": (0.5, 0.6)}], [{}], []):
        let(monkeypatch, test_memory, read_again=lambda episodes, broken=broken: broken)
        with pytest.raises(AssertionError):
            contract(SUBJECT)


APART = Subject("rlmodule-torch", "stateless")


def summed(weight, state_weight, states=1):
    """Return an ``Probe.play`` that gives so many times what ``Summing`` gives."""

    def play(episodes):
        sums = [np.cumsum(episode[:, :1], axis=0) for episode in episodes]
        return [
            Played(
                weight * np.concatenate([running_sum, -running_sum], axis=1),
                running_sum,
                [state_weight * running_sum][:states],
            )
            for running_sum in sums
        ]

    return play


def test_a_sampler_that_missed_an_update_is_caught(monkeypatch):
    monkeypatch.setattr(test_memory, "APART", [APART.backend])
    test_memory.check_samplers(SimpleNamespace(model=Summing(), play=summed(1, 1)), APART)
    for broken in (summed(0.9, 1), summed(1, 0.9), summed(1, 1, states=0)):
        with pytest.raises(AssertionError):
            test_memory.check_samplers(SimpleNamespace(model=Summing(), play=broken), APART)


def test_the_sampler_is_held_to_what_the_variant_shows():
    episode = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert (test_memory.observed("full", episode) == episode).all()
    assert (test_memory.observed("stateless", episode) == episode[:, [0, 2]]).all()
    assert test_memory.observed("stacked", episode).shape == (3, 8)
