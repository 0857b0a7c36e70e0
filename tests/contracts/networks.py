"""What the contracts of models share: which models there are here, and what is known of each."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from fixtures.baselines import deviations
from fixtures.common.releases import version_of
from fixtures.environments.variants import CARTPOLE, VARIANTS
from fixtures.probing.probe import probe
from fixtures.rllib.backends import BACKENDS
from fixtures.rllib.matrix import Subject, installed_backends, why_not_offered
from fixtures.rllib.network_check import MARKS
from fixtures.stack import installed

__all__ = ["LEARNING", "SUBJECTS", "TWO_MEMORIES", "WITH_MEMORY", "known", "over", "probe_of"]

SUBJECTS = [
    Subject(backend, row.name)
    for backend in installed_backends()
    for row in VARIANTS.values()
    if row.environment == CARTPOLE
]
"""Each backend with each variant of CartPole. Cue recall is read by networks that are among theirs
and that play a script whatever the task is."""

WITH_MEMORY = [subject for subject in SUBJECTS if VARIANTS[subject.variant].network in MARKS]


class Askable(NamedTuple):
    """From which release on a contract can be asked of a memory.

    Attributes:
        since: {backend: the first release}.
        why: not before, in words.
    """

    since: Mapping[str, str]
    why: str


LEARNING = Askable(
    {"rlmodule-torch": "2.36.0"}, "RLlib fails to learn from several parts of an episode"
)
"""For contracts that learn from episodes in parts, as sampling cuts them into fragments.

Before, the learner's connectors join the parts that a batch has of an episode and then cut
sequences, but list states, lengths and mask for each part: PyTorch refuses the update (2.20.0,
2.31.0 and 2.35.0 were seen to). 2.10.0 ends in a KeyError of its own loss.
"""

TWO_MEMORIES = Askable(
    {"rlmodule-torch": "2.38.0"}, "PPO has no setting _model_config, which asks for two memories"
)


def known(contract, subject, askable=None):
    """Return the marks of a subject: what is known of it before it is probed.

    A skip where it is not offered or cannot be asked, and a strict xfail where RLlib is known to
    break the contract.
    """
    why = why_not_offered(BACKENDS[subject.backend], VARIANTS[subject.variant])
    if why:
        return [pytest.mark.skip(reason=f"{subject}: not offered: {why}")]
    if askable and subject in WITH_MEMORY:
        first = askable.since.get(subject.backend, "0")
        if version_of(installed.release()) < version_of(first):
            why = f"{subject}: not asked: before ray {first} {askable.why}"
            return [pytest.mark.skip(reason=why)]
    stack = installed.stack_name(subject.backend)
    reason = deviations.reason(stack, contract, subject.variant)
    # A crash is no deviation.
    mark = pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)
    return [mark] if reason else []


def over(subjects, askable=None):
    """Return a decorator that runs a contract on subjects, with what is known of each.

    Args:
        subjects: that are asked.
        askable: an Askable, or None for all releases.
    """

    def decorate(contract):
        cases = [
            pytest.param(
                subject,
                id=str(subject),
                marks=[
                    pytest.mark.of_subject(subject),
                    *known(contract.__name__, subject, askable),
                ],
            )
            for subject in subjects
        ]
        return pytest.mark.model_contract(pytest.mark.parametrize("subject", cases)(contract))

    return decorate


def probe_of(subject):
    """Return the Probe of a subject."""
    return probe(*subject)
