"""Stacked shows the last n observations of this episode, oldest first, as one new vector."""

import numpy as np
import pytest
from hypothesis import strategies as st

from fixtures.environments import wrappers
from tests.contracts.environments import (
    EPISODES,
    SEEDS,
    SIZES,
    STORIES,
    Toy,
    assert_all_identical,
    assert_identical,
    cartpole,
    for_all,
    observed,
    steps_of,
)


def frames_and_windows(seed, episodes, n):
    """Return (observations, stacked observations) of each episode, played in lockstep."""
    frames = observed(cartpole(), seed, episodes)
    windows = observed(wrappers.Stacked(cartpole(), n), seed, episodes)
    assert [len(episode) for episode in frames] == [len(episode) for episode in windows]
    return list(zip(frames, windows))


@for_all(seed=SEEDS, episodes=EPISODES, n=SIZES)
def test_the_window_is_the_last_n_observations_oldest_first(seed, episodes, n):
    """From the n-th observation of an episode on."""
    for frames, windows in frames_and_windows(seed, episodes, n):
        for newest in range(n - 1, len(frames)):
            last = frames[newest - n + 1 : newest + 1]
            assert_identical(windows[newest], np.concatenate(last))


@for_all(seed=SEEDS, episodes=EPISODES, n=SIZES)
def test_until_there_are_n_the_first_observation_stands_in_for_what_is_missing(seed, episodes, n):
    """After a reset the window is the first observation n times."""
    for frames, windows in frames_and_windows(seed, episodes, n):
        for newest, window in enumerate(windows[: n - 1]):
            missing = n - 1 - newest
            expected = [frames[0]] * missing + frames[: newest + 1]
            assert_identical(window, np.concatenate(expected))


@for_all(seed=SEEDS, episodes=EPISODES, n=SIZES)
def test_nothing_crosses_an_episode_boundary(seed, episodes, n):
    """Every frame of every window was observed in the window's own episode."""
    for frames, windows in frames_and_windows(seed, episodes, n):
        of_this_episode = {frame.tobytes() for frame in frames}
        for window in windows:
            assert {frame.tobytes() for frame in np.split(window, n)} <= of_this_episode


@for_all(seed=SEEDS, episodes=EPISODES)
def test_a_window_of_one_is_the_identity(seed, episodes):
    """With nothing to stack, nothing is changed."""
    for frames, windows in frames_and_windows(seed, episodes, n=1):
        assert_all_identical([windows], [frames])


@for_all(seed=SEEDS, episodes=EPISODES, n=SIZES)
def test_stacking_and_masking_commute(seed, episodes, n):
    """Stacked over Stateless is Stacked over everything, with each frame masked."""
    masked_first = wrappers.Stacked(wrappers.Stateless(cartpole()), n)
    stacked_first = observed(wrappers.Stacked(cartpole(), n), seed, episodes)
    assert_all_identical(
        observed(masked_first, seed, episodes),
        [
            [window.reshape(n, 4)[:, [0, 2]].ravel() for window in episode]
            for episode in stacked_first
        ],
    )


@for_all(n=SIZES)
def test_the_space_of_stacked_has_the_bounds_of_one_observation_n_times(n):
    """In the order of the frames, not of their components."""
    single = cartpole().observation_space
    space = wrappers.Stacked(cartpole(), n).observation_space
    assert space.dtype == single.dtype
    assert_identical(space.low, np.concatenate([single.low] * n))
    assert_identical(space.high, np.concatenate([single.high] * n))


@for_all(story=STORIES, n=SIZES, one_buffer=st.booleans())
def test_what_was_returned_earlier_never_changes(story, n, one_buffer):
    """A trajectory that is kept stays as it was observed, whatever is played after it."""
    env = wrappers.Stacked(Toy(story, one_buffer), n)
    returned = [(observation, observation.copy()) for observation, *_ in steps_of(env, story)]
    for observation, copy_of_that_time in returned:
        assert_identical(observation, copy_of_that_time)


@for_all(story=STORIES, n=SIZES)
def test_an_environment_that_reuses_one_buffer_is_stacked_like_any_other(story, n):
    """The window holds copies of the observations, not the buffer that they arrived in."""
    usual, reusing = (wrappers.Stacked(Toy(story, reuse), n) for reuse in (False, True))
    for expected, actual in zip(steps_of(usual, story), steps_of(reusing, story)):
        assert_identical(actual.observation, expected.observation)


@for_all(story=STORIES, n=SIZES)
def test_writing_into_what_was_returned_never_changes_what_comes_next(story, n):
    """A policy may normalise in place what it was given: that is not the window itself."""
    untouched, scribbled_on = (wrappers.Stacked(Toy(story), n) for _ in range(2))
    for expected, actual in zip(steps_of(untouched, story), steps_of(scribbled_on, story)):
        assert_identical(actual.observation, expected.observation)
        actual.observation.fill(np.nan)


@pytest.mark.parametrize("n", [0, -1, 2.5, "4"])
def test_a_size_that_is_not_a_positive_integer_is_refused(n):
    """At once and by name, not by a window of another size."""
    with pytest.raises(ValueError, match="n must be an integer of 1 or more"):
        wrappers.Stacked(cartpole(), n)
