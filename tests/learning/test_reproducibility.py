"""The same seed gives the same bits: in another process, and in the stored records."""

import pytest

from fixtures.record import differences
from fixtures.report import differing_versions
from fixtures.trials import command


@pytest.mark.fresh
def test_the_same_seed_in_two_processes_gives_the_same_bits(trial, plan, name):
    """One process is forked from one that had only imported RLlib; one is started anew."""
    seed = plan.seeds[0]
    first, second = trial(name, seed), trial(name, seed, fresh=True)
    found = differences(first, second)
    assert not found, f"{name}, seed {seed}, trained twice here: {'; '.join(found)}"


@pytest.mark.own
def test_a_stored_record_is_trained_again_to_the_last_bit(trial, plan, name, seed):
    """Demanded on the platform of the record only, and with the very same software."""
    stored, again = plan.baselines[name].record(seed), trial(name, seed)
    others = differing_versions(plan.baselines[name], again)
    if stored["platform"] != again["platform"]:
        others.append(f"platform {stored['platform']} -> {again['platform']}")
    if others:
        pytest.skip(
            f"bit identity is not demanded, the learned reward alone counts: {', '.join(others)}"
        )
    found = differences(stored, again)
    if found:
        pytest.fail(
            f"{name}, seed {seed}, is not what {stored['stack']} recorded with the same versions"
            f" on this platform. First difference: {found[0]}; all: {'; '.join(found)}.\n"
            f"repeat it alone: {command(again)}",
            pytrace=False,
        )
