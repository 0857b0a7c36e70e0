"""A model with memory reads a sequence at once as it does step by step, and sees nothing else."""

import numpy as np
from hypothesis import example
from hypothesis import strategies as st

from fixtures.environments.making import make
from fixtures.environments.variants import VARIANTS
from fixtures.probing.probe import Probe
from fixtures.rllib.environment import scripted
from fixtures.rllib.matrix import Subject, installed_backends
from fixtures.rllib.model_reading import read_stepwise
from tests.contracts.environments import for_all, start, step
from tests.contracts.networks import LEARNING, SUBJECTS, TWO_MEMORIES, WITH_MEMORY, over, probe_of
from tests.contracts.sequences import (
    SEQUENCES,
    Script,
    assert_equal_but_for_rounding,
    scripts,
)

MIXED = Script((30, 75, 7, 2, 55, 20, 21, 40, 13, 37), 0)
"""300 steps: episodes shorter, as long and longer than the sequences that RLlib cuts them into."""

APART = [name for name in installed_backends() if name.startswith("rlmodule")]
"""Backends whose samplers have a model of their own, and report its state after each step."""

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
    inputs, mask = sequences.inputs(model), sequences.mask()
    at_once = model.read(inputs, sequences.lengths, state)
    stepwise = read_stepwise(model, inputs, state)
    assert_equal_but_for_rounding(at_once.logits[mask], stepwise.logits[mask])
    assert_equal_but_for_rounding(at_once.values[mask], stepwise.values[mask])


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES, share=st.floats(0, 1, exclude_max=True))
def test_no_output_depends_on_a_later_input(subject, sequences, share):
    """To the bit; and each output depends on the input of its own step."""
    model, state = model_and_state(subject, sequences)
    inputs = sequences.inputs(model)
    first_moved = int(share * max(sequences.lengths))
    moved_inputs = inputs.copy()
    moved_inputs[:, first_moved:] += 1
    original, moved = (
        model.read(batch, sequences.lengths, state) for batch in (inputs, moved_inputs)
    )
    # Logits, then values.
    for before, after in zip(original[:2], moved[:2]):
        assert (before[:, :first_moved] == after[:, :first_moved]).all()
        assert (before[:, first_moved] != after[:, first_moved]).any()


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES)
def test_padding_changes_nothing(subject, sequences):
    """Its content changes no bit of the output, and its length no more than the rounding."""
    model, state = model_and_state(subject, sequences)
    inputs, mask = sequences.inputs(model), sequences.mask()
    zeros = np.where(mask[..., None], inputs, np.float32(0))
    longest = max(sequences.lengths)
    filled, padded, trimmed = (
        model.read(batch, sequences.lengths, state)[:2]
        for batch in (inputs, zeros, zeros[:, :longest])
    )
    # Logits, then values.
    for of_filled, of_padded, of_trimmed in zip(filled, padded, trimmed):
        assert (of_filled[mask] == of_padded[mask]).all()
        assert_equal_but_for_rounding(of_trimmed[mask[:, :longest]], of_padded[mask])


@over(WITH_MEMORY)
@for_all(examples=20, sequences=SEQUENCES)
def test_sequences_of_one_batch_do_not_see_each_other(subject, sequences):
    """Each gives what it gives in a batch of its own."""
    model, state = model_and_state(subject, sequences)
    inputs = sequences.inputs(model)
    together = model.read(inputs, sequences.lengths, state)
    for row, length in enumerate(sequences.lengths):
        row_state = [array[[row]] for array in state]
        alone = model.read(inputs[[row]], [length], row_state)
        # Logits, then values.
        for of_alone, of_together in zip(alone[:2], together[:2]):
            assert_equal_but_for_rounding(of_alone[0, :length], of_together[row, :length])


@over(WITH_MEMORY)
@for_all(examples=5, script=scripts(2, 4))
def test_memory_does_not_leak_from_one_episode_into_the_next(subject, script):
    """In RLlib's own sampler: an episode gives the same bits first and after others."""
    play = probe_of(subject).play
    episode, *others = script.episodes()
    first, *_ = play([episode, *others])
    *_, last = play([*others, episode])
    assert (first.logits == last.logits).all()


