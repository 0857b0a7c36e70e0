"""Cue recall pays for memory and for nothing else: no window of 4 can earn more than 0."""

import numpy as np
import pytest
from hypothesis import strategies as st

from fixtures.environments import cue_recall, making, variants
from tests.contracts.environments import ACTIONS, SEEDS, assert_identical, for_all, start, step

LENGTH, DELAY = 16, 4

CUES = st.sampled_from([-1, 1])

PLANS = st.lists(ACTIONS, min_size=LENGTH, max_size=LENGTH)
"""What to do at each step of an episode."""


def steps_with(env, cue, plan):
    """Return the Steps of an episode that shows this cue, the reset's first."""
    first = start(env)
    while first.observation[-2] != cue:
        first = start(env)
    return [first, *(step(env, action) for action in plan)]


def cue_recall_of(cue, plan):
    """Return the Steps of an episode of plain cue recall."""
    return steps_with(cue_recall.CueRecall(), cue, plan)


def windows_of(cue, plan):
    """Return the Steps of an episode as a window shows it."""
    return steps_with(making.make(variants.VARIANTS["cue_window"]), cue, plan)


@for_all(cue=CUES, plan=PLANS)
def test_the_first_observation_is_the_cue_and_a_one_and_all_others_are_zeros(cue, plan):
    """Whatever is done: no action, reward or time is shown."""
    first, *later = cue_recall_of(cue, plan)
    assert_identical(first.observation, np.array([cue, 1], np.float32))
    for result in later:
        assert_identical(result.observation, np.zeros(2, np.float32))
    # Nor does the info say anything, which is last wherever there is one.
    assert not any(result.rest[-1] for result in (first, *later) if result.rest)


@for_all(cue=CUES, plan=PLANS)
def test_from_step_4_on_the_cues_action_earns_1_and_the_other_loses_1(cue, plan):
    """Before, each earns 0; action 1 stands for the cue +1, and 0 for -1."""
    _, *results = cue_recall_of(cue, plan)
    stands_for = {1: 1, 0: -1}
    wanted = [0.0] * DELAY + [float(cue * stands_for[action]) for action in plan[DELAY:]]
    assert [result.reward for result in results] == wanted


@for_all(cue=CUES, plan=PLANS)
def test_an_episode_terminates_with_its_16th_step(cue, plan):
    """It ends by itself: nothing comes after, and no time limit cuts it short."""
    results = cue_recall_of(cue, plan)
    assert [result.over for result in results] == [False] * LENGTH + [True]
    # Terminated and not truncated; gym knows but done.
    assert list(results[-1].rest[:-1]) in ([True, False], [True])


@for_all(plans=st.lists(PLANS, min_size=2, max_size=2))
def test_from_step_4_on_all_windows_are_equal_whatever_the_cue_and_the_actions(plans):
    """So nothing that a policy of windows knows or did can tell it the cue."""
    one, other = (
        [result.observation for result in windows_of(cue, plan)[DELAY:]]
        for cue, plan in zip((-1, 1), plans)
    )
    for window in (*one, *other):
        assert_identical(window, one[0])


@for_all(seed=SEEDS, sure=st.booleans())
def test_every_policy_of_the_window_expects_exactly_0(seed, sure):
    """Over the two cues and its own chance, without an error: shares are eighths.

    The policy is drawn: for each window that it may see, a share of actions 1 or, where it is
    sure, one action.
    """
    random = np.random.default_rng(seed)
    shares = {}
    expected = 0.0
    for cue in (-1, 1):
        # Actions change no observation, so two plans show what each action earns at each window.
        without, with_it = (windows_of(cue, [action] * LENGTH) for action in (0, 1))
        for before, idle, act in zip(without, without[1:], with_it[1:]):
            key = before.observation.tobytes()
            drawn = random.integers(2) if sure else random.integers(9) / 8
            share = shares.setdefault(key, float(drawn))
            expected += (share * act.reward + (1 - share) * idle.reward) / 2
    assert expected == 0


@for_all(cue=CUES)
def test_perfect_memory_earns_12(cue):
    """Which is what losses of the window are a share of."""
    _, *results = cue_recall_of(cue, [int(cue == 1)] * LENGTH)
    assert sum(result.reward for result in results) == variants.RECALLED == LENGTH - DELAY


@for_all(examples=10, seed=SEEDS, plans=st.lists(PLANS, min_size=1, max_size=3))
def test_cues_are_those_of_numpys_generator_whatever_was_done_before(seed, plans):
    """Each is drawn anew, of two that are as likely: no episode tells the cue of another.

    Under either library, so that trials of one seed are comparable between releases of RLlib.
    """
    env = cue_recall.CueRecall()
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    wanted = [2 * int(random.integers(2)) - 1 for _ in range(200)]
    shown = []
    for number, given in enumerate([seed] + [None] * 199):
        shown.append(start(env, given).observation[0])
        # Played to the end, for a while or not at all.
        plan = plans[number % len(plans)]
        for action in plan[: (LENGTH, 5, 0)[number % 3]]:
            step(env, action)
    assert shown == wanted
    assert set(wanted) == {-1, 1}


@pytest.mark.parametrize(
    "wrong",
    [{"delay": 0}, {"delay": 16}, {"delay": True}, {"length": 2.5}, {"delay": "4"}, {"length": 4}],
    ids=str,
)
def test_an_episode_in_which_nothing_is_paid_is_refused(wrong):
    """And so is what is no number of steps."""
    with pytest.raises(ValueError, match="^CueRecall: delay must be"):
        cue_recall.CueRecall(**wrong)


@pytest.mark.parametrize("action", [2, -1, 0.5, None])
def test_what_is_no_action_is_refused(action):
    """It would else be paid for as one of the two."""
    env = cue_recall.CueRecall()
    start(env)
    with pytest.raises(ValueError, match="is no action"):
        env.step(action)


def test_there_is_no_step_before_an_episode_nor_after_it():
    """It would be paid for a cue that nobody was shown."""
    env = cue_recall.CueRecall()
    with pytest.raises(RuntimeError, match="no episode is under way"):
        env.step(0)
    start(env)
    for _ in range(LENGTH):
        env.step(0)
    with pytest.raises(RuntimeError, match="no episode is under way"):
        env.step(0)
