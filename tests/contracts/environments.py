"""What the contracts of environments share: how to play one, what to play, and a toy to play on.

gym 0.21 and gymnasium differ in how an environment is seeded and in what ``reset`` and ``step``
return; ``start`` and ``step`` hide that, so that a contract is written once.
"""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.environments import variants
from fixtures.environments.wrappers import gym

GYMNASIUM = gym.__name__ == "gymnasium"


def for_all(examples=40, **drawn):
    """Return Hypothesis' ``given(**drawn)``, with fewer examples than usual and no deadline.

    An example here plays or reads up to a hundred steps, and a defect of a wrapper or a model is
    common to most examples, not hidden in a rare one. One failure is reported at most: two would
    come as a group, which is no AssertionError and so no known deviation.

    The contract keeps what it was made of: ``under(**limits)`` returns it with other settings.
    """

    def decorate(contract):
        def under(**limits):
            chosen = {"max_examples": examples, "deadline": None, "report_multiple_bugs": False}
            return settings(**{**chosen, **limits})(given(**drawn)(contract))

        checked = under()
        checked.under = under
        return checked

    return decorate


class Step(NamedTuple):
    """What one ``step`` returned, or one ``reset``, whose reward is None and never over.

    ``rest`` is all that the library returns beside observation and reward, in its order, so
    that comparing it compares done or terminated and truncated, and the info.
    """

    observation: Any
    reward: Any
    over: bool
    rest: tuple


def start(env, seed=None):
    """Reset ``env``, seeded unless ``seed`` is None, and return the first Step."""
    if GYMNASIUM:
        observation, info = env.reset(seed=seed)
        return Step(observation, None, False, (info,))
    if seed is not None:
        env.seed(seed)
    return Step(env.reset(), None, False, ())


def step(env, action):
    """Take one step and return it as a Step."""
    observation, reward, *rest = env.step(action)
    return Step(observation, reward, any(rest[:-1]), tuple(rest))


def carry_on(env, actions):
    """Yield the Step of each action until none is left or the episode is over."""
    for action in actions:
        taken = step(env, action)
        yield taken
        if taken.over:
            return


def play(env, seed, episodes):
    """Play each list of actions as one episode, and return a list of Steps for each.

    An episode ends when it is over or its actions are used up; its first Step is the reset's.
    The seed is given to the first reset only.
    """
    seeds = [seed] + [None] * len(episodes)
    return [
        [start(env, reset_seed), *carry_on(env, actions)]
        for reset_seed, actions in zip(seeds, episodes)
    ]


def observed(env, seed, episodes):
    """Play, and return a list of observations for each episode."""
    return observations_of(play(env, seed, episodes))


def observations_of(episodes):
    """Return a list of observations for each list of Steps."""
    return [[observation for observation, *_ in episode] for episode in episodes]


def outcomes_of(episodes):
    """Return for each list of Steps a list of all that they hold but their observations."""
    return [[outcome for _, *outcome in episode] for episode in episodes]


def cut_short(last):
    """Return whether the time limit alone ended the episode of this last Step."""
    if GYMNASIUM:
        terminated, truncated, _ = last.rest
        return truncated and not terminated
    return last.over and last.rest[-1].get("TimeLimit.truncated", False)


def cartpole():
    """Return a new CartPole with nothing around it but the library's time limit."""
    return bare(variants.CARTPOLE)


def bare(environment):
    """Return a new environment of an id, with nothing around it but what the library adds."""
    return gym.make(environment)


def assert_identical(actual, expected):
    """Assert that two arrays have the same dtype, shape and bits."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    assert actual.tobytes() == expected.tobytes(), f"{actual} is not {expected}"


def assert_all_identical(actual, expected):
    """Assert that two lists of episodes, each a list of arrays, agree bit for bit."""
    assert [len(episode) for episode in actual] == [len(episode) for episode in expected]
    for actual_episode, expected_episode in zip(actual, expected):
        for actual_array, expected_array in zip(actual_episode, expected_episode):
            assert_identical(actual_array, expected_array)


def assert_same_play(actual, expected):
    """Assert that two lists of episodes of Steps agree: observations, rewards and the rest."""
    for actual_outcomes, expected_outcomes in zip(outcomes_of(actual), outcomes_of(expected)):
        assert actual_outcomes == expected_outcomes
    assert_all_identical(observations_of(actual), observations_of(expected))


class Toy(gym.Env):
    """An environment that plays a story, to see what a wrapper makes of it.

    No two observations are alike, within an episode or across them, nor any two infos.

    Args:
        story: a list of episodes, each a list of (reward, terminated, truncated) by step.
        one_buffer: give out one array for all observations, as some simulators do.

    Attributes:
        given: every Step that was returned, resets included, in order: the very objects.
    """

    observation_space = gym.spaces.Box(-np.inf, np.inf, (4,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, story, one_buffer=False):
        self.given = []
        self._episodes = iter(story)
        self._buffer = np.zeros(4, np.float32) if one_buffer else None

    def _observe(self):
        observation = len(self.given) + np.array([0.0, 0.25, 0.5, 0.75], np.float32)
        if self._buffer is None:
            return observation
        self._buffer[:] = observation
        return self._buffer

    def reset(self, **_):
        """Begin the next episode of the story; a seed changes nothing."""
        self._steps = iter(next(self._episodes))
        observation = self._observe()
        rest = ({"moment": len(self.given)},) if GYMNASIUM else ()
        self.given.append(Step(observation, None, False, rest))
        return (observation, *rest) if GYMNASIUM else observation

    def step(self, action):
        """Play the next step of the story, whatever the action."""
        reward, terminated, truncated = next(self._steps)
        over = terminated or truncated
        info = {"moment": len(self.given)}
        rest = (terminated, truncated, info) if GYMNASIUM else (over, info)
        observation = self._observe()
        self.given.append(Step(observation, reward, over, rest))
        return (observation, reward, *rest)


def steps_of(env, story):
    """Yield every Step of ``env``, resets included, while it plays the story of its Toy."""
    for episode in story:
        yield start(env)
        yield from carry_on(env, [0] * len(episode))


def _episode(rewards, terminated, truncated):
    *earlier, last = rewards
    return [(reward, False, False) for reward in earlier] + [(last, terminated, truncated)]


SEEDS = st.integers(0, 2**31 - 1)

SIZES = st.integers(1, 6)

ACTIONS = st.integers(0, 1)

# Pushed one way, the pole falls within some ten steps: these episodes end by themselves.
FALLS = ACTIONS.map(lambda action: [action] * 20)

EPISODES = st.lists(st.lists(ACTIONS, max_size=12) | FALLS, min_size=1, max_size=4)
"""Episodes by their actions: some end by a fall, the others by a reset."""

# Multiples of 1/4 add up without rounding, in whatever order.
REWARDS = st.integers(-8, 8).map(lambda quarters: quarters / 4)

STORIES = st.lists(
    st.builds(_episode, st.lists(REWARDS, min_size=1, max_size=8), st.booleans(), st.booleans()),
    min_size=1,
    max_size=4,
)
"""Stories for a Toy: episodes that terminate, are truncated, both, or neither."""
