"""What RLlib learns from each step is what generalised advantage estimation makes of it.

A step's advantage is A_t = sum over l of (gamma * lambda)^l * delta_{t+l}, up to the last step
that was sampled of its episode, with delta_t = r_t + gamma * V(s_{t+1}) - V(s_t); the target of
its value is A_t + V(s_t) (Schulman et al., 2016, https://arxiv.org/abs/1506.02438, equation 16).
V(s_{t+1}) is 0 where the episode terminated, and there only: what a time limit cut short, or the
end of sampling, would have gone on.

RLlib samples a script, and all of this is worked out again by hand. V is read from the model.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from fixtures.environments.scripted import Episode
from fixtures.environments.variants import VARIANTS
from fixtures.probing.probe import BATCH, FRAGMENT
from fixtures.rllib.model_reading import read_stepwise
from tests.contracts.networks import LEARNING, SUBJECTS, WITH_MEMORY, over, probe_of
from tests.contracts.sequences import assert_equal_but_for_rounding
from tests.contracts.test_memory import observed

READ = [subject for subject in SUBJECTS if VARIANTS[subject.variant].network != "frame_stacking"]
"""All but the model that views past actions and rewards, which the suite's reading does not."""

TERMINATED, TRUNCATED, CUT = (
    "terminated",
    "truncated by a time limit",
    "cut by the end of sampling",
)
"""Why a part of an episode goes no further."""

SEQUENCE = 20
"""Steps of the sequences that RLlib cuts for a memory, by its defaults."""

# Of each episode its steps, and whether a time limit ends it. Some ends coincide with the end of a
# fragment of 50 steps, whether or not the sampler plays another step before the first. Parts are
# up to twice as long as a sequence and more, and the past up to twice as long as GTrXL's memory
# of 50. The last episode outlasts the batch.
LENGTHS = (
    (9, False),
    (12, True),
    (2, False),
    (2, True),
    (23, False),
    (1, False),
    (1, True),
    (99, True),
    (1, False),
    (40, True),
    (20, False),
    (49, True),
    (100, False),
)


def script():
    """Return the Episodes that are sampled; no two observations are alike."""
    random = np.random.default_rng(0)
    # Far apart, so that values are: as far as CartPole's bounds allow.
    extent = np.array([2, 2, 0.2, 2])
    return [
        Episode(
            random.uniform(-extent, extent, (steps + 1, 4)).astype(np.float32),
            # Small, so that a target owes much to the value that it ends in.
            random.uniform(-0.1, 0.1, steps),
            truncated,
        )
        for steps, truncated in LENGTHS
    ]


NOTHING = Episode.shown(np.zeros((1, 4), np.float32))
"""What the environment plays before the script begins."""


class CannotTell(Exception):
    """The values are so small that it makes no difference which end an episode has."""


class Part(NamedTuple):
    """Steps that were sampled of one episode without a break.

    Attributes:
        rows: where they are in the training batch, a slice of length n.
        end: TERMINATED, TRUNCATED or CUT.
        rewards: (n,)
        values: (n + 1,), V of each step's observation, and of the one that followed the last.
    """

    rows: slice
    end: str
    rewards: np.ndarray
    values: np.ndarray

    def fills_sequences(self):
        """Return whether RLlib cuts it into whole sequences, with no step left over."""
        return len(self.rewards) % SEQUENCE == 0


def parted(episodes, values):
    """Yield the Parts that a training batch has of episodes that are sampled one after another.

    Args:
        episodes: a list of Episodes.
        values: of each, (T + 1,).
    """
    row = 0
    for (_, rewards, truncated), of_episode in zip(episodes, values):
        begin = 0
        while begin < len(rewards) and row < BATCH:
            end = min(len(rewards), begin + FRAGMENT - row % FRAGMENT)
            why = CUT if end < len(rewards) else TRUNCATED if truncated else TERMINATED
            rows = slice(row, row + end - begin)
            yield Part(rows, why, rewards[begin:end], of_episode[begin : end + 1])
            row, begin = rows.stop, end


def estimates(rewards, values, terminated, gamma, lambda_):
    """Return (targets, advantages), both (n,), of steps without a break, by their definition.

    Args:
        rewards: (n,)
        values: (n + 1,), see ``Part``.
        terminated: whether there is nothing after the last step.
        gamma: the discount of rewards.
        lambda_: the discount of deltas, beside gamma.
    """
    following = np.array(values[1:])
    if terminated:
        following[-1] = 0
    deltas = rewards + gamma * following - values[:-1]
    steps = np.arange(len(deltas))
    weights = np.triu((gamma * lambda_) ** np.abs(steps - steps[:, None]))
    advantages = weights @ deltas
    return advantages + values[:-1], advantages


