"""A model with memory reads a sequence at once as it reads it step by step, and nothing else."""

import numpy as np
from hypothesis import example
from hypothesis import strategies as st

from fixtures.environments.making import make
from fixtures.environments.variants import VARIANTS
from fixtures.probing.probe import Probe
from fixtures.rllib.environment import scripted
from fixtures.rllib.matrix import Subject, installed_backends
from fixtures.rllib.reading import read_stepwise
from tests.contracts.environments import for_all, start, step
from tests.contracts.networks import SUBJECTS, WITH_MEMORY, over, probe_of
from tests.contracts.sequences import (
    SEQUENCES,
    Script,
    assert_equal_but_for_rounding,
    scripts,
)

MIXED = Script((30, 75, 7, 2, 55, 20, 21, 40, 13, 37), 0)
"""300 steps: episodes shorter, as long and longer than the sequences that RLlib cuts them into."""

APART = [name for name in installed_backends() if name.startswith("rlmodule")]
"""Backends whose samplers have a model of their own, and tell what it remembers."""

WITH_TWO_MEMORIES = {"use_lstm": True, "max_seq_len": 20}
"""Where ``model_config`` is a dict, PPO builds an LSTM for the actions and one for the values."""


def model_and_state(subject, sequences):
    """Return a model, and its state in the episodes that the sequences are cut from."""
    model = probe_of(subject).model
    state = model.initial(len(sequences.lengths))
    if sequences.past:
        state = read_stepwise(model, sequences.before(model), state).state
    return model, state


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES)
def test_a_sequence_read_at_once_gives_what_it_gives_step_by_step(subject, sequences):
    """From an episode's start and from its middle, for sequences of several lengths."""
    model, state = model_and_state(subject, sequences)
    inputs, there = sequences.inputs(model), sequences.there()
    at_once = model.read(inputs, sequences.lengths, state)
    stepwise = read_stepwise(model, inputs, state)
    assert_equal_but_for_rounding(at_once.logits[there], stepwise.logits[there])
    assert_equal_but_for_rounding(at_once.values[there], stepwise.values[there])


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES, share=st.floats(0, 1, exclude_max=True))
def test_no_output_depends_on_a_later_input(subject, sequences, share):
    """Not by a bit; and each depends on its own."""
    model, state = model_and_state(subject, sequences)
    inputs = sequences.inputs(model)
    moved = int(share * max(sequences.lengths))
    others = inputs.copy()
    others[:, moved:] += 1
    one, other = (model.read(each, sequences.lengths, state) for each in (inputs, others))
    for ours, theirs in zip(one[:2], other[:2]):
        assert (ours[:, :moved] == theirs[:, :moved]).all()
        assert (ours[:, moved] != theirs[:, moved]).any()


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES)
def test_padding_changes_nothing(subject, sequences):
    """Neither what stands in it, by a bit, nor how much there is of it, but for rounding."""
    model, state = model_and_state(subject, sequences)
    inputs, there = sequences.inputs(model), sequences.there()
    zeros = np.where(there[..., None], inputs, np.float32(0))
    longest = max(sequences.lengths)
    filled, padded, trimmed = (
        model.read(each, sequences.lengths, state)[:2]
        for each in (inputs, zeros, zeros[:, :longest])
    )
    for of_filled, of_padded, of_trimmed in zip(filled, padded, trimmed):
        assert (of_filled[there] == of_padded[there]).all()
        assert_equal_but_for_rounding(of_trimmed[there[:, :longest]], of_padded[there])


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES)
def test_sequences_of_one_batch_do_not_see_each_other(subject, sequences):
    """Each reads what it would read alone."""
    model, state = model_and_state(subject, sequences)
    inputs = sequences.inputs(model)
    together = model.read(inputs, sequences.lengths, state)
    for row, length in enumerate(sequences.lengths):
        alone = model.read(inputs[[row]], [length], [each[[row]] for each in state])
        for ours, theirs in zip(alone[:2], together[:2]):
            assert_equal_but_for_rounding(ours[0, :length], theirs[row, :length])


@over(WITH_MEMORY)
@for_all(examples=5, script=scripts(2, 4))
def test_memory_does_not_leak_from_one_episode_into_the_next(subject, script):
    """In RLlib's own sampler: an episode gives the same bits first and after others."""
    play = probe_of(subject).play
    episode, *others = script.episodes()
    first, *_ = play([episode, *others])
    *_, last = play([*others, episode])
    assert (first.logits == last.logits).all()


@over(SUBJECTS)
@for_all(examples=3, script=scripts(10, 20))
@example(script=MIXED)
def test_what_was_sampled_is_what_is_learned_from(subject, script):
    """RLlib cuts, pads, shuffles and slices; whatever it does, each step keeps its own past.

    Nothing has been learned yet, so each minibatch has to be read as it was when it was played.
    """
    minibatches = probe_of(subject).read_again(script.episodes())
    assert minibatches and all(len(each["sampled"]["logits"]) for each in minibatches)
    for each in minibatches:
        for name, sampled in each["sampled"].items():
            assert_equal_but_for_rounding(each["read"][name], sampled)


@over(WITH_MEMORY)
def test_samplers_remember_as_the_model_does_that_has_learned(subject):
    """After an update: weights, states and their resets all arrive where sampling is."""
    check_samplers(updated(subject), subject)


@over([Subject(name, "lstm") for name in APART])
def test_samplers_remember_for_values_as_the_model_does_that_has_learned(subject):
    """Where actions and values have a memory each."""
    sampler = updated(subject, _model_config=WITH_TWO_MEMORIES)
    assert len(sampler.model.initial(1)) == 2 * len(probe_of(subject).model.initial(1))
    check_samplers(sampler, subject)


def updated(subject, **overrides):
    """Return a Probe that one update has moved."""
    found = Probe(*subject, overrides={"lr": 1e-3, **overrides})
    found.read_again(MIXED.episodes())
    return found


def check_samplers(sampler, subject):
    """Assert of each step's logits, and of the last state, that the model gives them too."""
    model, episodes = sampler.model, MIXED.episodes()
    for episode, played in zip(episodes, sampler.play(episodes)):
        shown = observed(subject.variant, episode)[None]
        read = read_stepwise(model, shown, model.initial(1))
        assert_equal_but_for_rounding(played.logits, read.logits[0])
        assert len(played.state) == (len(read.state) if subject.backend in APART else 0)
        for carried, given in zip(played.state, read.state):
            assert_equal_but_for_rounding(carried[-1], given[0])


def observed(variant, episode):
    """Return what a variant shows of an episode (T, 4): (T, k)."""
    cartpole = scripted()
    cartpole.episodes.append(episode)
    env = make(VARIANTS[variant], cartpole)
    shown = [start(env), *(step(env, 0) for _ in episode[1:])]
    return np.stack([each.observation for each in shown])
