"""Every contract of environments fails when what it guards is broken on purpose.

A contract that cannot fail guards nothing. So each is run here on a wrapper with one defect, in
place of the real one, and has to catch it.
"""

# The docstring of its class says what a defect is; that of its method need not.
# ruff: noqa: D102

import copy
import pickle
import pkgutil
from collections import deque
from importlib import import_module
from typing import Any, Callable, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase

import tests.contracts
from fixtures.environments import cue_recall, making, variants, wrappers
from fixtures.environments.cue_recall import CueRecall
from fixtures.environments.variants import Variant, Wrapper
from fixtures.environments.wrappers import Episodes, Stacked, Stateless, gym
from tests.contracts import (
    test_cue_recall,
    test_episodes,
    test_oracles,
    test_stacked,
    test_stateless,
    test_variants,
)

SHOWN_ELSEWHERE = frozenset({"test_memory", "test_networks", "test_targets"})
"""Modules of contracts that are shown to fail in a file of their own."""


# Stateless, broken


class VelocityShown(Stateless):
    """Shows indices 0 and 1: a position and its velocity."""

    def observation(self, observation):
        return observation[[0, 1]]


class BoundsOfVelocity(Stateless):
    """Declares the bounds of indices 0 and 1."""

    def __init__(self, env):
        super().__init__(env)
        full = env.observation_space
        self.observation_space = gym.spaces.Box(full.low[:2], full.high[:2], dtype=full.dtype)


class View(Stateless):
    """Shows the right numbers, in the environment's own memory."""

    def observation(self, observation):
        return observation[::2]


# Stacked, broken


class Reversed(Stacked):
    """Newest first."""

    def observation(self, observation):
        super().observation(observation)
        return np.concatenate(list(self._window)[::-1])


class Interleaved(Stacked):
    """All first components, then all second ones."""

    def observation(self, observation):
        super().observation(observation)
        return np.stack(self._window, axis=1).ravel()


class Frozen(Stacked):
    """Never advances after a reset."""

    def observation(self, observation):
        if not self._window:
            return super().observation(observation)
        return np.concatenate(self._window)


class LagsBehind(Stacked):
    """Shows the n observations before the newest."""

    def __init__(self, env, n):
        super().__init__(env, n)
        self._window = deque(maxlen=n + 1)

    def observation(self, observation):
        super().observation(observation)
        return np.concatenate(list(self._window)[:-1])


class FilledWithZeros(Stacked):
    """Fills with zeros after a reset."""

    def observation(self, observation):
        if not self._window:
            self._window.extend([np.zeros_like(observation)] * self._window.maxlen)
        return super().observation(observation)


class NotCleared(Stacked):
    """Takes its window into the next episode."""

    def reset(self, **kwargs):
        return gym.ObservationWrapper.reset(self, **kwargs)


class AlwaysFour(Stacked):
    """Ignores the size that it is given."""

    def __init__(self, env, n):
        super().__init__(env, 4)


class AnySize(Stacked):
    """Makes a valid size of whatever it is given."""

    def __init__(self, env, n):
        super().__init__(env, max(1, int(n)))


class BoundsInterleaved(Stacked):
    """Declares the n bounds of the first component, then those of the second."""

    def __init__(self, env, n):
        super().__init__(env, n)
        single = env.observation_space
        low, high = np.repeat(single.low, n), np.repeat(single.high, n)
        self.observation_space = gym.spaces.Box(low, high, dtype=single.dtype)


class OneArray(Stacked):
    """Returns one array, written anew at each step."""

    def observation(self, observation):
        window = super().observation(observation)
        if not hasattr(self, "array"):
            self.array = window
        self.array[:] = window
        return self.array


class FramesNotCopied(Stacked):
    """Keeps the arrays that it is given, not copies."""

    def observation(self, observation):
        super().observation(observation)
        self._window[-1] = observation
        return np.concatenate(self._window)


class MemoryShown(Stacked):
    """Returns the very array that it builds the next one from."""

    def observation(self, observation):
        first = not self._window
        window = super().observation(observation)
        if not first:
            window[: -len(observation)] = self.memory[len(observation) :]
        self.memory = window
        return window


