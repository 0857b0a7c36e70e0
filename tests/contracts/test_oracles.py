"""The wrappers agree with independent implementations: the library's own, and RLlib's."""

from functools import cache
from importlib import import_module

import numpy as np

from fixtures.environments import wrappers
from fixtures.environments.wrappers import gym
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


def librarys_stack(env, n):
    """Return ``env`` stacked by the library: (n, k), where Stacked shows (n * k,)."""
    # gymnasium 1.0 renamed it.
    name = "FrameStackObservation"
    stack = getattr(gym.wrappers, name if hasattr(gym.wrappers, name) else "FrameStack")
    return stack(env, n)


@cache
def rllibs_class():
    """Return RLlib's StatelessCartPole, imported when first needed: it takes ten seconds."""
    for folder in ("envs.classes", "env"):
        try:
            module = import_module(f"ray.rllib.examples.{folder}.stateless_cartpole")
        except ModuleNotFoundError:
            continue
        return module.StatelessCartPole
    raise ModuleNotFoundError("this release of RLlib has its StatelessCartPole elsewhere")


@for_all(seed=SEEDS, episodes=EPISODES, n=SIZES)
def test_stacked_shows_what_the_librarys_frame_stack_shows(seed, episodes, n):
    """Flattened, since the library's has the shape (n, k)."""
    theirs = observed(librarys_stack(cartpole(), n), seed, episodes)
    assert_all_identical(
        observed(wrappers.Stacked(cartpole(), n), seed, episodes),
        [[np.asarray(window).ravel() for window in episode] for episode in theirs],
    )


@for_all(n=SIZES)
def test_stacked_declares_the_space_of_the_librarys_frame_stack(n):
    """Flattened likewise."""
    ours = wrappers.Stacked(cartpole(), n).observation_space
    theirs = librarys_stack(cartpole(), n).observation_space
    assert ours.dtype == theirs.dtype
    assert_identical(ours.low, theirs.low.ravel())
    assert_identical(ours.high, theirs.high.ravel())


@for_all(story=STORIES)
def test_episodes_counts_what_the_librarys_statistics_count(story):
    """Both listen to the same episodes of one environment."""
    env = wrappers.Episodes(gym.wrappers.RecordEpisodeStatistics(Toy(story)))
    theirs = [step.rest[-1]["episode"] for step in steps_of(env, story) if step.over]
    assert env.ended == [(statistics["r"], statistics["l"]) for statistics in theirs]


@for_all(seed=SEEDS, episodes=EPISODES)
def test_stateless_shows_what_rllibs_stateless_cartpole_shows(seed, episodes):
    """Theirs is a subclass of CartPole that never meets our wrapper."""
    theirs = observed(rllibs_class()(), seed, episodes)
    assert_all_identical(observed(wrappers.Stateless(cartpole()), seed, episodes), theirs)


def test_stateless_declares_the_space_of_rllibs_stateless_cartpole():
    """Theirs is computed from CartPole's thresholds, ours taken from its space."""
    ours = wrappers.Stateless(cartpole()).observation_space
    theirs = rllibs_class()().observation_space
    assert ours.dtype == theirs.dtype
    assert_identical(ours.low, theirs.low)
    assert_identical(ours.high, theirs.high)