@over(SUBJECTS, LEARNING)
@for_all(examples=3, script=scripts(10, 20))
@example(script=MIXED)
def test_what_was_sampled_is_what_is_learned_from(subject, script):
    """RLlib cuts, pads, shuffles and slices; whatever it does, each step keeps its own past.

    The learning rate is 0, so training has to read each minibatch as sampling read the same steps.
    """
    minibatches = probe_of(subject).read_again(script.episodes())
    assert minibatches
    assert all(len(minibatch["sampled"]["logits"]) for minibatch in minibatches)
    for minibatch in minibatches:
        for name, sampled in minibatch["sampled"].items():
            assert_equal_but_for_rounding(minibatch["read"][name], sampled)


@over([one for one in WITH_MEMORY if VARIANTS[one.variant].network == "attention"], LEARNING)
def test_attention_reads_the_first_step_of_a_sequence_as_it_was_sampled(subject):
    """Whatever a deviation makes of the steps that follow in it: see GTrXL's mask.

    But for the step that a minibatch begins with, where a sequence may have been cut.
    """
    minibatches = probe_of(subject).read_again(MIXED.episodes())
    assert any(minibatch["begins"].any() for minibatch in minibatches)
    for minibatch in minibatches:
        first = minibatch["begins"] & (np.arange(len(minibatch["begins"])) > 0)
        for name, sampled in minibatch["sampled"].items():
            assert_equal_but_for_rounding(minibatch["read"][name][first], sampled[first])


@over(WITH_MEMORY, LEARNING)
def test_padding_has_no_part_in_what_is_minimised(subject):
    """Not a bit of the loss depends on what padding holds for targets and advantages."""
    minibatches = probe_of(subject).read_again(MIXED.episodes())
    losses = [minibatch["losses"] for minibatch in minibatches if "losses" in minibatch]
    assert losses, "no minibatch was padded"
    for as_it_is, filled in losses:
        assert as_it_is == filled


@over(WITH_MEMORY, LEARNING)
def test_samplers_remember_as_the_model_does_that_has_learned(subject):
    """After an update: new weights, states and their resets all reach the sampler."""
    check_samplers(updated(subject), subject)


@over([Subject(name, "lstm") for name in APART], TWO_MEMORIES)
def test_samplers_remember_for_values_as_the_model_does_that_has_learned(subject):
    """Where the actions have one memory and the values another."""
    sampler = updated(subject, _model_config=WITH_TWO_MEMORIES)
    assert len(sampler.model.initial(1)) == 2 * len(probe_of(subject).model.initial(1))
    check_samplers(sampler, subject)


def updated(subject, **overrides):
    """Return a Probe whose weights one update has changed."""
    sampler = Probe(*subject, overrides={"lr": 1e-3, **overrides})
    sampler.read_again(MIXED.episodes())
    return sampler


def check_samplers(sampler, subject):
    """Assert that the sampler's logits, and its last state, are those of the model."""
    model, episodes = sampler.model, MIXED.episodes()
    for episode, played in zip(episodes, sampler.play(episodes)):
        shown = observed(subject.variant, episode)[None]
        read = read_stepwise(model, shown, model.initial(1))
        assert_equal_but_for_rounding(played.logits, read.logits[0])
        assert len(played.state) == (len(read.state) if subject.backend in APART else 0)
        for sampler_states, model_state in zip(played.state, read.state):
            assert_equal_but_for_rounding(sampler_states[-1], model_state[0])


def observed(variant, episode):
    """Return what a variant shows of an episode (T, 4): (T, k)."""
    script = scripted(VARIANTS[variant])
    script.episodes.append(episode)
    env = make(VARIANTS[variant], script)
    steps = [start(env), *(step(env, 0) for _ in episode[1:])]
    return np.stack([observation for observation, *_ in steps])
