"""What the contracts of models share: which there are here, and what is known of each."""

import pytest

from fixtures.baselines import deviations
from fixtures.environments.variants import VARIANTS
from fixtures.probing.probe import untrained
from fixtures.rllib import matrix as offers
from fixtures.rllib.backends import BACKENDS
from fixtures.rllib.matrix import Subject
from fixtures.rllib.network_check import MARKS
from fixtures.stack import installed as stack

__all__ = ["SUBJECTS", "WITH_MEMORY", "algorithm", "known", "over"]

SUBJECTS = [Subject(backend, name) for backend in offers.installed() for name in VARIANTS]

WITH_MEMORY = [each for each in SUBJECTS if VARIANTS[each.variant].network in MARKS]


def known(contract, subject):
    """Return the marks of a subject: what is known of it before it is looked at.

    A skip where it is not offered, and a strict xfail where RLlib is known to break the contract.
    """
    why = offers.not_offered(VARIANTS[subject.variant], BACKENDS[subject.backend])
    if why:
        return [pytest.mark.skip(reason=f"{subject}: not offered: {why}")]
    reason = deviations.reason(stack.name(subject.backend), contract, subject.variant)
    # A crash is no deviation.
    mark = pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)
    return [mark] if reason else []


def over(subjects):
    """Return a decorator that runs a contract on subjects, with what is known of each."""

    def decorate(contract):
        cases = [
            pytest.param(each, id=str(each), marks=known(contract.__name__, each))
            for each in subjects
        ]
        return pytest.mark.parametrize("subject", cases)(contract)

    return decorate


def algorithm(subject):
    """Return the Untrained of a subject."""
    return untrained(subject.variant, subject.backend)
