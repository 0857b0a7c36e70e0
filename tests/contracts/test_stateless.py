"""Stateless shows the cart's position and the pole's angle, and no velocity."""

import numpy as np
from hypothesis import strategies as st

from fixtures.environments import wrappers
from tests.contracts.environments import (
    EPISODES,
    SEEDS,
    STORIES,
    Toy,
    assert_all_identical,
    assert_identical,
    cartpole,
    for_all,
    observed,
    steps_of,
)

NUMBERS = st.floats(width=32)


@for_all(seed=SEEDS, episodes=EPISODES)
def test_stateless_is_indices_0_and_2_of_the_full_observation(seed, episodes):
    """Bit for bit, over whole episodes beside a CartPole that shows everything."""
    full = observed(cartpole(), seed, episodes)
    stateless = observed(wrappers.Stateless(cartpole()), seed, episodes)
    expected = [[observation[[0, 2]] for observation in episode] for episode in full]
    assert_all_identical(stateless, expected)


@for_all(
    position=NUMBERS,
    angle=NUMBERS,
    one=st.tuples(NUMBERS, NUMBERS),
    other=st.tuples(NUMBERS, NUMBERS),
)
def test_states_that_differ_in_velocity_alone_look_the_same(position, angle, one, other):
    """Whatever the velocities are, infinite and NaN included."""
    env = wrappers.Stateless(cartpole())
    views = [
        env.observation(np.array([position, speed, angle, spin], np.float32))
        for speed, spin in (one, other)
    ]
    assert_identical(*views)


def test_the_space_of_stateless_has_the_bounds_of_indices_0_and_2():
    """Nothing is widened, narrowed or converted on the way."""
    full = cartpole().observation_space
    space = wrappers.Stateless(cartpole()).observation_space
    assert space.dtype == full.dtype
    assert_identical(space.low, full.low[[0, 2]])
    assert_identical(space.high, full.high[[0, 2]])


@for_all(story=STORIES, one_buffer=st.booleans())
def test_what_stateless_returned_earlier_never_changes(story, one_buffer):
    """Also where the environment writes all its observations into one array."""
    env = wrappers.Stateless(Toy(story, one_buffer))
    returned = [(observation, observation.copy()) for observation, *_ in steps_of(env, story)]
    for observation, copy_of_that_time in returned:
        assert_identical(observation, copy_of_that_time)


@for_all(story=STORIES)
def test_writing_into_what_stateless_returned_leaves_the_environments_own_array_alone(story):
    """What is returned is a new array, not a view."""
    toy = Toy(story)
    for observation, *_ in steps_of(wrappers.Stateless(toy), story):
        original = toy.given[-1].observation
        before = original.copy()
        observation.fill(np.nan)
        assert_identical(original, before)