# Episodes, broken


class CarriesOver(Episodes):
    """Goes on counting after a reset."""

    def reset(self, **kwargs):
        return self.env.reset(**kwargs)


class ListsUnfinished(Episodes):
    """Counts every reset as the end of an episode."""

    def reset(self, **kwargs):
        if self._episode:
            self.ended.append((sum(self._episode), len(self._episode)))
            self.rewards.append(self._episode)
        return super().reset(**kwargs)


class OneStepShort(Episodes):
    """Counts transitions but the last."""

    def step(self, action):
        result = super().step(action)
        if any(result[2:-1]):
            self.ended[-1] = (self.ended[-1][0], self.ended[-1][1] - 1)
        return result


class StepsOfThisEpisode(Episodes):
    """Starts to count steps anew with each episode."""

    def reset(self, **kwargs):
        self.steps = 0
        return super().reset(**kwargs)


class NumbersOfNumpy(Episodes):
    """Keeps returns as numpy's numbers."""

    def step(self, action):
        result = super().step(action)
        if any(result[2:-1]):
            total, length = self.ended[-1]
            self.ended[-1] = np.float64(total), length
            self.rewards[-1] = list(np.array(self.rewards[-1]))
        return result


class InfoCopied(Episodes):
    """Passes on an equal info, not the same."""

    def step(self, action):
        *result, info = super().step(action)
        return (*result, dict(info))


class RewardRounded(Episodes):
    """Passes on another reward than it counted."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return (observation, round(reward / 2), *rest)


# Cue recall, broken


class CueRepeated(CueRecall):
    """Shows the cue again, with step 5."""

    def step(self, action):
        observation, *rest = super().step(action)
        cue, taken = self.state
        observation[0] = cue if taken == 5 else 0
        return (observation, *rest)


class ActionShown(CueRecall):
    """Shows the action before, so that behaviour can write down the cue and read it again."""

    def step(self, action):
        observation, *rest = super().step(action)
        observation[1] = action
        return (observation, *rest)


class TimeShown(CueRecall):
    """Shows how much of the episode is over."""

    def step(self, action):
        observation, *rest = super().step(action)
        observation[1] = self.state[1] / self.length
        return (observation, *rest)


class CueInTheNumbers(CueRecall):
    """Shows zeros that differ by their sign, which a network need not see and a bit does."""

    def step(self, action):
        observation, *rest = super().step(action)
        return (observation * np.float32(self.state[0]), *rest)


class PaysEarly(CueRecall):
    """Pays where a window still holds the cue."""

    def __init__(self):
        super().__init__(delay=3)


class PaysForOne(CueRecall):
    """Pays for action 1 a little more."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return (observation, reward + action / 8, *rest)


class ActionsMeanTheOther(CueRecall):
    """Pays for the action that does not stand for the cue."""

    def step(self, action):
        return super().step(1 - action)


class NeverEnds(CueRecall):
    """Swallows the end."""

    def step(self, action):
        observation, reward, *ends, info = super().step(action)
        return (observation, reward, *(False for _ in ends), info)


class CueKept(CueRecall):
    """Shows the first cue again, once an episode was played to its end."""

    kept = None

    def reset(self, **kwargs):
        result = super().reset(**kwargs)
        observation = result[0] if isinstance(result, tuple) else result
        if self.kept:
            self.state = (self.kept, 0)
            observation[0] = self.kept
        return result

    def step(self, action):
        result = super().step(action)
        cue, taken = self.state
        self.kept = cue if taken == self.length else self.kept
        return result


class CueFromAction(CueKept):
    """Makes the last action the next cue, so that a window can choose what it is asked."""

    def step(self, action):
        result = super().step(action)
        self.kept = 2 * int(action) - 1
        return result


class CueInInfo(CueRecall):
    """Says in the info what the cue is."""

    def step(self, action):
        *result, info = super().step(action)
        return (*result, {**info, "cue": self.state[0]})


class PlaysOn(CueRecall):
    """Pays before an episode and after it."""

    def step(self, action):
        cue, taken = self.state
        self.state = (cue, min(taken, self.length - 1))
        return super().step(action)


