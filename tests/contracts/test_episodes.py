"""The wrapper Episodes counts what happens, and changes none of it."""

import numpy as np

from fixtures.environments import wrappers
from tests.contracts.environments import (
    EPISODES,
    SEEDS,
    STORIES,
    Toy,
    assert_same_play,
    cartpole,
    for_all,
    play,
    steps_of,
)


def counted_by_hand(story):
    """Return (return, length) of each episode of a story that ends."""
    return [
        (sum(reward for reward, _, _ in episode), len(episode))
        for episode in story
        if any(episode[-1][1:])
    ]


def counting(story):
    """Return an Episodes that has counted a whole story."""
    env = wrappers.Episodes(Toy(story))
    list(steps_of(env, story))
    return env


@for_all(story=STORIES)
def test_ended_holds_the_return_and_length_of_each_episode_that_ended(story):
    """In order; terminated, truncated or both."""
    assert counting(story).ended == counted_by_hand(story)


@for_all(story=STORIES)
def test_rewards_holds_those_of_each_episode_that_ended_by_step(story):
    """None of an unfinished one, and as plain numbers."""
    rewards = counting(story).rewards
    assert rewards == [[paid for paid, _, _ in one] for one in story if any(one[-1][1:])]
    assert all(type(paid) is float for episode in rewards for paid in episode)


@for_all(story=STORIES)
def test_a_reset_drops_an_unfinished_episode(story):
    """Neither listed nor carried over into the next one."""
    unfinished = [[(reward, False, False) for reward, _, _ in episode] for episode in story]
    assert counting([*unfinished, [(1.0, True, False)]]).ended == [(1.0, 1)]


@for_all(story=STORIES)
def test_steps_counts_those_of_unfinished_episodes_too(story):
    """What was trained on is more than what has ended."""
    assert counting(story).steps == sum(len(episode) for episode in story)


@for_all(story=STORIES)
def test_what_was_counted_is_plain_numbers_whatever_the_rewards_were(story):
    """Records are JSON, and that knows no numpy."""
    numpy_story = [
        [
            (np.float32(reward), np.bool_(terminated), np.bool_(truncated))
            for reward, terminated, truncated in episode
        ]
        for episode in story
    ]
    env = counting(numpy_story)
    assert env.ended == counted_by_hand(story)
    assert all(type(total) is float and type(length) is int for total, length in env.ended)


@for_all(story=STORIES)
def test_results_pass_through_as_the_very_same_objects(story):
    """Resets and steps: not copies, not equal values."""
    toy = Toy(story)
    for result in steps_of(wrappers.Episodes(toy), story):
        original = toy.given[-1]
        assert result.observation is original.observation
        assert result.reward is original.reward
        assert len(result.rest) == len(original.rest)
        assert all(one is other for one, other in zip(result.rest, original.rest))


@for_all(seed=SEEDS, episodes=EPISODES)
def test_cartpole_plays_the_same_whether_or_not_it_is_counted(seed, episodes):
    """The seed and the actions reach the environment too."""
    counted = play(wrappers.Episodes(cartpole()), seed, episodes)
    assert_same_play(counted, play(cartpole(), seed, episodes))
