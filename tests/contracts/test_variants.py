"""Every variant is a sound environment: its task, seen differently, and nothing else changed."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import strategies as st

from fixtures.environments import making, variants
from tests.contracts.environments import (
    ACTIONS,
    EPISODES,
    GYMNASIUM,
    SEEDS,
    STORIES,
    Toy,
    assert_identical,
    assert_same_play,
    bare,
    carry_on,
    cut_short,
    for_all,
    outcomes_of,
    play,
    start,
    step,
    steps_of,
)

if GYMNASIUM:
    from gymnasium.utils.env_checker import check_env
else:
    from gym.utils.env_checker import check_env

every_variant = pytest.mark.parametrize("name", list(variants.VARIANTS))

of_cartpole = pytest.mark.parametrize(
    "name",
    [row.name for row in variants.VARIANTS.values() if row.environment == variants.CARTPOLE],
)

LIMIT = 500


def make(name):
    """Return a new environment of the variant that has this name now."""
    return making.make(variants.VARIANTS[name])


def task(name):
    """Return a new environment of the variant's task, as it is without the variant's wrappers."""
    return bare(variants.VARIANTS[name].environment)


def state(env):
    """Return all that an environment is in, beside its random numbers, an array."""
    return np.array(env.unwrapped.state)


def pickled(env):
    """Return ``env`` after a round trip through pickle."""
    return pickle.loads(pickle.dumps(env))


@every_variant
@for_all(seed=SEEDS, episodes=EPISODES)
def test_every_observation_is_an_array_in_the_declared_space(name, seed, episodes):
    """Exactly: RLlib 1.x refuses what only looks like an array."""
    env = make(name)
    space = env.observation_space
    for episode in play(env, seed, episodes):
        for observation, *_ in episode:
            assert type(observation) is np.ndarray
            assert (observation.dtype, observation.shape) == (space.dtype, space.shape)
            assert space.contains(observation)


@every_variant
def test_the_actions_are_those_of_the_task(name):
    """A variant is a way to observe, never a way to act."""
    assert make(name).action_space == task(name).action_space


@every_variant
@for_all(seed=SEEDS, episodes=EPISODES)
def test_rewards_and_endings_are_those_of_the_unwrapped_task(name, seed, episodes):
    """In lockstep: reward, done or terminated and truncated, and info."""
    ours = play(make(name), seed, episodes)
    theirs = play(task(name).unwrapped, seed, episodes)
    assert outcomes_of(ours) == outcomes_of(theirs)


@every_variant
@for_all(seed=SEEDS, episodes=EPISODES)
def test_the_task_beneath_is_moved_as_it_would_be_unwrapped(name, seed, episodes):
    """Actions arrive as they were chosen, each one once."""
    env, alone = make(name), task(name).unwrapped
    play(env, seed, episodes)
    play(alone, seed, episodes)
    assert_identical(state(env), state(alone))


@every_variant
@for_all(story=STORIES)
def test_wrappers_hand_on_reward_ending_and_info_as_they_got_them(name, story):
    """Also where, unlike the tasks', infos say something."""
    toy = Toy(story)
    env = making.make(variants.VARIANTS[name], toy)
    for result in steps_of(env, story):
        original = toy.given[-1]
        assert result.reward is original.reward
        assert result.rest == original.rest


@every_variant
@for_all(seed=SEEDS, episodes=EPISODES)
def test_the_same_seed_gives_the_same_trajectory(name, seed, episodes):
    """In two environments, over the unseeded resets that follow too."""
    assert_same_play(play(make(name), seed, episodes), play(make(name), seed, episodes))


@every_variant
@for_all(seed=SEEDS, episodes=EPISODES)
def test_the_same_seed_gives_the_same_trajectory_in_a_used_environment(name, seed, episodes):
    """Nothing that was played before outlives a seeded reset."""
    env = make(name)
    assert_same_play(play(env, seed, episodes), play(env, seed, episodes))


@every_variant
@for_all(seeds=st.lists(SEEDS, min_size=2, max_size=2, unique=True))
def test_another_seed_gives_other_starts(name, seeds):
    """The environment is seeded with the seed that it is given, not with some other.

    A task of two starts shows it after some episodes.
    """
    one, other = (
        [first.observation.tobytes() for (first,) in play(make(name), seed, [[]] * 64)]
        for seed in seeds
    )
    assert one != other


@every_variant
@for_all(seed=SEEDS, actions=st.lists(ACTIONS, max_size=12))
def test_environments_of_one_variant_share_nothing(name, seed, actions):
    """An environment plays on as if it were alone while another is reset."""
    alone = play(make(name), seed, [actions])
    env, other = make(name), make(name)
    beside_another = [start(env, seed)]
    start(other)
    for action in actions[: len(alone[0]) - 1]:
        beside_another.append(step(env, action))
        start(other)
    assert_same_play([beside_another], alone)


@every_variant
@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
# Six steps are too few for an episode to end, so the copy is made in the middle of an episode.
@for_all(seed=SEEDS, before=st.lists(ACTIONS, max_size=6), episodes=EPISODES)
def test_a_copy_made_mid_episode_continues_like_the_original(name, copied, seed, before, episodes):
    """Window, time limit, physics and random numbers are all in the copy."""
    original = make(name)
    so_far = play(original, seed, [before])
    assert not so_far[0][-1].over
    twin = copied(original)
    this_episode, *later = episodes
    expected, actual = (
        [list(carry_on(env, this_episode)), *play(env, None, later)] for env in (original, twin)
    )
    assert_same_play(actual, expected)


@every_variant
def test_the_librarys_environment_checker_has_nothing_against_it(name):
    """All its checks but rendering, which needs a display."""
    with warnings.catch_warnings():
        # Both libraries warn about CartPole's bounds, and about having a wrapper.
        warnings.simplefilter("ignore")
        check_env(make(name), skip_render_check=True)


@of_cartpole
def test_an_episode_is_cut_short_after_500_steps(name):
    """By the time limit, as CartPole-v1 is: the pole never falls here."""
    env = make(name)
    start(env)
    steps = []
    for _ in range(LIMIT + 1):
        # Upright and at rest: within one step the pole cannot fall.
        env.unwrapped.state = np.zeros(4)
        steps.append(step(env, 0))
        if steps[-1].over:
            break
    assert len(steps) == LIMIT
    assert cut_short(steps[-1])