class CuesOfItsOwn(CueRecall):
    """Draws cues from numbers that no seed reaches."""

    def reset(self, **kwargs):
        self.state = (0, 0)
        super().reset(**kwargs)
        return super().reset()


class AnyLength(CueRecall):
    """Takes whatever length and delay it is given."""

    def __init__(self, length=16, delay=4):
        super().__init__()
        self.length, self.delay = length, delay


class AnyAction(CueRecall):
    """Takes every action for one of the two."""

    def step(self, action):
        return super().step(int(action == 1))


# What a variant may be wrapped in, broken


class RewardRaised(gym.Wrapper):
    """Adds 1 to every reward."""

    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        return (observation, reward + 1, *rest)


class EndSwallowed(gym.Wrapper):
    """Never says that the pole fell."""

    def step(self, action):
        observation, reward, _, *rest = self.env.step(action)
        return (observation, reward, False, *rest)


class InfoDropped(gym.Wrapper):
    """Returns an empty info."""

    def step(self, action):
        *result, _ = self.env.step(action)
        return (*result, {})


class ActionsSwapped(gym.Wrapper):
    """Pushes left for right."""

    def step(self, action):
        return self.env.step(1 - action)


class ThirdAction(gym.Wrapper):
    """Declares an action that CartPole has not."""

    def __init__(self, env):
        super().__init__(env)
        self.action_space = gym.spaces.Discrete(3)


class OutOfBounds(gym.ObservationWrapper):
    """Shows positions outside of the declared space."""

    def observation(self, observation):
        return observation + np.float32(10)


class OtherType(gym.ObservationWrapper):
    """Shows float64 where float32 is declared."""

    def observation(self, observation):
        return observation.astype(np.float64)


class NoArray(gym.ObservationWrapper):
    """Shows a list."""

    def observation(self, observation):
        return list(observation)


class Unseeded(gym.Wrapper):
    """Drops the seed."""

    def seed(self, seed=None):
        return [seed]

    def reset(self, **kwargs):
        return self.env.reset()


class AlwaysSeed1(gym.Wrapper):
    """Seeds, with another seed than it was given."""

    def seed(self, seed=None):
        return self.env.seed(1)

    def reset(self, **kwargs):
        if kwargs.get("seed") is not None:
            kwargs["seed"] = 1
        return self.env.reset(**kwargs)


class SharedWindow(Stacked):
    """Has one window for all environments."""

    window = deque(maxlen=4)

    def __init__(self, env):
        super().__init__(env, 4)
        self._window = self.window


class FourNotCleared(NotCleared):
    """Takes its window into the next episode, also a seeded one."""

    def __init__(self, env):
        super().__init__(env, 4)


class WindowNotCopied(Stacked):
    """Starts with an empty window when copied."""

    def __init__(self, env):
        super().__init__(env, 4)

    def __getstate__(self):
        return {**self.__dict__, "_window": deque(maxlen=4)}


class SharedByCopies(gym.Wrapper):
    """Copies itself and not the environment that it wraps."""

    def __deepcopy__(self, memo):
        return copy.copy(self)


class NoPickle(gym.Wrapper):
    """Holds what pickle cannot write."""

    def __init__(self, env):
        super().__init__(env)
        self.hook = lambda: None


class LimitOf200(gym.Wrapper):
    """Ends episodes as early as CartPole-v0 does."""

    def reset(self, **kwargs):
        self.left = 200
        return self.env.reset(**kwargs)

    def step(self, action):
        observation, reward, *ends, info = self.env.step(action)
        self.left -= 1
        return (observation, reward, *ends[:-1], ends[-1] or self.left == 0, info)


def unlimited(variant, env=None):
    """Make CartPole without its time limit."""
    return gym.make(variant.environment).unwrapped


class Case(NamedTuple):
    """One defect, put in place of each (module, name), and one contract that has to catch it."""

    title: str
    places: tuple
    contract: Callable
    arguments: dict
    raises: Any


def wrapper(defect, *contracts, raises=AssertionError, **arguments):
    """Return a Case for each contract: ``defect`` in place of the wrapper that it derives from."""
    name = defect.__base__.__name__
    return [
        Case(defect.__name__, ((wrappers, name, defect),), contract, arguments, raises)
        for contract in contracts
    ]


