"""A model with memory reads a sequence at once as it reads it step by step, and nothing else."""

import numpy as np
from hypothesis import strategies as st

from fixtures.rllib.models import read_stepwise
from tests.contracts.environments import for_all
from tests.contracts.networks import WITH_MEMORY, algorithm, over

ROUNDING = 1e-5
"""Absolute difference of logits that the order of sums alone explains."""

LENGTHS = st.lists(st.integers(1, 20), min_size=1, max_size=4)
"""Of the sequences of a batch; RLlib cuts episodes after 20 steps."""

SEEDS = st.integers(0, 2**31 - 1)


def drawn(model, lengths, seed, steps=20):
    """Return inputs (batch, steps, k), zero where padded."""
    inputs = np.random.default_rng(seed).uniform(-0.2, 0.2, (len(lengths), steps, model.size))
    inputs[np.arange(steps) >= np.array(lengths)[:, None]] = 0
    return inputs.astype(np.float32)


def warmed(model, batch, seed):
    """Return a state in the middle of an episode: after some steps, read one by one."""
    before = drawn(model, [7] * batch, seed + 1, steps=7)
    return read_stepwise(model, before, model.initial(batch)).state


def close(one, other):
    """Assert that logits differ by rounding alone."""
    assert np.abs(one - other).max() <= ROUNDING


@over(WITH_MEMORY)
@for_all(lengths=LENGTHS, seed=SEEDS)
def test_a_sequence_read_at_once_gives_what_it_gives_step_by_step(subject, lengths, seed):
    """From an episode's start and from the middle of one, for sequences of several lengths."""
    model = algorithm(subject).model
    inputs = drawn(model, lengths, seed)
    for state in (model.initial(len(lengths)), warmed(model, len(lengths), seed)):
        at_once = model.read(inputs, lengths, state)
        stepwise = read_stepwise(model, inputs, state)
        for row, length in enumerate(lengths):
            close(at_once.logits[row, :length], stepwise.logits[row, :length])
            close(at_once.values[row, :length], stepwise.values[row, :length])


@over(WITH_MEMORY)
@for_all(seed=SEEDS, moved=st.integers(1, 19))
def test_no_output_depends_on_a_later_input(subject, seed, moved):
    """Not by a bit."""
    model = algorithm(subject).model
    inputs = drawn(model, [20], seed)
    later = inputs.copy()
    later[:, moved:] += 1
    state = warmed(model, 1, seed)
    one, other = (model.read(each, [20], state).logits for each in (inputs, later))
    assert (one[:, :moved] == other[:, :moved]).all() and (one != other).any()


@over(WITH_MEMORY)
@for_all(length=st.integers(1, 19), seed=SEEDS)
def test_padding_changes_nothing(subject, length, seed):
    """Whatever stands in it."""
    model = algorithm(subject).model
    clean = drawn(model, [length], seed)
    filled = clean.copy()
    filled[:, length:] = 1
    state = warmed(model, 1, seed)
    one, other = (model.read(each, [length], state).logits for each in (clean, filled))
    close(one[:, :length], other[:, :length])


@over(WITH_MEMORY)
@for_all(seed=SEEDS)
def test_sequences_of_one_batch_do_not_see_each_other(subject, seed):
    """Each reads what it would read alone."""
    model = algorithm(subject).model
    inputs, state = drawn(model, [20, 9], seed), warmed(model, 2, seed)
    together = model.read(inputs, [20, 9], state).logits
    for row, length in enumerate([20, 9]):
        alone = model.read(inputs[[row]], [length], [each[[row]] for each in state]).logits
        close(together[row, :length], alone[0, :length])


@over(WITH_MEMORY)
def test_memory_does_not_leak_from_one_episode_into_the_next(subject):
    """In RLlib's own sampler: an episode gives the same bits whatever was played before it."""
    sampler = algorithm(subject)
    first, other, second = np.random.default_rng(0).uniform(-0.2, 0.2, (3, 30, 4))
    episodes = [[each.astype(np.float32) for each in pair] for pair in
                ((first, second), (other, second))]  # fmt: skip
    (_, after_first), (_, after_other) = (sampler.play(each) for each in episodes)
    assert (after_first[0] == after_other[0]).all()