class Lesson(NamedTuple):
    """A training batch, as RLlib made it, and the Parts that it should be made of.

    Attributes:
        parts: in the order of sampling.
        shown: (BATCH, k), what the variant shows of all steps that were sampled.
        observations: (n, k), those that were gathered.
        targets: (n,)
        advantages: (n,)
        minibatches: the Steps of each, see ``fixtures.rllib.spy``.
        discounts: gamma and lambda, as RLlib resolved them.
    """

    parts: list
    shown: np.ndarray
    observations: np.ndarray
    targets: np.ndarray
    advantages: np.ndarray
    minibatches: list
    discounts: tuple

    def ending(self, *ends, filled=False):
        """Return the Parts with one of these ends, those that fill sequences or the others."""
        return [
            part for part in self.parts if part.end in ends and part.fills_sequences() == filled
        ]

    def values(self):
        """Return V of each step that was sampled, (BATCH,)."""
        return np.concatenate([part.values[:-1] for part in self.parts])

    def raw_advantages(self):
        """Return the advantages before they were standardised, if they were, (n,).

        A batch has one shift and one scale, which follow from what the targets make of it.
        """
        assert len(self.targets) == BATCH
        scale, shift = np.polyfit(self.targets - self.values(), self.advantages, 1)
        assert scale > 0
        return (self.advantages - shift) / scale

    def row_of(self):
        """Return {the bytes of an observation: the row of the batch that it is in}."""
        return {observation.tobytes(): row for row, observation in enumerate(self.observations)}


@cache
def lesson(probe, variant):
    """Return the Lesson that a variant's Probe has of the script."""
    gathered, minibatches = probe.learn(script())
    observations, targets, advantages = (
        np.concatenate([steps[name] for steps in gathered])
        for name in ("observations", "targets", "advantages")
    )
    # Some samplers step once more before they begin anew.
    before = int(observations.any(axis=1).argmax())
    episodes = [NOTHING] * before + script()
    shown = [observed(variant, episode.observations) for episode in episodes]
    values = [
        read_stepwise(probe.model, one[None], probe.model.initial(1)).values[0] for one in shown
    ]
    config = probe.algorithm.config
    return Lesson(
        list(parted(episodes, [np.float64(one) for one in values])),
        np.concatenate([one[:-1] for one in shown])[:BATCH],
        observations,
        targets,
        advantages,
        [minibatch["learned"] for minibatch in minibatches],
        (config["gamma"], config["lambda"]),
    )


def lesson_of(subject):
    """Return the Lesson of a subject."""
    return lesson(probe_of(subject), subject.variant)


def check(learned, parts):
    """Assert that targets and advantages of Parts are what they should be.

    Raises:
        CannotTell: if they would be the same with another end.
    """
    right, wrong = (
        [
            estimates(rewards, values, (end == TERMINATED) == truly, *learned.discounts)
            for _, end, rewards, values in parts
        ]
        for truly in (True, False)
    )
    difference = max(abs(one[-1] - other[-1]) for (one, _), (other, _) in zip(right, wrong))
    if difference < 1e-4:
        raise CannotTell(f"the last targets would differ by no more than {difference:.0e}")
    raw = learned.raw_advantages()
    for part, (targets, advantages) in zip(parts, right):
        assert_equal_but_for_rounding(learned.targets[part.rows], targets)
        assert_equal_but_for_rounding(raw[part.rows], advantages)


@over(READ, LEARNING)
def test_the_steps_that_were_sampled_are_learned_from_and_no_others(subject):
    """RLlib appends steps of its own to episodes, and pads them: those are left out."""
    learned = lesson_of(subject)
    assert np.array_equal(learned.observations, learned.shown)
    row_of = learned.row_of()
    assert learned.minibatches
    for steps in learned.minibatches:
        rows = [row_of.get(observation.tobytes()) for observation in steps["observations"]]
        assert rows and None not in rows
        # What is learned from is what was made of the batch.
        assert (steps["targets"] == learned.targets[rows]).all()


@over(READ, LEARNING)
def test_after_a_termination_nothing_is_expected(subject):
    """V(s_{t+1}) is 0."""
    learned = lesson_of(subject)
    check(learned, learned.ending(TERMINATED))


@over(READ, LEARNING)
def test_after_a_time_limit_the_value_of_the_final_observation_is_expected(subject):
    """V(s_{t+1}) is that of the observation which came with the truncation, and of its past."""
    learned = lesson_of(subject)
    check(learned, learned.ending(TRUNCATED))


@over(READ, LEARNING)
def test_where_sampling_ends_the_value_of_the_next_observation_is_expected(subject):
    """V(s_{t+1}) is that of the observation which the next fragment begins with."""
    learned = lesson_of(subject)
    check(learned, learned.ending(CUT))


@over(WITH_MEMORY, LEARNING)
def test_what_is_expected_after_whole_sequences_is_the_value_with_all_of_its_past(subject):
    """Where no step is left over, what follows would begin another sequence."""
    learned = lesson_of(subject)
    check(learned, learned.ending(TRUNCATED, CUT, filled=True))


@over(READ, LEARNING)
def test_advantages_are_standardised_over_the_steps_that_are_learned_from(subject):
    """Their mean is 0 over the training batch, and their standard deviation is 1."""
    learned = lesson_of(subject)
    raw, row_of = learned.raw_advantages(), learned.row_of()
    standardised = (raw - raw.mean()) / raw.std()
    for steps in learned.minibatches:
        rows = [row_of[observation.tobytes()] for observation in steps["observations"]]
        assert_equal_but_for_rounding(steps["advantages"], standardised[rows])