def task(defect, *contracts, raises=AssertionError, **arguments):
    """Return a Case for each contract: ``defect`` in place of cue recall."""
    places = ((cue_recall, "CueRecall", defect),)
    return [Case(defect.__name__, places, contract, arguments, raises) for contract in contracts]


def variant(defect, *contracts, raises=AssertionError, **arguments):
    """Return a Case for each contract: a variant that has ``defect`` as its one wrapper."""
    row = Variant("broken", "", (Wrapper(defect.__name__),))
    places = ((wrappers, defect.__name__, defect), (variants, "VARIANTS", {row.name: row}))
    arguments = {"name": row.name, **arguments}
    return [Case(defect.__name__, places, contract, arguments, raises) for contract in contracts]


CASES = [
    *wrapper(
        VelocityShown,
        test_stateless.test_stateless_is_indices_0_and_2_of_the_full_observation,
        test_stateless.test_states_that_differ_in_velocity_alone_look_the_same,
        test_oracles.test_stateless_shows_what_rllibs_stateless_cartpole_shows,
    ),
    *wrapper(
        BoundsOfVelocity,
        test_stateless.test_the_space_of_stateless_has_the_bounds_of_indices_0_and_2,
        test_oracles.test_stateless_declares_the_space_of_rllibs_stateless_cartpole,
    ),
    *wrapper(
        View,
        test_stateless.test_what_stateless_returned_earlier_never_changes,
        test_stateless.test_writing_into_what_stateless_returned_leaves_the_environments_own_array_alone,
    ),
    *wrapper(
        Reversed,
        test_stacked.test_the_window_is_the_last_n_observations_oldest_first,
        test_stacked.test_until_there_are_n_the_first_observation_stands_in_for_what_is_missing,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        Interleaved,
        test_stacked.test_the_window_is_the_last_n_observations_oldest_first,
        test_stacked.test_stacking_and_masking_commute,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        Frozen,
        test_stacked.test_the_window_is_the_last_n_observations_oldest_first,
        test_stacked.test_until_there_are_n_the_first_observation_stands_in_for_what_is_missing,
        test_stacked.test_a_window_of_one_is_the_identity,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        LagsBehind,
        test_stacked.test_the_window_is_the_last_n_observations_oldest_first,
        test_stacked.test_a_window_of_one_is_the_identity,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        FilledWithZeros,
        test_stacked.test_until_there_are_n_the_first_observation_stands_in_for_what_is_missing,
        test_stacked.test_nothing_crosses_an_episode_boundary,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        NotCleared,
        test_stacked.test_until_there_are_n_the_first_observation_stands_in_for_what_is_missing,
        test_stacked.test_nothing_crosses_an_episode_boundary,
        test_oracles.test_stacked_shows_what_the_librarys_frame_stack_shows,
    ),
    *wrapper(
        AlwaysFour,
        test_stacked.test_the_window_is_the_last_n_observations_oldest_first,
        test_stacked.test_a_window_of_one_is_the_identity,
        test_stacked.test_the_space_of_stacked_has_the_bounds_of_one_observation_n_times,
        test_oracles.test_stacked_declares_the_space_of_the_librarys_frame_stack,
    ),
    *wrapper(
        BoundsInterleaved,
        test_stacked.test_the_space_of_stacked_has_the_bounds_of_one_observation_n_times,
        test_oracles.test_stacked_declares_the_space_of_the_librarys_frame_stack,
    ),
    *wrapper(OneArray, test_stacked.test_what_was_returned_earlier_never_changes),
    *wrapper(
        FramesNotCopied,
        test_stacked.test_an_environment_that_reuses_one_buffer_is_stacked_like_any_other,
    ),
    *wrapper(
        MemoryShown,
        test_stacked.test_writing_into_what_was_returned_never_changes_what_comes_next,
    ),
    *(
        case
        for n in (0, -1, 2.5, "4")
        for case in wrapper(
            AnySize,
            test_stacked.test_a_size_that_is_not_a_positive_integer_is_refused,
            raises=pytest.fail.Exception,
            n=n,
        )
    ),
    *wrapper(
        CarriesOver,
        test_episodes.test_ended_holds_the_return_and_length_of_each_episode_that_ended,
        test_episodes.test_a_reset_drops_an_unfinished_episode,
        test_oracles.test_episodes_counts_what_the_librarys_statistics_count,
    ),
    *wrapper(
        ListsUnfinished,
        test_episodes.test_ended_holds_the_return_and_length_of_each_episode_that_ended,
        test_episodes.test_a_reset_drops_an_unfinished_episode,
        test_oracles.test_episodes_counts_what_the_librarys_statistics_count,
    ),
    *wrapper(
        OneStepShort,
        test_episodes.test_ended_holds_the_return_and_length_of_each_episode_that_ended,
        test_oracles.test_episodes_counts_what_the_librarys_statistics_count,
    ),
    *wrapper(
        StepsOfThisEpisode,
        test_episodes.test_steps_counts_those_of_unfinished_episodes_too,
    ),
    *wrapper(
        NumbersOfNumpy,
        test_episodes.test_rewards_holds_those_of_each_episode_that_ended_by_step,
        test_episodes.test_what_was_counted_is_plain_numbers_whatever_the_rewards_were,
    ),
    *wrapper(InfoCopied, test_episodes.test_results_pass_through_as_the_very_same_objects),
    *wrapper(
        RewardRounded,
        test_episodes.test_results_pass_through_as_the_very_same_objects,
        test_episodes.test_cartpole_plays_the_same_whether_or_not_it_is_counted,
    ),
    *(
        case
        for leak in (CueRepeated, ActionShown, TimeShown, CueInTheNumbers, CueInInfo)
        for case in task(
            leak,
            test_cue_recall.test_the_first_observation_is_the_cue_and_a_one_and_all_others_are_zeros,
        )
    ),
    *task(
        CueRepeated,
        test_cue_recall.test_from_step_4_on_all_windows_are_equal_whatever_the_cue_and_the_actions,
        test_cue_recall.test_every_policy_of_the_window_expects_exactly_0,
    ),
    *task(
        ActionShown,
        test_cue_recall.test_from_step_4_on_all_windows_are_equal_whatever_the_cue_and_the_actions,
    ),
    *task(
        TimeShown,
        test_cue_recall.test_from_step_4_on_all_windows_are_equal_whatever_the_cue_and_the_actions,
    ),
    *task(
        PaysEarly,
        test_cue_recall.test_from_step_4_on_the_cues_action_earns_1_and_the_other_loses_1,
        test_cue_recall.test_every_policy_of_the_window_expects_exactly_0,
        test_cue_recall.test_perfect_memory_earns_12,
    ),
    *task(
        PaysForOne,
        test_cue_recall.test_from_step_4_on_the_cues_action_earns_1_and_the_other_loses_1,
        test_cue_recall.test_every_policy_of_the_window_expects_exactly_0,
    ),
    *task(
        ActionsMeanTheOther,
        test_cue_recall.test_from_step_4_on_the_cues_action_earns_1_and_the_other_loses_1,
        test_cue_recall.test_perfect_memory_earns_12,
    ),
    *task(NeverEnds, test_cue_recall.test_an_episode_terminates_with_its_16th_step),
    *(
        case
        for wrong in (CuesOfItsOwn, CueKept, CueFromAction)
        for case in task(
            wrong,
            test_cue_recall.test_cues_are_those_of_numpys_generator_whatever_was_done_before,
        )
    ),
    *task(
        PlaysOn,
        test_cue_recall.test_there_is_no_step_before_an_episode_nor_after_it,
        raises=pytest.fail.Exception,
    ),
    *(
        case
        for wrong in ({"delay": 0}, {"length": 2.5})
        for case in task(
            AnyLength,
            test_cue_recall.test_an_episode_in_which_nothing_is_paid_is_refused,
            raises=pytest.fail.Exception,
            wrong=wrong,
        )
    ),
    *(
        case
        for action in (2, None)
        for case in task(
            AnyAction,
            test_cue_recall.test_what_is_no_action_is_refused,
            raises=pytest.fail.Exception,
            action=action,
        )
    ),
    *variant(
        RewardRaised,
        test_variants.test_rewards_and_endings_are_those_of_the_unwrapped_task,
        test_variants.test_wrappers_hand_on_reward_ending_and_info_as_they_got_them,
    ),
    *variant(
        EndSwallowed,
        test_variants.test_rewards_and_endings_are_those_of_the_unwrapped_task,
        test_variants.test_wrappers_hand_on_reward_ending_and_info_as_they_got_them,
    ),
    *variant(
        InfoDropped,
        test_variants.test_wrappers_hand_on_reward_ending_and_info_as_they_got_them,
    ),
    *variant(
        ActionsSwapped,
        test_variants.test_the_task_beneath_is_moved_as_it_would_be_unwrapped,
    ),
    *variant(ThirdAction, test_variants.test_the_actions_are_those_of_the_task),
    *variant(
        OutOfBounds,
        test_variants.test_every_observation_is_an_array_in_the_declared_space,
        test_variants.test_the_librarys_environment_checker_has_nothing_against_it,
    ),
    *variant(
        OtherType,
        test_variants.test_every_observation_is_an_array_in_the_declared_space,
    ),
    *variant(
        NoArray,
        test_variants.test_every_observation_is_an_array_in_the_declared_space,
    ),
    *variant(
        Unseeded,
        test_variants.test_the_same_seed_gives_the_same_trajectory,
        test_variants.test_the_same_seed_gives_the_same_trajectory_in_a_used_environment,
        test_variants.test_the_task_beneath_is_moved_as_it_would_be_unwrapped,
    ),
    *variant(AlwaysSeed1, test_variants.test_another_seed_gives_other_starts),
    *variant(SharedWindow, test_variants.test_environments_of_one_variant_share_nothing),
    *variant(
        FourNotCleared,
        test_variants.test_the_same_seed_gives_the_same_trajectory_in_a_used_environment,
    ),
    *(
        case
        for copied in (copy.deepcopy, test_variants.pickled)
        for case in variant(
            WindowNotCopied,
            test_variants.test_a_copy_made_mid_episode_continues_like_the_original,
            copied=copied,
        )
    ),
    *variant(
        SharedByCopies,
        test_variants.test_a_copy_made_mid_episode_continues_like_the_original,
        copied=copy.deepcopy,
    ),
    *variant(
        NoPickle,
        test_variants.test_a_copy_made_mid_episode_continues_like_the_original,
        copied=test_variants.pickled,
        raises=(AttributeError, pickle.PicklingError),
    ),
    Case(
        "unlimited",
        ((making, "make", unlimited),),
        test_variants.test_an_episode_is_cut_short_after_500_steps,
        {"name": "full"},
        AssertionError,
    ),
    *variant(
        LimitOf200,
        test_variants.test_an_episode_is_cut_short_after_500_steps,
    ),
]


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.title}-{case.contract.__name__}" for case in CASES]
)
def test_the_contract_catches_the_defect(case, monkeypatch):
    """Its assertion fails where the wrapper is wrong on purpose."""
    for module, name, replacement in case.places:
        monkeypatch.setattr(module, name, replacement, raising=False)
    contract = case.contract
    if hasattr(contract, "under"):
        # The first failure will do, the same in each run, and none is kept as an example for
        # the contract itself to try again.
        contract = contract.under(phases=[Phase.generate], database=None, derandomize=True)
    with pytest.raises(case.raises):
        contract(**case.arguments)


def test_every_contract_is_shown_to_fail():
    """A contract that is added without a defect for it to catch is named here."""
    shown = {case.contract for case in CASES}
    missing = [
        f"{module.__name__}.{name}"
        for module in modules_of_contracts()
        for name, contract in vars(module).items()
        if name.startswith("test_") and callable(contract) and contract not in shown
    ]
    assert not missing, "add a defect for each of these to catch to CASES"


def modules_of_contracts():
    """Return the modules in tests/contracts that hold contracts, but for SHOWN_ELSEWHERE."""
    names = {module.name for module in pkgutil.iter_modules(tests.contracts.__path__)}
    return [
        import_module(f"tests.contracts.{name}")
        for name in sorted(names - SHOWN_ELSEWHERE)
        if name.startswith("test_")
    ]
