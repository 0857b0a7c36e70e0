"""What the contracts of memory draw: sequences to read and episodes to play."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

__all__ = [
    "SEQUENCES",
    "Script",
    "Sequences",
    "assert_equal_but_for_rounding",
    "scripts",
]


class Sequences(NamedTuple):
    """Sequences of a training batch; only the model that reads them says how wide they are.

    Attributes:
        lengths: of each sequence.
        padding: steps beyond the longest.
        past: steps of the same episodes that were read before.
        seed: of all that is observed.
    """

    lengths: tuple
    padding: int
    past: int
    seed: int

    @property
    def steps(self):
        """Number of steps, padding included."""
        return max(self.lengths) + self.padding

    def inputs(self, model):
        """Return inputs (batch, steps, k), as large as CartPole's observations, with padding."""
        return self._drawn(model, self.steps)

    def before(self, model):
        """Return the inputs that were read before, (batch, past, k)."""
        return self._drawn(model, self.past)

    def mask(self):
        """Return which steps are no padding, (batch, steps)."""
        return np.arange(self.steps) < np.array(self.lengths)[:, None]

    def _drawn(self, model, steps):
        random = np.random.default_rng((self.seed, steps))
        drawn = random.uniform(-2, 2, (len(self.lengths), steps, model.size))
        return drawn.astype(np.float32)


SEQUENCES = st.builds(
    Sequences,
    # RLlib cuts episodes after 20 steps, and GTrXL remembers 50.
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4).map(tuple),
    padding=st.integers(0, 8),
    past=st.integers(0, 60),
    seed=st.integers(0, 2**32 - 1),
)


class Script(NamedTuple):
    """Episodes for a sampler to play.

    Attributes:
        lengths: of each.
        seed: of all that is observed.
    """

    lengths: tuple
    seed: int

    def episodes(self):
        """Return a list of arrays (T, 4), within the bounds of CartPole's observations."""
        random = np.random.default_rng(self.seed)
        return [random.uniform(-0.2, 0.2, (n, 4)).astype(np.float32) for n in self.lengths]


def scripts(fewest, most):
    """Return a strategy of Scripts of so many episodes, of at least 2 steps each."""
    lengths = st.lists(st.integers(2, 40), min_size=fewest, max_size=most).map(tuple)
    return st.builds(Script, lengths, st.integers(0, 2**32 - 1))


def assert_equal_but_for_rounding(one, other):
    """Assert that two arrays agree up to 1e-5 of their largest value: a hundred roundings."""
    assert one.shape == other.shape
    allowed = 1e-6 + 1e-5 * np.abs(other).max(initial=0)
    apart = np.abs(one - other)
    assert apart.max(initial=0) <= allowed, (
        f"up to {apart.max():.1e} apart, and {np.mean(apart > allowed):.0%} of {apart.size}"
        f" further than the {allowed:.1e} that rounding explains"
    )
