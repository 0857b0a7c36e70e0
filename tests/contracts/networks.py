"""What the contracts of models share: which models there are here, and what is known of each."""

import pytest

from fixtures.baselines import deviations
from fixtures.environments.variants import CARTPOLE, VARIANTS
from fixtures.probing.probe import probe
from fixtures.rllib.backends import BACKENDS
from fixtures.rllib.matrix import Subject, installed_backends, why_not_offered
from fixtures.rllib.network_check import MARKS
from fixtures.stack import installed

__all__ = ["SUBJECTS", "WITH_MEMORY", "known", "over", "probe_of"]

SUBJECTS = [
    Subject(backend, row.name)
    for backend in installed_backends()
    for row in VARIANTS.values()
    if row.environment == CARTPOLE
]
"""Each backend with each variant of CartPole. Cue recall is read by networks that are among theirs
and that play a script whatever the task is."""

WITH_MEMORY = [subject for subject in SUBJECTS if VARIANTS[subject.variant].network in MARKS]


def known(contract, subject):
    """Return the marks of a subject: what is known of it before it is probed.

    A skip where it is not offered, and a strict xfail where RLlib is known to break the contract.
    """
    why = why_not_offered(BACKENDS[subject.backend], VARIANTS[subject.variant])
    if why:
        return [pytest.mark.skip(reason=f"{subject}: not offered: {why}")]
    stack = installed.stack_name(subject.backend)
    reason = deviations.reason(stack, contract, subject.variant)
    # A crash is no deviation.
    mark = pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)
    return [mark] if reason else []


def over(subjects):
    """Return a decorator that runs a contract on subjects, with what is known of each."""

    def decorate(contract):
        cases = [
            pytest.param(
                subject,
                id=str(subject),
                marks=[pytest.mark.of_subject(subject), *known(contract.__name__, subject)],
            )
            for subject in subjects
        ]
        return pytest.mark.model_contract(pytest.mark.parametrize("subject", cases)(contract))

    return decorate


def probe_of(subject):
    """Return the Probe of a subject."""
    return probe(*subject)
